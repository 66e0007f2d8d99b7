/** One timer that notices silence: cheap to touch, armed only while something is awaited. */

/** Milliseconds by which a timer may be late in a process that has time for it. */
const LATE = 10;

/**
 * What comes while this process stands still (it computes, the machine sleeps) is read only behind that: such time is nobody's
 * silence.
 */
export class Watchdog {
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;
  #timeout = 0;
  /** By a clock that nobody sets meanwhile. */
  #last = 0;
  #armedFor = 0;

  constructor(onSilence: () => void) {
    this.#onSilence = onSilence;
  }

  /** Begins to wait: `timeout` milliseconds without a touch call `onSilence`, once. */
  start(timeout: number): void {
    this.#timeout = timeout;
    this.#last = performance.now();
    // A timer that is armed for an earlier moment is left alone: it looks again when it fires.
    if (this.#timer !== undefined && this.#armedFor <= this.#last + timeout) return;
    this.#arm(timeout);
  }

  /** There was a sign of life. */
  touch(): void {
    this.#last = performance.now();
  }

  /** Nothing is awaited for now. The timer is left to run out: the next start() is near, as a rule. */
  rest(): void {
    this.#timeout = 0;
  }

  /** Nothing will be awaited any more: the timer goes, and with it what it holds in memory. */
  stop(): void {
    this.#timeout = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(wait: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#armedFor = performance.now() + wait;
    // The socket keeps the process alive, not this.
    this.#timer = setTimeout(() => this.#look(), wait).unref();
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#timeout === 0) return;
    const now = performance.now();
    const left = this.#last + this.#timeout - now;
    const late = now - this.#armedFor;
    if (left > 0) this.#arm(left);
    else if (late > LATE) {
      const more = Math.min(late, this.#timeout);
      this.#last = now + more - this.#timeout;
      this.#arm(more);
    } else {
      this.#timeout = 0;
      this.#onSilence();
    }
  }
}
