/**
 * How many lanes a move has: more while more goes through, fewer where connections fail. Pure: it is told what happened, and
 * when. It begins as TCP does: the number doubles while that brings a good part of what it could, then grows by small steps.
 */
import { TIMES } from "./times.js";

/** The part by which goodput is to grow with twice the lanes, and with a step more. */
const DOUBLING_GAIN = 0.25;
const GAIN = 0.03;
/** A step is this part of the lanes there are: with a fixed one, many lanes could never show a gain of 3 %. */
const STEP = 1 / 8;
/** Bytes of a file on average above which bytes tell more than files. */
const BIG = 256 * 1024;
/** The part of the lanes wanted that must have been at work for a rate to mean anything. */
const AT_WORK = 0.75;

/** What went through so far. */
export interface Counts {
  readonly files: number;
  readonly bytes: number;
}

/** What a {@link Pace} is told at a look. */
export interface Look extends Counts {
  /** Lanes that are connected and have something to do. */
  readonly working: number;
  /** Lanes there can be now: a server may take no more. Default: no limit. */
  readonly room?: number | undefined;
}

export interface PaceOptions {
  /** Lanes in the beginning. */
  readonly start: number;
  readonly most: number;
  /** False: always `most`. */
  readonly adaptive: boolean;
}

/** An interval that is being measured. */
interface Mark extends Counts {
  readonly at: number;
  /** Looks, and the lanes that were at work in them. */
  looks: number;
  worked: number;
}

export class Pace {
  readonly #most: number;
  readonly #adaptive: boolean;
  #wanted: number;
  #mark: Mark | undefined;
  /** Before the last growth, of which it is not known yet what it brings. */
  #before: { readonly lanes: number; readonly rate: Counts } | undefined;
  #doubling = true;
  #holdUntil = Number.NEGATIVE_INFINITY;
  /** Of {@link lost}: when the present count began, and the lanes below which it does not go. */
  #lossesSince = Number.NEGATIVE_INFINITY;
  #floor = 1;

  constructor({ start, most, adaptive }: PaceOptions) {
    this.#most = most;
    this.#adaptive = adaptive;
    this.#wanted = adaptive ? Math.min(start, most) : most;
  }

  /** Lanes there are to be. */
  get wanted(): number {
    return this.#wanted;
  }

  /** To be called every now and then. `at`: milliseconds, on a clock that only goes on. */
  look(at: number, { files, bytes, working, room = Number.POSITIVE_INFINITY }: Look): void {
    if (!this.#adaptive) return;
    if (this.#mark === undefined) {
      // An interval begins with all lanes at work: the time that connections take is no one's fault.
      if (working >= this.#wanted) this.#mark = { at, files, bytes, looks: 0, worked: 0 };
      return;
    }
    this.#mark.looks++;
    this.#mark.worked += working;
    const { at: since, looks, worked } = this.#mark;
    if (at - since < (this.#doubling ? TIMES.doubling : TIMES.interval)) return;
    const seconds = (at - since) / 1000;
    const rate = { files: (files - this.#mark.files) / seconds, bytes: (bytes - this.#mark.bytes) / seconds };
    this.#mark = undefined;
    if (worked < looks * this.#wanted * AT_WORK) return;
    this.#judge(at, rate, Math.min(this.#most, room));
    if (working >= this.#wanted) this.#mark = { at, files, bytes, looks: 0, worked: 0 };
  }

  /** A connection timed out or was lost: one lane fewer, but not below half of them at a time. */
  lost(at: number): void {
    if (!this.#adaptive) return;
    if (at - this.#lossesSince >= TIMES.interval) {
      this.#lossesSince = at;
      this.#floor = Math.ceil(this.#wanted / 2);
    }
    this.#wanted = Math.max(this.#floor, this.#wanted - 1);
    this.#settle();
    this.#holdUntil = Math.max(this.#holdUntil, at + TIMES.interval);
  }

  /** A server took fewer connections than there were to be: what was measured means nothing. */
  refused(): void {
    this.#settle();
  }

  #settle(): void {
    this.#mark = undefined;
    this.#before = undefined;
    this.#doubling = false;
  }

  #judge(at: number, rate: Counts, most: number): void {
    if (this.#before === undefined) {
      if (at >= this.#holdUntil) this.#grow(at, rate, most);
    } else if (gainOf(this.#before.rate, rate) >= (this.#doubling ? DOUBLING_GAIN : GAIN)) {
      this.#grow(at, rate, most);
    } else {
      this.#wanted = this.#before.lanes;
      this.#before = undefined;
      // Twice the lanes were too many: a few more may not be.
      if (!this.#doubling) this.#holdUntil = at + TIMES.hold;
      this.#doubling = false;
    }
  }

  #grow(at: number, rate: Counts, most: number): void {
    const lanes = this.#wanted;
    const more = this.#doubling ? lanes : Math.max(1, Math.round(lanes * STEP));
    this.#before = undefined;
    if (lanes + more > most) this.#doubling = false;
    if (lanes >= most) {
      this.#holdUntil = at + TIMES.hold;
      return;
    }
    this.#before = { lanes, rate };
    this.#wanted = Math.min(most, lanes + more);
  }
}

/** The part by which goodput grew: files a second, or bytes where files are big. */
function gainOf(before: Counts, after: Counts): number {
  const isBig = before.bytes + after.bytes > (before.files + after.files) * BIG;
  const [was, is] = isBig ? [before.bytes, after.bytes] : [before.files, after.files];
  return was > 0 ? is / was - 1 : is > 0 ? Number.POSITIVE_INFINITY : 0;
}
