/** A lane: one connection to each side, moving a batch of claimed files safely. What is safe is decided here. */
import type { ClaimedFile, Journal, ProbedFile, SettledFile } from "../journal/journal.js";
import { folderOf } from "./folder-place.js";
import type { ResolvedMove } from "./options.js";
import type { FileStat, Place } from "./place.js";
import type { ProgressMeter } from "./progress.js";
import { changed, recovery, same } from "./recover.js";
import { classify, delay, isExhausted } from "./retry.js";

/** What lanes share. */
export interface LaneContext {
  readonly move: ResolvedMove;
  readonly journal: Journal;
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal;
  /** Folders known to be at the destination. */
  readonly folders: Set<string>;
  /** Final names that are being written, and by which file: two sources must never meet in one. */
  readonly writing: Map<string, number>;
  /** Things a person should know: times that could not be set, temporary files that were kept. */
  warn(message: string): void;
}

/**
 * Files that arrive under temporary names before they are published together, and the bytes and milliseconds that end
 * such a group: a group saves round trips, and is what a crash may undo.
 */
const GROUP = 16;
const GROUP_BYTES = 32 * 1024 * 1024;
const GROUP_TIME = 1_000;

/** A file that is whole at the destination, under its temporary name. */
interface Copied {
  readonly file: ClaimedFile;
  readonly target: string;
  readonly source: FileStat;
  readonly bytes: number;
}

/** No file of this job will fare better: the disk is full, the account is refused. */
export class JobStopped extends Error {
  constructor(readonly reason: unknown) {
    super("the job stops", { cause: reason });
  }
}

export class Lane {
  readonly #context: LaneContext;
  #from: Place;
  #to: Place;
  /** Files given to this lane that are not settled. */
  readonly #open = new Map<number, ClaimedFile>();

  constructor(context: LaneContext) {
    this.#context = context;
    this.#from = context.move.from(false);
    this.#to = context.move.to(true);
  }

  /** Connects both sides. */
  async connect(): Promise<void> {
    const { move, signal } = this.#context;
    await this.close();
    this.#from = move.from(false);
    this.#to = move.to(true);
    try {
      await Promise.all([this.#from.open(signal), this.#to.open(signal)]);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#from.close(), this.#to.close()]);
  }

  get usable(): boolean {
    return this.#from.usable && this.#to.usable;
  }

  /** Files of this lane whose fate is open, after a failure. */
  get unsettled(): ClaimedFile[] {
    return [...this.#open.values()];
  }

  /** Moves a batch. Rejects where a connection failed: `recover` what is unsettled then, on new ones. */
  async run(files: readonly ClaimedFile[]): Promise<void> {
    for (const file of files) this.#open.set(file.id, file);
    const ready = await this.#decide(files);
    while (ready.length > 0 && !this.#context.signal.aborted) await this.#group(ready);
    this.#giveBack();
  }

  /** Transfers some files, then publishes them together. Takes them from `ready`. */
  async #group(ready: Omit<Copied, "bytes">[]): Promise<void> {
    const { signal } = this.#context;
    const copied: Copied[] = [];
    const until = performance.now() + GROUP_TIME;
    const open = () => copied.length < GROUP && bytes < GROUP_BYTES && performance.now() < until;
    let bytes = 0;
    try {
      while (ready.length > 0 && open() && !signal.aborted) {
        const done = await this.#copy(ready.shift()!);
        if (done) copied.push(done);
        bytes += done?.bytes ?? 0;
      }
    } catch (error) {
      // The job stops, but what arrived is whole.
      if (this.usable) await this.#finish(copied);
      throw error;
    }
    await this.#finish(copied);
  }

  /** Settles files that were under way when something died, by looking at what is there. */
  async recover(files: readonly ClaimedFile[]): Promise<void> {
    for (const file of files) this.#open.set(file.id, file);
    const [sources, temps, finals] = await Promise.all([
      this.#from.stat(files.map((file) => file.name)),
      this.#to.stat(files.map((file) => file.temp)),
      this.#to.stat(files.map((file) => file.target)),
    ]);
    for (const [i, file] of files.entries()) await this.#recoverOne(file, sources[i], temps[i], finals[i]);
  }

  async #recoverOne(
    file: ClaimedFile,
    source: FileStat | undefined,
    temp: FileStat | undefined,
    final: FileStat | undefined,
  ): Promise<void> {
    const action = recovery({ planned: file, before: file.destBefore, source, temp, final });
    const drop = async () => temp && (await this.#to.remove([file.temp]));
    switch (action) {
      case "again":
      case "policy":
        await drop();
        this.#again(file);
        return;
      case "changed":
        await drop();
        this.#release(file, source);
        return;
      case "finish":
        await this.#removeSources([{ file, target: file.target, source: source!, bytes: final!.size }]);
        return;
      case "done":
        this.#settle({ id: file.id, state: "DONE" });
        return;
      case "rename":
        await this.#rename(file, final !== undefined);
        return;
      case "keep-partial":
        this.#context.warn(`${file.temp} was kept: the source is gone, and it may be the only copy of a part of it`);
        this.#settle({
          id: file.id,
          state: "FAILED",
          code: "PARTIAL",
          error: `the source is gone, ${file.temp} was kept`,
        });
        return;
      case "conflict":
        await drop();
        this.#settle({ id: file.id, state: "CONFLICT", code: "EXISTS", error: "another file has the final name" });
        return;
      case "gone":
        this.#settle({ id: file.id, state: "GONE", error: "the source is gone, and nothing arrived" });
    }
  }

  /** Another try, unless its connections broke too often. */
  #again(file: ClaimedFile): void {
    if (!isExhausted("retry", file.tries, this.#context.move.tries)) this.#release(file, undefined, 0);
    else
      this.#settle({
        id: file.id,
        state: "FAILED",
        code: "BROKEN",
        error: `its connections broke ${file.tries} times`,
      });
  }

  /** The source is gone and the temporary file is whole. */
  async #rename(file: ClaimedFile, taken: boolean): Promise<void> {
    if (taken) {
      this.#context.warn(`${file.temp} was kept: the source is gone, and another file has the final name`);
      this.#settle({
        id: file.id,
        state: "CONFLICT",
        code: "EXISTS",
        error: `${file.temp} was kept: it is the only copy`,
      });
      return;
    }
    const [result] = await this.#to.publish([{ temp: file.temp, final: file.target, mtime: this.#time(file.mtime) }]);
    if (result instanceof Error) throw result;
    this.#context.warn(`${file.target} was published from what an earlier run left: its source was gone already`);
    this.#settle({ id: file.id, state: "DONE" });
  }

  /** Looks at both sides before anything is sent: what is gone, the same already, or in the way. */
  async #decide(files: readonly ClaimedFile[]): Promise<Omit<Copied, "bytes">[]> {
    const { journal, move, writing } = this.#context;
    const [sources, finals] = await Promise.all([
      this.#from.stat(files.map((file) => file.name)),
      this.#to.stat(files.map((file) => file.target)),
    ]);
    const ready: Omit<Copied, "bytes">[] = [];
    const already: Copied[] = [];
    const probed = files.flatMap((file, i): ProbedFile[] => {
      const [source, final] = [sources[i], finals[i]];
      if (source === undefined) {
        this.#settle({ id: file.id, state: "GONE", error: "the source is gone" });
        return [];
      }
      const before = final === undefined ? "absent" : same(source, final) ? "same" : "other";
      if (writing.has(file.target)) {
        this.#release(file, undefined, 1000, false);
        return [];
      }
      if (before === "absent" || move.onExists === "overwrite") {
        writing.set(file.target, file.id);
        ready.push({ file, target: file.target, source });
      } else if (before === "same" && move.onExists === "same-skip") {
        already.push({ file, target: file.target, source, bytes: source.size });
      } else if (move.onExists === "rename") {
        ready.push({ file, target: "", source });
      } else {
        const what = before === "same" ? "the same file is there" : "another file of that name is there";
        this.#settle({ id: file.id, state: "CONFLICT", code: "EXISTS", error: what });
        return [];
      }
      file.size = source.size;
      file.mtime = source.mtime ?? file.mtime;
      file.destBefore = before;
      return [{ id: file.id, destBefore: before, size: file.size, mtime: file.mtime }];
    });
    journal.probed(probed);
    await this.#removeSources(already, "SKIPPED_SAME");
    return this.#freeNames(ready);
  }

  /** For `onExists: "rename"`: the first free name of `name-1.ext`, `name-2.ext` … */
  async #freeNames(ready: Omit<Copied, "bytes">[]): Promise<Omit<Copied, "bytes">[]> {
    const { journal, writing } = this.#context;
    const named: Omit<Copied, "bytes">[] = [];
    for (const each of ready) {
      if (each.target !== "") {
        named.push(each);
        continue;
      }
      const candidates = Array.from({ length: 20 }, (_, i) => numbered(each.file.target, i + 1));
      const taken = await this.#to.stat(candidates);
      const target = candidates.find((name, i) => taken[i] === undefined && !writing.has(name));
      if (target === undefined) {
        this.#settle({
          id: each.file.id,
          state: "CONFLICT",
          code: "EXISTS",
          error: "twenty files of that name are there",
        });
        continue;
      }
      writing.set(target, each.file.id);
      const file = journal.retarget(each.file, target);
      this.#open.set(file.id, file);
      named.push({ ...each, file, target });
    }
    return named;
  }

  /** Transfers one file to its temporary name. Undefined where it failed by itself; rejects where a connection did. */
  async #copy(next: Omit<Copied, "bytes">): Promise<Copied | undefined> {
    const { file, target, source } = next;
    const { bucket } = this.#context.move;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#context.signal]);
    try {
      await this.#makeFolder(folderOf(target));
      const read = this.#from.read(file.name, signal);
      const bytes = await this.#to.write(file.temp, this.#metered(read, bucket, signal), signal);
      if (bytes !== source.size) throw new Error(`${bytes} bytes arrived of ${source.size}`);
      return { ...next, bytes };
    } catch (error) {
      abort.abort();
      await this.#failed(file, error);
      return undefined;
    }
  }

  async *#metered(
    source: AsyncIterable<Buffer>,
    bucket: ResolvedMove["bucket"],
    signal: AbortSignal,
  ): AsyncIterable<Buffer> {
    for await (const chunk of source) {
      const wait = bucket.take(chunk.length, signal);
      if (wait) await wait;
      this.#context.meter.bytes += chunk.length;
      yield chunk;
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    const { folders } = this.#context;
    if (folder === "" || folders.has(folder)) return;
    await this.#to.makeFolder(folder);
    folders.add(folder);
  }

  /** Checks that the sources are still what was read, publishes, verifies, and only then removes the sources. */
  async #finish(copied: readonly Copied[]): Promise<void> {
    if (copied.length === 0) return;
    const now = await this.#from.stat(copied.map(({ file }) => file.name));
    const stale = copied.filter(({ source }, i) => now[i] === undefined || changed(source, now[i]!));
    if (stale.length > 0) await this.#to.remove(stale.map(({ file }) => file.temp));
    for (const { file } of stale) this.#release(file, now[copied.findIndex((each) => each.file === file)], 1000);
    const good = copied.filter((each) => !stale.includes(each));
    const arrivals = good.map(({ file, target, source }) => ({
      temp: file.temp,
      final: target,
      mtime: this.#time(source.mtime),
    }));
    const results = await this.#to.publish(arrivals);
    const published: Copied[] = [];
    for (const [i, each] of good.entries()) {
      const result = results[i]!;
      if (!(result instanceof Error) && result.size === each.bytes) published.push(each);
      else await this.#failed(each.file, result instanceof Error ? result : sizeError(each, result.size));
    }
    await this.#removeSources(published);
  }

  /** The files are safe at the destination: their sources go, where the job moves. */
  async #removeSources(copied: readonly Copied[], state: "DONE" | "SKIPPED_SAME" = "DONE"): Promise<void> {
    if (copied.length === 0) return;
    const errors = this.#context.move.removes ? await this.#from.remove(copied.map(({ file }) => file.name)) : [];
    const results = copied.map(({ file, bytes }, i): SettledFile => {
      const error = errors[i];
      if (error === undefined) return { id: file.id, state, size: bytes };
      const said = `it arrived, but the source stays: ${error.message}`;
      return { id: file.id, state: "FAILED", code: codeOf(error), error: said };
    });
    this.#settle(...results);
  }

  /** A file failed. Rejects where that was the connection's fault, or the whole job's. */
  async #failed(file: ClaimedFile, error: unknown): Promise<void> {
    const { move, signal } = this.#context;
    if (this.#to.usable) await this.#to.remove([file.temp]);
    if (!this.usable) throw error;
    // Given back at the end of the batch.
    if (signal.aborted) return;
    const failure = error as Error;
    const verdict = classify(failure);
    if (verdict === "pause") throw new JobStopped(error);
    if (isExhausted(verdict === "cap" ? "retry" : verdict, file.tries, move.tries)) {
      this.#settle({ id: file.id, state: "FAILED", code: codeOf(error), error: failure.message });
    } else {
      this.#release(file, undefined, delay(file.tries), true, failure);
    }
  }

  #settle(...results: SettledFile[]): void {
    this.#context.journal.settle(results);
    for (const { id } of results) this.#close(this.#open.get(id));
  }

  #release(file: ClaimedFile, now?: FileStat, wait = 0, counts = true, error?: Error): void {
    const changedTo = now && { size: now.size, ...(now.mtime !== undefined && { mtime: now.mtime }) };
    this.#context.journal.release([
      {
        id: file.id,
        counts,
        ...(wait > 0 && { notBefore: Date.now() + wait }),
        ...(error && { code: codeOf(error), error: error.message }),
        ...changedTo,
      },
    ]);
    this.#close(file);
  }

  #close(file: ClaimedFile | undefined): void {
    if (file === undefined) return;
    this.#open.delete(file.id);
    const { writing } = this.#context;
    if (writing.get(file.target) === file.id) writing.delete(file.target);
  }

  /** What the end of the job left untouched in this batch. */
  #giveBack(): void {
    for (const file of this.unsettled) this.#release(file, undefined, 0, false);
  }

  #time(mtime: number | undefined): number | undefined {
    return this.#context.move.keepTimes ? mtime : undefined;
  }
}

/** `a/b.tar.gz` → `a/b-1.tar.gz`: before the first dot of the last part, unless that begins with it. */
function numbered(path: string, n: number): string {
  const start = path.lastIndexOf("/") + 1;
  const dot = path.indexOf(".", start + 1);
  return dot === -1 ? `${path}-${n}` : `${path.slice(0, dot)}-${n}${path.slice(dot)}`;
}

function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const found = code ?? cause?.code;
  return typeof found === "string" ? found : undefined;
}

function sizeError({ bytes, target }: Copied, found: number): Error {
  return new Error(`${target} has ${found} bytes at the destination, ${bytes} were sent`);
}
