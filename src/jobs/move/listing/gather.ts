/** What a move does at its source besides transfers: passes over it, done files, folders that became empty. */
import { randomUUID } from "node:crypto";
import { setImmediate as breath } from "node:timers/promises";
import type { Journal, ListingResult } from "../../journal/journal.js";
import { inTurns } from "../in-turns.js";
import { CONNECT_TRIES } from "../lanes/connect.js";
import type { Crew } from "../lanes/crew.js";
import { pause } from "../lanes/pause.js";
import { classify, delay } from "../lanes/retry.js";
import type { Route } from "../names/route.js";
import { split } from "../names/route.js";
import type { ResolvedMove } from "../options.js";
import type { Place } from "../places/place.js";
import { Lister, type PassReport } from "./lister.js";

/** What a {@link Gatherer} works with. */
export interface Gathering {
  readonly move: ResolvedMove;
  readonly journal: Journal;
  readonly crew: Crew;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

export class Gatherer {
  readonly #at: Gathering;
  readonly #lister: Lister;
  /** No other run has it. */
  readonly #run = randomUUID();
  /** Folders that were removed. */
  foldersRemoved = 0;

  constructor(at: Gathering) {
    this.#at = at;
    this.#lister = new Lister(at.move, at.journal, at.signal);
  }

  /** What the last pass found. */
  get report(): PassReport {
    return this.#lister.report;
  }

  /** One pass over the sources; where the connection breaks, the next one goes on with the folder it was at. */
  async list(): Promise<ListingResult> {
    const { signal } = this.#at;
    this.#lister.begin();
    const listed = await this.#onSource(async (place, progress) => {
      await this.#lister.spool(place, progress);
      return signal.aborted ? undefined : this.#lister.finish(place);
    });
    this.#lister.wanted = undefined;
    return listed ?? { added: 0, replanned: 0 };
  }

  /** Has the next listing tell in which folder there is a file of this name. */
  lookFor(name: string, found: (folder: string) => void): void {
    this.#lister.wanted = { name, found };
  }

  /** True where the last listing may not have been whole and another pass can look for the rest in other ways. */
  lookCloser(): boolean {
    if (this.#lister.thorough || this.report.unlisted.length === 0) return false;
    this.#lister.thorough = true;
    return true;
  }

  /** Files that would get one name are found before anything moves. */
  async findCollisions(): Promise<void> {
    const { move, journal, signal } = this.#at;
    // With onExists "rename", each but the first gets another name when its turn comes.
    if (move.oneToOne || move.onExists === "rename" || !journal.isListed) return;
    if (signal.aborted) return;
    await inTurns(
      journal.collisions((file) => move.route.apply(file), { rule: this.#rule }),
      signal,
    );
  }

  /** What targets go by. A function may be another one in the next run, and so may be what targets done files. */
  get #rule(): string {
    const { route, listing } = this.#at.move;
    const isFixed = !route.source.startsWith("function ") && listing.doneFile === undefined;
    return isFixed ? route.source : this.#run;
  }

  /** Done files whose files are safe: removed, or planned to be moved themselves. True where that is something to do. */
  async settleDoneFiles(): Promise<boolean> {
    const { move, journal, signal } = this.#at;
    const fate = move.listing.doneFile?.after ?? "keep";
    if (fate === "keep") return false;
    const { arrivals } = journal;
    if (fate === "remove") {
      if (await this.#someOver()) await this.#onSource((place) => this.#removeDoneFiles(place));
      return false;
    }
    await inTurns(arrivals.forgettingMoved(), signal);
    let some = false;
    for (const names of arrivals.over()) {
      await breath();
      signal.throwIfAborted();
      if (names.length === 0) continue;
      // All in one turn: one that was promoted and not planned would be left for ever.
      arrivals.promote(names);
      journal.addListed(names.map((name) => ({ name })));
      // One that was moved in an earlier run is there again.
      journal.finishListing({ again: move.removes });
      some = true;
    }
    return some;
  }

  async #someOver(): Promise<boolean> {
    for (const names of this.#at.journal.arrivals.over()) {
      if (names.length > 0) return true;
      await breath();
    }
    return false;
  }

  async #removeDoneFiles(place: Place): Promise<void> {
    const { arrivals } = this.#at.journal;
    for (const names of arrivals.over()) {
      await breath();
      if (names.length === 0) continue;
      const errors = await place.remove(names);
      for (const [i, name] of names.entries())
        if (errors[i]) this.#at.warn(`the done file ${name} could not be removed: ${errors[i].message}`);
      arrivals.forget(names.filter((_, i) => errors[i] === undefined));
    }
  }

  /** Removes what is empty of the folders that were listed, the deepest first. */
  async removeEmptyFolders(): Promise<void> {
    if (!this.#at.move.listing.removeEmptyFolders) return;
    await this.#onSource(async (place) => {
      for (const folders of this.#at.journal.folders.upwards()) {
        // Those above only when those in them are gone.
        for (const level of byDepth(folders)) await this.#removeFolders(place, level);
        if (this.#at.signal.aborted) return;
      }
    });
  }

  async #removeFolders(place: Place, folders: readonly string[]): Promise<void> {
    const results = await place.removeFolders(folders);
    for (const [i, result] of results.entries()) {
      if (result === true) this.foldersRemoved++;
      else if (result) this.#at.warn(`the folder ${folders[i]} could not be removed: ${result.message}`);
    }
  }

  /** Does something over a connection to the source; begun anew where that breaks. Undefined where the job ends. */
  async #onSource<T>(body: (place: Place, progress: () => void) => Promise<T>): Promise<T | undefined> {
    const { crew, signal } = this.#at;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const source = await crew.source();
      if (source === undefined) break;
      try {
        const done = await body(source, () => (attempt = 0));
        await crew.leave(source);
        return done;
      } catch (error) {
        const verdict = source.usable ? classify(error as Error) : "retry";
        await source.close();
        if (signal.aborted) break;
        if (verdict === "fail" || verdict === "pause" || attempt >= CONNECT_TRIES) throw error;
        await pause(delay(Math.max(attempt, 1)), signal);
      }
    }
    return undefined;
  }
}

/** Folders of one level together, in their order. */
function byDepth(folders: readonly string[]): string[][] {
  const levels: string[][] = [];
  let depth: number | undefined;
  for (const folder of folders) {
    const own = folder.split("/").length;
    if (own !== depth) levels.push([]);
    depth = own;
    levels.at(-1)?.push(folder);
  }
  return levels;
}

/** The job's route, and that of done files: beside the file they stand for, wherever that went. */
export function routeWithDoneFiles({ route, listing: { doneFile } }: ResolvedMove, journal: Journal): Route {
  if (doneFile?.after !== "move") return route;
  return {
    ...route,
    apply(file) {
      const target = doneFile.test(split(file.name).name) ? journal.arrivals.targetOf(file.name) : undefined;
      if (target === undefined) return route.apply(file);
      const { folder, name } = split(target);
      return `${folder === "" ? "" : `${folder}/`}${doneFile.of(name)}`;
    },
  };
}
