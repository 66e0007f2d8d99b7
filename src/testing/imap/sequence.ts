/** Sequence sets (RFC 9051 9, sequence-set): text to ranges and back. Pure. */
import type { Input } from "./input.js";
import { bad } from "./reply.js";

/** `"$"`: the saved result of a search. In ranges, 0 is `*`. */
export type SequenceSet = "$" | readonly (readonly [from: number, to: number])[];

const SET = /(?:\d+|\*)(?::(?:\d+|\*))?(?:,(?:\d+|\*)(?::(?:\d+|\*))?)*/y;

/** Reads a sequence set. */
export function sequenceSet(input: Input): SequenceSet {
  if (input.skip("$")) return "$";
  return optionalSet(input) ?? bad("A sequence set was due");
}

/** Reads a set of numbers, if one is here. */
export function optionalSet(input: Input): readonly (readonly [number, number])[] | undefined {
  const found = input.take(SET)?.[0];
  return found?.split(",").map((range) => {
    const [from = "", to = from] = range.split(":");
    return [numberOf(from), numberOf(to)] as const;
  });
}

/** Reads a set without `*`. */
export function knownSet(input: Input): readonly (readonly [number, number])[] {
  const set = optionalSet(input) ?? bad("A set of UIDs was due");
  if (set.some(([from, to]) => from === 0 || to === 0)) bad("* has no place here");
  return set;
}

/** Ranges in order, joined, with `*` put in. */
export function ranges(set: readonly (readonly [number, number])[], last: number): [number, number][] {
  const whole = set.map(([a, b]) => {
    const [from, to] = [a || last, b || last];
    return (from <= to ? [from, to] : [to, from]) as [number, number];
  });
  const joined: [number, number][] = [];
  for (const range of whole.sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1);
    if (before && range[0] <= before[1] + 1) before[1] = Math.max(before[1], range[1]);
    else joined.push(range);
  }
  return joined;
}

/** Whether a number is in ranges that are in order. */
export function within(number: number, ordered: readonly (readonly [number, number])[]): boolean {
  let low = 0;
  let high = ordered.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [from, to] = ordered[middle] as [number, number];
    if (number < from) high = middle - 1;
    else if (number > to) low = middle + 1;
    else return true;
  }
  return false;
}

/** Numbers as a set, in the order given: `1:3,7`. */
export function compact(numbers: Iterable<number>): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}:${to}`)).join(",");
}

function numberOf(word: string): number {
  if (word === "*") return 0;
  const value = Number(word);
  if (value < 1 || value > 0xffffffff) bad(`Not a message number: ${word}`);
  return value;
}
