/** The bulk move: list → claim → lanes → settle, until a pass over the source brings nothing new. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AbortedError } from "../../client/errors.js";
import { type ClaimedFile, Journal, type JournalFile } from "../journal/journal.js";
import { JobStopped, Lane, type LaneContext } from "./lane.js";
import { type MoveOptions, type ResolvedMove, resolveMove } from "./options.js";
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
  /** Rows of the listing that were passed over: folders, links, devices, names that do not match, unreadable rows. */
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

/** Files claimed by one commit, and files given to a lane at a time. */
const CLAIM = 512;
const BATCH = 64;
/** Warnings kept: a million of the same are no news. */
const WARNINGS = 100;
/** Tries of a connection before the job is given up. */
const CONNECT_TRIES = 8;
/** Failures told in the result; the journal has all of them. */
const FAILURES = 100;

/**
 * Moves files from one folder to another: by FTP on either side, or from or to a local folder.
 *
 * Each file goes to a temporary name beside its final one, is published by a rename when both servers confirmed the
 * whole of it, checked by size, and only then removed from the source. With a `journal` the process may be killed at
 * any moment and started again with the same options: nothing is lost, no part of a file ever has a final name, and
 * no source is removed before its copy is safe. One mover per set of final names is the contract.
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
  readonly #claimed: ClaimedFile[] = [];
  /** Files under way in a lane that ended: another one recovers them. */
  readonly #orphans: ClaimedFile[] = [];
  /** What stopped the job. */
  #stopped: unknown;
  #connected = 0;

  constructor(resolved: ResolvedMove, journal: Journal) {
    this.#move = resolved;
    this.#journal = journal;
    this.#context = {
      move: resolved,
      journal,
      meter: this.#meter,
      signal: this.#abort.signal,
      folders: new Set(),
      writing: new Map(),
      warn: (message) => {
        if (this.#warnings.length < WARNINGS) this.#warnings.push(message);
      },
    };
  }

  async run(): Promise<MoveResult> {
    const { signal, onProgress } = this.#move;
    const started = performance.now();
    const onAbort = () => this.#stop(new AbortedError("the move was cancelled", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const tell = () => onProgress?.(this.#meter.take(this.#journal.counts(), performance.now()));
    const timer = onProgress && setInterval(tell, 1000);
    try {
      await this.#passes();
    } finally {
      clearInterval(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#journal.release(this.#claimed.map(({ id }) => ({ id, counts: false })));
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    this.#meter.phase = "done";
    tell();
    return this.#result(performance.now() - started);
  }

  /** What an earlier run left, then list and move until a pass brings nothing new: listings may be cut short. */
  async #passes(): Promise<void> {
    let left: ClaimedFile[] = this.#journal.claimed();
    for (let again = true; again && !this.#abort.signal.aborted; ) {
      const before = this.#settled();
      // What was left under way comes first: a listing would find its sources again.
      if (left.length > 0) await this.#work(left);
      left = [];
      const { added, replanned } = await this.#list();
      await this.#work([]);
      again = this.#move.removes && added + replanned > 0 && this.#settled() > before;
    }
  }

  #settled(): number {
    const { PLANNED, CLAIMED, ...settled } = this.#journal.counts();
    return Object.values(settled).reduce((sum, files) => sum + files, 0);
  }

  /** One pass over the source, spooled into the journal; begun anew where its connection breaks. */
  async #list(): Promise<{ added: number; replanned: number }> {
    const { signal } = this.#abort;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const source = this.#move.from(false);
      if (!(await this.#connect(() => source.open(signal)))) break;
      try {
        await this.#spool(source);
        this.#meter.phase = "moving";
        // What was moved and is there again was put there anew.
        return this.#journal.finishListing({ again: this.#move.removes });
      } catch (error) {
        if (signal.aborted) break;
        if (source.usable || attempt >= CONNECT_TRIES) throw error;
        await sleep(delay(attempt), undefined, { signal }).catch(() => {});
      } finally {
        await source.close();
      }
    }
    return { added: 0, replanned: 0 };
  }

  async #spool(source: Place): Promise<void> {
    for await (const batch of source.list(this.#notes, this.#abort.signal)) {
      const wanted = batch.filter((file) => this.#move.match.test(file.name) !== undefined);
      this.#notes.passedOver += batch.length - wanted.length;
      this.#journal.addListed(wanted);
    }
  }

  /** Lanes over everything that is planned; `left` is recovered first. */
  async #work(left: ClaimedFile[]): Promise<void> {
    const { PLANNED } = this.#journal.counts();
    const wanted = Math.ceil((left.length + PLANNED) / 4);
    const lanes = Math.max(1, Math.min(this.#move.lanes, wanted));
    if (left.length + PLANNED === 0) return;
    const shares = Array.from({ length: lanes }, (_, i) => left.filter((_, k) => k % lanes === i));
    await Promise.all(shares.map((share) => this.#lane(share)));
  }

  async #lane(left: ClaimedFile[]): Promise<void> {
    const lane = new Lane(this.#context);
    let unsettled = left;
    this.#meter.lanes++;
    while (await this.#connect(() => lane.connect())) {
      this.#connected++;
      try {
        for (let batch: ClaimedFile[] | undefined = []; batch !== undefined; batch = await this.#next()) {
          unsettled.push(...this.#orphans.splice(0));
          if (unsettled.length > 0) await lane.recover(unsettled);
          unsettled = [];
          await lane.run(batch);
        }
        break;
      } catch (error) {
        // A connection that failed is made anew; anything else would fail again.
        if (lane.usable || error instanceof JobStopped) this.#stop(error instanceof JobStopped ? error.reason : error);
        unsettled = lane.unsettled;
      } finally {
        this.#connected--;
      }
    }
    this.#orphans.push(...unsettled);
    this.#meter.lanes--;
    await lane.close();
  }

  /** Connects, again and again where that may help. False where this lane, or the whole job, is to end. */
  async #connect(open: () => Promise<void>): Promise<boolean> {
    for (let attempt = 1; !this.#abort.signal.aborted; attempt++) {
      try {
        await open();
        return true;
      } catch (error) {
        if (this.#abort.signal.aborted) break;
        const verdict = classify(error as Error, { others: this.#connected });
        if (verdict === "cap" && this.#connected > 0) {
          this.#context.warn(`a server takes no more than ${this.#connected} connections: ${(error as Error).message}`);
          return false;
        }
        if (verdict === "pause" || verdict === "fail" || attempt >= CONNECT_TRIES) this.#stop(error);
        else await sleep(delay(attempt), undefined, { signal: this.#abort.signal }).catch(() => {});
      }
    }
    return false;
  }

  /** The next files for a lane; undefined where there are none, now or later. */
  async #next(): Promise<ClaimedFile[] | undefined> {
    const { lanes, route } = this.#move;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      if (this.#claimed.length === 0) {
        this.#claimed.push(...this.#journal.claim(CLAIM, (file: JournalFile) => route.apply(file)));
      }
      if (this.#claimed.length > 0) {
        return this.#claimed.splice(0, Math.min(BATCH, Math.ceil(this.#claimed.length / lanes)));
      }
      const due = this.#journal.nextDue();
      if (due === undefined) return undefined;
      await sleep(Math.max(10, due - Date.now()), undefined, { signal }).catch(() => {});
    }
    return undefined;
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
