/** Bytes of a file from one place in it to another: rationed, counted, and digested where they are compared. */
import { ReplyError } from "../../../client/errors.js";
import type { ClaimedFile } from "../../journal/journal.js";
import type { Digester } from "../places/digests.js";
import type { Place } from "../places/place.js";
import { count } from "./arrived.js";
import type { LaneContext } from "./ledger.js";

/** What a server says that does not know REST, or does not take it here. */
const NOT_WITHIN = new Set(["500", "501", "502", "503", "504", "554"]);

/** What is read. */
export interface PieceCall {
  /** The first byte. Default: 0. */
  readonly from?: number | undefined;
  /** How many bytes: what is behind them is broken off. Default: all. */
  readonly length?: number | undefined;
  readonly digester?: Digester | undefined;
  /**
   * True where a source that fails is to end the piece, as if that were all: what was read arrives then. Whoever takes it
   * looks at `failure`. Default: false.
   */
  readonly ends?: boolean | undefined;
  readonly signal: AbortSignal;
}

export class Piece implements AsyncIterableIterator<Buffer, undefined, undefined> {
  /** Bytes that were given on. */
  bytes = 0;
  /** What the source failed with. */
  failure: unknown;
  readonly #context: LaneContext;
  readonly #id: number;
  readonly #call: PieceCall;
  readonly #source: AsyncIterator<Buffer>;
  #asked: Promise<IteratorResult<Buffer>> | undefined;
  #held: Buffer | undefined;
  #left: number;

  /** The source begins at once. */
  constructor(context: LaneContext, from: Place, { id, name }: ClaimedFile, call: PieceCall) {
    this.#context = context;
    this.#id = id;
    this.#call = call;
    this.#left = call.length ?? Number.POSITIVE_INFINITY;
    this.#source = from.read(name, call.signal, call.from)[Symbol.asyncIterator]();
    this.#asked = this.#source.next();
    // Whoever takes it is told.
    this.#asked.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#left > 0 ? await this.#next() : undefined;
    if (chunk === undefined) return this.return();
    this.bytes += chunk.length;
    count(this.#context, this.#id, chunk);
    return { done: false, value: chunk };
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      return await this.#take();
    } catch (error) {
      if (!this.#call.ends) throw error;
      return undefined;
    }
  }

  /** Reads so many bytes and gives none of them on: they are there already. Rejects where the source has fewer. */
  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) {
      const chunk = await this.#take();
      if (chunk === undefined) throw new Error(`the source ended ${left} bytes before its beginning was read`);
      if (chunk.length > left) this.#give(chunk.subarray(left));
      left -= chunk.length;
    }
  }

  /** What was read too far comes next. It was digested and paid for. */
  #give(rest: Buffer): void {
    this.#held = rest;
    this.#left += rest.length;
  }
  async #take(): Promise<Buffer | undefined> {
    const held = this.#held;
    this.#held = undefined;
    if (held) {
      this.#left -= held.length;
      return held;
    }
    const { signal, digester } = this.#call;
    try {
      const { done, value } = await (this.#asked ?? this.#source.next());
      this.#asked = undefined;
      if (done) return undefined;
      const chunk = value.length > this.#left ? value.subarray(0, this.#left) : value;
      this.#left -= chunk.length;
      const wait = this.#context.move.bucket.take(chunk.length, signal);
      if (wait) await wait;
      digester?.update(chunk);
      return chunk;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** Breaks off what is not wanted any more. */
  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#asked?.catch(() => {});
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
}

/** What was counted of a file is sent again. */
export function uncount({ meter, sent }: LaneContext, id: number, bytes: number): void {
  meter.bytes -= bytes;
  sent.set(id, (sent.get(id) ?? 0) - bytes);
}

/** Some bytes of a file: those from `first` to before `end`, or fewer where it ends before. */
export async function readRange(
  place: Place,
  name: string,
  first: number,
  end: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = end - first;
  for await (const chunk of place.read(name, signal, first)) {
    chunks.push(chunk.length > left ? chunk.subarray(0, left) : chunk);
    left -= chunk.length;
    if (left <= 0) break;
  }
  return Buffer.concat(chunks);
}

/** True where a server does not begin within a file. ProFTPD says 451 "Append/Restart not permitted", pyftpdlib 450 "Can't APPE while REST request is pending". */
export function isNotWithin(error: unknown): boolean {
  if (!(error instanceof ReplyError)) return false;
  return (
    NOT_WITHIN.has(error.code) || (error.code.startsWith("45") && /\b(restart|append|rest|appe)\b/i.test(error.message))
  );
}

/** Bytes that are here, as a stream. */
export async function* chunks(...all: Buffer[]): AsyncGenerator<Buffer> {
  yield* all;
}
