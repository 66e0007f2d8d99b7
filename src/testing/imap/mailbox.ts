/** A mailbox of the in-memory IMAP server: its messages, their numbers for ever, and who looks at it. */
import type { ImapMailboxInput, ImapMessageState } from "./mailbox-input.js";
import { encoded, type ImapMessageInput, type ImapMessages, Kept, Made, Message } from "./message.js";

/** Someone who has the mailbox selected. */
export interface Watcher {
  /** Messages came, went, or have other flags (those that are named). */
  changed(message?: Message): void;
}

/** What mailboxes share. */
export interface MailboxPlace {
  now(): Date;
  uidValidity(): number;
  emailId(): string;
  /** Called behind every change. */
  touched(mailbox: ImapMailbox): void;
}

/** Flags that every mailbox has. */
export const SYSTEM_FLAGS = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];

export class ImapMailbox {
  /** The name, decoded, with the server's delimiter in it. */
  name: string;
  /** Give it another value to make clients forget what they know. */
  uidValidity: number;
  /** The UID of the next message. */
  uidNext: number;
  /** The largest mod-sequence. */
  highestModseq = 1;
  /** @internal */
  readonly watchers = new Set<Watcher>();
  /** @internal */
  readonly acl: Map<string, string>;
  /** Octets, by the entry's name in lower case. @internal */
  readonly metadata: Map<string, string>;
  /** @internal */
  readonly specialUse: readonly string[];
  /** The first UID that no session was told of as \Recent. @internal */
  recentFrom = 1;
  /** In the order of their UIDs. @internal */
  all: Message[] = [];
  /** @internal */
  readonly id: string;
  readonly #options: ImapMailboxInput;
  readonly #place: MailboxPlace;
  /** How each flag was first spelt, by its name in lower case. */
  readonly #spelling = new Map(SYSTEM_FLAGS.map((flag) => [flag.toLowerCase(), flag]));
  #expunged: { uid: number; modseq: number }[] = [];

  /** @internal */
  constructor(name: string, options: ImapMailboxInput, place: MailboxPlace) {
    this.name = name;
    this.#options = options;
    this.#place = place;
    this.uidValidity = options.uidValidity ?? place.uidValidity();
    this.uidNext = options.uidNext ?? 1;
    this.id = `F${this.uidValidity}`;
    this.specialUse = [options.specialUse ?? []].flat();
    this.acl = new Map(Object.entries(options.acl ?? {}));
    const entries = Object.entries(options.metadata ?? {});
    this.metadata = new Map(entries.map(([entry, value]) => [entry.toLowerCase(), encoded(value).toString("latin1")]));
    this.#fill(options.messages ?? []);
  }

  /** How many messages there are. */
  get count(): number {
    return this.all.length;
  }

  /** Their UIDs, in order. */
  get uids(): number[] {
    return this.all.map(({ uid }) => uid);
  }

  /** What the server knows of each message, in order. */
  get messages(): ImapMessageState[] {
    return this.all.map(({ uid, flags, internalDate, content, modseq }) => {
      return { uid, flags: [...flags], internalDate, size: content.size, modseq };
    });
  }

  /** The bytes of a message. Throws when there is none. */
  content(uid: number): Buffer {
    const { content } = this.#byUid(uid);
    return Buffer.concat([...content.read(0, content.size)]);
  }

  /** Puts a message behind the others, as if it had just been delivered: whoever looks is told. Gives its UID. */
  add(input: ImapMessageInput): number {
    const fields = typeof input === "string" || input instanceof Uint8Array ? { content: input } : input;
    const { content, flags = [], internalDate = this.#place.now(), uid = this.uidNext } = fields;
    if (uid < this.uidNext) throw new Error(`ImapMailbox: UID ${uid} is below UIDNEXT`);
    this.uidNext = uid;
    return this.put({ content: new Kept(encoded(content)), flags, internalDate }).uid;
  }

  /** Expunges messages, as if another client had. Nothing happens to those that are not there. */
  expunge(...uids: number[]): void {
    const gone = new Set(uids);
    this.remove(this.all.filter(({ uid }) => gone.has(uid)));
  }

  /** Sets the flags of a message, as if another client had. Throws when there is none. */
  setFlags(uid: number, flags: readonly string[]): void {
    this.change(this.#byUid(uid), flags);
  }

  /** @internal */
  get selectable(): boolean {
    return !this.#options.noselect;
  }

  /** @internal */
  get readOnly(): boolean {
    return this.#options.readOnly ?? false;
  }

  /** @internal */
  get hasModseq(): boolean {
    return this.#options.modseq ?? true;
  }

  /** @internal */
  get newKeywords(): boolean {
    return this.#options.newKeywords ?? true;
  }

  /** Flags and keywords that messages have had. @internal */
  get known(): string[] {
    return [...this.#spelling.values()];
  }

  /** Puts a message behind the others. @internal */
  put(kept: Pick<Message, "content" | "flags" | "internalDate"> & { emailId?: string | undefined }): Message {
    const { content, internalDate, emailId = this.#place.emailId() } = kept;
    const flags = this.#known(kept.flags);
    const modseq = ++this.highestModseq;
    const saveDate = this.#place.now();
    const message = new Message({ uid: this.uidNext++, content, internalDate, saveDate, emailId, flags, modseq });
    this.all.push(message);
    this.#tell();
    return message;
  }

  /** Expunges messages. @internal */
  remove(messages: readonly Message[]): void {
    const there = messages.filter((message) => !message.gone);
    if (there.length === 0) return;
    const modseq = ++this.highestModseq;
    for (const message of there) {
      message.gone = true;
      this.#expunged.push({ uid: message.uid, modseq });
    }
    this.all = this.all.filter((message) => !message.gone);
    this.#tell();
  }

  /** Gives a message other flags; nothing happens where they are the same. @internal */
  change(message: Message, flags: readonly string[]): void {
    const next = this.#known(flags);
    if (next.length === message.flags.length && next.every((flag) => message.has(flag))) return;
    message.flags = next;
    message.modseq = ++this.highestModseq;
    this.#tell(message);
  }

  /** UIDs expunged behind this mod-sequence. @internal */
  expungedSince(modseq: number): number[] {
    const uids = this.#expunged.filter((each) => each.modseq > modseq).map(({ uid }) => uid);
    return uids.sort((a, b) => a - b);
  }

  /** Takes all messages of another mailbox (RENAME of INBOX). @internal */
  takeAll(from: ImapMailbox): void {
    const moved = from.all;
    from.remove(moved);
    for (const { content, flags, internalDate, emailId } of moved) this.put({ content, flags, internalDate, emailId });
  }

  #byUid(uid: number): Message {
    const message = this.all.find((each) => each.uid === uid);
    if (!message) throw new Error(`ImapMailbox: no message with UID ${uid}`);
    return message;
  }

  #fill(messages: ImapMessages): void {
    if (!("generate" in messages)) {
      for (const message of messages) this.add(message);
      return;
    }
    const first = Date.UTC(2026, 0, 1);
    const saveDate = this.#place.now();
    for (let number = 1; number <= messages.generate; number++) {
      const content = new Made(number, messages);
      const flags = messages.flags ? this.#known(messages.flags(number)) : [];
      const internalDate = messages.internalDate?.(number) ?? new Date(first + number * 60_000);
      const emailId = this.#place.emailId();
      const modseq = ++this.highestModseq;
      this.all.push(new Message({ uid: this.uidNext++, content, flags, internalDate, saveDate, emailId, modseq }));
    }
  }

  /** Flags once each, in the spelling they were first stored in. */
  #known(flags: readonly string[]): string[] {
    const known = new Map<string, string>();
    for (const flag of flags) {
      const key = flag.toLowerCase();
      const spelt = this.#spelling.get(key) ?? flag;
      this.#spelling.set(key, spelt);
      known.set(key, spelt);
    }
    return [...known.values()];
  }

  #tell(message?: Message): void {
    for (const watcher of this.watchers) watcher.changed(message);
    this.#place.touched(this);
  }
}
