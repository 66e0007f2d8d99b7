/** What a client wants to hear of without asking (RFC 5465), and what it has not heard yet. */
import type { FetchItem } from "./fetch-items.js";
import type { ImapMailbox } from "./mailbox.js";
import { wireName } from "./mailbox-name.js";
import type { TreeEvent } from "./mailboxes.js";
import { astring, nstring, octets, string } from "./reply.js";
import { may } from "./rights.js";
import type { Session } from "./session.js";
import { tellStatus } from "./status.js";

/** Events of some mailboxes. */
export interface NotifyGroup {
  /** The open mailbox is meant; `delayed`: expunged messages are told with the next answer only. */
  readonly selected: "no" | "at-once" | "delayed";
  /** Whether a mailbox that is not open is meant. */
  concerns(name: string): boolean;
  /** In upper case. */
  readonly events: ReadonlySet<string>;
  /** What is given of new messages. */
  readonly items: readonly FetchItem[];
}

interface Known {
  readonly count: number;
  readonly uidNext: number;
}

export class NotifyPlan {
  readonly #session: Session;
  readonly #groups: readonly NotifyGroup[];
  readonly #known = new Map<ImapMailbox, Known>();
  readonly #touched = new Set<ImapMailbox>();
  readonly #events: TreeEvent[] = [];
  readonly #watcher = (event: TreeEvent) => this.#heard(event);

  constructor(session: Session, groups: readonly NotifyGroup[]) {
    this.#session = session;
    this.#groups = groups;
    const { tree } = session;
    for (const mailbox of tree.nodes.values()) if (mailbox) this.#known.set(mailbox, stateOf(mailbox));
    tree.watchers.add(this.#watcher);
  }

  /** Hears nothing any more. */
  stop(): void {
    this.#session.tree.watchers.delete(this.#watcher);
  }

  /** What is told of the open mailbox; undefined: nothing. */
  get news(): { flags: boolean; items: readonly FetchItem[] } | undefined {
    const group = this.#groups.find(({ selected }) => selected !== "no");
    if (!group?.events.has("MESSAGENEW")) return undefined;
    return { flags: group.events.has("FLAGCHANGE"), items: group.items };
  }

  /** STATUS of every mailbox whose messages are of interest. */
  tellAll(): void {
    for (const [name, mailbox] of this.#session.tree.nodes) {
      const group = this.#groupOf(name);
      if (mailbox?.selectable && group?.events.has("MESSAGENEW")) this.#tellStatus(mailbox, group);
    }
  }

  /** Tells what has happened to mailboxes that are not open. */
  tell(): void {
    for (const event of this.#events.splice(0)) if (event.kind !== "messages") this.#tellName(event);
    for (const mailbox of this.#touched) {
      const before = this.#known.get(mailbox);
      this.#known.set(mailbox, stateOf(mailbox));
      const group = this.#groupOf(mailbox.name);
      if (group?.events.has(kindOf(mailbox, before))) this.#tellStatus(mailbox, group);
    }
    this.#touched.clear();
  }

  #heard(event: TreeEvent): void {
    if (event.kind === "messages") this.#touched.add(event.mailbox);
    else this.#events.push(event);
    this.#session.channel.stir();
  }

  /** The first group that means it holds (RFC 5465 6). */
  #groupOf(name: string): NotifyGroup | undefined {
    const open = this.#session.state.selected?.mailbox.name === name;
    return open ? undefined : this.#groups.find((group) => group.selected === "no" && group.concerns(name));
  }

  #tellStatus(mailbox: ImapMailbox, { events }: NotifyGroup): void {
    const { condstore, user } = this.#session;
    if (!may(mailbox, user, "r")) return;
    const flags = events.has("FLAGCHANGE") ? ["UNSEEN"] : [];
    const modseq = condstore ? ["HIGHESTMODSEQ"] : [];
    tellStatus(this.#session, mailbox, ["MESSAGES", "UIDNEXT", "UIDVALIDITY", ...flags, ...modseq]);
  }

  #tellName(event: Exclude<TreeEvent, { kind: "messages" }>): void {
    const { tree, utf8 } = this.#session;
    const wanted = event.kind === "name" ? "MAILBOXNAME" : "SUBSCRIPTIONCHANGE";
    const group = this.#groups.find(({ selected, concerns }) => selected === "no" && concerns(event.name));
    if (!group?.events.has(wanted)) return;
    const words = tree.get(event.name) ? [] : ["\\NonExistent"];
    if (tree.subscriptions.has(event.name)) words.push("\\Subscribed");
    const shown = (name: string) => astring(wireName(name, utf8), utf8);
    const from = event.kind === "name" ? event.from : undefined;
    const old = from === undefined ? "" : ` ("OLDNAME" (${string(wireName(from, utf8), utf8)}))`;
    const delimiter = nstring(octets(tree.delimiter) || undefined);
    this.#session.untagged(`LIST (${words.join(" ")}) ${delimiter} ${shown(event.name)}${old}`);
  }
}

function stateOf({ count, uidNext }: ImapMailbox): Known {
  return { count, uidNext };
}

/** What must have happened, as there were so many messages before. */
function kindOf({ count, uidNext }: ImapMailbox, before: Known | undefined): string {
  if (!before || uidNext > before.uidNext) return "MESSAGENEW";
  return count < before.count ? "MESSAGEEXPUNGE" : "FLAGCHANGE";
}
