/** A group of files from source to final name: transferred, checked, published together; then their sources go. */
import { onAbort } from "../../../client/abort.js";
import { PolywireError, ProtocolError, SinkError } from "../../../client/errors.js";
import type { SettledFile } from "../../journal/journal.js";
import type { Digester } from "../places/digests.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import type { FileStat, Published } from "../places/place.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import { codeOf, type LaneContext } from "./ledger.js";
import { removerOf } from "./put-away.js";
import { changed } from "./recover.js";
import { digesterFor, proved } from "./verify.js";

/**
 * Files that arrive under temporary names before they are published together, and the bytes and milliseconds that end
 * such a group: a group saves round trips, and is what a crash may undo.
 */
const GROUP = 32;
const GROUP_BYTES = 32 * 1024 * 1024;
const GROUP_TIME = 10_000;
/** Bytes of a file that is held in memory between its two sides, so that neither waits for the other. */
const SMALL = 64 * 1024;
/** Bytes that such a file may have grown to since it was listed. */
const GROWN = 1024 * 1024;
/** Small files that the source may be ahead of the destination. */
const AHEAD = 4;
/** Milliseconds after which a final name that was free is looked at once more. */
const FRESH = 2_000;
/** Milliseconds for which a look at a source holds: behind them it is looked at once more before it is removed. */
const SEEN = 250;
/** Milliseconds before a file that changed under our hands is tried again. */
const SETTLING = 1_000;

/** A file that is whole at the destination, under its temporary or its final name. */
export interface Arrived extends Ready {
  readonly bytes: number;
  /** Of what was sent, where that is compared. */
  readonly digester?: Digester | undefined;
  /** True where it was to have the source's time, and has not. */
  readonly untimed?: boolean | undefined;
}

/** Transfers the files in groups, and publishes each group together. Ends early where the job does. */
export async function deliver(lane: Workplace, ready: Ready[]): Promise<void> {
  for (let group: Group | undefined = new Group(lane, ready); group !== undefined; ) {
    const copied: Arrived[] = [];
    try {
      for (let parcel = group.next(); parcel !== undefined; parcel = group.next()) {
        const done: Arrived | undefined = await (parcel.content ? store(lane, parcel) : copy(lane, parcel.ready));
        if (done) copied.push(done);
      }
    } catch (error) {
      // The job stops, but what arrived is whole.
      if (lane.from.usable && lane.to.usable) await publish(lane, copied);
      // A connection was lost, but not over these.
      else for (const { file } of copied) lane.ledger.excuse(file);
      throw error;
    }
    let next: Group | undefined;
    await publish(lane, copied, () => {
      if (ready.length > 0 && !lane.context.signal.aborted) next = new Group(lane, ready);
    });
    group = next;
  }
}

/** A file on its way: its content, where that is small. */
interface Parcel {
  readonly ready: Ready;
  readonly content?: Promise<Buffer> | undefined;
}

/** Files that are published together. The source goes on with the next ones while the destination still confirms. */
class Group {
  readonly #lane: Workplace;
  readonly #ready: Ready[];
  readonly #read: Parcel[] = [];
  readonly #until = performance.now() + GROUP_TIME;
  #begun = 0;
  #bytes = 0;
  /** True while the source is busy, with a small file or one that is passed through. */
  #busy = false;

  /** Begins with the first file: a lane must get on. */
  constructor(lane: Workplace, ready: Ready[]) {
    this.#lane = lane;
    this.#ready = ready;
    this.#begin();
  }

  /** The next file, when the one before it is over. */
  next(): Parcel | undefined {
    // What is read is not waited for: only a file that is passed through leaves nothing behind it.
    if (this.#read.length === 0) this.#busy = false;
    this.#goOn();
    const parcel = this.#read.shift();
    this.#goOn();
    return parcel;
  }

  readonly #goOn = (): void => {
    while (!this.#busy && this.#read.length < AHEAD && this.#open) this.#begin();
  };

  get #open(): boolean {
    if (this.#ready.length === 0 || this.#lane.context.signal.aborted) return false;
    return this.#begun < GROUP && this.#bytes < GROUP_BYTES && performance.now() < this.#until;
  }

  #begin(): void {
    const ready = this.#ready.shift() as Ready;
    const { name } = ready.file;
    this.#begun++;
    this.#bytes += ready.source.size;
    this.#busy = true;
    const small = ready.source.size <= SMALL;
    const content = small ? this.#lane.from.fetch(name, GROWN, this.#lane.context.signal) : undefined;
    this.#read.push({ ready, content });
    // Whoever takes it is told.
    content?.then(this.#over, this.#over);
  }

  readonly #over = (): void => {
    this.#busy = false;
    // The first one may have been begun before its turn: others wait for that.
    if (this.#begun > 1 || this.#read.length === 0) this.#goOn();
  };
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

/** Writes a small file under its temporary name. Undefined where it failed by itself; rejects where a connection did. */
async function store(lane: Workplace, { ready, content }: Parcel): Promise<Arrived | undefined> {
  const { context, to } = lane;
  const { sent, signal } = context;
  const { file } = ready;
  sent.set(file.id, 0);
  try {
    const bytes = (await content) as Buffer;
    await makeOnce(to, context.folders, folderOf(file.target));
    const wait = context.move.bucket.take(bytes.length, signal);
    if (wait) await wait;
    count(context, file.id, bytes);
    const digester = digesterFor(lane)?.update(bytes);
    return await arrived(lane, ready, await to.store(file.temp, bytes, signal), digester);
  } catch (error) {
    if (error instanceof ProtocolError && (await hasChanged(lane, ready))) return undefined;
    return failed(lane, ready, error);
  }
}

/** A file that is not small any more is looked at anew later on. False where it is as it was, or cannot be looked at. */
async function hasChanged(lane: Workplace, ready: Ready): Promise<boolean> {
  if (!lane.from.usable) return false;
  const [now] = await lane.from.stat([ready.file.name]);
  if (now === undefined || now instanceof Error || !changed(ready.source, now)) return false;
  await discard(lane, ready, now);
  return true;
}

/** Passes a file through to its temporary name, as `store`. */
async function copy(lane: Workplace, ready: Ready): Promise<Arrived | undefined> {
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

/** So many bytes arrived. Undefined where the file was settled. */
async function arrived(
  lane: Workplace,
  ready: Ready,
  bytes: number,
  digester: Digester | undefined,
): Promise<Arrived | undefined> {
  const { file, source } = ready;
  if (bytes === source.size) return { ...ready, bytes, digester };
  const [now] = await lane.from.stat([file.name]);
  if (now instanceof Error) throw now;
  if (now && !changed(source, now)) throw incomplete(`${bytes} bytes of ${file.name} arrived, it has ${source.size}`);
  if (now) await discard(lane, ready, now);
  else lane.ledger.keep(file, "FAILED", `what arrived has ${bytes} bytes where ${source.size} were listed`);
  return undefined;
}

async function failed(lane: Workplace, { file }: Ready, error: unknown): Promise<undefined> {
  // Somebody may have removed it.
  lane.context.folders.delete(folderOf(file.target));
  await lane.failed(file, error);
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

/** Bytes of a file are on their way. */
function count({ meter, sent }: LaneContext, id: number, { length }: Buffer): void {
  meter.bytes += length;
  sent.set(id, (sent.get(id) ?? 0) + length);
}

/** To the destination, a source that fails is a stream of ours: what matters is why. */
function reasonOf(error: unknown): unknown {
  return error instanceof SinkError && error.cause instanceof PolywireError ? error.cause : error;
}

function incomplete(message: string): PolywireError {
  return new PolywireError(message, { retryable: true });
}

/**
 * Gives what is whole its final name, and removes its source. `asked` is called when the source has been asked what it
 * has now: what is asked of it then comes behind that.
 */
async function publish(lane: Workplace, copied: readonly Arrived[], asked = () => {}): Promise<void> {
  const { context, ledger } = lane;
  const good = context.move.verify === "size" ? copied : await proved(lane, copied);
  const checked = performance.now();
  const checking = check(lane, good);
  asked();
  const { whole, orphans } = await checking;
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
      const untimed = context.move.keepTimes && source.mtime !== undefined && !result.timed;
      published.push(untimed ? { ...each, untimed } : each);
      if (untimed)
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
  const settled = ({ file, bytes, digester, untimed }: Arrived): SettledFile => ({
    ...{ id: file.id, state, size: bytes, untimed },
    ...(digester && { digest: `sha256:${digester.hex("sha256")}` }),
  });
  if (!context.move.removes) return ledger.settle(...arrived.map(settled));
  const fresh = performance.now() - checked < SEEN;
  const now = fresh ? [] : await lane.from.stat(arrived.map(({ file }) => file.name));
  const safe = arrived.filter(({ source }, i) => {
    const found = now[i];
    return found === undefined || (!(found instanceof Error) && !changed(source, found));
  });
  const errors = await lane.remove(
    removerOf(lane),
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
