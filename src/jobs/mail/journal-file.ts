/** The file of a mail job's journal: opened by one process at a time, every commit on the disk, for its owner's eyes. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../client/errors.js";
import { adoptSettings, type JournalForm, ownerOf, PRAGMAS, prepareTables } from "../headers/journal-tables.js";
import { type JournalLock, takeLock } from "../journal/lock.js";
import type { JobSettings } from "../journal/settings.js";
import { openDatabase, type SqlDatabase, type SqlEngine } from "../journal/sqlite.js";

/** How a journal is opened. */
export interface JournalFileOptions {
  /** What the job is: a journal of another one is refused. */
  readonly settings: JobSettings;
  readonly engine?: SqlEngine | undefined;
}

export class JournalFile {
  readonly db: SqlDatabase;
  readonly #lock: JournalLock | undefined;

  private constructor(db: SqlDatabase, lock: JournalLock | undefined) {
    this.db = db;
    this.#lock = lock;
  }

  /**
   * Opens a journal, or makes one.
   *
   * @param path A file; undefined for one in memory, which ends with the process.
   * @throws UsageError where another process has it open, where it is of another job or version, or no such journal.
   */
  static open(path: string | undefined, form: JournalForm, { settings, engine }: JournalFileOptions): JournalFile {
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
      prepareTables(db, path ?? "in memory", form);
      db.exec(`${PRAGMAS} PRAGMA synchronous=FULL;`);
      adoptSettings(db, path ?? "in memory", settings);
      return new JournalFile(db, lock);
    } catch (error) {
      db?.close();
      lock?.release();
      throw error;
    }
  }

  /** Writes the log into the file and gives the lock back. Safe twice. */
  close(): void {
    try {
      if (!this.db.isOpen) return;
      this.db.exec("PRAGMA busy_timeout=0; DELETE FROM meta WHERE key = 'owner'");
      this.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    } finally {
      this.db.close();
      this.#lock?.release();
    }
  }
}
