/** Files under way that a destination may take for one: two of one final name, or of names that differ by their case alone. */
import type { ClaimedFile } from "../../journal/journal.js";
import { nameKey } from "../names/name-key.js";
import { folderOf } from "../places/folder-place.js";
import { makeRoom } from "../places/folders.js";
import type { Workplace } from "./lane.js";
import type { LaneContext } from "./ledger.js";

/**
 * Keeps the final names of files whose fate is open: nobody else may have them until it is known. Of twins only the one
 * whose destination was looked at can have sent anything, and has the name; where several were, or nobody knows which,
 * what is there may be either one's, and none of them trusts it.
 */
export function holdNames(
  { writing, shared }: Pick<LaneContext, "writing" | "shared">,
  files: readonly ClaimedFile[],
): void {
  const first = new Map<string, ClaimedFile>();
  for (const file of files) {
    const key = nameKey(file.target);
    const twin = first.get(key);
    const isBegun = file.destBefore !== undefined;
    if (twin && isBegun === (twin.destBefore !== undefined)) shared.add(key);
    else if (twin && isBegun) shared.delete(key);
    if (twin === undefined || (isBegun && twin.destBefore === undefined)) first.set(key, file);
  }
  for (const [key, { id }] of first) writing.set(key, id);
}

/** Whether what has the final name of a file, or its temporary one, can be nobody else's. */
export function isAlone({ writing, shared, kept }: LaneContext, { id, target, temp }: ClaimedFile): boolean {
  const key = nameKey(target);
  return writing.get(key) === id && !shared.has(key) && !(kept.size > 0 && kept.has(nameKey(temp)));
}

/**
 * Whether what has the final name of a file may have come there from a file whose name differs by its case: a name of the
 * other case finds it, too. Asked once for a folder that tells them apart.
 */
export async function hasTwins({ context, to }: Workplace, { target }: ClaimedFile): Promise<boolean> {
  const { caseFolders } = context;
  const folder = folderOf(target);
  const other = folder + swapCase(target.slice(folder.length));
  if (other === target || caseFolders.has(folder)) return false;
  const [found, own] = await to.stat([other, target], { times: false });
  // Somebody may have taken it away meanwhile: that tells nothing of the folder.
  if (found !== undefined || own === undefined || own instanceof Error) return true;
  makeRoom(caseFolders);
  caseFolders.add(folder);
  return false;
}

/** Of ASCII only: what the bytes behind that mean, nobody knows. */
function swapCase(name: string): string {
  return name.replace(/[a-z]/gi, (letter) => (letter < "a" ? letter.toLowerCase() : letter.toUpperCase()));
}
