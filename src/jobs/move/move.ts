/** The bulk move: list → claim → lanes → settle, until a pass over the source brings nothing new. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as breath } from "node:timers/promises";
import { AbortedError } from "../../client/errors.js";
import { displayName } from "../../ftp/name.js";
import type { Feeder } from "../dispatch/feeder.js";
import { openFeeder } from "../dispatch/open.js";
import { FAILED_STATES, Journal, type ListingResult } from "../journal/journal.js";
import { inTurns } from "./in-turns.js";
import { Crew } from "./lanes/crew.js";
import { JournalDesk } from "./lanes/desk.js";
import { type LaneContext, laneContext } from "./lanes/ledger.js";
import { pause } from "./lanes/pause.js";
import { requireVerify } from "./lanes/verify.js";
import { listWithBeacon } from "./listing/beacon.js";
import { openSource } from "./listing/first-look.js";
import { Gatherer, routeWithDoneFiles } from "./listing/gather.js";
import type { UnlistedFolder } from "./listing/lister.js";
import { Sampler } from "./look/samples.js";
import { nameKey } from "./names/name-key.js";
import { type MoveOptions, type ResolvedMove, resolveMove } from "./options.js";
import type { Place } from "./places/place.js";
import { ProgressMeter } from "./progress.js";

/** What came of a move. */
export interface MoveResult {
  /** Files that arrived; their sources are gone, unless `source: "keep"`. In all runs of the journal. */
  readonly moved: number;
  /** Of those: how many have the time of the move, as their server could not set that of the source (`keepTimes`). */
  readonly untimed: number;
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
   * Rows of the last listing that were passed over: folders (but with `recursive`), links, devices, names that do not
   * match, unreadable rows, temporary files of this and of other jobs.
   */
  readonly passedOver: number;
  /** Files that may not be taken yet: they have changed within `stableFor`, or their done file is missing. */
  readonly waiting: number;
  /**
   * Folders of the source whose last listing was not whole, or may not have been: files in them may have been left. The
   * first hundred.
   */
  readonly unlisted: readonly UnlistedFolder[];
  /** Folders of the source that were empty, and removed (`removeEmptyFolders`). */
  readonly foldersRemoved: number;
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
 * while that command is on its way or waits for a small file that is under way, is not seen.
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
  return runMove(resolveMove(options));
}

/** As {@link move}, of options that are resolved. */
export async function runMove(resolved: ResolvedMove): Promise<MoveResult> {
  const scratch = resolved.journal === undefined ? await mkdtemp(join(tmpdir(), "polywire-move-")) : undefined;
  const path = resolved.journal ?? join(scratch as string, "journal");
  let source: Place | undefined;
  try {
    source = existsSync(path) ? undefined : await openSource(resolved);
    using journal = Journal.open(path, { settings: resolved.settings });
    return await new Move(resolved, journal, source).run();
  } finally {
    await source?.close();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

class Move {
  readonly #move: ResolvedMove;
  readonly #journal: Journal;
  readonly #meter = new ProgressMeter();
  readonly #abort = new AbortController();
  readonly #warnings: string[] = [];
  readonly #context: LaneContext;
  readonly #desk: JournalDesk;
  readonly #crew: Crew;
  readonly #gatherer: Gatherer;
  /** Where others move the files. */
  #feeder: Feeder | undefined;
  /** What stopped the job. */
  #stopped: unknown;

  /** @param source One that is connected already. */
  constructor(resolved: ResolvedMove, journal: Journal, source: Place | undefined) {
    const move = { ...resolved, route: routeWithDoneFiles(resolved, journal) };
    this.#move = move;
    this.#journal = journal;
    this.#desk = new JournalDesk(journal, move);
    this.#context = laneContext({
      move,
      desk: this.#desk,
      meter: this.#meter,
      signal: this.#abort.signal,
      warn: (message) => {
        if (this.#warnings.length < WARNINGS && !this.#warnings.includes(message)) this.#warnings.push(message);
      },
    });
    this.#crew = new Crew(this.#context, (reason) => this.#stop(reason));
    if (source) void this.#crew.leave(source);
    const { signal, warn } = this.#context;
    this.#gatherer = new Gatherer({ move, journal, crew: this.#crew, signal, warn });
  }

  async run(): Promise<MoveResult> {
    const { signal, onProgress } = this.#move;
    const started = performance.now();
    const onAbort = () => this.#stop(new AbortedError("the move was cancelled", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const [journal, meter, warnings] = [this.#journal, this.#meter, this.#warnings];
    const sampler = new Sampler({ journal, meter, warnings, options: this.#move.noted }, (error) => this.#stop(error));
    const timer = onProgress && setInterval(() => this.#tell(), 1000);
    try {
      this.#feeder = await openFeeder(this.#move, { ...this.#context, journal, meter, stop: (why) => this.#stop(why) });
      await this.#checkTarget();
      await this.#passes();
      this.#desk.close();
    } catch (error) {
      this.#stop(error);
    } finally {
      await this.#feeder?.close().catch((error) => this.#stop(error));
      await this.#crew.close();
      sampler.end(this.#stopped);
      clearInterval(timer);
      signal?.removeEventListener("abort", onAbort);
    }
    if (this.#stopped === undefined) {
      this.#meter.phase = "done";
      this.#tell();
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#result(performance.now() - started, await this.#failures());
  }

  /** What the destination cannot do is told before the source is listed; of workers' destinations, they tell it. */
  async #checkTarget(): Promise<void> {
    const { verify, to } = this.#move;
    if (verify !== "hash" || this.#feeder !== undefined) return;
    const place = to(true);
    try {
      if (await this.#crew.connect(() => place.open(this.#abort.signal))) requireVerify(verify, place);
    } finally {
      await place.close();
    }
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
    const { signal } = this.#abort;
    // What was left under way comes first: a listing would find its sources again.
    if (this.#move.retryFailed) {
      if (this.#move.list) await inTurns(this.#journal.forgettingCollisions(), signal);
      await inTurns(this.#journal.retrying(["FAILED", "CONFLICT"]), signal);
    }
    // What is tried again is claimed, and its final name held; what is left alone must not be written over, either.
    const kept = await inTurns(this.#journal.findKept(), signal);
    for (const temp of kept) this.#context.kept.add(nameKey(temp));
    const left = await inTurns(this.#journal.findClaimed(), signal);
    await (this.#feeder ?? this.#crew).adopt(left);
    this.#meter.phase = "moving";
    if (left.length > 0) await this.#work();
    if (!this.#move.list && this.#journal.isListed) return this.#work();
    this.#meter.phase = "listing";
    for (let first = true; !this.#abort.signal.aborted; first = false) {
      const { added } = await (first ? this.#firstList() : this.#gatherer.list());
      this.#meter.phase = "moving";
      const before = this.#journal.counts().DONE;
      await this.#work();
      // A name that is listed again and again, but never moves, is nothing new.
      const isNew = this.#move.removes && (added > 0 || this.#journal.counts().DONE > before);
      const { due } = this.#gatherer.report;
      if (first && due !== undefined) await pause(due + 1 - Date.now(), this.#abort.signal);
      else if (!isNew && !this.#gatherer.lookCloser()) break;
    }
    await this.#gatherer.removeEmptyFolders();
    this.#warnOfUnlisted();
  }

  #firstList(): Promise<ListingResult> {
    const { signal, warn } = this.#context;
    const job = this.#journal.jobId;
    return listWithBeacon({ move: this.#move, job, crew: this.#crew, gatherer: this.#gatherer, signal, warn });
  }

  #warnOfUnlisted(): void {
    for (const { folder, why, certain } of this.#gatherer.report.unlisted) {
      const where = folder === "" ? "the source" : `the folder ${displayName(folder)}`;
      this.#context.warn(`the listing of ${where} ${certain ? "was cut short" : "may not be whole"}: ${why}`);
    }
  }

  /** Moves all that is planned, and then the done files of what was moved. */
  async #work(): Promise<void> {
    do {
      await this.#gatherer.findCollisions();
      if (this.#feeder === undefined) await this.#crew.work();
      else {
        // The connection of the listing would stand idle, and be one too many.
        await this.#crew.close();
        await this.#feeder.work();
      }
    } while (!this.#abort.signal.aborted && (await this.#gatherer.settleDoneFiles()));
  }

  #stop(reason: unknown): void {
    this.#stopped ??= reason;
    this.#abort.abort(reason);
  }

  /** The first that did not go through. */
  async #failures(): Promise<MoveFailure[]> {
    const failures: MoveFailure[] = [];
    const { FAILED, CONFLICT, GONE } = this.#journal.counts();
    const most = Math.min(FAILURES, FAILED + CONFLICT + GONE);
    for (const page of this.#journal.filePages(FAILED_STATES)) {
      for (const { name, target, state, code, error } of page)
        failures.push({ name, target, state: state as MoveFailure["state"], code, error });
      if (failures.length >= most) break;
      await breath();
    }
    return failures.slice(0, most);
  }

  #result(milliseconds: number, failures: readonly MoveFailure[]): MoveResult {
    const { DONE, SKIPPED_SAME, CONFLICT, FAILED, GONE, PLANNED, CLAIMED } = this.#journal.counts();
    return {
      moved: DONE,
      untimed: this.#journal.untimed,
      skipped: SKIPPED_SAME,
      conflicts: CONFLICT,
      failed: FAILED,
      gone: GONE,
      left: PLANNED + CLAIMED,
      bytes: this.#meter.bytes,
      milliseconds: Math.round(milliseconds),
      passedOver: this.#gatherer.report.passedOver,
      waiting: this.#gatherer.report.waiting,
      unlisted: this.#gatherer.report.unlisted,
      foldersRemoved: this.#gatherer.foldersRemoved,
      failures,
      warnings: this.#warnings,
    };
  }
}
