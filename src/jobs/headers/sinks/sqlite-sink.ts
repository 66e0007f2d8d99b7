/** Headers in an SQLite table: rows in the order they came, indexes once all are there. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { SinkError, UsageError } from "../../../client/errors.js";
import {
  openDatabase,
  SQLITE_NOTADB,
  type SqlDatabase,
  type SqlEngine,
  type SqlStatement,
  type SqlValue,
  sqliteCode,
} from "../../journal/sqlite.js";
import type { HeaderBatch, HeaderRow, HeaderSink, KeptId, OutputOptions, SinkPosition } from "../sink.js";

/** What to do about an output that has less than was committed, and about one that a new job finds. */
const LOST =
  "it was changed, or the disk lost a part: put the file back, or begin anew without both the file and the journal";
const TAKEN = 'name another file, or say existing: "replace" or existing: "append"';

/** Rows of one transaction at most: beyond that its log would grow past the cache. */
const TRANSACTION = 100_000;
/** Rows read back at a time. */
const PAGE = 10_000;

const COLUMNS =
  "id, group_name, number, subject, sender, date, raw_date, message_id, refs, bytes, lines, extra, broken" as const;

const TABLE = `
  CREATE TABLE IF NOT EXISTS headers(
    id INTEGER PRIMARY KEY,    -- 1, 2 … in the order of arrival
    group_name TEXT NOT NULL,
    number INTEGER NOT NULL,   -- in its group; 0 where the row has none
    subject TEXT NOT NULL,
    sender TEXT NOT NULL,      -- From
    date TEXT,                 -- ISO 8601, UTC; NULL where raw_date is no date
    raw_date TEXT NOT NULL,    -- as it was sent
    message_id TEXT NOT NULL,
    refs TEXT NOT NULL,        -- message-ids, separated by blanks
    bytes INTEGER,
    lines INTEGER,
    extra TEXT,                -- further fields as a JSON object; NULL where there are none
    broken TEXT                -- what is wrong with the row, where something is
  );
`;
const INDEXES = `
  CREATE INDEX IF NOT EXISTS headers_number ON headers(group_name, number);
  CREATE INDEX IF NOT EXISTS headers_message_id ON headers(message_id);
  CREATE INDEX IF NOT EXISTS headers_date ON headers(date);
`;

/**
 * Its position is the id of the last row: what lies beyond is deleted when a job goes on, so that no index is needed to
 * keep rows from coming twice. Calls are synchronous: a batch is in the database, or the call throws.
 */
export class SqliteSink<Row extends HeaderRow> implements HeaderSink<Row> {
  readonly #path: string;
  readonly #db: SqlDatabase;
  readonly #insert: SqlStatement;
  #last: number;
  /** Rows of the open transaction; undefined where none is open. */
  #pending: number | undefined;
  /** The first failure: part of a batch may be in the open transaction, which must not be committed any more. */
  #failure: SinkError | undefined;

  private constructor(path: string, db: SqlDatabase, last: number) {
    this.#path = path;
    this.#db = db;
    this.#last = last;
    this.#insert = db.prepare(`INSERT INTO headers(${COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  /** Opens a database, or makes it with its folders. Errors: as those of a file. */
  static async open<Row extends HeaderRow>(
    path: string,
    options: OutputOptions & { engine?: SqlEngine | undefined } = {},
  ): Promise<SqliteSink<Row>> {
    await mkdir(dirname(path), { recursive: true });
    const isNew = !existsSync(path);
    const db = opened(path, options.engine);
    try {
      db.exec("PRAGMA busy_timeout=10000; PRAGMA cache_size=-65536");
      if (isNew) db.exec("PRAGMA page_size=8192");
      const start = startOf(db, path, options);
      // WAL: others may read it meanwhile. FULL: what is committed is on the disk.
      db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${(options.fsync ?? true) ? "FULL" : "NORMAL"}`);
      if (start === "replace") db.exec("DROP TABLE headers");
      db.exec(TABLE);
      const last = start === "replace" ? 0 : start;
      db.prepare("DELETE FROM headers WHERE id > ?").run(last);
      return new SqliteSink(path, db, last);
    } catch (error) {
      db.close();
      if (error instanceof UsageError || error instanceof SinkError) throw error;
      const why = sqliteCode(error) === SQLITE_NOTADB ? "it is no SQLite database" : (error as Error).message;
      throw new SinkError(`${path} could not be opened: ${why}`, { cause: error });
    }
  }

  write(batch: HeaderBatch<Row>): void {
    this.#do(() => {
      for (const row of batch.rows) {
        if (this.#pending === undefined) this.#db.exec("BEGIN IMMEDIATE");
        this.#pending = (this.#pending ?? 0) + 1;
        this.#insert.run(++this.#last, batch.group, ...valuesOf(row));
        if (this.#pending >= TRANSACTION) this.#commit();
      }
    });
  }

  async flush(): Promise<SinkPosition> {
    this.#do(() => this.#commit());
    return { [this.#path]: this.#last };
  }

  async close(options: { complete?: boolean | undefined } = {}): Promise<void> {
    if (!this.#db.isOpen) return;
    try {
      this.#do(() => {
        this.#commit();
        if (options.complete ?? true) this.#db.exec(INDEXES);
      });
      this.#leaveOneFile();
    } finally {
      this.#db.close();
    }
  }

  async *messageIds(): AsyncGenerator<readonly KeptId[]> {
    const page = this.#db.prepare(
      `SELECT id, group_name AS "group", message_id AS messageId FROM headers WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
    );
    type Kept = KeptId & { id: number };
    for (let rows = page.all<Kept>(0); rows.length > 0; rows = page.all<Kept>(rows.at(-1)!.id)) yield rows;
  }

  /** Without a log beside it the file can be copied and read anywhere. Where another program is reading it, it stays. */
  #leaveOneFile(): void {
    try {
      this.#db.exec("PRAGMA busy_timeout=0; PRAGMA journal_mode=DELETE");
    } catch {}
  }

  #commit(): void {
    if (this.#pending !== undefined) this.#db.exec("COMMIT");
    this.#pending = undefined;
  }

  #do(body: () => void): void {
    if (this.#failure) throw this.#failure;
    try {
      body();
    } catch (cause) {
      this.#failure = new SinkError(`${this.#path} could not be written: ${(cause as Error).message}`, { cause });
      throw this.#failure;
    }
  }
}

/** @returns The id of the last row that is kept. Nothing is changed yet. */
function startOf(db: SqlDatabase, path: string, { position, existing = "fail" }: OutputOptions): number | "replace" {
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'headers'").get();
  const last = table ? Number(db.prepare("SELECT max(id) AS last FROM headers").get()?.last ?? 0) : 0;
  const committed = position?.[path];
  if (committed !== undefined) {
    if (last >= committed) return committed;
    throw new SinkError(`${path} has rows up to ${last}, but the journal says that ${committed} were written`, {
      advice: LOST,
    });
  }
  if (last === 0 || existing === "append") return last;
  if (existing === "replace") return "replace";
  throw new UsageError(`${path} has headers in it already`, { advice: TAKEN });
}

function valuesOf(row: HeaderRow): SqlValue[] {
  const { date, extra } = row;
  const iso = date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString();
  const further = extra.size === 0 ? null : JSON.stringify(Object.fromEntries(extra));
  return [
    row.number,
    row.subject,
    row.from,
    iso,
    row.rawDate,
    row.messageId,
    row.references.join(" "),
    row.bytes ?? null,
    row.lines ?? null,
    further,
    row.broken ?? null,
  ];
}

/** node:sqlite does not say which file it was. */
function opened(path: string, engine: SqlEngine | undefined): SqlDatabase {
  try {
    return openDatabase(path, engine);
  } catch (cause) {
    throw new SinkError(`${path} could not be opened: ${(cause as Error).message}`, { cause });
  }
}
