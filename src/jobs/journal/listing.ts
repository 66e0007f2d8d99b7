/** Listing passes: names go in at full speed, and are sorted out when the listing is complete. */
import { UsageError } from "../../client/errors.js";
import { dropDuplicates } from "./duplicates.js";
import { type Merging, mergeNames, SLICES } from "./merge.js";
import { NAME_INDEX, stateCode, toColumn } from "./schema.js";
import { SLICE, SortedRuns } from "./sorted-runs.js";
import { SQLITE_CONSTRAINT, type SqlDatabase, type SqlStatement, sqliteCode } from "./sqlite.js";

/** A file as a listing gives it. */
export interface ListedFile {
  name: string;
  /** Bytes, where the listing told. */
  size?: number | undefined;
  /** Milliseconds since 1970, UTC, where the listing told. */
  mtime?: number | undefined;
  /** Milliseconds by which the file may be newer than `mtime`: LIST tells minutes or days. Default: exact. */
  coarse?: number | undefined;
  /** Only a name: it may be a folder. */
  unsure?: boolean | undefined;
}

/** What a complete listing brought. */
export interface ListingResult {
  /** Names never seen before. */
  added: number;
  /** Names known, planned again: they changed, are back after GONE, or `again` asked for them. */
  replanned: number;
}

/** Rows of one INSERT: a call per row costs more than the row. */
const ROWS = 50;
const PLANNED = stateCode("PLANNED");

/** Temporary tables: a second pass over millions of files leaves the journal, and its log, as small as they were. */
const SPOOL = `
  DROP TABLE IF EXISTS main.spool; -- of an earlier polywire, as is "latest"
  DROP TABLE IF EXISTS main.latest;
  CREATE TEMP TABLE spool(id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER, coarse INTEGER);
  ${SLICES}
`;

/** What a listing tells its journal, within the transaction that changes it. */
export type ListingHooks = Pick<Merging, "shift" | "onNews">;

/** The listing side of a journal. */
export class Listing {
  /** True once a first listing is complete: names are unique then. */
  #isIndexed: boolean;
  #isRunning = false;
  #isFinishing = false;
  #insert: { one: SqlStatement; many: SqlStatement };
  /** The names of a later pass, and how many more are in the spool. */
  #names: SortedRuns;
  #spooled = 0;
  /** What broke the pass off: a full disk may have spoilt what is beside the journal, and rows are missing there. */
  #failure: unknown;
  /** Of the pass that runs. */
  #result: ListingResult = { added: 0, replanned: 0 };

  constructor(
    readonly db: SqlDatabase,
    /** The number of the pass; kept by the journal, too. */
    public pass: number,
    readonly hooks: ListingHooks,
    readonly slice = SLICE,
  ) {
    this.#isIndexed = db.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(NAME_INDEX) !== undefined;
    this.#forgetUnfinished();
    this.#names = this.#newNames();
    this.#insert = this.#prepareInsert();
  }

  get isIndexed(): boolean {
    return this.#isIndexed;
  }

  /**
   * Adds rows; in the first pass straight to the files, without an index, later to a spool. In a transaction.
   *
   * @throws What an earlier call threw: then only a journal opened anew can list.
   */
  add(batch: readonly ListedFile[], now: number): void {
    this.refuseWhileFinishing();
    this.#refuseAfterFailure();
    try {
      this.#begin();
      this.#insertAll(batch, now);
      if (this.#spooled >= this.slice) this.#sortSpool();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Ends the pass, with a step for each slice; where it is left before its end, it can be begun again. */
  *finish(now: number, again: boolean): Generator<void, ListingResult, undefined> {
    this.refuseWhileFinishing();
    this.#refuseAfterFailure();
    this.#isFinishing = true;
    try {
      this.db.transaction(() => {
        this.#begin();
        this.#sortSpool();
      });
      if (this.#isIndexed) yield* this.#merge(now, again);
      else yield* this.#buildIndex();
      this.#isRunning = false;
      this.#names = this.#newNames();
      return this.#result;
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#isFinishing = false;
    }
  }

  /** What would change the names, or the numbers of files, that {@link finish} works with. */
  refuseWhileFinishing(): void {
    if (this.#isFinishing) throw new UsageError("a listing of this journal is being finished");
  }

  #refuseAfterFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #insertAll(batch: readonly ListedFile[], now: number): void {
    const { one, many } = this.#insert;
    const whole = batch.length - (batch.length % ROWS);
    for (let at = 0; at < whole; at += ROWS)
      many.run(...batch.slice(at, at + ROWS).flatMap((file) => this.#values(file, now)));
    for (const file of batch.slice(whole)) one.run(...this.#values(file, now));
    if (this.#isIndexed) this.#spooled += batch.length;
    else {
      this.hooks.shift("PLANNED", batch.length);
      this.#result.added += batch.length;
    }
  }

  #begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#result = { added: 0, replanned: 0 };
    this.pass++;
    this.db.prepare("INSERT OR REPLACE INTO meta VALUES('pass', ?)").run(this.pass);
  }

  /** A listing that was cut short tells nothing: what it did not reach may be gone or not. The next one starts anew. */
  #forgetUnfinished(): void {
    this.db.transaction(() => {
      this.db.exec(SPOOL);
      if (!this.#isIndexed) this.db.exec("DELETE FROM files; DELETE FROM totals");
    });
  }

  #newNames(): SortedRuns {
    return new SortedRuns(this.db, "names", ["name", "size", "mtime", "coarse"], 1, this.slice);
  }

  #values({ name, size, mtime, coarse }: ListedFile, now: number) {
    const columns = [toColumn(name), size ?? null, mtime ?? null];
    return this.#isIndexed ? [...columns, coarse ?? null] : [...columns, this.pass, now];
  }

  #prepareInsert(): { one: SqlStatement; many: SqlStatement } {
    const [into, row] = this.#isIndexed
      ? ["temp.spool(name, size, mtime, coarse)", "(?, ?, ?, ?)"]
      : ["files(name, size, mtime, pass, updated, state, attempt, tries)", `(?, ?, ?, ?, ?, ${PLANNED}, 0, 0)`];
    const insert = (rows: number) => this.db.prepare(`INSERT INTO ${into} VALUES ${Array(rows).fill(row).join(", ")}`);
    return { one: insert(1), many: insert(ROWS) };
  }

  #sortSpool(): void {
    // Of a name listed twice the later row counts.
    this.#names.add("name, size, mtime, coarse FROM temp.spool ORDER BY name, id");
    this.db.exec("DELETE FROM temp.spool");
    this.#spooled = 0;
  }

  *#merge(now: number, again: boolean): Generator<void, void, undefined> {
    const { db, slice, pass, hooks } = this;
    const merged = (added: number, replanned: number) => {
      this.#result.added += added;
      this.#result.replanned += replanned;
    };
    yield* mergeNames({ db, slice, pass, now, again, ...hooks, names: this.#names, merged });
  }

  /**
   * The first pass: every row is PLANNED, and the names become unique. An index is made by one statement, which cannot be
   * interrupted: some seconds for millions of names, while nothing is under way yet.
   */
  *#buildIndex(): Generator<void, void, undefined> {
    try {
      this.#createIndex();
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_CONSTRAINT) throw error;
      yield;
      yield* this.#dropDuplicates();
      this.#createIndex();
    }
    this.#isIndexed = true;
    this.#insert = this.#prepareInsert();
    yield;
  }

  #createIndex(): void {
    this.db.transaction(() => {
      this.db.exec(`CREATE UNIQUE INDEX ${NAME_INDEX} ON files(name)`);
      this.hooks.onNews();
    });
  }

  #dropDuplicates(): Generator<void, void, undefined> {
    return dropDuplicates(this.db, this.slice, (files) => {
      this.hooks.shift("PLANNED", -files);
      this.#result.added -= files;
    });
  }
}
