/** A part of a long result (PARTIAL, RFC 9394; for searches also CONTEXT=SEARCH, RFC 5267). No I/O. */
import { UsageError } from "../client/errors.js";

/** From the first to the last, both included: `[1, 100]` are the first hundred, `[-1, -100]` the last hundred. */
export type PartialRange = readonly [from: number, to: number];

/** The range as IMAP writes it. Throws UsageError for what is none. */
export function partialArgument(range: PartialRange): string {
  const isPlace = (place: unknown) => Number.isSafeInteger(place) && place !== 0 && Math.abs(place as number) < 2 ** 32;
  const [from, to] = range;
  if (range.length === 2 && isPlace(from) && isPlace(to) && from < 0 === to < 0) return `${from}:${to}`;
  throw new UsageError(`${JSON.stringify(range)} is no part of a result`, {
    advice: "two places from 1 on, or from -1 on, which is the last one",
    protocol: "imap",
  });
}

/** That part, for servers that give the whole. */
export function partOf<T>(all: readonly T[], [from, to]: PartialRange): T[] {
  const [near, far] = [Math.min(Math.abs(from), Math.abs(to)), Math.max(Math.abs(from), Math.abs(to))];
  if (from > 0) return all.slice(near - 1, far);
  return all.slice(Math.max(0, all.length - far), Math.max(0, all.length - near + 1));
}
