/** A whole message, mail or news → headers, text and attachments, by mailparser, which is loaded at the first call. */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { AttachmentStream, MailParser, MessageText } from "mailparser";
import { PolywireError, ProtocolError } from "../client/errors.js";
import { parseAddresses } from "./address.js";
import { readAttachment } from "./attachment.js";
import { parseDate } from "./date.js";
import { HeadTap } from "./head-tap.js";
import { type Headers, parseHeaders } from "./headers.js";
import { createMailParser } from "./mail-parser.js";
import type { AttachmentInfo, Message } from "./message.js";
import { messageIds } from "./message-id.js";

const MiB = 1024 * 1024;

/** What `parseMessage` takes. */
export interface ParseOptions {
  /** Makes `text` of the HTML where there is no text part. Costs time. Default: false. */
  htmlToText?: boolean | undefined;
  /** Bytes of one header block. Default: 1 MiB. */
  maxHeaderBytes?: number | undefined;
  /** Parts of the message, nested ones included. Default: 1 000. */
  maxParts?: number | undefined;
  /** Characters of HTML that `htmlToText` reads. Default: 4 Mi. */
  maxHtmlLength?: number | undefined;
  /** Bytes of the message. Default: 256 MiB, without limit where attachments are streamed. */
  maxBytes?: number | undefined;
}

/** What `parseMessage` takes to stream attachments. */
export interface StreamOptions extends ParseOptions {
  /**
   * Called for each attachment in its turn with a stream of its decoded bytes; the next one waits until the stream has
   * ended and the returned promise is settled. What is not read is passed over; destroy the stream to stop early.
   */
  onAttachment(info: AttachmentInfo, content: Readable): void | Promise<void>;
}

/**
 * Reads a message: mail or news, MIME or not. Text whose charset is declared wrongly or not at all is read as
 * {@link decodeBytes} says. A message within the message (message/rfc822) is part of the text unless it is attached.
 *
 * @param source The message's bytes, CR LF or LF between lines.
 * @returns The message. With `onAttachment`, attachments carry no content.
 * @throws ProtocolError where a limit is passed or the message cannot be read (few are that broken); SinkError where the
 *   source or `onAttachment` fails, with its error as the cause.
 *
 * @example
 * const { content } = await nntp.article("<abc@news.example>");
 * const { subject, from, text } = await parseMessage(content);
 */
export function parseMessage(
  source: Uint8Array | AsyncIterable<Uint8Array>,
  options: StreamOptions,
): Promise<Message<AttachmentInfo>>;
export function parseMessage(source: Uint8Array | AsyncIterable<Uint8Array>, options?: ParseOptions): Promise<Message>;
export async function parseMessage(
  source: Uint8Array | AsyncIterable<Uint8Array>,
  options: ParseOptions & Partial<StreamOptions> = {},
): Promise<Message<AttachmentInfo>> {
  const maxBytes = options.maxBytes ?? (options.onAttachment ? Number.POSITIVE_INFINITY : 256 * MiB);
  const parser = await createMailParser(settingsOf(options));
  const tap = new HeadTap(options.maxHeaderBytes ?? MiB, maxBytes);
  const attachments: AttachmentInfo[] = [];
  let texts: MessageText | undefined;
  parser.on("data", (part: AttachmentStream | MessageText) => {
    if (part.type === "text") texts = part;
    else
      readAttachment(part, parser, options.onAttachment).then(
        (a) => attachments.push(a),
        (e) => parser.destroy(e),
      );
  });
  try {
    await Promise.all([feed(parser, tap, source), finished(parser)]);
  } catch (cause) {
    throw explain(cause);
  }
  return { ...fieldsOf(parseHeaders(tap.head())), ...textOf(texts), attachments };
}

/** Gives the parser the source. By hand, as `pipeline` costs more than the parsing of a small message. */
async function feed(parser: MailParser, tap: HeadTap, source: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  try {
    if (source instanceof Uint8Array) parser.write(tap.take(source));
    else
      for await (const piece of tap.read(source)) {
        if (parser.destroyed) return;
        if (!parser.write(piece)) await roomIn(parser);
      }
    parser.end();
  } catch (cause) {
    // Attachments that are being read end with it.
    parser.destroy(cause as Error);
    throw cause;
  }
}

/** Resolves when the parser takes more, or never will. */
function roomIn(parser: MailParser): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      parser.off("drain", settle).off("close", settle);
      resolve();
    };
    parser.on("drain", settle).on("close", settle);
    if (parser.destroyed) settle();
  });
}

function settingsOf(options: ParseOptions) {
  return {
    skipHtmlToText: !options.htmlToText,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
    maxHtmlLengthToParse: options.maxHtmlLength ?? 4 * MiB,
    maxHeadSize: options.maxHeaderBytes ?? MiB,
    maxChildNodes: options.maxParts ?? 1000,
  };
}

function explain(cause: unknown): PolywireError {
  if (cause instanceof PolywireError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ProtocolError(`a message that cannot be read: ${why}`, { cause, clientUsable: true });
}

function fieldsOf(headers: Headers) {
  const raw = (name: string) => headers.raw(name) ?? "";
  return {
    headers,
    messageId: messageIds(raw("message-id"))[0] ?? headers.raw("message-id"),
    subject: headers.get("subject"),
    from: parseAddresses(raw("from")),
    to: parseAddresses(raw("to")),
    cc: parseAddresses(raw("cc")),
    replyTo: parseAddresses(raw("reply-to")),
    date: parseDate(raw("date")),
    references: messageIds(raw("references")),
    inReplyTo: messageIds(raw("in-reply-to"))[0],
    newsgroups: raw("newsgroups")
      .split(/[\s,]+/)
      .filter((name) => name !== ""),
  };
}

/** mailparser joins parts with these, also those that it was told to leave empty. */
const HTML_JOINT = "<br/>\n";

function textOf(texts: MessageText | undefined) {
  let html = typeof texts?.html === "string" ? texts.html : "";
  while (html.startsWith(HTML_JOINT)) html = html.slice(HTML_JOINT.length);
  while (html.endsWith(HTML_JOINT)) html = html.slice(0, -HTML_JOINT.length);
  return { text: texts?.text || undefined, html: html || undefined };
}
