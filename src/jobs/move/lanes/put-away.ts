/** Puts sources away into the archive, by renames that replace nothing. */
import { UsageError } from "../../../client/errors.js";
import { numbered } from "../names/numbered.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import type { Place, Published } from "../places/place.js";
import { type Archive, archiveOf } from "./archive.js";
import type { Workplace } from "./lane.js";

/** Names tried at once, and at most, where one is taken. */
const NAMES = 20;
const MOST_NAMES = 1_000;

/** What takes sources away: their place, or its archive. */
export function removerOf(lane: Workplace): Pick<Place, "remove"> {
  const { archive } = lane.context.move;
  return archive ? { remove: (names) => putAway(lane, archiveOf(archive), names) } : lane.from;
}

/** Gives for each what went wrong, if something did. A source that is not there was put away, or removed by somebody. */
async function putAway(lane: Workplace, archive: Archive, names: readonly string[]): Promise<(Error | undefined)[]> {
  const targets = await freeTargets(lane, archive, names);
  const moving = names.flatMap((name, i) => {
    const target = targets[i] as string | Error;
    return target instanceof Error ? [] : [{ temp: name, final: target, mtime: undefined }];
  });
  const results = moving.length === 0 ? [] : await lane.from.publish(moving);
  const failed = moving.filter((_, i) => results[i] instanceof Error);
  const left = failed.length === 0 ? [] : await lane.from.stat(failed.map(({ temp }) => temp));
  // Somebody may have removed the folder.
  for (const { final } of failed) lane.context.archiveFolders.delete(folderOf(final));
  return names.map((name, i) => {
    if (targets[i] instanceof Error) return targets[i];
    const result = results[moving.findIndex(({ temp }) => temp === name)] as Published | Error;
    const isGone = left[failed.findIndex(({ temp }) => temp === name)] === undefined;
    return result instanceof Error && !isGone ? result : undefined;
  });
}

/** Where each is put, its folder made; names that are taken are numbered. */
async function freeTargets(lane: Workplace, archive: Archive, names: readonly string[]): Promise<(string | Error)[]> {
  const targets: (string | Error)[] = [];
  for (const name of names) {
    try {
      const target = archive.pathOf(name);
      await makeOnce(lane.from, lane.context.archiveFolders, folderOf(target));
      targets.push(target);
    } catch (error) {
      if (!lane.from.usable) throw error;
      targets.push(error as Error);
    }
  }
  const known = targets.filter((target) => typeof target === "string");
  const found = await lane.from.stat(known, { times: false });
  const taken = new Map(known.map((target, i) => [target, found[i]]));
  for (const [i, target] of targets.entries()) {
    const there = typeof target === "string" ? taken.get(target) : undefined;
    if (there instanceof Error) targets[i] = there;
    else if (there !== undefined) targets[i] = await freeName(lane, names[i] as string, target as string);
  }
  return targets;
}

/**
 * The first free one of `name-1.ext`, `name-2.ext` … that is not the name of another source, either: that one would be put
 * there, by this lane or another one. A source that is gone by the first look is in the archive by the second.
 */
async function freeName({ from }: Workplace, name: string, target: string): Promise<string | Error> {
  for (let first = 1; first <= MOST_NAMES; first += NAMES) {
    const numbers = Array.from({ length: NAMES }, (_, i) => first + i);
    const own = numbers.map((n) => numbered(name, n));
    const sources = await from.stat(own, { times: false });
    const names = numbers.map((n) => numbered(target, n));
    const taken = await from.stat(names, { times: false });
    const free = names.find((_, i) => sources[i] === undefined && taken[i] === undefined);
    if (free !== undefined) return free;
  }
  return new UsageError(`${MOST_NAMES} files of that name are in the archive`);
}
