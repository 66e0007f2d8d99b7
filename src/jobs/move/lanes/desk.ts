/** Where lanes take their files from and say what became of each: the journal, or a batch that came from elsewhere. */
import type {
  ClaimedFile,
  Journal,
  JournalFile,
  ProbedFile,
  ReleasedFile,
  SettledFile,
} from "../../journal/journal.js";
import type { Route } from "../names/route.js";

/** What lanes know of the job's memory. Every call works on a batch. */
export interface Desk {
  /** Up to so many claimed files, as one of so many lanes; none where none is to be had now. */
  take(most: number, lanes: number): ClaimedFile[];
  /** Files that may still be taken, as far as that is known. */
  readonly open: number;
  /** Milliseconds since 1970 when the first file that waits may be taken; undefined where none waits. */
  nextDue(): number | undefined;
  /** Notes what was found before the transfer of files, which begins when that is safe. */
  probed(batch: readonly ProbedFile[]): void | Promise<void>;
  /** Gives a file another target, on the disk before its transfer begins. Undefined where others are to go on with it. */
  retarget(file: ClaimedFile, target: string): ClaimedFile | undefined;
  /** Notes how files ended. */
  settle(results: readonly SettledFile[]): void;
  /** Takes files back. */
  release(batch: readonly ReleasedFile[]): void;
}

/** Files claimed by one commit. */
const CLAIM = 512;
/** Files of a batch at least, where the last ones are shared out. */
const LEAST = 4;

/** The journal itself, for lanes of the process that has it open. */
export class JournalDesk implements Desk {
  readonly #journal: Journal;
  readonly #route: Route;
  readonly #claimed: ClaimedFile[] = [];
  /** False where the last claim brought all that was left. */
  #more = true;

  constructor(journal: Journal, { route }: { readonly route: Route }) {
    this.#journal = journal;
    this.#route = route;
  }

  get open(): number {
    return this.#claimed.length + this.#journal.counts().PLANNED;
  }

  take(most: number, lanes: number): ClaimedFile[] {
    if (this.#claimed.length === 0 || (this.#more && this.#claimed.length < most)) {
      const claimed = this.#journal.claim(CLAIM, (file: JournalFile) => this.#route.apply(file));
      this.#more = claimed.length === CLAIM;
      this.#claimed.push(...claimed);
    }
    // Whole batches while there are many; at the end equal shares, but none so small that it saves nothing.
    const share = Math.max(LEAST, Math.ceil((this.#more ? this.open : this.#claimed.length) / lanes));
    return this.#claimed.splice(0, Math.min(most, share));
  }

  nextDue(): number | undefined {
    return this.#journal.nextDue();
  }

  probed(batch: readonly ProbedFile[]): void {
    this.#journal.probed(batch);
  }

  retarget(file: ClaimedFile, target: string): ClaimedFile {
    return this.#journal.retarget(file, target);
  }

  settle(results: readonly SettledFile[]): void {
    this.#journal.settle(results);
  }

  release(batch: readonly ReleasedFile[]): void {
    this.#journal.release(batch);
  }

  /** Gives back what was claimed and not taken. */
  close(): void {
    this.release(this.#claimed.splice(0).map(({ id }) => ({ id, counts: false })));
  }
}
