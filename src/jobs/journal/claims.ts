/** Claiming and settling: how files go from PLANNED to CLAIMED and on, and how many are in each state. */

import { encodeDigest } from "./digest.js";
import { FILE_COLUMNS, type JournalFile } from "./reader.js";
import { DEST_BEFORE, type DestBefore, type FileState, KEPT, LISTED, stateCode, stateOf, toColumn } from "./schema.js";
import type { SqlDatabase, SqlRow, SqlStatement } from "./sqlite.js";

/** A file that was claimed: its temporary name is there. */
export interface ClaimedFile extends JournalFile {
  state: "CLAIMED";
  temp: string;
}

/** What was found before a transfer. */
export interface ProbedFile {
  id: number;
  destBefore: DestBefore;
  /** See {@link JournalFile.fxp}. Default: false. */
  fxp?: boolean | undefined;
  /** Bytes and milliseconds since 1970: the source as it is now, where it was asked. Default: as planned. */
  size?: number | undefined;
  mtime?: number | undefined;
}

/** How a claimed file ended. */
export interface SettledFile {
  id: number;
  state: "DONE" | "SKIPPED_SAME" | "CONFLICT" | "FAILED" | "GONE";
  /** Bytes, where the transfer told. Default: as planned. */
  size?: number | undefined;
  /** A reply's code or Node's, for CONFLICT and FAILED. */
  code?: string | undefined;
  error?: string | undefined;
  /** Of the bytes that arrived, where it was computed: `sha256:9f86…`. */
  digest?: string | undefined;
  /** True where it was to have its source's time, and has that of the move. */
  untimed?: boolean | undefined;
}

/** A claimed file given back. */
export interface ReleasedFile {
  id: number;
  /** Milliseconds since 1970: not claimed again before. Default: at once. */
  notBefore?: number | undefined;
  code?: string | undefined;
  error?: string | undefined;
  /** False where the try does not count (the job was paused, the server was full). Default: true. */
  counts?: boolean | undefined;
  /** The source as it is now, to be planned anew (it changed). Default: as planned. */
  size?: number | undefined;
  mtime?: number | undefined;
}

const PLANNED = stateCode("PLANNED");
const CLAIMED = stateCode("CLAIMED");

const SQL = {
  // By time and then by id: both in the order of the index, so that a million waiting files need no sorting.
  waiting: `SELECT ${FILE_COLUMNS} FROM files INDEXED BY files_waiting
    WHERE not_before <= ? AND state = ${PLANNED} ORDER BY not_before, id LIMIT ?`,
  fresh: `SELECT ${FILE_COLUMNS} FROM files WHERE id > ? AND state = ${PLANNED} AND not_before IS NULL ORDER BY id LIMIT ?`,
  claim: `UPDATE files SET state = ${CLAIMED}, attempt = attempt + 1, tries = tries + 1, target = ?, dest_before = NULL,
    not_before = NULL, updated = ? WHERE id = ?`,
  refuse: `UPDATE files SET state = ${stateCode("FAILED")}, pass = ?, not_before = NULL, updated = ?, code = 'ROUTE', error = ?
    WHERE id = ?`,
  probed: `UPDATE files SET dest_before = ?, size = coalesce(?, size), mtime = coalesce(?, mtime), updated = ?
    WHERE id = ? AND state = ${CLAIMED}`,
  retarget: `UPDATE files SET target = ?, updated = ?,
    dest_before = iif(dest_before >= ${DEST_BEFORE.length}, ${DEST_BEFORE.length}, 0) WHERE id = ? AND state = ${CLAIMED}`,
  settle: `UPDATE files SET state = ?, pass = ?, updated = ?, size = coalesce(?, size), code = ?, error = ?, digest = ?
    WHERE id = ? AND state = ${CLAIMED}`,
  release: `UPDATE files SET state = ${PLANNED}, updated = ?, not_before = ?, code = ?, error = ?, tries = tries - ?,
    size = coalesce(?, size), mtime = coalesce(?, mtime) WHERE id = ? AND state = ${CLAIMED}`,
  due: "SELECT min(not_before) AS due FROM files INDEXED BY files_waiting WHERE not_before IS NOT NULL",
  shift: "INSERT INTO totals VALUES(?, ?) ON CONFLICT(state) DO UPDATE SET files = files + excluded.files",
  byId: `SELECT ${FILE_COLUMNS} FROM files WHERE id = ?`,
  cursor: "INSERT OR REPLACE INTO meta VALUES('cursor', ?)",
  untimed: "INSERT INTO meta VALUES('untimed', ?) ON CONFLICT(key) DO UPDATE SET value = value + excluded.value",
} as const;

type Statements = Record<keyof typeof SQL, SqlStatement>;

const byId = (a: ClaimedFile, b: ClaimedFile) => a.id - b.id;

/** The working side of a journal. The caller wraps every call into a transaction. */
export class Claims {
  readonly #sql: Statements;

  constructor(
    readonly db: SqlDatabase,
    readonly toFile: (row: SqlRow) => JournalFile,
  ) {
    this.#sql = Object.fromEntries(Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])) as Statements;
  }

  claim(n: number, route: ((file: JournalFile) => string) | undefined, pass: number): ClaimedFile[] {
    const now = Date.now();
    const claimed: ClaimedFile[] = [];
    let refused = 0;
    while (claimed.length < n) {
      const rows = this.#candidates(n - claimed.length, now);
      if (rows.length === 0) break;
      for (const row of rows) {
        const file = this.#claimOne(row, route, pass, now);
        if (file) claimed.push(file);
        else refused++;
      }
    }
    this.shift("PLANNED", -claimed.length - refused);
    this.shift("CLAIMED", claimed.length);
    this.shift("FAILED", refused);
    return claimed.sort(byId);
  }

  /**
   * Fresh files lie in the order of their ids behind a cursor that only moves on, so no index over all states is
   * needed; whatever is planned a second time has a `not_before`, and with it a place in a small index.
   */
  #candidates(n: number, now: number): SqlRow[] {
    const rows = this.#sql.waiting.all(now, n);
    if (rows.length === n) return rows;
    const cursor = this.db.prepare("SELECT value FROM meta WHERE key = 'cursor'").get()?.value ?? 0;
    const fresh = this.#sql.fresh.all(cursor, n - rows.length);
    if (fresh.length > 0) this.#sql.cursor.run(fresh.at(-1)!.id!);
    return rows.concat(fresh);
  }

  #claimOne(row: SqlRow, route: ((file: JournalFile) => string) | undefined, pass: number, now: number) {
    const id = row.id as number;
    let target: string | Buffer | null = null;
    // The row is changed as the journal's is: a copy of each costs more than all else here.
    row.target = null;
    try {
      if (route) target = toColumn(route(this.toFile(row)));
    } catch (error) {
      this.#sql.refuse.run(pass, now, String((error as Error)?.message ?? error), id);
      return undefined;
    }
    if (target === row.name) target = null;
    this.#sql.claim.run(target, now, id);
    row.state = CLAIMED;
    row.attempt = (row.attempt as number) + 1;
    row.tries = (row.tries as number) + 1;
    row.target = target;
    row.dest_before = row.not_before = null;
    row.updated = now;
    return this.toFile(row) as ClaimedFile;
  }

  nextDue(): number | undefined {
    const due = this.#sql.due.get()?.due;
    return due == null ? undefined : Number(due);
  }

  probed(batch: readonly ProbedFile[]): void {
    const now = Date.now();
    for (const { id, destBefore, fxp, size, mtime } of batch) {
      const before = DEST_BEFORE.indexOf(destBefore) + (fxp ? DEST_BEFORE.length : 0);
      this.#sql.probed.run(before, size ?? null, mtime ?? null, now, id);
    }
  }

  retarget(file: ClaimedFile, target: string): ClaimedFile | undefined {
    const changes = this.#sql.retarget.run(toColumn(target), Date.now(), file.id);
    if (changes === 0) return undefined;
    return this.toFile(this.#sql.byId.get(file.id)!) as ClaimedFile;
  }

  settle(results: readonly SettledFile[], pass: number): number {
    const now = Date.now();
    const counts = new Map<FileState, number>();
    let late = 0;
    for (const { id, state, size, code, error, digest, untimed } of results.map((each) => this.#judge(each))) {
      const told = [size ?? null, code ?? null, error ?? null, digest === undefined ? null : encodeDigest(digest)];
      const changes = this.#sql.settle.run(stateCode(state), pass, now, ...told, id);
      counts.set(state, (counts.get(state) ?? 0) + changes);
      if (untimed) late += changes;
    }
    if (late > 0) this.#sql.untimed.run(late);
    let settled = 0;
    for (const [state, files] of counts) {
      this.shift(state, files);
      settled += files;
    }
    this.shift("CLAIMED", -settled);
    return settled;
  }

  /** What the server lists again and does not know is not gone: it takes the name for another one, or lists a wrong one. */
  #judge(result: SettledFile): SettledFile {
    if (result.state !== "GONE" || this.#sql.byId.get(result.id)?.code !== LISTED) return result;
    const error = "the source's server lists it, and says that it is not there";
    return { ...result, state: "FAILED", code: LISTED, error };
  }

  release(batch: readonly ReleasedFile[]): number {
    const now = Date.now();
    let released = 0;
    for (const { id, notBefore, code, error, counts, size, mtime } of batch) {
      const uncounted = counts === false ? 1 : 0;
      const values = [now, notBefore ?? 0, code ?? null, error ?? null, uncounted, size ?? null, mtime ?? null, id];
      released += this.#sql.release.run(...values);
    }
    this.shift("CLAIMED", -released);
    this.shift("PLANNED", released);
    return released;
  }

  /** Of the files behind one id up to another. */
  retry(states: readonly FileState[], after: number, upTo: number): number {
    // A new attempt would have a temporary name of its own, and nobody would look at this one any more.
    const isKept = `code IN ('${KEPT.whole}', '${KEPT.part}')`;
    const those = `id > ? AND id <= ? AND state IN (${states.map(stateCode).join(", ")})`;
    const count = this.db.prepare(`SELECT state, ${isKept} IS TRUE AS kept, count(*) AS files FROM files WHERE ${those}
      GROUP BY 1, 2`);
    for (const { state, kept, files } of count.all<Record<"state" | "kept" | "files", number>>(after, upTo)) {
      this.shift(stateOf(state), -files);
      this.shift(kept ? "CLAIMED" : "PLANNED", files);
    }
    const again = `UPDATE files SET state = iif(${isKept}, ${CLAIMED}, ${PLANNED}), not_before = iif(${isKept}, NULL, 0),
      tries = 0, updated = ? WHERE ${those}`;
    return this.db.prepare(again).run(Date.now(), after, upTo);
  }

  /** Notes that `files` more (or fewer) are in a state: counting them would mean reading them all. */
  shift(state: FileState, files: number): void {
    if (files !== 0) this.#sql.shift.run(stateCode(state), files);
  }
}
