/** Between the producer of rows and their consumer: back-pressure, reading ahead, leaving early. No I/O. */
import { ProtocolError } from "./errors.js";

/** What the producer of rows is given. */
export interface Feed<T> {
  /** True where the consumer takes everything at once and asks for no pause: the transfer may share its connection. */
  readonly eager: boolean;
  /**
   * Takes a batch of `bytes` bytes; false asks to pause until `resume` is called. Throws ProtocolError beyond what
   * `bound` allows.
   */
  push(batch: T[], bytes: number): boolean;
  /** Set by the producer: called when the consumer has room again. */
  resume: (() => void) | undefined;
  /** Set by the producer: called when the consumer left early, at once where it has left already. */
  cancel: (() => void) | undefined;
  /** Told by the producer before the first batch: the bytes that all rows in one array may have (`limits.body`). */
  bound(limit: number): void;
  /** Another call waits: take what comes without a pause, up to the limit of the read-ahead. */
  readAhead(limit: number, refuse: () => void): void;
}

/** Bytes held for a slow consumer before the producer is asked to pause. */
const HIGH_WATER = 1024 * 1024;

/** Gives batches on as they come. */
export class EagerFeed<T> implements Feed<T> {
  readonly eager = true;
  resume: (() => void) | undefined;
  cancel: (() => void) | undefined;
  failure: { error: unknown } | undefined;
  /** Settles when the consumer is done with all it was given. */
  taken: Promise<void> | undefined;
  readonly #take: (batch: T[]) => unknown;
  #waiting = 0;

  constructor(take: (batch: T[]) => unknown) {
    this.#take = take;
  }

  push(batch: T[], _bytes: number): boolean {
    if (this.failure || batch.length === 0) return this.#waiting === 0;
    try {
      const busy = this.#take(batch) as PromiseLike<void> | undefined;
      // A callback whose result nobody declared may give anything: `(batch) => all.push(...batch)`.
      if (typeof busy?.then === "function") this.#wait(Promise.resolve(busy));
    } catch (error) {
      this.#fail(error);
    }
    return this.#waiting === 0;
  }

  readAhead(): void {}

  bound(_limit: number): void {}

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

/** Gathers all rows in one array, which is all there is in memory of them: bounded. */
export class ArrayFeed<T> extends EagerFeed<T> {
  readonly rows: T[];
  #bytes = 0;
  #limit = Number.POSITIVE_INFINITY;

  constructor() {
    const rows: T[] = [];
    super((batch) => {
      for (const row of batch) rows.push(row);
    });
    this.rows = rows;
  }

  override push(batch: T[], bytes: number): boolean {
    this.#bytes += bytes;
    if (this.#bytes > this.#limit) {
      this.rows.length = 0;
      throw new ProtocolError(`rows of more than ${this.#limit} bytes do not go into one array`, {
        advice: "take them in a loop or with each(), or raise limits.body",
      });
    }
    return super.push(batch, bytes);
  }

  override bound(limit: number): void {
    this.#limit = limit;
  }
}

/** Batches between a producer and a consumer. */
export class RowBuffer<T> implements Feed<T> {
  readonly eager = false;
  resume: (() => void) | undefined;
  #cancel: (() => void) | undefined;
  readonly #batches: { rows: T[]; bytes: number }[] = [];
  #head = 0;
  #bytes = 0;
  #limit = HIGH_WATER;
  #refuse: (() => void) | undefined;
  #paused = false;
  #abandoned = false;
  #end: { failure: { error: unknown } | undefined } | undefined;
  #wake: (() => void) | undefined;

  get cancel(): (() => void) | undefined {
    return this.#cancel;
  }

  /** A consumer may leave before the producer began. */
  set cancel(cancel: (() => void) | undefined) {
    this.#cancel = cancel;
    if (this.#abandoned && !this.#end) cancel?.();
  }

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

  /** A loop holds no more than what it has not taken yet: back-pressure and `readAhead` bound it. */
  bound(): void {}

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
    if (!this.#end) this.#cancel?.();
    this.#unpause();
  }

  #unpause(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.resume?.();
  }
}
