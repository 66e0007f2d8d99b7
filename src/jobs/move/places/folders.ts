/** Folders that are known: made once, and not remembered for ever. */
import type { Place } from "./place.js";

/** Folders remembered. */
const FOLDERS = 10_000;

/** Makes room for one more. */
export function makeRoom(known: Set<string> | Map<string, unknown>): void {
  if (known.size >= FOLDERS) known.clear();
}

/** Makes a folder that is not known to be there; "" is the place itself. */
export async function makeOnce(place: Place, known: Set<string>, folder: string): Promise<void> {
  if (folder === "" || known.has(folder)) return;
  await place.makeFolder(folder);
  makeRoom(known);
  known.add(folder);
}
