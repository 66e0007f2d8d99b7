/** What the meters of the jobs share: rates over the last ten seconds, and the counts of a job that carries messages. */

/** Seconds over which a rate is taken. */
const WINDOW = 10;

/** How fast counts grow, from samples a second apart. */
export class Rates<Name extends string> {
  readonly #samples: { readonly at: number; readonly counts: Readonly<Record<Name, number>> }[] = [];

  /** Takes a sample at this moment, in milliseconds; gives what each count grew by in a second. */
  take(now: number, counts: Readonly<Record<Name, number>>): (name: Name) => number {
    this.#samples.push({ at: now, counts });
    if (this.#samples.length > WINDOW + 1) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = (now - first.at) / 1000;
    return (name) => (seconds > 0 ? (counts[name] - first.counts[name]) / seconds : 0);
  }
}

/** What every job that carries messages says of itself once a second. */
export interface MessageProgress {
  /** Messages that this run is to carry, and their size as the server says it. */
  readonly wanted: number;
  readonly wantedBytes: number;
  /** The size of the messages that arrived in this run. */
  readonly bytes: number;
  /** Messages passed over, as they were carried before. */
  readonly skipped: number;
  /** Over the last ten seconds. */
  readonly bytesPerSecond: number;
  /** Seconds to the end at this rate; undefined while that cannot be told. */
  readonly secondsLeft: number | undefined;
}

/** The counts of every job that carries messages. */
export abstract class MessageMeter {
  wanted = 0;
  wantedBytes = 0;
  bytes = 0;
  /** Undefined before the first listing. */
  skipped: number | undefined;
  /** Messages that others removed before they were carried. */
  vanished = 0;
  readonly #rates = new Rates<"bytes">();

  /** A message is not to be carried after all. */
  pass(bytes = 0): void {
    this.wanted--;
    this.wantedBytes -= bytes;
  }

  /** The rate at this moment, in milliseconds; and the time left, while messages are under way. */
  protected pace(now: number, isCarrying: boolean): Pick<MessageProgress, "bytesPerSecond" | "secondsLeft"> {
    const bytesPerSecond = this.#rates.take(now, { bytes: this.bytes })("bytes");
    const left = Math.max(0, this.wantedBytes - this.bytes);
    return { bytesPerSecond, secondsLeft: isCarrying && bytesPerSecond > 0 ? left / bytesPerSecond : undefined };
  }
}
