/** The files a lane has in hand: what becomes of each goes to the desk, and the final names they hold are free again. */
import { type ClaimedFile, KEPT, type SettledFile } from "../../journal/journal.js";
import { nameKey } from "../names/name-key.js";
import type { LaneMove } from "../options.js";
import type { FileStat } from "../places/place.js";
import type { ProgressMeter } from "../progress.js";
import type { Desk } from "./desk.js";
import { classify, delay, isExhausted } from "./retry.js";
import { Roster } from "./roster.js";

/** What lanes share. */
export interface LaneContext {
  readonly move: LaneMove;
  readonly desk: Desk;
  readonly meter: Pick<ProgressMeter, "bytes" | "lanes" | "paused">;
  readonly signal: AbortSignal;
  /** How many lanes there are, and whether they may go on; other batches of this process may have the same one. */
  readonly roster: Roster;
  /** Folders known to be at the destination. */
  readonly folders: Set<string>;
  /** Folders of the archive known to be at the source. */
  readonly archiveFolders: Set<string>;
  /** Folders of the destination, and whether the sources lie in them. */
  readonly ownFolders: Map<string, boolean>;
  /** Folders of the destination known to tell names apart that differ by their case. */
  readonly caseFolders: Set<string>;
  /** Final names ({@link nameKey}) that are looked at or written, and for which file: two sources must never meet in one. */
  readonly writing: Map<string, number>;
  /** Those of the final names that several files under way have, of which nobody knows who wrote what is there. */
  readonly shared: Set<string>;
  /** Temporary names ({@link nameKey}) of what may be the only copy of a file: nothing else is written there. */
  readonly kept: Set<string>;
  /** Files whose transfer was begun in this run, and the bytes of it that were counted. */
  readonly sent: Map<number, number>;
  /** Files under way whose try does not count. */
  readonly excused: Set<number>;
  /** Things a person should know: times that could not be set, temporary files that were kept. */
  warn(message: string): void;
}

type Given = Pick<LaneContext, "move" | "desk" | "meter" | "signal" | "warn"> & {
  readonly roster?: Roster | undefined;
};

/** What lanes share, when nothing is known yet. */
export function laneContext(given: Given): LaneContext {
  return {
    ...given,
    roster: given.roster ?? new Roster(given.move),
    folders: new Set(),
    archiveFolders: new Set(),
    ownFolders: new Map(),
    caseFolders: new Set(),
    writing: new Map(),
    shared: new Set(),
    kept: new Set(),
    sent: new Map(),
    excused: new Set(),
  };
}

/** True where nothing more is to be begun: the job is to end, or stands still. */
export function isHeld({ signal, roster }: LaneContext): boolean {
  return signal.aborted || roster.halt.on;
}

/** How a file is given back. */
export interface Release {
  /** The source as it is now, to be planned anew. Default: as planned. */
  readonly now?: FileStat | undefined;
  /** Milliseconds before which it is not tried again. Default: 0. */
  readonly wait?: number | undefined;
  /** Whether the try counts. Default: true. */
  readonly counts?: boolean | undefined;
  readonly error?: Error | undefined;
}

/** No file of this job will fare better: the disk is full, the account is refused. */
export class JobStopped extends Error {
  /** @param file Over which that came out. */
  constructor(
    readonly reason: unknown,
    readonly file?: ClaimedFile,
  ) {
    super("the job stops", { cause: reason });
  }
}

export class Ledger {
  readonly #context: LaneContext;
  readonly #open = new Map<number, ClaimedFile>();
  /** Files that went through, in whatever way but by failing. */
  progress = 0;

  constructor(context: LaneContext) {
    this.#context = context;
  }

  /** Whether the fate of a file is open. */
  has({ id }: ClaimedFile): boolean {
    return this.#open.has(id);
  }

  /** Files whose fate is open. */
  get unsettled(): ClaimedFile[] {
    return [...this.#open.values()];
  }

  take(files: readonly ClaimedFile[]): void {
    for (const file of files) this.#open.set(file.id, file);
  }

  /** Takes a final name for a file. False where another file has it: its fate must be known first. */
  reserve(target: string, id: number): boolean {
    const { writing } = this.#context;
    const key = nameKey(target);
    const holder = writing.get(key);
    if (holder === undefined) writing.set(key, id);
    return holder === undefined || holder === id;
  }

  /** Whether a final name is held by a file of this lane. */
  holds(target: string): boolean {
    const holder = this.#context.writing.get(nameKey(target));
    return holder !== undefined && this.#open.has(holder);
  }

  free(target: string, id: number): void {
    const { writing } = this.#context;
    const key = nameKey(target);
    if (writing.get(key) === id) writing.delete(key);
  }

  /** The file has another target now. Undefined where somebody else goes on with it. */
  retarget(file: ClaimedFile, target: string): ClaimedFile | undefined {
    const renamed = this.#context.desk.retarget(file, target);
    this.free(file.target, file.id);
    if (renamed) this.#open.set(file.id, renamed);
    else this.#leave(file.id, target);
    return renamed;
  }

  settle(...results: SettledFile[]): void {
    const { desk, roster } = this.#context;
    desk.settle(results);
    for (const { id, state, code, error } of results) {
      if (state !== "FAILED") {
        this.progress++;
        roster.losses = 0;
      }
      if (state === "FAILED") roster.note(code ?? "FAILED", error);
      else if (state !== "CONFLICT" && state !== "GONE") roster.note();
      // What was transferred was counted when it arrived.
      if (state !== "FAILED" && state !== "DONE") roster.files++;
      roster.forget(id);
      this.#close(id, state === "DONE");
    }
  }

  fail(file: ClaimedFile, error: unknown, code = codeOf(error)): void {
    this.settle({ id: file.id, state: "FAILED", code, error: (error as Error).message });
  }

  conflict(file: ClaimedFile, error: string): void {
    this.settle({ id: file.id, state: "CONFLICT", code: "EXISTS", error });
  }

  release(file: ClaimedFile, { now, wait = 0, counts = true, error }: Release = {}): void {
    this.#context.desk.release([
      {
        id: file.id,
        counts,
        ...(wait > 0 && { notBefore: Date.now() + wait }),
        ...(error && { code: codeOf(error), error: error.message }),
        ...(now && { size: now.size, ...(now.mtime !== undefined && { mtime: now.mtime }) }),
      },
    ]);
    this.#close(file.id, false);
  }

  /** What ended the connection was not this file: its try does not count. */
  excuse({ id }: ClaimedFile): void {
    // Its bytes are counted until its fate is known: it may be whole.
    this.#context.excused.add(id);
  }

  /** Another try for a file whose connection or process died; it counts where the file itself was under way. */
  again(file: ClaimedFile): void {
    const { sent, excused } = this.#context;
    if (!sent.has(file.id) || excused.has(file.id)) this.release(file, { counts: false });
    else if (!isExhausted("retry", file.tries, this.#context.move.tries))
      this.release(file, { wait: delay(file.tries) });
    else this.fail(file, new Error(`its connections broke ${file.tries} times`), "BROKEN");
  }

  /** Another try for a file that failed by itself, or the end of it. Throws JobStopped where no other will fare better. */
  retry(file: ClaimedFile, error: Error): void {
    const verdict = classify(error);
    const { move, roster } = this.#context;
    if (verdict === "pause") throw new JobStopped(error, file);
    if (verdict === "cap") roster.cramped();
    if (isExhausted(verdict === "cap" ? "retry" : verdict, file.tries, move.tries)) this.fail(file, error);
    else {
      roster.note(codeOf(error) ?? error.name, error.message);
      this.release(file, { wait: delay(file.tries), error });
    }
  }

  /** The source is gone: what arrived may be the only copy, and is left as it is. */
  keep(file: ClaimedFile, state: "CONFLICT" | "FAILED", why: string): void {
    this.#context.warn(`${file.temp} was kept: the source is gone, and ${why}`);
    this.#context.kept.add(nameKey(file.temp));
    const code = state === "CONFLICT" ? KEPT.whole : KEPT.part;
    this.settle({ id: file.id, state, code, error: `the source is gone, and ${why}: ${file.temp} was kept` });
  }

  /** Gives away the files whose fate is open: the final names stay theirs. */
  dismiss(): ClaimedFile[] {
    const files = this.unsettled;
    this.#open.clear();
    return files;
  }

  /** The end of the job finds it half done, and worth going on with: it stays claimed, for the next run to recover. */
  suspend({ id }: ClaimedFile): void {
    this.#open.delete(id);
  }

  /** What the end of the job left untouched. */
  giveBack(): void {
    for (const file of this.unsettled) this.release(file, { counts: false });
  }

  #leave(id: number, target: string): void {
    this.#close(id, false);
    this.free(target, id);
  }

  #close(id: number, moved: boolean): void {
    const { sent, excused, meter } = this.#context;
    if (!moved) meter.bytes -= sent.get(id) ?? 0;
    sent.delete(id);
    excused.delete(id);
    const file = this.#open.get(id);
    this.#open.delete(id);
    if (file) this.free(file.target, id);
  }
}

/** The code of a reply, or Node's. */
export function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const found = code ?? cause?.code;
  return typeof found === "string" ? found : undefined;
}
