/** Samples → the curves of the report: rates between two samples, gaps between two runs. Pure. */
import type { JobSample } from "../../journal/journal.js";

/** Points of a chart: columns of equal length; null is a gap. */
export interface Curve {
  /** Seconds since 1970. */
  readonly at: number[];
  readonly filesPerSecond: (number | null)[];
  /** 10^6 bytes per second. */
  readonly megabytesPerSecond: (number | null)[];
  readonly lanes: (number | null)[];
}

/** Milliseconds: files are settled in groups, so over less than this a rate means nothing. */
const LEAST = 1_000;

/** The curves over all runs. */
export function curveOf(samples: readonly JobSample[]): Curve {
  const curve: Curve = { at: [], filesPerSecond: [], megabytesPerSecond: [], lanes: [] };
  for (const run of runsOf(samples)) {
    const before = curve.at.at(-1);
    const first = run[0] as JobSample;
    if (before !== undefined && run.length > 1) push(curve, (before * 1000 + first.at) / 2, null);
    addRun(curve, run);
  }
  return curve;
}

function runsOf(samples: readonly JobSample[]): JobSample[][] {
  const runs: JobSample[][] = [];
  for (const sample of samples) {
    if (runs.at(-1)?.[0]?.run === sample.run) runs.at(-1)?.push(sample);
    else runs.push([sample]);
  }
  return runs;
}

/** A rate at the end of each interval; the line begins with the first one's, where the run does. */
function addRun(curve: Curve, run: readonly JobSample[]): void {
  let from = run[0] as JobSample;
  let points = 0;
  for (const [i, to] of run.entries()) {
    const isOnly = i === run.length - 1 && points === 0;
    if (to.at <= from.at || (to.at - from.at < LEAST && !isOnly)) continue;
    const found = rates(from, to);
    if (points++ === 0) push(curve, from.at, found);
    push(curve, to.at, found);
    from = to;
  }
}

interface Rates {
  readonly files: number;
  readonly megabytes: number;
  readonly lanes: number;
}

function rates(from: JobSample, to: JobSample): Rates {
  const seconds = (to.at - from.at) / 1000;
  const files = Math.max(0, to.settled - from.settled) / seconds;
  // The first sample of a run has no lanes yet, and the last one finds them gone.
  return {
    files,
    megabytes: Math.max(0, to.bytes - from.bytes) / 1e6 / seconds,
    lanes: Math.max(from.lanes, to.lanes),
  };
}

function push(curve: Curve, at: number, rates: Rates | null): void {
  curve.at.push(at / 1000);
  curve.filesPerSecond.push(rates === null ? null : round(rates.files));
  curve.megabytesPerSecond.push(rates === null ? null : round(rates.megabytes));
  curve.lanes.push(rates === null ? null : rates.lanes);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
