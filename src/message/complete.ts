/** An article written elsewhere → what a server takes: headers filled in, line ends set right. Pure but for the clock. */
import { UsageError } from "../client/errors.js";
import { parseAddresses } from "./address.js";
import { formatDate } from "./date.js";
import { type Headers, parseHeaders } from "./headers.js";
import { toCrlf } from "./line-ends.js";
import { checkMessageId, newMessageId } from "./message-id.js";
import { joinNewsgroups } from "./newsgroups.js";

const CRLF = Buffer.from("\r\n");
const EMPTY_LINE = Buffer.from("\r\n\r\n");

/** What is filled in where the article has no such header. */
export interface ArticleDefaults {
  /** Default: now. */
  date?: Date | undefined;
  /** `<left@right>`. Default: a new one with the domain of From. */
  messageId?: string | undefined;
  /** Default: `not-for-mail`, to which servers put their names. */
  path?: string | undefined;
}

/**
 * The article with the headers that RFC 5536 section 3.1 asks for: Date, Message-ID and Path are added where they are
 * missing. Every line end becomes CR LF, at the end too; nothing else is touched, 8-bit bytes stay as they are. An
 * empty body is let through: RFC 5536 allows it, some servers refuse it.
 *
 * @param raw Header block, empty line, body.
 * @throws UsageError where From, Newsgroups or Subject is missing or empty, a name in Newsgroups is none, the Message-ID
 *   is none, a line of the header is no field, or there is a NUL (RFC 3977 section 3.1.1 forbids it).
 */
export function completeArticle(raw: Uint8Array, defaults: ArticleDefaults = {}): Buffer {
  const article = toCrlf(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
  const headers = checkedHeaders(article);
  const added: string[] = [];
  if (!headers.has("path")) added.push(`Path: ${checkPath(defaults.path ?? "not-for-mail")}\r\n`);
  if (!headers.has("date")) added.push(`Date: ${formatDate(defaults.date ?? new Date())}\r\n`);
  if (!headers.has("message-id")) {
    const [sender] = parseAddresses(headers.raw("from")!);
    const id = defaults.messageId ?? newMessageId(sender?.address ?? "");
    added.push(`Message-ID: ${checkMessageId(id)}\r\n`);
  }
  return Buffer.concat([Buffer.from(added.join("")), article, missingEnd(article, headers)]);
}

function checkedHeaders(article: Buffer): Headers {
  if (article.includes(0)) throw new UsageError("an article must not hold NUL");
  const headers = parseHeaders(article);
  const [broken] = headers.broken;
  if (broken !== undefined) throw new UsageError(`a line of the header is no field: ${JSON.stringify(broken)}`);
  for (const name of ["From", "Newsgroups", "Subject"]) {
    if (!headers.has(name)) throw new UsageError(`an article needs the header ${name} (RFC 5536 section 3.1)`);
  }
  for (const name of ["From", "Newsgroups", "Subject", "Date", "Message-ID", "Path"]) {
    if (headers.raw(name) === "") throw new UsageError(`the header ${name} is empty`);
  }
  joinNewsgroups(headers.raw("newsgroups")!, "Newsgroups");
  if (headers.has("message-id")) checkMessageId(headers.raw("message-id")!);
  return headers;
}

function checkPath(path: string): string {
  if (/^[!-~]+$/.test(path)) return path;
  throw new UsageError(`not a Path: ${JSON.stringify(path)}`);
}

/** The end of the last line and the empty line behind the header, where they are missing. */
function missingEnd(article: Buffer, headers: Headers): Buffer {
  const line = article.subarray(-2).equals(CRLF) ? "" : "\r\n";
  const hasBody = article.subarray(0, headers.bodyStart).subarray(-4).equals(EMPTY_LINE);
  return Buffer.from(hasBody ? line : `${line}\r\n`);
}
