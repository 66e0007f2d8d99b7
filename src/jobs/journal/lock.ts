/** One writer per journal: a lock that dies with its process, on a file of its own so that others may read the journal. */
import { openDatabase, SQLITE_BUSY, type SqlEngine, sqliteCode } from "./sqlite.js";

/** A lock that is held. */
export interface JournalLock {
  /** Safe twice. */
  release(): void;
}

/**
 * Takes the lock of a journal: an open exclusive transaction on `<path>.lock`, an empty SQLite file. The kernel drops
 * it when the process ends, however it ends. The file stays: to delete it would let two processes hold a lock each.
 * Like SQLite itself it needs a file system with working locks: keep journals off NFS.
 *
 * @returns undefined where another process (or this one) holds it.
 */
export function takeLock(path: string, engine?: SqlEngine): JournalLock | undefined {
  const db = openDatabase(`${path}.lock`, engine);
  try {
    // Never a journal file beside it: nothing is ever written.
    db.exec("PRAGMA busy_timeout=0; BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (sqliteCode(error) === SQLITE_BUSY) return undefined;
    throw error;
  }
  return {
    release() {
      if (!db.isOpen) return;
      db.exec("ROLLBACK");
      db.close();
    },
  };
}
