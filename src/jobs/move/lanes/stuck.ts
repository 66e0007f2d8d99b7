/** Large files that are gone on with again and again, and do not get on: it may be they that end their connections. Pure. */

/** The most that ever was there of a file, and how often in a row it was no more. */
interface Seen {
  readonly most: number;
  readonly times: number;
}

export class Stuck {
  /** By their temporary names. */
  readonly #seen = new Map<string, Seen>();

  /**
   * True where a file was gone on with as often as a file is tried whose connections fail (`tries`), and nothing came of
   * it: its tries do not count as long as it gets on. `there`: bytes under its temporary name. To be asked once each time.
   */
  is(temp: string, there: number, tries: number): boolean {
    const { most, times } = this.#seen.get(temp) ?? { most: -1, times: 0 };
    const now = there > most ? { most: there, times: 0 } : { most, times: times + 1 };
    const isStuck = now.times >= tries;
    if (isStuck) this.#seen.delete(temp);
    else this.#seen.set(temp, now);
    return isStuck;
  }
}
