/** The journal of a mail job: one SQLite file with the messages that are stored, and how much of an mbox counts. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../client/errors.js";
import { adoptSettings, type JournalForm, ownerOf, PRAGMAS, prepareTables } from "../headers/journal-tables.js";
import type { SinkPosition } from "../headers/sink.js";
import { type JournalLock, takeLock } from "../journal/lock.js";
import type { JobSettings } from "../journal/settings.js";
import { openDatabase, type SqlDatabase, type SqlEngine } from "../journal/sqlite.js";
import { plainUid } from "./stores/store.js";

const TABLES = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE stored(
    account TEXT NOT NULL,     -- user@host
    uid TEXT NOT NULL,         -- as UIDL says it
    at INTEGER NOT NULL,       -- milliseconds since 1970
    PRIMARY KEY(account, uid)
  ) WITHOUT ROWID;
  CREATE TABLE outputs(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
`;

/** "plym" */
const MAIL: JournalForm = { applicationId: 0x706c796d, version: 1, tables: TABLES, of: "mail" };

/** How to open a {@link MailJournal}. */
export interface MailJournalOptions {
  /** Where the messages go: a journal of another place is refused. */
  readonly settings: JobSettings;
  readonly engine?: SqlEngine | undefined;
}

/**
 * A message is in the journal when it is on the disk, never before; it is deleted on the server when it is in the
 * journal. So every commit waits for the disk: a journal that forgot messages would cut the mbox back over them.
 */
export class MailJournal {
  readonly #db: SqlDatabase;
  readonly #lock: JournalLock | undefined;

  private constructor(db: SqlDatabase, lock: JournalLock | undefined) {
    this.#db = db;
    this.#lock = lock;
  }

  /**
   * Opens a journal, or makes one.
   *
   * @param path A file; undefined for one in memory, which ends with the process.
   * @throws UsageError where another process has it open, where it is of another job or version, or no such journal.
   */
  static open(path: string | undefined, options: MailJournalOptions): MailJournal {
    const { settings, engine } = options;
    if (path !== undefined && !existsSync(dirname(path)))
      throw new UsageError(`there is no folder ${dirname(path)} for the journal`);
    const lock = path === undefined ? undefined : takeLock(path, engine);
    if (path !== undefined && !lock) {
      throw new UsageError(`the journal ${path} is in use${ownerOf(path, engine)}: one process at a time`);
    }
    let db: SqlDatabase | undefined;
    try {
      // Who has mail, and when, is for its owner's eyes, too; SQLite's other files are as this one.
      if (path !== undefined) writeFileSync(path, "", { flag: "a", mode: 0o600 });
      db = openDatabase(path ?? ":memory:", engine);
      prepareTables(db, path ?? "in memory", MAIL);
      db.exec(`${PRAGMAS} PRAGMA synchronous=FULL;`);
      adoptSettings(db, path ?? "in memory", settings);
      return new MailJournal(db, lock);
    } catch (error) {
      db?.close();
      lock?.release();
      throw error;
    }
  }

  /** True for each message of an account that is stored, at the moment of this call. */
  stored(account: string): (uid: string) => boolean {
    const rows = this.#db.prepare("SELECT uid FROM stored WHERE account = ?").all<{ uid: string }>(account);
    const uids = new Set(rows.map(({ uid }) => uid));
    return (uid) => uids.has(plainUid(uid));
  }

  /** What was committed of the output; undefined before the first commit of one. */
  get position(): SinkPosition | undefined {
    const rows = this.#db.prepare("SELECT name, position FROM outputs").all<{ name: string; position: number }>();
    return rows.length === 0 ? undefined : Object.fromEntries(rows.map(({ name, position }) => [name, position]));
  }

  /**
   * True where the last job ended in order, so that whatever its output holds is to stay, also what others have added
   * since. False where it died: what lies behind the committed position is cut off.
   */
  get ended(): boolean {
    return this.#db.prepare("SELECT 1 FROM meta WHERE key = 'ended'").get() !== undefined;
  }

  /** Remembers that a job is under way, and what its output holds before it. */
  begin(position: SinkPosition = {}): void {
    this.#db.transaction(() => {
      this.#db.exec("DELETE FROM meta WHERE key = 'ended'; DELETE FROM outputs");
      this.#keep(position);
    });
  }

  /** Remembers messages that are on the disk, and the output that holds them: both, or nothing. */
  commit(account: string, uids: readonly string[], position: SinkPosition = {}): void {
    const put = this.#db.prepare("INSERT OR IGNORE INTO stored VALUES(?, ?, ?)");
    this.#db.transaction(() => {
      for (const uid of uids) put.run(account, plainUid(uid), Date.now());
      this.#keep(position);
    });
  }

  /** Remembers that the job has ended in order: its output is closed, and all of it is committed. */
  end(): void {
    this.#db.prepare("INSERT OR REPLACE INTO meta VALUES('ended', 1)").run();
  }

  /** Writes the log into the file and gives the lock back. Safe twice. */
  close(): void {
    try {
      if (!this.#db.isOpen) return;
      this.#db.exec("PRAGMA busy_timeout=0; DELETE FROM meta WHERE key = 'owner'");
      this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    } finally {
      this.#db.close();
      this.#lock?.release();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #keep(position: SinkPosition): void {
    const put = this.#db.prepare("INSERT OR REPLACE INTO outputs VALUES(?, ?)");
    for (const [name, at] of Object.entries(position)) put.run(name, at);
  }
}
