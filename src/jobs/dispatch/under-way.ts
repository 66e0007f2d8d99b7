/** What a coordinator knows of the files that are claimed: who has each, and who waits for a final name. No I/O. */
import type { ClaimedFile } from "../journal/journal.js";
import { nameKey } from "../move/names/name-key.js";
import type { ClaimName } from "./dispatcher.js";

interface Entry {
  file: ClaimedFile;
  /** The batch it is in; undefined where nobody has it. */
  batch: string | undefined;
  /** Perhaps begun by somebody who is gone: it is to be recovered. */
  begun: boolean;
}

export class UnderWay {
  readonly #files = new Map<number, Entry>();
  readonly #batches = new Map<string, Set<number>>();
  /** Final names ({@link nameKey}) and their files: two of one name are never with workers at the same time. */
  readonly #targets = new Map<string, number>();
  readonly #waiting = new Map<string, ClaimedFile[]>();
  #parked = 0;

  /** Claimed files, wherever they are. */
  get size(): number {
    return this.#files.size;
  }

  /** Files that wait until another one of their final name is settled. */
  get parked(): number {
    return this.#parked;
  }

  /** Batches that somebody has. */
  get batches(): number {
    return this.#batches.size;
  }

  /** Takes a claimed file in. False where it has to wait for its final name: `end` gives it when that is free. */
  add(file: ClaimedFile, begun = false): boolean {
    this.#files.set(file.id, { file, batch: undefined, begun });
    if (this.#hold(file)) return true;
    const key = nameKey(file.target);
    const queue = this.#waiting.get(key);
    if (queue) queue.push(file);
    else this.#waiting.set(key, [file]);
    this.#parked++;
    return false;
  }

  /** Files go to somebody as a batch. */
  give(batch: string, files: readonly { readonly id: number }[]): void {
    this.#batches.set(batch, new Set(files.map(({ id }) => id)));
    for (const { id } of files) {
      const entry = this.#files.get(id);
      if (entry) entry.batch = batch;
    }
  }

  /** The file a word is about; undefined where the claim it was said of is over. */
  find({ id, attempt }: ClaimName): ClaimedFile | undefined {
    const file = this.#files.get(id)?.file;
    return file?.attempt === attempt ? file : undefined;
  }

  /** Whether a word from this batch decides: another one may have the file by now. */
  speaksFor(batch: string, { id }: ClaimName): boolean {
    const holder = this.#files.get(id)?.batch;
    return holder === undefined || holder === batch;
  }

  /** Puts in what is known now of a file; its final name, where that is new, is its own already. */
  update(file: ClaimedFile): void {
    const entry = this.#files.get(file.id);
    if (!entry) return;
    this.#targets.delete(nameKey(entry.file.target));
    this.#targets.set(nameKey(file.target), file.id);
    entry.file = file;
  }

  /** Whether no claimed file has this final name. */
  isFree(target: string): boolean {
    return !this.#targets.has(nameKey(target));
  }

  /** Takes a file back from its batch. */
  takeBack(id: number): void {
    const entry = this.#files.get(id);
    if (entry?.batch === undefined) return;
    this.#batches.get(entry.batch)?.delete(id);
    entry.batch = undefined;
  }

  /** The claim of a file is over. Gives the file that waited for its final name, if one did. */
  end(id: number): ClaimedFile | undefined {
    const entry = this.#files.get(id);
    if (!entry) return undefined;
    this.takeBack(id);
    this.#files.delete(id);
    const { target } = entry.file;
    if (!this.#has(entry.file)) return undefined;
    this.#targets.delete(nameKey(target));
    return this.wake(target);
  }

  /** The first file that waits for a name which is free now. */
  wake(target: string): ClaimedFile | undefined {
    const key = nameKey(target);
    const queue = this.#waiting.get(key);
    if (!queue || !this.isFree(target)) return undefined;
    const next = queue.shift() as ClaimedFile;
    if (queue.length === 0) this.#waiting.delete(key);
    this.#parked--;
    this.#hold(next);
    return next;
  }

  /** Nobody has this batch any more. Gives the files in it that are not settled. */
  forget(batch: string): ClaimedFile[] {
    const ids = [...(this.#batches.get(batch) ?? [])];
    for (const id of ids) this.takeBack(id);
    this.#batches.delete(batch);
    return ids.flatMap((id) => this.#files.get(id)?.file ?? []);
  }

  /** Whether a file was perhaps begun. */
  isBegun(id: number): boolean {
    return this.#files.get(id)?.begun ?? false;
  }

  /** Whoever had these files is gone. */
  suspect(files: readonly ClaimedFile[]): void {
    for (const { id } of files) {
      const entry = this.#files.get(id);
      if (entry) entry.begun = true;
    }
  }

  /** All that nobody has: those that have their final names, or all. */
  idle(which: "holders" | "all"): ClaimedFile[] {
    return [...this.#files.values()]
      .filter(({ batch, file }) => batch === undefined && (which === "all" || this.#has(file)))
      .map(({ file }) => file);
  }

  #hold({ target, id }: ClaimedFile): boolean {
    if (!this.isFree(target)) return false;
    this.#targets.set(nameKey(target), id);
    return true;
  }

  /** Whether a file has its final name. */
  #has({ target, id }: ClaimedFile): boolean {
    return this.#targets.get(nameKey(target)) === id;
  }
}
