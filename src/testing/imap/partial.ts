/** PARTIAL (RFC 9394): a window into a long result. Pure. */
import type { Input } from "./input.js";
import { bad } from "./reply.js";

/** Reads `1:500`, or `-1:-500`, which counts from the end. */
export function partialRange(input: Input): readonly [number, number] {
  const [, from, to] = input.take(/(-?\d+):(-?\d+)/y) ?? bad("A range was due");
  const [a, b] = [Number(from), Number(to)];
  if (a === 0 || b === 0 || a < 0 !== b < 0) bad("Not a range for PARTIAL");
  return Math.abs(a) <= Math.abs(b) ? [a, b] : [b, a];
}

/** What is in the window, in the order of the result. */
export function partialOf<T>(all: readonly T[], [from, to]: readonly [number, number]): T[] {
  if (from > 0) return all.slice(from - 1, to);
  return all.slice(Math.max(0, all.length + to), Math.max(0, all.length + from + 1));
}
