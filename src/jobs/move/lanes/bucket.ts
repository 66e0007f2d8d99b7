/** A bandwidth limit shared by all lanes: a token bucket that may go into debt. */
import { UsageError } from "../../../client/errors.js";

/** Settings of a {@link Bucket}. */
export interface BucketOptions {
  /** Bytes per second over all who share the bucket. Default: no limit. */
  bytesPerSecond?: number | undefined;
  /** Bytes that may pass at once after a pause. Default: a tenth of a second's worth, at least 64 KiB. */
  burst?: number | undefined;
  /** The clock, in milliseconds. Default: `performance.now`. */
  now?: (() => number) | undefined;
}

/** setTimeout fires at once past this many milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * A token bucket. Whoever takes goes into debt at once and waits until the debt is paid off: the order is that of
 * the calls, a chunk larger than the burst needs no special case, and the rate is exact in the long run.
 */
export class Bucket {
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  constructor(options: BucketOptions = {}) {
    this.#rate = (options.bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
    if (!(this.#rate > 0)) throw new UsageError(`bytesPerSecond must be above 0, not ${options.bytesPerSecond}`);
    this.#burst = options.burst ?? Math.max(this.#rate * 100, 65_536);
    if (!(this.#burst >= 0)) throw new UsageError(`burst must be 0 or more bytes, not ${options.burst}`);
    this.#now = options.now ?? (() => performance.now());
    this.#tokens = this.#burst;
    this.#filledAt = this.#now();
  }

  /**
   * Takes `bytes`.
   *
   * @param signal Ends the wait; what was taken is given back.
   * @returns undefined where they may pass at once; else a promise that resolves when they may, and rejects with the
   * signal's reason.
   */
  take(bytes: number, signal?: AbortSignal): Promise<void> | undefined {
    if (this.#rate === Number.POSITIVE_INFINITY) return undefined;
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#rate) - bytes;
    this.#filledAt = now;
    if (this.#tokens >= 0) return undefined;
    return this.#wait(now - this.#tokens / this.#rate, bytes, signal);
  }

  async #wait(until: number, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      for (let left = until - this.#now(); left > 0; left = until - this.#now()) {
        await sleep(Math.min(Math.ceil(left), LONGEST_TIMER), signal);
      }
    } catch (reason) {
      this.#tokens += bytes;
      throw reason;
    }
  }
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
