/**
 * What the lanes of one process share, over all batches of a job: how many there are to be, what the servers take, whether the
 * job stands still, and connections that one batch leaves for the next.
 */
import { PolywireError } from "../../../client/errors.js";
import type { ClaimedFile } from "../../journal/journal.js";
import type { Place } from "../places/place.js";
import { Breaker, type BreakerOptions } from "./breaker.js";
import { Cap } from "./cap.js";
import { Halt } from "./halt.js";
import { Notes } from "./notes.js";
import { Pace } from "./pace.js";
import { Stuck } from "./stuck.js";
import { Suspects } from "./suspects.js";
import { TIMES } from "./times.js";

/** Lanes that an adaptive job begins with. */
const START = 4;

/** What a {@link Roster} is made of. */
export interface RosterOptions {
  /** Lanes at most, over all batches. */
  readonly lanes: number;
  /** True where their number is to be found out; else there are as many as may be. */
  readonly adaptive: boolean;
  /** Milliseconds for which the job may stand still. */
  readonly maxPause: number;
  /** Undefined: however many files fail, the job goes on. */
  readonly breaker: BreakerOptions | undefined;
  /** Milliseconds for which connections are kept when a batch is over. Default: 0. */
  readonly keep?: number | undefined;
}

/** One connection to each side. */
export interface Pair {
  readonly from: Place;
  readonly to: Place;
}

export class Roster {
  readonly pace: Pace;
  readonly cap = new Cap();
  readonly halt: Halt;
  readonly stuck = new Stuck();
  /** Of what is done with files, and of looking at what is left of them. */
  readonly suspects = { publish: new Suspects(), recover: new Suspects() };
  readonly #breaker: Breaker | undefined;
  #keep: number;
  /** The connections that nobody uses, and what ends their time. */
  readonly #kept = new Map<Pair, NodeJS.Timeout>();
  /** The last connection to the source that somebody left in order. */
  #source: Place | undefined;
  /** Sides that were connected, and logged in to, before. */
  readonly met = { from: false, to: false };
  /** Lanes there are; of those: connected; of those: without work for now. */
  running = 0;
  connected = 0;
  idle = 0;
  /** Lanes that find out whether the job can go on: one, or none. */
  probers = 0;
  /** Connections lost in a row without a file that went through: less than one for a file that broke some before. */
  losses = 0;
  /** What went through. */
  files = 0;
  bytes = 0;
  /** Files over which the job stood still, and how often. */
  readonly #held = new Notes<number>();
  /** What the breaker tripped over, where the job must not stand still. */
  tripped: Error | undefined;

  constructor({ lanes, adaptive, maxPause, breaker, keep = 0 }: RosterOptions) {
    this.pace = new Pace({ start: START, most: lanes, adaptive });
    this.halt = new Halt(maxPause);
    this.#breaker = breaker && new Breaker(breaker);
    this.#keep = keep;
  }

  /** Milliseconds, on a clock that only goes on. */
  get now(): number {
    return performance.now();
  }

  /** Lanes there are to be now. */
  get target(): number {
    if (this.halt.why !== undefined) return this.halt.probing ? 1 : 0;
    return Math.min(this.pace.wanted, this.cap.room(this.now));
  }

  /** To be called every now and then, while lanes are at work. */
  look(): void {
    const { now, files, bytes, connected, idle } = this;
    this.pace.look(now, { files, bytes, working: connected - idle, room: this.cap.room(now) });
  }

  /** A file went through, or a try of it failed with this error. */
  note(code?: string, error?: string): void {
    const tripped = this.#breaker?.note(code, this.now);
    if (tripped === undefined) return;
    const why = new PolywireError(`${tripped}: ${error ?? code}`);
    if (!this.halt.begin(why, this.now)) this.tripped = why;
  }

  /** Milliseconds that a file waits over which the job stands still: longer each time. */
  waitFor(id: number): number {
    const times = this.#held.get(id) ?? 0;
    this.#held.note(id, times + 1);
    return Math.min(TIMES.heldMost, TIMES.halt * 2 ** (times + 1));
  }

  /** Whether connections broke over a file more than once, as far as that was told of it alone. */
  isPoisoned({ id }: Pick<ClaimedFile, "id">): boolean {
    const { publish, recover } = this.suspects;
    return publish.losses(id) > 1 || recover.losses(id) > 1 || this.stuck.has(id);
  }

  /** The fate of a file is known: what was noted of it does not matter any more, even if it is planned again one day. */
  forget(id: number): void {
    this.#held.forget(id);
    this.stuck.forget(id);
    this.suspects.publish.forget(id);
    this.suspects.recover.forget(id);
  }

  /** This process, or a server, has no room for one more: for no more than are connected, less one. */
  cramped(): void {
    this.refused(this.connected - 1);
  }

  /** A server takes no more lanes than these. */
  refused(lanes: number): void {
    this.pace.refused();
    this.cap.refused(lanes, this.now);
  }

  /** Files go through again. */
  resume(): void {
    if (this.halt.why === undefined) return;
    this.halt.end();
    this.#breaker?.reset();
    this.losses = 0;
  }

  /** A connection to the source that is still good: for the next lane, or the next listing. */
  async leave(source: Place): Promise<void> {
    const before = this.#source;
    this.#source = source;
    await before?.close();
  }

  /** The connection to the source that was left. */
  takeSource(): Place | undefined {
    const source = this.#source;
    this.#source = undefined;
    return source?.usable ? source : undefined;
  }

  /** A pair of connections that was kept. */
  take(): Pair | undefined {
    for (const [pair, timer] of this.#kept) {
      clearTimeout(timer);
      this.#kept.delete(pair);
      if (pair.from.usable && pair.to.usable) return pair;
      void closeBoth(pair);
    }
    return undefined;
  }

  /** Keeps a pair of connections for the next batch, for a while. False where nothing is kept. */
  keep(pair: Pair): boolean {
    if (this.#keep === 0 || !pair.from.usable || !pair.to.usable) return false;
    const over = () => {
      this.#kept.delete(pair);
      void closeBoth(pair);
    };
    this.#kept.set(pair, setTimeout(over, this.#keep));
    return true;
  }

  /** Hangs up what was kept, and keeps nothing more. */
  async close(): Promise<void> {
    this.#keep = 0;
    const pairs = [...this.#kept];
    this.#kept.clear();
    for (const [, timer] of pairs) clearTimeout(timer);
    await Promise.all(pairs.map(([pair]) => closeBoth(pair)));
  }
}

async function closeBoth({ from, to }: Pair): Promise<void> {
  await Promise.all([from.close(), to.close()]);
}
