/** One pass over the sources: every folder of them into the journal, and what may be taken of it planned. */
import { setImmediate as breath } from "node:timers/promises";
import { displayName } from "../../../ftp/name.js";
import type { Arrival, Pair } from "../../journal/arrivals.js";
import type { QueuedFolder } from "../../journal/folder-queue.js";
import type { Journal, ListedFile, ListingResult } from "../../journal/journal.js";
import { inTurns } from "../in-turns.js";
import { archiveOf } from "../lanes/archive.js";
import { pause } from "../lanes/pause.js";
import { classify, delay } from "../lanes/retry.js";
import { split } from "../names/route.js";
import { isWanted, type ResolvedMove } from "../options.js";
import type { Cut, ListedFolder, ListingNotes, Place } from "../places/place.js";

/** A folder whose listing may not be whole: files in it may have been left. */
export interface UnlistedFolder {
  /** Relative to the source folder, or to what several of them have in common; "" for itself. */
  readonly folder: string;
  readonly why: string;
  /** False where that is only likely. */
  readonly certain: boolean;
}

/** What a pass found besides the files it planned. */
export interface PassReport {
  /** Rows that are none of the job's. */
  readonly passedOver: number;
  /** Files of the job that may not be taken yet. */
  readonly waiting: number;
  /** Milliseconds since 1970 when the last of those that have been quiet so far may be; undefined where none is. */
  readonly due: number | undefined;
  /** The first hundred. */
  readonly unlisted: readonly UnlistedFolder[];
}

/** Takes a file that waits, and why. */
export type OnWaiting = (file: ListedFile, why: string) => void;

/** Older than this, and older than `stableFor`, a file is quiet whatever the clocks and time zones: milliseconds. */
const LONG_AGO = 86_400_000;
/** Folders within folders; a deeper tree is taken for a loop. */
const DEEPEST = 256;
/** Tries of a folder that its server does not list now. */
const TRIES = 3;
const UNLISTED = 100;

const EMPTY = { passedOver: 0, waiting: 0, due: undefined };

/** Begin a pass, then {@link spool} until it resolves, on one connection after the other, then {@link finish}. */
export class Lister {
  readonly #move: ResolvedMove;
  readonly #journal: Journal;
  readonly #signal: AbortSignal;
  #report: { -readonly [K in keyof PassReport]: PassReport[K] } & { unlisted: UnlistedFolder[] };
  /** Tries of the folder at the head of the queue. */
  #tries = 0;
  /** Where listings are cut short, other ways are tried. */
  thorough: boolean;
  /** A name that is looked for, in whatever folder. */
  wanted: { readonly name: string; found(folder: string): void } | undefined;
  readonly #onWaiting: OnWaiting | undefined;

  /** `onWaiting` is told of every file that may not be taken yet. */
  constructor(move: ResolvedMove, journal: Journal, signal: AbortSignal, onWaiting?: OnWaiting) {
    this.#onWaiting = onWaiting;
    this.#move = move;
    this.#journal = journal;
    this.#signal = signal;
    // A job that removes its sources gets at the rest by listing again, and the cheaper way.
    this.thorough = !move.removes;
    this.#report = { ...EMPTY, unlisted: [] };
  }

  get report(): PassReport {
    return this.#report;
  }

  begin(): void {
    this.#report = { ...EMPTY, unlisted: [] };
    this.#tries = 0;
    this.#journal.folders.begin(this.#move.sources.map(({ path }) => path));
    this.#journal.arrivals.begin();
  }

  /**
   * Lists folder after folder, from where an earlier call broke off. Rejects where the connection is lost, and where one
   * of the sources cannot be listed.
   *
   * @param onFolder Called when a folder is over with.
   */
  async spool(place: Place, onFolder: () => void): Promise<void> {
    const { folders } = this.#journal;
    for (let folder = folders.next(); folder && !this.#signal.aborted; folder = folders.next()) {
      if (!(await this.#folder(place, folder))) continue;
      folders.done(folder);
      this.#tries = 0;
      onFolder();
    }
  }

  /** True where the folder is over with: listed, or given up. */
  async #folder(place: Place, folder: QueuedFolder): Promise<boolean> {
    const notes: ListingNotes = { passedOver: 0 };
    try {
      await this.#list(place, folder, notes);
    } catch (error) {
      // One folder in a tree that is refused, or was removed meanwhile, is not the end of the others.
      if (folder.depth === 0 || !place.usable || this.#signal.aborted) throw error;
      const again = classify(error as Error) === "retry" && ++this.#tries < TRIES;
      if (again) await pause(delay(this.#tries), this.#signal);
      else this.#unlisted(folder.path, { why: (error as Error).message, certain: true });
      return !again;
    }
    this.#report.passedOver += notes.passedOver;
    if (notes.cut) this.#unlisted(folder.path, notes.cut);
    return true;
  }

  async #list(place: Place, folder: QueuedFolder, notes: ListingNotes): Promise<void> {
    const { recursive } = this.#move.listing;
    const path = (name: string) => (folder.path === "" ? name : `${folder.path}/${name}`);
    const identify = recursive && folder.depth === 0;
    const call = { notes, signal: this.#signal, thorough: this.thorough, identify };
    for await (const { files, folders } of place.list(folder.path, call)) {
      if (notes.unique !== undefined) this.#journal.folders.mark(folder, notes.unique);
      if (recursive) this.#descend(folder, folders, path);
      else notes.passedOver += folders.length;
      if (this.wanted && files.some(({ name }) => name === this.wanted?.name)) this.wanted.found(folder.path);
      this.#take(folder.path === "" ? files : files.map((file) => ({ ...file, name: path(file.name) })), notes);
    }
    if (notes.unique !== undefined) this.#journal.folders.mark(folder, notes.unique);
  }

  #descend(folder: QueuedFolder, folders: readonly ListedFolder[], path: (name: string) => string): void {
    const queue = this.#journal.folders;
    const { archive } = this.#move;
    const isSource = ({ name }: ListedFolder) => !archive || !archiveOf(archive).isArchive(path(name));
    const found = folders.filter(isSource).map(({ name, unique }) => ({ path: path(name), unique }));
    const deeper = found.filter((each) => {
      const above = queue.sameAbove(each);
      const why = above ? `it is the folder "${displayName(above.path)}" above it once more` : undefined;
      const problem = why ?? (folder.depth < DEEPEST ? undefined : `it lies more than ${DEEPEST} folders deep`);
      if (problem) this.#unlisted(each.path, { why: problem, certain: true });
      return problem === undefined;
    });
    queue.add(deeper, folder.depth + 1);
  }

  #unlisted(folder: string, { why, certain }: Cut): void {
    const { unlisted } = this.#report;
    if (unlisted.length < UNLISTED) unlisted.push({ folder, why, certain });
  }

  /** Plans what may be taken at once; the rest is looked at when the listing is complete. */
  #take(files: readonly ListedFile[], notes: ListingNotes): void {
    const { doneFile, stableFor } = this.#move.listing;
    const { arrivals } = this.#journal;
    const now = Date.now();
    const isDone = (file: ListedFile) => doneFile?.test(split(file.name).name) === true;
    if (doneFile) arrivals.addDone(files.filter(isDone).map(({ name }) => name));
    const others = doneFile ? files.filter((file) => !isDone(file)) : files;
    const wanted = others.filter((file) => isWanted(this.#move, file));
    notes.passedOver += others.length - wanted.length;
    const isOld = ({ mtime, unsure }: ListedFile) =>
      !unsure && (stableFor === 0 || (mtime !== undefined && now - mtime >= stableFor + LONG_AGO));
    const ready = doneFile ? [] : wanted.filter(isOld);
    arrivals.add(ready.length === 0 ? wanted : wanted.filter((file) => !isOld(file)), now);
    this.#plan(ready);
  }

  /** A time that is not exact would look like a change later on, where changes matter. */
  #plan(files: readonly ListedFile[]): void {
    const exact = this.#move.listing.stableFor > 0;
    const plain = exact ? files.map((file) => (file.coarse ? { ...file, mtime: undefined } : file)) : files;
    this.#journal.addListed(plain);
  }

  /** The listing is complete: what waits is looked at, and names are sorted out. */
  async finish(place: Place): Promise<ListingResult> {
    const { arrivals } = this.#journal;
    this.#report.waiting = 0;
    this.#report.due = undefined;
    for (const page of arrivals.pages()) {
      this.#signal.throwIfAborted();
      await this.#admit(place, page);
      await breath();
    }
    await inTurns(arrivals.ending(), this.#signal);
    // What was moved and is there again was put there anew.
    return inTurns(this.#journal.finishing({ again: this.#move.removes }), this.#signal);
  }

  async #admit(place: Place, page: readonly Arrival[]): Promise<void> {
    const { stableFor, doneFile } = this.#move.listing;
    const { arrivals } = this.#journal;
    const files = await this.#exact(place, page);
    const since = stableFor > 0 ? arrivals.unchangedSince(files) : files.map(({ seen }) => seen);
    const ready: Arrival[] = [];
    const pairs: Pair[] = [];
    for (const [i, file] of files.entries()) {
      const done = doneFile && besides(file.name, doneFile.of(split(file.name).name));
      const isDone = done === undefined || arrivals.hasDone(done);
      const quietAt = (since[i] as number) + stableFor;
      if (isDone && isQuiet(file, quietAt, stableFor)) {
        ready.push(file);
        if (done !== undefined && doneFile?.after !== "keep") pairs.push({ done, file: file.name });
        continue;
      }
      this.#report.waiting++;
      this.#onWaiting?.(file, isDone ? `it was not seen unchanged for ${stableFor} ms yet` : `there is no ${done}`);
      if (isDone && since[i] !== undefined) this.#report.due = Math.max(this.#report.due ?? 0, quietAt);
    }
    arrivals.pair(pairs);
    this.#plan(ready.map(({ name, size, mtime, vague }) => ({ name, size, mtime: vague ? undefined : mtime })));
  }

  /** Files as they are now, where the listing did not tell that exactly. What is none is passed over. */
  async #exact(place: Place, page: readonly Arrival[]): Promise<Arrival[]> {
    const { stableFor } = this.#move.listing;
    const vague = page.filter((file) => file.vague === "kind" || (file.vague === "time" && stableFor > 0));
    if (vague.length === 0) return [...page];
    const stats = await place.stat(vague.map(({ name }) => name));
    const seen = Date.now();
    const asked = new Map(vague.map((file, i) => [file, stats[i]]));
    return page.flatMap((file) => {
      if (!asked.has(file)) return [file];
      const found = asked.get(file);
      if (found === undefined) this.#report.passedOver++;
      // What cannot be looked at now is looked at when it is moved.
      if (found === undefined || found instanceof Error) return found ? [file] : [];
      return [{ ...file, size: found.size, mtime: found.mtime, vague: undefined, seen }];
    });
  }
}

/** Seen unchanged for long enough, or so old that no clock can be that wrong. */
function isQuiet({ seen, mtime, vague }: Arrival, quietAt: number, stableFor: number): boolean {
  if (seen >= quietAt) return true;
  return vague === undefined && mtime !== undefined && seen - mtime >= stableFor + LONG_AGO;
}

/** The path of another file in the same folder. */
function besides(path: string, name: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1) + name;
}
