/** What a move came to, over all its runs: the summary of a report. */
import type { JobRun, JournalReader, StateCounts } from "../../journal/journal.js";
import type { JobSettings } from "../../journal/settings.js";
import { type ClassedFailure, classedFailures, type JobPhase, readStatus } from "../look/status.js";

/** A move as a whole. Times are ISO 8601, UTC. */
export interface MoveSummary {
  readonly journal: string;
  /** When the summary was made. */
  readonly made: string;
  readonly phase: JobPhase;
  readonly settings: JobSettings;
  readonly options: JobSettings;
  readonly files: number;
  /** Files in each state, and their bytes. */
  readonly states: StateCounts;
  readonly bytes: StateCounts;
  /** When the first run that is remembered began, and when the last one was seen. */
  readonly began: string | undefined;
  readonly ended: string | undefined;
  /** Seconds in which some run was at work, as far as samples tell. */
  readonly secondsAtWork: number;
  /** Files settled, and bytes that arrived, in a second of work. */
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly mostLanes: number;
  /** The last 500 runs, oldest first. */
  readonly runs: readonly JobRun[];
  readonly failures: readonly ClassedFailure[];
  readonly warnings: readonly string[];
}

/** Warnings in a summary. */
const WARNINGS = 100;

/** Reads a summary: once through the files, for their bytes. */
export function summarize(reader: JournalReader, now = new Date()): MoveSummary {
  const { journal, phase, settings, options, files, states } = readStatus(reader);
  const samples = reader.samples();
  const runs = reader.runs();
  let ms = 0;
  let [settled, bytes, mostLanes] = [0, 0, 0];
  for (const [i, sample] of samples.entries()) {
    const before = samples[i - 1];
    mostLanes = Math.max(mostLanes, sample.lanes);
    if (before?.run !== sample.run) continue;
    ms += sample.at - before.at;
    settled += Math.max(0, sample.settled - before.settled);
    bytes += Math.max(0, sample.bytes - before.bytes);
  }
  const seconds = ms / 1000;
  const rate = (value: number) => (seconds > 0 ? Math.round((value / seconds) * 1000) / 1000 : 0);
  const last = Math.max(runs.at(-1)?.ended ?? 0, samples.at(-1)?.at ?? 0);
  return {
    journal,
    made: now.toISOString(),
    phase,
    settings,
    options,
    files,
    states,
    bytes: reader.bytes(),
    began: runs[0] && new Date(runs[0].started).toISOString(),
    ended: last > 0 ? new Date(last).toISOString() : undefined,
    secondsAtWork: seconds,
    filesPerSecond: rate(settled),
    bytesPerSecond: rate(bytes),
    mostLanes,
    runs,
    failures: classedFailures(reader),
    warnings: [...new Set(runs.flatMap(({ warnings }) => warnings))].slice(-WARNINGS),
  };
}
