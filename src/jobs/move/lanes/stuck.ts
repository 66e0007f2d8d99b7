/** Large files that are gone on with again and again, and do not get on: it may be they that end their connections. Pure. */
import type { ClaimedFile } from "../../journal/journal.js";
import { Notes } from "./notes.js";

/** The most that ever was there of a file, and how often in a row it was no more. */
interface Seen {
  /** Each attempt begins anew, with a temporary name of its own. */
  readonly temp: string;
  readonly most: number;
  readonly times: number;
}

export class Stuck {
  readonly #seen = new Notes<Seen>();

  /**
   * True where a file was gone on with as often as a file is tried whose connections fail (`tries`), and nothing came of
   * it: its tries do not count as long as it gets on. `there`: bytes under its temporary name. To be asked once each time.
   */
  is({ id, temp }: Pick<ClaimedFile, "id" | "temp">, there: number, tries: number): boolean {
    const last = this.#seen.get(id);
    const { most, times } = last?.temp === temp ? last : { most: -1, times: 0 };
    const now = there > most ? { temp, most: there, times: 0 } : { temp, most, times: times + 1 };
    const isStuck = now.times >= tries;
    if (isStuck) this.#seen.forget(id);
    else this.#seen.note(id, now);
    return isStuck;
  }

  /** True where it did not get on when it was gone on with last. */
  has(id: number): boolean {
    return (this.#seen.get(id)?.times ?? 0) > 0;
  }

  forget(id: number): void {
    this.#seen.forget(id);
  }
}
