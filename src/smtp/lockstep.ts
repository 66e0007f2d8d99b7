/** One transaction step by step: for servers without PIPELINING, and for messages that are sent in chunks (RFC 3030). */
import type { PolywireError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import type { LineSession } from "../net/line-session.js";
import { answersTo, piecesOf, sendBody, sourceError } from "./body.js";
import type { SmtpSession } from "./session.js";
import type { Transaction } from "./transaction.js";

/** Chunks under way at once. */
const CHUNKS = 4;
const NOTHING = Buffer.alloc(0);

/** Sends one message. Resolves when it is settled. */
export async function sendInSteps(session: SmtpSession, transaction: Transaction): Promise<void> {
  const { line } = session;
  const inChunks = transaction.message.binary || session.chunks;
  const commands = transaction.begin(session.takeReset(), inChunks ? "BDAT" : "DATA");
  for (const group of session.pipelines ? [commands] : commands.map((command) => [command])) {
    await say(line, transaction, group);
    if (transaction.mailRefused) transaction.finish();
    if (transaction.settled) return;
  }
  if (transaction.takers === 0) {
    session.oweReset();
    transaction.finish();
  } else if (inChunks) await new Chunks(session, transaction).run();
  else {
    await say(line, transaction, ["DATA"]);
    if (transaction.wanted) await sendBody(line, transaction.message.body, transaction);
    else session.oweReset();
  }
  await line.quiet();
}

/** Sends commands in one write; resolves when they are answered, or never will be. */
function say(line: LineSession, transaction: Transaction, commands: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    let left = commands.length;
    line.exchange(commands, [], {
      replies: left,
      timeout: transaction.timeout,
      take: (reply) => {
        transaction.take(reply);
        if (--left === 0) resolve();
      },
      fail: (error) => {
        transaction.finish(error as PolywireError);
        resolve();
      },
    });
  });
}

/** A message in chunks, some of them in flight. A refusal ends it in the middle, and a failing source can be taken back. */
class Chunks {
  readonly #session: SmtpSession;
  readonly #transaction: Transaction;
  #flying = 0;
  #refused: Reply | undefined;
  #answered: (() => void) | undefined;

  constructor(session: SmtpSession, transaction: Transaction) {
    this.#session = session;
    this.#transaction = transaction;
  }

  async run(): Promise<void> {
    const { line } = this.#session;
    const transaction = this.#transaction;
    const { body } = transaction.message;
    // Of a stream it is known only behind its last piece that there is none: an empty chunk says so.
    const whole = Buffer.isBuffer(body) ? body.length : Number.POSITIVE_INFINITY;
    let rest: Buffer = NOTHING;
    try {
      for await (const piece of piecesOf(body)) {
        if (this.#refused || line.closed) break;
        if (transaction.bytes + piece.length === whole) rest = piece;
        else if (piece.length > 0) await this.#send(piece);
      }
    } catch (cause) {
      await this.#until(0);
      this.#session.oweReset();
      transaction.finish(sourceError(cause));
    }
    if (transaction.settled || line.closed) return;
    if (this.#refused) {
      await this.#until(0);
      this.#session.oweReset();
      transaction.refuse(this.#refused);
      return;
    }
    transaction.ended = true;
    transaction.bytes += rest.length;
    line.exchange([`BDAT ${rest.length} LAST`], rest.length === 0 ? [] : [rest], answersTo(transaction));
    await line.quiet();
    if (this.#refused) this.#session.oweReset();
  }

  async #send(piece: Buffer): Promise<void> {
    const { line } = this.#session;
    const transaction = this.#transaction;
    transaction.bytes += piece.length;
    this.#flying++;
    line.exchange([`BDAT ${piece.length}`], [piece], {
      replies: 1,
      timeout: transaction.acceptTimeout,
      take: (reply) => this.#take(reply),
      fail: (error) => {
        transaction.finish(error as PolywireError);
        this.#land();
      },
    });
    // The piece is its source's to use again once it has left.
    await line.room()?.catch(() => {});
    await this.#until(this.#session.pipelines ? CHUNKS - 1 : 0);
  }

  #take(reply: Reply): void {
    if (!reply.ok) this.#refused ??= reply;
    this.#land();
  }

  #land(): void {
    this.#flying--;
    this.#answered?.();
  }

  /** Resolves when no more than so many chunks wait for their answer. */
  async #until(most: number): Promise<void> {
    while (this.#flying > most) {
      await new Promise<void>((resolve) => {
        this.#answered = resolve;
      });
    }
  }
}
