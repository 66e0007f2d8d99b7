/** How a move stands, read from its journal while it runs or afterwards. */
import type { FailureKind, JobRun, JournalFile, JournalReader, StateCounts } from "../../journal/journal.js";
import type { JobSettings } from "../../journal/settings.js";
import { failureClass } from "./failure-class.js";

/**
 * - `listing`, `moving`: a process works with the journal
 * - `finished`: the last run came to its end, and nothing is left · `stopped`: something is left, or it ended with an error
 * - `killed`: the last run did not end by itself
 */
export type JobPhase = "listing" | "moving" | "finished" | "stopped" | "killed";

/** A file that failed, or waits for another try. */
export type TroubledFile = Pick<JournalFile, "name" | "target" | "state" | "code" | "error" | "updated" | "notBefore">;

/** A {@link FailureKind} with what it means. */
export interface ClassedFailure extends FailureKind {
  readonly class: string;
}

/** How a move stands. Times are in milliseconds since 1970. */
export interface MoveStatus {
  readonly journal: string;
  readonly phase: JobPhase;
  /** The process at work, or the one that was killed. */
  readonly owner: { readonly pid: number; readonly host: string; readonly since: number } | undefined;
  /** What the job is: from, to, match, route … No secrets. */
  readonly settings: JobSettings;
  /** How the last run went about it. */
  readonly options: JobSettings;
  readonly states: StateCounts;
  /** Files known; in the first listing it still grows. */
  readonly files: number;
  /** Files that are settled, in whatever way. */
  readonly settled: number;
  /** Bytes that arrived, in all runs. */
  readonly bytes: number;
  /** Lanes at work. */
  readonly lanes: number;
  /** Over the last minute; 0 where no process is at work. */
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Seconds to the end at this rate; undefined while that cannot be told. */
  readonly secondsLeft: number | undefined;
  /** Why the job stands still for now; undefined where it goes on, or no process is at work. */
  readonly paused: string | undefined;
  /** The last run; undefined for a journal of polywire 0.1. */
  readonly lastRun: JobRun | undefined;
  /** The last errors, newest first. */
  readonly errors: readonly TroubledFile[];
}

/** Milliseconds over which a rate is taken, and the samples that many are. */
const WINDOW = 60_000;
const SAMPLES = 31;

/**
 * How a move stands. It costs a few rows, however large the journal, and never waits for the mover.
 *
 * @param limit Errors at most. Default: 5.
 */
export function readStatus(reader: JournalReader, limit = 5): MoveStatus {
  const { path: journal, owner, settings, options, isRunning } = reader;
  const states = reader.counts();
  const { PLANNED, CLAIMED, ...ended } = states;
  const settled = Object.values(ended).reduce((sum, files) => sum + files, 0);
  const left = PLANNED + CLAIMED;
  const lastRun = reader.runs().at(-1);
  const rate = rateOf(reader, lastRun, isRunning);
  const errors = reader.lastErrors(limit).map(troubled);
  const phase = isRunning ? (reader.isListed ? "moving" : "listing") : phaseAfter(lastRun, owner !== undefined, left);
  const secondsLeft = phase === "moving" && rate.filesPerSecond > 0 ? left / rate.filesPerSecond : undefined;
  const told = { journal, phase, owner, settings, options, states, files: settled + left, settled } as const;
  const paused = isRunning ? reader.paused : undefined;
  return { ...told, ...rate, secondsLeft, paused, lastRun, errors };
}

/** What did not go through, by state and code, each with what its code means. */
export function classedFailures(reader: JournalReader): ClassedFailure[] {
  return reader.failureKinds().map((kind) => ({ ...kind, class: failureClass(kind.state, kind.code) }));
}

function phaseAfter(lastRun: JobRun | undefined, owned: boolean, left: number): JobPhase {
  if (owned || (lastRun !== undefined && lastRun.ended === undefined)) return "killed";
  return left > 0 || lastRun?.error !== undefined ? "stopped" : "finished";
}

function rateOf(reader: JournalReader, lastRun: JobRun | undefined, isRunning: boolean) {
  const samples = reader.lastSamples(SAMPLES);
  const last = samples.at(-1);
  const bytes = last?.bytes ?? 0;
  const none = { bytes, lanes: 0, filesPerSecond: 0, bytesPerSecond: 0 };
  if (!isRunning || last === undefined || last.run !== lastRun?.id) return none;
  const first = samples.find(({ run, at }) => run === last.run && last.at - at <= WINDOW) ?? last;
  const seconds = (last.at - first.at) / 1000;
  const rate = (more: number) => (seconds > 0 ? Math.max(0, more / seconds) : 0);
  return {
    bytes,
    lanes: last.lanes,
    filesPerSecond: rate(last.settled - first.settled),
    bytesPerSecond: rate(last.bytes - first.bytes),
  };
}

function troubled({ name, target, state, code, error, updated, notBefore }: JournalFile): TroubledFile {
  return { name, target, state, code, error, updated, notBefore };
}
