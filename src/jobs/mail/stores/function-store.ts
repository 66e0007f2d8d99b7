/** Mail to a function of the caller's, one message after the other. What it has taken counts as stored. */
import { SinkError } from "../../../client/errors.js";
import type { Flushed, IncomingMail, MailStore } from "./store.js";
import { Stored } from "./stored.js";

/** A message as a function gets it. */
export interface FetchedMail {
  /** What UIDL calls it, or its UID of IMAP: the same in every session. */
  readonly uid: string;
  /** POP3: its number in this session. IMAP: its UID. */
  readonly number: number;
  /** Header and body as the server sent them. */
  readonly content: Buffer;
  /** IMAP: its flags and keywords. */
  readonly flags?: readonly string[] | undefined;
  /** IMAP: when it came into the mailbox (INTERNALDATE). */
  readonly date?: Date | undefined;
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
    const { uid, number, content, flags, date } = mail;
    try {
      await this.#take({ uid, number, content: content as Buffer, ...(flags && { flags }), ...(date && { date }) });
      this.#stored.add(mail);
    } catch (cause) {
      // Also an error of polywire's own: it is not one of the mailbox's connection, which could be made again.
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SinkError(`the function did not take a message: ${why}`, { cause });
    }
  }
}
