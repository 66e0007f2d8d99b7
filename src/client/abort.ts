/** Many calls, one AbortSignal: a single listener for all of them. Node's own list is slow when long, and warns at 11. */
import { AbortedError } from "./errors.js";

/**
 * Those who listen, in a ring that begins and ends at one with nothing to call. (A Set that is added to and taken from all
 * the time makes new tables again and again, and the old ones, once they have aged, keep all that was in them alive.)
 */
class Listening {
  before: Listening = this;
  after: Listening = this;
  constructor(public fired?: () => void) {}

  /** Goes to the end of another one's ring. */
  join(ring: Listening): void {
    this.before = ring.before;
    this.after = ring;
    ring.before.after = this;
    ring.before = this;
  }

  /** Leaves the ring. Gives what was to be called; nothing where it has left already. */
  leave(): (() => void) | undefined {
    const { fired } = this;
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this.after = this;
    this.fired = undefined;
    return fired;
  }
}

interface Watched {
  readonly calls: Listening;
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
  const { calls } = watched.get(signal) ?? watch(signal);
  const call = new Listening(fired);
  call.join(calls);
  return () => {
    if (call.leave() !== undefined && calls.after === calls) unwatch(signal);
  };
}

/** What a cancelled call rejects with where the client is usable behind it. `cause`: the signal's reason. */
export function cancelled(cause: unknown): AbortedError {
  return new AbortedError("the call was cancelled", { cause, clientUsable: true });
}

/** The same where the connection is hung up: of the call, some was sent. */
export function brokenOff(cause: unknown): AbortedError {
  return new AbortedError("the call was cancelled", { cause });
}

/** The same where nothing of the call was sent. */
export function cancelledUnsent(cause: unknown): AbortedError {
  return new AbortedError("the call was cancelled before it was sent", { cause, clientUsable: true });
}

function watch(signal: AbortSignal): Watched {
  const calls = new Listening();
  const listener = () => {
    watched.delete(signal);
    while (calls.after !== calls) calls.after.leave()?.();
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
