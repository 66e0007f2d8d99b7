/** Counts over header records: articles per day and per author. Pure. */
import { parseAuthor } from "./author.js";
import { type HeaderRecord, recordTime } from "./records.js";

/** Articles of a day. */
export interface DayCount {
  /** In UTC: `2026-02-03`. */
  readonly day: string;
  readonly count: number;
}

/** Articles of an author. */
export interface AuthorCount {
  /** The From header as it was last seen. */
  readonly from: string;
  /** The address in lower case: what articles are counted by. The whole From where it has none. */
  readonly address: string;
  readonly count: number;
}

/** What was counted. */
export interface CountsResult {
  readonly total: number;
  /** Articles without a date that can be read: they are in no day. */
  readonly undated: number;
  /** In order; days without articles are left out. */
  readonly days: readonly DayCount[];
  /** The most articles first. */
  readonly authors: readonly AuthorCount[];
  /**
   * 0 where the authors are exact. Else there were more than `maxAuthors`: those with the fewest articles were forgotten
   * on the way, an author may be missing up to this many articles, and one with no more than that may be missing.
   */
  readonly authorsError: number;
}

/** How to count. */
export interface CountsOptions {
  /** Authors that are remembered at once; past it those with the fewest articles are forgotten. Default: 1,000,000. */
  maxAuthors?: number | undefined;
}

const DAY = 86_400_000;
/** Days since 1970 that have a name of ten characters. A date beyond is a mistake, and counts as none. */
const FIRST_DAY = Date.parse("0001-01-01") / DAY;
const LAST_DAY = Date.parse("9999-12-31") / DAY;

/**
 * Counts articles, one after the other; memory grows with days and authors, not with articles.
 *
 * @example
 * const counts = new Counts();
 * for await (const batch of readRecords("headers.ndjson")) for (const record of batch) counts.add(record);
 * const { days, authors } = counts.result();
 */
export class Counts {
  readonly #maxAuthors: number;
  /** By days since 1970. */
  readonly #days = new Map<number, number>();
  readonly #authors = new Map<string, { from: string; count: number }>();
  #total = 0;
  #undated = 0;
  #authorsError = 0;

  constructor(options: CountsOptions = {}) {
    this.#maxAuthors = Math.max(1, options.maxAuthors ?? 1_000_000);
  }

  add(record: HeaderRecord): void {
    this.#total++;
    const day = Math.floor(recordTime(record) / DAY);
    if (day >= FIRST_DAY && day <= LAST_DAY) this.#days.set(day, (this.#days.get(day) ?? 0) + 1);
    else this.#undated++;
    this.#addAuthor(record.from);
  }

  #addAuthor(from: string): void {
    const { address } = parseAuthor(from);
    const known = this.#authors.get(address);
    if (known !== undefined) {
      known.count++;
      known.from = from;
      return;
    }
    this.#authors.set(address, { from, count: 1 });
    while (this.#authors.size > this.#maxAuthors) this.#forget();
  }

  /** Takes an article from every author as often as half of them have none left (after Misra and Gries). */
  #forget(): void {
    const counts = Float64Array.from(this.#authors.values(), ({ count }) => count).sort();
    const least = counts[counts.length >> 1]!;
    this.#authorsError += least;
    for (const [address, author] of this.#authors) {
      author.count -= least;
      if (author.count <= 0) this.#authors.delete(address);
    }
  }

  /** What was counted so far. */
  result(): CountsResult {
    const days = [...this.#days].sort((a, b) => a[0] - b[0]);
    const authors = [...this.#authors].map(([address, { from, count }]) => ({ from, address, count }));
    return {
      total: this.#total,
      undated: this.#undated,
      days: days.map(([day, count]) => ({ day: dayName(day), count })),
      authors: authors.sort((a, b) => b.count - a.count || (a.address < b.address ? -1 : 1)),
      authorsError: this.#authorsError,
    };
  }
}

function dayName(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, "2026-02-03".length);
}
