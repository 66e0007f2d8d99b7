/** One writer per journal: a lock that dies with its process, on a file of its own so that others may read the journal. */
import { existsSync } from "node:fs";
import { UsageError } from "../../client/errors.js";
import { openDatabase, SQLITE_BUSY, type SqlEngine, sqliteCode } from "./sqlite.js";

/** Another process works with the journal: it has to end first. Nothing was sent. */
export class JournalInUseError extends UsageError {
  override readonly name = "JournalInUseError";
}

/** Milliseconds for which somebody who only looks whether there is a lock may have it. */
const LOOK = 200;

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
    db.exec(`PRAGMA busy_timeout=${LOOK}; BEGIN EXCLUSIVE`);
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

/** Whether some process holds the lock of a journal. */
export function isLocked(path: string, engine?: SqlEngine): boolean {
  if (!existsSync(`${path}.lock`)) return false;
  const db = openDatabase(`${path}.lock`, engine);
  try {
    db.exec("PRAGMA busy_timeout=0");
    db.prepare("SELECT count(*) AS n FROM sqlite_master").get();
    return false;
  } catch (error) {
    if (sqliteCode(error) === SQLITE_BUSY) return true;
    throw error;
  } finally {
    db.close();
  }
}
