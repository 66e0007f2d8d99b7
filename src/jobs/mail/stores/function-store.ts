/** Mail to a function of the caller's, one message after the other. What it has taken counts as stored. */
import { SinkError } from "../../../client/errors.js";
import type { Flushed, IncomingMail, MailStore } from "./store.js";
import { Stored } from "./stored.js";

/** A message as a function gets it. */
export interface FetchedMail {
  /** What UIDL calls it: the same in every session. */
  readonly uid: string;
  /** Its number in this session. */
  readonly number: number;
  /** Header and body as the server sent them. */
  readonly content: Buffer;
}

export class FunctionStore implements MailStore {
  readonly streams = false;
  readonly #take: (mail: FetchedMail) => void | Promise<void>;
  readonly #stored = new Stored();
  #last: Promise<void> = Promise.resolve();

  constructor(take: (mail: FetchedMail) => void | Promise<void>) {
    this.#take = take;
  }

  has(): boolean {
    return false;
  }

  put(mail: IncomingMail): Promise<void> {
    this.#last = this.#last.then(() => this.#give(mail));
    // Who waits for the one behind it hears of it as well.
    this.#last.catch(() => {});
    return this.#last;
  }

  async flush(): Promise<Flushed> {
    return { ids: this.#stored.take() };
  }

  async close(): Promise<void> {}

  async #give(mail: IncomingMail): Promise<void> {
    const { uid, number, content } = mail;
    try {
      await this.#take({ uid, number, content: content as Buffer });
      this.#stored.add(mail);
    } catch (cause) {
      // Also an error of polywire's own: it is not one of the mailbox's connection, which could be made again.
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SinkError(`the function did not take a message: ${why}`, { cause });
    }
  }
}
