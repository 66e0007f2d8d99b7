/** SEARCH (RFC 9051 §6.4.4): a query as a value → the words of a command. No I/O. */
import { UsageError } from "../client/errors.js";
import { astring, literal, type Piece } from "./command.js";
import { checkFlag } from "./flags.js";
import { wholeArgument } from "./mailbox-argument.js";
import { encodeMailbox } from "./mailbox-name.js";
import { formatDay } from "./parse-date.js";
import { formatSet, type MessageSet } from "./sequence-set.js";

/** What is searched for: all conditions must hold. A day is taken from a Date in UTC. */
export interface SearchQuery {
  all?: true | undefined;
  answered?: boolean | undefined;
  deleted?: boolean | undefined;
  draft?: boolean | undefined;
  flagged?: boolean | undefined;
  seen?: boolean | undefined;
  /** Has this flag or keyword, or each of these. */
  keyword?: string | readonly string[] | undefined;
  /** Does not have it, or any of them. */
  unkeyword?: string | readonly string[] | undefined;
  /** Text in a header field or the body, in any case. */
  from?: string | undefined;
  to?: string | undefined;
  cc?: string | undefined;
  bcc?: string | undefined;
  subject?: string | undefined;
  body?: string | undefined;
  /** Text in the headers or the body. */
  text?: string | undefined;
  /** Text in these header fields; `true`, or "": the field is there. */
  header?: Readonly<Record<string, string | true>> | undefined;
  /** Came into the mailbox on this day, before it, or on it and later. */
  on?: Date | undefined;
  before?: Date | undefined;
  since?: Date | undefined;
  /** The day of the Date field. */
  sentOn?: Date | undefined;
  sentBefore?: Date | undefined;
  sentSince?: Date | undefined;
  /** Came within the last seconds, or longer ago (RFC 5032). */
  younger?: number | undefined;
  older?: number | undefined;
  /** Octets: more, or less. */
  larger?: number | undefined;
  smaller?: number | undefined;
  uid?: MessageSet | undefined;
  numbers?: MessageSet | undefined;
  /** Changed since (RFC 7162). */
  modseq?: number | bigint | undefined;
  /** Gmail's own way to search (X-GM-RAW): what its web page takes, `has:attachment in:unread`. */
  gmailRaw?: string | undefined;
  /** Gmail: has this label, or each of these (X-GM-LABELS): a name, or `\Inbox` and its like. */
  gmailLabels?: string | readonly string[] | undefined;
  /** Gmail: this message, this conversation (X-GM-MSGID, X-GM-THRID): decimal numbers of 64 bits. */
  gmailMessageId?: string | bigint | undefined;
  gmailThreadId?: string | bigint | undefined;
  /** None of these. */
  not?: SearchQuery | readonly SearchQuery[] | undefined;
  /** One of these. */
  or?: readonly SearchQuery[] | undefined;
}

const SYSTEM_FLAGS: ReadonlySet<string> = new Set(["ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN"]);

type Writer = (value: never, utf8: boolean) => readonly Piece[];

const flag = (word: string) => (value: boolean) => [value ? word : `UN${word}`];
const day = (word: string) => (value: Date) => [`${word} ${formatDay(value)}`];
const text = (word: string) => (value: string) => [`${word} `, searchString(value)];
const count = (word: string) => (value: number | bigint) => [`${word} ${wholeArgument(word, value)}`];
const gmailId = (word: string) => (value: string | bigint) => {
  if (typeof value === "bigint" || /^\d{1,20}$/.test(value)) return [`${word} ${wholeArgument(word, BigInt(value))}`];
  throw new UsageError(`${word} wants a decimal number, not ${JSON.stringify(value)}`, { protocol: "imap" });
};
const keywords = (word: string) => (value: string | readonly string[]) => [
  [value]
    .flat()
    .map((each) => systemFlag(word, checkFlag(each)))
    .join(" "),
];

/** How each condition is written. */
const WRITERS: {
  readonly [K in keyof Required<SearchQuery>]: (value: NonNullable<SearchQuery[K]>, utf8: boolean) => readonly Piece[];
} = {
  all: () => ["ALL"],
  answered: flag("ANSWERED"),
  deleted: flag("DELETED"),
  draft: flag("DRAFT"),
  flagged: flag("FLAGGED"),
  seen: flag("SEEN"),
  keyword: keywords("KEYWORD"),
  unkeyword: keywords("UNKEYWORD"),
  from: text("FROM"),
  to: text("TO"),
  cc: text("CC"),
  bcc: text("BCC"),
  subject: text("SUBJECT"),
  body: text("BODY"),
  text: text("TEXT"),
  header: (fields) =>
    joined(
      Object.entries(fields).map(([name, value]) => [
        "HEADER ",
        fieldName(name),
        " ",
        searchString(value === true ? "" : value),
      ]),
    ),
  on: day("ON"),
  before: day("BEFORE"),
  since: day("SINCE"),
  sentOn: day("SENTON"),
  sentBefore: day("SENTBEFORE"),
  sentSince: day("SENTSINCE"),
  younger: count("YOUNGER"),
  older: count("OLDER"),
  larger: count("LARGER"),
  smaller: count("SMALLER"),
  uid: (set) => [`UID ${formatSet(set)}`],
  numbers: (set) => [formatSet(set)],
  modseq: count("MODSEQ"),
  gmailRaw: text("X-GM-RAW"),
  gmailLabels: (labels, utf8) => joined([labels].flat().map((each) => ["X-GM-LABELS ", gmailLabel(each, utf8)])),
  gmailMessageId: gmailId("X-GM-MSGID"),
  gmailThreadId: gmailId("X-GM-THRID"),
  not: (queries, utf8) => joined([queries].flat().map((each) => ["NOT (", ...conditions(each, utf8), ")"])),
  or: alternatives,
};

/**
 * The query of a SEARCH. Throws UsageError for what is none.
 *
 * @param query A value, or text as IMAP writes it.
 * @param utf8 True where the connection's names are UTF-8. Default: false.
 */
export function searchPieces(query: SearchQuery | string, utf8 = false): Piece[] {
  if (typeof query !== "string") return conditions(query, utf8);
  if (query.trim() === "" || /\{\d+[+-]?\}$/.test(query)) {
    throw new UsageError(`${JSON.stringify(query)} is no search`, { advice: "quote strings", protocol: "imap" });
  }
  return [query];
}

/** True where a piece is not ASCII: the charset must be named (RFC 9051 §6.4.4). */
export function needsCharset(pieces: readonly Piece[]): boolean {
  return pieces.some((piece) => typeof piece !== "string" || /[^\x00-\x7f]/.test(piece));
}

function conditions(query: SearchQuery, utf8: boolean): Piece[] {
  const all: (readonly Piece[])[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(WRITERS, name)) {
      const advice = `there are ${Object.keys(WRITERS).join(", ")}`;
      throw new UsageError(`${JSON.stringify(name)} is no condition of a search`, { advice, protocol: "imap" });
    }
    // Each writer has the type of its own value.
    all.push((WRITERS[name as keyof SearchQuery] as unknown as Writer)(value as never, utf8));
  }
  return all.length === 0 ? ["ALL"] : joined(all);
}

/** OR takes two: `OR (a) OR (b) (c)`. */
function alternatives(queries: readonly SearchQuery[], utf8: boolean): Piece[] {
  const last = queries.length - 1;
  if (last < 0) throw new UsageError("a search for one of none", { protocol: "imap" });
  return queries.flatMap((each, i) => [`${i > 0 ? " " : ""}${i < last ? "OR " : ""}(`, ...conditions(each, utf8), ")"]);
}

function joined(all: readonly (readonly Piece[])[]): Piece[] {
  return all.flatMap((pieces, i) => (i === 0 ? pieces : [" ", ...pieces]));
}

/** Quoted, or a literal: an atom may be taken for the next condition by a person, and by some servers. */
function searchString(value: string): Piece {
  if (typeof value !== "string") throw new UsageError(`${JSON.stringify(value)} is no text`, { protocol: "imap" });
  if (value.includes("\0")) throw new UsageError("a text that is searched for must not hold NUL", { protocol: "imap" });
  if (!/[\r\n\x7f-\uffff]/.test(value)) return `"${value.replace(/["\\]/g, "\\$&")}"`;
  return literal(Buffer.from(value));
}

/** `\Seen` has a word of its own, a keyword has none. */
function systemFlag(word: string, name: string): string {
  if (!name.startsWith("\\")) return `${word} ${name}`;
  const own = name.slice(1).toUpperCase();
  if (!SYSTEM_FLAGS.has(own)) {
    throw new UsageError(`${JSON.stringify(name)} cannot be searched for`, { protocol: "imap" });
  }
  return word === "UNKEYWORD" ? `UN${own}` : own;
}

/** Labels are named like mailboxes, but for those with a backslash. */
function gmailLabel(label: string, utf8: boolean): Piece {
  return label.startsWith("\\") ? checkFlag(label) : astring(encodeMailbox(label, utf8), true);
}

/** True where messages are named by their numbers, which change when others go. */
export function namesNumbers(query: SearchQuery | string): boolean {
  if (typeof query === "string") return true;
  const inner = [query.not ?? [], query.or ?? []].flat();
  return query.numbers !== undefined || inner.some(namesNumbers);
}

/** RFC 5322 §3.6.8. */
function fieldName(name: string): Piece {
  if (/^[\x21-\x39\x3b-\x7e]+$/.test(name)) return astring(name);
  throw new UsageError(`${JSON.stringify(name)} is no name of a header field`, { protocol: "imap" });
}
