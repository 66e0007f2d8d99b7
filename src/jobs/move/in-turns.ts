/** Work that comes in steps, with a turn of the event loop for everybody else between two of them. */
import { setImmediate as breath } from "node:timers/promises";

/**
 * Takes one step after the other.
 *
 * @returns What the last one gives.
 * @throws The signal's reason where it aborts between two; the steps are left there.
 */
export async function inTurns<T>(steps: Generator<unknown, T, undefined>, signal: AbortSignal): Promise<T> {
  try {
    for (;;) {
      signal.throwIfAborted();
      const step = steps.next();
      if (step.done) return step.value;
      await breath();
    }
  } finally {
    steps.return(undefined as T);
  }
}
