/** A set of whole numbers kept as closed intervals: few for a scan that goes on, fast for many that do not touch. Pure. */
import { UsageError } from "../../client/errors.js";

/** All whole numbers from `low` to `high`, both included. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Intervals side by side, ascending, never touching. A chunk is never empty. */
interface Chunk {
  readonly lows: number[];
  readonly highs: number[];
}

/** Intervals of a chunk at most: an insert moves no more than that. */
const CHUNK = 512;

/**
 * A set of whole numbers from 0 to 2^53-1. Finding a place takes O(log n) steps for n intervals, changing it moves one
 * chunk of them, however many there are. The set changes in place; {@link copy} gives one that stays as it is.
 *
 * @example
 * const done = IntervalSet.decode("1-500,510-600");
 * done.add(501, 505);
 * done.firstMissing(1, 1000); // { low: 506, high: 509 }
 */
export class IntervalSet {
  #chunks: Chunk[] = [];
  #size = 0;
  /** Where {@link #find} stopped: a chunk and an interval of it. */
  #chunk = 0;
  #index = 0;

  /** A set of these intervals, in any order. */
  static of(...intervals: readonly Interval[]): IntervalSet {
    const set = new IntervalSet();
    for (const { low, high } of intervals) set.add(low, high);
    return set;
  }

  /** Reads what {@link encode} wrote. Throws UsageError for anything else. */
  static decode(text: string): IntervalSet {
    const set = new IntervalSet();
    let last = -2;
    for (const part of text === "" ? [] : text.split(",")) {
      const [, low = "", high = low] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (low === "" || Number(low) <= last + 1) throw new UsageError(`${JSON.stringify(part)} is no interval here`);
      set.add(Number(low), Number(high));
      last = Number(high);
    }
    return set;
  }

  /** Compact text: `1-500,510-600,605`. */
  encode(): string {
    const parts: string[] = [];
    for (const { low, high } of this) parts.push(low === high ? `${low}` : `${low}-${high}`);
    return parts.join(",");
  }

  /** Numbers in the set. */
  get size(): number {
    return this.#size;
  }

  /** Intervals they make. */
  get intervals(): number {
    return this.#chunks.reduce((sum, { lows }) => sum + lows.length, 0);
  }

  /** The smallest and the largest number; undefined where the set is empty. */
  get span(): Interval | undefined {
    const last = this.#chunks.at(-1);
    return last && { low: this.#chunks[0]!.lows[0]!, high: last.highs.at(-1)! };
  }

  /** The intervals, ascending. The set must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<Interval> {
    for (const { lows, highs } of this.#chunks) {
      for (let i = 0; i < lows.length; i++) yield { low: lows[i]!, high: highs[i]! };
    }
  }

  has(number: number): boolean {
    const chunk = this.#find(number);
    return chunk !== undefined && chunk.lows[this.#index]! <= number;
  }

  /** Adds all numbers from `low` to `high`. Throws UsageError where they are no interval of whole numbers. */
  add(low: number, high: number = low): this {
    check(low, high);
    const last = this.#chunks.at(-1);
    const end = last?.highs.at(-1) ?? -1;
    // What a scan does all the time: it goes on where it was.
    if (last && low === end + 1) {
      last.highs[last.highs.length - 1] = high;
      this.#size += high - end;
      return this;
    }
    const joined = this.#take(low - 1, high + 1);
    this.#insert(Math.min(low, joined?.low ?? low), Math.max(high, joined?.high ?? high));
    return this;
  }

  /** Removes all numbers from `low` to `high`. */
  delete(low: number, high: number = low): this {
    check(low, high);
    const cut = this.#take(low, high);
    if (cut && cut.low < low) this.#insert(cut.low, low - 1);
    if (cut && cut.high > high) this.#insert(high + 1, cut.high);
    return this;
  }

  /** The lowest run of numbers from `low` to `high` that are not in the set. */
  firstMissing(low: number, high: number): Interval | undefined {
    let chunk = this.#find(low);
    let start = low;
    if (chunk && chunk.lows[this.#index]! <= low) {
      start = chunk.highs[this.#index]! + 1;
      if (++this.#index === chunk.lows.length) {
        chunk = this.#chunks[this.#chunk + 1];
        this.#index = 0;
      }
    }
    if (start > high) return undefined;
    return { low: start, high: chunk ? Math.min(high, chunk.lows[this.#index]! - 1) : high };
  }

  /** The highest run of numbers from `low` to `high` that are not in the set. */
  lastMissing(low: number, high: number): Interval | undefined {
    let chunk = this.#find(high);
    let end = high;
    if (chunk && chunk.lows[this.#index]! <= high) end = chunk.lows[this.#index]! - 1;
    if (end < low) return undefined;
    if (--this.#index < 0) {
      chunk = this.#chunks[this.#chunk - 1];
      this.#index = (chunk?.lows.length ?? 0) - 1;
    } else chunk = this.#chunks[this.#chunk];
    return { low: chunk ? Math.max(low, chunk.highs[this.#index]! + 1) : low, high: end };
  }

  /** Every run of numbers from `low` to `high` that are not in the set, ascending; the set may change meanwhile. */
  *missing(low: number, high: number): IterableIterator<Interval> {
    let gap = this.firstMissing(low, high);
    while (gap) {
      yield gap;
      gap = gap.high < high ? this.firstMissing(gap.high + 1, high) : undefined;
    }
  }

  /** A set of its own with the same numbers. */
  copy(): IntervalSet {
    const set = new IntervalSet();
    set.#chunks = this.#chunks.map(({ lows, highs }) => ({ lows: lows.slice(), highs: highs.slice() }));
    set.#size = this.#size;
    return set;
  }

  /** Removes everything. */
  clear(): void {
    this.#chunks = [];
    this.#size = 0;
  }

  /** Stops at the first interval that ends at `number` or above. @returns Its chunk, if there is one. */
  #find(number: number): Chunk | undefined {
    const chunks = this.#chunks;
    let [from, to] = [0, chunks.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const { highs } = chunks[middle]!;
      if (highs[highs.length - 1]! < number) from = middle + 1;
      else to = middle;
    }
    this.#chunk = from;
    const chunk = chunks[from];
    [from, to] = [0, chunk?.highs.length ?? 0];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (chunk!.highs[middle]! < number) from = middle + 1;
      else to = middle;
    }
    this.#index = from;
    return chunk;
  }

  /** Takes out every interval that has a number from `low` to `high`. @returns From where to where they went. */
  #take(low: number, high: number): Interval | undefined {
    let taken: { low: number; high: number } | undefined;
    for (let chunk = this.#find(low); chunk; chunk = this.#chunks[this.#chunk]) {
      const { lows, highs } = chunk;
      let end = this.#index;
      for (; end < lows.length && lows[end]! <= high; end++) this.#size -= highs[end]! - lows[end]! + 1;
      if (end === this.#index) break;
      taken = { low: taken?.low ?? lows[this.#index]!, high: highs[end - 1]! };
      const whole = end === lows.length;
      lows.splice(this.#index, end - this.#index);
      highs.splice(this.#index, end - this.#index);
      if (lows.length === 0) this.#chunks.splice(this.#chunk, 1);
      else this.#chunk++;
      if (!whole) break;
      this.#index = 0;
    }
    return taken;
  }

  /** Puts in an interval that touches no other. */
  #insert(low: number, high: number): void {
    this.#size += high - low + 1;
    let chunk = this.#find(low);
    if (!chunk) {
      // Behind all others.
      chunk = this.#chunks.at(-1);
      if (!chunk || chunk.lows.length >= CHUNK) this.#chunks.push((chunk = { lows: [], highs: [] }));
      chunk.lows.push(low);
      chunk.highs.push(high);
      return;
    }
    chunk.lows.splice(this.#index, 0, low);
    chunk.highs.splice(this.#index, 0, high);
    if (chunk.lows.length <= CHUNK) return;
    const half = { lows: chunk.lows.splice(CHUNK >> 1), highs: chunk.highs.splice(CHUNK >> 1) };
    this.#chunks.splice(this.#chunk + 1, 0, half);
  }
}

function check(low: number, high: number): void {
  if (Number.isSafeInteger(low) && Number.isSafeInteger(high) && low >= 0 && low <= high) return;
  throw new UsageError(`from ${low} to ${high} is no interval of whole numbers from 0`);
}
