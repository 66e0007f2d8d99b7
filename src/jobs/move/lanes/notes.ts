/** What one process remembers of files whose fate is open: of a bounded number, however many the job has. Pure. */

/** Files that are remembered at most: what became of those that were given back, others may settle. */
const MOST = 10_000;

/** By the ids of files; to be forgotten when their fate is known. */
export class Notes<T> {
  /** Whoever was noted last comes last. */
  readonly #notes = new Map<number, T>();

  get size(): number {
    return this.#notes.size;
  }

  has(id: number): boolean {
    return this.#notes.has(id);
  }

  get(id: number): T | undefined {
    return this.#notes.get(id);
  }

  /** In place of what was noted of it before. */
  note(id: number, what: T): void {
    this.#notes.delete(id);
    this.#notes.set(id, what);
    for (const oldest of this.#notes.keys()) {
      if (this.#notes.size <= MOST) break;
      this.#notes.delete(oldest);
    }
  }

  forget(id: number): void {
    this.#notes.delete(id);
  }
}
