/** A function as a sink: one batch at a time, and the cursor moves once its promise is kept. */
import { SinkError } from "../../../client/errors.js";
import type { Sink } from "../sink.js";

/**
 * Calls `take` with each batch, in order, never before it is done with the one before. There is no position to go back
 * to: what it took after the last commit comes again when a job is killed and goes on.
 */
export class FunctionSink<Batch> implements Sink<Batch> {
  readonly #take: (batch: Batch) => void | Promise<void>;
  #last: Promise<void> | undefined;
  #failure: SinkError | undefined;

  constructor(take: (batch: Batch) => void | Promise<void>) {
    this.#take = take;
  }

  write(batch: Batch): void | Promise<void> {
    const taken = this.#last || this.#failure ? this.#after(this.#last, batch) : this.#call(batch);
    if (!taken) return undefined;
    const last = taken.finally(() => {
      if (this.#last === last) this.#last = undefined;
    });
    // The failure is told by the next call.
    last.catch(() => {});
    this.#last = last;
    return last;
  }

  async flush(): Promise<undefined> {
    if (this.#failure) throw this.#failure;
    await this.#last;
    return undefined;
  }

  async close(): Promise<void> {
    await this.flush();
  }

  async #after(last: Promise<void> | undefined, batch: Batch): Promise<void> {
    await last;
    if (this.#failure) throw this.#failure;
    await this.#call(batch);
  }

  /** @returns Nothing where the function was done at once. */
  #call(batch: Batch): Promise<void> | undefined {
    try {
      const result: unknown = this.#take(batch);
      // A function whose result nobody declared may give anything: `(batch) => all.push(batch)`.
      if (typeof (result as PromiseLike<void> | undefined)?.then !== "function") return undefined;
      return Promise.resolve(result as PromiseLike<void>).catch((cause) => this.#fail(cause));
    } catch (cause) {
      return Promise.reject(this.#wrap(cause));
    }
  }

  #fail(cause: unknown): never {
    throw this.#wrap(cause);
  }

  #wrap(cause: unknown): SinkError {
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new SinkError(`the function that takes the rows failed: ${why}`, { cause });
    return this.#failure;
  }
}
