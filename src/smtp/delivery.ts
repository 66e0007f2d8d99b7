/** Messages on their way, one behind the other on one connection, each in the manner that the server allows. */
import { type PolywireError, UsageError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { Chain } from "./chain.js";
import { sendInSteps } from "./lockstep.js";
import { type Outcome, outcomeOf } from "./outcome.js";
import type { Prepared } from "./prepare.js";
import type { SmtpSession } from "./session.js";
import { type PartOutcome, Transaction } from "./transaction.js";

/** A message to be sent. */
export interface Job {
  readonly message: Prepared;
  /** Milliseconds that the server may take for a command, and for the whole message. */
  readonly timeout: number;
  readonly acceptTimeout: number;
  /** Its turn has come: it is sent now. False where nobody wants that any more. */
  begin(): boolean;
  /** Called once, with what became of it. */
  settle(outcome: Outcome): void;
}

/** Where messages come from. */
export interface Jobs {
  /** The next one, where it is at hand. */
  next(): Job | undefined;
  /** Resolves when there may be a next one: false where there will be none. */
  more(): Promise<boolean>;
  /** There is time to get the next ones ready: the server is busy. */
  ahead(): void;
}

/** Octets up to which a message is sent before its recipients are known to be taken. */
const SMALL = 256 * 1024;
/** Octets under way at once. */
const FLYING = 1024 * 1024;

/** Sends all that comes. Nothing is thrown: each message is told what became of it. */
export class Delivery {
  readonly #session: SmtpSession;
  readonly #jobs: Jobs;
  readonly #chain: Chain;
  /** Transactions of the message at hand, or of the next one. */
  readonly #due: { readonly job: Job; readonly transaction: Transaction }[] = [];
  /** Transactions under way in the window, and their octets. */
  #flying = 0;
  #octets = 0;
  #landed: (() => void) | undefined;
  /** True where the server has said that it closes the connection (421): what it has not answered then, it has not done. */
  #goodbye = false;

  constructor(session: SmtpSession, jobs: Jobs) {
    this.#session = session;
    this.#jobs = jobs;
    this.#chain = new Chain(session, {
      next: () => this.#next(),
      wait: () => this.#wait(),
      joins: (transaction) => this.#isChained(transaction),
      ahead: () => this.#ahead(),
    });
  }

  /** Resolves when the last message is settled. */
  async run(): Promise<void> {
    let next = await this.#wait();
    while (next !== undefined) {
      if (this.#isSmall(next)) next = await this.#window(next);
      else if (this.#isChained(next)) next = await this.#chain.run(next);
      else {
        await sendInSteps(this.#session, next);
        next = await this.#wait();
      }
    }
    await this.#session.line.quiet();
  }

  /**
   * MAIL, RCPT and BDAT LAST in one write, several messages in flight (RFC 3030 §4.2). What a server does with the octets
   * behind a refusal is laid down there: it reads and drops them. Postfix does not where it takes no mail at all, as
   * before STARTTLS: the message would be commands to it. So a first MAIL must have been taken. RSET goes in front where the message before may fail: or
   * this message's recipients could be taken for that one's sender.
   */
  async #window(first: Transaction): Promise<Transaction | undefined> {
    const { line, settings } = this.#session;
    let next: Transaction | undefined = first;
    while (next !== undefined && this.#isSmall(next)) {
      const full = this.#flying >= settings.window || (this.#octets >= FLYING && this.#flying > 0);
      if (full) await this.#landing();
      else {
        const room = line.room();
        // Only where it must wait: what is at hand leaves in one write.
        if (room !== undefined) await room.catch(() => {});
        this.#post(next);
        this.#ahead();
        next = this.#next() ?? (await this.#wait());
      }
    }
    if (next !== undefined) await line.quiet();
    return next;
  }

  #post(transaction: Transaction): void {
    const { line } = this.#session;
    const body = transaction.message.body as Buffer;
    const commands = transaction.begin(this.#session.takeReset() || this.#flying > 0, "BDAT");
    const take = (reply: Reply) => this.#take(transaction, reply);
    const fail = (error: Error) => this.#lose(transaction, error as PolywireError);
    this.#flying++;
    this.#octets += body.length;
    transaction.bytes = body.length;
    transaction.ended = line.closed === undefined;
    const { timeout, acceptTimeout } = transaction;
    line.exchange(commands, [], { replies: commands.length, timeout, take, fail });
    const last = (reply: Reply) => {
      this.#take(transaction, reply);
      this.#land(transaction, reply.ok);
    };
    const lost = (error: Error) => {
      fail(error);
      this.#land(transaction, true);
    };
    const bytes = body.length === 0 ? [] : [body];
    line.exchange([`BDAT ${body.length} LAST`], bytes, { replies: 1, timeout: acceptTimeout, take: last, fail: lost });
  }

  #take(transaction: Transaction, reply: Reply): void {
    if (reply.code === "421") this.#goodbye = true;
    transaction.take(reply);
  }

  #lose(transaction: Transaction, error: PolywireError): void {
    if (this.#goodbye && transaction.unheard) transaction.ended = false;
    transaction.finish(error);
  }

  #land(transaction: Transaction, clean: boolean): void {
    this.#flying--;
    this.#octets -= transaction.bytes;
    // Behind a refusal nobody knows what is left of the transaction (RFC 3030 §2).
    if (!clean && this.#flying === 0) this.#session.oweReset();
    this.#landed?.();
  }

  #landing(): Promise<void> {
    return new Promise((resolve) => {
      this.#landed = () => {
        this.#landed = undefined;
        resolve();
      };
    });
  }

  #isSmall({ message: { body } }: Transaction): boolean {
    const { pipelines, chunks, mailTaken, settings } = this.#session;
    return pipelines && chunks && mailTaken && !settings.lmtp && Buffer.isBuffer(body) && body.length <= SMALL;
  }

  /** In LMTP what answers BDAT depends on the recipients taken: DATA does as well. */
  #isChained({ message }: Transaction): boolean {
    const { pipelines, chunks, settings } = this.#session;
    return pipelines && !message.binary && (!chunks || settings.lmtp);
  }

  /** The next transaction that can be begun; undefined where none is at hand. */
  #next(): Transaction | undefined {
    for (;;) {
      if (this.#due.length === 0) this.#fetch();
      const due = this.#due.shift();
      if (due === undefined) return undefined;
      if (!due.job.begin()) continue;
      const next = due.transaction;
      const obstacle = this.#session.line.closed ?? this.#tooMany();
      if (obstacle === undefined) {
        this.#session.mails++;
        return next;
      }
      next.finish(obstacle);
    }
  }

  async #wait(): Promise<Transaction | undefined> {
    for (;;) {
      const next = this.#next();
      if (next !== undefined) return next;
      if (!(await this.#jobs.more())) return undefined;
    }
  }

  #ahead(): void {
    this.#jobs.ahead();
    if (this.#due.length === 0) this.#fetch();
  }

  #fetch(): void {
    const job = this.#jobs.next();
    if (job === undefined) return;
    const { message } = job;
    const outcomes: PartOutcome[] = [];
    const { lmtp } = this.#session.settings;
    const settle = (part: PartOutcome) => {
      if (outcomes.push(part) < message.parts.length) return;
      if (!Buffer.isBuffer(message.body)) message.body.close().catch(() => {});
      // The server has its next work before anybody hears of this.
      if (part.state === "sent") queueMicrotask(() => this.#conclude(job, outcomes));
      else this.#conclude(job, outcomes);
    };
    for (const part of message.parts) {
      this.#due.push({ job, transaction: new Transaction(message, part, job, lmtp, settle) });
    }
  }

  #conclude(job: Job, outcomes: readonly PartOutcome[]): void {
    const { line } = this.#session;
    const outcome = outcomeOf(job.message, outcomes, (text) => line.redact(text));
    if (outcome.error && line.closed) outcome.error.clientUsable = false;
    job.settle(outcome);
  }

  #tooMany(): UsageError | undefined {
    const { mails } = this.#session.limits;
    if (this.#session.mails < mails) return undefined;
    const advice = "go on with another connection";
    const message = `the server takes ${mails} messages on one connection (LIMITS MAILMAX)`;
    return new UsageError(message, { advice, retryable: true, protocol: "smtp" });
  }
}
