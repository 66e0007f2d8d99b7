/** The desk of lanes that work on a batch: what they say is collected, and sent to whoever has the journal. */
import type { ClaimedFile, ProbedFile, ReleasedFile, SettledFile } from "../journal/journal.js";
import type { Desk } from "../move/lanes/desk.js";
import type { ClaimName, Piece, ProbedWord, ReleasedWord, RetargetedWord, SettledWord } from "./dispatcher.js";

/** What was said since it was asked for last. */
export type Words = Pick<Piece, "probed" | "settled" | "released" | "retargeted">;

/** Files that a lane takes at least, where the last ones are shared out. */
const LEAST = 8;

export class BatchDesk implements Desk {
  readonly #files: ClaimedFile[];
  /** Sends what was said; resolves when the coordinator will hear it. */
  readonly #send: () => Promise<void>;
  readonly #attempts: ReadonlyMap<number, number>;
  #probed: ProbedWord[] = [];
  #settled: SettledWord[] = [];
  #released: ReleasedWord[] = [];
  #retargeted: RetargetedWord[] = [];

  /**
   * @param files To be moved.
   * @param recovered To be recovered: they are not taken from here, but spoken of.
   */
  constructor(files: readonly ClaimedFile[], recovered: readonly ClaimedFile[], send: () => Promise<void>) {
    this.#files = [...files];
    this.#send = send;
    this.#attempts = new Map([...files, ...recovered].map(({ id, attempt }) => [id, attempt]));
  }

  get open(): number {
    return this.#files.length;
  }

  take(most: number, lanes: number): ClaimedFile[] {
    const share = Math.max(LEAST, Math.ceil(this.#files.length / lanes));
    return this.#files.splice(0, Math.min(most, share));
  }

  /** Files that wait are given back: the coordinator's journal knows when they are due. */
  nextDue(): undefined {
    return undefined;
  }

  /** A transfer that nobody has heard of could not be told from somebody else's file. */
  probed(batch: readonly ProbedFile[]): Promise<void> {
    this.#probed.push(...batch.map((each) => ({ ...each, ...this.#claim(each.id) })));
    return this.#send();
  }

  /** A worker may die before the coordinator has it on its disk: so the coordinator hands the file out once more. */
  retarget({ id }: ClaimedFile, target: string): undefined {
    this.#retargeted.push({ ...this.#claim(id), target });
  }

  settle(results: readonly SettledFile[]): void {
    this.#settled.push(...results.map((each) => ({ ...each, ...this.#claim(each.id) })));
  }

  release(batch: readonly ReleasedFile[]): void {
    for (const { id, notBefore, ...more } of batch) {
      const wait = notBefore === undefined ? undefined : Math.max(0, notBefore - Date.now());
      this.#released.push({ ...more, ...this.#claim(id), ...(wait !== undefined && { wait }) });
    }
  }

  /** Gives back what nobody took: nobody will. */
  drain(): void {
    this.release(this.#files.splice(0).map(({ id }) => ({ id, counts: false })));
  }

  /** What was said since this was called last. */
  words(): Words {
    const words = {
      probed: this.#probed,
      settled: this.#settled,
      released: this.#released,
      retargeted: this.#retargeted,
    };
    [this.#probed, this.#settled, this.#released, this.#retargeted] = [[], [], [], []];
    return words;
  }

  #claim(id: number): ClaimName {
    return { id, attempt: this.#attempts.get(id) ?? 0 };
  }
}
