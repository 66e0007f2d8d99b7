/** The deletions of one session: asked for behind the journal, in a line of their own, and final when the mailbox says so. */
import { ReplyError } from "../../client/errors.js";
import type { Maildrop } from "./maildrop.js";
import type { ListedMail } from "./plan.js";
import type { MailMeter } from "./progress.js";

/** Deletions asked for at once: the UIDs of as many fit into one command. */
const BATCH = 500;

/** What deletions need of their session. */
export interface DeletionsContext {
  readonly drop: Maildrop;
  readonly meter: MailMeter;
  readonly signal: AbortSignal;
  /** Called with a message that was not deleted. */
  readonly failed: (mail: ListedMail, error: unknown) => void;
}

export class Deletions {
  readonly #context: DeletionsContext;
  /** Messages that are marked, or may be gone already: of which nobody knows yet for certain. */
  readonly #open = new Set<ListedMail>();
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
    return [...this.#open].map(({ id }) => id);
  }

  /** Has them made final, where that is yet to be done. Where the server says no, they are told as failures. */
  async commit(): Promise<void> {
    const { drop, meter, signal, failed } = this.#context;
    // Nothing hangs on the end of a session that deletes nothing.
    if (this.#open.size === 0 || drop.deletion !== "at-end") return;
    try {
      await drop.commit({ signal });
      meter.gone += this.#open.size;
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      meter.deleted -= this.#open.size;
      for (const mail of this.#open) failed(mail, error);
    }
    this.#open.clear();
  }

  async #delete(mails: readonly ListedMail[]): Promise<void> {
    for (let at = 0; at < mails.length; at += BATCH) await this.#discard(mails.slice(at, at + BATCH));
  }

  async #discard(mails: readonly ListedMail[]): Promise<void> {
    const { drop, meter, signal, failed } = this.#context;
    if (drop.deletion === "at-once") this.#begin(mails);
    const answers = await drop.discard(mails, { signal });
    for (const [i, answer] of answers.entries()) {
      const mail = mails[i]!;
      if (answer.status === "rejected") {
        if (answer.reason instanceof ReplyError && this.#open.delete(mail)) meter.deleted--;
        failed(mail, answer.reason);
      } else if (drop.deletion === "at-once") {
        this.#open.delete(mail);
        meter.gone++;
      } else if (drop.deletion === "at-end") this.#begin([mail]);
      else meter.marked++;
    }
  }

  #begin(mails: readonly ListedMail[]): void {
    for (const mail of mails) this.#open.add(mail);
    this.#context.meter.deleted += mails.length;
  }
}
