/** Listing passes: names go in at full speed, and are sorted out when the listing is complete. */
import { NAME_INDEX, stateCode, toColumn } from "./schema.js";
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

const SPOOL = `
  DROP TABLE IF EXISTS spool;
  CREATE TABLE spool(id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER, coarse INTEGER);
`;

/** The listing side of a journal. */
export class Listing {
  /** True once a first listing is complete: names are unique then. */
  #isIndexed: boolean;
  #isRunning = false;
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

  /** Ends the pass. The caller counts the states anew. */
  finish(now: number, again: boolean): ListingResult {
    this.#begin();
    const result = this.#isIndexed ? this.#merge(now, again) : this.#buildIndex();
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
      this.db.exec(`${SPOOL} DROP TABLE IF EXISTS latest`);
      if (!this.#isIndexed) this.db.exec("DELETE FROM files; DELETE FROM totals");
    });
  }

  #values({ name, size, mtime, coarse }: ListedFile, now: number) {
    const columns = [toColumn(name), size ?? null, mtime ?? null];
    return this.#isIndexed ? [...columns, coarse ?? null] : [...columns, this.pass, now];
  }

  #prepareInsert(): { one: SqlStatement; many: SqlStatement } {
    const [into, row] = this.#isIndexed
      ? ["spool(name, size, mtime, coarse)", "(?, ?, ?, ?)"]
      : ["files(name, size, mtime, pass, updated, state, attempt, tries)", `(?, ?, ?, ?, ?, ${PLANNED}, 0, 0)`];
    const insert = (rows: number) => this.db.prepare(`INSERT INTO ${into} VALUES ${Array(rows).fill(row).join(", ")}`);
    return { one: insert(1), many: insert(ROWS) };
  }

  /** The first pass: every row is PLANNED, and of a name listed twice the later row counts. */
  #buildIndex(): ListingResult {
    const build = `CREATE UNIQUE INDEX ${NAME_INDEX} ON files(name)`;
    try {
      this.db.exec(build);
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_CONSTRAINT) throw error;
      this.db.exec(`
        CREATE INDEX listed_twice ON files(name);
        DELETE FROM files WHERE EXISTS (SELECT 1 FROM files later WHERE later.name = files.name AND later.id > files.id);
        DROP INDEX listed_twice;
        ${build};
      `);
    }
    return { added: Number(this.db.prepare("SELECT count(*) AS n FROM files").get()!.n), replanned: 0 };
  }

  #merge(now: number, again: boolean): ListingResult {
    // The row with the highest id of each name: SQLite takes the other columns from the row of max().
    this.db.exec(`
      CREATE TABLE latest AS SELECT name, size, mtime, coarse, max(id) AS id FROM spool GROUP BY name;
      DROP TABLE IF EXISTS temp.changed;
      CREATE TEMP TABLE changed(id INTEGER PRIMARY KEY, size, mtime, again);
    `);
    // CROSS JOIN: the names of the listing, in order, looked up in the index; never the other way round.
    const changed = this.db.prepare(`
      INSERT INTO changed SELECT f.id, l.size, l.mtime, f.state <> ${PLANNED}
      FROM latest l CROSS JOIN files f INDEXED BY ${NAME_INDEX} ON f.name = l.name WHERE ${isPlannedAgain(this.pass, again)}`);
    changed.run();
    const replanned = this.db.prepare("SELECT count(*) AS n FROM changed WHERE again").get()!.n as number;
    this.db.exec(replan(now));
    const insert = this.db.prepare(`
      INSERT INTO files(name, size, mtime, pass, updated, state, attempt, tries)
      SELECT name, size, mtime, ?, ?, ${PLANNED}, 0, 0 FROM latest l
      WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.name = l.name)`);
    const added = insert.run(this.pass, now);
    this.db.exec("DROP TABLE latest; DROP TABLE changed; DELETE FROM spool");
    return { added, replanned };
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
function replan(now: number): string {
  return `
    UPDATE files SET size = coalesce(c.size, files.size), mtime = coalesce(c.mtime, files.mtime), updated = ${now}
      FROM changed c WHERE c.id = files.id;
    UPDATE files SET state = ${PLANNED}, tries = 0, not_before = 0, target = NULL, dest_before = NULL, code = NULL, error = NULL
      FROM changed c WHERE c.id = files.id AND c.again;
  `;
}
