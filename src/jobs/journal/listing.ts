/** Listing passes: names go in at full speed, and are sorted out when the listing is complete. */
import { type FileState, LISTED, NAME_INDEX, stateCode, stateOf, toColumn } from "./schema.js";
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

/** A temporary table: a second pass over millions of files leaves the journal, and its log, as small as they were. */
const SPOOL = `
  DROP TABLE IF EXISTS temp.spool;
  DROP TABLE IF EXISTS main.spool; -- of an earlier polywire, as is "latest"
  DROP TABLE IF EXISTS main.latest;
  CREATE TEMP TABLE spool(id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER, coarse INTEGER);
`;

/** Files that go from one state to another; counting them would mean reading all. */
export type Shift = (state: FileState, files: number) => void;

/** The listing side of a journal. */
export class Listing {
  /** True once a first listing is complete: names are unique then. */
  #isIndexed: boolean;
  #isRunning = false;
  /** Whether the last pass that is complete brought anything that was not known, or was known otherwise. */
  hasNews = false;
  #insert: { one: SqlStatement; many: SqlStatement };

  constructor(
    readonly db: SqlDatabase,
    /** The number of the pass; kept by the journal, too. */
    public pass: number,
  ) {
    this.#isIndexed = db.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(NAME_INDEX) !== undefined;
    this.#forgetUnfinished();
    this.#insert = this.#prepareInsert();
  }

  get isIndexed(): boolean {
    return this.#isIndexed;
  }

  /** Adds rows; in the first pass straight to the files, without an index, later to a spool. */
  add(batch: readonly ListedFile[], now: number): void {
    this.#begin();
    const { one, many } = this.#insert;
    const whole = batch.length - (batch.length % ROWS);
    for (let at = 0; at < whole; at += ROWS)
      many.run(...batch.slice(at, at + ROWS).flatMap((file) => this.#values(file, now)));
    for (const file of batch.slice(whole)) one.run(...this.#values(file, now));
  }

  /** Ends the pass. `shift` is told how many files there are in each state now: more, or fewer. */
  finish(now: number, again: boolean, shift: Shift): ListingResult {
    this.#begin();
    const result = this.#isIndexed ? this.#merge(now, again, shift) : this.#buildIndex(shift);
    this.#isRunning = false;
    return result;
  }

  /** After the transaction of `finish`: from now on names are unique. */
  committed(): void {
    if (this.#isIndexed) return;
    this.#isIndexed = true;
    this.#insert = this.#prepareInsert();
  }

  #begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
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

  /** The first pass: every row is PLANNED, and of a name listed twice the later row counts. */
  #buildIndex(shift: Shift): ListingResult {
    const count = () => Number(this.db.prepare("SELECT count(*) AS n FROM files").get()!.n);
    const build = `CREATE UNIQUE INDEX ${NAME_INDEX} ON files(name)`;
    try {
      this.db.exec(build);
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_CONSTRAINT) throw error;
      const listed = count();
      this.db.exec(`
        CREATE INDEX listed_twice ON files(name);
        DELETE FROM files WHERE EXISTS (SELECT 1 FROM files later WHERE later.name = files.name AND later.id > files.id);
        DROP INDEX listed_twice;
        ${build};
      `);
      shift("PLANNED", count() - listed);
    }
    this.hasNews = true;
    return { added: count(), replanned: 0 };
  }

  /**
   * By sorting, not by looking up one name after the other: the index is read in its order, and then the files in theirs,
   * so that it takes as long for each of a hundred million names as for each of a million.
   */
  #merge(now: number, again: boolean, shift: Shift): ListingResult {
    // The row with the highest id of each name: SQLite takes the other columns from the row of max().
    // CROSS JOIN: the names of the listing, in order, looked up in the index; never the other way round.
    this.db.exec(`
      DROP TABLE IF EXISTS temp.latest; DROP TABLE IF EXISTS temp.known; DROP TABLE IF EXISTS temp.changed;
      CREATE TEMP TABLE latest AS SELECT name, size, mtime, coarse, max(id) AS id FROM temp.spool GROUP BY name;
      CREATE TEMP TABLE known AS SELECT f.id AS id, l.size, l.mtime, l.coarse
        FROM latest l CROSS JOIN files f INDEXED BY ${NAME_INDEX} ON f.name = l.name ORDER BY f.id;
      CREATE TEMP TABLE changed(id INTEGER PRIMARY KEY, size, mtime, state);
      INSERT INTO changed SELECT f.id, l.size, l.mtime, f.state
        FROM known l CROSS JOIN files f ON f.id = l.id WHERE ${isPlannedAgain(this.pass, again)};
    `);
    const replanned = this.#countReplanned(shift);
    this.db.exec(replan(now, this.pass));
    const insert = this.db.prepare(`
      INSERT INTO files(name, size, mtime, pass, updated, state, attempt, tries)
      SELECT name, size, mtime, ?, ?, ${PLANNED}, 0, 0 FROM latest l
      WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.name = l.name)`);
    const added = insert.run(this.pass, now);
    this.hasNews ||= added > 0;
    shift("PLANNED", added + replanned);
    this.db.exec("DROP TABLE latest; DROP TABLE known; DROP TABLE changed; DELETE FROM temp.spool");
    return { added, replanned };
  }

  /** Takes files that are planned again from their states; gives how many they are. */
  #countReplanned(shift: Shift): number {
    const counts = this.db.prepare("SELECT state, count(*) AS files FROM changed GROUP BY state");
    let replanned = 0;
    this.hasNews = false;
    for (const { state, files } of counts.all<{ state: number; files: number }>()) {
      this.hasNews = true;
      if (state === PLANNED) continue;
      shift(stateOf(state), -files);
      replanned += files;
    }
    return replanned;
  }
}

/**
 * What a listed name means for the row `f` there is, `l` being the listing's:
 *
 *   CLAIMED                        left alone: the mover itself looks at the source again before it deletes
 *   PLANNED                        takes the new size and mtime
 *   settled during this pass       left alone: the listing may have read it before
 *   GONE                           is back: planned again
 *   DONE, SKIPPED_SAME             planned again where size or mtime differ, or always (`again`)
 *   CONFLICT, FAILED               planned again where size or mtime differ
 *
 * What either side does not know differs from nothing: `<>` with NULL is not true.
 */
function isPlannedAgain(pass: number, again: boolean): string {
  // A coarse time is that of the minute or the day, cut off.
  const late = "f.mtime - l.mtime";
  const differs = `(l.size <> f.size OR ${late} < 0 OR ${late} >= coalesce(l.coarse, 1))`;
  const settled = (["DONE", "SKIPPED_SAME"] as const).map(stateCode).join(", ");
  const refused = (["CONFLICT", "FAILED"] as const).map(stateCode).join(", ");
  return `CASE
    WHEN f.state = ${PLANNED} THEN ${differs}
    WHEN f.state = ${stateCode("CLAIMED")} OR f.pass >= ${pass} THEN 0
    WHEN f.state = ${stateCode("GONE")} THEN 1
    WHEN f.state IN (${settled}) THEN ${again ? 1 : differs}
    WHEN f.state IN (${refused}) THEN ${differs}
  END`;
}

/** The attempt goes on counting: the temporary name of an earlier one may still exist. */
function replan(now: number, pass: number): string {
  const code = `iif(files.state = ${stateCode("GONE")} AND files.pass = ${pass - 1}, '${LISTED}', NULL)`;
  return `
    UPDATE files SET size = coalesce(c.size, files.size), mtime = coalesce(c.mtime, files.mtime), updated = ${now}
      FROM changed c WHERE c.id = files.id;
    UPDATE files SET state = ${PLANNED}, tries = 0, not_before = 0, target = NULL, dest_before = NULL, code = ${code}, error = NULL
      FROM changed c WHERE c.id = files.id AND c.state <> ${PLANNED};
  `;
}
