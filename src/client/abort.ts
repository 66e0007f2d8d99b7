/** Many calls, one AbortSignal: a single listener for all of them. Node's own list is slow when long, and warns at 11. */
import { AbortedError } from "./errors.js";

interface Watched {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

const NOTHING = () => {};
const watched = new WeakMap<AbortSignal, Watched>();

/**
 * Calls `fired` once when the signal fires. A signal that has fired already calls nothing.
 * @returns what takes it back; the last one to leave takes the listener off the signal.
 */
export function onAbort(signal: AbortSignal | undefined, fired: () => void): () => void {
  if (signal === undefined || signal.aborted) return NOTHING;
  // Each call is its own, even where the same function is given twice.
  const call = () => fired();
  const { calls } = watched.get(signal) ?? watch(signal);
  calls.add(call);
  return () => {
    if (calls.delete(call) && calls.size === 0) unwatch(signal);
  };
}

/** What a cancelled call rejects with where the client is usable behind it. `cause`: the signal's reason. */
export function cancelled(cause: unknown): AbortedError {
  return new AbortedError("the call was cancelled", { cause, clientUsable: true });
}

/** The same where nothing of the call was sent. */
export function cancelledUnsent(cause: unknown): AbortedError {
  return new AbortedError("the call was cancelled before it was sent", { cause, clientUsable: true });
}

function watch(signal: AbortSignal): Watched {
  const calls = new Set<() => void>();
  const listener = () => {
    watched.delete(signal);
    for (const call of [...calls]) if (calls.delete(call)) call();
  };
  const made = { calls, listener };
  watched.set(signal, made);
  signal.addEventListener("abort", listener, { once: true });
  return made;
}

function unwatch(signal: AbortSignal): void {
  const { listener } = watched.get(signal) ?? {};
  if (listener) signal.removeEventListener("abort", listener);
  watched.delete(signal);
}
