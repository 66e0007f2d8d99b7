/** The file of a headers job's journal: its tables, whose it is, and who has it open. */
import { hostname } from "node:os";
import { UsageError } from "../../client/errors.js";
import { compareSettings, encodeSettings, type JobSettings } from "../journal/settings.js";
import {
  openDatabase,
  SQLITE_NOTADB,
  type SqlDatabase,
  type SqlEngine,
  type SqlValue,
  sqliteCode,
} from "../journal/sqlite.js";

/** "plyh" */
const APPLICATION_ID = 0x706c7968;
/** Raised with every change of a table. */
const VERSION = 1;

const TABLES = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE cursors(
    name TEXT PRIMARY KEY,     -- of the group
    epoch INTEGER NOT NULL,    -- 1, and one more with each renumbering
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    known INTEGER NOT NULL,    -- rows up to this number may have been delivered in an earlier epoch
    done TEXT NOT NULL,        -- 1-500,510-600
    late TEXT NOT NULL,        -- of these, asked and not returned
    anchors TEXT NOT NULL      -- [[number, message-id], …]
  ) WITHOUT ROWID;
  CREATE TABLE outputs(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE delivered(hash BLOB PRIMARY KEY) WITHOUT ROWID;
`;

/**
 * NORMAL survives the death of the process. After a power failure the last commits may be undone as a whole: cursors
 * and position go back together, the output is cut back to that position, and the rows come again.
 */
export const PRAGMAS = `
  PRAGMA busy_timeout=10000;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=NORMAL;
  PRAGMA cache_size=-65536;
  PRAGMA journal_size_limit=67108864;
`;

/** Sees that the file is a journal of this kind and version, and makes its tables where it is empty. */
export function prepareTables(db: SqlDatabase, path: string): void {
  const number = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
  let marks: number[];
  try {
    marks = ["PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master"].map(number);
  } catch (cause) {
    if (sqliteCode(cause) !== SQLITE_NOTADB) throw cause;
    throw new UsageError(`${path} is not a journal: it is no SQLite database`, { cause });
  }
  const [id, version, tables] = marks;
  if (id === 0 && tables === 0) {
    db.transaction(() => db.exec(`${TABLES} PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${VERSION};`));
  } else if (id !== APPLICATION_ID) {
    throw new UsageError(`${path} is an SQLite database, but not a journal of headers`);
  } else if (version !== VERSION) {
    throw new UsageError(
      `the journal ${path} has version ${version}, this polywire reads ${VERSION}: use the polywire that wrote it`,
    );
  }
}

/** Keeps the settings of a new job, compares those of one that goes on, and says who has it open. */
export function adoptSettings(db: SqlDatabase, path: string, settings: JobSettings): void {
  const before = metaOf(db, "settings");
  const differences = before === undefined ? [] : compareSettings(JSON.parse(String(before)), settings);
  if (differences.length > 0) {
    throw new UsageError(`the journal ${path} belongs to another job: ${differences.join("; ")}`, {
      advice: "go on with those settings, or name another journal",
    });
  }
  const put = db.prepare("INSERT OR REPLACE INTO meta VALUES(?, ?)");
  db.transaction(() => {
    if (before === undefined) put.run("settings", encodeSettings(settings));
    put.run("owner", JSON.stringify({ pid: process.pid, host: hostname(), since: Date.now() }));
  });
}

function metaOf(db: SqlDatabase, key: string): SqlValue | undefined {
  return db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value;
}

/** ` by process … on … since …`, where that can be told. */
export function ownerOf(path: string, engine: SqlEngine | undefined): string {
  let db: SqlDatabase | undefined;
  try {
    db = openDatabase(path, engine);
    db.exec("PRAGMA query_only=1");
    const owner = JSON.parse(String(metaOf(db, "owner"))) as { pid: number; host: string; since: number };
    return ` by process ${owner.pid} on ${owner.host} since ${new Date(owner.since).toISOString()}`;
  } catch {
    // It may be just being made: the sentence is right without.
    return "";
  } finally {
    db?.close();
  }
}
