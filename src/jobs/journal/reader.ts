/** Reading a journal, also while another process writes it: counts, failures, settings. */
import { existsSync } from "node:fs";
import { UsageError } from "../../client/errors.js";
import { tempName } from "../move/names/temp-name.js";
import { decodeDigest } from "./digest.js";
import { isLocked } from "./lock.js";
import { type JobRun, type JobSample, RUN_COLUMNS, SAMPLE_COLUMNS, toRun, toSample } from "./samples.js";
import {
  DEST_BEFORE,
  type DestBefore,
  FILE_STATES,
  type FileState,
  fromColumn,
  NAME_INDEX,
  prepareSchema,
  stateCode,
  stateOf,
} from "./schema.js";
import type { JobSettings } from "./settings.js";
import {
  openDatabase,
  type SqlDatabase,
  type SqlEngine,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
} from "./sqlite.js";

/** A file as the journal knows it. Names are relative to their folder; see `ftp/name.ts` for those that are not UTF-8. */
export interface JournalFile {
  id: number;
  name: string;
  /** Where it goes, relative to the target folder; the name itself until it was claimed. */
  target: string;
  /** Bytes, as planned. */
  size: number | undefined;
  /** Milliseconds since 1970, as planned. */
  mtime: number | undefined;
  state: FileState;
  /** Claims ever. */
  attempt: number;
  /** Claims since it was planned: compare this with a limit of tries. */
  tries: number;
  /** The temporary name of the last attempt, relative to the target folder; undefined before the first. */
  temp: string | undefined;
  /** What the target held before the last attempt; undefined where that was not noted. */
  destBefore: DestBefore | undefined;
  /** True where the two servers were to send it each other in the last attempt: they may be at it still. */
  fxp?: boolean | undefined;
  /** Milliseconds since 1970: not tried again before. */
  notBefore: number | undefined;
  /** Code of the last failure. */
  code: string | undefined;
  /** Its text. */
  error: string | undefined;
  /** Milliseconds since 1970: the last change. */
  updated: number;
  /** Of the bytes that arrived, where the job was to prove them: `sha256:9f86…`. */
  digest: string | undefined;
}

/** A number for every state. */
export type StateCounts = Record<FileState, number>;

/** The process that has a journal open for writing. */
export interface JournalOwner {
  pid: number;
  host: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** How many files ended, or wait, with errors of one kind. */
export interface FailureKind {
  readonly state: FileState;
  /** A reply's code, Node's, or one of ours: EXISTS, ROUTE, BROKEN, KEPT, PARTIAL. */
  readonly code: string | undefined;
  readonly files: number;
  /** The text of one of them. */
  readonly example: string | undefined;
}

/** Rows read at a time: no statement stays open between two, so the journal may change meanwhile. */
const PAGE = 1000;
/** Ids looked at at a time, however few of them are wanted: some ten milliseconds. */
const SPAN = 100_000;

/** What did not go through. */
export const FAILED_STATES = ["FAILED", "CONFLICT", "GONE"] as const;

/** The columns that make a {@link JournalFile}. */
export const FILE_COLUMNS =
  "id, name, size, mtime, state, attempt, tries, updated, target, dest_before, not_before, code, error, digest";

/** A journal open for reading. Get one by {@link JournalReader.read}; `Journal` is one, too. */
export class JournalReader {
  protected readonly totals: SqlStatement;
  /** Read once: it stands in every temporary name. */
  #jobId: string | undefined;

  protected constructor(
    protected readonly db: SqlDatabase,
    /** The file. */
    readonly path: string,
  ) {
    this.totals = db.prepare("SELECT state, files FROM totals");
  }

  /**
   * Opens a journal for reading only, whoever is writing it.
   *
   * @throws UsageError where there is none, or the file is something else.
   */
  static read(path: string, options: { engine?: SqlEngine | undefined } = {}): JournalReader {
    if (!existsSync(path)) throw new UsageError(`there is no journal ${path}`);
    const db = openDatabase(path, options.engine);
    try {
      db.exec("PRAGMA busy_timeout=5000");
      prepareSchema(db, path, false);
      db.exec("PRAGMA query_only=1");
      return new JournalReader(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** How many files are in each state, at the cost of a few rows. While the first listing runs, duplicates count. */
  counts(): StateCounts {
    const counts = noCounts();
    for (const { state, files } of this.totals.all<{ state: number; files: number }>()) counts[stateOf(state)] = files;
    return counts;
  }

  /** Bytes in each state; sizes that are not known count 0. Reads the whole table: a second for some million files. */
  bytes(): StateCounts {
    // Not GROUP BY, which sorts: that takes longer, and memory for each file.
    const sums = FILE_STATES.map((state) => `sum(iif(state = ${stateCode(state)}, size, 0)) AS ${state}`);
    const found = this.db.prepare(`SELECT ${sums.join(", ")} FROM files`).get<Record<FileState, number | null>>();
    const bytes = noCounts();
    for (const state of FILE_STATES) bytes[state] = found?.[state] ?? 0;
    return bytes;
  }

  /** The files in these states, by id. The journal may change between two: each is as it was when its page was read. */
  *files(states: readonly FileState[]): IterableIterator<JournalFile> {
    for (const page of this.filePages(states)) yield* page;
  }

  /** As {@link files}, in groups, some of them empty: none takes long, however few such files there are. */
  *filePages(states: readonly FileState[]): Generator<JournalFile[], void, undefined> {
    const list = states.map(stateCode).join(", ");
    const page = this.db.prepare(
      `SELECT ${FILE_COLUMNS} FROM files WHERE id > ? AND id <= ? AND state IN (${list}) ORDER BY id LIMIT ${PAGE}`,
    );
    for (let after = 0; after < this.lastId; ) {
      const rows = page.all(after, after + SPAN);
      after = rows.length < PAGE ? after + SPAN : (rows.at(-1)!.id as number);
      yield rows.map((row) => this.toFile(row));
    }
  }

  /** What did not go through: FAILED, CONFLICT and GONE, by id, with code and error. */
  failed(): IterableIterator<JournalFile> {
    return this.files(FAILED_STATES);
  }

  /** The last files with an error, newest first: failed, in conflict, vanished, or waiting for another try. */
  lastErrors(limit: number): JournalFile[] {
    const rows = this.db.prepare(
      `SELECT ${FILE_COLUMNS} FROM files WHERE error IS NOT NULL ORDER BY updated DESC, id DESC LIMIT ?`,
    );
    return rows.all(limit).map((row) => this.toFile(row));
  }

  /** What did not go through, by state and code, most files first. */
  failureKinds(): FailureKind[] {
    const rows = this.db.prepare(`SELECT state, code, count(*) AS files, max(error) AS example FROM files
      WHERE state IN (${FAILED_STATES.map(stateCode).join(", ")}) GROUP BY state, code ORDER BY files DESC`);
    return rows.all().map(({ state, code, files, example }) => ({
      state: stateOf(state as number),
      code: (code as string | null) ?? undefined,
      files: files as number,
      example: (example as string | null) ?? undefined,
    }));
  }

  /** How the job went on, oldest first: at most some 2,000 rows. */
  samples(): JobSample[] {
    return this.db.prepare(`SELECT ${SAMPLE_COLUMNS} FROM samples ORDER BY id`).all().map(toSample);
  }

  /** The newest samples, oldest first. */
  lastSamples(limit: number): JobSample[] {
    const rows = this.db.prepare(`SELECT ${SAMPLE_COLUMNS} FROM samples ORDER BY id DESC LIMIT ?`);
    return rows.all(limit).map(toSample).reverse();
  }

  /** The last 500 runs, oldest first. */
  runs(): JobRun[] {
    return this.db.prepare(`SELECT ${RUN_COLUMNS} FROM runs ORDER BY id`).all().map(toRun);
  }

  /** True once a first listing is complete: names are unique then, and the number of files is that of the source. */
  get isListed(): boolean {
    return this.db.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(NAME_INDEX) !== undefined;
  }

  /** True while a process works with it. */
  get isRunning(): boolean {
    return isLocked(this.path, this.db.engine);
  }

  /** How the last run was to go about it: options that are no settings. No secrets. */
  get options(): JobSettings {
    return JSON.parse(String(this.meta("options") ?? "{}")) as JobSettings;
  }

  /** Why the last run stands still, or stood when it ended; undefined where it went on. */
  get paused(): string | undefined {
    const why = this.meta("paused");
    return why == null ? undefined : String(why);
  }

  /** The job's settings. */
  get settings(): JobSettings {
    return JSON.parse(String(this.meta("settings") ?? "{}")) as JobSettings;
  }

  /** Files that were to have their source's time, and have that of the move: a server could not set it. */
  get untimed(): number {
    return Number(this.meta("untimed") ?? 0);
  }

  /** The id in the job's temporary names: 8 letters. */
  get jobId(): string {
    return (this.#jobId ??= String(this.meta("job")));
  }

  /** Listing passes begun so far. */
  get pass(): number {
    return Number(this.meta("pass") ?? 0);
  }

  /** Who has it open for writing, or had when it was killed; undefined after a proper close. */
  get owner(): JournalOwner | undefined {
    const owner = this.meta("owner");
    return owner == null ? undefined : (JSON.parse(String(owner)) as JournalOwner);
  }

  /** Closes it. Safe twice. */
  close(): void {
    this.db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The highest id of a file; 0 where there is none. */
  protected get lastId(): number {
    return Number(this.db.prepare("SELECT coalesce(max(id), 0) AS id FROM files").get()!.id);
  }

  protected meta(key: string): SqlValue | undefined {
    return this.db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value;
  }

  protected toFile(row: SqlRow): JournalFile {
    const name = fromColumn(row.name!);
    const target = row.target === null ? name : fromColumn(row.target!);
    const attempt = row.attempt as number;
    const before = numberOf(row.dest_before);
    return {
      id: row.id as number,
      name,
      target,
      size: numberOf(row.size),
      mtime: numberOf(row.mtime),
      state: stateOf(row.state as number),
      attempt,
      tries: row.tries as number,
      temp: attempt > 0 ? tempName(target, this.jobId, attempt) : undefined,
      destBefore: before === undefined ? undefined : DEST_BEFORE[before % DEST_BEFORE.length],
      fxp: before !== undefined && before >= DEST_BEFORE.length,
      notBefore: numberOf(row.not_before),
      code: (row.code as string | null) ?? undefined,
      error: (row.error as string | null) ?? undefined,
      updated: row.updated as number,
      digest: row.digest === null ? undefined : decodeDigest(row.digest as Uint8Array),
    };
  }
}

function numberOf(value: SqlValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function noCounts(): StateCounts {
  return Object.fromEntries(FILE_STATES.map((state) => [state, 0])) as StateCounts;
}
