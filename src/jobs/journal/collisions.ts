/** Files of one job that would get one name: found in flat memory, however many there are, before anything moves. */
import { displayName } from "../../ftp/name.js";
import { pages } from "../move/pages.js";
import { fromColumn, stateCode, toColumn } from "./schema.js";
import { SLICE, type SortedRange, SortedRuns } from "./sorted-runs.js";
import type { SqlDatabase, SqlRow } from "./sqlite.js";

/** Gives the path of a file, relative to the target folder; throws where it has none. */
export type Targeting = (file: { name: string; size: number | undefined; mtime: number | undefined }) => string;

/** The code of such a conflict. */
export const COLLISION = "COLLISION";

const [PLANNED, CLAIMED, CONFLICT] = [stateCode("PLANNED"), stateCode("CLAIMED"), stateCode("CONFLICT")];
/** Rows read at a time, and of one INSERT: a call per row costs more than the row. */
const PAGE = 5_000;
const ROWS = 50;
/** Ids looked at at a time. */
const SPAN = 100_000;

interface Twin {
  readonly id: number;
  readonly name: string;
  readonly target: string;
  readonly isPlanned: boolean;
}

/**
 * Looks at every file that is planned or under way. Where two of them have one target, those that are planned become
 * CONFLICT, with code `COLLISION`, and wait for a next run. Only hashes of the targets are kept (about 20 bytes a file);
 * what has the same one is compared itself.
 *
 * @param target As `route` of `claim`; files it refuses are left to `claim`.
 * @param keepFirst The first file of each target stays planned. Default: false.
 * @param moved Called with how many became CONFLICT, within the same transaction.
 * @param slice Rows of a range. Default: {@link SLICE}.
 * @returns A step for every some thousand files, so that the process can do other things; the last one gives how many
 *   files became CONFLICT.
 */
export function* findCollisions(
  db: SqlDatabase,
  target: Targeting,
  pass: number,
  moved: (files: number) => void,
  keepFirst = false,
  slice = SLICE,
): Generator<void, number, undefined> {
  db.exec("DROP TABLE IF EXISTS main.hashes; DROP TABLE IF EXISTS main.twins"); // of an earlier polywire
  const hashes = new SortedRuns(db, "hashes", ["hash", "file"], 2, slice);
  try {
    yield* hashAll(db, hashes, target);
    let files = 0;
    for (const range of hashes.ranges()) {
      for (const twins of pagesOfTwins(db, range, target, keepFirst)) {
        files += db.transaction(() => {
          const found = mark(db, twins, pass);
          moved(found);
          return found;
        });
        yield;
      }
      yield;
    }
    return files;
  } finally {
    hashes.drop();
  }
}

function* hashAll(db: SqlDatabase, hashes: SortedRuns, target: Targeting): Generator<void> {
  db.exec("DROP TABLE IF EXISTS temp.hashes; CREATE TEMP TABLE hashes(hash INTEGER NOT NULL, file INTEGER NOT NULL)");
  const insert = (rows: number) =>
    db.prepare(`INSERT INTO temp.hashes VALUES ${Array(rows).fill("(?, ?)").join(", ")}`);
  const [one, many] = [insert(1), insert(ROWS)];
  let some = 0;
  const sort = () => {
    if (some > 0) hashes.add("hash, file FROM temp.hashes ORDER BY hash, file");
    db.exec("DELETE FROM temp.hashes");
    some = 0;
  };
  for (const rows of pagesOfOpen(db)) {
    const found = rows.flatMap((row) => {
      const path = targetOf(row, target);
      return path === undefined ? [] : [[hashOf(path), row.id as number] as const];
    });
    some += found.length;
    db.transaction(() => {
      for (const part of pages(found, ROWS))
        if (part.length === ROWS) many.run(...part.flat());
        else for (const each of part) one.run(...each);
      if (some + PAGE > hashes.slice) sort();
    });
    yield;
  }
  db.transaction(sort);
}

/** Files that are planned or under way. Those found before stay in: the other one of two must not move because of that. */
function* pagesOfOpen(db: SqlDatabase): Generator<SqlRow[]> {
  const page = db.prepare(`SELECT id, name, size, mtime, state, target FROM files WHERE id > ? AND id <= ?
    AND (state IN (${PLANNED}, ${CLAIMED}) OR (state = ${CONFLICT} AND code = '${COLLISION}')) ORDER BY id LIMIT ${PAGE}`);
  const last = Number(db.prepare("SELECT coalesce(max(id), 0) AS id FROM files").get()!.id);
  for (let after = 0; after < last; ) {
    const rows = page.all(after, after + SPAN);
    after = rows.length < PAGE ? after + SPAN : (rows.at(-1)!.id as number);
    yield rows;
  }
}

/** Files whose targets have one hash, all of a hash together. */
function* pagesOfTwins(db: SqlDatabase, { from, bounds }: SortedRange, target: Targeting, keepFirst: boolean) {
  db.exec(`
    DROP TABLE IF EXISTS temp.twins;
    CREATE TEMP TABLE twins(hash INTEGER, file INTEGER, PRIMARY KEY(hash, file)) WITHOUT ROWID;
  `);
  const several = `SELECT hash, file FROM
    (SELECT s.hash AS hash, s.file AS file, count(*) OVER (PARTITION BY s.hash) AS n FROM ${from}) WHERE n > 1`;
  if (db.prepare(`INSERT INTO temp.twins ${several}`).run(...bounds) === 0) return;
  const page = db.prepare(`
    SELECT t.hash, f.id, f.name, f.size, f.mtime, f.state, f.target FROM temp.twins t CROSS JOIN files f ON f.id = t.file
    WHERE (t.hash, t.file) > (?, ?) ORDER BY t.hash, t.file LIMIT ${PAGE}`);
  // Of each target of a hash, the first file: the second one is what makes it a conflict.
  let firsts = new Map<string, Twin | undefined>();
  let hash: unknown;
  for (let rows = page.all(Number.MIN_SAFE_INTEGER, 0); rows.length > 0; ) {
    const twins: Twin[] = [];
    for (const row of rows) {
      if (row.hash !== hash) firsts = new Map();
      hash = row.hash;
      twins.push(...twinsOf(row, target, firsts).slice(keepFirst ? -1 : 0));
    }
    if (twins.length > 0) yield twins;
    const last = rows.at(-1)!;
    rows = page.all(last.hash!, last.id!);
  }
}

function twinsOf(row: SqlRow, target: Targeting, firsts: Map<string, Twin | undefined>): Twin[] {
  const path = targetOf(row, target);
  if (path === undefined) return [];
  const twin = {
    id: row.id as number,
    name: fromColumn(row.name!),
    target: path,
    isPlanned: row.state === PLANNED,
  };
  if (!firsts.has(path)) {
    firsts.set(path, twin);
    return [];
  }
  const first = firsts.get(path);
  firsts.set(path, undefined);
  return first ? [first, twin] : [twin];
}

function mark(db: SqlDatabase, twins: readonly Twin[], pass: number): number {
  const update = db.prepare(
    `UPDATE files SET state = ${CONFLICT}, pass = ?, updated = ?, not_before = NULL, target = ?, code = '${COLLISION}',
      error = ? WHERE id = ? AND state = ${PLANNED}`,
  );
  let files = 0;
  for (const { id, name, target, isPlanned } of twins) {
    if (!isPlanned) continue;
    const error = `another file of this move has the same target, ${displayName(target)}`;
    files += update.run(pass, Date.now(), target === name ? null : toColumn(target), error, id);
  }
  return files;
}

/** Under way, a file has the target it was claimed with. */
function targetOf(row: SqlRow, target: Targeting): string | undefined {
  const name = fromColumn(row.name!);
  if (row.state === CLAIMED) return row.target === null ? name : fromColumn(row.target!);
  const known = (value: unknown) => (value === null ? undefined : Number(value));
  try {
    return target({ name, size: known(row.size), mtime: known(row.mtime) });
  } catch {
    return undefined;
  }
}

/** 53 bits: of 10 million targets, less than one pair is expected to share one by chance. */
export function hashOf(text: string): number {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
    b ^= b >>> 13;
  }
  a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d);
  b = Math.imul(b ^ (b >>> 16), 0x297a2d39);
  return ((a ^ (a >>> 12)) >>> 0) * 0x200000 + ((b ^ (b >>> 15)) >>> 11);
}
