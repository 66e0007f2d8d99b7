/** The journal of a headers job: one SQLite file with its settings, its cursors, and how much of its output counts. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../client/errors.js";
import { type JournalLock, takeLock } from "../journal/lock.js";
import type { JobSettings } from "../journal/settings.js";
import { openDatabase, type SqlDatabase, type SqlEngine, type SqlStatement } from "../journal/sqlite.js";
import { GroupCursor, type StoredCursor } from "./cursor.js";
import { adoptSettings, ownerOf, PRAGMAS, prepareTables } from "./journal-tables.js";
import type { KeptId, SinkPosition } from "./sink.js";

/** How to open a {@link HeadersJournal}. */
export interface HeadersJournalOptions {
  /** What makes the job what it is, server included; a journal of other settings is refused. No secrets. */
  settings: JobSettings;
  /** Default: `node:sqlite` where it is there, else `libsql`. */
  engine?: SqlEngine | undefined;
}

/** What belongs together: cursors, and the output that holds the rows they speak of. */
export interface Progress {
  readonly cursors: readonly StoredCursor[];
  /** What the sink's flush gave; undefined from a sink without positions. */
  readonly position?: SinkPosition | undefined;
  /** Message-ids of rows that were delivered, to be known from now on. */
  readonly delivered?: readonly KeptId[] | undefined;
}

/** Bytes of a hash: of a billion message-ids compared with a billion others, one is mistaken with a chance of 1 in a million. */
const HASH = 10;
/** Message-ids learned in one transaction. */
const BATCH = 100_000;

/**
 * A job commits when the sink has flushed, never before: then whatever the cursors say is delivered is in the output, and
 * what the output holds beyond the committed position is not in the cursors. Cut back to that position, the output has
 * every row exactly once, wherever the process was killed.
 *
 * **Known message-ids.** A renumbered group is read again from its beginning, and its rows are told from those of the
 * earlier epoch by message-id alone. Of these the journal keeps hashes (some 20 bytes on the disk for each), and by
 * default only then: they are read back from the output (`learn`), before the new epoch is committed. An output that
 * cannot be read back (a function, an mbox) needs them from the beginning: `delivered` with each commit.
 *
 * @example
 * using journal = HeadersJournal.open("news.journal", { settings: { server, groups, to } });
 * const sink = await openHeaderSink(to, { position: journal.position });
 * const cursors = [cursor.store()];
 * journal.commit({ cursors, position: await sink.flush() });
 */
export class HeadersJournal {
  readonly #db: SqlDatabase;
  readonly #lock: JournalLock | undefined;
  readonly #cursor: SqlStatement;
  readonly #put: SqlStatement;
  readonly #output: SqlStatement;
  readonly #learn: SqlStatement;
  readonly #known: SqlStatement;

  private constructor(db: SqlDatabase, lock: JournalLock | undefined) {
    this.#db = db;
    this.#lock = lock;
    const columns = "name, epoch, low, high, known, done, late, anchors";
    this.#cursor = db.prepare(`SELECT ${columns} FROM cursors WHERE name = ?`);
    this.#put = db.prepare(`INSERT OR REPLACE INTO cursors(${columns}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#output = db.prepare("INSERT OR REPLACE INTO outputs VALUES(?, ?)");
    this.#learn = db.prepare("INSERT OR IGNORE INTO delivered VALUES(?)");
    this.#known = db.prepare("SELECT 1 FROM delivered WHERE hash = ?");
  }

  /**
   * Opens a journal, or makes one.
   *
   * @param path A file; undefined for one in memory, which ends with the process.
   * @throws UsageError where another process has it open, where it is of another job or version, or no such journal.
   */
  static open(path: string | undefined, options: HeadersJournalOptions): HeadersJournal {
    if (path !== undefined && !existsSync(dirname(path)))
      throw new UsageError(`there is no folder ${dirname(path)} for the journal`);
    const lock = path === undefined ? undefined : takeLock(path, options.engine);
    if (path !== undefined && !lock) {
      throw new UsageError(`the journal ${path} is in use${ownerOf(path, options.engine)}: one process at a time`);
    }
    let db: SqlDatabase | undefined;
    try {
      db = openDatabase(path ?? ":memory:", options.engine);
      prepareTables(db, path ?? "in memory");
      db.exec(PRAGMAS);
      adoptSettings(db, path ?? "in memory", options.settings);
      return new HeadersJournal(db, lock);
    } catch (error) {
      db?.close();
      lock?.release();
      throw error;
    }
  }

  /** The cursor of a group: as it was committed, or a new one. */
  cursor(group: string): GroupCursor {
    const row = this.#cursor.get<Omit<StoredCursor, "group">>(group);
    return row ? GroupCursor.restore({ ...row, group }) : new GroupCursor(group);
  }

  /** What was committed of the output; undefined before the first commit of one. */
  get position(): SinkPosition | undefined {
    const rows = this.#db.prepare("SELECT name, position FROM outputs").all<{ name: string; position: number }>();
    return rows.length === 0 ? undefined : Object.fromEntries(rows.map(({ name, position }) => [name, position]));
  }

  /**
   * Stores cursors and output together, or nothing. Take the cursors in the same moment in which the sink's flush is
   * called, before it is awaited: rows written later are not covered by it.
   */
  commit({ cursors, position = {}, delivered = [] }: Progress): void {
    this.#db.transaction(() => {
      for (const { group, epoch, low, high, known, done, late, anchors } of cursors)
        this.#put.run(group, epoch, low, high, known, done, late, anchors);
      for (const [name, at] of Object.entries(position)) this.#output.run(name, at);
      for (const kept of delivered) this.#learn.run(hash(kept.group, kept.messageId));
    });
  }

  /**
   * Reads back what an output holds of a group whose numbers have changed. Killed in the middle it is simply done again,
   * for the new epoch is not committed yet.
   *
   * @returns How many message-ids of the group there were.
   */
  async learn(group: string, ids: AsyncIterable<readonly KeptId[]>): Promise<number> {
    let count = 0;
    let batch: Uint8Array[] = [];
    const store = () =>
      this.#db.transaction(() => batch.sort(Buffer.compare).forEach((key) => void this.#learn.run(key)));
    for await (const kept of ids) {
      for (const { group: its, messageId } of kept) if (its === group) batch.push(hash(group, messageId));
      if (batch.length < BATCH) continue;
      store();
      count += batch.length;
      batch = [];
    }
    store();
    return count + batch.length;
  }

  /** Whether an article of the group was delivered in an earlier epoch. */
  isKnown(group: string, messageId: string): boolean {
    return messageId !== "" && this.#known.get(hash(group, messageId)) !== undefined;
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
}

/** Of the group, too: a posting to several groups is delivered once for each. */
function hash(group: string, messageId: string): Buffer {
  return createHash("sha256").update(`${group}\0${messageId}`).digest().subarray(0, HASH);
}
