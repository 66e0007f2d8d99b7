/** Rows of one group in the order of their numbers, though ranges are answered side by side. Pure. */
import type { Answered } from "../cursor.js";
import type { IntervalSet } from "../interval-set.js";

/** What waits behind one number, in order and without a hole. */
interface Run<Row> {
  readonly low: number;
  high: number;
  readonly answers: Answered<Row>[];
}

/**
 * Holds what came early until everything before it is there. Nothing of it is done before it is released: advance the
 * cursor by what {@link push} gives back. Stop asking for ranges while {@link held} is more than memory should hold; the
 * one that all others wait for is always under way, for plans hand out the lowest first.
 */
export class Ordered<Row> {
  readonly #passed: IntervalSet;
  #next: number;
  readonly #runs: Run<Row>[] = [];
  #held = 0;

  /**
   * @param from The first number wanted.
   * @param done What need not be waited for; it is copied.
   */
  constructor(from: number, done: IntervalSet) {
    this.#passed = done.copy();
    this.#next = from;
  }

  /** Rows that wait for others. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes an answer. Each begins where the one before of its range ended.
   *
   * @returns What is in turn now, in order. Rows that answer for no number of their own (a server that sends them out of
   * order) are released at once.
   */
  push(answer: Answered<Row>): Answered<Row>[] {
    if (answer.low > answer.high) return answer.rows.length > 0 ? [answer] : [];
    if (!this.isNext(answer.low)) {
      this.#hold(answer);
      return [];
    }
    const released = [answer];
    this.#pass(answer);
    while (this.#runs.length > 0 && this.isNext(this.#runs[0]!.low)) {
      const run = this.#runs.shift()!;
      this.#pass(run);
      for (const held of run.answers) {
        this.#held -= held.rows.length;
        released.push(held);
      }
    }
    return released;
  }

  /** True where everything before this number has passed. */
  isNext(low: number): boolean {
    return low <= this.#next || this.#passed.firstMissing(this.#next, low - 1) === undefined;
  }

  #pass({ low, high }: { readonly low: number; readonly high: number }): void {
    this.#passed.add(low, high);
    this.#next = Math.max(this.#next, high + 1);
  }

  #hold(answer: Answered<Row>): void {
    this.#held += answer.rows.length;
    let at = this.#runs.length;
    while (at > 0 && this.#runs[at - 1]!.low > answer.low) at--;
    const before = this.#runs[at - 1];
    if (before && before.high === answer.low - 1) {
      before.high = answer.high;
      before.answers.push(answer);
    } else this.#runs.splice(at, 0, { low: answer.low, high: answer.high, answers: [answer] });
  }
}
