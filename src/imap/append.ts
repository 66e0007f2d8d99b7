/** APPEND (RFC 9051 §6.3.12): a message into a mailbox, its line ends set right. */
import type { Call, CallOptions } from "../client/session.js";
import type { Source } from "../client/sink.js";
import type { Piece } from "./command.js";
import { flagList, mailboxArgument } from "./mailbox-argument.js";
import { checkMessage, type MessageLiteral, messagePieces } from "./message-literal.js";
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
  readonly literal: MessageLiteral;
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
  readonly failure?: { readonly error: unknown } | undefined;
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
  for (const { literal } of messages) checkMessage(session, literal);
  const pieces: Piece[] = ["APPEND ", mailboxArgument(mailbox, session.utf8)];
  for (const { words, literal } of messages) pieces.push(words, ...messagePieces(session, literal));
  const { code } = await session.send(pieces, { timeout });
  const told = code?.name === "APPENDUID" ? code.uids : undefined;
  const uids = told?.size === messages.length ? told.toArray() : [];
  return messages.map((_, i) => ({ uid: uids[i], uidValidity: uids[i] && code?.uidValidity }));
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
  for (const { literal } of messages) checkMessage(session, literal);
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
