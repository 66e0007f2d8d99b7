/** Which messages of a mailbox, maildrop or newsgroup: a span as a caller says it → its first and its last number. Pure. */
import { UsageError } from "../client/errors.js";

/**
 * Messages by their numbers: `"all"`; one; the first and the last one (`[5]` has no end); or the newest, `{ newest: 100 }`:
 * that many of the highest numbers, which are fewer messages where some of them are gone.
 */
export type MessageSpan =
  | "all"
  | number
  | readonly [first: number, last?: number | undefined]
  | { readonly newest: number };

/** A span that was checked. `last` is Infinity where it has no end. */
export type CheckedSpan = { readonly newest: number } | { readonly first: number; readonly last: number };

/** Checks a span. Throws UsageError for anything else. */
export function checkSpan(span: MessageSpan): CheckedSpan {
  if (span === "all") return { first: 1, last: Infinity };
  if (typeof span === "number") return { first: checked(span), last: span };
  if (typeof span === "object" && span !== null) {
    if ("newest" in span) return { newest: checked(span.newest) };
    if (Array.isArray(span) && (span.length === 1 || span.length === 2)) {
      const [first, last = Infinity] = span as readonly [number, number?];
      if (checked(first) <= (last === Infinity ? last : checked(last))) return { first, last };
      throw new UsageError(`a span ends where it begins or later, not ${first} to ${last}`);
    }
  }
  throw notASpan(span);
}

/** The first and the last number of a span, where there are the numbers from `low` to `high`; undefined where none is in it. */
export function within(span: CheckedSpan, low: number, high: number): readonly [number, number] | undefined {
  const first = "newest" in span ? Math.max(low, high - span.newest + 1) : Math.max(low, span.first);
  const last = "newest" in span ? high : Math.min(high, span.last);
  return first <= last ? [first, last] : undefined;
}

function checked(number: number): number {
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw notASpan(number);
}

function notASpan(span: unknown): UsageError {
  return new UsageError(`${JSON.stringify(span) ?? String(span)} names no messages`, {
    advice: '"all", a number from 1 on, [first, last], [first], or { newest: 100 }',
  });
}
