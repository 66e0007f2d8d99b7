/** The lanes of a move at work: what each is given, and what becomes of one whose connection fails. */
import type { ClaimedFile } from "../../journal/journal.js";
import type { Place } from "../places/place.js";
import { BATCH, Lane } from "./lane.js";
import { JobStopped, type LaneContext } from "./ledger.js";
import { pause } from "./pause.js";
import { classify, delay } from "./retry.js";

/** Milliseconds a lane sleeps at most before it looks for work again: another one may have left some. */
const WAIT = 1_000;
/** Tries of a connection before the job is given up. */
export const CONNECT_TRIES = 8;
/** Connections lost in a row without a file that went through, over all lanes and for each: the job is given up. */
const LOSSES = 20;
const LOSSES_PER_LANE = 5;

/** Ends the whole job. `everywhere`: it would not fare better on another machine, with connections of its own. */
export type Stop = (reason: unknown, everywhere: boolean) => void;

export class Crew {
  readonly #context: LaneContext;
  readonly #stop: Stop;
  /** Files under way in a lane that ended, or in an earlier run: another one recovers them. */
  readonly #orphans: ClaimedFile[] = [];
  /** The last connection to the source that somebody left in order. */
  #source: Place | undefined;
  #connected = 0;
  #losses = 0;

  constructor(context: LaneContext, stop: Stop) {
    this.#context = context;
    this.#stop = stop;
  }

  /** Files to be recovered before anything else. */
  adopt(files: readonly ClaimedFile[]): void {
    this.#orphans.push(...files);
  }

  /** A connection to the source, for a listing: one that a lane left, or a new one. Undefined where the job is to end. */
  async source(): Promise<Place | undefined> {
    const left = this.#takeSource();
    if (left) return left;
    const source = this.#context.move.from(false);
    return (await this.connect(() => source.open(this.#context.signal))) ? source : undefined;
  }

  /** A connection to the source that is still good: for the next lane, or the next listing. */
  async leave(source: Place): Promise<void> {
    const before = this.#source;
    this.#source = source;
    await before?.close();
  }

  /** Hangs up what nobody took. */
  async close(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    await source?.close();
  }

  #takeSource(): Place | undefined {
    const source = this.#source;
    this.#source = undefined;
    return source?.usable ? source : undefined;
  }

  /** Lanes over everything that is planned; orphans are recovered on the way. */
  async work(): Promise<void> {
    // Until their fate is known, nobody else may have their final names.
    for (const { id, target } of this.#orphans) this.#context.writing.set(target, id);
    while (!this.#context.signal.aborted) {
      // A lane that ended while the others had nothing left to do leaves files behind.
      const open = this.#orphans.length + this.#context.desk.open;
      if (open === 0) return;
      const lanes = Math.min(this.#context.move.lanes, Math.ceil(open / 4));
      await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
    }
  }

  async #lane(): Promise<void> {
    const lane = new Lane(this.#context);
    this.#context.meter.lanes++;
    for (let losses = 0; await this.connect(() => lane.connect(this.#takeSource())); ) {
      const { progress } = lane.ledger;
      this.#connected++;
      try {
        await this.#serve(lane);
        break;
      } catch (error) {
        this.#orphans.push(...lane.ledger.dismiss());
        // A connection that failed is made anew; anything else would fail again.
        if (error instanceof JobStopped) this.#stop(error.reason, true);
        else if (lane.usable) this.#stop(error, true);
        losses = lane.ledger.progress > progress ? 0 : losses + 1;
        this.#lost(losses, error);
        // Some servers end a connection after so many commands.
        if (losses > 0) lane.batch = Math.ceil(lane.batch / 4);
      } finally {
        this.#connected--;
      }
      if (losses > 1) await this.#pause(delay(losses - 1));
    }
    this.#context.meter.lanes--;
    await Promise.all([this.leave(lane.from), lane.to.close()]);
  }

  /** Recovers what others left and moves what is planned, until there is nothing left. */
  async #serve(lane: Lane): Promise<void> {
    for (;;) {
      const orphans = this.#orphans.splice(0, lane.batch);
      if (orphans.length > 0) await lane.recover(orphans);
      const batch = orphans.length > 0 ? [] : await this.#next(lane.batch);
      if (batch === undefined) return;
      await lane.run(batch);
      lane.batch = Math.min(BATCH, lane.batch * 2);
    }
  }

  /** Counts connections lost without a file that went through. */
  #lost(losses: number, error: unknown): void {
    this.#losses = losses === 0 ? 0 : this.#losses + 1;
    if (this.#losses >= LOSSES + LOSSES_PER_LANE * this.#context.move.lanes) this.#stop(error, false);
  }

  #pause(milliseconds: number): Promise<void> {
    return pause(milliseconds, this.#context.signal);
  }

  /** Connects, again and again where that may help. False where this lane, or the whole job, is to end. */
  async connect(open: () => Promise<void>): Promise<boolean> {
    for (let attempt = 1; !this.#context.signal.aborted; attempt++) {
      try {
        await open();
        return true;
      } catch (error) {
        if (this.#context.signal.aborted) break;
        const verdict = classify(error as Error, { others: this.#connected });
        const giveUp = verdict === "pause" || verdict === "fail" || attempt >= CONNECT_TRIES;
        // Where other lanes are at work, they go on without this one.
        if (this.#connected > 0 && (verdict === "cap" || (giveUp && verdict === "retry"))) {
          const what =
            verdict === "cap" ? "a server takes no more than" : "a lane could not connect; the job goes on with";
          this.#context.warn(`${what} ${this.#connected} connections: ${(error as Error).message}`);
          return false;
        }
        if (giveUp) this.#stop(error, false);
        else await this.#pause(delay(attempt));
      }
    }
    return false;
  }

  /** The next files for a lane: none where orphans wait; undefined where there are none, now or later. */
  async #next(most: number): Promise<ClaimedFile[] | undefined> {
    const { desk, signal } = this.#context;
    while (!signal.aborted) {
      if (this.#orphans.length > 0) return [];
      const files = desk.take(most);
      if (files.length > 0) return files;
      const due = desk.nextDue();
      if (due === undefined) return undefined;
      await this.#pause(Math.min(Math.max(10, due - Date.now()), WAIT));
    }
    return undefined;
  }
}
