/** A message handed in as to all writers: made ready for APPEND, whatever it was given as. */
import { UsageError } from "../client/errors.js";
import type { Source } from "../client/sink.js";
import { composeMail } from "../message/compose-mail.js";
import { parseHeaders } from "../message/headers.js";
import { isDraft, type MailDraft, mailOf, type Submitted } from "../message/writer.js";
import type { Wait } from "../net/unsent.js";
import type { Appended, AppendOptions } from "./append.js";
import type { LiteralOut } from "./command.js";
import type { Mailbox } from "./mailbox.js";
import { isInMemory, literalOf, type MessageLiteral, readLiteral } from "./message-literal.js";

/** What `submit()` takes besides a message. */
export interface AppendSubmitOptions extends AppendOptions {
  /** Where the message goes. Default: the selected mailbox. */
  mailbox?: string | undefined;
}

/** Where a message is now. */
export interface AppendSubmitted extends Appended, Submitted {}

/** A message as it is sent, and its Message-ID where it is known. */
export interface ReadySubmission {
  readonly literal: MessageLiteral;
  readonly messageId: string | undefined;
}

/** Makes a message ready. Throws UsageError, SinkError. */
export async function readySubmission(message: MailDraft | Source, most: number, wait: Wait): Promise<ReadySubmission> {
  if (isDraft(message)) {
    // The field is for the eyes of who keeps the copy (RFC 5322 §3.6.3).
    const { raw, messageId } = await composeMail(mailOf(message), { keepBcc: true });
    return { literal: await readLiteral(raw, most, wait), messageId };
  }
  const literal = isInMemory(message) ? literalOf(message) : await readLiteral(message, most, wait);
  return { literal, messageId: messageIdOf(literal) };
}

/** The mailbox that a message goes to. Throws UsageError where there is none. */
export function mailboxFor({ mailbox }: AppendSubmitOptions, selected: Mailbox | undefined): string {
  const name = mailbox ?? selected?.name;
  if (name !== undefined) return name;
  throw new UsageError("no mailbox is selected, and none is named for the message", {
    advice: 'call select() first, or give the option { mailbox: "Archive" }',
    protocol: "imap",
  });
}

function messageIdOf({ bytes }: LiteralOut): string | undefined {
  return Array.isArray(bytes) ? parseHeaders(Buffer.concat(bytes)).raw("message-id") : undefined;
}
