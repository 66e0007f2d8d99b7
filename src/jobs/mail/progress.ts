/** How far a mail job is: counted as it goes, told once a second. */

/** What a mail job says of itself once a second. */
export interface MailProgress {
  readonly phase: "connecting" | "listing" | "fetching" | "deleting" | "done";
  /** Messages that this run is to fetch, and their size as the server says it. */
  readonly wanted: number;
  readonly wantedBytes: number;
  /** Messages stored in this run, and their size. */
  readonly fetched: number;
  readonly bytes: number;
  /** Messages passed over, as they were stored before. */
  readonly skipped: number;
  /** Messages deleted; by POP3 they go with the end of the session. */
  readonly deleted: number;
  /** Over the last ten seconds. */
  readonly bytesPerSecond: number;
  /** Seconds to the end at this rate; undefined while that cannot be told. */
  readonly secondsLeft: number | undefined;
}

/** Seconds over which a rate is taken. */
const WINDOW = 10;

/** A rate over the last ten seconds, from samples a second apart. */
export class Rate {
  readonly #samples: { at: number; bytes: number }[] = [];

  /** Bytes a second at this moment, in milliseconds. */
  take(now: number, bytes: number): number {
    this.#samples.push({ at: now, bytes });
    if (this.#samples.length > WINDOW + 1) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = (now - first.at) / 1000;
    return seconds > 0 ? (bytes - first.bytes) / seconds : 0;
  }
}

/** Counts, and turns counts into progress. */
export class MailMeter {
  phase: MailProgress["phase"] = "connecting";
  wanted = 0;
  wantedBytes = 0;
  fetched = 0;
  bytes = 0;
  /** Undefined before the first listing. */
  skipped: number | undefined;
  deleted = 0;
  /** Messages that are certainly deleted. */
  gone = 0;
  /** Messages marked as deleted that the server does not remove. */
  marked = 0;
  /** Messages that others removed before they were fetched. */
  vanished = 0;
  /** Of a mailbox with new UIDs: what they count by, and how many messages were known again. */
  renumbered: { readonly uidValidity: number; recognised: number } | undefined;
  readonly #rate = new Rate();

  /** A message is not to be fetched after all. */
  pass(bytes = 0): void {
    this.wanted--;
    this.wantedBytes -= bytes;
  }

  /** What there is to say at this moment, in milliseconds. */
  take(now: number): MailProgress {
    const { phase, wanted, wantedBytes, fetched, bytes, skipped = 0, deleted } = this;
    const bytesPerSecond = this.#rate.take(now, bytes);
    const left = Math.max(0, wantedBytes - bytes);
    const known = phase === "fetching" && bytesPerSecond > 0;
    return {
      ...{ phase, wanted, wantedBytes, fetched, bytes, skipped, deleted, bytesPerSecond },
      secondsLeft: known ? left / bytesPerSecond : undefined,
    };
  }
}
