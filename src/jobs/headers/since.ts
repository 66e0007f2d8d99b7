/** Where in a group a date begins: a search that says what to look at next and is told what was there. Pure. */
import type { Interval } from "./interval-set.js";
import type { GroupMarks } from "./ranges.js";

/** What a {@link SinceSearch} goes by. */
export interface SinceSearchOptions {
  /**
   * Milliseconds before the date at which the wanted numbers begin. Articles come in the order in which they reach the
   * server, not in that of their dates: clocks are wrong, zones are misspelt, feeds are late. An article whose date is
   * up to this much ahead of its neighbours' is found. Default: a day.
   */
  margin?: number | undefined;
}

const DAY = 86_400_000;
/** Numbers looked at together: the date in the middle of their dates is one that no wrong clock has moved. */
const WINDOW = 25;
/** Dates that settle a look: one or two may be wrong. */
const ENOUGH = 9;
/** How much further each look at a region without articles goes. */
const WIDEN = 8;
/** Numbers looked at at most. */
const WIDEST = 100_000;

/**
 * A binary search for the first number with a date, tolerant of missing articles and of dates that go up and down: it
 * compares the median of the dates of a few neighbours. Some 25 looks in a group of a billion. A group that was filled
 * out of order (imported archives) has no such number: ask for everything there.
 *
 * @example
 * const search = new SinceSearch(group, since);
 * while (search.next) search.answer(await dates(search.next));
 * const wanted = { from: search.from };
 */
export class SinceSearch {
  readonly #since: number;
  /** Everything below was written before; everything from `#high` on was not, or is not there. */
  #low: number;
  #high: number;
  /** Where the present look began, before it went on over missing articles, and what it found. */
  #middle = 0;
  #found: { readonly number: number; readonly time: number }[] = [];
  #next: Interval | undefined;

  constructor(group: GroupMarks, since: Date, options: SinceSearchOptions = {}) {
    this.#since = since.getTime() - (options.margin ?? DAY);
    this.#low = Math.max(1, group.low);
    this.#high = group.count === 0 ? this.#low : Math.max(this.#low, group.high + 1);
    this.#halve();
  }

  /** Numbers whose articles' dates are to be looked at; undefined at the end of the search. */
  get next(): Interval | undefined {
    return this.#next;
  }

  /** The first number wanted; past the group's high mark where all articles are older. As far as is known by now. */
  get from(): number {
    return this.#low;
  }

  /**
   * What was found at {@link next}.
   *
   * @param rows Number and date of each article there, in any order; none where all are missing. A date that is none
   * counts as a missing article.
   */
  answer(rows: readonly { readonly number: number; readonly date: Date | undefined }[]): void {
    const look = this.#next;
    if (!look) return;
    for (const { number, date } of rows) {
      if (number >= look.low && number <= look.high && date) this.#found.push({ number, time: date.getTime() });
    }
    const settled = this.#found.length >= ENOUGH;
    if (!settled && look.high + 1 < this.#high) {
      const width = Math.min(WIDEST, (look.high - look.low + 1) * WIDEN);
      this.#next = { low: look.high + 1, high: Math.min(this.#high - 1, look.high + width) };
      return;
    }
    const times = this.#found.map(({ time }) => time).sort((a, b) => a - b);
    const numbers = this.#found.map(({ number }) => number).sort((a, b) => a - b);
    const middle = times.length >> 1;
    // A few articles up to the end settle nothing: they are wanted, to be sure.
    if (settled && times[middle]! < this.#since) this.#low = numbers[middle]! + 1;
    else this.#high = this.#middle;
    this.#halve();
  }

  #halve(): void {
    this.#found = [];
    const left = this.#high - this.#low;
    if (left <= WINDOW) {
      this.#next = undefined;
      return;
    }
    this.#middle = this.#low + Math.floor((left - WINDOW) / 2);
    this.#next = { low: this.#middle, high: this.#middle + WINDOW - 1 };
  }
}
