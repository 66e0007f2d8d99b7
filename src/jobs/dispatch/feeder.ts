/** The coordinator's side: claims files, hands them out as batches while there is room, and notes what comes back. */
import { PolywireError } from "../../client/errors.js";
import { type ClaimedFile, isKept, type Journal } from "../journal/journal.js";
import { Bell } from "../move/lanes/bell.js";
import { nameKey } from "../move/names/name-key.js";
import type { Route } from "../move/names/route.js";
import type { ProgressMeter } from "../move/progress.js";
import type {
  Batch,
  BatchFile,
  Dispatcher,
  Piece,
  ReleasedWord,
  Report,
  RetargetedWord,
  Stopped,
} from "./dispatcher.js";
import { UnderWay } from "./under-way.js";

/** Names of a batch, at most and at least: at the end the last ones are shared out. */
const NAMES = 1_000;
const LEAST = 32;
/** Batches per worker for which the files that are left are shared out. */
const SHARES = 4;
/** Files that all workers have at a time, about: each is remembered until it is settled (a kilobyte). */
const MOST = 50_000;
/** Files that wait for final names until no more are claimed. */
const PARKED = 1_000;
/** Milliseconds until it looks again whether there is something to do. */
const WAIT = 1_000;
/** Milliseconds until a file whose new name was taken is tried again. */
const HELD = 200;

/** What a feeder works with. */
export interface FeederContext {
  readonly move: { readonly route: Route };
  readonly journal: Journal;
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal;
  /** Temporary names ({@link nameKey}) of what may be the only copy of a file: nothing else is written there. */
  readonly kept: Set<string>;
  warn(message: string): void;
  /** Ends the job. */
  stop(reason: unknown): void;
}

export class Feeder {
  readonly #context: FeederContext;
  readonly #dispatcher: Dispatcher;
  readonly #underWay = new UnderWay();
  /** Claimed, and not begun by anybody. */
  #ready: ClaimedFile[] = [];
  /** Claimed, and perhaps begun by somebody who is gone. */
  #orphans: ClaimedFile[] = [];
  readonly #lanes = new Map<string, number>();
  /** Why batches stand still. */
  readonly #paused = new Map<string, string>();
  /** Keys are unique over all runs. */
  readonly #run = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 4).toString(36)}`;
  #batches = 0;
  #listening: Promise<void> | undefined;
  /** Rings with every report. */
  readonly #news = new Bell();

  constructor(context: FeederContext, dispatcher: Dispatcher) {
    this.#context = context;
    this.#dispatcher = dispatcher;
  }

  /** Files that an earlier run left claimed: some may be with workers still, the others are recovered. */
  async adopt(left: readonly ClaimedFile[]): Promise<void> {
    for (const file of left) this.#underWay.add(file, true);
    for (const { key, files } of await this.#dispatcher.recall()) {
      const ours = files.filter((each) => this.#underWay.find(each));
      if (ours.length > 0) this.#underWay.give(key, ours);
    }
    this.#orphans.push(...this.#underWay.idle("holders"));
    this.#listening = this.#listen();
  }

  /** Hands out all that is planned, and waits until it is settled. */
  async work(): Promise<void> {
    const { journal, signal } = this.#context;
    while (!signal.aborted) {
      this.#news.hush();
      await this.#fill();
      if (this.#underWay.size === 0 && journal.counts().PLANNED === 0) return;
      // Files that wait may be due, and workers may have come.
      await this.#news.wait(WAIT, signal);
    }
  }

  /** Hands out nothing more, hears what is on its way, and gives back what nobody began. */
  async close(): Promise<void> {
    await this.#dispatcher.close();
    await this.#listening;
    const idle = this.#underWay.idle("all").filter(({ id }) => !this.#underWay.isBegun(id));
    this.#context.journal.release(idle.map(({ id }) => ({ id, counts: false })));
    const left = this.#underWay.batches;
    if (left > 0)
      this.#context.warn(`workers go on with ${left} batches: the next run of this job takes what comes of them`);
  }

  async #fill(): Promise<void> {
    while (!this.#context.signal.aborted && this.#dispatcher.room > 0) {
      const batch = this.#next();
      if (batch === undefined) return;
      await this.#dispatcher.offer(batch);
    }
  }

  /** The next batch; undefined where there is nothing to hand out now. */
  #next(): Batch | undefined {
    // Somebody who was given up may have said meanwhile that a file is there, or is to have another name.
    const isOpen = (file: ClaimedFile) => this.#underWay.find(file) === file;
    [this.#orphans, this.#ready] = [this.#orphans.filter(isOpen), this.#ready.filter(isOpen)];
    const most = this.#share();
    const orphans = this.#orphans.splice(0, most);
    const taken = orphans.length > 0 ? orphans : this.#claim(most);
    if (taken.length === 0) return undefined;
    const files = this.#passOverKept(taken);
    // Claimed anew, they have other names.
    if (files.length === 0) return this.#next();
    const key = `${this.#context.journal.jobId}-${this.#run}-${++this.#batches}`;
    this.#underWay.give(key, files);
    return { key, files: files.map((file): BatchFile => ({ file, recover: orphans.length > 0 })) };
  }

  /** Whole batches while there are many files, smaller ones for many workers, then equal shares for all of them. */
  #share(): number {
    const open = Math.min(MOST, this.#orphans.length + this.#ready.length + this.#context.journal.counts().PLANNED);
    const share = Math.ceil(open / (SHARES * Math.max(1, this.#dispatcher.workers)));
    return Math.min(NAMES, Math.max(LEAST, share));
  }

  #claim(most: number): ClaimedFile[] {
    const { journal, move } = this.#context;
    const files = this.#ready.splice(0, most);
    while (files.length < most && this.#underWay.parked < PARKED) {
      const claimed = journal.claim(most - files.length, (file) => move.route.apply(file));
      if (claimed.length === 0) break;
      files.push(...claimed.filter((file) => this.#underWay.add(file)));
    }
    return files;
  }

  /** Files whose temporary names are those of what was kept of other ones get others. Whoever sent something has its own. */
  #passOverKept(files: readonly ClaimedFile[]): readonly ClaimedFile[] {
    const { kept } = this.#context;
    if (kept.size === 0) return files;
    const taken = files.filter(({ temp, destBefore }) => destBefore === undefined && kept.has(nameKey(temp)));
    this.#release(taken.map(({ id, attempt }) => ({ id, attempt, counts: false })));
    return files.filter((file) => !taken.includes(file));
  }

  async #listen(): Promise<void> {
    try {
      for await (const report of this.#dispatcher.results()) {
        this.#take(report);
        this.#news.ring();
      }
    } catch (error) {
      this.#context.stop(error);
    }
  }

  #take(report: Report): void {
    switch (report.kind) {
      case "piece":
        this.#note(report.piece);
        break;
      case "lost":
        this.#context.warn(`a batch was lost and is looked at by another worker: ${report.why}`);
        this.#lose(report.batch);
        break;
      case "returned":
        this.#line(this.#underWay.forget(report.batch));
        break;
      case "room":
        break;
    }
  }

  /** What somebody had in hand, and may have begun. */
  #lose(batch: string): void {
    const files = this.#underWay.forget(batch);
    this.#underWay.suspect(files);
    this.#line(files);
    this.#countLanes(batch, 0);
    this.#notePaused(batch, undefined);
  }

  /** To be handed out. */
  #line(files: readonly (ClaimedFile | undefined)[]): void {
    for (const file of files) if (file) (this.#underWay.isBegun(file.id) ? this.#orphans : this.#ready).push(file);
  }

  #note(piece: Piece): void {
    const { meter, warn } = this.#context;
    meter.bytes += piece.bytes;
    this.#countLanes(piece.batch, piece.ended ? 0 : piece.lanes);
    this.#notePaused(piece.batch, piece.ended ? undefined : piece.paused);
    for (const warning of piece.warnings) warn(warning);
    this.#noteProbed(piece);
    for (const word of piece.retargeted) if (this.#isTheirs(piece, word)) this.#retarget(word);
    this.#noteSettled(piece);
    this.#noteReleased(piece);
    if (piece.ended) this.#lose(piece.batch);
    if (piece.stopped) this.#noteStopped(piece.worker, piece.stopped);
  }

  #noteProbed(piece: Piece): void {
    const probed = piece.probed.filter((word) => this.#isTheirs(piece, word));
    if (probed.length === 0) return;
    this.#context.journal.probed(probed);
    for (const word of probed) {
      const file = this.#underWay.find(word);
      if (!file) continue;
      file.destBefore = word.destBefore;
      file.fxp = word.fxp;
      file.size = word.size ?? file.size;
      file.mtime = word.mtime ?? file.mtime;
    }
  }

  /** That a file is there is true whoever says so; anything else only counts from the one who has it. */
  #noteSettled(piece: Piece): void {
    const settled = piece.settled.filter((word) => {
      if (word.state === "DONE" || word.state === "SKIPPED_SAME") return this.#underWay.find(word) !== undefined;
      return this.#isTheirs(piece, word);
    });
    if (settled.length === 0) return;
    this.#context.journal.settle(settled);
    for (const word of settled) if (isKept(word)) this.#keep(this.#underWay.find(word));
    for (const { id } of settled) this.#end(id);
  }

  #keep(file: ClaimedFile | undefined): void {
    if (file) this.#context.kept.add(nameKey(file.temp));
  }

  #noteReleased(piece: Piece): void {
    this.#release(piece.released.filter((word) => this.#isTheirs(piece, word)));
  }

  #release(words: readonly ReleasedWord[]): void {
    if (words.length === 0) return;
    const now = Date.now();
    this.#context.journal.release(
      words.map(({ wait, attempt: _, ...word }) => ({ ...word, ...(wait && { notBefore: now + wait }) })),
    );
    for (const { id } of words) this.#end(id);
  }

  /** The new name is on the disk before anybody is told to write it. */
  #retarget(word: RetargetedWord): void {
    const file = this.#underWay.find(word) as ClaimedFile;
    // Another one is on its way to that name: later the worker will find a free one.
    if (!this.#underWay.isFree(word.target)) {
      this.#release([{ id: word.id, attempt: word.attempt, wait: HELD, counts: false }]);
      return;
    }
    const renamed = this.#context.journal.retarget(file, word.target);
    this.#underWay.takeBack(file.id);
    this.#underWay.update(renamed);
    this.#line([renamed, this.#underWay.wake(file.target)]);
  }

  #noteStopped(worker: string, { name, message, code, everywhere }: Stopped): void {
    const said = `worker ${worker}: ${message}`;
    if (everywhere) this.#context.stop(Object.assign(new PolywireError(said), { name, code }));
    else this.#context.warn(`${said}; it gave its files back`);
  }

  #isTheirs(piece: Piece, word: { id: number; attempt: number }): boolean {
    return this.#underWay.find(word) !== undefined && this.#underWay.speaksFor(piece.batch, word);
  }

  #end(id: number): void {
    this.#line([this.#underWay.end(id)]);
  }

  #countLanes(batch: string, lanes: number): void {
    const { meter } = this.#context;
    meter.lanes += lanes - (this.#lanes.get(batch) ?? 0);
    if (lanes === 0) this.#lanes.delete(batch);
    else this.#lanes.set(batch, lanes);
  }

  /** The job stands still where nobody is at work but those who find out whether it can go on: a lane each. */
  #notePaused(batch: string, why: string | undefined): void {
    const { meter } = this.#context;
    if (why === undefined) this.#paused.delete(batch);
    else this.#paused.set(batch, why);
    [meter.paused] = meter.lanes > this.#paused.size ? [] : this.#paused.values();
  }
}
