/** An article as the server keeps it, and the overview row it makes. Texts are bytes, written as latin1 strings. Pure. */
import { formatDate } from "./times.js";

/** An article in parts; what is left out is filled in. Texts are sent as UTF-8. */
export interface ArticleFields {
  /** Default: `"no subject"`. */
  subject?: string | undefined;
  /** Default: `"Alice <alice@example.org>"`. */
  from?: string | undefined;
  /** A text is written as it is. Default: when the article was added. */
  date?: Date | string | undefined;
  /** With its angle brackets. Default: one that no other article has. */
  messageId?: string | undefined;
  /** The message-ids of the articles above, oldest first. */
  references?: string[] | undefined;
  /** Default: the group it is added to. */
  newsgroups?: string | string[] | undefined;
  /** Further headers. */
  headers?: Record<string, string> | undefined;
  /** Line ends become CRLF. Default: one line. */
  body?: string | Uint8Array | undefined;
}

/** An article: its parts, or the whole text. LF in a text becomes CRLF; bytes are kept as they are. */
export type ArticleInput = string | Uint8Array | ArticleFields;

/** A header block and a body. */
export class Article {
  /** The headers, every line with its CRLF, without the empty line. */
  readonly head: string;
  readonly body: string;
  #headers: Map<string, string> | undefined;

  constructor(head: string, body: string) {
    this.head = head;
    this.body = body;
  }

  /** Cuts a whole article (latin1, CRLF) at its first empty line. */
  static parse(text: string): Article {
    if (text.startsWith("\r\n")) return new Article("", text.slice(2));
    const end = text.indexOf("\r\n\r\n");
    return end === -1 ? new Article(text, "") : new Article(text.slice(0, end + 2), text.slice(end + 4));
  }

  /** `:bytes`: octets of headers, empty line and body, as they are before dots are doubled. */
  get bytes(): number {
    return this.head.length + 2 + this.body.length;
  }

  /** `:lines`: lines of the body. */
  get lines(): number {
    let count = 0;
    for (let at = this.body.indexOf("\n"); at !== -1; at = this.body.indexOf("\n", at + 1)) count += 1;
    return count;
  }

  get messageId(): string {
    return this.header("message-id") ?? "";
  }

  /** The first header of this name, unfolded; undefined when there is none. */
  header(name: string): string | undefined {
    this.#headers ??= headersOf(this.head);
    return this.#headers.get(name.toLowerCase());
  }

  /** The same article with one more header. */
  with(name: string, value: string): Article {
    return new Article(`${this.head}${name}: ${value}\r\n`, this.body);
  }

  /** The same article without a header. */
  without(name: string): Article {
    const field = new RegExp(`^${name}:[^\\n]*\\n(?:[ \\t][^\\n]*\\n)*`, "gim");
    return new Article(this.head.replace(field, ""), this.body);
  }
}

function headersOf(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.replace(/\r\n(?=[ \t])/g, "").split("\r\n")) {
    const [, name, value] = /^([!-9;-~]+):[ \t]*([\0-\xff]*)$/.exec(line) ?? [];
    if (name !== undefined && !headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value ?? "");
  }
  return headers;
}

/** Makes an article of what a test wrote. */
export function encodeArticle(input: ArticleInput, group: string, id: string, now: Date): Article {
  if (typeof input === "string") return Article.parse(crlf(utf8(input)));
  if (input instanceof Uint8Array) return Article.parse(Buffer.from(input).toString("latin1"));
  const body =
    typeof input.body === "object" ? Buffer.from(input.body).toString("latin1") : utf8(input.body ?? "Text.");
  const headers: Record<string, string> = {
    Path: "not-for-mail",
    From: input.from ?? "Alice <alice@example.org>",
    Newsgroups: [input.newsgroups ?? group].flat().join(","),
    Subject: input.subject ?? "no subject",
    Date: typeof input.date === "string" ? input.date : formatDate(input.date ?? now),
    "Message-ID": input.messageId ?? id,
    ...(input.references?.length ? { References: input.references.join(" ") } : {}),
    ...input.headers,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${utf8(value)}\r\n`);
  return new Article(head.join(""), crlf(body.endsWith("\n") || body === "" ? body : `${body}\n`));
}

function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function crlf(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/** The fields that every row has, in their order, as LIST OVERVIEW.FMT writes them (RFC 3977 8.4). */
export const OVERVIEW_FIELDS = ["Subject:", "From:", "Date:", "Message-ID:", "References:", ":bytes", ":lines"];

/** The overview row of an article, without its CRLF (RFC 3977 8.3.2). `extra`: headers behind the seven fields. */
export function overviewRow(number: string | number, article: Article, extra: readonly string[]): string {
  let row = `${number}`;
  for (const name of ["subject", "from", "date", "message-id", "references"]) {
    row += `\t${flat(article.header(name) ?? "")}`;
  }
  row += `\t${article.bytes}\t${article.lines}`;
  for (const name of extra) {
    const value = article.header(name);
    row += value === undefined ? "\t" : `\t${name}: ${flat(value)}`;
  }
  return row;
}

/** A header's value as HDR and OVER give it: TAB, NUL, CR and LF become blanks. */
export function flat(value: string): string {
  return /[\0\t\r\n]/.test(value) ? value.replace(/[\0\t\r\n]/g, " ") : value;
}

/** An article that was added, shared by the groups it is in. */
export interface Stored {
  readonly article: Article;
  /** Milliseconds since 1970. */
  readonly arrived: number;
  /** Its number in each group. */
  readonly places: Map<string, number>;
}

/** An added article as it is given out: with the numbers it has in its groups. */
export function withXref(stored: Stored, host: string): Article {
  const places = Array.from(stored.places, ([group, number]) => `${group}:${number}`).sort();
  return stored.article.with("Xref", `${host} ${places.join(" ")}`);
}
