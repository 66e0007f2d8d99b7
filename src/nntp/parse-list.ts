/** The lists of an NNTP server (RFC 3977 §7.6, RFC 6048), and what HDR and LISTGROUP give: lines → values. No I/O. */
import { decodeWords } from "../message/words.js";
import { LineRows } from "../wire/line-rows.js";
import { decodeText } from "../wire/text.js";

/** LIST ACTIVE: a newsgroup and whether it may be posted to. */
export interface ActiveGroup {
  readonly name: string;
  readonly high: number;
  readonly low: number;
  /** `y` open, `n` no posting, `m` moderated; INN also `j`, `x`, `=other.group`. */
  readonly status: string;
}

/** LIST COUNTS (RFC 6048 §2.2): as ACTIVE, with the number of articles. */
export interface CountedGroup extends ActiveGroup {
  readonly count: number;
}

/** LIST NEWSGROUPS: a newsgroup and what it is about. */
export interface GroupDescription {
  readonly name: string;
  readonly description: string;
}

/** LIST ACTIVE.TIMES: when a newsgroup was made, and by whom. */
export interface GroupTime {
  readonly name: string;
  readonly created: Date;
  readonly creator: string;
}

/** LIST DISTRIB.PATS: which Distribution is suggested for which groups. */
export interface DistributionPattern {
  readonly weight: number;
  readonly wildmat: string;
  readonly distribution: string;
}

/** LIST DISTRIBUTIONS (RFC 6048 §2.3): a value of Distribution and what it stands for. */
export interface DistributionDescription {
  readonly name: string;
  readonly description: string;
}

/** LIST MODERATORS (RFC 6048 §2.4): where articles for moderated groups go. `%s` stands for the group's name. */
export interface ModeratorAddress {
  readonly wildmat: string;
  readonly address: string;
}

/** What each list's rows are. */
export interface Lists {
  readonly ACTIVE: ActiveGroup;
  readonly COUNTS: CountedGroup;
  readonly NEWSGROUPS: GroupDescription;
  readonly "ACTIVE.TIMES": GroupTime;
  readonly "DISTRIB.PATS": DistributionPattern;
  readonly DISTRIBUTIONS: DistributionDescription;
  readonly MODERATORS: ModeratorAddress;
  readonly "OVERVIEW.FMT": string;
  readonly HEADERS: string;
  readonly SUBSCRIPTIONS: string;
  readonly MOTD: string;
}

/** The keyword of a list. */
export type ListKeyword = keyof Lists;

/** How a line of each list is read; undefined for a line that is none. */
const LISTS: { readonly [K in ListKeyword]: (line: string) => Lists[K] | undefined } = {
  ACTIVE: (line) => {
    const [name, high, low, status] = fields(line, 4);
    return (
      numbers(high, low) && { name: name as string, high: Number(high), low: Number(low), status: status as string }
    );
  },
  COUNTS: (line) => {
    const [name, high, low, count, status] = fields(line, 5);
    const row = { name: name as string, high: Number(high), low: Number(low), status: status as string };
    return numbers(high, low, count) && { ...row, count: Number(count) };
  },
  NEWSGROUPS: described,
  DISTRIBUTIONS: described,
  "ACTIVE.TIMES": (line) => {
    const [name, seconds, creator = ""] = fields(line, 3);
    return numbers(seconds) && { name: name as string, created: new Date(Number(seconds) * 1000), creator };
  },
  "DISTRIB.PATS": (line) => {
    const [weight, wildmat = "", distribution = ""] = fields(line, 3, ":");
    return numbers(weight) && { weight: Number(weight), wildmat, distribution };
  },
  MODERATORS: (line) => {
    const [wildmat = "", address] = fields(line, 2, ":");
    return address === undefined ? undefined : { wildmat, address };
  },
  "OVERVIEW.FMT": (line) => line,
  HEADERS: (line) => line,
  SUBSCRIPTIONS: (line) => line,
  MOTD: (line) => line,
};

/** A name, and what it stands for. */
function described(line: string): GroupDescription | undefined {
  const blank = line.search(/\s/);
  if (blank === 0 || line === "") return undefined;
  return blank === -1
    ? { name: line, description: "" }
    : { name: line.slice(0, blank), description: line.slice(blank).trimStart() };
}

/** True for the name of a list that can be asked for. */
export function isListKeyword(keyword: string): keyword is ListKeyword {
  return Object.hasOwn(LISTS, keyword);
}

/** Reads the lines of a list; what is no line of it is left out. */
export class ListParser<K extends ListKeyword> extends LineRows<Lists[K]> {
  readonly #parse: (line: string) => Lists[K] | undefined;
  readonly #keepEmpty: boolean;

  constructor(limit: number, keyword: K) {
    super(limit);
    this.#parse = LISTS[keyword];
    this.#keepEmpty = keyword === "MOTD";
  }

  protected override read(text: string, rows: Lists[K][]): void {
    eachLine(text, (line) => {
      const row = line === "" && !this.#keepEmpty ? undefined : this.#parse(asText(line));
      if (row !== undefined) rows.push(row);
    });
  }
}

/** A header field of one article (RFC 3977 §8.5). */
export interface HeaderField {
  /** Number of the article; 0 where it was asked for by message-id. */
  readonly number: number;
  /** The field's value, decoded (RFC 2047). */
  readonly value: string;
  /** The value as sent, a character per byte. */
  readonly rawValue: string;
}

/** Reads the rows of HDR, XHDR and XPAT: `number value`. */
export class HdrParser extends LineRows<HeaderField> {
  protected override read(text: string, rows: HeaderField[]): void {
    eachLine(text, (line) => {
      const blank = line.indexOf(" ");
      const head = blank === -1 ? line : line.slice(0, blank);
      const rawValue = blank === -1 ? "" : line.slice(blank + 1);
      const number = /^\d{1,16}$/.test(head) ? Number(head) : 0;
      if (line !== "") rows.push({ number, value: decodeWords(rawValue), rawValue });
    });
  }
}

/** Reads the rows of LISTGROUP: numbers. What is none is left out. */
export class NumberParser extends LineRows<number> {
  protected override read(text: string, rows: number[]): void {
    eachLine(text, (line) => {
      const number = Number(/^\d{1,16}/.exec(line)?.[0] ?? Number.NaN);
      if (Number.isSafeInteger(number)) rows.push(number);
    });
  }
}

/** Reads lines of text: NEWNEWS, HELP. */
export class TextParser extends LineRows<string> {
  protected override read(text: string, rows: string[]): void {
    eachLine(text, (line) => rows.push(asText(line)));
  }
}

function eachLine(text: string, take: (line: string) => void): void {
  for (let at = 0; at < text.length; ) {
    const lf = text.indexOf("\n", at);
    take(text.slice(at, lf > at && text[lf - 1] === "\r" ? lf - 1 : lf));
    at = lf + 1;
  }
}

/** A character per byte → text: group names and descriptions are UTF-8 (RFC 3977 §3.1). */
function asText(line: string): string {
  return /[\x80-\xff]/.test(line) ? decodeText(Buffer.from(line, "latin1")) : line;
}

/** The first `count` fields; the last one holds all that is left. */
function fields(line: string, count: number, separator: string | RegExp = /[ \t]+/): string[] {
  const parts = line.split(separator);
  if (typeof separator === "string" && parts.length > count) parts.push(parts.splice(count - 1).join(separator));
  return parts;
}

/** `undefined` where one of the fields is no number; true otherwise. */
function numbers(...texts: readonly (string | undefined)[]): true | undefined {
  return texts.every((text) => text !== undefined && /^\d{1,16}$/.test(text)) || undefined;
}
