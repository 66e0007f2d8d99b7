/** Files over which a connection was lost while several were dealt with at once: each is on its own when it comes again. */
import type { ClaimedFile } from "../../journal/journal.js";
import type { Workplace } from "./lane.js";
import { Notes } from "./notes.js";

/** By their ids; forgotten when their fate is known. */
export class Suspects {
  /** How often a connection was lost over nothing but this file. */
  readonly #losses = new Notes<number>();

  /** True where nobody is suspected, as nearly always. */
  get none(): boolean {
    return this.#losses.size === 0;
  }

  has(id: number): boolean {
    return this.#losses.has(id);
  }

  /** Connections that were lost over this file alone. */
  losses(id: number): number {
    return this.#losses.get(id) ?? 0;
  }

  /** It was one of several: which of them it was, nobody knows. */
  suspect(id: number): void {
    this.#losses.note(id, this.losses(id));
  }

  /** It was this one. */
  blame(id: number): void {
    this.#losses.note(id, this.losses(id) + 1);
  }

  forget(id: number): void {
    this.#losses.forget(id);
  }
}

/** What is done with files, and what becomes of them where a connection is lost over it. */
export interface Deed<T> {
  readonly suspects: Suspects;
  /** Deals with all of a group. */
  do(group: readonly T[]): Promise<void>;
  /** A connection was lost, but not over this file, as far as anybody can tell. Default: nothing. */
  excuse?(file: ClaimedFile): void;
  /** Connections were lost over this file alone, as often as a file is tried. */
  giveUp(file: ClaimedFile, error: Error): void | Promise<void>;
}

/** Deals with files: at once, but for the suspects among them. Rejects where a connection is lost, or the job is to stop. */
export async function together<T extends { readonly file: ClaimedFile }>(
  lane: Workplace,
  all: readonly T[],
  deed: Deed<T>,
): Promise<void> {
  const { context, ledger } = lane;
  const { suspects } = deed;
  const others = all.filter(({ file }) => !suspects.has(file.id));
  const alone = all.filter(({ file }) => suspects.has(file.id)).map((each) => [each]);
  for (const group of others.length > 0 ? [others, ...alone] : alone) {
    const [{ file }] = group as [T];
    const losses = suspects.losses(file.id);
    try {
      if (losses > 0 && losses >= context.move.tries.retry)
        await deed.giveUp(file, new Error(`its connections broke ${losses} times`));
      else await deed.do(group);
    } catch (error) {
      if (lane.from.usable && lane.to.usable) throw error;
      const isOpen = (each: T) => ledger.has(each.file);
      const culprit = group.length === 1 ? file : undefined;
      if (culprit) {
        suspects.blame(culprit.id);
        context.excused.delete(culprit.id);
      }
      for (const each of group.filter(isOpen)) suspects.suspect(each.file.id);
      for (const each of all.filter(isOpen)) if (each.file !== culprit) deed.excuse?.(each.file);
      throw error;
    }
  }
}
