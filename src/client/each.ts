/** An iterable with something done to each of its values, at less cost than a generator's three promises for each. */

/**
 * What an iterable gives, each value passed through `take`, whose promise is waited for, and each failure through
 * `wrong`. Where `take` fails, or the loop is left, the iterable is told so.
 */
export function eachOf<T, R>(
  iterable: AsyncIterable<T>,
  take: (value: T) => R | Promise<R>,
  wrong: (error: unknown) => unknown = (error) => error,
): AsyncIterableIterator<R, undefined, undefined> {
  const iterator = iterable[Symbol.asyncIterator]();
  const leave = async () => void (await iterator.return?.());
  return {
    async next() {
      let given = false;
      try {
        const { done, value } = await iterator.next();
        if (done) return { done: true, value: undefined };
        given = true;
        const taken = take(value);
        return { done: false, value: taken instanceof Promise ? await taken : taken };
      } catch (error) {
        if (given) await leave().catch(() => {});
        throw wrong(error);
      }
    },
    async return() {
      await leave();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
