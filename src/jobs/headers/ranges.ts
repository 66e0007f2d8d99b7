/** What to ask a server for, range by range: how large, in which order, and again what broke. Pure. */
import { UsageError } from "../../client/errors.js";
import type { Interval, IntervalSet } from "./interval-set.js";

/** A group as GROUP tells it: the numbers there are lie from `low` to `high`. */
export interface GroupMarks {
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Which articles are wanted: numbers from … to …, the newest `n` numbers (of which some may be holes), numbers from …
 * on (where a date begins: see `SinceSearch`), or everything the server has.
 */
export type Wanted =
  | { readonly range: readonly [low: number, high?: number | undefined] }
  | { readonly newest: number }
  | { readonly from: number }
  | "everything";

/**
 * The numbers to ask for. Never past the group's high mark: articles with these numbers are yet to come.
 *
 * @returns undefined where the group has none of them.
 */
export function wantedInterval(group: GroupMarks, wanted: Wanted): Interval | undefined {
  let { low, high } = group;
  if (wanted === "everything") {
    // As it is.
  } else if ("newest" in wanted) {
    low = Math.max(low, high - whole("newest", wanted.newest) + 1);
  } else {
    const [from, to = high] = "range" in wanted ? wanted.range : [wanted.from];
    low = Math.max(low, whole("the first number", from));
    high = Math.min(high, whole("the last number", to));
  }
  return group.count === 0 || low > high || high < 1 ? undefined : { low: Math.max(1, low), high };
}

function whole(what: string, number: number): number {
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new UsageError(`${what} is a whole number from 0, not ${number}`);
}

/** Numbers to ask for with one command. */
export interface Range extends Interval {
  /** True where some of the numbers were done before, because asking over them is cheaper than around them. */
  readonly joined: boolean;
  /** How often an answer broke off at one of these numbers: many times at the same means that this number does it. */
  readonly breaks: number;
}

/** What a {@link RangePlan} goes by. */
export interface RangePlanOptions {
  /** Default: `ascending`. Rows within a range ascend in any case. */
  order?: "ascending" | "newest-first" | undefined;
  /** Numbers of the first range. Default: 20,000. */
  size?: number | undefined;
  /** Numbers of a range at least, unless fewer are wanted. Default: 100. */
  smallest?: number | undefined;
  /** Numbers of a range at most. Default: 1,000,000. */
  largest?: number | undefined;
}

/** Bytes an answer should have: enough to be worth a round trip, few enough to be asked again where it breaks. */
const LEAST_BYTES = 2_000_000;
const MOST_BYTES = 5_000_000;
const AIM_BYTES = 3_500_000;
/** Bytes of a row where nobody counted. */
const ROW_BYTES = 250;
/** Answers in order before ranges grow again after one that broke: what broke once breaks again at that size. */
const CALM = 16;
/** Numbers done before that are asked again rather than cut around: they cost less than a command. */
const JOIN = 100;

/**
 * Hands out ranges of what is wanted and not done, one at a time: nothing is listed in advance, however large the
 * group. Ranges double where answers are small and halve where they are large or break off.
 *
 * @example
 * const plan = new RangePlan({ low: 1, high: 1e9 }, cursor.done);
 * for (let range = plan.next(); range; range = plan.next()) plan.finished(range, await ask(range));
 */
export class RangePlan {
  readonly #done: IntervalSet;
  /** What is done or handed out. */
  readonly #covered: IntervalSet;
  readonly #descending: boolean;
  readonly #smallest: number;
  readonly #largest: number;
  readonly #spots = new Map<number, number>();
  #want: { low: number; high: number };
  #size: number;
  #calm = 0;

  /**
   * @param want From where to where; `undefined` for nothing yet.
   * @param done What need not be asked for. It is read as it grows, and never changed.
   */
  constructor(want: Interval | undefined, done: IntervalSet, options: RangePlanOptions = {}) {
    this.#want = want ? { low: want.low, high: want.high } : { low: 1, high: 0 };
    this.#done = done;
    this.#covered = done.copy();
    this.#descending = options.order === "newest-first";
    this.#smallest = options.smallest ?? 100;
    this.#largest = options.largest ?? 1_000_000;
    this.#size = Math.min(this.#largest, Math.max(this.#smallest, options.size ?? 20_000));
    if (!(this.#smallest >= 1 && this.#largest >= this.#smallest)) throw new UsageError("a range has 1 number or more");
  }

  /** Numbers the next range has, where there are as many side by side. */
  get size(): number {
    return this.#size;
  }

  /** Numbers not handed out yet. */
  get left(): number {
    let left = 0;
    for (const gap of this.#covered.missing(this.#want.low, this.#want.high)) left += gap.high - gap.low + 1;
    return left;
  }

  /** True while some are not handed out: cheaper to ask than how many. */
  get isLeft(): boolean {
    return this.#covered.firstMissing(this.#want.low, this.#want.high) !== undefined;
  }

  /** The next range; undefined where all are handed out (one that breaks comes back). */
  next(): Range | undefined {
    const range = this.#descending ? this.#fromAbove() : this.#fromBelow();
    if (!range) return undefined;
    this.#covered.add(range.low, range.high);
    let breaks = 0;
    for (const [spot, times] of this.#spots) {
      if (spot >= range.low && spot <= range.high) breaks = Math.max(breaks, times);
    }
    return { ...range, breaks };
  }

  /**
   * A range was answered to its end.
   *
   * @param answer `bytes`: of the rows themselves, unpacked. Default: 250 for each.
   */
  finished(range: Range, answer: { readonly rows: number; readonly bytes?: number | undefined }): void {
    for (const spot of this.#spots.keys()) if (spot >= range.low && spot <= range.high) this.#spots.delete(spot);
    const asked = range.high - range.low + 1;
    const bytes = answer.bytes ?? answer.rows * ROW_BYTES;
    const ideal = Math.round((AIM_BYTES * asked) / Math.max(1, bytes));
    if (this.#calm > 0) this.#calm--;
    // Many ranges of one size are under way at once: each speaks of its own size only, or eight would grow it 256-fold.
    if (bytes > MOST_BYTES) this.#resize(Math.min(this.#size, Math.max(ideal, asked >> 1)));
    else if (bytes < LEAST_BYTES && this.#calm === 0) this.#resize(Math.max(this.#size, Math.min(ideal, asked * 2)));
  }

  /**
   * The answer to a range broke off, by a lost connection or a time-out. The rest is handed out again, in smaller ranges.
   *
   * @param from The first number without an answer: one more than that of the last complete row; `range.low` without any.
   */
  broke(range: Range, from: number): void {
    this.giveBack(range, from);
    if (from <= range.high) this.#spots.set(from, (this.#spots.get(from) ?? 0) + 1);
    this.#calm = CALM;
    this.#resize(Math.min(this.#size, Math.floor((range.high - range.low + 1) / 2)));
  }

  /** Takes a range back for reasons that are not its own (the job ends, the server takes fewer connections). */
  giveBack(range: Interval, from: number = range.low): void {
    for (const gap of this.#done.missing(from, range.high)) this.#covered.delete(gap.low, gap.high);
  }

  /** Wants more: what the group has grown by, or older articles. */
  extend(want: Interval): void {
    if (this.#want.high < this.#want.low) this.#want = { ...want };
    else this.#want = { low: Math.min(this.#want.low, want.low), high: Math.max(this.#want.high, want.high) };
  }

  #resize(size: number): void {
    this.#size = Math.min(this.#largest, Math.max(this.#smallest, size));
  }

  #fromBelow(): Omit<Range, "breaks"> | undefined {
    const first = this.#covered.firstMissing(this.#want.low, this.#want.high);
    if (!first) return undefined;
    const most = Math.min(this.#want.high, first.low + this.#size - 1);
    let { high } = first;
    while (high < most) {
      const found = this.#covered.firstMissing(high + 1, Math.min(most, high + 1 + JOIN));
      if (!found || this.#done.firstMissing(high + 1, found.low - 1)) break;
      high = this.#covered.firstMissing(found.low, this.#want.high)!.high;
    }
    return { low: first.low, high: Math.min(high, most), joined: high > first.high };
  }

  #fromAbove(): Omit<Range, "breaks"> | undefined {
    const first = this.#covered.lastMissing(this.#want.low, this.#want.high);
    if (!first) return undefined;
    const least = Math.max(this.#want.low, first.high - this.#size + 1);
    let { low } = first;
    while (low > least) {
      const found = this.#covered.lastMissing(Math.max(least, low - 1 - JOIN), low - 1);
      if (!found || this.#done.firstMissing(found.high + 1, low - 1)) break;
      low = this.#covered.lastMissing(this.#want.low, found.high)!.low;
    }
    return { low: Math.max(low, least), high: first.high, joined: low < first.low };
  }
}
