/** A maildrop of the in-memory POP3 server: its messages, and who holds it. */
import { encoded, Kept, Made, type Pop3MessageInput, type Pop3Messages, type Source } from "./message.js";

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
  #messages: Source[];
  #made = 0;

  /** @internal */
  constructor(messages: Pop3Messages = []) {
    this.#messages = [];
    if ("generate" in messages) {
      this.#messages = Array.from({ length: messages.generate }, (_, at) => new Made(at + 1, messages));
    } else for (const message of messages) this.add(message);
  }

  /** How many messages there are. */
  get count(): number {
    return this.#messages.length;
  }

  /** Their unique-ids, in order. */
  get uids(): string[] {
    return this.#messages.map((message) => message.uid);
  }

  /** The content of a message. Throws when there is none. */
  content(uid: string): Buffer {
    const message = this.#messages.find((each) => each.uid === uid);
    if (!message) throw new Error(`Pop3Maildrop: no message ${uid}`);
    return Buffer.concat([...message.pieces()]);
  }

  /** Puts a message behind the others; gives its unique-id. */
  add(input: Pop3MessageInput): string {
    this.#made += 1;
    const { content, uid = `uid-${this.#made}` } =
      typeof input === "object" && "content" in input ? input : { content: input };
    this.#messages.push(new Kept(uid, encoded(content)));
    return uid;
  }

  /** Removes messages. Nothing happens to those that are not there. */
  remove(...uids: string[]): void {
    const gone = new Set(uids);
    this.#messages = this.#messages.filter((message) => !gone.has(message.uid));
  }

  /**
   * The messages, as a session sees them from its login on.
   *
   * @internal
   */
  get sources(): readonly Source[] {
    return [...this.#messages];
  }

  /**
   * Removes what a session has marked; unique-ids may be double.
   *
   * @internal
   */
  drop(gone: ReadonlySet<Source>): void {
    this.#messages = this.#messages.filter((message) => !gone.has(message));
  }
}
