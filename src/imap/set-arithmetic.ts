/** Sets of UIDs put together and taken apart, range by range: a server may name billions in one. No I/O. */
import { SequenceSet } from "./sequence-set.js";

type Range = readonly [low: number, high: number];

/** The set without a number. */
export const NOTHING = new SequenceSet([]);

/** A set of these ranges, or numbers, in ascending order, what touches in one range. */
export function setOf(parts: Iterable<number | Range>): SequenceSet {
  const ranges = [...parts].map((part): Range => (typeof part === "number" ? [part, part] : part));
  ranges.sort(([a], [b]) => a - b);
  const bounds: number[] = [];
  for (const [low, high] of ranges) {
    const last = bounds.length - 1;
    if (last > 0 && low <= bounds[last]! + 1) bounds[last] = Math.max(bounds[last]!, high);
    else bounds.push(low, high);
  }
  return new SequenceSet(bounds);
}

/** One behind the other, in the order in which they were sent. */
export function concatenation(sets: readonly SequenceSet[]): SequenceSet {
  return new SequenceSet(sets.flatMap((set) => [...set.ranges()].flat()));
}

/** What is in either. */
export function union(a: SequenceSet, b: SequenceSet): SequenceSet {
  return setOf([...a.ranges(), ...b.ranges()]);
}

/** What is in both. */
export function intersection(a: SequenceSet, b: SequenceSet): SequenceSet {
  const [one, other] = [[...setOf(a.ranges()).ranges()], [...setOf(b.ranges()).ranges()]];
  const both: Range[] = [];
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    const [[low, high], [from, to]] = [one[i]!, other[j]!];
    if (Math.max(low, from) <= Math.min(high, to)) both.push([Math.max(low, from), Math.min(high, to)]);
    if (high < to) i++;
    else j++;
  }
  return setOf(both);
}

/** What is in the first alone. */
export function difference(a: SequenceSet, b: SequenceSet): SequenceSet {
  const gaps: Range[] = [];
  let from = 0;
  for (const [low, high] of setOf(b.ranges()).ranges()) {
    if (low > from) gaps.push([from, low - 1]);
    from = high + 1;
  }
  gaps.push([from, Number.MAX_SAFE_INTEGER]);
  return intersection(a, new SequenceSet(gaps.flat()));
}
