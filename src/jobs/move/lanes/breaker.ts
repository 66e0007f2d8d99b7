/** The circuit breaker: trips where nearly all files fail alike, before millions of them have used up their tries. Pure. */

export interface BreakerOptions {
  /** Files that ended last, and are looked at. */
  readonly files: number;
  /** The share of them that failed alike, from which on it trips: above 0, to 1. */
  readonly share: number;
  /** Milliseconds within which all of them ended. */
  readonly within: number;
}

/** What does not speak against the servers: the file itself changed, or was taken away, or is there already. */
const OF_THE_FILE = new Set(["CHANGING", "KEPT", "PARTIAL", "ROUTE", "EXISTS"]);

interface Ended {
  readonly at: number;
  /** Undefined where the file went through. */
  readonly code: string | undefined;
}

export class Breaker {
  readonly #options: BreakerOptions;
  /** The last files, as a ring. */
  readonly #ended: Ended[] = [];
  #next = 0;
  readonly #failed = new Map<string, number>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /**
   * A file went through, or a try of it failed with this code.
   *
   * @param at Milliseconds, on a clock that only goes on.
   * @returns where it trips: how many of the last files failed with that code.
   */
  note(code: string | undefined, at: number): string | undefined {
    if (code !== undefined && OF_THE_FILE.has(code)) return undefined;
    const { files, share, within } = this.#options;
    this.#forget(this.#ended[this.#next]?.code);
    this.#ended[this.#next] = { at, code };
    this.#next = (this.#next + 1) % files;
    if (code === undefined) return undefined;
    const failed = (this.#failed.get(code) ?? 0) + 1;
    this.#failed.set(code, failed);
    const oldest = this.#ended.length === files ? this.#ended[this.#next] : undefined;
    if (oldest === undefined || at - oldest.at > within || failed < share * files) return undefined;
    this.reset();
    return `${failed} of the last ${files} files failed alike`;
  }

  /** Begins anew. */
  reset(): void {
    this.#ended.length = 0;
    this.#next = 0;
    this.#failed.clear();
  }

  #forget(code: string | undefined): void {
    if (code === undefined) return;
    const left = (this.#failed.get(code) as number) - 1;
    if (left > 0) this.#failed.set(code, left);
    else this.#failed.delete(code);
  }
}
