/** Where a maildrop of the in-memory POP3 server has its messages: for itself, or in a mailbox that is another server's. */
import { encoded, Kept, Made, type Pop3Mailbox, type Pop3Messages, type Source } from "./message.js";

/** Messages in their order. */
export interface Store {
  /** Those of now. */
  all(): Source[];
  uids(): string[];
  add(content: string | Uint8Array, uid?: string): string;
  /** Removes some that `all()` gave. */
  remove(messages: readonly Source[]): void;
}

/** Messages of the maildrop alone. */
export class OwnStore implements Store {
  #messages: Source[] = [];
  #made = 0;

  constructor(messages: Pop3Messages) {
    if ("generate" in messages) {
      this.#messages = Array.from({ length: messages.generate }, (_, at) => new Made(at + 1, messages));
      return;
    }
    for (const input of messages) {
      if (typeof input === "object" && "content" in input) this.add(input.content, input.uid);
      else this.add(input);
    }
  }

  all(): Source[] {
    return [...this.#messages];
  }

  uids(): string[] {
    return this.#messages.map(({ uid }) => uid);
  }

  add(content: string | Uint8Array, uid?: string): string {
    this.#made += 1;
    const kept = new Kept(uid ?? `uid-${this.#made}`, encoded(content));
    this.#messages.push(kept);
    return kept.uid;
  }

  remove(messages: readonly Source[]): void {
    const gone = new Set(messages);
    this.#messages = this.#messages.filter((message) => !gone.has(message));
  }
}

/** Messages of a mailbox. What a session has seen it can read until its end, whoever expunges it. */
export class SharedStore implements Store {
  readonly #mailbox: Pop3Mailbox;

  constructor(mailbox: Pop3Mailbox) {
    this.#mailbox = mailbox;
  }

  all(): Source[] {
    return this.#mailbox.uids.map((uid) => new Kept(this.#idOf(uid), encoded(this.#mailbox.content(uid))));
  }

  uids(): string[] {
    return this.#mailbox.uids.map((uid) => this.#idOf(uid));
  }

  add(content: string | Uint8Array, uid?: string): string {
    if (uid !== undefined) throw new Error("Pop3Maildrop: the mailbox gives the UIDs");
    return this.#idOf(this.#mailbox.add(encoded(content)));
  }

  remove(messages: readonly Source[]): void {
    const gone = new Set(messages.map(({ uid }) => uid));
    this.#mailbox.expunge(...this.#mailbox.uids.filter((uid) => gone.has(this.#idOf(uid))));
  }

  /** What Dovecot does, too: a mailbox that is numbered anew has other unique-ids. */
  #idOf(uid: number): string {
    return `${this.#mailbox.uidValidity}.${uid}`;
  }
}
