/** The journal: one SQLite file that knows every file of a job, and survives kill -9 at any moment. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { UsageError } from "../../client/errors.js";
import { newJobId } from "../move/names/temp-name.js";
import { Arrivals } from "./arrivals.js";
import { type ClaimedFile, Claims, type ProbedFile, type ReleasedFile, type SettledFile } from "./claims.js";
import { COLLISION, findCollisions, type Targeting } from "./collisions.js";
import { FolderQueue } from "./folder-queue.js";
import { type ListedFile, Listing, type ListingResult } from "./listing.js";
import { JournalInUseError, type JournalLock, takeLock } from "./lock.js";
import { type JournalFile, JournalReader } from "./reader.js";
import { type JobSample, Samples } from "./samples.js";
import { type FileState, isKept, prepareSchema, stateCode } from "./schema.js";
import { compareSettings, encodeSettings, type JobSettings } from "./settings.js";
import { SLICE } from "./sorted-runs.js";
import { openDatabase, type SqlDatabase, type SqlEngine } from "./sqlite.js";

/** How to open a {@link Journal}. */
export interface JournalOptions {
  /** What makes the job what it is; a journal of other settings is refused. Default: those it has (a new one needs them). */
  settings?: JobSettings | undefined;
  /** Default: `node:sqlite` where it is there, else `libsql`. */
  engine?: SqlEngine | undefined;
  /** Rows handled by one step of what is done in steps. Default: 20,000, some ten milliseconds. */
  slice?: number | undefined;
}

/**
 * Which commits must be on the disk, and which may wait:
 *
 * - A **claim** must be, before anything goes on the wire: it is the only trace of a temporary file, and of a source
 *   that may be deleted. So `claim` and `retarget` commit with synchronous=FULL: one fsync per batch.
 * - **Everything else** commits with NORMAL, which survives the death of the process and, after a power failure, is
 *   undone as a whole: a DONE that is lost leaves CLAIMED, and recovery finds the source gone and the target there;
 *   without what was found before a transfer, recovery looks anew and goes by the job's rule for existing files; a lost
 *   listing is listed again; a lost release is recovered as a claim. Nothing is lost for longer than until the next
 *   claim, whose fsync covers all of the log before it.
 */
const PRAGMAS = `
  PRAGMA busy_timeout=10000;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=NORMAL;
  PRAGMA fullfsync=1;
  PRAGMA cache_size=-32768;
  PRAGMA temp_store=FILE;
  PRAGMA wal_autocheckpoint=4000;
  PRAGMA journal_size_limit=67108864;
`;

/**
 * A journal open for writing: by one process at a time. Every call is synchronous and works on a batch.
 *
 * @example
 * using journal = Journal.open("move.journal", { settings: { from, to, match } });
 * journal.addListed(entries); journal.finishListing();
 * for (let files = journal.claim(1000); files.length > 0; files = journal.claim(1000)) journal.settle(await move(files));
 */
export class Journal extends JournalReader {
  readonly #lock: JournalLock;
  readonly #listing: Listing;
  readonly #slice: number;
  readonly #claims: Claims;
  /** The folders of a recursive listing. */
  readonly folders: FolderQueue;
  /** Listed files that are not taken at once. */
  readonly arrivals: Arrivals;
  readonly #samples: Samples;

  private constructor(db: SqlDatabase, path: string, lock: JournalLock, slice: number) {
    super(db, path);
    this.#lock = lock;
    this.#claims = new Claims(db, (row) => this.toFile(row));
    const hooks = {
      shift: (state: FileState, files: number) => this.#claims.shift(state, files),
      onNews: () => this.#doubtTargets(),
    };
    this.#slice = slice;
    this.#listing = new Listing(db, this.pass, hooks, slice);
    this.folders = new FolderQueue(db);
    this.arrivals = new Arrivals(db);
    this.#samples = new Samples(db);
  }

  /**
   * Opens a journal, or makes one. An unfinished listing in it is forgotten; claims are kept: see {@link claimed}.
   *
   * @throws JournalInUseError where another process has it open; UsageError where it is of another job or version, or no
   *   journal at all.
   */
  static open(path: string, options: JournalOptions = {}): Journal {
    if (!existsSync(dirname(path))) throw new UsageError(`there is no folder ${dirname(path)} for the journal`);
    if (!existsSync(path) && !options.settings) throw new UsageError(`there is no journal ${path}`);
    const lock = takeLock(path, options.engine);
    if (!lock)
      throw new JournalInUseError(`the journal ${path} is in use${ownerOf(path, options.engine)}: one mover at a time`);
    let db: SqlDatabase | undefined;
    try {
      db = openDatabase(path, options.engine);
      prepareSchema(db, path, true);
      db.exec(PRAGMAS);
      adoptSettings(db, path, options.settings);
      return new Journal(db, path, lock, options.slice ?? SLICE);
    } catch (error) {
      db?.close();
      lock.release();
      throw error;
    }
  }

  /**
   * Takes part of a listing. The first call after {@link finishListing} begins a new pass.
   * Nothing is compared yet: hundreds of thousands of names a second, however many there are.
   */
  addListed(batch: readonly ListedFile[]): void {
    if (batch.length === 0) return;
    this.db.transaction(() => this.#listing.add(batch, Date.now()));
  }

  /**
   * Ends a listing pass: names listed twice become one; new names are PLANNED; names that are known are planned again
   * where their size or mtime differ or they were GONE, unless they were settled during this very pass.
   *
   * @param options.again Also plan again what is DONE or SKIPPED_SAME and was listed unchanged: for jobs that remove
   * the source, where it should not be there any more. Default: false.
   */
  finishListing(options: { again?: boolean | undefined } = {}): ListingResult {
    return allSteps(this.finishing(options));
  }

  /**
   * As {@link finishListing}, in steps, so that the process can do other things. After each step the journal is as good as
   * after the last one, but for names that were not come to yet: files may be claimed and settled meanwhile. Left before its
   * end, it can be begun again; in the next process, the next listing does what is left.
   */
  finishing({ again = false }: { again?: boolean | undefined } = {}): Generator<void, ListingResult, undefined> {
    return this.#listing.finish(Date.now(), again);
  }

  /**
   * Claims up to `n` files by id, those first that wait for another try and are due. When it returns, the claims are
   * on the disk, each with an attempt, and thus a temporary name, that no other claim of the job ever has.
   *
   * @param n Files at most.
   * @param route Gives the path relative to the target folder; where it throws, the file becomes FAILED with code
   * `ROUTE`. Default: the name.
   * @returns Empty where nothing is due now: see {@link nextDue}.
   */
  claim(n: number, route?: (file: JournalFile) => string): ClaimedFile[] {
    if (!this.#listing.isIndexed)
      throw new UsageError("claim() before the first finishListing(): a name may be there twice");
    return this.#durably(() => this.#claims.claim(n, route, this.#listing.pass));
  }

  /**
   * Finds files that would get one name, before anything moves: those that are planned become CONFLICT, with code
   * `COLLISION`.
   *
   * @param options.keepFirst The first file of each target stays PLANNED. Default: false.
   * @param options.rule What `target` goes by. Where all files were looked at by the same rule before, in an earlier run,
   * too, and none was planned since, nothing is to be done. Default: they are looked at.
   * @returns A step for every some thousand files; the last one gives how many became CONFLICT.
   */
  *collisions(
    target: Targeting,
    { keepFirst, rule }: { keepFirst?: boolean | undefined; rule?: string | undefined } = {},
  ): Generator<void, number, undefined> {
    if (rule !== undefined && this.meta("distinct") === rule) return 0;
    const moved = (files: number) => {
      this.#claims.shift("PLANNED", -files);
      this.#claims.shift("CONFLICT", files);
    };
    const found = yield* findCollisions(this.db, target, this.#listing.pass, moved, keepFirst, this.#slice);
    if (rule !== undefined) this.db.prepare("INSERT OR REPLACE INTO meta VALUES('distinct', ?)").run(rule);
    return found;
  }

  /**
   * Forgets files that were in conflict with each other and never begun: a next listing tells which of them are still
   * there.
   */
  forgetCollisions(): void {
    allSteps(this.forgettingCollisions());
  }

  /** As {@link forgetCollisions}, in steps, so that the process can do other things. */
  *forgettingCollisions(): Generator<void, void, undefined> {
    const forget = this.db.prepare(`DELETE FROM files WHERE id > ? AND id <= ?
      AND state = ${stateCode("CONFLICT")} AND code = '${COLLISION}' AND attempt = 0`);
    for (const [after, upTo] of this.#spans()) {
      this.#listing.refuseWhileFinishing();
      this.db.transaction(() => this.#claims.shift("CONFLICT", -forget.run(after, upTo)));
      yield;
    }
  }

  /** Milliseconds since 1970 when the first file that waits for another try is due; undefined where none waits. */
  nextDue(): number | undefined {
    return this.#claims.nextDue();
  }

  /** Everything CLAIMED: before the first claim, that is what an earlier process left, to be recovered. */
  claimed(): ClaimedFile[] {
    return allSteps(this.findClaimed());
  }

  /** As {@link claimed}, in steps, so that the process can do other things. */
  *findClaimed(): Generator<void, ClaimedFile[], undefined> {
    const claimed: ClaimedFile[] = [];
    if (this.counts().CLAIMED === 0) return claimed;
    for (const page of this.filePages(["CLAIMED"])) {
      claimed.push(...(page as ClaimedFile[]));
      yield;
    }
    return claimed;
  }

  /** Temporary names that were kept, and are nobody's to write over, in steps. */
  *findKept(): Generator<void, string[], undefined> {
    const kept: string[] = [];
    const { FAILED, CONFLICT } = this.counts();
    if (FAILED + CONFLICT === 0) return kept;
    for (const page of this.filePages(["FAILED", "CONFLICT"])) {
      for (const file of page) if (isKept(file) && file.temp !== undefined) kept.push(file.temp);
      yield;
    }
    return kept;
  }

  /** Notes what was found before the transfer of claimed files. */
  probed(batch: readonly ProbedFile[]): void {
    this.db.transaction(() => this.#claims.probed(batch));
  }

  /**
   * Gives a claimed file another target, absent there, before its transfer begins; on the disk when it returns.
   *
   * @returns The file with its new target and temporary name.
   * @throws UsageError where it is not claimed any more.
   */
  retarget(file: ClaimedFile, target: string): ClaimedFile {
    const changed = this.#durably(() => this.#claims.retarget(file, target));
    if (!changed) throw new UsageError(`file ${file.id} of the journal is not claimed`);
    return changed;
  }

  /**
   * Notes how claimed files ended. What is not CLAIMED (a result that comes twice) is left as it is.
   *
   * @returns How many were noted.
   */
  settle(results: readonly SettledFile[]): number {
    return this.db.transaction(() => this.#claims.settle(results, this.#listing.pass));
  }

  /** Gives claimed files back: PLANNED, with an error and the time before which they are not claimed again. */
  release(batch: readonly ReleasedFile[]): number {
    return this.db.transaction(() => {
      // A target may be made of them.
      if (batch.some(({ size, mtime }) => size !== undefined || mtime !== undefined)) this.#doubtTargets();
      return this.#claims.release(batch);
    });
  }

  /**
   * Plans again what FAILED, with a new count of tries; where a temporary file was kept, its claim is as it was, to be
   * recovered: see {@link claimed}.
   *
   * @param states Default: FAILED only.
   * @returns How many.
   */
  retryFailed(states: readonly ("FAILED" | "CONFLICT" | "GONE")[] = ["FAILED"]): number {
    return allSteps(this.retrying(states));
  }

  /** As {@link retryFailed}, in steps, so that the process can do other things; each is a transaction. */
  *retrying(states: readonly ("FAILED" | "CONFLICT" | "GONE")[] = ["FAILED"]): Generator<void, number, undefined> {
    let files = 0;
    for (const [after, upTo] of this.#spans()) {
      files += this.db.transaction(() => {
        const retried = this.#claims.retry(states, after, upTo);
        if (retried > 0) this.#doubtTargets();
        return retried;
      });
      yield;
    }
    return files;
  }

  /** A run begins, and how it is to go about it. */
  beginRun(options: JobSettings): void {
    this.db.transaction(() => {
      this.#samples.begin(Date.now());
      this.db.prepare("INSERT OR REPLACE INTO meta VALUES('options', ?)").run(encodeSettings(options));
      this.db.exec("DELETE FROM meta WHERE key = 'paused'");
    });
  }

  /** Notes how far the run is. `bytes` are those of this run; `edge`: its first sample, or its last one. */
  sample(sample: Omit<JobSample, "run">, edge: boolean): void {
    this.db.transaction(() => this.#samples.add(sample, edge));
  }

  /** All the warnings of the run so far. */
  noteWarnings(warnings: readonly string[]): void {
    this.db.transaction(() => this.#samples.warn(warnings));
  }

  /** Notes why the run stands still; undefined: it goes on. */
  notePaused(why: string | undefined): void {
    this.db.transaction(() => {
      if (why === undefined) this.db.exec("DELETE FROM meta WHERE key = 'paused'");
      else this.db.prepare("INSERT OR REPLACE INTO meta VALUES('paused', ?)").run(why);
    });
  }

  /** The run ends, by itself or stopped by an error. */
  endRun(error?: string): void {
    this.db.transaction(() => this.#samples.end(Date.now(), error));
  }

  /** Writes the log into the file and gives the lock back. Safe twice. */
  override close(): void {
    try {
      if (!this.db.isOpen) return;
      // A reader may be at work: then the log stays for the next one who opens it.
      this.db.exec("PRAGMA busy_timeout=0; DELETE FROM meta WHERE key = 'owner'");
      this.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    } finally {
      super.close();
      this.#lock.release();
    }
  }

  /** The ids of all files in slices: behind the first number, up to the second. */
  *#spans(): Generator<[after: number, upTo: number], void, undefined> {
    for (let after = 0; after < this.lastId; after += this.#slice) yield [after, after + this.#slice];
  }

  /** Files are planned that {@link collisions} has not seen. */
  #doubtTargets(): void {
    this.db.exec("DELETE FROM meta WHERE key = 'distinct'");
  }

  #durably<T>(body: () => T): T {
    this.db.exec("PRAGMA synchronous=FULL");
    try {
      return this.db.transaction(body);
    } finally {
      this.db.exec("PRAGMA synchronous=NORMAL");
    }
  }
}

/** Takes all steps at once. */
function allSteps<T>(steps: Iterator<void, T, undefined>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function adoptSettings(db: SqlDatabase, path: string, settings: JobSettings | undefined): void {
  const put = db.prepare("INSERT OR REPLACE INTO meta VALUES(?, ?)");
  const before = db.prepare("SELECT value FROM meta WHERE key = 'settings'").get()?.value;
  // Also after a process was killed between the tables and these.
  if (before === undefined && !settings) throw new UsageError(`the journal ${path} is empty: it needs settings`);
  const differences = settings && before !== undefined ? compareSettings(JSON.parse(String(before)), settings) : [];
  if (differences.length > 0) {
    throw new UsageError(`the journal ${path} belongs to another job: ${differences.join("; ")}`, {
      advice: "go on with those settings, or name another journal",
    });
  }
  db.transaction(() => {
    if (before === undefined) {
      put.run("settings", encodeSettings(settings!));
      put.run("job", newJobId());
    }
    put.run("owner", JSON.stringify({ pid: process.pid, host: hostname(), since: Date.now() }));
  });
}

function ownerOf(path: string, engine: SqlEngine | undefined): string {
  try {
    using reader = JournalReader.read(path, { engine });
    const owner = reader.owner;
    return owner ? ` by process ${owner.pid} on ${owner.host} since ${new Date(owner.since).toISOString()}` : "";
  } catch {
    // It may be just being made: the sentence is right without.
    return "";
  }
}

export type { ClaimedFile, ProbedFile, ReleasedFile, SettledFile } from "./claims.js";
export type { ListedFile, ListingResult } from "./listing.js";
export { JournalInUseError } from "./lock.js";
export {
  FAILED_STATES,
  type FailureKind,
  type JournalFile,
  type JournalOwner,
  JournalReader,
  type StateCounts,
} from "./reader.js";
export type { JobRun, JobSample } from "./samples.js";
export { type DestBefore, type FileState, isKept, KEPT } from "./schema.js";
export type { JobSettings } from "./settings.js";
