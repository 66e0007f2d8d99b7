/** How a job went on, over all its runs: a row every few seconds, thinned out so that weeks stay small. */
import { hostname } from "node:os";
import type { SqlDatabase, SqlRow } from "./sqlite.js";

/** How far a job was at one moment. */
export interface JobSample {
  /** The run it is of: 1, 2 … */
  readonly run: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Files settled in whatever way, in the whole journal. */
  readonly settled: number;
  readonly moved: number;
  /** Files that failed, conflict or vanished. */
  readonly failed: number;
  /** Bytes that arrived, in all runs. */
  readonly bytes: number;
  /** Lanes at work. */
  readonly lanes: number;
}

/** One run of a job. */
export interface JobRun {
  /** 1, 2 … */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** Undefined while it runs, and where it was killed. */
  readonly ended: number | undefined;
  readonly pid: number;
  readonly host: string;
  /** What stopped it before its end. */
  readonly error: string | undefined;
  /** What a person should know. */
  readonly warnings: readonly string[];
}

/** Rows at most; then every second one goes. */
const MOST = 2_000;
/** The newest rows, all of which are kept: what is told of the rate now comes from them. */
const RECENT = 150;
/** Runs that are remembered. A job that cron starts each minute has half a million in a year. */
const RUNS = 500;

export const RUN_COLUMNS = "id, started, ended, pid, host, error, warnings";
export const SAMPLE_COLUMNS = "run, at, settled, moved, failed, bytes, lanes";

/** A row → a sample. */
export function toSample(row: SqlRow): JobSample {
  const { run, at, settled, moved, failed, bytes, lanes } = row as unknown as JobSample;
  return { run, at, settled, moved, failed, bytes, lanes };
}

/** A row → a run. */
export function toRun({ id, started, ended, pid, host, error, warnings }: SqlRow): JobRun {
  return {
    id: Number(id),
    started: Number(started),
    ended: ended === null ? undefined : Number(ended),
    pid: Number(pid),
    host: String(host),
    error: error === null ? undefined : String(error),
    warnings: JSON.parse(String(warnings ?? "[]")) as string[],
  };
}

/** The writing side. The caller wraps every call into a transaction. */
export class Samples {
  readonly #db: SqlDatabase;
  #run = 0;
  /** Bytes of the runs before this one. */
  #before = 0;
  /** Of the older rows those stay whose id this divides: 1, 2, 4 … */
  #step: number;

  constructor(db: SqlDatabase) {
    this.#db = db;
    this.#step = Number(db.prepare("SELECT value FROM meta WHERE key = 'sample_step'").get()?.value ?? 1);
  }

  /** A run begins. The last row of the one before, which may have been killed, stays for good. */
  begin(now: number): void {
    this.#db.exec("UPDATE samples SET edge = 1 WHERE id = (SELECT max(id) FROM samples)");
    this.#before = Number(this.#db.prepare("SELECT bytes FROM samples ORDER BY id DESC LIMIT 1").get()?.bytes ?? 0);
    this.#db.prepare("INSERT INTO runs(started, pid, host) VALUES(?, ?, ?)").run(now, process.pid, hostname());
    this.#run = Number(this.#db.prepare("SELECT max(id) AS id FROM runs").get()?.id);
    this.#db.prepare("DELETE FROM runs WHERE id <= ?").run(this.#run - RUNS);
    this.#db.prepare("UPDATE samples SET edge = 0 WHERE edge = 1 AND run <= ?").run(this.#run - RUNS);
  }

  /** Takes a sample. `bytes` are those of this run. `edge`: the first one, and the last one, of the run. */
  add(sample: Omit<JobSample, "run">, edge: boolean): void {
    const { at, settled, moved, failed, bytes, lanes } = sample;
    const values = [this.#run, at, settled, moved, failed, this.#before + bytes, lanes, edge ? 1 : 0];
    this.#db.prepare(`INSERT INTO samples(${SAMPLE_COLUMNS}, edge) VALUES(?, ?, ?, ?, ?, ?, ?, ?)`).run(...values);
    this.#thin();
  }

  /** All the warnings of the run so far. */
  warn(warnings: readonly string[]): void {
    this.#db.prepare("UPDATE runs SET warnings = ? WHERE id = ?").run(JSON.stringify(warnings), this.#run);
  }

  /** The run ends, by itself or stopped by an error. */
  end(now: number, error: string | undefined): void {
    this.#db.prepare("UPDATE runs SET ended = ?, error = ? WHERE id = ?").run(now, error ?? null, this.#run);
  }

  /**
   * Behind the newest rows only every `step`-th one stays. Where that is too many, the step doubles: so the whole of a
   * job, however long, has between half of {@link MOST} and all of it, evenly spread.
   */
  #thin(): void {
    const row = this.#db.prepare("SELECT max(id) AS newest, count(*) AS rows FROM samples").get();
    const last = Number(row?.newest) - RECENT;
    if (Number(row?.rows) > MOST) {
      this.#step *= 2;
      this.#db.prepare("INSERT OR REPLACE INTO meta VALUES('sample_step', ?)").run(this.#step);
      this.#db.prepare("DELETE FROM samples WHERE id < ? AND id % ? <> 0 AND edge = 0").run(last, this.#step);
    }
    this.#db.prepare("DELETE FROM samples WHERE id = ? AND id % ? <> 0 AND edge = 0").run(last, this.#step);
  }
}
