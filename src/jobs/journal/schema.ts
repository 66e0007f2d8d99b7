/** The tables of a journal, made small: tens of millions of rows live in one file. */
import { UsageError } from "../../client/errors.js";
import { decodeName, encodeName } from "../../ftp/name.js";
import { SQLITE_NOTADB, type SqlDatabase, type SqlValue, sqliteCode } from "./sqlite.js";

/** Every state of a file, in the order of their numbers. */
export const FILE_STATES = ["PLANNED", "CLAIMED", "DONE", "SKIPPED_SAME", "CONFLICT", "FAILED", "GONE"] as const;

/**
 * - `PLANNED` listed, nothing done yet · `CLAIMED` about to be or being transferred
 * - `DONE` moved · `SKIPPED_SAME` the same file was there already · `CONFLICT` another file of that name was there
 * - `FAILED` given up · `GONE` vanished from the source before it could be moved
 */
export type FileState = (typeof FILE_STATES)[number];

/** What the destination held before the transfer. */
export const DEST_BEFORE = ["absent", "same", "other"] as const;
export type DestBefore = (typeof DEST_BEFORE)[number];

/** Codes of CONFLICT and FAILED where a temporary file was kept: the source is gone, and it may be the only copy. */
export const KEPT = { whole: "KEPT", part: "PARTIAL" } as const;
export const isKept = ({ code }: { readonly code?: string | undefined }): boolean =>
  code === KEPT.whole || code === KEPT.part;
/** The code of a file that was GONE, and is in the next listing all the same; not found again, it is FAILED. */
export const LISTED = "LISTED";

// Numbers from 2: SQLite stores 0 and 1 in no byte at all, so a row would grow with its first change and split its page.
const FIRST_STATE = 2;
/** The number a state is stored as. */
export const stateCode = (state: FileState): number => FILE_STATES.indexOf(state) + FIRST_STATE;
/** The state a number stands for. */
export const stateOf = (code: number): FileState => FILE_STATES[code - FIRST_STATE]!;

/** "plyw" */
const APPLICATION_ID = 0x706c7977;
/** Raised with every change of a table or of the form of temporary names; what came with each is in {@link STEPS}. */
const VERSION = 2;

/** The unique index: there once the first listing is complete. */
export const NAME_INDEX = "files_name";

const TABLES = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE totals(state INTEGER PRIMARY KEY, files INTEGER NOT NULL);
  CREATE TABLE files(
    id INTEGER PRIMARY KEY,
    name NOT NULL,             -- TEXT; a BLOB where the bytes are not UTF-8, or hold NUL
    size INTEGER,              -- bytes
    mtime INTEGER,             -- milliseconds since 1970
    state INTEGER NOT NULL,    -- 2 PLANNED 3 CLAIMED 4 DONE 5 SKIPPED_SAME 6 CONFLICT 7 FAILED 8 GONE
    attempt INTEGER NOT NULL,  -- claims ever: what makes a temporary name unique
    tries INTEGER NOT NULL,    -- claims since it was planned
    pass INTEGER NOT NULL,     -- listing pass in which it was listed first or settled last
    updated INTEGER NOT NULL,  -- milliseconds since 1970
    target,                    -- where it goes, as name; NULL where that is the name itself
    dest_before INTEGER,       -- 0 absent 1 same 2 other; 3 more where the servers send it each other
    not_before INTEGER,        -- PLANNED again: not claimed before this
    code TEXT,
    error TEXT
  );
  CREATE INDEX files_waiting ON files(not_before) WHERE not_before IS NOT NULL;
  CREATE VIEW readable AS SELECT id, CAST(name AS TEXT) AS name, size, datetime(mtime / 1000, 'unixepoch') AS mtime,
    CASE state ${FILE_STATES.map((state) => `WHEN ${stateCode(state)} THEN '${state}'`).join(" ")} END AS state,
    attempt, CAST(target AS TEXT) AS target, code, error FROM files;
`;

/** From the version before to this one: journals are kept for months, and go on with a newer polywire. */
const STEPS: Readonly<Record<number, string>> = {
  2: `
    ALTER TABLE files ADD COLUMN digest BLOB; -- of what arrived: see digest.ts
    -- Few rows: what the last errors are is asked while the job runs.
    CREATE INDEX files_troubled ON files(updated) WHERE error IS NOT NULL;
    CREATE TABLE runs(
      id INTEGER PRIMARY KEY,
      started INTEGER NOT NULL,  -- milliseconds since 1970
      ended INTEGER,             -- NULL while it runs, and where it was killed
      pid INTEGER NOT NULL,
      host TEXT NOT NULL,
      error TEXT,                -- what stopped it before its end
      warnings TEXT              -- a JSON array of what a person should know
    );
    CREATE TABLE samples(
      id INTEGER PRIMARY KEY,    -- counts up, and never again from the beginning
      run INTEGER NOT NULL,
      at INTEGER NOT NULL,       -- milliseconds since 1970
      settled INTEGER NOT NULL,  -- files in the journal, as all that follow
      moved INTEGER NOT NULL,
      failed INTEGER NOT NULL,
      bytes INTEGER NOT NULL,    -- that arrived, in all runs
      lanes INTEGER NOT NULL,
      edge INTEGER NOT NULL      -- 1 for the first and the last one of a run: never thinned out
    );
  `,
};

/** What a journal of version 1 lacks, for those who only read it: the same names, and nothing behind them. */
const STAND_IN = `
  CREATE TEMP VIEW files AS SELECT *, NULL AS digest FROM main.files;
  CREATE TEMP TABLE runs(id, started, ended, pid, host, error, warnings);
  CREATE TEMP TABLE samples(id, run, at, settled, moved, failed, bytes, lanes, edge);
`;

/** A name as a column: text where it is well-formed, else its bytes, which text would spoil; libsql cuts it off at NUL. */
export function toColumn(name: string): string | Buffer {
  return /[\p{Surrogate}\0]/u.test(name) ? encodeName(name) : name;
}

/** The name in a column. */
export function fromColumn(value: SqlValue): string {
  if (typeof value === "string") return value;
  const bytes = value as Uint8Array;
  return decodeName(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** The journals of the other jobs: what to call them. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [0x706c7968, "polywire headers"],
  [0x706c7963, "polywire copy"],
  [0x706c796d, "polywire mail"],
]);

/**
 * Sees that the file is a journal of a move, and of a version that can be read.
 *
 * @param write Make the tables in an empty file, and bring an older one to this version; else an empty file is refused,
 * and an older one stays as it is.
 */
export function prepareSchema(db: SqlDatabase, path: string, write: boolean): void {
  const [id = 0, version = 0, tables = 0] = identify(db, path);
  if (id === 0 && tables === 0) {
    if (!write) throw new UsageError(`the journal ${path} is empty`);
    const all = [TABLES, ...Object.values(STEPS)].join("");
    db.transaction(() => db.exec(`${all} PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${VERSION};`));
    return;
  }
  const other = OTHERS.get(id);
  if (other !== undefined) throw new UsageError(`${path} is a journal of ${other}, not of a move`);
  if (id !== APPLICATION_ID) throw new UsageError(`${path} is an SQLite database, but not a journal of polywire`);
  if (version > VERSION || version < 1) {
    throw new UsageError(
      `the journal ${path} has version ${version}, this polywire reads ${VERSION}: use the polywire that wrote it`,
    );
  }
  if (version < VERSION && write) upgrade(db, version);
  else if (version < VERSION) db.exec(STAND_IN);
}

function upgrade(db: SqlDatabase, version: number): void {
  const steps = Object.entries(STEPS).flatMap(([to, step]) => (Number(to) > version ? [step] : []));
  db.transaction(() => db.exec(`${steps.join("")} PRAGMA user_version=${VERSION};`));
}

function identify(db: SqlDatabase, path: string): number[] {
  const number = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
  try {
    return [
      number("PRAGMA application_id"),
      number("PRAGMA user_version"),
      number("SELECT count(*) FROM sqlite_master"),
    ];
  } catch (cause) {
    if (sqliteCode(cause) !== SQLITE_NOTADB) throw cause;
    throw new UsageError(`${path} is not a journal: it is no SQLite database`, { cause });
  }
}
