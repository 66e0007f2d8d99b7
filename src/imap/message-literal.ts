/** A message as a literal: its line ends set right, and the form in which the server takes it (RFC 9051 §4.3, 3516, 6855). */
import { isAscii } from "node:buffer";
import { UsageError } from "../client/errors.js";
import type { Source } from "../client/sink.js";
import { HeadTap } from "../message/head-tap.js";
import { crlfPieces, toCrlf } from "../message/line-ends.js";
import { Pieces } from "../net/pieces.js";
import { openSource } from "../net/stream.js";
import { type Wait, whileWanted } from "../net/unsent.js";
import { type LiteralOut, literal, type Piece } from "./command.js";
import type { ImapSession } from "./session.js";

/** A message, and what of it decides how it is sent. */
export interface MessageLiteral extends LiteralOut {
  /** Where the first NUL stands among the bytes that were given; undefined where there is none. */
  readonly nul: number | undefined;
  /** The header block, where it is not at hand in `bytes`. */
  readonly head?: Buffer | undefined;
}

/** Files up to this size are read whole, larger ones twice: their size must be known before the first byte is sent. */
const SMALL = 1024 * 1024;

/** Bytes of a header block that are looked at. */
const LONGEST_HEAD = 256 * 1024;

/** True where the bytes are there already. */
export function isInMemory(source: Source): source is Uint8Array | { readonly text: string } {
  return source instanceof Uint8Array || (typeof source === "object" && "text" in source);
}

/** The literal of a message that is in memory. */
export function literalOf(source: Uint8Array | { readonly text: string }): MessageLiteral {
  const given = source instanceof Uint8Array ? source : Buffer.from(source.text);
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const at = bytes.indexOf(0);
  return { ...literal(toCrlf(bytes)), nul: at === -1 ? undefined : at };
}

/** The literal of any source. Throws SinkError. */
export async function readLiteral(source: Source, most: number, wait: Wait): Promise<MessageLiteral> {
  if (isInMemory(source)) return literalOf(source);
  const isFile = typeof source === "string" || source instanceof URL;
  const reader = await openSource(source);
  const wanted = whileWanted(reader, wait);
  if (isFile && (reader.size ?? 0) > SMALL) return { ...(await measured(wanted)), bytes: reopened(source) };
  const pieces = new Pieces(most);
  for await (const piece of wanted) pieces.take(piece);
  return literalOf(pieces.whole());
}

/** What must be known of a file before its first byte is sent. */
async function measured(bytes: AsyncIterable<Uint8Array>): Promise<Omit<MessageLiteral, "bytes">> {
  const tap = new HeadTap(LONGEST_HEAD, Number.POSITIVE_INFINITY);
  let nul: number | undefined;
  let read = 0;
  let size = 0;
  async function* looked(): AsyncGenerator<Buffer> {
    for await (const piece of tap.read(bytes)) {
      const at = nul === undefined ? piece.indexOf(0) : -1;
      if (at !== -1) nul = read + at;
      read += piece.length;
      yield piece;
    }
  }
  for await (const piece of crlfPieces(looked())) size += piece.length;
  return { size, nul, head: tap.head() };
}

/** A file's bytes once more. It is opened when the server wants them, which it may not. */
async function* reopened(source: string | URL): AsyncGenerator<Buffer> {
  yield* crlfPieces(await openSource(source));
}

/** Throws UsageError for a message that the server takes in no form: too large (APPENDLIMIT, RFC 7889), or with a NUL. */
export function checkMessage(session: ImapSession, { size, nul }: MessageLiteral): void {
  const limit = Number(session.capabilities.get("APPENDLIMIT")?.[0]);
  if (size > limit) {
    throw new UsageError(`a message has ${size} bytes, and the server takes ${limit}`, { protocol: "imap" });
  }
  if (nul === undefined || session.has("BINARY")) return;
  throw new UsageError(`byte ${nul} of a message is NUL, which no literal may hold, and the server has no BINARY`, {
    advice: "encode the part it stands in (Content-Transfer-Encoding: base64)",
    protocol: "imap",
  });
}

/**
 * The pieces of a message in a command. A NUL makes it a literal8: a server that announces BINARY keeps its bytes, or refuses
 * it with UNKNOWN-CTE (RFC 3516 §4.4), and IMAP has no other form for one (CHAR8). Headers in UTF-8 are marked where
 * UTF8=ACCEPT is on (RFC 6855 §4); IMAP4rev2 takes them as they are.
 */
export function messagePieces(session: ImapSession, message: MessageLiteral): Piece[] {
  const { size, bytes } = message;
  const binary = { size, bytes, binary: true };
  // Without BINARY, nothing says that a literal8 may come unasked (RFC 7888 §6).
  if (isMarked(session, message)) return ["UTF8 (", { ...binary, asked: !session.has("BINARY") }, ")"];
  return [message.nul === undefined ? message : binary];
}

function isMarked(session: ImapSession, message: MessageLiteral): boolean {
  return session.enabled.has("UTF8=ACCEPT") && !isAscii(headOf(message));
}

function headOf({ bytes, head }: MessageLiteral): Buffer {
  if (head !== undefined || !Array.isArray(bytes)) return head ?? Buffer.alloc(0);
  const whole = Buffer.concat(bytes);
  const end = whole.indexOf("\r\n\r\n");
  return end === -1 ? whole : whole.subarray(0, end);
}
