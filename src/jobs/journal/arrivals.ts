/** Listed files that are not taken at once: those that may still be written, and those whose done file is missing. */
import type { ListedFile } from "./listing.js";
import { fromColumn, stateCode, toColumn } from "./schema.js";
import { attachScratch } from "./scratch.js";
import type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from "./sqlite.js";

/** A file that was listed, and is to be looked at before it is planned. */
export interface Arrival {
  readonly name: string;
  readonly size: number | undefined;
  readonly mtime: number | undefined;
  /** Milliseconds since 1970: when that was seen. */
  readonly seen: number;
  /** `time`: the time is not exact. `kind`: nothing says that it is a file. */
  readonly vague: "time" | "kind" | undefined;
}

/** A done file and the file it stands for; names as in the journal. */
export interface Pair {
  readonly done: string;
  readonly file: string;
}

const VAGUE = [undefined, "time", "kind"] as const;
/** Of one look. */
const LOOK = `
  CREATE TABLE look.arrivals(
    id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER, seen INTEGER NOT NULL, vague INTEGER NOT NULL);
  CREATE TABLE look.done_files(name PRIMARY KEY) WITHOUT ROWID;
`;
const TABLES = `
  DROP TABLE IF EXISTS main.arrivals; -- of an earlier polywire, as is "done_files"
  DROP TABLE IF EXISTS main.done_files;
  CREATE TABLE IF NOT EXISTS unchanged(
    name PRIMARY KEY, size INTEGER, mtime INTEGER, since INTEGER NOT NULL, look INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS done_pairs(
    done NOT NULL, file NOT NULL, promoted INTEGER NOT NULL, PRIMARY KEY(done, file)) WITHOUT ROWID;
`;
/** Rows read at a time. */
const PAGE = 500;
/** Rows looked at at a time. */
const SPAN = 5_000;
const ARRIVED = (["DONE", "SKIPPED_SAME"] as const).map(stateCode).join(", ");
const OVER = (["DONE", "SKIPPED_SAME", "GONE"] as const).map(stateCode).join(", ");

const SQL = {
  add: "INSERT INTO look.arrivals(name, size, mtime, seen, vague) VALUES(?, ?, ?, ?, ?)",
  page: `SELECT id, name, size, mtime, seen, vague FROM look.arrivals WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
  // Of a file that was seen the same before, the moment of that look stays.
  look: `INSERT INTO unchanged VALUES(?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET
    since = CASE WHEN size IS excluded.size AND mtime IS excluded.mtime THEN min(since, excluded.since)
      ELSE excluded.since END,
    size = excluded.size, mtime = excluded.mtime, look = excluded.look`,
  since: "SELECT since FROM unchanged WHERE name = ?",
  addDone: "INSERT OR IGNORE INTO look.done_files VALUES(?)",
  hasDone: "SELECT 1 FROM look.done_files WHERE name = ?",
  pair: "INSERT OR REPLACE INTO done_pairs VALUES(?, ?, 0)",
  promote: "UPDATE done_pairs SET promoted = 1 WHERE done = ?",
  forget: "DELETE FROM done_pairs WHERE done = ?",
  target: `SELECT f.name, f.target FROM done_pairs p JOIN files f ON f.name = p.file
    WHERE p.done = ? AND p.promoted = 1 ORDER BY f.state NOT IN (${ARRIVED}), p.file LIMIT 1`,
} as const;

/** Statements over rows whose key lies between two. */
const SPANS = {
  over: (within: string) => `SELECT p.done FROM done_pairs p CROSS JOIN files f ON f.name = p.file
    WHERE p.promoted = 0 AND ${within} GROUP BY p.done HAVING max(f.state IN (${ARRIVED})) AND min(f.state IN (${OVER}))`,
  forgetMoved: (within: string) => `DELETE FROM done_pairs WHERE promoted = 1 AND ${within}
    AND EXISTS (SELECT 1 FROM files f WHERE f.name = done_pairs.done AND f.state IN (${ARRIVED}))`,
  unseen: (within: string) => `DELETE FROM unchanged WHERE ${within} AND look < ?`,
} as const;

/** One look is one listing; what earlier looks saw is remembered, by later runs of the journal, too. */
export class Arrivals {
  readonly #db: SqlDatabase;
  readonly #sql: Record<keyof typeof SQL, SqlStatement>;
  #look: number;

  constructor(db: SqlDatabase) {
    this.#db = db;
    db.exec(TABLES);
    attachScratch(db, "look", LOOK);
    this.#sql = Object.fromEntries(
      Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as unknown as Record<keyof typeof SQL, SqlStatement>;
    this.#look = Number(db.prepare("SELECT coalesce(max(look), 0) AS look FROM unchanged").get()!.look);
  }

  /** A look begins. */
  begin(): void {
    this.#look++;
    attachScratch(this.#db, "look", LOOK);
  }

  /** Files that are to be looked at, seen at `now` (milliseconds since 1970). */
  add(batch: readonly ListedFile[], now: number): void {
    if (batch.length === 0) return;
    this.#db.transaction(() => {
      for (const { name, size, mtime, coarse, unsure } of batch) {
        const vague = unsure ? "kind" : coarse !== undefined || size === undefined ? "time" : undefined;
        this.#sql.add.run(toColumn(name), size ?? null, mtime ?? null, now, VAGUE.indexOf(vague));
      }
    });
  }

  /** Done files that are there. */
  addDone(names: readonly string[]): void {
    if (names.length === 0) return;
    this.#db.transaction(() => {
      for (const name of names) this.#sql.addDone.run(toColumn(name));
    });
  }

  hasDone(name: string): boolean {
    return this.#sql.hasDone.get(toColumn(name)) !== undefined;
  }

  /** What this look brought, as it was listed, in groups. */
  *pages(): IterableIterator<Arrival[]> {
    for (let rows = this.#sql.page.all(0); rows.length > 0; rows = this.#sql.page.all(rows.at(-1)!.id!)) {
      yield rows.map(toArrival);
    }
  }

  /** Notes how files are now. Gives for each since when it has been so, in milliseconds since 1970. */
  unchangedSince(files: readonly Arrival[]): number[] {
    return this.#db.transaction(() =>
      files.map(({ name, size, mtime, seen }) => {
        const column = toColumn(name);
        this.#sql.look.run(column, size ?? null, mtime ?? null, seen, this.#look);
        return Number(this.#sql.since.get(column)!.since);
      }),
    );
  }

  /** The look is over: what it did not see is forgotten. @returns A step for every some thousand files. */
  *ending(): Generator<void, void, undefined> {
    attachScratch(this.#db, "look", LOOK);
    for (const { within, bounds } of this.#spans("unchanged", "name")) {
      this.#db.prepare(SPANS.unseen(within)).run(...bounds, this.#look);
      yield;
    }
  }

  /** Files that are planned, and their done files. */
  pair(pairs: readonly Pair[]): void {
    if (pairs.length === 0) return;
    this.#db.transaction(() => {
      for (const { done, file } of pairs) this.#sql.pair.run(toColumn(done), toColumn(file));
    });
  }

  /** Done files whose files are all safe, in groups, some of them empty. What is done with them is done with a group. */
  *over(): Generator<string[], void, undefined> {
    for (const { within, bounds } of this.#spans("done_pairs", "done")) {
      const rows = this.#db.prepare(SPANS.over(within)).all(...bounds);
      yield rows.map(({ done }) => fromColumn(done!));
    }
  }

  /** These are to be moved themselves: see {@link targetOf}. */
  promote(done: readonly string[]): void {
    this.#db.transaction(() => {
      for (const name of done) this.#sql.promote.run(toColumn(name));
    });
  }

  /** These are gone. */
  forget(done: readonly string[]): void {
    this.#db.transaction(() => {
      for (const name of done) this.#sql.forget.run(toColumn(name));
    });
  }

  /** Those that were to be moved, and were, are forgotten. @returns A step for every some thousand. */
  *forgettingMoved(): Generator<void, void, undefined> {
    for (const { within, bounds } of this.#spans("done_pairs", "done")) {
      this.#db.prepare(SPANS.forgetMoved(within)).run(...bounds);
      yield;
    }
  }

  /** Some thousand rows of a table after the other. */
  *#spans(table: string, key: string): Generator<{ within: string; bounds: SqlValue[] }, void, undefined> {
    const next = this.#db.prepare(`SELECT ${key} AS last FROM ${table} WHERE ${key} > ?
      ORDER BY ${key} LIMIT 1 OFFSET ${SPAN - 1}`);
    // No name is empty.
    for (let after: SqlValue | undefined = ""; after !== undefined; ) {
      const last: SqlValue | undefined = next.all(after)[0]?.last;
      const within = `${key} > ?${last === undefined ? "" : ` AND ${key} <= ?`}`;
      yield { within, bounds: last === undefined ? [after] : [after, last] };
      after = last;
    }
  }

  /** Where the file went whose done file this is; undefined where it is no promoted one. */
  targetOf(done: string): string | undefined {
    const row = this.#sql.target.get(toColumn(done));
    return row && fromColumn(row.target ?? row.name!);
  }
}

function toArrival(row: SqlRow): Arrival {
  const known = (value: unknown) => (value === null ? undefined : Number(value));
  return {
    name: fromColumn(row.name!),
    size: known(row.size),
    mtime: known(row.mtime),
    seen: row.seen as number,
    vague: VAGUE[row.vague as number],
  };
}
