/** Several connections to one server: borrow and give back, open when needed, replace what died. It knows only Client. */
import { inspect } from "node:util";
import { onAbort } from "./abort.js";
import type { Client } from "./client.js";
import { AbortedError, LoginError, type PolywireError, ReplyError, UsageError } from "./errors.js";
import { MOST_MS, wholeNumber } from "./options.js";
import type { State } from "./session.js";

/** What a Pool takes. */
export interface PoolOptions<C extends Client> {
  /**
   * Makes a client. One that is `idle` is connected and logged in by the pool; any other is taken as it is, so that a
   * client may also be given logged in, in its folder, or without a login where the protocol needs none.
   */
  create: () => C | Promise<C>;
  /** Connections at a time. Default: 4. */
  max?: number | undefined;
  /** Milliseconds a spare connection is kept. Default: 30 000. */
  idle?: number | undefined;
  /** Milliseconds until a server that said "too many connections" is asked for another one again. Default: 30 000. */
  retryAfter?: number | undefined;
}

/** What borrowing takes. */
export interface BorrowOptions {
  /** Ends the wait. It does not touch a client that was borrowed already. */
  signal?: AbortSignal | undefined;
}

interface Waiter<C> {
  readonly resolve: (client: C) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection in the making, for the waiter it was begun for; another may be served first. */
interface Opening<C> {
  waiter: Waiter<C> | undefined;
  client?: C;
}

interface Spare<C> {
  readonly client: C;
  readonly timer: NodeJS.Timeout;
}

/** How servers say that this connection is one too many, in any protocol. */
const FULL =
  /too many|maximum (number|clients?|connections?|logins?|users?|sessions?)|(connection|login|user|client)s? limit/i;

/** True where the server refused a connection, or its login, only because there are too many of them. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof ReplyError)) return false;
  return error.code === "421" || ((error.transient || error instanceof LoginError) && FULL.test(error.message));
}

/**
 * Connections of one kind, opened when they are needed. Who waits is served in order.
 *
 * A server that has enough connections (421, "too many") makes the pool content with those it has, for a while: the
 * borrower waits for one of them instead of failing.
 *
 * @example
 * await using pool = new Pool({ create: () => new FtpClient(options), max: 8 });
 * await Promise.all(names.map((name) => pool.use((ftp) => ftp.retr(name, { to: name }))));
 */
export class Pool<C extends Client> implements AsyncDisposable {
  readonly #create: () => C | Promise<C>;
  readonly #max: number;
  readonly #keep: number;
  readonly #retryAfter: number;
  #spare: Spare<C>[] = [];
  /** What is lent, and the state it was lent in: it must come back in the same. */
  readonly #lent = new Map<C, State>();
  readonly #openings = new Set<Opening<C>>();
  readonly #waiting = new Set<Waiter<C>>();
  #cap: number;
  #capTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: PoolOptions<C>) {
    this.#create = options.create;
    this.#max = wholeNumber("max", options.max ?? 4, 1, 100_000);
    this.#keep = wholeNumber("idle", options.idle ?? 30_000, 0, MOST_MS);
    this.#retryAfter = wholeNumber("retryAfter", options.retryAfter ?? 30_000, 1, MOST_MS);
    this.#cap = this.#max;
  }

  /** Connections there are: lent, spare, and in the making. */
  get size(): number {
    return this.#lent.size + this.#openings.size + this.idle;
  }

  /** Connections that wait to be borrowed. */
  get idle(): number {
    return this.#spare.filter(({ client }) => client.state !== "closed").length;
  }

  /** Borrowers that wait for a connection. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Connections allowed at a time: fewer than the option for a while after the server said "too many". */
  get max(): number {
    return this.#cap;
  }

  /**
   * Borrows a client for the time that `fn` takes, and gives it back, whatever came of it.
   *
   * @returns what `fn` gives. Rejects with its error, or with that of `borrow`.
   */
  async use<T>(fn: (client: C) => T | Promise<T>, options: BorrowOptions = {}): Promise<T> {
    const client = await this.borrow(options);
    try {
      return await fn(client);
    } finally {
      this.giveBack(client);
    }
  }

  /**
   * A client that is ready for use; `giveBack` it. A spare one that has died meanwhile is replaced by a new one.
   *
   * @throws AbortedError where the signal fires first or the pool is closed; UsageError where it was closed before;
   *   the error of `create`, `connect` or `login`, which only this borrower gets.
   */
  borrow(options: BorrowOptions = {}): Promise<C> {
    const { signal } = options;
    if (this.#closing) return Promise.reject(new UsageError("the pool is closed", { advice: "make a new one" }));
    if (signal?.aborted) return Promise.reject(cancelled(signal));
    return new Promise<C>((resolve, reject) => {
      const waiter: Waiter<C> = {
        resolve: (client) => {
          forget();
          resolve(client);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      const forget = onAbort(signal, () => {
        this.#leave(waiter);
        reject(cancelled(signal as AbortSignal));
      });
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  /** Takes a borrowed client back. One that is not in the state it was lent in is thrown away. */
  giveBack(client: C): void {
    const state = this.#lent.get(client);
    if (state === undefined) throw new UsageError("this client was not borrowed here, or was given back already");
    this.#lent.delete(client);
    if (this.#closing || client.state !== state) void client.quit();
    else this.#keepSpare(client);
    this.#serve();
  }

  /**
   * Quits every connection and rejects those who wait. Borrowed clients end behind the calls already made on them.
   * Safe twice; never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `await using` ends with `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What `console.log` shows: numbers, no options, so no secrets. */
  [inspect.custom](): string {
    const { size, idle, waiting, max } = this;
    return `Pool { size: ${size}, idle: ${idle}, waiting: ${waiting}, max: ${max}${this.#closing ? ", closed" : ""} }`;
  }

  /** Gives those who wait what there is, and opens connections for the others as far as allowed. */
  #serve(): void {
    for (const waiter of this.#waiting) {
      const client = this.#takeSpare();
      if (client === undefined) break;
      this.#lend(client, waiter);
    }
    const expected = new Set(Array.from(this.#openings, (opening) => opening.waiter));
    const orphans = [...this.#openings].filter((opening) => opening.waiter === undefined);
    for (const waiter of this.#waiting) {
      if (expected.has(waiter)) continue;
      const orphan = orphans.pop();
      if (orphan) orphan.waiter = waiter;
      else if (this.#lent.size + this.#openings.size < this.#cap) void this.#open(waiter);
      else return;
    }
  }

  #lend(client: C, waiter: Waiter<C>): void {
    this.#leave(waiter);
    this.#lent.set(client, client.state);
    waiter.resolve(client);
  }

  #leave(waiter: Waiter<C>): void {
    this.#waiting.delete(waiter);
    for (const opening of this.#openings) if (opening.waiter === waiter) opening.waiter = undefined;
  }

  async #open(waiter: Waiter<C>): Promise<void> {
    const opening: Opening<C> = { waiter };
    this.#openings.add(opening);
    try {
      const client = await this.#create();
      opening.client = client;
      await this.#makeReady(client);
      this.#openings.delete(opening);
      if (this.#closing) await client.quit();
      else this.#keepSpare(client);
    } catch (error) {
      this.#openings.delete(opening);
      void opening.client?.quit();
      this.#notOpened(opening.waiter, error);
    }
    this.#serve();
  }

  async #makeReady(client: C): Promise<void> {
    if (client.state === "closed") throw new UsageError("create gave a client that is closed");
    if (client.state !== "idle") return;
    await client.connect();
    await client.login();
  }

  #notOpened(waiter: Waiter<C> | undefined, error: unknown): void {
    const others = this.size;
    if (isFull(error) && others > 0 && !this.#closing) {
      this.#lower(others);
    } else if (waiter) {
      this.#leave(waiter);
      waiter.reject(error);
    }
  }

  /** The server has enough connections: be content with these, for a while. */
  #lower(cap: number): void {
    this.#cap = Math.min(this.#cap, cap);
    clearTimeout(this.#capTimer);
    const again = () => {
      this.#cap = this.#max;
      this.#serve();
    };
    this.#capTimer = setTimeout(again, this.#retryAfter).unref();
  }

  #keepSpare(client: C): void {
    const expire = () => {
      this.#spare = this.#spare.filter((each) => each.client !== client);
      void client.quit();
    };
    this.#spare.push({ client, timer: setTimeout(expire, this.#keep).unref() });
  }

  /** The spare connection used last, so that those too many grow old; those that died are forgotten. */
  #takeSpare(): C | undefined {
    for (let spare = this.#spare.pop(); spare; spare = this.#spare.pop()) {
      clearTimeout(spare.timer);
      if (spare.client.state !== "closed") return spare.client;
    }
    return undefined;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#capTimer);
    const reason: PolywireError = new AbortedError("the pool was closed");
    for (const waiter of this.#waiting) waiter.reject(reason);
    this.#waiting.clear();
    // What is being opened is not waited for, as it may take long.
    for (const { client } of this.#openings) client?.close(reason);
    const spare = this.#spare.splice(0);
    for (const { timer } of spare) clearTimeout(timer);
    await Promise.all([...spare.map(({ client }) => client.quit()), ...Array.from(this.#lent.keys(), (c) => c.quit())]);
  }
}

function cancelled(signal: AbortSignal): AbortedError {
  return new AbortedError("the wait for a connection was cancelled", { cause: signal.reason, clientUsable: true });
}
