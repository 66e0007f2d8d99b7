/** Messages on their way here: to a Buffer, or to a sink (RETR, RFC 1939 §5; TOP, §7). */
import { wholeNumber } from "../client/options.js";
import type { Call, Reply } from "../client/session.js";
import { Outlet } from "../net/outlet.js";
import { Pieces } from "../net/pieces.js";
import type { SinkWriter } from "../net/stream.js";
import { DotReader } from "../wire/dot.js";
import type { Pop3Session } from "./session.js";

/** A message, or its top. */
export interface RetrievedMessage {
  /** Its number in this session. */
  readonly number: number;
  /** The bytes, lines ended by CR LF, dots single. */
  readonly content: Buffer;
}

/** A message that went to a sink. */
export interface StoredMessage {
  readonly number: number;
  /** How many bytes went there. */
  readonly bytes: number;
}

/** Asks for a message into memory. */
export async function receiveMessage(
  session: Pop3Session,
  command: string,
  number: number,
  call: Call,
  pieces = new Pieces(session.options.limits.body),
): Promise<RetrievedMessage> {
  // Not by sendForBody(): one promise less for each of thousands.
  const body = (reply: Reply) => (reply.ok ? new DotReader((piece) => pieces.take(piece)) : undefined);
  session.accept(await session.line.send(command, { timeout: call.timeout, body }), command);
  return { number, content: pieces.whole() };
}

/**
 * Asks for a message into a sink, which is being opened: the command is sent at once, or a later call would overtake it.
 * A sink that fails rejects with SinkError; the client stays usable.
 */
export async function storeMessage(
  session: Pop3Session,
  command: string,
  number: number,
  opening: Promise<SinkWriter>,
  call: Call,
): Promise<StoredMessage> {
  const outlet = new Outlet(session.line, session.line, opening);
  const begin = () => (piece: Buffer) => outlet.take(piece);
  await session.sendForBody(command, { timeout: call.timeout, begin });
  await outlet.end();
  return { number, bytes: outlet.bytes };
}

/** A message's number as it is sent. Throws UsageError. */
export function messageNumber(number: number): number {
  return wholeNumber("a message's number", number, 1);
}
