/** APPEND (RFC 9051 §6.3.12): a message into a mailbox, its line ends set right. */
import { UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { crlfPieces, toCrlf } from "../message/line-ends.js";
import { Pieces } from "../net/pieces.js";
import { openSource } from "../net/stream.js";
import { type Wait, whileWanted } from "../net/unsent.js";
import { type LiteralOut, literal, type Piece } from "./command.js";
import { flagList, mailboxArgument } from "./mailbox-argument.js";
import { formatInternalDate } from "./parse-date.js";
import type { ImapSession } from "./session.js";

/** What `append()` takes. */
export interface AppendOptions extends CallOptions {
  /** `\Seen` and its like, and keywords. Default: none. */
  flags?: readonly string[] | undefined;
  /** When the message came (INTERNALDATE). Default: now, by the server's clock. */
  date?: Date | undefined;
}

/** A message for `appendAll()`. */
export interface NewMessage extends Pick<AppendOptions, "flags" | "date"> {
  readonly content: Source;
}

/** A message that can be sent. */
export interface ReadyMessage {
  readonly words: string;
  readonly literal: LiteralOut;
}

/** Where a message is now; undefined where the server has no UIDPLUS, or the mailbox no lasting UIDs. */
export interface Appended {
  readonly uid: number | undefined;
  readonly uidValidity: number | undefined;
}

/** One of many messages, in its mailbox. */
export interface AppendedOne extends Appended {
  /** Its place among the messages that were given, from 0. */
  readonly index: number;
}

/** What became of a batch. */
export interface BatchResult {
  /** Those that are in. */
  readonly rows: AppendedOne[];
  /** Why others are not, where it is so. */
  readonly failure?: { readonly error: unknown };
}

/** Files up to this size are read whole, larger ones twice: their size must be known before the first byte is sent. */
const SMALL = 1024 * 1024;

/** True where the bytes are there already. */
export function isInMemory(source: Source): source is Uint8Array | { readonly text: string } {
  return source instanceof Uint8Array || (typeof source === "object" && "text" in source);
}

/** The literal of a message that is in memory. */
export function literalOf(source: Uint8Array | { readonly text: string }): LiteralOut {
  const bytes = source instanceof Uint8Array ? source : Buffer.from(source.text);
  return literal(toCrlf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
}

/** The literal of any source. Throws SinkError. */
export async function readLiteral(source: Source, most: number, wait: Wait): Promise<LiteralOut> {
  if (isInMemory(source)) return literalOf(source);
  const isFile = typeof source === "string" || source instanceof URL;
  const reader = await openSource(source);
  const wanted = whileWanted(reader, wait);
  if (isFile && (reader.size ?? 0) > SMALL) {
    let size = 0;
    for await (const piece of crlfPieces(wanted)) size += piece.length;
    return { size, bytes: reopened(source) };
  }
  const pieces = new Pieces(most);
  for await (const piece of wanted) pieces.take(piece);
  return literal(toCrlf(pieces.whole()));
}

/** A file's bytes once more. It is opened when the server wants them, which it may not. */
async function* reopened(source: string | URL): AsyncGenerator<Buffer> {
  yield* crlfPieces(await openSource(source));
}

/** The words between the mailbox and the literal, or between two literals. Throws UsageError. */
export function appendWords({ flags, date }: Pick<NewMessage, "flags" | "date">): string {
  const marks = flags === undefined || flags.length === 0 ? "" : `${flagList(flags)} `;
  const when = date === undefined ? "" : `"${formatInternalDate(date)}" `;
  return ` ${marks}${when}`;
}

/** Sends one message, or several in one command: all of them are in then, or none (RFC 3502). */
export async function append(
  session: ImapSession,
  mailbox: string,
  messages: readonly ReadyMessage[],
  { timeout }: Pick<Call, "timeout">,
): Promise<Appended[]> {
  checkSizes(session, messages);
  const pieces: Piece[] = ["APPEND ", mailboxArgument(mailbox, session.utf8)];
  for (const { words, literal } of messages) pieces.push(words, literal);
  const { code } = await session.send(pieces, { timeout });
  const told = code?.name === "APPENDUID" ? code.uids : undefined;
  const uids = told?.size === messages.length ? told.toArray() : [];
  return messages.map((_, i) => ({ uid: uids[i], uidValidity: uids[i] && code?.uidValidity }));
}

/** Throws UsageError for a message that is larger than the server says it takes (APPENDLIMIT, RFC 7889). */
function checkSizes(session: ImapSession, messages: readonly ReadyMessage[]): void {
  const limit = Number(session.capabilities.get("APPENDLIMIT")?.[0]);
  for (const { literal } of messages) {
    if (literal.size <= limit || Number.isNaN(limit)) continue;
    throw new UsageError(`a message has ${literal.size} bytes, and the server takes ${limit}`, { protocol: "imap" });
  }
}

/**
 * Sends a batch, whose first message is the one of number `first`: by one command where the server takes that, else by one
 * for each, in one write. Throws UsageError: nothing was sent then.
 */
export async function appendBatch(
  session: ImapSession,
  mailbox: string,
  messages: readonly ReadyMessage[],
  first: number,
  call: Call,
): Promise<BatchResult> {
  checkSizes(session, messages);
  const groups = session.has("MULTIAPPEND") ? [messages] : messages.map((each) => [each]);
  const settled = await Promise.allSettled(groups.map((group) => append(session, mailbox, group, call)));
  const rows: AppendedOne[] = [];
  let failure: BatchResult["failure"];
  let index = first;
  for (const [i, each] of settled.entries()) {
    if (each.status === "rejected") {
      failure ??= { error: each.reason };
      index += groups[i]?.length ?? 0;
    } else for (const one of each.value) rows.push({ index: index++, ...one });
  }
  return failure === undefined ? { rows } : { rows, failure };
}
