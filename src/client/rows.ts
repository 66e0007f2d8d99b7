/** A long sequence from a server: an async iterable with back-pressure that can read ahead when others wait. */
import { UsageError } from "./errors.js";
import { ArrayFeed, EagerFeed, type Feed, RowBuffer } from "./feed.js";

export type { Feed } from "./feed.js";

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
  [Symbol.asyncIterator](): RowsIterator<T> {
    return new RowIterator<T>(this.batches());
  }

  /** Rows in groups as they arrived: the fast way. */
  batches(): RowsIterator<T[]> {
    return new BatchIterator<T>(() => this.#begin());
  }

  /**
   * Calls back with each group of rows as it arrives. Where the protocol pipelines, several such calls share the
   * connection. A promise that `take` gives holds the server back until it settles; it must not wait for another call on
   * the same client. Rejects with what `take` throws; the rest is given up then.
   */
  each(take: (batch: T[]) => void | Promise<void>): Promise<void> {
    return this.#run(new EagerFeed<T>(take));
  }

  /**
   * All rows in one array: for sequences that are known to be short. Rejects with ProtocolError where they have more bytes
   * than `limits.body`; its `clientUsable` tells whether the connection could be kept.
   */
  async toArray(): Promise<T[]> {
    const feed = new ArrayFeed<T>();
    await this.#run(feed);
    return feed.rows;
  }

  async #run(feed: EagerFeed<T>): Promise<void> {
    try {
      await this.#begin()(feed);
      await feed.taken;
    } catch (error) {
      // Where the consumer has failed, the transfer was given up because of it.
      throw feed.failure ? feed.failure.error : error;
    }
    if (feed.failure) throw feed.failure.error;
  }

  #begin(): (feed: Feed<T>) => Promise<unknown> {
    if (this.#taken) throw new UsageError("these rows were iterated already: call the method again");
    this.#taken = true;
    return this.#start;
  }
}

/** What a loop over rows, or over their batches, works with. */
export interface RowsIterator<T> extends AsyncIterableIterator<T, undefined, undefined> {
  /** Ends the transfer where it is; resolves when it is over. */
  return(): Promise<IteratorResult<T, undefined>>;
}

const DONE = { done: true, value: undefined } as const;

/** The batches of one transfer. By hand, as a generator costs three promises for each: a file of some bytes is one batch. */
class BatchIterator<T> implements RowsIterator<T[]> {
  readonly #begin: () => (feed: Feed<T>) => Promise<unknown>;
  #buffer: RowBuffer<T> | undefined;
  #over: Promise<void> | undefined;
  #ended = false;

  constructor(begin: () => (feed: Feed<T>) => Promise<unknown>) {
    this.#begin = begin;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T[], undefined>> {
    if (this.#ended) return DONE;
    const buffer = this.#buffer ?? this.#open();
    try {
      const batch = buffer.take() ?? (await buffer.next());
      if (batch !== undefined) return { done: false, value: batch };
    } catch (error) {
      this.#ended = true;
      throw error;
    }
    this.#ended = true;
    return DONE;
  }

  /** The consumer leaves. What it has not taken is given up; resolves when the transfer is over. */
  async return(): Promise<IteratorResult<T[], undefined>> {
    if (!this.#ended && this.#buffer) this.#buffer.abandon();
    this.#ended = true;
    await this.#over;
    return DONE;
  }

  #open(): RowBuffer<T> {
    this.#buffer = new RowBuffer<T>();
    const buffer = this.#buffer;
    this.#over = this.#begin()(buffer).then(
      () => buffer.finish(undefined),
      (error) => buffer.finish({ error }),
    );
    return buffer;
  }
}

/** Rows one by one: a promise for each, but no waiting within a batch. */
class RowIterator<T> implements RowsIterator<T> {
  readonly #batches: RowsIterator<T[]>;
  #batch: readonly T[] = [];
  #at = 0;
  #ended = false;
  #loading: Promise<void> | undefined;

  constructor(batches: RowsIterator<T[]>) {
    this.#batches = batches;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#at === this.#batch.length) {
      if (this.#ended) return DONE;
      await (this.#loading ??= this.#load());
    }
    return { done: false, value: this.#batch[this.#at++] as T };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#ended = true;
    this.#at = this.#batch.length;
    await this.#batches.return();
    return DONE;
  }

  async #load(): Promise<void> {
    try {
      const { done, value } = await this.#batches.next();
      if (done || this.#ended) this.#ended = true;
      else [this.#batch, this.#at] = [value, 0];
    } finally {
      this.#loading = undefined;
    }
  }
}
