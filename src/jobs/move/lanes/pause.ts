/** A pause that a signal ends early. */
import { onAbort } from "../../../client/abort.js";

/** Resolves after so many milliseconds, or when the signal fires: no error either way. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(over, milliseconds);
    // Not a listener each: there may be a hundred lanes.
    const forget = onAbort(signal, over);
  });
}
