/** A claimed file, made up. */
import type { ClaimedFile } from "../../../src/jobs/journal/journal.js";

/** The claim of file `id`, named `<id>.dat` where nothing else is said. */
export function claimed(id: number, more: Partial<ClaimedFile> = {}): ClaimedFile {
  const { name = `${id}.dat`, target = name, attempt = 1 } = more;
  return {
    ...{ id, name, target, attempt, size: 10, mtime: 1_000, state: "CLAIMED", tries: 1, destBefore: undefined },
    ...{ notBefore: undefined, code: undefined, error: undefined, updated: 0, digest: undefined },
    temp: `${target}.abcdefgh${attempt}.part`,
    ...more,
  };
}
