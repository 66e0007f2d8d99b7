/** One transaction step by step: without PIPELINING, in several chunks (RFC 3030), and the first one of a connection by BDAT. */
import { type PolywireError, UsageError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import type { LineSession } from "../net/line-session.js";
import { answersTo, piecesOf, sendBody, sourceError } from "./body.js";
import { largestMessage } from "./parameters.js";
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
    if (transaction.mailTaken) session.mailTaken = true;
    if (transaction.nested) session.oweReset();
    if (transaction.mailRefused) transaction.finish();
    if (transaction.settled) return;
  }
  if (transaction.takers === 0) {
    session.oweReset();
    transaction.finish();
  } else if (inChunks) await new Chunks(session, transaction).run();
  else {
    await say(line, transaction, ["DATA"]);
    if (transaction.wanted) await sendBody(session, transaction.message.body, transaction);
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
      for await (const piece of piecesOf(this.#session, body)) {
        if (this.#refused || line.closed) break;
        this.#checkSize(transaction.bytes + piece.length);
        if (transaction.bytes + piece.length === whole) rest = piece;
        else if (piece.length > 0) await this.#send(piece);
      }
    } catch (cause) {
      if (line.closed) transaction.finish(line.closed);
      await this.#until(0);
      this.#session.oweReset();
      transaction.finish(sourceError(cause));
    }
    // How many answers a refused message has in LMTP is not laid down: it must be known before the end.
    if (this.#session.settings.lmtp || this.#refused) await this.#until(0);
    if (transaction.settled) return;
    if (line.closed) transaction.finish(line.closed);
    else if (this.#refused) {
      this.#session.oweReset();
      transaction.refuse(this.#refused);
      transaction.finish();
    } else await this.#end(rest);
  }

  /** The last chunk. The refusal of one before it may still be on its way, and decides. */
  async #end(rest: Buffer): Promise<void> {
    const { line } = this.#session;
    const transaction = this.#transaction;
    transaction.ended = true;
    transaction.bytes += rest.length;
    const answers = answersTo(transaction);
    const take = (reply: Reply) => {
      if (this.#refused && !reply.ok) transaction.refuse(this.#refused);
      if (this.#refused && reply.ok)
        throw this.#session.outOfStep("the server takes a message it has refused a part of");
      answers.take(reply);
    };
    line.exchange([`BDAT ${rest.length} LAST`], rest.length === 0 ? [] : [rest], { ...answers, take });
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

  /** Exim 4.96 takes what is left of the chunk that makes a message too large for commands: no such chunk is sent. */
  #checkSize(octets: number): void {
    const most = largestMessage(this.#session.capabilities);
    if (octets <= most) return;
    throw new UsageError(`the message is too large: the server takes ${most} octets at most (SIZE)`, {
      protocol: "smtp",
    });
  }

  #take(reply: Reply): void {
    if (this.#refused && reply.code === "500") {
      this.#transaction.refuse(this.#refused);
      throw this.#session.outOfStep("the server reads a message as commands");
    }
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
