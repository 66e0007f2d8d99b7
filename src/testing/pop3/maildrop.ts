/** A maildrop of the in-memory POP3 server: its messages, and who holds it. */
import type { Pop3Mailbox, Pop3MessageInput, Pop3Messages, Source } from "./message.js";
import { OwnStore, SharedStore, type Store } from "./store.js";

/** A user's messages. A test may read and change them at any time; a session sees those that were there at its login. */
export class Pop3Maildrop {
  /** Held by someone else: logins are refused with `[IN-USE]`. A session sets it as long as it lasts. */
  locked = false;
  /**
   * When a login last succeeded, in milliseconds since 1970.
   *
   * @internal
   */
  lastLogin: number | undefined;
  readonly #store: Store;

  /** @internal */
  constructor(messages: Pop3Messages | Pop3Mailbox = []) {
    this.#store = "expunge" in messages ? new SharedStore(messages) : new OwnStore(messages);
  }

  /** How many messages there are. */
  get count(): number {
    return this.uids.length;
  }

  /** Their unique-ids, in order. */
  get uids(): string[] {
    return this.#store.uids();
  }

  /** The content of a message. Throws when there is none. */
  content(uid: string): Buffer {
    const message = this.#store.all().find((each) => each.uid === uid);
    if (!message) throw new Error(`Pop3Maildrop: no message ${uid}`);
    return Buffer.concat([...message.pieces()]);
  }

  /** Puts a message behind the others; gives its unique-id. Throws for a unique-id in a mailbox that is another server's. */
  add(input: Pop3MessageInput): string {
    const fields = typeof input === "object" && "content" in input ? input : { content: input };
    return this.#store.add(fields.content, fields.uid);
  }

  /** Removes messages. Nothing happens to those that are not there. */
  remove(...uids: string[]): void {
    const gone = new Set(uids);
    this.#store.remove(this.#store.all().filter((message) => gone.has(message.uid)));
  }

  /**
   * The messages, as a session sees them from its login on.
   *
   * @internal
   */
  get sources(): readonly Source[] {
    return this.#store.all();
  }

  /**
   * Removes what a session has marked; unique-ids may be double.
   *
   * @internal
   */
  drop(gone: ReadonlySet<Source>): void {
    this.#store.remove([...gone]);
  }
}
