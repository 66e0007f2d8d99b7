/** A mailbox as a session that has selected it sees it: message numbers, and what the client was not told yet. */
import type { ImapMailbox, Watcher } from "./mailbox.js";
import type { Message } from "./message.js";
import { list } from "./reply.js";
import { compact } from "./sequence.js";

/** How changes are told. */
export interface Telling {
  /** Numbers may change now (RFC 9051 7.5.1). */
  readonly expunge: boolean;
  /** Changed flags are told. */
  readonly flags: boolean;
  /** Expunged messages are told by UID (QRESYNC). */
  readonly vanished: boolean;
  readonly modseq: boolean;
  readonly uid: boolean;
  /** RECENT is told. */
  readonly recent: boolean;
}

export class Selected implements Watcher {
  readonly mailbox: ImapMailbox;
  readonly readOnly: boolean;
  /** By number, less one. */
  view: Message[];
  /** The first UID that is \Recent here. */
  readonly recentFrom: number;
  /** UIDs of the last search with RETURN (SAVE). */
  saved: number[] = [];
  readonly #stir: () => void;
  readonly #touched = new Set<Message>();
  #last: number;
  #stale = false;

  constructor(mailbox: ImapMailbox, readOnly: boolean, stir: () => void) {
    this.mailbox = mailbox;
    this.readOnly = readOnly;
    this.view = [...mailbox.all];
    this.recentFrom = mailbox.recentFrom;
    if (!readOnly) mailbox.recentFrom = mailbox.uidNext;
    this.#last = mailbox.uidNext - 1;
    this.#stir = stir;
    mailbox.watchers.add(this);
  }

  leave(): void {
    this.mailbox.watchers.delete(this);
  }

  changed(message?: Message): void {
    if (message) this.#touched.add(message);
    else this.#stale = true;
    this.#stir();
  }

  /** The client knows this message's flags. */
  told(message: Message): void {
    this.#touched.delete(message);
  }

  isRecent(message: Message): boolean {
    return message.uid >= this.recentFrom;
  }

  get recent(): number {
    let count = 0;
    for (let at = this.view.length - 1; at >= 0 && this.isRecent(this.view[at] as Message); at--) count += 1;
    return count;
  }

  /** The number of a message; 0 where the client knows of none. */
  numberOf(message: Message): number {
    const at = this.position(message.uid);
    return this.view[at]?.uid === message.uid ? at + 1 : 0;
  }

  /** Where the first message with this UID or a larger one is. */
  position(uid: number): number {
    let low = 0;
    let high = this.view.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.view[middle] as Message).uid < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The responses (without `* ` and CRLF) that make the client know what is. */
  *news(how: Telling): Iterable<string> {
    if (this.#stale) {
      if (how.expunge) yield* this.#expunged(how);
      yield* this.#arrived(how);
    }
    if (this.#touched.size === 0 || !how.flags) return;
    const touched = [...this.#touched].sort((a, b) => a.uid - b.uid);
    this.#touched.clear();
    for (const message of touched) {
      const number = this.numberOf(message);
      if (number > 0 && !message.gone) yield `${number} FETCH (${this.flagsOf(message, how)})`;
    }
  }

  /** FLAGS, with what must come along. */
  flagsOf(message: Message, how: Omit<Telling, "expunge" | "flags">): string {
    const recent = how.recent && this.isRecent(message) ? ["\\Recent"] : [];
    const modseq = how.modseq && this.mailbox.hasModseq ? ` MODSEQ (${message.modseq})` : "";
    return `${how.uid ? `UID ${message.uid} ` : ""}FLAGS ${list([...message.flags, ...recent])}${modseq}`;
  }

  *#expunged(how: Telling): Iterable<string> {
    this.#stale = false;
    const gone = this.view.filter((message) => message.gone);
    if (gone.length === 0) return;
    const before = this.view;
    this.view = before.filter((message) => !message.gone);
    if (how.vanished) {
      yield `VANISHED ${compact(gone.map(({ uid }) => uid))}`;
      return;
    }
    let told = 0;
    for (const [at, message] of before.entries()) if (message.gone) yield `${at + 1 - told++} EXPUNGE`;
  }

  *#arrived(how: Telling): Iterable<string> {
    const { all } = this.mailbox;
    let from = all.length;
    while (from > 0 && (all[from - 1] as Message).uid > this.#last) from -= 1;
    if (from === all.length) return;
    for (const message of all.slice(from)) this.view.push(message);
    this.#last = (this.view.at(-1) as Message).uid;
    yield `${this.view.length} EXISTS`;
    if (how.recent) yield `${this.recent} RECENT`;
  }
}
