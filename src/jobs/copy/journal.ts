/** The journal of a copy: one SQLite file with every message that is in the target, or may be. */
import type { JournalForm } from "../headers/journal-tables.js";
import type { SqlDatabase } from "../journal/sqlite.js";
import { JournalFile, type JournalFileOptions } from "../mail/journal-file.js";

const TABLES = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE copies(
    epoch INTEGER NOT NULL,      -- UIDVALIDITY of the source
    uid INTEGER NOT NULL,        -- and UID there
    done INTEGER NOT NULL,       -- 0: it was about to be sent, and may be in the target
    targetEpoch INTEGER NOT NULL,
    target INTEGER,              -- UID in the target, where that is known
    low INTEGER NOT NULL,        -- its UID in the target is at least this one
    digest TEXT NOT NULL,        -- of its bytes
    bytes INTEGER NOT NULL,
    messageId TEXT NOT NULL,
    date INTEGER,                -- INTERNALDATE, milliseconds since 1970
    at INTEGER NOT NULL,         -- when it was on its way last, at least; 0: it is not on its way
    gone INTEGER NOT NULL DEFAULT 0, -- a later UIDVALIDITY of the source with which it was not found
    PRIMARY KEY(epoch, uid)
  ) WITHOUT ROWID;
  CREATE INDEX unsure ON copies(done) WHERE done = 0;
`;

/** "plyc" */
const COPIES: JournalForm = { applicationId: 0x706c7963, version: 2, tables: TABLES, of: "a copy of mail" };

/** A message by which its copy can be found. */
export interface Traits {
  /** Of its bytes, line ends set right. */
  readonly digest: string;
  readonly bytes: number;
  /** "" where it has none. */
  readonly messageId: string;
  /** Milliseconds since 1970; null where it is not known. */
  readonly date: number | null;
}

/** A message of the source by its UID. */
export interface SourceUid {
  readonly epoch: number;
  readonly uid: number;
}

/** A message that may be in the target. */
export interface Intent extends SourceUid, Traits {
  readonly targetEpoch: number;
  readonly low: number;
  readonly at: number;
}

/** A message that is in the target, and where. */
export interface Arrival extends SourceUid {
  readonly target: number | null;
}

const TRAITS = "epoch, uid, digest, bytes, messageId, date, targetEpoch, low, at";

/**
 * A message is written here before it is sent, and marked when the target has said that it has it. What is not marked when a
 * job begins is looked for in the target. Every commit waits for the disk: what is forgotten would be copied twice.
 */
export class CopyJournal {
  readonly #file: JournalFile;

  private constructor(file: JournalFile) {
    this.#file = file;
  }

  /** Opens a journal, or makes one: see {@link JournalFile.open}. */
  static open(path: string | undefined, options: JournalFileOptions): CopyJournal {
    return new CopyJournal(JournalFile.open(path, COPIES, options));
  }

  /** UIDs of the source that need no copy. */
  done(epoch: number): Set<number> {
    const rows = this.#db.prepare("SELECT uid FROM copies WHERE epoch = ? AND done = 1").all<{ uid: number }>(epoch);
    return new Set(rows.map(({ uid }) => uid));
  }

  /** What is copied from before the source's messages got new UIDs. */
  earlier(epoch: number): { epoch: number; id: string; digest: string }[] {
    return this.#db
      .prepare("SELECT epoch, CAST(uid AS TEXT) AS id, digest FROM copies WHERE epoch <> ? AND done = 1 AND gone <> ?")
      .all<{ epoch: number; id: string; digest: string }>(epoch, epoch);
  }

  /** What may be in the target, or not. */
  intents(): Intent[] {
    return this.#db.prepare(`SELECT ${TRAITS} FROM copies WHERE done = 0 ORDER BY epoch, uid`).all<Intent>();
  }

  /** UIDs of the target, from this one on, that are known to be of somebody's. */
  targets(low: number): Set<number> {
    const rows = this.#db.prepare("SELECT target FROM copies WHERE target >= ?").all<{ target: number }>(low);
    return new Set(rows.map(({ target }) => target));
  }

  /** Messages that are in the target by a UID that nobody knows, at least this one. */
  placeless(low: number): Pick<Traits, "digest" | "bytes">[] {
    const sql = "SELECT digest, bytes FROM copies WHERE done = 1 AND target IS NULL AND low >= ?";
    return this.#db.prepare(sql).all<Pick<Traits, "digest" | "bytes">>(low);
  }

  /** Messages are about to be sent. */
  intend(intents: readonly Intent[]): void {
    const put = this.#db.prepare(`INSERT OR REPLACE INTO copies(${TRAITS}, done) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`);
    this.#db.transaction(() => {
      for (const { epoch, uid, digest, bytes, messageId, date, targetEpoch, low, at } of intents) {
        put.run(epoch, uid, digest, bytes, messageId, date, targetEpoch, low, at);
      }
    });
  }

  /** Messages are being sent still. */
  touch(at: number): void {
    this.#db.prepare("UPDATE copies SET at = ? WHERE done = 0 AND at > 0").run(at);
  }

  /** Messages are in the target. */
  arrive(arrivals: readonly Arrival[], targetEpoch: number): void {
    const mark = this.#db.prepare(
      "UPDATE copies SET done = 1, target = ?, targetEpoch = ? WHERE epoch = ? AND uid = ?",
    );
    this.#db.transaction(() => {
      for (const { epoch, uid, target } of arrivals) mark.run(target, targetEpoch, epoch, uid);
    });
  }

  /** Messages are not in the target. */
  drop(uids: readonly SourceUid[]): void {
    const remove = this.#db.prepare("DELETE FROM copies WHERE epoch = ? AND uid = ?");
    this.#db.transaction(() => {
      for (const { epoch, uid } of uids) remove.run(epoch, uid);
    });
  }

  /** The target has another UIDVALIDITY: whether anything is in it has to be seen. @returns whether that was so. */
  doubt(targetEpoch: number): boolean {
    const sql = "UPDATE copies SET done = 0, target = NULL, low = 1, at = 0, targetEpoch = ? WHERE targetEpoch <> ?";
    const before = this.#db.prepare("SELECT 1 FROM copies WHERE targetEpoch <> ? LIMIT 1").get(targetEpoch);
    if (before !== undefined) this.#db.prepare(sql).run(targetEpoch, targetEpoch);
    return before !== undefined;
  }

  /** Messages that are copied have other UIDs in the source now. */
  rename(pairs: readonly (readonly [before: SourceUid, now: SourceUid])[]): void {
    const move = this.#db.prepare(
      "UPDATE OR REPLACE copies SET epoch = ?, uid = ?, gone = 0 WHERE epoch = ? AND uid = ?",
    );
    this.#db.transaction(() => {
      for (const [before, now] of pairs) move.run(now.epoch, now.uid, before.epoch, before.uid);
    });
  }

  /**
   * What had other UIDs is not in the source any more. It is kept all the same: a mailbox that was another one for a while (a
   * restore, a disk that was missing) comes back with the UIDVALIDITY that it had.
   */
  setAside(epoch: number): void {
    this.#db.prepare("UPDATE copies SET gone = ? WHERE epoch <> ?").run(epoch, epoch);
  }

  /** True where nothing was ever copied. */
  get isEmpty(): boolean {
    return this.#db.prepare("SELECT 1 FROM copies LIMIT 1").get() === undefined;
  }

  /** Safe twice. */
  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #db(): SqlDatabase {
    return this.#file.db;
  }
}
