/** What can be read from in the same words: NNTP, POP3 and IMAP. Types. */
import type { Rows } from "../client/rows.js";
import type { CallOptions } from "../client/session.js";
import type { Sink } from "../client/sink.js";
import type { Message } from "./message.js";
import type { ParseOptions } from "./parse.js";
import type { MessageSpan } from "./span.js";
import type { MessageSummary } from "./summary.js";

/** What `messages()` takes. */
export interface SummaryOptions extends CallOptions {
  /**
   * True: every field of each header. False: From, Subject, Date, Message-ID and References at least, where the message
   * has them. POP3 and IMAP give every field in any case; NNTP asks for each header by a command of its own then, instead
   * of one for all. Default: false.
   */
  wholeHeaders?: boolean | undefined;
}

/** A message as the server gave it. */
export interface FetchedMessage {
  /** What it was asked for by. */
  readonly id: number | string;
  /** The bytes, lines ended by CR LF. */
  readonly content: Buffer;
}

/** A message that went to a sink. */
export interface PassedMessage {
  readonly id: number | string;
  /** How many bytes went there. */
  readonly bytes: number;
}

/**
 * A server that messages are read from: an NntpClient with a selected newsgroup, a Pop3Client, or an ImapClient with a
 * selected mailbox.
 *
 * @example
 * async function subjects(reader: MessageReader): Promise<void> {
 *   for await (const { id, headers } of reader.messages({ newest: 10 })) console.log(id, headers.get("subject"));
 * }
 */
export interface MessageReader {
  /** What there is, in the order of the numbers. Messages that do not exist give no row. */
  messages(span?: MessageSpan, options?: SummaryOptions): Rows<MessageSummary>;
  /** One whole message, by the `id` of its summary: to a Buffer, or to a sink. It is not marked as read. */
  retrieve(id: number, options?: CallOptions & { to?: undefined }): Promise<FetchedMessage>;
  retrieve(id: number, options: CallOptions & { to: Sink }): Promise<PassedMessage>;
  /** The same, read: headers decoded, text, attachments. */
  message(id: number, options?: CallOptions & ParseOptions): Promise<Message>;
}
