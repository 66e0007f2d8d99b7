/** The mailboxes of a user: a tree by their names, and what the user has subscribed to. */
import { ImapMailbox, type MailboxPlace } from "./mailbox.js";
import type { ImapMailboxInput } from "./mailbox-input.js";
import { inbox } from "./mailbox-name.js";

/** What the mailboxes of all users share. */
export interface TreePlace extends Omit<MailboxPlace, "touched"> {
  readonly delimiter: string;
}

/** Quota of a user (RFC 9208). */
export interface ImapQuota {
  /** KiB of messages. Default: no limit. */
  storage?: number | undefined;
  /** Messages. Default: no limit. */
  messages?: number | undefined;
}

/** What has happened: to the messages of a mailbox, to a name (made, gone, or had another before), to a subscription. */
export type TreeEvent =
  | { readonly kind: "messages"; readonly mailbox: ImapMailbox }
  | { readonly kind: "name"; readonly name: string; readonly from?: string | undefined }
  | { readonly kind: "subscription"; readonly name: string };

export class ImapMailboxes {
  /** Between the levels of a name. */
  readonly delimiter: string;
  /** Change it at any time. */
  quota: ImapQuota;
  /** Entries of the server, as this user sees them (RFC 5464). @internal */
  readonly metadata = new Map<string, string>();
  /** Whoever wants to know of every change (NOTIFY). @internal */
  readonly watchers = new Set<(event: TreeEvent) => void>();
  readonly #subscriptions = new Set<string>();
  readonly #all = new Map<string, ImapMailbox>();
  readonly #place: MailboxPlace;

  /** @internal */
  constructor(mailboxes: Record<string, ImapMailboxInput>, quota: ImapQuota, place: TreePlace) {
    this.delimiter = place.delimiter;
    this.quota = quota;
    this.#place = { ...place, touched: (mailbox) => this.#tell({ kind: "messages", mailbox }) };
    for (const [name, options] of Object.entries({ INBOX: {}, ...mailboxes })) this.create(name, options);
  }

  /** Their names, in the order they were made. */
  get names(): string[] {
    return [...this.#all.keys()];
  }

  /** Names that are subscribed to, also such that do not exist. */
  get subscriptions(): ReadonlySet<string> {
    return this.#subscriptions;
  }

  /** A mailbox by its name (INBOX in any case). */
  get(name: string): ImapMailbox | undefined {
    return this.#all.get(inbox(name));
  }

  /** Makes a mailbox. Throws where it exists already. */
  create(name: string, options: ImapMailboxInput = {}): ImapMailbox {
    const known = inbox(name);
    if (this.#all.has(known)) throw new Error(`ImapMailboxes: ${name} exists already`);
    const mailbox = new ImapMailbox(known, options, this.#place);
    this.#all.set(known, mailbox);
    if (options.subscribed ?? true) this.#subscriptions.add(known);
    this.#tell({ kind: "name", name: known });
    return mailbox;
  }

  /** Removes a mailbox, not those below it. Nothing happens where there is none. */
  delete(name: string): void {
    if (this.#all.delete(inbox(name))) this.#tell({ kind: "name", name: inbox(name) });
  }

  /** Adds a name to the subscriptions, or takes it out. */
  subscribe(name: string, subscribed = true): void {
    if (subscribed) this.#subscriptions.add(inbox(name));
    else this.#subscriptions.delete(inbox(name));
    this.#tell({ kind: "subscription", name: inbox(name) });
  }

  /** Gives a mailbox, and all below it, another name. Throws where it cannot be. */
  rename(from: string, to: string): void {
    if (this.get(to)) throw new Error(`ImapMailboxes: ${to} exists already`);
    const below = inbox(from) + this.delimiter;
    const moved = [...this.#all.values()].filter(({ name }) => name === inbox(from) || name.startsWith(below));
    if (moved.length === 0) throw new Error(`ImapMailboxes: no mailbox ${from}`);
    for (const mailbox of moved) {
      const { name } = mailbox;
      mailbox.name = inbox(to) + name.slice(inbox(from).length);
      this.#all.delete(name);
      this.#all.set(mailbox.name, mailbox);
      this.#tell({ kind: "name", name: mailbox.name, from: name });
    }
  }

  /** Every name there is, with those that are only superior to others. @internal */
  get nodes(): Map<string, ImapMailbox | undefined> {
    const nodes = new Map<string, ImapMailbox | undefined>(this.#all);
    for (const name of this.#all.keys()) {
      for (const superior of this.superiors(name)) if (!nodes.has(superior)) nodes.set(superior, undefined);
    }
    return nodes;
  }

  /** The names above a name. @internal */
  superiors(name: string): string[] {
    if (this.delimiter === "") return [];
    const levels = name.split(this.delimiter);
    return levels.slice(1).map((_, at) => levels.slice(0, at + 1).join(this.delimiter));
  }

  /** What is used of the quota. @internal */
  get usage(): { bytes: number; messages: number } {
    const usage = { bytes: 0, messages: 0 };
    for (const { all } of this.#all.values()) {
      usage.messages += all.length;
      for (const { content } of all) usage.bytes += content.size;
    }
    return usage;
  }

  #tell(event: TreeEvent): void {
    for (const watcher of this.watchers) watcher(event);
  }
}
