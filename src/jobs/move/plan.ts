/** A dry run: what a move would do with each file, collisions found, nothing touched. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal, type JournalFile, type ListedFile } from "../journal/journal.js";
import { fromColumn, toColumn } from "../journal/schema.js";
import { openDatabase } from "../journal/sqlite.js";
import { inTurns } from "./in-turns.js";
import { judgeExisting } from "./lanes/exists.js";
import { same } from "./lanes/recover.js";
import { Lister } from "./listing/lister.js";
import { type MoveOptions, type ResolvedMove, resolveMove } from "./options.js";
import { pages } from "./pages.js";
import type { FileStat, Place } from "./places/place.js";

/** What would become of one file. */
export interface PlannedFile {
  readonly name: string;
  /** Where it would go, relative to the target folder; "" where its route fails. */
  readonly target: string;
  readonly size: number | undefined;
  readonly modified: Date | undefined;
  /**
   * `move`, `skip` (the same is there), `overwrite`, `rename`, `conflict` (it would stay), `fail` (its route fails), `wait`
   * (it has no done file, or was not yet seen unchanged for `stableFor`: a move would look again).
   */
  readonly action: "move" | "skip" | "overwrite" | "rename" | "conflict" | "fail" | "wait";
  /** Why, where that is not plain. */
  readonly why: string | undefined;
}

/** Names looked up at the destination together. */
const PROBE = 500;

/**
 * The plan of a move, file by file, as `move()` with these options would find it now. Two connections; nothing is
 * written on either side, and memory does not grow with the number of files: names are kept in a temporary file.
 *
 * @example
 * for await (const file of planMove({ from, to, match, route })) console.log(file.action, file.name, file.target);
 */
export async function* planMove(options: MoveOptions): AsyncGenerator<PlannedFile, void, undefined> {
  const move = resolveMove(options);
  const signal = move.signal ?? new AbortController().signal;
  const from = move.from(false);
  const to = move.to(false);
  const scratch = await mkdtemp(join(tmpdir(), "polywire-plan-"));
  const waiting = new WaitingFiles();
  try {
    using journal = Journal.open(join(scratch, "journal"), { settings: move.settings });
    await from.open(signal);
    const there = await present(to, signal);
    await list(new Lister(move, journal, signal, (file, why) => waiting.add(file, why)), from, signal);
    const keepFirst = move.onExists === "rename";
    if (!move.oneToOne)
      await inTurns(
        journal.collisions((file) => move.route.apply(file), { keepFirst }),
        signal,
      );
    for (const page of pages(journal.files(["PLANNED", "CONFLICT"]), PROBE)) {
      signal.throwIfAborted();
      yield* judgeAll(move, there ? to : undefined, page);
    }
    yield* waiting.files(move);
  } finally {
    waiting.close();
    await Promise.all([from.close(), to.close()]);
    await rm(scratch, { recursive: true, force: true });
  }
}

async function list(lister: Lister, from: Place, signal: AbortSignal): Promise<void> {
  lister.begin();
  await lister.spool(from, () => {});
  signal.throwIfAborted();
  await lister.finish(from);
}

/** `to`: undefined where there is nothing yet. */
async function* judgeAll(move: ResolvedMove, to: Place | undefined, page: readonly JournalFile[]) {
  const routed = page.map((file) => ({ ...file, ...routeOf(move, file) }));
  const names = routed.map(({ target }) => target).filter((target) => target !== "");
  const found = to && names.length > 0 ? await to.stat(names) : [];
  const finals = new Map(names.map((name, i) => [name, found[i]]));
  for (const file of routed) yield judge(move, file, finals.get(file.target), file.state === "CONFLICT");
}

/** Files that would wait: in a file of the system's, as they may be millions. */
class WaitingFiles {
  readonly #db = openDatabase("");

  constructor() {
    this.#db.exec("CREATE TABLE waiting(name, size, mtime, why)");
  }

  add({ name, size, mtime }: ListedFile, why: string): void {
    this.#db.prepare("INSERT INTO waiting VALUES(?, ?, ?, ?)").run(toColumn(name), size ?? null, mtime ?? null, why);
  }

  *files(move: ResolvedMove): Generator<PlannedFile> {
    for (const row of this.#db.prepare("SELECT name, size, mtime, why FROM waiting").iterate()) {
      const name = fromColumn(row.name!);
      const modified = row.mtime === null ? undefined : new Date(Number(row.mtime));
      const size = row.size === null ? undefined : Number(row.size);
      yield { name, target: routeOf(move, { name }).target, size, modified, action: "wait", why: String(row.why) };
    }
  }

  close(): void {
    this.#db.close();
  }
}

interface Routed {
  name: string;
  size?: number | undefined;
  mtime?: number | undefined;
  target: string;
  error: string | undefined;
}

/** Opens the destination without making it; a folder that is not there holds nothing. */
async function present(to: Place, signal: AbortSignal): Promise<boolean> {
  try {
    await to.open(signal);
    return true;
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    if (code === "550" || (name === "UsageError" && /there is no folder/.test((error as Error).message))) return false;
    throw error;
  }
}

function routeOf(move: ResolvedMove, file: { name: string }): { target: string; error: string | undefined } {
  try {
    return { target: move.route.apply(file), error: undefined };
  } catch (error) {
    return { target: "", error: (error as Error).message };
  }
}

function judge(move: ResolvedMove, file: Routed, final: FileStat | Error | undefined, taken: boolean): PlannedFile {
  const { name, target, size, mtime } = file;
  const modified = mtime === undefined ? undefined : new Date(mtime);
  const planned = (action: PlannedFile["action"], why?: string): PlannedFile => ({
    name,
    target,
    size,
    modified,
    action,
    why,
  });
  if (file.error !== undefined) return planned("fail", file.error);
  if (taken)
    return planned(move.onExists === "rename" ? "rename" : "conflict", "another file of this move has the same target");
  if (final === undefined) return planned("move");
  if (final instanceof Error) return planned("fail", final.message);
  const alike = size !== undefined && same({ size, mtime }, final);
  const verdict = judgeExisting(move.onExists, alike, { size: size ?? 0, mtime }, final);
  if (verdict === "skip") return planned("skip", "the same file is there");
  return typeof verdict === "string" ? planned(verdict) : planned("conflict", verdict.conflict);
}
