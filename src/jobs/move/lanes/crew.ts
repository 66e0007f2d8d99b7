/** The lanes of a move at work: how many there are, what each is given, and what becomes of one whose connection fails. */
import { onAbort } from "../../../client/abort.js";
import type { ClaimedFile } from "../../journal/journal.js";
import type { Place } from "../places/place.js";
import { Bell } from "./bell.js";
import { connectAgain, type Opening } from "./connect.js";
import { BATCH, Lane } from "./lane.js";
import { JobStopped, type LaneContext } from "./ledger.js";
import { pause } from "./pause.js";
import { classify, delay, holdsAll, isCramped } from "./retry.js";
import { TIMES } from "./times.js";
import { holdNames } from "./twins.js";

/** Milliseconds a lane sleeps at most before it looks for work again: another one may have left some. */
const WAIT = 1_000;
/** Connections lost in a row without a file that went through, over all lanes and for each: something is wrong with all. */
const LOSSES = 20;
const LOSSES_PER_LANE = 5;
/**
 * What one more over the same file counts: it may be that file's fault, and a few such files are not to stop all others.
 * That it is given up at last proves nothing: where a server ends every session, each file is.
 */
const LOSS_AGAIN = 1 / 8;
/** Files for which a lane is worth its connections, and those with which one finds out whether the job can go on. */
const WORTH = 4;
const PROBE = 8;

/** Ends the whole job. `everywhere`: it would not fare better on another machine, with connections of its own. */
export type Stop = (reason: unknown, everywhere: boolean) => void;

export class Crew {
  readonly #context: LaneContext;
  readonly #stop: Stop;
  /** Files under way in a lane that ended, or in an earlier run: another one recovers them. */
  readonly #orphans: ClaimedFile[] = [];
  /** Lanes of this crew; of those: not given anything yet, and waiting for work. */
  #running = 0;
  #starting = 0;
  #idle = 0;
  /** Why a server took no more connections: not told yet. */
  #refusal: Error | undefined;
  #told = false;
  #bytesSeen = 0;
  /** Ends tries to connect: with the job, and where nothing is left to connect for. */
  #connecting = new AbortController();
  readonly #bell = new Bell();

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
    const { move, roster, signal } = this.#context;
    const left = roster.takeSource();
    roster.met.from ||= left !== undefined;
    if (left) return left;
    for (;;) {
      const source = move.from(false);
      if (await this.#connect({ open: () => source.open(signal), met: () => roster.met.from })) {
        roster.met.from = true;
        this.#resume();
        return source;
      }
      await this.#standStill();
      if (signal.aborted) return undefined;
    }
  }

  /** A connection to the source that is still good: for the next lane, or the next listing. */
  leave(source: Place): Promise<void> {
    return this.#context.roster.leave(source);
  }

  /** Hangs up what nobody took. */
  async close(): Promise<void> {
    await this.#context.roster.takeSource()?.close();
  }

  /** Opens something before all else, again and again where that may help. False where the job is to end. */
  connect(open: () => Promise<void>): Promise<boolean> {
    return this.#connect({ open, met: () => false });
  }

  /** Lanes over everything that is planned; orphans are recovered on the way. */
  async work(): Promise<void> {
    const { signal } = this.#context;
    // Until their fate is known, nobody else may have their final names.
    holdNames(this.#context, this.#orphans);
    const never = new AbortController().signal;
    const forget = onAbort(signal, () => this.#connecting.abort(signal.reason));
    for (;;) {
      this.#bell.hush();
      this.#takeStock();
      // A lane that ended while the others had nothing left to do leaves files behind.
      if (this.#running === 0 && (signal.aborted || this.#open === 0)) break;
      while (this.#mayAdd()) this.#launch();
      // Lanes that end ring; they may take a while to.
      await this.#bell.wait(TIMES.look, signal.aborted ? never : signal);
    }
    forget();
  }

  /** Files that no lane has. */
  get #open(): number {
    return this.#orphans.length + this.#context.desk.open;
  }

  #takeStock(): void {
    const { roster, meter } = this.#context;
    roster.bytes += meter.bytes - this.#bytesSeen;
    this.#bytesSeen = meter.bytes;
    if (roster.tripped) this.#stop(roster.tripped, true);
    this.#tellWhy();
    if (this.#running > 0) roster.look();
    if (this.#starting === 0) this.#tellRefusal();
    if (this.#open > 0 || this.#starting === 0 || this.#running > this.#starting) return;
    // The others are done: what is connected now would come too late.
    this.#connecting.abort();
    this.#connecting = new AbortController();
  }

  #mayAdd(): boolean {
    const { move, roster, signal } = this.#context;
    if (signal.aborted || this.#idle > 0 || this.#open <= this.#starting * WORTH) return false;
    if (roster.halt.why) return roster.probers === 0 && (roster.halt.probing || roster.halt.probe(roster.now));
    return this.#running < move.lanes && roster.running < roster.target;
  }

  #launch(): void {
    const { roster } = this.#context;
    const probes = roster.halt.probing;
    if (probes) roster.probers++;
    this.#running++;
    this.#starting++;
    roster.running++;
    const over = () => {
      this.#running--;
      roster.running--;
      // It found out nothing: another one is to.
      if (probes && --roster.probers === 0 && roster.halt.probing) roster.halt.leave();
      this.#bell.ring();
    };
    this.#lane(probes)
      .catch((error) => this.#stop(error, true))
      .then(over);
  }

  async #lane(probes: boolean): Promise<void> {
    const { meter, roster } = this.#context;
    const lane = new Lane(this.#context);
    if (probes) lane.batch = PROBE;
    let isNew = true;
    const started = () => {
      if (isNew) this.#starting--;
      isNew = false;
    };
    for (let losses = 0; await this.#board(lane, probes); ) {
      const { progress } = lane.ledger;
      meter.lanes++;
      roster.connected++;
      roster.cap.connected(roster.connected, roster.now);
      try {
        await this.#serve(lane, probes, started);
        break;
      } catch (error) {
        losses = lane.ledger.progress > progress ? 0 : losses + 1;
        if (!(await this.#failed(lane, error, { losses, probes }))) break;
      } finally {
        meter.lanes--;
        roster.connected--;
      }
      if (losses > 1) await this.#pause(delay(losses - 1));
    }
    started();
    await this.#park(lane);
  }

  /** Connects a lane: anew, or by what another one left. */
  async #board(lane: Lane, probes: boolean): Promise<boolean> {
    const { roster } = this.#context;
    const kept = roster.take();
    lane.isKept = kept !== undefined;
    if (kept) {
      await lane.close();
      [lane.from, lane.to] = [kept.from, kept.to];
      return true;
    }
    const { signal } = this.#connecting;
    const open = () => lane.connect(roster.takeSource(), signal);
    return this.#connect({ open, met: () => lane.met, tries: probes ? 1 : undefined }, signal);
  }

  /** What a lane that ends leaves behind. */
  async #park(lane: Lane): Promise<void> {
    if (this.#context.roster.keep({ from: lane.from, to: lane.to })) return;
    // One that never came about must not take the place of another lane's.
    await Promise.all([lane.from.usable ? this.leave(lane.from) : lane.from.close(), lane.to.close()]);
  }

  /** Recovers what others left and moves what is planned, until there is nothing left, or there are lanes enough. */
  async #serve(lane: Lane, probes: boolean, started: () => void): Promise<void> {
    const { roster } = this.#context;
    const { progress } = lane.ledger;
    for (let isProbe = probes; ; ) {
      // A large one that is gone on with takes its time: each lane has its share.
      const share = Math.ceil(this.#orphans.length / Math.max(1, this.#running));
      const orphans = this.#orphans.splice(0, Math.min(lane.batch, share));
      if (orphans.length > 0) {
        started();
        await lane.recover(orphans);
      }
      const batch = orphans.length > 0 ? [] : await this.#next(lane.batch);
      started();
      if (batch === undefined) return this.#resume(isProbe);
      await lane.run(batch, () => (isProbe ? [] : this.#more(lane)));
      if (isProbe && lane.ledger.progress === progress) {
        if (batch.length > 0) this.#hold(roster.halt.why as Error, true);
      } else if (isProbe) {
        isProbe = false;
        this.#resume();
      }
      lane.batch = Math.min(BATCH, lane.batch * 2);
      // Another one finds out whether the job can go on.
      if (!isProbe && (roster.halt.why !== undefined || roster.running > roster.target)) return;
      if (roster.halt.on) return;
    }
  }

  /** What a lane at work goes on with: nothing where it is to stop first, or somebody else's files are to be recovered. */
  #more(lane: Lane): ClaimedFile[] {
    const { desk, roster } = this.#context;
    const isEnough = this.#orphans.length > 0 || roster.halt.why !== undefined || roster.running > roster.target;
    // Where connections do not last, a few files are to be through before others are begun.
    if (isEnough || lane.batch < BATCH) return [];
    return desk.take(lane.batch, this.#running);
  }

  /** A lane failed: what it had is another one's. False where it is not to go on. */
  async #failed(lane: Lane, error: unknown, { losses, probes }: { losses: number; probes: boolean }): Promise<boolean> {
    const { roster } = this.#context;
    if (error instanceof JobStopped && holdsAll(error.reason) && this.#hold(error.reason as Error, true)) {
      await this.#giveBack(lane, error);
      return false;
    }
    const files = lane.ledger.dismiss();
    const wasOver = lane.isKept && losses > 0;
    // The server had ended it, while nobody used it: that says nothing of the files.
    if (wasOver) for (const file of files) lane.ledger.excuse(file);
    this.#orphans.push(...files);
    // A connection that failed is made anew; anything else would fail again.
    if (error instanceof JobStopped) this.#stop(error.reason, true);
    else if (lane.usable) this.#stop(error, true);
    if (isCramped(error)) roster.cramped();
    // Some servers end a connection after so many commands.
    else if (!wasOver && (losses > 0 || (error as Error).name === "TimeoutError")) roster.pace.lost(roster.now);
    if (losses > 0) lane.batch = Math.ceil(lane.batch / 4);
    const weight = files.some((file) => this.#isToBlame(file)) ? LOSS_AGAIN : 1;
    roster.losses = losses === 0 ? 0 : roster.losses + weight;
    if (roster.losses >= LOSSES + LOSSES_PER_LANE * roster.pace.wanted) this.#giveUp(error as Error, true);
    if (probes && roster.halt.probing) this.#hold(error as Error, false);
    return roster.halt.why === undefined;
  }

  /** Whether connections broke over this file before, and this one probably, too. */
  #isToBlame(file: ClaimedFile): boolean {
    const { sent, excused, roster } = this.#context;
    return roster.isPoisoned(file) || (file.tries > 1 && sent.has(file.id) && !excused.has(file.id));
  }

  /** Of the files under way some may be whole: each is looked at. No try counts: it was not the files' fault. */
  async #giveBack(lane: Lane, { file, reason }: JobStopped): Promise<void> {
    // Others are to have their turn before it, when the job goes on: it may be too large for what is left.
    if (file && lane.usable && lane.ledger.has(file)) {
      const wait = this.#context.roster.waitFor(file.id);
      lane.ledger.release(file, { wait, counts: false, error: reason as Error });
    }
    const files = lane.ledger.dismiss();
    for (const file of files) lane.ledger.excuse(file);
    try {
      if (lane.usable) await lane.recover(files);
      else this.#orphans.push(...files);
    } catch {
      // Whoever goes on looks again.
      const open = lane.ledger.dismiss();
      for (const file of open) lane.ledger.excuse(file);
      this.#orphans.push(...open);
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return pause(milliseconds, this.#context.signal);
  }

  /** Connects, as patiently as that may help. False where this lane, or the whole job, is to end. */
  #connect(opening: Opening, signal = this.#context.signal): Promise<boolean> {
    const { roster } = this.#context;
    return connectAgain(opening, {
      signal,
      connected: () => roster.connected,
      refused: (error, lanes) => {
        this.#refusal = error;
        roster.refused(lanes);
        if (roster.halt.probing) this.#hold(error, false);
      },
      giveUp: (error, met) => this.#giveUp(error, met),
    });
  }

  /** Something concerns every file. Where both sides were in order before, that may pass. */
  #giveUp(error: Error, met: boolean): void {
    const mayPass = met && error.name !== "TlsError" && classify(error) !== "fail";
    if (mayPass) this.#hold(error, false);
    else this.#stop(error, false);
  }

  /** The job stands still; or stops, where it must not, or has for too long. True where it will go on. */
  #hold(why: Error, everywhere: boolean): boolean {
    const { roster } = this.#context;
    const holds = roster.halt.begin(why, roster.now);
    if (holds) this.#tellWhy();
    else this.#stop(why, everywhere);
    return holds;
  }

  #resume(isProbe = true): void {
    const { roster } = this.#context;
    if (isProbe && roster.halt.probing) roster.resume();
    this.#tellWhy();
  }

  /** Until the job is to be tried again, by whoever waits here. */
  async #standStill(): Promise<void> {
    const { roster, signal } = this.#context;
    this.#tellWhy();
    while (!signal.aborted && roster.halt.why && !roster.halt.probe(roster.now)) await this.#pause(TIMES.look);
  }

  #tellWhy(): void {
    const { meter, roster, warn } = this.#context;
    const why = roster.halt.why?.message;
    if (why !== undefined && meter.paused === undefined) warn(`the job was paused: ${why}`);
    meter.paused = why;
  }

  /** Told once: the number may change with every try. */
  #tellRefusal(): void {
    const { roster, warn } = this.#context;
    if (this.#refusal === undefined || this.#told) return;
    this.#told = true;
    warn(`a server takes no more than ${roster.cap.limit} connections: ${this.#refusal.message}`);
  }

  /** The next files for a lane: none where orphans wait; undefined where there are none, now or later. */
  async #next(most: number): Promise<ClaimedFile[] | undefined> {
    const { desk, roster, signal } = this.#context;
    while (!signal.aborted && !roster.halt.on) {
      if (this.#orphans.length > 0) return [];
      const files = desk.take(most, this.#running);
      if (files.length > 0) return files;
      const due = desk.nextDue();
      if (due === undefined) return undefined;
      this.#idle++;
      roster.idle++;
      await this.#pause(Math.min(Math.max(10, due - Date.now()), WAIT));
      this.#idle--;
      roster.idle--;
    }
    return undefined;
  }
}
