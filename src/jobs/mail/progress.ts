/** How far a mail job is: counted as it goes, told once a second. */
import { MessageMeter, type MessageProgress } from "../meter.js";

/** What a mail job says of itself once a second. */
export interface MailProgress extends MessageProgress {
  readonly phase: "connecting" | "listing" | "fetching" | "deleting" | "done";
  /** Messages stored in this run. */
  readonly fetched: number;
  /** Messages deleted; by POP3 they go with the end of the session. */
  readonly deleted: number;
}

/** Counts, and turns counts into progress. */
export class MailMeter extends MessageMeter {
  phase: MailProgress["phase"] = "connecting";
  fetched = 0;
  deleted = 0;
  /** Messages that are certainly deleted. */
  gone = 0;
  /** Messages marked as deleted that the server does not remove. */
  marked = 0;
  /** Of a mailbox with new UIDs: what they count by, and how many messages were known again. */
  renumbered: { readonly uidValidity: number; recognised: number } | undefined;

  /** What there is to say at this moment, in milliseconds. */
  take(now: number): MailProgress {
    const { phase, wanted, wantedBytes, fetched, bytes, skipped = 0, deleted } = this;
    return { phase, wanted, wantedBytes, fetched, bytes, skipped, deleted, ...this.pace(now, phase === "fetching") };
  }
}
