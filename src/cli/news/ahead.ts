/** Asking for the next few articles while one is dealt with: calls that overlap share round trips. */

/** What came of one item. */
export type Outcome<T, R> = { readonly item: T } & ({ readonly value: R } | { readonly error: unknown });

/** Items asked for at once: enough to hide the way there and back, few enough to hold. */
const DEPTH = 16;

/** The outcome of each item, in their order; nothing is asked for after the caller has left. */
export async function* ahead<T, R>(
  items: Iterable<T>,
  ask: (item: T) => Promise<R>,
  depth = DEPTH,
): AsyncGenerator<Outcome<T, R>, void, undefined> {
  const asked: Promise<Outcome<T, R>>[] = [];
  for (const item of items) {
    const outcome = ask(item).then(
      (value) => ({ item, value }),
      (error: unknown) => ({ item, error }),
    );
    asked.push(outcome);
    if (asked.length >= depth) yield await asked.shift()!;
  }
  for (const outcome of asked) yield await outcome;
}
