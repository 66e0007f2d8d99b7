/** How long nobody has spoken of each batch: in time that was spent listening. Pure. */

/** Milliseconds of silence that a look takes into account at most: while nothing could be heard, nobody was silent. */
const MOST = 1_000;
/** The part of a lease after which it is looked where a batch is. */
const QUIET = 1 / 6;

export class Leases {
  readonly #length: number;
  readonly #silence = new Map<string, number>();
  #last: number | undefined;

  /** @param length Milliseconds of silence after which a batch is taken for lost. */
  constructor(length: number) {
    this.#length = length;
  }

  get size(): number {
    return this.#silence.size;
  }

  keys(): string[] {
    return [...this.#silence.keys()];
  }

  /** Somebody has the batch, or will have it. */
  begin(batch: string): void {
    this.#silence.set(batch, 0);
  }

  /** There is word of it. */
  hear(batch: string): void {
    if (this.#silence.has(batch)) this.#silence.set(batch, 0);
  }

  end(batch: string): void {
    this.#silence.delete(batch);
  }

  /** What came was heard, at this moment (milliseconds). */
  tick(now: number): void {
    const passed = Math.min(MOST, now - (this.#last ?? now));
    this.#last = now;
    for (const [batch, silence] of this.#silence) this.#silence.set(batch, silence + passed);
  }

  /** Batches that were not spoken of lately. */
  quiet(): string[] {
    return this.#longer(this.#length * QUIET);
  }

  /** Batches that are lost. */
  expired(): string[] {
    return this.#longer(this.#length);
  }

  #longer(than: number): string[] {
    return [...this.#silence].filter(([, silence]) => silence >= than).map(([batch]) => batch);
  }
}
