/** How much may be under way at once: so many messages, so many bytes. Who wants more waits. Pure but for promises. */

export class Window {
  readonly #most: { readonly count: number; readonly bytes: number };
  #count = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;

  constructor(most: { readonly count: number; readonly bytes: number }) {
    this.#most = most;
  }

  /** What is under way. */
  get count(): number {
    return this.#count;
  }

  /** Resolves when there is room, which is then taken. One that is larger than all there is gets all of it. One at a time. */
  async enter(bytes: number): Promise<void> {
    const cost = Math.min(bytes, this.#most.bytes);
    while (this.#count >= this.#most.count || (this.#count > 0 && this.#bytes + cost > this.#most.bytes)) {
      await this.#change();
    }
    this.#count++;
    this.#bytes += cost;
  }

  /** Gives room back. */
  leave(bytes: number): void {
    this.#count--;
    this.#bytes -= Math.min(bytes, this.#most.bytes);
    this.#wake?.();
  }

  /** Resolves when nothing is under way. */
  async empty(): Promise<void> {
    while (this.#count > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
