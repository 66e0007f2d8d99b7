/** How far a copy of mail is: counted as it goes, told once a second. */
import { MessageMeter, type MessageProgress } from "../meter.js";

/** What a copy says of itself once a second. */
export interface CopyProgress extends MessageProgress {
  /** `settling`: what an earlier run may have copied is looked for in the target. */
  readonly phase: "connecting" | "settling" | "listing" | "copying" | "done";
  /** Messages copied in this run. */
  readonly copied: number;
}

/** Counts, and turns counts into progress. */
export class CopyMeter extends MessageMeter {
  phase: CopyProgress["phase"] = "connecting";
  copied = 0;
  /** Messages that an earlier run had put into the target without knowing it. */
  found = 0;
  /** Messages of a source with new UIDs that were known again. */
  recognised = 0;

  /** What there is to say at this moment, in milliseconds. */
  take(now: number): CopyProgress {
    const { phase, wanted, wantedBytes, copied, bytes, skipped = 0 } = this;
    return { phase, wanted, wantedBytes, copied, bytes, skipped, ...this.pace(now, phase === "copying") };
  }
}
