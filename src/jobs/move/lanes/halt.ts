/**
 * Whether a job goes on or stands still, and when it tries again. A disk that is full and an account that is locked may be
 * mended while the job waits; it is begun again by one lane with a few files. Pure: it is told what happened, and when.
 */
import { TIMES } from "./times.js";

export class Halt {
  /** Milliseconds a job stands still at most; 0: it never does. */
  readonly #longest: number;
  #why: Error | undefined;
  #since = 0;
  #until = 0;
  #delay = 0;
  #probing = false;

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** What the job waits for; undefined where it goes on. */
  get why(): Error | undefined {
    return this.#why;
  }

  /** True where nothing is to be begun. */
  get on(): boolean {
    return this.#why !== undefined && !this.#probing;
  }

  /** True while one lane finds out whether the job can go on. */
  get probing(): boolean {
    return this.#probing;
  }

  /** Something keeps every file back. False where that has lasted too long: the job is to end. */
  begin(why: Error, at: number): boolean {
    // The lanes that had something under way say the same.
    if (this.on) return true;
    if (this.#why === undefined) {
      if (this.#longest === 0) return false;
      this.#since = at;
      this.#delay = TIMES.halt;
    } else {
      if (at - this.#since >= this.#longest) return false;
      this.#delay = Math.min(TIMES.haltMost, this.#delay * 2);
    }
    this.#why = why;
    this.#probing = false;
    this.#until = Math.min(at + this.#delay, this.#since + this.#longest);
    return true;
  }

  /** Milliseconds until it is to be tried again; 0: now. */
  wait(at: number): number {
    return Math.max(0, this.#until - at);
  }

  /** Takes the try: somebody else may not. False where it is not due, or taken. */
  probe(at: number): boolean {
    if (!this.on || at < this.#until) return false;
    this.#probing = true;
    return true;
  }

  /** The try came to nothing, neither way: it is another one's. */
  leave(): void {
    this.#probing = false;
  }

  /** Files go through again. */
  end(): void {
    this.#why = undefined;
    this.#probing = false;
  }
}
