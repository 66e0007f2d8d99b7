/** One batch in a worker: lanes of its own, and a word to the coordinator once a second at least. */
import { onAbort } from "../../client/abort.js";
import { UsageError } from "../../client/errors.js";
import { Bucket } from "../move/lanes/bucket.js";
import { Crew } from "../move/lanes/crew.js";
import { codeOf, laneContext } from "../move/lanes/ledger.js";
import { Roster } from "../move/lanes/roster.js";
import { TIMES } from "../move/lanes/times.js";
import type { LaneMove } from "../move/options.js";
import type { Place } from "../move/places/place.js";
import { BatchDesk } from "./batch-desk.js";
import type { Batch, JobHeader, Piece, Stopped } from "./dispatcher.js";

/** Milliseconds between two words. */
const BEAT = 1_000;
/** Milliseconds that files under way have when the worker is to end; then they are broken off and given back. */
const GRACE = 10_000;
/** Warnings told of a batch. */
const WARNINGS = 20;

/** Where a worker's files come from and go to. */
export interface Places {
  readonly from: (create: boolean) => Place;
  readonly to: (create: boolean) => Place;
}

type Limit = LaneMove["bucket"];

/** What a worker works with. */
export interface Workshop {
  /** What the coordinator's messages call it. */
  readonly name: string;
  /** Pairs of connections for a batch at most. */
  readonly lanes: number;
  /** What the lanes of all its batches of this job share. */
  readonly roster: Roster;
  /** The worker's own limit on bytes, over all its batches. */
  readonly bucket: Limit;
  /** Sends a word; resolves when it will be heard, whatever becomes of this process. */
  send(piece: Piece): Promise<void>;
  /** Files under way may be finished, nothing else is begun. */
  readonly ending: AbortSignal;
}

/** What the lanes of a worker share over the batches of a job. `lanes`: as many as it may have at most. */
export function rosterFor({ traits, hangUp }: JobHeader, lanes: number): Roster {
  return new Roster({ ...traits, lanes, keep: hangUp ? 0 : TIMES.idle });
}

export class BatchWork {
  readonly #batch: Batch;
  readonly #header: JobHeader;
  readonly #shop: Workshop;
  readonly #abort = new AbortController();
  readonly #meter = { bytes: 0, lanes: 0, paused: undefined as string | undefined };
  readonly #warnings = new Set<string>();
  readonly #desk: BatchDesk;
  readonly #crew: Crew;
  /** Whether the job stood still already when this batch came: then it is what is tried. */
  readonly #heldBefore: boolean;
  #told: string[] = [];
  #bytesTold = 0;
  /** Words that were not confirmed yet, and when each was sent, on the clock of `performance.now()`. */
  readonly #unheard = new Set<{ readonly since: number }>();
  #stopped: Stopped | undefined;

  /** @param warnings To be told with the first word. */
  constructor(batch: Batch, header: JobHeader, places: Places, shop: Workshop, warnings: readonly string[] = []) {
    this.#batch = batch;
    this.#header = header;
    this.#shop = shop;
    this.#heldBefore = shop.roster.halt.why !== undefined;
    const lanes = Math.min(header.lanes, shop.lanes);
    const orphans = batch.files.filter(({ recover }) => recover).map(({ file }) => file);
    const files = batch.files.filter(({ recover }) => !recover).map(({ file }) => file);
    this.#desk = new BatchDesk(files, orphans, () => this.#announce());
    const move: LaneMove = { ...header.traits, ...places, lanes, bucket: both(shop.bucket, header.bytesPerSecond) };
    const context = laneContext({
      move,
      desk: this.#desk,
      meter: this.#meter,
      signal: this.#abort.signal,
      roster: shop.roster,
      warn: (message) => this.#warn(message),
    });
    this.#crew = new Crew(context, (reason, everywhere) => this.#stop(reason, everywhere));
    this.#crew.adopt(orphans);
    for (const warning of warnings) this.#warn(warning);
  }

  /** Works it off. Gives what stopped it, where something did that would stop the next batch, too. */
  async run(): Promise<Stopped | undefined> {
    const { ending } = this.#shop;
    const timer = setInterval(() => this.#beat(), BEAT);
    let grace: NodeJS.Timeout | undefined;
    const onEnding = () => {
      this.#desk.drain();
      grace = setTimeout(() => this.#abort.abort(ending.reason), GRACE);
    };
    if (ending.aborted) onEnding();
    ending.addEventListener("abort", onEnding, { once: true });
    try {
      await this.#crew.work();
    } catch (error) {
      this.#stop(error, true);
    } finally {
      clearInterval(timer);
      clearTimeout(grace);
      ending.removeEventListener("abort", onEnding);
      await this.#crew.close();
    }
    this.#desk.drain();
    await this.#say(true);
    return this.#stopped;
  }

  #beat(): void {
    // Other workers may have what this one cannot go on with.
    if (this.#shop.roster.halt.on && !this.#heldBefore) this.#desk.drain();
    this.#say(false).catch(() => {});
    const [first] = this.#unheard;
    // The coordinator will take it for lost: whoever gets it then should meet nobody.
    if (first && performance.now() - first.since > this.#header.lease / 2)
      this.#abort.abort(new UsageError("the coordinator could not be reached"));
  }

  /** Lanes wait for this: not longer than the batch is worked on. */
  async #announce(): Promise<void> {
    const { signal } = this.#abort;
    const said = this.#say(false);
    said.catch(() => {});
    let forget = () => {};
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      forget = onAbort(signal, resolve);
    });
    await Promise.race([said, aborted]).finally(forget);
  }

  async #say(ended: boolean): Promise<void> {
    const bytes = this.#meter.bytes - this.#bytesTold;
    this.#bytesTold = this.#meter.bytes;
    const warnings = this.#told.splice(0);
    const { lanes, paused } = this.#meter;
    const said = { batch: this.#batch.key, worker: this.#shop.name, bytes, lanes, paused, warnings, ended };
    const word = { since: performance.now() };
    this.#unheard.add(word);
    await this.#shop.send({
      ...said,
      ...this.#desk.words(),
      ...(ended && this.#stopped && { stopped: this.#stopped }),
    });
    this.#unheard.delete(word);
  }

  #warn(message: string): void {
    if (this.#warnings.size >= WARNINGS || this.#warnings.has(message)) return;
    this.#warnings.add(message);
    this.#told.push(message);
  }

  #stop(reason: unknown, everywhere: boolean): void {
    const { name, message } = reason as Error;
    this.#stopped ??= { name, message, code: codeOf(reason), everywhere };
    this.#abort.abort(reason);
  }
}

/** The worker's limit, and the job's for this batch. */
function both(ours: Limit, bytesPerSecond: number | undefined): Limit {
  if (bytesPerSecond === undefined) return ours;
  const theirs = new Bucket({ bytesPerSecond });
  return {
    take(bytes, signal) {
      const waits = [ours.take(bytes, signal), theirs.take(bytes, signal)];
      return waits.some(Boolean) ? Promise.all(waits).then(() => {}) : undefined;
    },
  };
}
