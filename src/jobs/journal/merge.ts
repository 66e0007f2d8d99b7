/** A listing of names that are known, or not, into the files of a journal: in slices, with turns for others between them. */
import { type FileState, LISTED, NAME_INDEX, stateCode, stateOf } from "./schema.js";
import { type SortedRange, SortedRuns } from "./sorted-runs.js";
import type { SqlDatabase } from "./sqlite.js";

const PLANNED = stateCode("PLANNED");

/** Temporary tables of one slice. */
export const SLICES = `
  CREATE TEMP TABLE IF NOT EXISTS latest(name PRIMARY KEY, size, mtime, coarse) WITHOUT ROWID;
  CREATE TEMP TABLE IF NOT EXISTS changed(id INTEGER PRIMARY KEY, size, mtime, state);
`;

/** What a merge works with. */
export interface Merging {
  readonly db: SqlDatabase;
  /** The listing: name, size, mtime, coarse. Of a name, the row of the last run counts. */
  readonly names: SortedRuns;
  /** Rows of a slice. */
  readonly slice: number;
  readonly pass: number;
  readonly now: number;
  readonly again: boolean;
  /** Told within the transaction: so many files more, or fewer, are in a state. */
  shift(state: FileState, files: number): void;
  /** Told within the transaction: something was not known, or known otherwise. */
  onNews(): void;
  /** Told of each slice that is in the journal. */
  merged(added: number, replanned: number): void;
}

/**
 * By sorting, not by looking up one name after the other: the index is read in its order, and then the files in theirs,
 * so that it takes as long for each of a hundred million names as for each of a million.
 *
 * Each slice is a transaction, and right by itself: what a name means depends on its own row only, and is found out when
 * that is changed. So files may be claimed and settled between two, and a merge that was cut short is done again.
 *
 * @returns A step for each slice.
 */
export function* mergeNames(at: Merging): Generator<void, void, undefined> {
  const { db, names, slice } = at;
  const known = new SortedRuns(db, "known", ["id", "size", "mtime", "coarse"], 1, slice);
  try {
    for (const range of names.ranges()) {
      at.merged(
        db.transaction(() => addUnknown(at, range, known)),
        0,
      );
      yield;
    }
    for (const range of known.ranges()) {
      at.merged(
        0,
        db.transaction(() => planAgain(at, range)),
      );
      yield;
    }
  } finally {
    known.drop();
  }
}

/** Plans the names of a range that are new, and notes the files of the others. */
function addUnknown(at: Merging, { from, bounds }: SortedRange, known: SortedRuns): number {
  const { db, pass, now } = at;
  db.exec("DELETE FROM temp.latest");
  const latest = `INSERT OR REPLACE INTO temp.latest
    SELECT s.name, s.size, s.mtime, s.coarse FROM ${from} ORDER BY s.name, s.run`;
  const listed = db.prepare(latest).run(...bounds);
  // CROSS JOIN: the names of the listing, in order, looked up in the index; never the other way round.
  const found = known.add(`f.id, l.size, l.mtime, l.coarse
    FROM temp.latest l CROSS JOIN main.files f INDEXED BY ${NAME_INDEX} ON f.name = l.name ORDER BY f.id`);
  // A name that was listed twice was counted twice.
  if (listed === found) return 0;
  const insert = db.prepare(`
    INSERT INTO main.files(name, size, mtime, pass, updated, state, attempt, tries)
    SELECT name, size, mtime, ?, ?, ${PLANNED}, 0, 0 FROM temp.latest l
    WHERE NOT EXISTS (SELECT 1 FROM main.files f WHERE f.name = l.name)`);
  const added = insert.run(pass, now);
  at.shift("PLANNED", added);
  at.onNews();
  return added;
}

/** Files of a range that are to be planned again, are. */
function planAgain(at: Merging, { from, bounds }: SortedRange): number {
  const { db, pass, now, again } = at;
  const changed = db.prepare(`INSERT INTO temp.changed SELECT f.id, s.size, s.mtime, f.state
    FROM ${from} CROSS JOIN main.files f ON f.id = s.id WHERE ${isPlannedAgain(pass, again)}`);
  if (changed.run(...bounds) === 0) return 0;
  const counts = db.prepare("SELECT state, count(*) AS files FROM temp.changed GROUP BY state");
  let replanned = 0;
  for (const { state, files } of counts.all<{ state: number; files: number }>()) {
    if (state === PLANNED) continue;
    at.shift(stateOf(state), -files);
    replanned += files;
  }
  at.shift("PLANNED", replanned);
  db.exec(`${replan(now, pass)} DELETE FROM temp.changed`);
  at.onNews();
  return replanned;
}

/**
 * What a listed name means for the row `f` there is, `s` being the listing's:
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
  const late = "f.mtime - s.mtime";
  const differs = `(s.size <> f.size OR ${late} < 0 OR ${late} >= coalesce(s.coarse, 1))`;
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

/**
 * The attempt goes on counting: the temporary name of an earlier one may still exist. `+`: the files of the slice are looked
 * up; never all files read to look for each in the slice.
 */
function replan(now: number, pass: number): string {
  const code = `iif(files.state = ${stateCode("GONE")} AND files.pass = ${pass - 1}, '${LISTED}', NULL)`;
  return `
    UPDATE main.files SET size = coalesce(c.size, files.size), mtime = coalesce(c.mtime, files.mtime), updated = ${now}
      FROM temp.changed c WHERE files.id = +c.id;
    UPDATE main.files SET state = ${PLANNED}, tries = 0, not_before = 0, target = NULL, dest_before = NULL, code = ${code}, error = NULL
      FROM temp.changed c WHERE files.id = +c.id AND c.state <> ${PLANNED};
  `;
}
