/** Names of options: one that does not exist is refused, with the nearest that does. No I/O. */
import { type Protocol, UsageError } from "./errors.js";

/**
 * Throws UsageError for an option that does not exist: it would be ignored, and nobody would know. One that is undefined says
 * nothing.
 *
 * @param known The names that there are.
 * @param prefix What stands before a name in the error: `limits.`.
 */
export function checkNames(
  given: object | undefined,
  known: readonly string[],
  { prefix = "", protocol }: { readonly prefix?: string | undefined; readonly protocol?: Protocol | undefined } = {},
): void {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined || known.includes(name)) continue;
    const near = nearest(name, known);
    const advice = near === undefined ? `there are ${known.join(", ")}` : `is ${prefix}${near} meant?`;
    throw new UsageError(`${prefix}${name} is not an option`, { advice, protocol });
  }
}

/** The name that is most like it; undefined where none is like it. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3));
  let best: { readonly name: string; readonly far: number } | undefined;
  for (const each of known) {
    const far = distance(name.toLowerCase(), each.toLowerCase());
    if (far <= most && far < (best?.far ?? Number.POSITIVE_INFINITY)) best = { name: each, far };
  }
  return best?.name;
}

/** How many letters must be put in, taken out, replaced, or change places with the next. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
