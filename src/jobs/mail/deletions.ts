/** The deletions of one session: asked for behind the journal, in a line of their own, and final with the session's end. */
import { ReplyError } from "../../client/errors.js";
import type { Pop3Client } from "../../pop3/client.js";
import type { ListedMail } from "./plan.js";
import type { MailMeter } from "./progress.js";

/** Deletions asked for at once. */
const BATCH = 1_000;

/** What deletions need of their session. */
export interface DeletionsContext {
  readonly client: Pop3Client;
  readonly meter: MailMeter;
  readonly signal: AbortSignal;
  /** Called with a message that was not deleted. */
  readonly failed: (mail: ListedMail, error: unknown) => void;
}

export class Deletions {
  readonly #context: DeletionsContext;
  /** Messages that are marked. */
  readonly #marked: ListedMail[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(context: DeletionsContext) {
    this.#context = context;
  }

  /** Asks for them, behind those before. Nobody has to wait: answers come behind those of messages that are under way. */
  add(mails: readonly ListedMail[]): void {
    this.#last = this.#last.then(() => this.#delete(mails));
  }

  /** Resolves when there is an answer to each. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** What may be deleted, or not, where the session did not end in order. */
  get unsure(): string[] {
    return this.#marked.map(({ id }) => id);
  }

  /** Ends the session, by which they are final. Where the server says no, they are told as failures. */
  async commit(): Promise<void> {
    const { client, meter, signal, failed } = this.#context;
    // Nothing hangs on the end of a session that deletes nothing.
    if (this.#marked.length === 0) return client.quit();
    try {
      await client.commit({ signal });
      meter.gone += this.#marked.splice(0).length;
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      const marked = this.#marked.splice(0);
      meter.deleted -= marked.length;
      for (const mail of marked) failed(mail, error);
    }
  }

  async #delete(mails: readonly ListedMail[]): Promise<void> {
    for (let at = 0; at < mails.length; at += BATCH) {
      await Promise.all(mails.slice(at, at + BATCH).map((mail) => this.#mark(mail)));
    }
  }

  async #mark(mail: ListedMail): Promise<void> {
    const { client, meter, signal, failed } = this.#context;
    try {
      await client.dele(mail.number, { signal });
      this.#marked.push(mail);
      meter.deleted++;
    } catch (error) {
      failed(mail, error);
    }
  }
}
