/** A long sequence from a server: an async iterable with back-pressure that can read ahead when others wait. */
import { UsageError } from "./errors.js";

/** What the producer of rows is given. */
export interface Feed<T> {
  /** True where the consumer takes everything at once and asks for no pause: the transfer may share its connection. */
  readonly eager: boolean;
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
  async each(take: (batch: T[]) => void | Promise<void>): Promise<void> {
    const feed = new EagerFeed<T>(take);
    await this.#begin()(feed);
    await feed.taken;
    if (feed.failure) throw feed.failure.error;
  }

  /** All rows in one array: for sequences that are known to be short. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    await this.each((batch) => {
      for (const row of batch) all.push(row);
    });
    return all;
  }

  #begin(): (feed: Feed<T>) => Promise<unknown> {
    if (this.#taken) throw new UsageError("these rows were iterated already: call the method again");
    this.#taken = true;
    return this.#start;
  }
}

/** Gives batches on as they come. */
class EagerFeed<T> implements Feed<T> {
  readonly eager = true;
  resume: (() => void) | undefined;
  cancel: (() => void) | undefined;
  failure: { error: unknown } | undefined;
  /** Settles when the consumer is done with all it was given. */
  taken: Promise<void> | undefined;
  readonly #take: (batch: T[]) => void | Promise<void>;
  #waiting = 0;

  constructor(take: (batch: T[]) => void | Promise<void>) {
    this.#take = take;
  }

  push(batch: T[]): boolean {
    if (this.failure || batch.length === 0) return this.#waiting === 0;
    try {
      const busy = this.#take(batch);
      if (busy !== undefined) this.#wait(busy);
    } catch (error) {
      this.#fail(error);
    }
    return this.#waiting === 0;
  }

  readAhead(): void {}

  #wait(busy: Promise<void>): void {
    this.#waiting++;
    const before = this.taken;
    this.taken = busy
      .then(undefined, (error) => this.#fail(error))
      .then(() => {
        if (--this.#waiting === 0) this.resume?.();
        return before;
      });
  }

  #fail(error: unknown): void {
    if (this.failure) return;
    this.failure = { error };
    this.cancel?.();
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

/** Batches between a producer and a consumer. */
class RowBuffer<T> implements Feed<T> {
  readonly eager = false;
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
        const others = this.#wake;
        this.#wake = () => {
          this.#wake = undefined;
          others?.();
          resolve();
        };
      });
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
