/** Messages by DATA, each in one write with the commands of the next one: a round trip for each (RFC 2920 §3.1). */
import type { PolywireError } from "../client/errors.js";
import { dotted, LONE_DOT, sendBody } from "./body.js";
import type { SmtpSession } from "./session.js";
import type { Transaction } from "./transaction.js";

/** Whose turn it is. */
export interface Turns {
  /** The next transaction that can be begun; undefined where none is at hand. */
  next(): Transaction | undefined;
  /** The next one; undefined where there will be none. */
  wait(): Promise<Transaction | undefined>;
  /** True where it can go this way. */
  joins(transaction: Transaction): boolean;
  /** There is time to get the next ones ready: the server is busy. */
  ahead(): void;
}

/**
 * MAIL, RCPT and DATA in one write; when the server wants the message, the message, and MAIL, RCPT and DATA of the next
 * one behind it in one write again. Dovecot 2.3's submission aborts at a recipient that comes while the answer to the
 * message before is not there, unless RSET is in between. It always announces CHUNKING; others need no RSET, as the end of
 * the message ends the transaction whatever becomes of it (RFC 5321 §4.1.1.4).
 */
export class Chain {
  readonly #session: SmtpSession;
  readonly #turns: Turns;
  /** The message whose commands are under way as it will go out, where it is at hand. */
  #dotted: readonly Buffer[] | undefined;

  constructor(session: SmtpSession, turns: Turns) {
    this.#session = session;
    this.#turns = turns;
  }

  /** Sends this one and those behind it. Resolves to the first that goes another way, or undefined. */
  run(first: Transaction): Promise<Transaction | undefined> {
    return new Promise((resolve, reject) => {
      const begin = (transaction: Transaction) => {
        this.#announce(transaction);
        transaction.whenHeard(() => this.#onward(transaction, begin, resolve).catch(reject));
      };
      this.#dotted = dotted(first.message.body);
      begin(first);
    });
  }

  /**
   * The answer to DATA is there. All that is at hand leaves before anybody hears of the answers that came with it: the
   * server has its work then, while others do theirs.
   */
  async #onward(
    current: Transaction,
    begin: (next: Transaction) => void,
    over: (next: Transaction | undefined) => void,
  ): Promise<void> {
    const { line } = this.#session;
    const sending = this.#content(current);
    if (sending !== undefined) await sending;
    const next = this.#turns.next() ?? (await this.#turns.wait());
    if (next === undefined || !this.#turns.joins(next)) {
      this.#dotted = undefined;
      await line.quiet();
      over(next);
      return;
    }
    if (!current.settled && this.#session.capabilities.has("CHUNKING")) this.#session.oweReset();
    begin(next);
    line.flush();
    this.#dotted = dotted(next.message.body);
    this.#turns.ahead();
  }

  #announce(transaction: Transaction): void {
    const commands = [...transaction.begin(this.#session.takeReset(), "DATA"), "DATA"];
    this.#session.line.exchange(commands, [], {
      replies: commands.length,
      timeout: transaction.timeout,
      take: (reply) => transaction.take(reply),
      fail: (error) => transaction.finish(error as PolywireError),
    });
  }

  /** What the server gets for the message. A promise where that takes longer than this tick. */
  #content(transaction: Transaction): Promise<void> | undefined {
    if (!transaction.wanted) {
      if (transaction.mailTaken || transaction.nested) this.#session.oweReset();
    } else if (transaction.takers === 0) this.#nobody(transaction);
    else if (transaction.mailRefused) this.#unasked(transaction);
    else return sendBody(this.#session, transaction.message.body, transaction, this.#dotted);
    return undefined;
  }

  /** The sender was refused, and the message wanted all the same: it would go out under another one. */
  #unasked(transaction: Transaction): void {
    const error = this.#session.outOfStep("the server wants a message whose MAIL it has refused");
    transaction.finish(this.#session.line.fail(error));
  }

  /** Every recipient was refused, and the message is wanted all the same: an empty one ends it (RFC 2920 §3.1). */
  #nobody(transaction: Transaction): void {
    const { line, settings } = this.#session;
    if (settings.lmtp) {
      // How many replies an LMTP server has for nobody is not laid down: it must not want the message (RFC 2033 §4.2).
      transaction.finish(line.fail(this.#session.outOfStep("the server wants a message for nobody")));
      return;
    }
    const over = () => transaction.finish();
    line.exchange([], [LONE_DOT], { replies: 1, timeout: transaction.acceptTimeout, take: over, fail: over });
  }
}
