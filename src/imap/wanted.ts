/**
 * Which FETCH response belongs to which command: servers answer several at once, in any order (Dovecot does). Commands whose
 * answers could be taken for each other's wait for each other (RFC 9051 §5.5). No I/O.
 */
import { cancelledUnsent } from "../client/abort.js";
import type { AbortedError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import type { FetchData } from "./fetch-data.js";
import { ANYTHING, TOLD_UNASKED, UID } from "./fetch-kind.js";

/** What one command asks for. */
export class Wanted {
  /** True where messages are named by their UIDs. */
  readonly byUid: boolean;
  /** Low and high of each range, ascending; `*` is Infinity. */
  readonly #bounds: readonly number[];
  /** True for `$`: whatever the last search saved. */
  readonly #anything: boolean;
  /** The kinds of items that it asks for. */
  readonly asked: number;
  /** Those by which its answers are known. */
  readonly #marks: number;

  /** `set`: as `formatSet` writes it; `asked`: kinds of items, or ANYTHING. */
  constructor(set: string, byUid: boolean, asked: number) {
    this.byUid = byUid;
    this.asked = asked;
    this.#marks = asked & ~TOLD_UNASKED || asked & ~UID || asked;
    this.#anything = set === "$";
    this.#bounds = this.#anything ? [] : boundsOf(set);
  }

  /** True where a row answers this command. `exists`: messages in the mailbox; `*` is the last one. */
  answeredBy(row: FetchData, exists: number | undefined): boolean {
    return this.isMarked(row) && this.isOf(row.uid, row.number, exists);
  }

  /** True where a row tells something that is asked for, and that servers do not tell unasked, if it asks for such things. */
  isMarked(row: FetchData): boolean {
    return this.asked === ANYTHING || (row.told & this.#marks) !== 0;
  }

  /** True where a message is asked for. */
  isOf(uid: number | undefined, number: number, exists: number | undefined): boolean {
    const id = this.byUid ? uid : number;
    if (id === undefined) return false;
    if (this.#anything || this.#inRange(id)) return true;
    // `9:*` is the last message, too, where all are below 9.
    return this.#bounds.at(-1) === Infinity && number === exists;
  }

  /** The UID, where it asks for one message by that. */
  get uid(): number | undefined {
    const [low, high] = this.#bounds;
    return this.byUid && this.#bounds.length === 2 && low === high && low !== Infinity ? low : undefined;
  }

  /** True where answers to one could be taken for answers to the other. */
  confuses(other: Wanted): boolean {
    if (this.byUid !== other.byUid || this.#anything || other.#anything) return true;
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

/** The commands in flight, and when each is over. Those for one message are found by its UID: there may be hundreds. */
export class Wants {
  readonly #ofOne = new Map<number, { readonly wanted: Wanted; readonly over: Promise<unknown> }>();
  readonly #ofMany = new Map<Wanted, Promise<unknown>>();

  get size(): number {
    return this.#ofOne.size + this.#ofMany.size;
  }

  /** What settles when one is over that this one has to wait for; undefined: there is none. */
  before(wanted: Wanted): Promise<unknown> | undefined {
    const { uid } = wanted;
    for (const [other, over] of this.#ofMany) if (other.confuses(wanted)) return over;
    if (uid !== undefined) return this.#ofOne.get(uid)?.over;
    for (const { wanted: other, over } of this.#ofOne.values()) if (other.confuses(wanted)) return over;
    return undefined;
  }

  /**
   * Runs what waits for FETCH responses, behind all whose answers could be taken for its own. Cancelled before that, it is
   * dropped.
   */
  async run<T>(wanted: Wanted, run: () => Promise<T>, call: Pick<Call, "cancel"> = {}): Promise<T> {
    let dropped: AbortedError | undefined;
    for (let before = this.before(wanted); before !== undefined; before = this.before(wanted)) {
      await new Promise<void>((resolve) => {
        call.cancel = async (cause) => {
          dropped = cancelledUnsent(cause);
          resolve();
          return true;
        };
        before?.then(() => resolve());
      });
      delete call.cancel;
      if (dropped) throw dropped;
    }
    const running = run();
    const forget = () => this.delete(wanted);
    this.add(wanted, running.then(forget, forget));
    return running;
  }

  add(wanted: Wanted, over: Promise<unknown>): void {
    const { uid } = wanted;
    if (uid === undefined) this.#ofMany.set(wanted, over);
    else this.#ofOne.set(uid, { wanted, over });
  }

  delete(wanted: Wanted): void {
    const { uid } = wanted;
    if (uid === undefined) this.#ofMany.delete(wanted);
    else this.#ofOne.delete(uid);
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
