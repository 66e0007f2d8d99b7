/** A dry run: what a move would do with each file, collisions found, nothing touched. */
import { openDatabase } from "../journal/sqlite.js";
import { isWanted, type MoveOptions, type ResolvedMove, resolveMove } from "./options.js";
import type { FileStat, Place } from "./place.js";
import { same } from "./recover.js";

/** What would become of one file. */
export interface PlannedFile {
  readonly name: string;
  /** Where it would go, relative to the target folder; "" where its route fails. */
  readonly target: string;
  readonly size: number | undefined;
  readonly modified: Date | undefined;
  /** `move`, `skip` (the same is there), `overwrite`, `rename`, `conflict` (it would stay), `fail` (its route fails). */
  readonly action: "move" | "skip" | "overwrite" | "rename" | "conflict" | "fail";
  /** Why, where that is not plain. */
  readonly why: string | undefined;
}

/** Names looked up at the destination together. */
const PROBE = 500;

/**
 * The plan of a move, file by file, as `move()` with these options would find it now. Two connections; nothing is
 * written on either side, and memory does not grow with the number of files.
 *
 * @example
 * for await (const file of planMove({ from, to, match, route })) console.log(file.action, file.name, file.target);
 */
export async function* planMove(options: MoveOptions): AsyncGenerator<PlannedFile, void, undefined> {
  const move = resolveMove(options);
  const signal = move.signal ?? new AbortController().signal;
  const from = move.from(false);
  const to = move.to(false);
  const targets = openDatabase("");
  try {
    targets.exec("CREATE TABLE targets(target PRIMARY KEY) WITHOUT ROWID");
    const claim = targets.prepare("INSERT OR IGNORE INTO targets VALUES(?)");
    await from.open(signal);
    const there = await present(to, signal);
    for await (const batch of from.list({ passedOver: 0 }, signal)) {
      const wanted = batch.filter((file) => isWanted(move, file));
      for (let at = 0; at < wanted.length; at += PROBE) {
        const routed = wanted.slice(at, at + PROBE).map((file) => ({ ...file, ...routeOf(move, file) }));
        const names = routed.map(({ target }) => target).filter((target) => target !== "");
        const found = there ? await to.stat(names) : [];
        for (const file of routed) {
          const taken = file.target !== "" && claim.run(file.target) === 0;
          yield judge(move, file, file.target === "" ? undefined : found[names.indexOf(file.target)], taken);
        }
      }
    }
  } finally {
    targets.close();
    await Promise.all([from.close(), to.close()]);
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
  if (alike && move.onExists === "same-skip") return planned("skip", "the same file is there");
  if (move.onExists === "overwrite" || move.onExists === "rename") return planned(move.onExists);
  return planned("conflict", alike ? "the same file is there" : "another file of that name is there");
}
