/** The order of calls on one connection: side by side where they can be pipelined, alone where they cannot. */
import { cancelledUnsent, onAbort } from "./abort.js";
import { type PolywireError, UsageError } from "./errors.js";

interface Entry {
  readonly exclusive: boolean;
  readonly start: () => void;
  readonly reject: (error: Error) => void;
  /** True where its signal fired: it is skipped. */
  gone: boolean;
}

/** A call at work. `release` gives the connection to the next one while this one still waits for its answer. */
type Body<T> = (release: () => void) => Promise<T>;

/**
 * A first-in first-out queue with two kinds of calls. Calls that may share the connection run at once, up to a depth;
 * a call that needs it alone waits for all earlier ones, and later ones wait for it. A call whose words are all said may
 * `release` the connection before it has its answer: replies keep the order.
 */
export class Queue {
  readonly #waiting: Entry[] = [];
  /** Those that go before all others, as soon as the connection is free. */
  readonly #first: Entry[] = [];
  readonly #limit: number;
  readonly #depth: () => number;
  #running = 0;
  #exclusive = false;
  #refusal: PolywireError | undefined;
  #head = 0;
  #gone = 0;

  /** `depth`: how many shared calls may run at once, asked each time. `limit`: calls that may wait. */
  constructor(depth: () => number, limit: number) {
    this.#depth = depth;
    this.#limit = limit;
  }

  /** Called while an exclusive call runs and another one waits behind it. */
  onContended: (() => void) | undefined;

  get waiting(): number {
    return this.#waiting.length + this.#first.length - this.#head - this.#gone;
  }

  /** True where nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#running === 0 && this.waiting === 0;
  }

  /**
   * Runs `body` when its turn comes. A signal that fires before drops it.
   *
   * @param first It goes before those that wait, unless they do so, too.
   */
  run<T>(exclusive: boolean, signal: AbortSignal | undefined, body: Body<T>, first = false): Promise<T> {
    if (signal?.aborted) return Promise.reject(cancelledUnsent(signal.reason));
    if ((first ? this.#first.length : this.waiting) === 0 && this.#mayStart(exclusive))
      return this.#start(exclusive, body);
    if (this.#refusal) return Promise.reject(this.#refusal);
    if (this.waiting >= this.#limit) {
      const advice = "wait for some of them, or raise limits.queue";
      return Promise.reject(new UsageError(`${this.#limit} calls are waiting already`, { advice }));
    }
    return new Promise<T>((resolve, reject) => {
      const forget = onAbort(signal, () => {
        entry.gone = true;
        this.#gone++;
        reject(cancelledUnsent(signal?.reason));
        // Later: the same signal may drop the next one, too.
        queueMicrotask(() => this.#advance());
      });
      const entry: Entry = {
        exclusive,
        gone: false,
        reject: (error) => {
          forget();
          reject(error);
        },
        start: () => {
          forget();
          this.#start(exclusive, body).then(resolve, reject);
        },
      };
      (first ? this.#first : this.#waiting).push(entry);
      if (this.#exclusive) this.onContended?.();
    });
  }

  /** Rejects every call that waits now, and, until the running one is over, every new one. */
  refuse(reason: PolywireError): void {
    this.#refusal = reason;
    const refused = [...this.#first.splice(0), ...this.#waiting.splice(0).slice(this.#head)];
    this.#head = this.#gone = 0;
    for (const entry of refused) entry.reject(reason);
  }

  #mayStart(exclusive: boolean): boolean {
    if (this.#exclusive) return false;
    return exclusive ? this.#running === 0 : this.#running < this.#depth();
  }

  #start<T>(exclusive: boolean, body: Body<T>): Promise<T> {
    this.#running++;
    this.#exclusive = exclusive;
    let done: Promise<T>;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      this.#running--;
      if (exclusive) this.#over();
      this.#advance();
    };
    try {
      done = body(over);
    } catch (error) {
      done = Promise.reject(error);
    }
    done.then(over, over);
    return done;
  }

  /** An exclusive call has ended. */
  #over(): void {
    this.#exclusive = false;
    this.#refusal = undefined;
    this.onContended = undefined;
  }

  #advance(): void {
    for (let [next] = this.#first; next && (next.gone || this.#mayStart(next.exclusive)); [next] = this.#first) {
      this.#first.shift();
      if (next.gone) this.#gone--;
      else next.start();
    }
    for (;;) {
      const next = this.#waiting[this.#head];
      if (next === undefined || !(next.gone || this.#mayStart(next.exclusive))) break;
      // A moving head instead of shift(): the queue may be long.
      if (++this.#head > 1024) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
      if (next.gone) {
        this.#gone--;
        continue;
      }
      next.start();
      if (next.exclusive && this.waiting > 0) queueMicrotask(() => this.onContended?.());
    }
    if (this.#head > 0 && this.waiting === 0) this.#waiting.length = this.#head = 0;
  }
}
