/** Which connection asks for what: groups that wait, groups that are open, and who waits for whom. */
import { PolywireError } from "../../client/errors.js";
import type { GroupWork } from "./group-work.js";
import type { Lane } from "./lane.js";
import type { Range } from "./ranges.js";

/** A group that could not be fetched, or not to its end. */
export interface GroupFailure {
  readonly group: string;
  readonly code: string | undefined;
  readonly error: string;
}

/** What a connection is to do next; the range counts as in flight. */
export interface Task {
  readonly work: GroupWork;
  readonly range: Range;
}

/** What a schedule is given. */
export interface ScheduleOptions {
  readonly signal: AbortSignal;
  /** One group after the other, so that rows come out group by group. */
  readonly ordered: boolean;
  /** Selects a group on a connection that has nothing in flight, and plans what to ask. */
  open(lane: Lane, group: string): Promise<GroupWork>;
  /** Selects a group that is open. False where it is to be opened anew. */
  select(lane: Lane, work: GroupWork): Promise<boolean>;
  /** True where an error concerns the group alone: the others go on. */
  isGroups(error: unknown, lane: Lane): boolean;
}

/** How often a group is opened that the server cannot give now. */
const OPEN_TRIES = 3;

export class Schedule {
  readonly #options: ScheduleOptions;
  /** Groups that nobody opened yet. */
  readonly #pending: string[] = [];
  /** Groups that have ranges to be asked for, or in flight. */
  readonly #active = new Set<GroupWork>();
  /** Groups that are done, as long as their cursors are not remembered. */
  #finished: GroupWork[] = [];
  #done = 0;
  #passedOver = 0;
  /** How often a group could not be opened for reasons that may pass. */
  readonly #tries = new Map<string, number>();
  readonly #failures: GroupFailure[] = [];
  /** Groups that are being opened. */
  #opening = 0;
  /** While one of these is unsettled nothing new is asked for. */
  readonly #holds = new Set<Promise<void>>();
  #wake: (() => void)[] = [];

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Groups whose cursors may have to be remembered. */
  get works(): readonly GroupWork[] {
    return [...this.#active, ...this.#finished];
  }

  /** Groups that are answered to their end, or given up in the middle. */
  get done(): number {
    return this.#done;
  }

  /** Rows that were passed over, in all groups. */
  get passedOver(): number {
    let sum = this.#passedOver;
    for (const work of this.works) sum += work.passedOver;
    return sum;
  }

  get failures(): readonly GroupFailure[] {
    return this.#failures;
  }

  /** Whether anything is not answered yet. */
  get isLeft(): boolean {
    return this.#pending.length > 0 || this.#opening > 0 || this.#active.size > 0;
  }

  add(groups: Iterable<string>): void {
    this.#pending.push(...groups);
  }

  /** Lets go of groups that are done and remembered. */
  forget(): void {
    for (const work of this.#finished) if (!work.changed) this.#passedOver += work.passedOver;
    this.#finished = this.#finished.filter((work) => work.changed);
  }

  /** Nothing new is asked for until this settles; it must not reject. */
  hold(until: Promise<void>): void {
    this.#holds.add(until);
    void until.then(() => this.#holds.delete(until));
  }

  /** Something is different now: whoever waits looks again. */
  change(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** The next task for a connection; undefined where there is none, now or later. Rejects where the connection is lost. */
  async next(lane: Lane): Promise<Task | undefined> {
    while (!this.#options.signal.aborted && lane.client.state !== "closed") {
      if (this.#holds.size > 0) {
        await Promise.all(this.#holds);
        continue;
      }
      const task = this.#pick(lane);
      if (task) return task;
      if (lane.flying === 0 && (await this.#switch(lane))) continue;
      if (!this.isLeft) return undefined;
      await this.#changed();
    }
    return undefined;
  }

  /** A task has ended, in whatever way. */
  ended(lane: Lane, work: GroupWork): void {
    lane.flying--;
    this.#look(work);
    this.change();
  }

  /** A group that is refused, in the middle of it. */
  giveUp(work: GroupWork, error: unknown): void {
    if (!this.#active.has(work)) return;
    this.#finish(work);
    this.#fail(work.name, error);
  }

  /** Whether a further connection may be of use: waits until that is known. */
  async anyWork(): Promise<boolean> {
    const { ordered, signal } = this.#options;
    while (!signal.aborted && this.isLeft) {
      if (this.#pending.length > 0 && !ordered) return true;
      for (const work of this.#active) if (work.hasMore) return true;
      await this.#changed();
    }
    return false;
  }

  /** Runs something while no row is under way. */
  async quietly(body: () => Promise<void>): Promise<void> {
    let release = () => {};
    // Two at a time would wait for each other.
    while (this.#holds.size > 0) await Promise.all(this.#holds);
    this.hold(new Promise<void>((resolve) => (release = resolve)));
    try {
      while ([...this.#active].some((work) => work.flying > 0)) await this.#changed();
      await body();
    } finally {
      release();
    }
  }

  /** A range of the group that the connection has selected. */
  #pick(lane: Lane): Task | undefined {
    for (const work of this.#active) {
      if (work.name !== lane.group) continue;
      const range = work.next();
      if (range) {
        lane.flying++;
        return { work, range };
      }
      this.#look(work);
    }
    return undefined;
  }

  /** Goes over to another group: one that is open and has something to ask, or a new one. False where there is none. */
  async #switch(lane: Lane): Promise<boolean> {
    const open = [...this.#active].find((work) => work.name !== lane.group && work.hasMore);
    if (open) await this.#select(lane, open);
    else if (this.#pending.length > 0 && !(this.#options.ordered && this.#active.size + this.#opening > 0)) {
      await this.#open(lane, this.#pending.shift() as string);
    } else return false;
    return true;
  }

  async #select(lane: Lane, work: GroupWork): Promise<void> {
    lane.flying++;
    try {
      if (await this.#options.select(lane, work)) return;
      if (!this.#active.delete(work)) return;
      this.#passedOver += work.passedOver;
      this.#pending.unshift(work.name);
    } catch (error) {
      if (!this.#options.isGroups(error, lane)) throw error;
      this.giveUp(work, error);
    } finally {
      lane.flying--;
      this.change();
    }
  }

  async #open(lane: Lane, group: string): Promise<void> {
    this.#opening++;
    lane.flying++;
    try {
      const work = await this.#options.open(lane, group);
      this.#active.add(work);
      this.#look(work);
    } catch (error) {
      if (this.#isHopeless(group, error, lane)) this.#fail(group, error);
      else {
        // Behind the others: they may fare better meanwhile.
        this.#pending.push(group);
        throw error;
      }
    } finally {
      this.#opening--;
      lane.flying--;
      this.change();
    }
  }

  /** True where a group is refused, or could not be opened time and again although the connection was in order. */
  #isHopeless(group: string, error: unknown, lane: Lane): boolean {
    if (this.#options.isGroups(error, lane)) return true;
    if (lane.client.state === "closed") return false;
    const tries = (this.#tries.get(group) ?? 0) + 1;
    this.#tries.set(group, tries);
    return tries >= OPEN_TRIES;
  }

  /** Takes a group off where all of it is answered. */
  #look(work: GroupWork): void {
    if (!this.#active.has(work) || work.flying > 0 || work.hasMore) return;
    this.#finish(work);
    this.change();
  }

  #finish(work: GroupWork): void {
    this.#active.delete(work);
    this.#finished.push(work);
    this.#done++;
  }

  #fail(group: string, error: unknown): void {
    const code = error instanceof PolywireError && "code" in error ? String(error.code) : undefined;
    this.#failures.push({ group, code, error: (error as Error).message });
    this.change();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }
}
