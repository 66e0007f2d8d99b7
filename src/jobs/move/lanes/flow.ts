/**
 * The files of a lane on their way: read from the source, written to the destination, published, their sources removed;
 * each of these with other files at the same time, so that neither connection waits for the other.
 */
import type { ClaimedFile } from "../../journal/journal.js";
import type { Arrived } from "./arrived.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import { isHeld } from "./ledger.js";
import { publish } from "./publish.js";

/**
 * Files that arrive under temporary names before they are published together, and the bytes and milliseconds that end
 * such a group: a group saves work, and is what a crash may undo.
 */
const GROUP = 16;
const GROUP_BYTES = 32 * 1024 * 1024;
const GROUP_TIME = 10_000;
/** Bytes of a file that is held in memory between its two sides, so that neither waits for the other. */
const SMALL = 64 * 1024;
/** Bytes that such a file may have grown to since it was listed. */
const GROWN = 1024 * 1024;
/** Small files that the source may be ahead of the destination. */
const AHEAD = 4;
/** Small files asked of a connection at once: it has the next one when it is through with one. */
const AT_ONCE = 2;
/** Files in hand below which more are to be looked for. */
const FEW = 4;

/** A file on its way: its content, where that is small. */
export interface Parcel {
  readonly ready: Ready;
  readonly content?: Promise<Buffer> | undefined;
}

/** Writes a file under its temporary name. Undefined where it failed by itself; rejects where a connection did. */
export type Write = (lane: Workplace, parcel: Parcel) => Promise<Arrived | undefined>;

export class Flow {
  readonly #lane: Workplace;
  readonly #write: Write;
  readonly #ready: Ready[] = [];
  readonly #read: Parcel[] = [];
  /** Small files asked of the source, and files being written: the first one is on its way, others may wait behind it. */
  readonly #fetching: ClaimedFile[] = [];
  readonly #storing: ClaimedFile[] = [];
  /** Files whose bytes may have been counted when the flow broke off. */
  readonly #begun = new Set<ClaimedFile>();
  #culprit: ClaimedFile | undefined;
  /** True where it may have been one of those that were being published, or looked at, instead. */
  #isDoubtful = false;
  /** True from when a file that is passed through is next until it is over: it needs both connections. */
  #passing = false;
  /** True while suspects are published: a connection that is lost over a transfer beside that would be laid to them. */
  #apart = false;
  #arrived: Arrived[] = [];
  #bytes = 0;
  #since = 0;
  #publishing = 0;
  #looking = 0;
  /** What ended it before its time. */
  #broken: { readonly error: unknown } | undefined;
  #wake: (() => void)[] = [];

  constructor(lane: Workplace, write: Write) {
    this.#lane = lane;
    this.#write = write;
  }

  /** Takes files. Resolves when more are wanted, or no more at all. */
  async feed(files: readonly Ready[]): Promise<void> {
    this.#ready.push(...files);
    this.#goOn();
    while (this.open && this.#ready.length >= FEW) await this.#change();
  }

  /** Waits for a look at files that are to come, over the same connections. One that failed may be to blame to the end. */
  async beside<T>(look: Promise<T>): Promise<T> {
    this.#looking++;
    const seen = await look;
    this.#looking--;
    return seen;
  }

  /** False where nothing more is begun. */
  get open(): boolean {
    return this.#broken === undefined && !isHeld(this.#lane.context);
  }

  /** Ends it: what is under way is over when `end` resolves. */
  readonly stop = (error: unknown): void => {
    this.#suspect();
    this.#broken ??= { error };
    this.#goOn();
  };

  /** Resolves when all files that were begun are over; rejects where a connection failed, or the job is to stop. */
  async end(): Promise<void> {
    while (!this.#isOver) await this.#change();
    if (this.#broken === undefined) return;
    const { from, to, ledger } = this.#lane;
    const rest = this.#taken();
    // The job stops, but what arrived is whole. Why it stops is told, whatever comes of that.
    if (from.usable && to.usable) await publish(this.#lane, rest).catch(() => {});
    else {
      this.#blame();
      // Not over these.
      for (const { file } of rest) ledger.excuse(file);
    }
    throw this.#broken.error;
  }

  get #isOver(): boolean {
    const begins = this.open && this.#ready.length > 0;
    const holds = this.#broken === undefined && this.#read.length + this.#arrived.length > 0;
    return !begins && !holds && this.#fetching.length + this.#storing.length + this.#publishing === 0;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #goOn(): void {
    if (!this.open) this.#putBack();
    while (this.#mayRead) this.#beginRead();
    while (this.#mayWrite) this.#beginWrite(this.#read.shift() as Parcel);
    if (this.#mayPublish) this.#beginPublish();
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** A file that is passed through takes its time: where nothing more is begun, it waits, too. */
  #putBack(): void {
    const last = this.#read.at(-1);
    if (last === undefined || last.content) return;
    this.#read.pop();
    this.#ready.unshift(last.ready);
    this.#passing = false;
  }

  get #mayRead(): boolean {
    if (this.#passing || this.#fetching.length >= AT_ONCE || this.#read.length >= AHEAD) return false;
    if (this.#isStill) return false;
    return this.#ready.length > 0 && this.open;
  }

  #beginRead(): void {
    const ready = this.#ready.shift() as Ready;
    const { from, context } = this.#lane;
    if (ready.source.size > SMALL) {
      this.#passing = true;
      this.#read.push({ ready });
      return;
    }
    const content = from.fetch(ready.file.name, GROWN, context.signal);
    this.#read.push({ ready, content });
    this.#fetching.push(ready.file);
    const over = () => {
      remove(this.#fetching, ready.file);
      this.#goOn();
    };
    // Whoever takes it is told. Nothing is begun meanwhile on a connection that is lost: it would seem to be that one's fault.
    const failed = (error: unknown) => (from.usable ? this.#suspect() : this.stop(error));
    content.catch(failed).then(over);
  }

  get #mayWrite(): boolean {
    const [next] = this.#read;
    if (next === undefined || this.#broken || this.#isStill) return false;
    if (next.content) return this.#storing.length < AT_ONCE;
    // A look at a source must not be old when its removal, which would wait for the file's end, is sent.
    return this.#storing.length + this.#fetching.length + this.#publishing === 0 && !this.#isFull;
  }

  #beginWrite(parcel: Parcel): void {
    const { file } = parcel.ready;
    this.#storing.push(file);
    this.#begun.add(file);
    const over = () => {
      remove(this.#storing, file);
      if (this.#broken === undefined) this.#begun.delete(file);
      if (parcel.content === undefined) this.#passing = false;
      this.#goOn();
    };
    const kept = (arrived: Arrived | undefined) => {
      if (arrived) this.#keep(arrived);
    };
    this.#write(this.#lane, parcel).then(kept, this.stop).finally(over);
  }

  get #hasSuspects(): boolean {
    const { publish } = this.#lane.context.roster.suspects;
    return !publish.none && this.#arrived.some(({ file }) => publish.has(file.id));
  }

  /** True where nothing is transferred: suspects are published, or are to be when the last transfer is over. */
  get #isStill(): boolean {
    return this.#apart || (this.#isFull && this.#hasSuspects);
  }

  /** A connection was lost, over the file that was on its way there, if one was. Those behind it only waited. */
  #suspect(): void {
    const { from, to } = this.#lane;
    if (this.#culprit === undefined) this.#isDoubtful = this.#publishing + this.#looking > 0;
    if (!from.usable) this.#culprit ??= this.#fetching[0] ?? this.#storing[0];
    else if (!to.usable) this.#culprit ??= this.#storing[0];
  }

  /** Only one file's try counts; where it may have been another one, that of the next time. */
  #blame(): void {
    const { context, ledger } = this.#lane;
    const { sent, roster } = context;
    const culprit = this.#culprit;
    const isExcused = culprit && this.#isDoubtful && !roster.suspects.publish.has(culprit.id);
    for (const file of this.#begun) if (ledger.has(file) && (file !== culprit || isExcused)) ledger.excuse(file);
    if (isExcused) roster.suspects.publish.suspect(culprit.id);
    else if (culprit && !sent.has(culprit.id)) sent.set(culprit.id, 0);
  }

  #keep(arrived: Arrived): void {
    if (this.#arrived.length === 0) this.#since = performance.now();
    this.#arrived.push(arrived);
    this.#bytes += arrived.bytes;
  }

  get #mayPublish(): boolean {
    const passes = this.#passing && this.#storing.length > 0 && this.#read.length === 0;
    if (this.#arrived.length === 0 || this.#broken || passes) return false;
    if (this.#fetching.length + this.#storing.length + this.#publishing > 0 && this.#hasSuspects) return false;
    if (this.#isFull) return true;
    // Nothing more comes for now.
    return this.#read.length + this.#storing.length === 0 && !(this.open && this.#ready.length > 0);
  }

  /** True where what arrived is not to wait for more. Nothing is published while a file is passed through. */
  get #isFull(): boolean {
    const { length } = this.#arrived;
    if (length === 0) return false;
    const next = this.#storing.length === 0 ? this.#read[0] : undefined;
    const passed = next && next.content === undefined ? next.ready.source.size : 0;
    if (length >= GROUP || this.#bytes + passed >= GROUP_BYTES) return true;
    return performance.now() - this.#since >= GROUP_TIME;
  }

  #beginPublish(): void {
    this.#publishing++;
    this.#apart ||= this.#hasSuspects;
    const over = () => {
      this.#publishing--;
      if (this.#publishing === 0) this.#apart = false;
      this.#goOn();
    };
    publish(this.#lane, this.#taken()).catch(this.stop).finally(over);
  }

  #taken(): Arrived[] {
    this.#bytes = 0;
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }
}

function remove<T>(all: T[], one: T): void {
  const at = all.indexOf(one);
  if (at >= 0) all.splice(at, 1);
}
