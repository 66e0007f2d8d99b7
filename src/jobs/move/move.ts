/** The bulk move: list → claim → lanes → settle, until a pass over the source brings nothing new. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AbortedError } from "../../client/errors.js";
import { Journal } from "../journal/journal.js";
import { CONNECT_TRIES, Crew } from "./crew.js";
import type { LaneContext } from "./ledger.js";
import { isWanted, type MoveOptions, type ResolvedMove, resolveMove } from "./options.js";
import { pause } from "./pause.js";
import type { ListingNotes, Place } from "./place.js";
import { ProgressMeter } from "./progress.js";
import { classify, delay } from "./retry.js";

/** What came of a move. */
export interface MoveResult {
  /** Files that arrived; their sources are gone, unless `source: "keep"`. In all runs of the journal. */
  readonly moved: number;
  /** Files that were there already, the same in size and time. */
  readonly skipped: number;
  /** Files whose final name another file has; both are untouched. */
  readonly conflicts: number;
  /** Files that were refused or given up. */
  readonly failed: number;
  /** Files that vanished from the source before they could be moved. */
  readonly gone: number;
  /** Files that wait for another try: the job was ended before. */
  readonly left: number;
  /** Bytes that arrived in this run. */
  readonly bytes: number;
  /** Milliseconds of this run. */
  readonly milliseconds: number;
  /**
   * Rows of the last listing that were passed over: folders, links, devices, names that do not match, unreadable rows,
   * temporary files of this and of other jobs.
   */
  readonly passedOver: number;
  /** The first hundred files that failed, conflict or vanished. */
  readonly failures: readonly MoveFailure[];
  /** What a person should know. */
  readonly warnings: readonly string[];
}

/** A file that did not go through. */
export interface MoveFailure {
  readonly name: string;
  readonly target: string;
  readonly state: "FAILED" | "CONFLICT" | "GONE";
  readonly code: string | undefined;
  readonly error: string | undefined;
}

/** Warnings kept: a million of the same are no news. */
const WARNINGS = 100;
/** Failures told in the result; the journal has all of them. */
const FAILURES = 100;

/**
 * Moves files from one folder to another: by FTP on either side, or from or to a local folder.
 *
 * Each file goes to a temporary name beside its final one; when both servers confirmed the whole of it and its size was
 * checked, it gets its time and its final name, and only then its source is removed. With a `journal` the process may be
 * killed at any moment and started again with the same options: nothing is lost, no part of a file ever has a final name,
 * and no source is removed before its copy is safe. One mover per set of final names is the contract. A source that
 * changes under way is moved anew; FTP has no locks, so a change within the last quarter second before its removal, or
 * while that command is on its way, is not seen.
 *
 * @throws UsageError for options that cannot work, before anything is sent; the error that stopped the job (a refused
 *   login, a full disk, a server that stays away). Files that fail by themselves are in the result.
 *
 * @example
 * const result = await move({
 *   from: "ftps://alice@old.example.org/out",
 *   to: "ftps://bob@new.example.org/in",
 *   match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat",
 *   route: "{date:yyyy}/{date:MM}/{name}",
 *   journal: "sensors.journal",
 * });
 * console.log(`${result.moved} moved, ${result.failed} failed`);
 */
export async function move(options: MoveOptions): Promise<MoveResult> {
  const resolved = resolveMove(options);
  const scratch = resolved.journal === undefined ? await mkdtemp(join(tmpdir(), "polywire-move-")) : undefined;
  const path = resolved.journal ?? join(scratch as string, "journal");
  try {
    using journal = Journal.open(path, { settings: resolved.settings });
    return await new Move(resolved, journal).run();
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

class Move {
  readonly #move: ResolvedMove;
  readonly #journal: Journal;
  readonly #meter = new ProgressMeter();
  readonly #abort = new AbortController();
  readonly #warnings: string[] = [];
  readonly #notes: ListingNotes = { passedOver: 0 };
  readonly #context: LaneContext;
  readonly #crew: Crew;
  /** What stopped the job. */
  #stopped: unknown;

  constructor(resolved: ResolvedMove, journal: Journal) {
    this.#move = resolved;
    this.#journal = journal;
    this.#context = {
      move: resolved,
      journal,
      meter: this.#meter,
      signal: this.#abort.signal,
      folders: new Set(),
      ownFolders: new Map(),
      writing: new Map(),
      sent: new Map(),
      warn: (message) => {
        if (this.#warnings.length < WARNINGS && !this.#warnings.includes(message)) this.#warnings.push(message);
      },
    };
    this.#crew = new Crew(this.#context, (reason) => this.#stop(reason));
  }

  async run(): Promise<MoveResult> {
    const { signal, onProgress } = this.#move;
    const started = performance.now();
    const onAbort = () => this.#stop(new AbortedError("the move was cancelled", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = onProgress && setInterval(() => this.#tell(), 1000);
    try {
      await this.#passes();
      this.#crew.release();
    } catch (error) {
      this.#stop(error);
    } finally {
      await this.#crew.close();
      clearInterval(timer);
      signal?.removeEventListener("abort", onAbort);
    }
    if (this.#stopped === undefined) {
      this.#meter.phase = "done";
      this.#tell();
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#result(performance.now() - started);
  }

  /** A callback that throws, or a journal that cannot be read, ends the job, not the process. */
  #tell(): void {
    try {
      this.#move.onProgress?.(this.#meter.take(this.#journal.counts(), performance.now()));
    } catch (error) {
      this.#stop(error);
    }
  }

  /** What an earlier run left, then list and move until a pass brings nothing new: listings may be cut short. */
  async #passes(): Promise<void> {
    // What was left under way comes first: a listing would find its sources again.
    const left = this.#journal.claimed();
    if (this.#move.retryFailed) this.#journal.retryFailed(["FAILED", "CONFLICT"]);
    this.#crew.adopt(left);
    if (left.length > 0) await this.#crew.work();
    for (let again = true; again && !this.#abort.signal.aborted; ) {
      const { added } = await this.#list();
      const before = this.#journal.counts().DONE;
      await this.#crew.work();
      // A name that is listed again and again, but never moves, is nothing new.
      again = this.#move.removes && (added > 0 || this.#journal.counts().DONE > before);
    }
  }

  /** One pass over the source, spooled into the journal; begun anew where its connection breaks. */
  async #list(): Promise<{ added: number; replanned: number }> {
    const { signal } = this.#abort;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const source = await this.#crew.source();
      if (source === undefined) break;
      try {
        await this.#spool(source);
        this.#meter.phase = "moving";
        // What was moved and is there again was put there anew.
        const listed = this.#journal.finishListing({ again: this.#move.removes });
        await this.#crew.leave(source);
        return listed;
      } catch (error) {
        const verdict = source.usable ? classify(error as Error) : "retry";
        await source.close();
        if (signal.aborted) break;
        if (verdict === "fail" || verdict === "pause" || attempt >= CONNECT_TRIES) throw error;
        await pause(delay(attempt), signal);
      }
    }
    return { added: 0, replanned: 0 };
  }

  async #spool(source: Place): Promise<void> {
    this.#notes.passedOver = 0;
    this.#notes.cut = undefined;
    for await (const batch of source.list(this.#notes, this.#abort.signal)) {
      const wanted = batch.filter((file) => isWanted(this.#move, file));
      this.#notes.passedOver += batch.length - wanted.length;
      this.#journal.addListed(wanted);
    }
    if (this.#notes.cut === undefined || this.#move.removes) return;
    this.#context.warn(`the listing of ${source.shown} was cut short: the server says ${this.#notes.cut}`);
  }

  #stop(reason: unknown): void {
    this.#stopped ??= reason;
    this.#abort.abort(reason);
  }

  #result(milliseconds: number): MoveResult {
    const { DONE, SKIPPED_SAME, CONFLICT, FAILED, GONE, PLANNED, CLAIMED } = this.#journal.counts();
    const failures: MoveFailure[] = [];
    for (const file of this.#journal.failed()) {
      if (failures.length === FAILURES) break;
      const { name, target, state, code, error } = file;
      failures.push({ name, target, state: state as MoveFailure["state"], code, error });
    }
    return {
      moved: DONE,
      skipped: SKIPPED_SAME,
      conflicts: CONFLICT,
      failed: FAILED,
      gone: GONE,
      left: PLANNED + CLAIMED,
      bytes: this.#meter.bytes,
      milliseconds: Math.round(milliseconds),
      passedOver: this.#notes.passedOver,
      failures,
      warnings: this.#warnings,
    };
  }
}
