/** A large file in one stream: what breaks on its way is gone on with where it ended, as is what an earlier run left. */
import { PolywireError } from "../../../client/errors.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import type { Place } from "../places/place.js";
import { type Arrived, arrived, discard, failed, unknown } from "./arrived.js";
import { above } from "./big-options.js";
import { isNotWithin, Piece, readRange, uncount } from "./big-piece.js";
import { reasonOf, Wire } from "./copy.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import { lookAgain } from "./look-again.js";
import { pause } from "./pause.js";
import { changed, isLarge, stepBack } from "./recover.js";
import { classify, delay } from "./retry.js";
import { digesterFor, proves } from "./verify.js";

/** How what is sent is written: as a new file, from a byte within on, or at the end of what is there. */
type Way = "new" | "within" | "end";

/** Where a try begins. */
interface Start {
  readonly at: number;
  readonly way: Way;
}

const NEW: Start = { at: 0, way: "new" };

type Write = (to: Place, temp: string, at: number, piece: Piece, signal: AbortSignal) => Promise<number>;

const WRITE: Readonly<Record<Way, Write>> = {
  new: (to, temp, _, piece, signal) => to.write(temp, piece, signal),
  within: (to, temp, at, piece, signal) => to.writeFrom(temp, at, piece, signal),
  end: (to, temp, _, piece, signal) => to.append(temp, piece, signal),
};

/** Bytes that are more than what is sent once more: with them a file gets on. */
const LEAST = 2 * 1024 * 1024;

/** The end of what is there is not what the source has. */
class Unlike extends PolywireError {}

/** One file on its way. */
export class Stream {
  readonly #lane: Workplace;
  readonly #ready: Ready;
  /** The byte with which this run has begun. */
  #base: number | undefined;
  /** The most that ever was there, and how often in a row it was no more. */
  #most = 0;
  #stalls = 0;
  /** Bytes that were sent in the last try. */
  #sent = 0;
  /** True where the source has broken it. */
  #bySource = false;

  constructor(lane: Workplace, ready: Ready) {
    this.#lane = lane;
    this.#ready = ready;
  }

  /**
   * Passes the file through. Undefined where it failed by itself, or is left to the next run; rejects where a connection
   * was lost, and what arrived stays as it is.
   *
   * @param there Bytes that are there under the temporary name. Default: there is no such file.
   */
  async run(there?: number): Promise<Arrived | undefined> {
    this.#most = there ?? 0;
    let start: Start | undefined = there === undefined ? NEW : await this.#startBehind(there);
    while (start !== undefined) {
      try {
        return await this.#pass(start);
      } catch (error) {
        start = await this.#next(start, error as PolywireError);
      }
    }
    return undefined;
  }

  async #pass({ at, way }: Start): Promise<Arrived | undefined> {
    const { context, from, to } = this.#lane;
    const { file, source } = this.#ready;
    const wire = new Wire(context.signal);
    this.#bySource = false;
    this.#sent = 0;
    this.#count(at);
    let piece: Piece | undefined;
    try {
      await makeOnce(to, context.folders, folderOf(file.target));
      const digester = digesterFor(this.#lane);
      if (way === "end" && digester === undefined) await this.#compareEnd(at, wire.signal);
      // What is there is compared with the source in the end: its digest is that of the whole.
      const isRead = digester !== undefined || from.abilities.readsFrom === false;
      piece = new Piece(context, from, file, { from: isRead ? 0 : at, digester, ends: true, signal: wire.signal });
      if (isRead) await piece.skip(at);
      const bytes = at > 0 && at === source.size ? 0 : await WRITE[way](to, file.temp, at, piece, wire.signal);
      if (piece.failure !== undefined) throw piece.failure;
      if (at + bytes !== source.size) wire.cut();
      return await arrived(this.#lane, this.#ready, at + bytes, digester);
    } catch (error) {
      wire.cut();
      this.#sent = piece?.bytes ?? 0;
      if (piece?.failure !== undefined) this.#bySource = true;
      throw reasonOf(error);
    } finally {
      wire.release();
    }
  }

  /** What arrived in this run is all that lies behind its base: what is sent twice counts once. */
  #count(at: number): void {
    const { context } = this.#lane;
    const { id } = this.#ready.file;
    this.#base = Math.min(this.#base ?? at, at);
    uncount(context, id, (context.sent.get(id) ?? 0) - (at - this.#base));
  }

  /** Where to go on, by what the destination takes; with a new file where it takes nothing. */
  async #startBehind(there: number): Promise<Start> {
    const { abilities } = this.#lane.to;
    if (there === this.#ready.source.size) return { at: there, way: "within" };
    if (abilities.writesFrom !== false) return { at: this.#stepBack(there), way: "within" };
    return abilities.appends === false ? this.#again() : { at: there, way: "end" };
  }

  async #again(): Promise<Start> {
    await this.#lane.drop([this.#ready.file]);
    return NEW;
  }

  #stepBack(there: number): number {
    return stepBack(there, above(this.#lane.context.move.big.resumeAbove));
  }

  /** At the end of a file nothing can be written once more: what is there must be what the source has. */
  async #compareEnd(at: number, signal: AbortSignal): Promise<void> {
    const { from, to } = this.#lane;
    const { file } = this.#ready;
    const first = this.#stepBack(at);
    const there = await readRange(to, file.temp, first, at, signal);
    this.#bySource = true;
    const ours = await readRange(from, file.name, first, at, signal);
    this.#bySource = false;
    if (!ours.equals(there)) throw new Unlike("what arrived does not end as the source does there");
  }

  /** What to do where a try broke; undefined where the file was settled, or given up. */
  async #next(start: Start, error: PolywireError): Promise<Start | undefined> {
    const { context, from, to, ledger } = this.#lane;
    // Another lane looks at what is there. A server that ends each connection after so many bytes is no hopeless one.
    if (this.#sent > LEAST) ledger.progress++;
    if (!from.usable || !to.usable) throw error;
    if (context.signal.aborted) return this.#leave(error);
    if (error instanceof Unlike) return this.#again();
    if (start.at > 0 && isNotWithin(error)) this.#learn(start);
    else if (classify(error) !== "retry") return failed(this.#lane, this.#ready, error);
    return this.#behind(error);
  }

  /** One of the servers does not begin within a file, or not in this way. */
  #learn({ way }: Start): void {
    const { context, from, to } = this.#lane;
    const all = "large files that were broken off are sent again from their beginning";
    if (this.#bySource) {
      from.abilities.readsFrom = false;
      context.warn(`${from.shown} takes no REST: of ${all.replace("are sent", "all is read")}`);
    } else if (way === "within") to.abilities.writesFrom = false;
    else {
      to.abilities.appends = false;
      context.warn(`${to.shown} takes neither REST nor APPE: ${all}`);
    }
  }

  /** Goes on behind what arrived, where that is worth it. */
  async #behind(error: PolywireError): Promise<Start | undefined> {
    const { context, from, to, ledger } = this.#lane;
    const { file, source } = this.#ready;
    const [[now], [temp]] = await Promise.all([
      lookAgain(this.#lane, from, [file.name]),
      to.stat([file.temp], { times: false }),
    ]);
    if (now instanceof Error) return void unknown(this.#lane, file, now);
    if (now === undefined) return void ledger.keep(file, "FAILED", "what arrived is not whole");
    if (temp instanceof Error) return failed(this.#lane, this.#ready, error);
    if (changed(source, now)) return void (await discard(this.#lane, this.#ready, now));
    const there = temp?.size ?? 0;
    this.#stalls = there > this.#most ? 0 : this.#stalls + 1;
    this.#most = Math.max(this.#most, there);
    if (!this.#isLarge(there) || this.#stalls >= context.move.tries.retry)
      return failed(this.#lane, this.#ready, error);
    if (this.#stalls > 0) await pause(delay(this.#stalls), context.signal);
    return context.signal.aborted ? this.#leave(error) : this.#startBehind(there);
  }

  /** The job ends: what is worth it is left to its next run. */
  async #leave(error: PolywireError): Promise<undefined> {
    const { to, ledger } = this.#lane;
    const { file } = this.#ready;
    const [temp] = await to.stat([file.temp], { times: false });
    if (temp === undefined || temp instanceof Error || !this.#isLarge(temp.size))
      return failed(this.#lane, this.#ready, error);
    ledger.suspend(file);
    return undefined;
  }

  #isLarge(there: number): boolean {
    const { big, verify } = this.#lane.context.move;
    const begun = { above: above(big.resumeAbove), proves: proves(verify), overwrites: false };
    return isLarge(there, this.#ready.source, begun);
  }
}
