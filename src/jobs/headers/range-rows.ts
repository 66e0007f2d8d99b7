/** The rows that answer one range: each number once, nothing that was not asked, and how far they go. Pure. */
import type { Answered, AnsweredRow } from "./cursor.js";
import { type Interval, IntervalSet } from "./interval-set.js";
import type { Range } from "./ranges.js";

/**
 * Sorts what a server sends for a range into what is to be delivered. RFC 3977 §8.3 promises rows in the order of their
 * numbers, so each one answers for all numbers up to its own. Where a server breaks that promise the row is still
 * delivered once; only a process killed in the middle of such a range may miss it.
 *
 * Rows without a number (0: they are broken) are delivered with the next row that has one, or at the end: a range that
 * breaks off before is asked again from there, and brings them again.
 */
export class RangeRows<Row extends AnsweredRow> {
  readonly #range: Range;
  /** Numbers of a joined range that were delivered before it was asked for. */
  readonly #before: IntervalSet | undefined;
  /** The first number without an answer. */
  #from: number;
  /** Numbers passed over without a row. */
  readonly #gaps = new IntervalSet();
  #unnumbered: Row[] = [];
  #passedOver = 0;

  /** `done`: what was delivered before; rows of a joined range that are in it are passed over. */
  constructor(range: Range, done: IntervalSet) {
    this.#range = range;
    this.#from = range.low;
    if (!range.joined) return;
    this.#before = new IntervalSet().add(range.low, range.high);
    for (const { low, high } of done.missing(range.low, range.high)) this.#before.delete(low, high);
  }

  /** The first number without an answer: from here on the range is to be asked again where it breaks off. */
  get from(): number {
    return this.#from;
  }

  /** Rows that were not asked for, or came twice. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** Takes rows as they came. @returns Those to be delivered. */
  take(rows: readonly Row[]): Answered<Row> {
    const low = this.#from;
    const fresh: Row[] = [];
    for (const row of rows) {
      if (row.number === 0) this.#unnumbered.push(row);
      else if (this.#accepts(row.number)) {
        if (this.#unnumbered.length > 0) this.#release(row.number, fresh);
        fresh.push(row);
      } else this.#passedOver++;
    }
    return { low, high: this.#from - 1, rows: fresh };
  }

  /** The answer ended in order. @returns The rest: it answers for all numbers to the end of the range. */
  end(): Answered<Row> {
    const low = this.#from;
    const { high } = this.#range;
    if (low <= high) this.#gaps.add(low, high);
    this.#from = high + 1;
    const rows: Row[] = [];
    this.#release(high + 1, rows);
    return { low, high, rows };
  }

  /** Numbers asked and not returned, ascending. */
  get missing(): readonly Interval[] {
    const gaps = [...this.#gaps];
    const before = this.#before;
    return before ? gaps.flatMap(({ low, high }) => [...before.missing(low, high)]) : gaps;
  }

  /**
   * Rows without a number, which stand for as many numbers just below this one: those are not missing, or they would be
   * asked for, and the rows be delivered, again and again.
   */
  #release(below: number, rows: Row[]): void {
    const low = Math.max(this.#range.low, below - this.#unnumbered.length);
    if (this.#unnumbered.length > 0 && low < below) this.#gaps.delete(low, below - 1);
    for (const broken of this.#unnumbered.splice(0)) rows.push(broken);
  }

  #accepts(number: number): boolean {
    if (!(number >= this.#range.low && number <= this.#range.high)) return false;
    if (this.#before?.has(number)) return false;
    if (number < this.#from) return this.#fillGap(number);
    if (number > this.#from) this.#gaps.add(this.#from, number - 1);
    this.#from = number + 1;
    return true;
  }

  /** A row that comes after higher ones. @returns Whether it is new. */
  #fillGap(number: number): boolean {
    if (!this.#gaps.has(number)) return false;
    this.#gaps.delete(number);
    return true;
  }
}
