/** A long sequence from a server: an async iterable with back-pressure that can read ahead when others wait. */
import { UsageError } from "./errors.js";

/** What the producer of rows is given. */
export interface Feed<T> {
  /** Takes a batch of `bytes` bytes; false asks to pause until `resume` is called. */
  push(batch: T[], bytes: number): boolean;
  /** Set by the producer: called when the consumer has room again. */
  resume: (() => void) | undefined;
  /** Set by the producer: called when the consumer left early. */
  cancel: (() => void) | undefined;
  /** Another call waits: take what comes without a pause, up to the limit of the read-ahead. */
  readAhead(limit: number, refuse: () => void): void;
}

/** Bytes held for a slow consumer before the producer is asked to pause. */
const HIGH_WATER = 1024 * 1024;

/**
 * Rows as they arrive. Nothing is sent before the first one is asked for; each object is iterated once. Leaving a loop
 * early ends the transfer; a call made inside the loop waits while the rest is read ahead.
 *
 * @example
 * for await (const entry of ftp.list("/in")) console.log(entry.name, entry.size);
 * for await (const batch of ftp.list("/in").batches()) total += batch.length;
 */
export class Rows<T> implements AsyncIterable<T> {
  readonly #start: (feed: Feed<T>) => Promise<unknown>;
  #taken = false;

  /** `start` runs the transfer: it pushes into the feed and settles when the transfer is over. */
  constructor(start: (feed: Feed<T>) => Promise<unknown>) {
    this.#start = start;
  }

  /** One row at a time. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const batch of this.batches()) yield* batch;
  }

  /** Rows in groups as they arrived: the fast way. */
  async *batches(): AsyncGenerator<T[], void, undefined> {
    if (this.#taken) throw new UsageError("these rows were iterated already: call the method again");
    this.#taken = true;
    const buffer = new RowBuffer<T>();
    const done = this.#start(buffer).then(
      () => buffer.finish(undefined),
      (error) => buffer.finish({ error }),
    );
    let whole = false;
    try {
      for (;;) {
        const batch = buffer.take() ?? (await buffer.next());
        if (batch === undefined) break;
        yield batch;
      }
      whole = true;
    } finally {
      if (!whole) buffer.abandon();
      await done;
    }
  }

  /** All rows in one array: for sequences that are known to be short. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const batch of this.batches()) for (const row of batch) all.push(row);
    return all;
  }
}

/** Batches between a producer and a consumer. */
class RowBuffer<T> implements Feed<T> {
  resume: (() => void) | undefined;
  cancel: (() => void) | undefined;
  readonly #batches: { rows: T[]; bytes: number }[] = [];
  #head = 0;
  #bytes = 0;
  #limit = HIGH_WATER;
  #refuse: (() => void) | undefined;
  #paused = false;
  #abandoned = false;
  #end: { failure: { error: unknown } | undefined } | undefined;
  #wake: (() => void) | undefined;

  push(rows: T[], bytes: number): boolean {
    if (this.#abandoned) return true;
    if (rows.length > 0) this.#batches.push({ rows, bytes });
    this.#bytes += bytes;
    this.#wake?.();
    if (this.#bytes <= this.#limit) return true;
    if (this.#refuse) {
      this.#refuse();
      this.#refuse = undefined;
      this.#limit = HIGH_WATER;
    }
    this.#paused = true;
    return false;
  }

  readAhead(limit: number, refuse: () => void): void {
    if (this.#bytes > limit) {
      refuse();
      return;
    }
    this.#limit = limit;
    this.#refuse = refuse;
    this.#unpause();
  }

  /** The next batch, where there is one now. */
  take(): T[] | undefined {
    const next = this.#batches[this.#head];
    if (next === undefined) return undefined;
    // A moving head instead of shift(): much may have been read ahead.
    if (++this.#head > 1024 || this.#head === this.#batches.length) {
      this.#batches.splice(0, this.#head);
      this.#head = 0;
    }
    this.#bytes -= next.bytes;
    if (this.#paused && this.#bytes < HIGH_WATER / 2) this.#unpause();
    const { rows } = next;
    next.rows = [];
    return rows;
  }

  /** The next batch; undefined behind the last one. Rejects where the transfer failed. */
  async next(): Promise<T[] | undefined> {
    for (;;) {
      const batch = this.take();
      if (batch !== undefined) return batch;
      if (this.#end) {
        if (this.#end.failure) throw this.#end.failure.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  finish(failure: { error: unknown } | undefined): void {
    this.#end = { failure };
    this.#wake?.();
  }

  abandon(): void {
    this.#abandoned = true;
    this.#batches.length = this.#head = 0;
    if (!this.#end) this.cancel?.();
    this.#unpause();
  }

  #unpause(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.resume?.();
  }
}
