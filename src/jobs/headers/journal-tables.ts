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

/** What a journal of one kind of job looks like. */
export interface JournalForm {
  /** Tells its files from other databases. */
  readonly applicationId: number;
  /** Raised with every change of a table. */
  readonly version: number;
  /** CREATE statements; `meta(key TEXT PRIMARY KEY, value)` is among them. */
  readonly tables: string;
  /** What it is a journal of. */
  readonly of: string;
}

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

/** "plyh" */
const HEADERS: JournalForm = { applicationId: 0x706c7968, version: 1, tables: TABLES, of: "headers" };

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
export function prepareTables(db: SqlDatabase, path: string, form = HEADERS): void {
  const { applicationId, version: current, tables: create } = form;
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
    db.transaction(() => db.exec(`${create} PRAGMA application_id=${applicationId}; PRAGMA user_version=${current};`));
  } else if (id !== applicationId) {
    throw new UsageError(`${path} is an SQLite database, but not a journal of ${form.of}`);
  } else if (version !== current) {
    throw new UsageError(
      `the journal ${path} has version ${version}, this polywire reads ${current}: use the polywire that wrote it`,
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
