/** A job under way: ended by its caller's signal, telling its progress once a second, begun again where a connection is lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { AbortedError, ConnectionError, PolywireError, ReplyError } from "../../client/errors.js";

/** Milliseconds to wait after a session that failed: after the first one, and at most. */
const PAUSE = 1_000;
const LONGEST = 60_000;

/** How a job is tried again. */
export interface Attempts {
  /** Sessions in a row that may fail without anything done. */
  readonly most: number;
  /** How much is done: grows. */
  readonly done: () => number;
  /** Called before the pause behind a session that failed. */
  readonly failed: () => void;
}

export class Underway {
  /** True where a login has succeeded: a server that was never reached is probably another one than was meant. */
  reached = false;
  readonly #outer: AbortSignal | undefined;
  readonly #tell: (() => void) | undefined;
  readonly #abort = new AbortController();
  #stopped: { readonly reason: unknown } | undefined;

  /** `tell` may throw: that ends the job, not the process. */
  constructor(signal: AbortSignal | undefined, tell: (() => void) | undefined) {
    this.#outer = signal;
    this.#tell = tell;
  }

  /** Fires where the job ends: cancelled, or by a callback that failed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Runs the job; rejects with what stopped it, if something did. */
  async run(body: () => Promise<void>): Promise<void> {
    const signal = this.#outer;
    const onAbort = () => this.#stop(aborted(signal as AbortSignal));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const progress = this.#tell && setInterval(() => this.tell(), 1_000);
    try {
      await body();
    } catch (error) {
      throw this.#stopped === undefined ? error : this.#stopped.reason;
    } finally {
      clearInterval(progress);
      signal?.removeEventListener("abort", onAbort);
    }
    this.check();
  }

  /** Throws what stopped the job. */
  check(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
  }

  tell(): void {
    try {
      this.#tell?.();
    } catch (error) {
      this.#stop(error);
    }
  }

  /** Sessions, until one comes to its end. */
  async sessions(session: () => Promise<void>, { most, done, failed }: Attempts): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const before = done();
      try {
        return await session();
      } catch (error) {
        if (done() > before) attempt = 1;
        if (attempt >= most || this.#stopped || !this.#isPassing(error)) throw error;
        failed();
        await sleep(Math.min(LONGEST, PAUSE * 2 ** (attempt - 1)), undefined, { signal: this.signal });
      }
    }
  }

  /** True for what may be over when it is tried again: a mailbox in use (RFC 2449 §8), a connection that is lost. */
  #isPassing(error: unknown): boolean {
    if (!(error instanceof PolywireError && error.retryable)) return false;
    return error instanceof ReplyError || (error instanceof ConnectionError && this.reached);
  }

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.#abort.abort(reason);
  }
}

/** What a job that was cancelled rejects with. */
export function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError("the job was cancelled", { cause: signal.reason });
}
