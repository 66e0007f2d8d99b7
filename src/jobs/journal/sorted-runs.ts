/** Sorts millions of rows without a long statement: runs that are sorted each by itself, then all of them range by range. */
import { attachScratch, dropScratch } from "./scratch.js";
import type { SqlDatabase, SqlValue } from "./sqlite.js";

/** Rows handled at a time: some ten milliseconds. */
export const SLICE = 20_000;
/** Of a run's keys, about so many are remembered, at random: what the bounds of ranges are made of. */
const MARKS = 200;

/** The rows of all runs with keys between two bounds: what stands behind FROM, `s` being the rows; and its parameters. */
export interface SortedRange {
  readonly from: string;
  readonly bounds: readonly SqlValue[];
}

/**
 * Rows on the disk, in a nameless database of their own: it is gone with the process, and at once when it is dropped. A
 * run is one INSERT of rows in order, and so goes to the end of the table; a range is read with one seek for each run.
 */
export class SortedRuns {
  readonly #db: SqlDatabase;
  readonly #name: string;
  readonly #key: string;
  #runs = 0;

  /**
   * Not within a transaction.
   *
   * @param name Of the database; one of that name is dropped.
   * @param columns The first is the key.
   * @param unique Columns at the beginning that make a row of a run unique.
   * @param slice Rows of a run and, about, of a range.
   */
  constructor(
    db: SqlDatabase,
    name: string,
    columns: readonly string[],
    unique: number,
    readonly slice: number,
  ) {
    this.#db = db;
    this.#name = name;
    this.#key = columns[0] as string;
    const once = columns.slice(0, unique).join(", ");
    attachScratch(
      db,
      name,
      `
      CREATE TABLE ${name}.runs(run INTEGER PRIMARY KEY);
      CREATE TABLE ${name}.marks(key, run, PRIMARY KEY(key, run)) WITHOUT ROWID;
      CREATE TABLE ${name}.sorted(run INTEGER, ${columns.join(", ")}, PRIMARY KEY(run, ${once})) WITHOUT ROWID;
    `,
    );
  }

  /**
   * Adds a run: a slice of rows at most. Of rows that are not unique, the last one stays.
   *
   * @param select What stands behind SELECT: the columns of the rows, FROM …, ORDER BY the key.
   * @returns How many rows.
   */
  add(select: string, ...parameters: readonly SqlValue[]): number {
    const [name, key, run] = [this.#name, this.#key, ++this.#runs];
    const step = Math.max(1, Math.floor(this.slice / MARKS));
    const rows = this.#db.prepare(`INSERT OR REPLACE INTO ${name}.sorted SELECT ${run}, ${select}`).run(...parameters);
    if (rows === 0) return 0;
    this.#db.exec(`
      INSERT INTO ${name}.runs VALUES(${run});
      INSERT OR IGNORE INTO ${name}.marks
        SELECT ${key}, run FROM ${name}.sorted WHERE run = ${run} AND random() % ${step} = 0;
    `);
    return rows;
  }

  /** All rows, in ranges of about a slice; rows of one key are in one range. */
  *ranges(): Generator<SortedRange, void, undefined> {
    const [name, key] = [this.#name, this.#key];
    const marks = Math.min(MARKS, this.slice);
    const next = (after: string) =>
      this.#db.prepare(`SELECT key FROM ${name}.marks ${after} ORDER BY key, run LIMIT 1 OFFSET ${marks - 1}`);
    const [first, later] = [next(""), next("WHERE key > ?")];
    for (let lower: SqlValue[] = [], end = false; !end; ) {
      const upper = (lower.length === 0 ? first.all() : later.all(...lower)).map((row) => row.key as SqlValue);
      end = upper.length === 0;
      const within = `${end ? "" : `AND s.${key} <= ?`} ${lower.length === 0 ? "" : `AND s.${key} > ?`}`;
      const from = `${name}.runs r CROSS JOIN ${name}.sorted s ON s.run = r.run ${within}`;
      yield { from, bounds: [...upper, ...lower] };
      lower = upper;
    }
  }

  /** Forgets all. Not within a transaction; safe twice. */
  drop(): void {
    try {
      dropScratch(this.#db, this.#name);
    } catch {
      // A statement that failed may hold it: its error is the one that counts. The next one of this name drops it.
    }
  }
}
