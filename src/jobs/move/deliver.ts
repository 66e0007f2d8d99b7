/** A group of files from source to final name: transferred, checked, published together; then their sources go. */
import { onAbort } from "../../client/abort.js";
import { PolywireError, SinkError } from "../../client/errors.js";
import type { SettledFile } from "../journal/journal.js";
import type { Ready } from "./decide.js";
import { folderOf } from "./folder-place.js";
import type { Workplace } from "./lane.js";
import { codeOf, type LaneContext } from "./ledger.js";
import type { FileStat, Published } from "./place.js";
import { changed } from "./recover.js";

/**
 * Files that arrive under temporary names before they are published together, and the bytes and milliseconds that end
 * such a group: a group saves round trips, and is what a crash may undo.
 */
const GROUP = 32;
const GROUP_BYTES = 32 * 1024 * 1024;
const GROUP_TIME = 1_000;
/** Milliseconds after which a final name that was free is looked at once more. */
const FRESH = 2_000;
/** Milliseconds for which a look at a source holds: behind them it is looked at once more before it is removed. */
const SEEN = 250;
/** Milliseconds before a file that changed under our hands is tried again. */
const SETTLING = 1_000;
/** Folders remembered. */
const FOLDERS = 10_000;

/** A file that is whole at the destination, under its temporary or its final name. */
export interface Arrived extends Ready {
  readonly bytes: number;
}

/** Transfers some files, then publishes them together. Takes them from `ready`. */
export async function deliver(lane: Workplace, ready: Ready[]): Promise<void> {
  const { signal } = lane.context;
  let wire = new Wire(signal);
  const copied: Arrived[] = [];
  const until = performance.now() + GROUP_TIME;
  let begun = 0;
  let bytes = 0;
  const open = () =>
    ready.length > 0 && begun < GROUP && bytes < GROUP_BYTES && performance.now() < until && !signal.aborted;
  const begin = () => {
    begun++;
    bytes += ready[0]?.source.size ?? 0;
    return new Reading(lane, ready.shift() as Ready, wire.signal);
  };
  let ahead: Reading | undefined;
  // The source goes on with the next file while the destination still confirms this one.
  const onRead = () => {
    if (!wire.signal.aborted && open()) ahead = begin();
  };
  try {
    // The first one always: a lane must get on.
    do {
      const reading: Reading = ahead ?? begin();
      ahead = undefined;
      const done = await copy(lane, reading, wire, onRead);
      if (done) copied.push(done);
      if (!wire.signal.aborted) continue;
      // It was broken off together with the one before it.
      if (ahead) ready.unshift((ahead as Reading).ready);
      ahead = undefined;
      wire = new Wire(signal);
    } while (ahead !== undefined || open());
  } catch (error) {
    // The job stops, but what arrived is whole.
    if (lane.from.usable && lane.to.usable) await publish(lane, copied);
    // A connection was lost, but not over these.
    else for (const { file } of copied) lane.ledger.excuse(file);
    throw error;
  } finally {
    wire.release();
  }
  await publish(lane, copied);
}

/** What ties both sides of a transfer together: where one fails, the other is broken off. Good until it was cut. */
class Wire {
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

/** Transfers one file to its temporary name. Undefined where it failed by itself; rejects where a connection did. */
async function copy(lane: Workplace, reading: Reading, wire: Wire, onRead: () => void): Promise<Arrived | undefined> {
  const { ready } = reading;
  const { file, source } = ready;
  const { context, from, to } = lane;
  const folder = folderOf(file.target);
  context.sent.set(file.id, 0);
  try {
    await makeFolder(lane, folder);
    const bytes = await to.write(file.temp, reading.until(onRead), wire.signal);
    if (bytes === source.size) return { ...ready, bytes };
    wire.cut();
    const [now] = await from.stat([file.name]);
    if (now instanceof Error) throw now;
    if (now && !changed(source, now)) throw incomplete(`${bytes} bytes of ${file.name} arrived, it has ${source.size}`);
    if (now) await discard(lane, ready, now);
    else lane.ledger.keep(file, "FAILED", `what arrived has ${bytes} bytes where ${source.size} were listed`);
    return undefined;
  } catch (error) {
    wire.cut();
    // Somebody may have removed it.
    context.folders.delete(folder);
    await lane.failed(file, reasonOf(error));
    return undefined;
  }
}

/** A file that is being read, perhaps before its turn: counted, and held back where bytes are rationed, when it is taken. */
class Reading implements AsyncIterator<Buffer, undefined, undefined> {
  readonly ready: Ready;
  readonly #context: LaneContext;
  readonly #signal: AbortSignal;
  readonly #bytes: AsyncIterator<Buffer>;
  #first: Promise<IteratorResult<Buffer>> | undefined;
  #onRead = () => {};

  constructor({ context, from }: Workplace, ready: Ready, signal: AbortSignal) {
    this.ready = ready;
    this.#context = context;
    this.#signal = signal;
    this.#bytes = from.read(ready.file.name, signal)[Symbol.asyncIterator]();
    this.#first = this.#bytes.next();
    // Whoever takes it is told.
    this.#first.catch(() => {});
  }

  /** All of it; `onRead` is called when the source confirmed its end. */
  until(onRead: () => void): AsyncIterable<Buffer> {
    this.#onRead = onRead;
    return { [Symbol.asyncIterator]: () => this };
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const asked = this.#first ?? this.#bytes.next();
    this.#first = undefined;
    const { done, value } = await asked;
    if (done) {
      this.#onRead();
      return { done: true, value: undefined };
    }
    const { move, meter, sent } = this.#context;
    const wait = move.bucket.take(value.length, this.#signal);
    if (wait) await wait;
    meter.bytes += value.length;
    const { id } = this.ready.file;
    sent.set(id, (sent.get(id) ?? 0) + value.length);
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    await this.#bytes.return?.();
    return { done: true, value: undefined };
  }
}

/** To the destination, a source that fails is a stream of ours: what matters is why. */
function reasonOf(error: unknown): unknown {
  return error instanceof SinkError && error.cause instanceof PolywireError ? error.cause : error;
}

function incomplete(message: string): PolywireError {
  return new PolywireError(message, { retryable: true });
}

async function makeFolder({ context: { folders }, to }: Workplace, folder: string): Promise<void> {
  if (folder === "" || folders.has(folder)) return;
  await to.makeFolder(folder);
  if (folders.size >= FOLDERS) folders.clear();
  folders.add(folder);
}

/** Gives what is whole its final name, and removes its source. */
async function publish(lane: Workplace, copied: readonly Arrived[]): Promise<void> {
  const { context, ledger } = lane;
  const checked = performance.now();
  const { whole, orphans } = await check(lane, copied);
  const results = await lane.to.publish(
    whole.map(({ file, source }) => ({
      temp: file.temp,
      final: file.target,
      mtime: context.move.keepTimes ? source.mtime : undefined,
    })),
  );
  const published: Arrived[] = [];
  for (const [i, each] of whole.entries()) {
    const result = results[i] as Published | Error;
    const { file, source } = each;
    if (!(result instanceof Error)) {
      published.push(each);
      if (context.move.keepTimes && source.mtime !== undefined && !result.timed)
        context.warn("the destination does not set the times of files: there they have the time of the move");
    } else if (orphans.has(each)) ledger.keep(file, "FAILED", `its name was refused: ${result.message}`);
    else await lane.failed(file, result);
  }
  await removeSources(lane, published, { checked });
}

/**
 * What may be published: whole at the destination, by its own count, and of a source that is still what was read.
 * `orphans` are those whose source vanished meanwhile: theirs is the only copy.
 */
async function check(lane: Workplace, copied: readonly Arrived[]) {
  const { ledger } = lane;
  const late = copied.filter(({ before, lookedAt }) => before === "absent" && performance.now() - lookedAt > FRESH);
  const [sources, there] = await Promise.all([
    lane.from.stat(copied.map(({ file }) => file.name)),
    lane.to.stat([...copied.map(({ file }) => file.temp), ...late.map(({ file }) => file.target)], { times: false }),
  ]);
  const whole: Arrived[] = [];
  const orphans = new Set<Arrived>();
  for (const [i, each] of copied.entries()) {
    const { file, source, bytes } = each;
    const [now, temp] = [sources[i], there[i]];
    const taken = late.includes(each) ? there[copied.length + late.indexOf(each)] : undefined;
    if (now instanceof Error) await lane.failed(file, now);
    else if (temp instanceof Error) await lane.failed(file, temp);
    else if (now && changed(source, now)) await discard(lane, each, now);
    else if (now && taken !== undefined) await discard(lane, each, now);
    else if (temp?.size !== bytes) {
      if (now)
        await lane.failed(file, incomplete(`${temp?.size ?? 0} bytes of ${file.name} arrived, ${bytes} were sent`));
      else ledger.keep(file, "FAILED", "what arrived is not whole");
    } else if (taken !== undefined) ledger.keep(file, "CONFLICT", "another file has the final name");
    else whole.push(each);
    if (now === undefined) orphans.add(each);
  }
  return { whole, orphans };
}

/** Looked at anew later on. */
async function discard(lane: Workplace, { file }: Ready, now: FileStat): Promise<void> {
  await lane.drop([file]);
  lane.ledger.release(file, { now, wait: SETTLING });
}

/** How sources are removed. */
interface Removal {
  /** What becomes of their files. Default: `DONE`. */
  readonly state?: "DONE" | "SKIPPED_SAME";
  /** When the sources were seen unchanged, on the clock of `performance.now()`. Default: never. */
  readonly checked?: number;
}

/** The files are safe at the destination: their sources go, where the job moves, unless they changed meanwhile. */
export async function removeSources(
  lane: Workplace,
  arrived: readonly Arrived[],
  { state = "DONE", checked = Number.NEGATIVE_INFINITY }: Removal = {},
): Promise<void> {
  if (arrived.length === 0) return;
  const { context, ledger } = lane;
  const settled = ({ file, bytes }: Arrived): SettledFile => ({ id: file.id, state, size: bytes });
  if (!context.move.removes) return ledger.settle(...arrived.map(settled));
  const fresh = performance.now() - checked < SEEN;
  const now = fresh ? [] : await lane.from.stat(arrived.map(({ file }) => file.name));
  const safe = arrived.filter(({ source }, i) => {
    const found = now[i];
    return found === undefined || (!(found instanceof Error) && !changed(source, found));
  });
  const errors = await lane.remove(
    lane.from,
    safe.map(({ file }) => file.name),
  );
  const results = safe.map((each, i): SettledFile => {
    const error = errors[i];
    if (error === undefined) return settled(each);
    const said = `it arrived, but the source stays: ${error.message}`;
    return { id: each.file.id, state: "FAILED", code: codeOf(error), error: said };
  });
  ledger.settle(...results);
  for (const [i, each] of arrived.entries()) {
    const found = now[i];
    if (found instanceof Error) ledger.fail(each.file, new Error(`it arrived, but the source stays: ${found.message}`));
    else if (found && !safe.includes(each)) ledger.release(each.file, { now: found, wait: SETTLING });
  }
}
