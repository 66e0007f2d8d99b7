/** What a style of LIST rows supplies, and how the rare styles cut a row into words. Pure. */
import type { FtpEntry } from "../entry.js";
import type { ListDate, WallClock } from "../list-date.js";
import type { NameDecoder } from "../name.js";

/** Reads the rows of one listing, in order: some styles remember a header or the row before. */
export interface ListStyle {
  /** Appends what the row says to `out` (nothing for a header). False when the row is not of this style. */
  read(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: FtpEntry[]): boolean;
  /** Appends what only the end of the listing completes. */
  finish?(out: FtpEntry[]): void;
}

/** A name for `ListParser.style` and how to begin a listing. */
export interface ListStyleChoice {
  readonly name: string;
  begin(clock: WallClock): ListStyle;
}

/** A style that reads text: one function for a row. */
export function textStyle(name: string, begin: (clock: WallClock) => ReadText): ListStyleChoice {
  return {
    name,
    begin(clock) {
      const readText = begin(clock);
      return { read: (bytes, start, end, decode, out) => readText(decode(bytes, start, end), out) };
    },
  };
}

/** As {@link ListStyle.read}. */
export type ReadText = (raw: string, out: FtpEntry[]) => boolean;

/** A stretch of a row between blanks, and where it ends. */
export interface Word {
  text: string;
  end: number;
}

/** The first `max` words of a row: linear in its length, which a regular expression over a whole row may not be. */
export function words(row: string, max = 16): Word[] {
  const found: Word[] = [];
  const word = /[^ \t]+/g;
  for (let match = word.exec(row); match !== null && found.length < max; match = word.exec(row)) {
    found.push({ text: match[0], end: word.lastIndex });
  }
  return found;
}

/** True for decimal digits and nothing else. */
export function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,16}$/.test(text);
}

/** The two fields of a date, or none. */
export function dateFields(date: ListDate | undefined): Pick<FtpEntry, "modified" | "precision"> {
  return date === undefined ? {} : { modified: new Date(date.time), precision: date.precision };
}

/** `total 12`, with which `ls -l` begins. */
export function isTotal(row: string): boolean {
  return /^total(?: +[\d.,]+[KMGTP]?)?$/i.test(row.trimEnd());
}
