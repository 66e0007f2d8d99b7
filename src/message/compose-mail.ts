/** The parts of a mail message → its bytes and its envelope, by nodemailer's MailComposer, loaded at the first call. */
import type { Readable } from "node:stream";
import type { MailComposerOptions } from "nodemailer/lib/mail-composer";
import type MimeNode from "nodemailer/lib/mime-node";
import { SinkError, UsageError } from "../client/errors.js";
import { checkAddresses } from "./check-addresses.js";
import { oneLine } from "./compose-fields.js";
import { withTypes } from "./mime-types.js";

/** A composed message. */
export interface ComposedMail {
  /** A stream where the message holds one, or a file, and so may be large. */
  readonly raw: Buffer | Readable;
  readonly from: string;
  readonly to: readonly string[];
  readonly messageId: string;
}

/** Options that nodemailer's mailer reads, not its composer: ignored here, they would be lost without a word. */
const OF_THE_MAILER = ["list", "priority", "xMailer", "attachDataUrls"];

/** What `composeMail` takes besides a message. */
export interface ComposeMailOptions {
  /** True: the field Bcc stays in the message, for the copy that is one's own (RFC 5322 section 3.6.3). Default: false. */
  keepBcc?: boolean | undefined;
}

/**
 * Composes a message. Line ends are CR LF; everything is 7-bit, whatever it was made of.
 *
 * @throws UsageError for a line break in any header value, file name or address, for what is no address, and for options
 *   that are not the composer's; SinkError where an attachment cannot be read.
 */
export async function composeMail(mail: MailComposerOptions, options: ComposeMailOptions = {}): Promise<ComposedMail> {
  refuseForged(mail);
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const given = await withTypes({ disableUrlAccess: true, ...mail, newline: "windows" });
  return orWhy(async () => {
    const message = new MailComposer(given).compile();
    message.keepBcc = options.keepBcc ?? false;
    const { from, to } = message.getEnvelope();
    const raw = inMemory(message) ? await message.build() : message.createReadStream();
    return { raw, from: from || "", to, messageId: messageIdOf(message) };
  });
}

async function orWhy<T>(compose: () => Promise<T>): Promise<T> {
  try {
    return await compose();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SinkError(`the message could not be composed: ${why}`, { cause });
  }
}

/** True where all parts are text or bytes: what they become is about as large. */
function inMemory(part: MimeNode): boolean {
  const { content } = part;
  const isHere = content === undefined || typeof content === "string" || Buffer.isBuffer(content);
  return isHere && part.childNodes.every(inMemory);
}

function messageIdOf(message: MimeNode): string {
  return String(message.getHeader("Message-ID") ?? "");
}

/** What goes into headers, at any depth; contents are another matter. */
const FIELDS = [
  ...["from", "sender", "to", "cc", "bcc", "replyTo", "inReplyTo", "references", "subject", "messageId", "date"],
  ...["headers", "envelope", "boundaryPrefix", "baseBoundary", "encoding", "textEncoding"],
] as const;
const ADDRESS_FIELDS = ["from", "sender", "to", "cc", "bcc", "replyTo"] as const;
const PART_FIELDS = [
  "filename",
  "contentType",
  "contentDisposition",
  "cid",
  "contentTransferEncoding",
  "headers",
  "method",
];

function refuseForged(mail: MailComposerOptions): void {
  const stray = OF_THE_MAILER.find((name) => Object.hasOwn(mail, name));
  if (stray !== undefined) {
    const advice = "write the header yourself (headers), or use nodemailer with polywireTransport()";
    throw new UsageError(`${stray} is an option of nodemailer's mailer`, { advice });
  }
  for (const field of FIELDS) refuseLines(mail[field], field);
  for (const field of ADDRESS_FIELDS) checkAddresses(mail[field], field);
  const { text, html, watchHtml, amp, icalEvent, attachments = [], alternatives = [] } = mail;
  const parts: unknown[] = [text, html, watchHtml, amp, icalEvent, ...attachments, ...alternatives];
  for (const part of parts) {
    if (typeof part !== "object" || part === null || Buffer.isBuffer(part)) continue;
    for (const field of PART_FIELDS) refuseLines((part as Record<string, unknown>)[field], field);
  }
}

/** Refuses CR, LF and NUL in a text, in every text of a list, and in names and values of an object. */
function refuseLines(value: unknown, field: string): void {
  if (typeof value === "string") oneLine(value, field);
  else if (Array.isArray(value)) for (const each of value) refuseLines(each, field);
  else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    for (const [key, each] of Object.entries(value)) {
      oneLine(key, field);
      refuseLines(each, field);
    }
  }
}
