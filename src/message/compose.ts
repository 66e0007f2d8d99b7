/** The parts of an article → its bytes, by nodemailer's MailComposer, which is loaded at the first call. */
import type { Readable } from "node:stream";
import type { MailComposerAttachment, MailComposerOptions } from "nodemailer/lib/mail-composer";
import type MimeNode from "nodemailer/lib/mime-node";
import { SinkError } from "../client/errors.js";
import { type ComposedField, extraFields, mailbox, mailboxes, oneLine, threadOf } from "./compose-fields.js";
import { formatDate } from "./date.js";
import { checkMessageId, newMessageId } from "./message-id.js";
import { withTypes } from "./mime-types.js";

export { type ArticleDefaults, completeArticle } from "./complete.js";

/** A mailbox as text, `Jürgen <j@example.org>`, or in parts. */
export type AddressInput = string | { readonly name?: string | undefined; readonly address: string };

/** A file to go with an article. It is sent in base64. */
export interface AttachmentInput {
  readonly content: Uint8Array | string | Readable;
  /** Default: `attachment-1.bin` and so on. */
  readonly filename?: string | undefined;
  /** Default: by the file name's extension. */
  readonly contentType?: string | undefined;
  /** Without angle brackets. Puts the file beside the HTML, which shows it as `cid:…`. */
  readonly contentId?: string | undefined;
}

/** The parts of an article. */
export interface ArticleInput {
  readonly from: AddressInput;
  /** Names, or one text with commas between them. */
  readonly newsgroups: string | readonly string[];
  readonly subject: string;
  /** Whom a copy went to by mail. Posting sends none. Each text may hold several, with commas between them. */
  readonly to?: AddressInput | readonly AddressInput[] | undefined;
  readonly cc?: AddressInput | readonly AddressInput[] | undefined;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly attachments?: readonly AttachmentInput[] | undefined;
  /** Message-ids of the thread, the oldest first. */
  readonly references?: string | readonly string[] | undefined;
  /** Message-id of the article replied to: put behind the references where they do not end with it. */
  readonly inReplyTo?: string | undefined;
  /** Newsgroups that answers go to, or `poster`. */
  readonly followupTo?: string | readonly string[] | undefined;
  readonly replyTo?: AddressInput | undefined;
  /** `<left@right>`. Default: a new one with the domain of `from`. */
  readonly messageId?: string | undefined;
  /** Default: now. */
  readonly date?: Date | undefined;
  /** Further header fields, e.g. `{ Organization: "…", Supersedes: "<…>" }`. Path is `not-for-mail` unless it is here. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
}

/**
 * The bytes of an article (RFC 5536), CR LF between lines, ready for POST. Text goes as it is where it can: 7bit in
 * ASCII, 8bit in UTF-8, as news is 8-bit clean and readers expect it; quoted-printable where a line is longer than 998
 * octets or holds NUL. Headers are encoded (RFC 2047). Nothing is added that tells about this program or machine.
 *
 * @throws UsageError for a line break in any header value, a newsgroup, message-id or address that is none, a field in
 *   `headers` that has an option of its own or belongs to MIME; SinkError where an attachment's stream fails.
 *
 * @example
 * const article = await composeArticle({
 *   from: "Jürgen <j@example.org>", newsgroups: "misc.test", subject: "Grüße", text: "Hallo!",
 * });
 */
export async function composeArticle(article: ArticleInput): Promise<Buffer> {
  const options = composerOptions(article);
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const message = new MailComposer(await withTypes(options)).compile();
  chooseEncodings(message);
  try {
    return await message.build();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SinkError(`the article could not be composed: ${why}`, { cause });
  }
}

function composerOptions(article: ArticleInput): MailComposerOptions {
  return { ...partOptions(article, extraFields(article)), newline: "windows", boundaryPrefix: "=_" };
}

/** The parts of a message as MailComposer takes them, checked. `fields` are those that have no option of MailComposer's. */
export function partOptions(
  article: Omit<ArticleInput, "newsgroups">,
  fields: ComposedField[],
): Omit<MailComposerOptions, "envelope" | "raw"> {
  const from = mailbox(article.from, "from");
  const { text, html, replyTo, to, cc } = article;
  const spelled = new Map(fields.map(({ key }) => [key.toLowerCase(), key]));
  return {
    from,
    ...(to === undefined ? {} : { to: mailboxes(to, "to") }),
    ...(cc === undefined ? {} : { cc: mailboxes(cc, "cc") }),
    subject: oneLine(article.subject, "subject"),
    date: formatDate(article.date ?? new Date()),
    messageId: checkMessageId(article.messageId ?? newMessageId(from.address)),
    ...threadOf(article),
    ...(replyTo === undefined ? {} : { replyTo: mailbox(replyTo, "replyTo") }),
    ...(text === undefined ? {} : { text: withCrlf(text) }),
    ...(html === undefined ? {} : { html: withCrlf(html) }),
    attachments: (article.attachments ?? []).map(attachmentOf),
    headers: fields,
    disableFileAccess: true,
    disableUrlAccess: true,
    normalizeHeaderKey: (key) => spelled.get(key.toLowerCase()) ?? key,
  };
}

function withCrlf(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

function attachmentOf({ content, filename, contentType, contentId }: AttachmentInput): MailComposerAttachment {
  return {
    content: content instanceof Uint8Array ? Buffer.from(content) : content,
    ...(filename === undefined ? {} : { filename: oneLine(filename, "filename") }),
    ...(contentType === undefined ? {} : { contentType: oneLine(contentType, "contentType") }),
    ...(contentId === undefined ? {} : { cid: oneLine(contentId, "contentId") }),
  };
}

/**
 * Left alone, nodemailer encodes all text that is not ASCII, and ASCII with lines longer than 76. True where the part
 * holds 8-bit text: what it stands in must say so, too (RFC 2045 section 6.4).
 */
function chooseEncodings(part: MimeNode): boolean {
  if (part.childNodes.length > 0) {
    const is8bit = part.childNodes.map(chooseEncodings).includes(true);
    if (is8bit) part.setHeader("Content-Transfer-Encoding", "8bit");
    return is8bit;
  }
  const given = part.getHeader("Content-Transfer-Encoding");
  if (typeof part.content !== "string" || given !== undefined) return given === "8bit";
  const encoding = textEncoding(part.content);
  part.getTransferEncoding = () => encoding;
  return encoding === "8bit";
}

function textEncoding(text: string): "7bit" | "8bit" | "quoted-printable" {
  if (text.includes("\0") || text.split("\r\n").some((line) => Buffer.byteLength(line) > 998))
    return "quoted-printable";
  return /[^\x00-\x7f]/.test(text) ? "8bit" : "7bit";
}
