/** A lane: one connection to each side, moving a batch of claimed files at a time, or recovering what another left. */
import type { ClaimedFile } from "../../journal/journal.js";
import type { Place } from "../places/place.js";
import { deliver, type More } from "./deliver.js";
import { isHeld, type LaneContext, Ledger } from "./ledger.js";
import { pause } from "./pause.js";
import { resume } from "./resume.js";
import { classify, delay } from "./retry.js";
import { requireVerify } from "./verify.js";

/** Files given to a lane at a time. */
export const BATCH = 64;
/** Tries to remove a file when its server says "not now". */
const REMOVALS = 3;

/** What the steps of a lane work with. */
export interface Workplace {
  readonly context: LaneContext;
  readonly ledger: Ledger;
  readonly from: Place;
  readonly to: Place;
  /** Removes files; those whose server says "not now" are tried again. Gives for each what went wrong, if something did. */
  remove(place: Pick<Place, "remove">, names: readonly string[]): Promise<(Error | undefined)[]>;
  /** Removes temporary files of no use. */
  drop(files: readonly ClaimedFile[]): Promise<void>;
  /** A file failed: its temporary file goes. Rejects where that was the connection's fault, or the whole job's. */
  failed(file: ClaimedFile, error: unknown): Promise<void>;
}

export class Lane implements Workplace {
  readonly context: LaneContext;
  readonly ledger: Ledger;
  from: Place;
  to: Place;
  /** True where what could not be connected last was connected before, in this or another lane. */
  met = false;
  /** True where its connections are those of an earlier batch: they may be over, and nobody knows. */
  isKept = false;
  /** Files to be given at a time. */
  batch = BATCH;

  constructor(context: LaneContext) {
    this.context = context;
    this.ledger = new Ledger(context);
    this.from = context.move.from(false);
    this.to = context.move.to(true);
  }

  /** Connects both sides; `source` is one that is connected already. */
  async connect(source: Place | undefined, signal: AbortSignal): Promise<void> {
    const { move } = this.context;
    await this.close();
    this.from = source ?? move.from(false);
    this.to = move.to(true);
    // Both are waited for: one that came about behind the other's failure would stay open for ever.
    const [from, to] = await Promise.allSettled([
      source ? undefined : this.from.open(signal),
      this.#openTarget(signal),
    ]);
    const { met } = this.context.roster;
    if (from.status === "fulfilled") met.from = true;
    if (to.status === "fulfilled") met.to = true;
    if (from.status === "fulfilled" && to.status === "fulfilled") return;
    this.met = met.from && met.to;
    await this.close();
    throw from.status === "rejected" ? from.reason : (to as PromiseRejectedResult).reason;
  }

  async #openTarget(signal: AbortSignal): Promise<void> {
    await this.to.open(signal);
    requireVerify(this.context.move.verify, this.to);
  }

  async close(): Promise<void> {
    await Promise.all([this.from.close(), this.to.close()]);
  }

  get usable(): boolean {
    return this.from.usable && this.to.usable;
  }

  /**
   * Moves a batch, and what `more` gives before that is through: between two batches that are not joined so, both
   * connections stand idle for some round trips. Rejects where a connection failed: `recover` what is unsettled then, on
   * new ones.
   */
  async run(files: readonly ClaimedFile[], more: More = () => []): Promise<void> {
    if (files.length === 0) return;
    const taken = (batch: readonly ClaimedFile[]) => {
      this.ledger.take(batch);
      return batch;
    };
    for (let open = taken(files); open.length > 0 && !isHeld(this.context); ) {
      open = await deliver(this, open, () => taken(more()));
    }
    this.ledger.giveBack();
  }

  /** Settles files that were under way when something died, by looking at what is there. */
  async recover(files: readonly ClaimedFile[]): Promise<void> {
    this.ledger.take(files);
    await resume(this, files);
  }

  async drop(files: readonly ClaimedFile[]): Promise<void> {
    const errors = await this.remove(
      this.to,
      files.map((file) => file.temp),
    );
    for (const [i, file] of files.entries()) {
      if (errors[i]) this.context.warn(`${file.temp} could not be removed: ${errors[i].message}`);
    }
  }

  async remove(place: Pick<Place, "remove">, names: readonly string[]): Promise<(Error | undefined)[]> {
    const { signal } = this.context;
    const errors = await place.remove(names);
    for (let attempt = 1; attempt < REMOVALS && !signal.aborted; attempt++) {
      const again = [...names.keys()].filter((i) => errors[i] && classify(errors[i]) === "retry");
      if (again.length === 0) break;
      await pause(delay(attempt), signal);
      const results = await place.remove(again.map((i) => names[i] as string));
      for (const [k, i] of again.entries()) errors[i] = results[k];
    }
    return errors;
  }

  async failed(file: ClaimedFile, error: unknown): Promise<void> {
    if (this.to.usable) await this.drop([file]);
    if (!this.usable) throw error;
    // Given back at the end of the batch.
    if (!this.context.signal.aborted) this.ledger.retry(file, error as Error);
  }
}
