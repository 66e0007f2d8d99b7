/** How far a copy of mail is: counted as it goes, told once a second. */
import { Rate } from "../mail/progress.js";

/** What a copy says of itself once a second. */
export interface CopyProgress {
  /** `settling`: what an earlier run may have copied is looked for in the target. */
  readonly phase: "connecting" | "settling" | "listing" | "copying" | "done";
  /** Messages that this run is to copy, and their size as the server says it. */
  readonly wanted: number;
  readonly wantedBytes: number;
  /** Messages copied in this run, and their size. */
  readonly copied: number;
  readonly bytes: number;
  /** Messages passed over, as they were copied before. */
  readonly skipped: number;
  /** Over the last ten seconds. */
  readonly bytesPerSecond: number;
  /** Seconds to the end at this rate; undefined while that cannot be told. */
  readonly secondsLeft: number | undefined;
}

/** Counts, and turns counts into progress. */
export class CopyMeter {
  phase: CopyProgress["phase"] = "connecting";
  wanted = 0;
  wantedBytes = 0;
  copied = 0;
  bytes = 0;
  /** Undefined before the first listing. */
  skipped: number | undefined;
  /** Messages that an earlier run had put into the target without knowing it. */
  found = 0;
  /** Messages that others removed before they were copied. */
  vanished = 0;
  /** Messages of a source with new UIDs that were known again. */
  recognised = 0;
  readonly #rate = new Rate();

  /** A message is not to be copied after all. */
  pass(bytes = 0): void {
    this.wanted--;
    this.wantedBytes -= bytes;
  }

  /** What there is to say at this moment, in milliseconds. */
  take(now: number): CopyProgress {
    const { phase, wanted, wantedBytes, copied, bytes, skipped = 0 } = this;
    const bytesPerSecond = this.#rate.take(now, bytes);
    const isKnown = phase === "copying" && bytesPerSecond > 0;
    return {
      ...{ phase, wanted, wantedBytes, copied, bytes, skipped, bytesPerSecond },
      secondsLeft: isKnown ? Math.max(0, wantedBytes - bytes) / bytesPerSecond : undefined,
    };
  }
}
