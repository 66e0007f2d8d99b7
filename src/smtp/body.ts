/** The message behind DATA (RFC 5321 §4.5.2): dots stuffed, the end, and the answers to it. */
import { ConnectionError, PolywireError, ProtocolError, SinkError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import type { Exchange, LineSession } from "../net/line-session.js";
import { DOT_END, DotWriter } from "../wire/dot.js";
import type { Body } from "./prepare.js";
import type { SmtpSession } from "./session.js";

/** Who waits for the answers to a message. */
export interface Addressee {
  /** How many there will be. */
  readonly answers: number;
  /** Milliseconds that the server may take. */
  readonly acceptTimeout: number;
  /** Octets of the message that were given to the connection. */
  bytes: number;
  /** True once the end of the message was given to the connection. */
  ended: boolean;
  take(reply: Reply): void;
  /** Takes a refusal of the message as a whole, before its end: it answers for whoever is not answered yet. */
  refuse(reply: Reply): void;
  /** Nothing more will be said. */
  finish(error?: PolywireError): void;
}

/** The end of a message that is empty. */
export const LONE_DOT = DOT_END;
/** An exchange without replies: they are waited for already, or come for what follows. */
export const NO_REPLIES: Exchange = { replies: 0, take: () => {}, fail: () => {} };
/** Octets that are given to the connection at once. */
const PIECE = 1024 * 1024;

/** A message that is at hand as it goes out, its end included. */
export function dotted(body: Body): readonly Buffer[] | undefined {
  if (!Buffer.isBuffer(body) || body.length > PIECE) return undefined;
  const dots = new DotWriter();
  const stuffed = dots.stuff(body);
  stuffed.push(dots.end());
  return stuffed;
}

/** Sends a message that the server wants. A promise comes back where that takes longer than this tick. */
export function sendBody(
  session: SmtpSession,
  body: Body,
  to: Addressee,
  pieces = dotted(body),
): Promise<void> | undefined {
  const { line } = session;
  if (pieces === undefined || !Buffer.isBuffer(body)) return sendPieces(session, piecesOf(session, body), to);
  to.bytes = body.length;
  to.ended = line.closed === undefined;
  line.exchange([], pieces, answersTo(to));
  return undefined;
}

/** The pieces of a message, none larger than is good for memory. Throws where the connection is over: a source may be silent. */
export function piecesOf(session: SmtpSession, body: Body): AsyncIterable<Buffer> {
  return Buffer.isBuffer(body) ? slices(body) : whileOpen(session, body.pieces);
}

async function* whileOpen(session: SmtpSession, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await session.line.orClosed(iterator.next());
      if (done) return;
      yield value;
    }
  } finally {
    // Not waited for: one that is silent stays so.
    Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

async function* slices(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += PIECE) yield body.subarray(at, at + PIECE);
}

/** What waits for the answers to a message. */
export function answersTo(to: Addressee): Exchange {
  return {
    replies: to.answers,
    timeout: to.acceptTimeout,
    take: (reply) => to.take(reply),
    fail: (error) => to.finish(error as PolywireError),
  };
}

async function sendPieces(session: SmtpSession, pieces: AsyncIterable<Buffer>, to: Addressee): Promise<void> {
  const { line } = session;
  const dots = new DotWriter();
  // Waited for from the beginning: a server may give up in the middle. What it would make of the rest nobody knows.
  const early = new ProtocolError("the server answered a message before its end", { protocol: "smtp" });
  const answers = answersTo(to);
  const take = (reply: Reply) => {
    if (to.ended) {
      to.take(reply);
      return;
    }
    if (!reply.ok) to.refuse(reply);
    line.fail(early);
    to.finish(early);
  };
  line.exchange([], [], { ...answers, take });
  line.ourTurn = true;
  try {
    for await (const piece of pieces) {
      if (line.closed) break;
      to.bytes += piece.length;
      line.exchange([], dots.stuff(piece), NO_REPLIES);
      await line.room();
    }
  } catch (cause) {
    if (!line.closed) breakOff(line, cause, to);
  }
  if (line.closed) return;
  line.ourTurn = false;
  to.ended = true;
  line.exchange([], [dots.end()], NO_REPLIES);
}

/** The source failed. There is no word for that behind DATA: without its end the server drops the message. */
function breakOff(line: LineSession, cause: unknown, to: Addressee): void {
  const error = sourceError(cause);
  error.clientUsable = false;
  to.finish(error);
  line.fail(
    new ConnectionError(`hung up in the middle of a message: ${error.message}`, { phase: "data", cause: error }),
  );
}

/** What a source failed with, as an error of ours. */
export function sourceError(cause: unknown): PolywireError {
  if (cause instanceof PolywireError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SinkError(`the message could not be read: ${why}`, { cause, protocol: "smtp" });
}
