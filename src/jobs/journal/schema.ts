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

// Numbers from 2: SQLite stores 0 and 1 in no byte at all, so a row would grow with its first change and split its page.
const FIRST_STATE = 2;
/** The number a state is stored as. */
export const stateCode = (state: FileState): number => FILE_STATES.indexOf(state) + FIRST_STATE;
/** The state a number stands for. */
export const stateOf = (code: number): FileState => FILE_STATES[code - FIRST_STATE]!;

/** "plyw" */
const APPLICATION_ID = 0x706c7977;
/** Raised with every change of a table or of the form of temporary names. */
const VERSION = 1;

/** The unique index: there once the first listing is complete. */
export const NAME_INDEX = "files_name";

const TABLES = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE totals(state INTEGER PRIMARY KEY, files INTEGER NOT NULL);
  CREATE TABLE files(
    id INTEGER PRIMARY KEY,
    name NOT NULL,             -- TEXT; a BLOB where the bytes are not UTF-8
    size INTEGER,              -- bytes
    mtime INTEGER,             -- milliseconds since 1970
    state INTEGER NOT NULL,    -- 2 PLANNED 3 CLAIMED 4 DONE 5 SKIPPED_SAME 6 CONFLICT 7 FAILED 8 GONE
    attempt INTEGER NOT NULL,  -- claims ever: what makes a temporary name unique
    tries INTEGER NOT NULL,    -- claims since it was planned
    pass INTEGER NOT NULL,     -- listing pass in which it was listed first or settled last
    updated INTEGER NOT NULL,  -- milliseconds since 1970
    target,                    -- where it goes, as name; NULL where that is the name itself
    dest_before INTEGER,       -- 0 absent 1 same 2 other
    not_before INTEGER,        -- PLANNED again: not claimed before this
    code TEXT,
    error TEXT
  );
  CREATE INDEX files_waiting ON files(not_before) WHERE not_before IS NOT NULL;
  CREATE TABLE spool(id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER);
  CREATE VIEW readable AS SELECT id, CAST(name AS TEXT) AS name, size, datetime(mtime / 1000, 'unixepoch') AS mtime,
    CASE state ${FILE_STATES.map((state) => `WHEN ${stateCode(state)} THEN '${state}'`).join(" ")} END AS state,
    attempt, CAST(target AS TEXT) AS target, code, error FROM files;
`;

/** A name as a column: text where it is well-formed, else its bytes, which text would spoil. */
export function toColumn(name: string): string | Buffer {
  return /\p{Surrogate}/u.test(name) ? encodeName(name) : name;
}

/** The name in a column. */
export function fromColumn(value: SqlValue): string {
  if (typeof value === "string") return value;
  const bytes = value as Uint8Array;
  return decodeName(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/**
 * Sees that the file is a journal of this version.
 *
 * @param create Make the tables in an empty file; else an empty file is refused.
 */
export function prepareSchema(db: SqlDatabase, path: string, create: boolean): void {
  const [id, version, tables] = identify(db, path);
  if (id === 0 && tables === 0) {
    if (!create) throw new UsageError(`the journal ${path} is empty`);
    db.transaction(() => db.exec(`${TABLES} PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${VERSION};`));
    return;
  }
  if (id !== APPLICATION_ID) throw new UsageError(`${path} is an SQLite database, but not a journal of polywire`);
  if (version !== VERSION) {
    throw new UsageError(
      `the journal ${path} has version ${version}, this polywire reads ${VERSION}: use the polywire that wrote it`,
    );
  }
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
