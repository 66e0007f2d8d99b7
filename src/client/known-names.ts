/** Names of options: one that does not exist is refused, with the nearest that does. No I/O. */
import { type Protocol, UsageError } from "./errors.js";
import { nearest } from "./nearest.js";

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
