/** Names that the first listing gave twice, found before the files have an index: in slices. */
import { SortedRuns } from "./sorted-runs.js";
import type { SqlDatabase } from "./sqlite.js";

/**
 * Drops the files whose name a later file has, too.
 *
 * @param slice Rows at a time.
 * @param dropped Told within the transaction how many were dropped.
 * @returns A step for each slice.
 */
export function* dropDuplicates(
  db: SqlDatabase,
  slice: number,
  dropped: (files: number) => void,
): Generator<void, void, undefined> {
  const names = new SortedRuns(db, "twice", ["name", "id"], 2, slice);
  try {
    const last = Number(db.prepare("SELECT max(id) AS id FROM main.files").get()!.id);
    for (let at = 0; at < last; at += slice) {
      names.add("name, id FROM main.files WHERE id > ? AND id <= ? ORDER BY name, id", at, at + slice);
      yield;
    }
    for (const { from, bounds } of names.ranges()) {
      const drop = db.prepare(`DELETE FROM main.files WHERE id IN (SELECT id FROM (
        SELECT s.id AS id, row_number() OVER (PARTITION BY s.name ORDER BY s.id DESC) AS n FROM ${from}) WHERE n > 1)`);
      db.transaction(() => dropped(drop.run(...bounds)));
      yield;
    }
  } finally {
    names.drop();
  }
}
