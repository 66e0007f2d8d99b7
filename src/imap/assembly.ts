/** The rows of a FETCH: one for each message, in however many responses a server tells of it (RFC 9051 §7.5.2). No I/O. */
import type { FetchData } from "./fetch-data.js";
import { FLAGS, MODSEQ, TOLD_UNASKED } from "./fetch-kind.js";

/** Messages of which something is kept until there is more. */
const MOST_KEPT = 1_000;

/** What is known of a message so far. */
interface Part {
  readonly row: FetchData;
  readonly bytes: number;
}

/** Puts rows together. */
export class Assembly {
  readonly #asked: number;
  readonly #byUid: boolean;
  readonly #give: (row: FetchData, bytes: number) => void;
  /** A row that lacks something: the next response may have it. */
  #waiting: Part | undefined;
  /** What was told of flags before the row came; where nothing else was asked for, rows that lack something. */
  readonly #kept = new Map<number, Part>();
  readonly #met = new Met();

  constructor(asked: number, byUid: boolean, give: (row: FetchData, bytes: number) => void) {
    this.#asked = asked;
    this.#byUid = byUid;
    this.#give = give;
  }

  /**
   * True where the message's row is still to come. Where only such things are asked for as a server tells unasked, too, the
   * first response is the row, and what comes behind it is news.
   */
  awaits(row: FetchData): boolean {
    return !this.#isOfFlags || !this.#met.has(this.#idOf(row));
  }

  /** A row, or a part of one. */
  add(row: FetchData, bytes: number): void {
    const id = this.#idOf(row);
    const before = this.#kept.get(id);
    if (before !== undefined) row.absorb(before.row);
    this.#kept.delete(id);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    let size = bytes;
    if (waiting !== undefined && this.#idOf(waiting.row) === id) {
      row.absorb(waiting.row);
      size += waiting.bytes;
    } else if (waiting !== undefined) this.#give(waiting.row, waiting.bytes);
    const part = { row, bytes: size };
    if (this.#isWhole(row)) this.#pass(part);
    else if (this.#isOfFlags) this.#keep(id, part);
    else this.#waiting = part;
  }

  /** What a server tells of a message besides its row: flags that were asked for belong to that. */
  note(row: FetchData, bytes: number): void {
    if (this.#isOfFlags || (row.told & this.#asked & (FLAGS | MODSEQ)) === 0) return;
    const id = this.#idOf(row);
    const waiting = this.#waiting;
    if (waiting === undefined || this.#idOf(waiting.row) !== id) {
      const before = this.#kept.get(id);
      if (before !== undefined) row.absorb(before.row);
      this.#keep(id, { row, bytes });
      return;
    }
    waiting.row.absorb(row);
    if (!this.#isWhole(waiting.row)) return;
    this.#waiting = undefined;
    this.#pass(waiting);
  }

  /** No more comes: what lacks something is given as it is. */
  end(): void {
    if (this.#waiting !== undefined) this.#pass(this.#waiting);
    this.#waiting = undefined;
    if (this.#isOfFlags) for (const part of this.#kept.values()) this.#pass(part);
    this.#kept.clear();
  }

  #pass(part: Part): void {
    if (this.#isOfFlags) this.#met.add(this.#idOf(part.row));
    this.#give(part.row, part.bytes);
  }

  #keep(id: number, part: Part): void {
    this.#kept.delete(id);
    this.#kept.set(id, part);
    if (this.#kept.size <= MOST_KEPT) return;
    for (const [oldest, old] of this.#kept) {
      this.#kept.delete(oldest);
      if (this.#isOfFlags) this.#pass(old);
      return;
    }
  }

  #isWhole(row: FetchData): boolean {
    return (row.told & this.#asked) === this.#asked;
  }

  get #isOfFlags(): boolean {
    return (this.#asked & ~TOLD_UNASKED) === 0;
  }

  #idOf(row: FetchData): number {
    return (this.#byUid ? row.uid : undefined) ?? row.number;
  }
}

/** Ids that were met: as ranges where they ascend, as they mostly do. */
class Met {
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];
  readonly #others = new Set<number>();

  add(id: number): void {
    const last = this.#highs.at(-1);
    if (last !== undefined && id === last + 1) this.#highs[this.#highs.length - 1] = id;
    else if (last === undefined || id > last) {
      this.#lows.push(id);
      this.#highs.push(id);
    } else if (!this.has(id)) this.#others.add(id);
  }

  has(id: number): boolean {
    const last = this.#highs.at(-1);
    if (last === undefined || id > last) return false;
    let [low, high] = [0, this.#lows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lows[middle]! <= id) low = middle;
      else high = middle - 1;
    }
    return (this.#lows[low]! <= id && id <= this.#highs[low]!) || this.#others.has(id);
  }
}
