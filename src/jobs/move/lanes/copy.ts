/** A file that is passed through from its source to its temporary name, as its bytes come. */
import { onAbort } from "../../../client/abort.js";
import { PolywireError, SinkError } from "../../../client/errors.js";
import type { Digester } from "../places/digests.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import { type Arrived, arrived, count, failed } from "./arrived.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import type { LaneContext } from "./ledger.js";
import { digesterFor } from "./verify.js";

/** Passes a file through to its temporary name, where it is too large for `store`. */
export async function copy(lane: Workplace, ready: Ready): Promise<Arrived | undefined> {
  const { file } = ready;
  const { context, to } = lane;
  const wire = new Wire(context.signal);
  context.sent.set(file.id, 0);
  try {
    // Both sides begin at once.
    const reading = new Reading(lane, ready, wire.signal);
    await makeOnce(to, context.folders, folderOf(file.target));
    const bytes = await to.write(file.temp, reading, wire.signal);
    if (bytes !== ready.source.size) wire.cut();
    return await arrived(lane, ready, bytes, reading.digester);
  } catch (error) {
    wire.cut();
    return failed(lane, ready, reasonOf(error));
  } finally {
    wire.release();
  }
}

/** What ties both sides of a transfer together: where one fails, the other is broken off. Good until it was cut. */
export class Wire {
  readonly #abort = new AbortController();
  readonly #ties: (() => void)[];

  constructor(job: AbortSignal) {
    // The second one keeps the signal listened to: beginning anew with each transfer costs more than a transfer's bytes.
    this.#ties = [onAbort(job, () => this.#abort.abort(job.reason)), onAbort(this.signal, () => {})];
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cut(): void {
    this.release();
    this.#abort.abort();
  }

  release(): void {
    for (const untie of this.#ties.splice(0)) untie();
  }
}

/** A file that is being read: counted, and held back where bytes are rationed. */
class Reading implements AsyncIterableIterator<Buffer, undefined, undefined> {
  readonly digester: Digester | undefined;
  readonly #context: LaneContext;
  readonly #signal: AbortSignal;
  readonly #id: number;
  readonly #bytes: AsyncIterator<Buffer>;
  #first: Promise<IteratorResult<Buffer>> | undefined;

  constructor(lane: Workplace, { file }: Ready, signal: AbortSignal) {
    const { context, from } = lane;
    this.digester = digesterFor(lane);
    this.#context = context;
    this.#signal = signal;
    this.#id = file.id;
    this.#bytes = from.read(file.name, signal)[Symbol.asyncIterator]();
    this.#first = this.#bytes.next();
    // Whoever takes it is told.
    this.#first.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const asked = this.#first ?? this.#bytes.next();
    this.#first = undefined;
    const { done, value } = await asked;
    if (done) return { done: true, value: undefined };
    const wait = this.#context.move.bucket.take(value.length, this.#signal);
    if (wait) await wait;
    count(this.#context, this.#id, value);
    this.digester?.update(value);
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    await this.#bytes.return?.();
    return { done: true, value: undefined };
  }
}

/** To the destination, a source that fails is a stream of ours: what matters is why. */
export function reasonOf(error: unknown): unknown {
  return error instanceof SinkError && error.cause instanceof PolywireError ? error.cause : error;
}
