/** A mailbox as a mail job works with it, whether POP3 or IMAP is spoken. Types, and the names it goes by. */
import type { Writable } from "node:stream";
import type { CallOptions } from "../../client/session.js";
import type { ListedMail } from "./plan.js";

/**
 * When what was asked to be deleted is gone: with the answer; with the end of the session; or never, as it is only marked,
 * because all that this server can remove at once is everything that anybody has marked.
 */
export type Deletion = "at-once" | "at-end" | "mark-only";

/** What takes a message: a function, piece by piece, or a stream. */
export type MailSink = Writable | ((piece: Buffer) => void | Promise<void>);

/** A mailbox on a connection that is logged in. */
export interface Maildrop extends MailboxName {
  /** IMAP: the UID that the next message gets at least, where the server has told it. */
  readonly uidNext?: number | undefined;
  readonly deletion: Deletion;
  /** All messages. Sizes, flags and dates are told at least of those that are not known. */
  list(isKnown: (id: string) => boolean, call: CallOptions): Promise<ListedMail[]>;
  /**
   * One message into a sink; calls overlap. Resolves to its bytes; undefined where it is no longer there. Rejects with
   * ReplyError where the server refuses it, with SinkError where the sink does.
   */
  fetch(mail: ListedMail, to: MailSink, call: CallOptions): Promise<number | undefined>;
  /** Has messages deleted: an answer for each of them. */
  discard(mails: readonly ListedMail[], call: CallOptions): Promise<PromiseSettledResult<void>[]>;
  /** Ends the session where deletions are final `at-end`. Rejects with ReplyError where they are not made. */
  commit(call: CallOptions): Promise<void>;
}

/** What a mailbox is known by, in the journal and in the names of files. */
export interface MailboxName {
  /** Whose mailbox it is, on which server, and which one: `alice@host`, `imap://alice@host/INBOX`. */
  readonly account: string;
  /** UIDVALIDITY of IMAP: a uid means the same message as long as it stays the same. Undefined: for ever (POP3). */
  readonly epoch: number | undefined;
}

/** Both in one: `imap://alice@host/INBOX;UIDVALIDITY=3` (RFC 5092). */
export function nameOf({ account, epoch }: MailboxName): string {
  return epoch === undefined ? account : `${account};UIDVALIDITY=${epoch}`;
}

/** A message into a stream that somebody else reads: it ends whatever comes of the message, also where none of it comes. */
export async function fetchInto(
  drop: Maildrop,
  mail: ListedMail,
  content: Writable,
  signal: AbortSignal,
): Promise<number | undefined> {
  // Both sides tell what became of it.
  content.on("error", () => {});
  try {
    const bytes = await drop.fetch(mail, content, { signal });
    if (bytes === undefined) content.destroy(new Error("the message is gone"));
    return bytes;
  } catch (error) {
    content.destroy(error as Error);
    throw error;
  }
}
