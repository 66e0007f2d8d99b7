/**
 * Which FETCH response belongs to which command: servers answer several at once, in any order (Dovecot does). Commands whose
 * answers could be taken for each other's wait for each other (RFC 9051 §5.5). No I/O.
 */
import type { FetchData } from "./fetch-data.js";

/** What one command asks for. */
export class Wanted {
  readonly #byUid: boolean;
  /** Low and high of each range, ascending; `*` is Infinity. */
  readonly #bounds: readonly number[];
  /** True for `$`: whatever the last search saved. */
  readonly #anything: boolean;
  /** A word that its answers have, and what the server sends unasked has not. */
  readonly #mark: string | undefined;

  /** `set`: as `formatSet` writes it. */
  constructor(set: string, byUid: boolean, mark: string | undefined) {
    this.#byUid = byUid;
    this.#mark = mark;
    this.#anything = set === "$";
    this.#bounds = this.#anything ? [] : boundsOf(set);
  }

  /** True where a response answers this command. `exists`: messages in the mailbox; `*` is the last one. */
  answeredBy(raw: string, data: FetchData, exists: number | undefined): boolean {
    if (this.#mark !== undefined && !raw.includes(this.#mark) && !raw.toUpperCase().includes(this.#mark)) return false;
    return this.isOf(data.uid, data.number, exists);
  }

  /** True where a message is asked for. */
  isOf(uid: number | undefined, number: number, exists: number | undefined): boolean {
    const id = this.#byUid ? uid : number;
    if (id === undefined) return false;
    if (this.#anything || this.#inRange(id)) return true;
    // `9:*` is the last message, too, where all are below 9.
    return this.#bounds.at(-1) === Infinity && number === exists;
  }

  /** True where answers to one could be taken for answers to the other. */
  confuses(other: Wanted): boolean {
    if (this.#mark !== undefined && other.#mark !== undefined && this.#mark !== other.#mark) return false;
    if (this.#byUid !== other.#byUid || this.#anything || other.#anything) return true;
    return overlap(this.#bounds, other.#bounds);
  }

  #inRange(id: number): boolean {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length / 2 - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (id < bounds[2 * middle]!) high = middle - 1;
      else if (id > bounds[2 * middle + 1]!) low = middle + 1;
      else return true;
    }
    return false;
  }
}

function boundsOf(set: string): number[] {
  const number = (text: string) => (text === "*" ? Infinity : Number(text));
  return set.split(",").flatMap((range) => {
    const [low = "", high = low] = range.split(":");
    return [number(low), number(high)];
  });
}

function overlap(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i + 1]! < b[j]!) i += 2;
    else if (b[j + 1]! < a[i]!) j += 2;
    else return true;
  }
  // Both have the last message.
  return a.at(-1) === Infinity && b.at(-1) === Infinity;
}
