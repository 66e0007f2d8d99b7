/** The journal of a mail job: one SQLite file with the messages that are stored, and how much of an mbox counts. */
import type { JournalForm } from "../headers/journal-tables.js";
import type { SinkPosition } from "../headers/sink.js";
import type { SqlDatabase } from "../journal/sqlite.js";
import { JournalFile, type JournalFileOptions } from "./journal-file.js";
import type { MailboxName } from "./maildrop.js";
import { plainUid } from "./stores/store.js";

const TABLES = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE stored(
    account TEXT NOT NULL,     -- user@host, imap://user@host/mailbox
    epoch INTEGER NOT NULL,    -- UIDVALIDITY of IMAP; 0 of POP3
    uid TEXT NOT NULL,         -- as UIDL says it, or the UID of IMAP
    at INTEGER NOT NULL,       -- milliseconds since 1970
    digest TEXT,               -- of IMAP: what the message is known by where its UID has changed
    gone INTEGER NOT NULL DEFAULT 0, -- a later UIDVALIDITY with which it was not found
    PRIMARY KEY(account, epoch, uid)
  ) WITHOUT ROWID;
  CREATE TABLE outputs(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
`;

const PUT = "INSERT OR IGNORE INTO stored(account, epoch, uid, at, digest) VALUES(?, ?, ?, ?, ?)";

/** "plym" */
const MAIL: JournalForm = { applicationId: 0x706c796d, version: 3, tables: TABLES, of: "mail" };

/** A message that is stored. */
export interface StoredMail {
  readonly id: string;
  /** {@link digestOf} its bytes, where it may have another UID one day. */
  readonly digest?: string | undefined;
}

/** A message that is stored, and had another UID when it was. */
export interface EarlierMail extends StoredMail {
  readonly epoch: number;
  readonly digest: string;
}

/**
 * A message is in the journal when it is on the disk, never before; it is deleted on the server when it is in the
 * journal. So every commit waits for the disk: a journal that forgot messages would cut the mbox back over them.
 */
export class MailJournal {
  readonly #file: JournalFile;

  private constructor(file: JournalFile) {
    this.#file = file;
  }

  /** Opens a journal, or makes one: see {@link JournalFile.open}. */
  static open(path: string | undefined, options: JournalFileOptions): MailJournal {
    return new MailJournal(JournalFile.open(path, MAIL, options));
  }

  /** True for each message of a mailbox that is stored, at the moment of this call. */
  stored({ account, epoch = 0 }: MailboxName): (uid: string) => boolean {
    const rows = this.#db.prepare("SELECT uid FROM stored WHERE account = ? AND epoch = ?");
    const uids = new Set(rows.all<{ uid: string }>(account, epoch).map(({ uid }) => uid));
    return (uid) => uids.has(plainUid(uid));
  }

  /** The highest UID of a mailbox of IMAP that is stored; 0 where none is. */
  highest({ account, epoch = 0 }: MailboxName): number {
    const sql = "SELECT max(CAST(uid AS INTEGER)) AS highest FROM stored WHERE account = ? AND epoch = ?";
    return this.#db.prepare(sql).get<{ highest: number | null }>(account, epoch)?.highest ?? 0;
  }

  /** What is stored of a mailbox from before its messages got new UIDs. */
  earlier({ account, epoch = 0 }: MailboxName): EarlierMail[] {
    const sql =
      "SELECT epoch, uid AS id, digest FROM stored WHERE account = ? AND epoch <> ? AND gone <> ? AND digest IS NOT NULL";
    return this.#db.prepare(sql).all<{ epoch: number; id: string; digest: string }>(account, epoch, epoch);
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
  commit({ account, epoch = 0 }: MailboxName, mails: readonly StoredMail[], position: SinkPosition = {}): void {
    const put = this.#db.prepare(PUT);
    this.#db.transaction(() => {
      for (const { id, digest = null } of mails) put.run(account, epoch, plainUid(id), Date.now(), digest);
      this.#keep(position);
    });
  }

  /** Remembers messages that are stored by the UIDs that they have now: of each pair, the one before is forgotten. */
  rename({ account, epoch = 0 }: MailboxName, pairs: readonly (readonly [EarlierMail, StoredMail])[]): void {
    const take = this.#db.prepare("DELETE FROM stored WHERE account = ? AND epoch = ? AND uid = ?");
    const put = this.#db.prepare(PUT);
    this.#db.transaction(() => {
      for (const [before] of pairs) take.run(account, before.epoch, before.id);
      for (const [, { id, digest = null }] of pairs) put.run(account, epoch, plainUid(id), Date.now(), digest);
    });
  }

  /**
   * What had other UIDs is not in the mailbox any more. It is kept all the same: a mailbox that was another one for a while (a
   * restore, a disk that was missing) comes back with the UIDVALIDITY that it had.
   */
  setAside({ account, epoch = 0 }: MailboxName): void {
    this.#db.prepare("UPDATE stored SET gone = ? WHERE account = ? AND epoch <> ?").run(epoch, account, epoch);
  }

  /** Remembers that the job has ended in order: its output is closed, and all of it is committed. */
  end(): void {
    this.#db.prepare("INSERT OR REPLACE INTO meta VALUES('ended', 1)").run();
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

  #keep(position: SinkPosition): void {
    const put = this.#db.prepare("INSERT OR REPLACE INTO outputs VALUES(?, ?)");
    for (const [name, at] of Object.entries(position)) put.run(name, at);
  }
}
