/** How far a move is: counted as it goes, told once a second. */
import type { StateCounts } from "../journal/journal.js";
import { Rates } from "../meter.js";

/** What a move says of itself once a second. */
export interface MoveProgress {
  /** `listing` while the first pass over the source runs: `files` still grows. */
  readonly phase: "listing" | "moving" | "done";
  /** Files known so far. */
  readonly files: number;
  /** Files that are settled, in whatever way. */
  readonly settled: number;
  readonly moved: number;
  readonly skipped: number;
  /** Files that failed, conflict with another one, or vanished. */
  readonly failed: number;
  /** Bytes that arrived in this run. */
  readonly bytes: number;
  /** Over the last ten seconds. */
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Seconds to the end at this rate; undefined while that cannot be told. */
  readonly secondsLeft: number | undefined;
  /** Lanes at work: connected to both sides. */
  readonly lanes: number;
  /** Why the job stands still for now (`452 …`); undefined while it goes on. */
  readonly paused: string | undefined;
}

/** Turns counts into progress. */
export class ProgressMeter {
  phase: MoveProgress["phase"] = "listing";
  /** Those of a transfer that failed are taken off again. */
  bytes = 0;
  lanes = 0;
  /** Why nothing is begun for now. */
  paused: string | undefined;
  readonly #rates = new Rates<"settled" | "bytes">();

  /** What there is to say now. */
  take(counts: StateCounts, now: number): MoveProgress {
    const { DONE, SKIPPED_SAME, CONFLICT, FAILED, GONE, PLANNED, CLAIMED } = counts;
    const settled = DONE + SKIPPED_SAME + CONFLICT + FAILED + GONE;
    const rate = this.#rates.take(now, { settled, bytes: this.bytes });
    const filesPerSecond = Math.max(0, rate("settled"));
    const left = PLANNED + CLAIMED;
    return {
      phase: this.phase,
      files: settled + left,
      settled,
      moved: DONE,
      skipped: SKIPPED_SAME,
      failed: CONFLICT + FAILED + GONE,
      bytes: this.bytes,
      filesPerSecond,
      bytesPerSecond: Math.max(0, rate("bytes")),
      secondsLeft: this.phase === "moving" && filesPerSecond > 0 ? left / filesPerSecond : undefined,
      lanes: this.lanes,
      paused: this.paused,
    };
  }
}
