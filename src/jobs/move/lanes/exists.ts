/** What is to become of a file where there is one of its final name already: the job's rule as a table. Pure. */
import type { DestBefore } from "../../journal/journal.js";
import type { FileStat } from "../places/place.js";

/** What to do where a file of the final name is there already. */
export type OnExists = "same-skip" | "fail" | "overwrite" | "newer" | "rename";

/** A file that is there: the same in size and time, and if not, one that was changed before the source, or not. */
type There = "same" | "older" | "other";

/** What to do, or why nothing can be done. */
export type Verdict = "skip" | "overwrite" | "rename" | { readonly conflict: string };

const SAME = { conflict: "the same file is there" };
const OTHER = { conflict: "another file of that name is there" };
const NOT_OLDER = { conflict: "the file that is there is not older" };

const RULES: Readonly<Record<OnExists, Readonly<Record<There, Verdict>>>> = {
  "same-skip": { same: "skip", older: OTHER, other: OTHER },
  fail: { same: SAME, older: OTHER, other: OTHER },
  overwrite: { same: "overwrite", older: "overwrite", other: "overwrite" },
  newer: { same: "skip", older: "overwrite", other: NOT_OLDER },
  rename: { same: "rename", older: "rename", other: "rename" },
};

export const ON_EXISTS = Object.keys(RULES) as OnExists[];

/** Milliseconds by which a source must be newer: FTP has whole seconds, and some file systems two. */
const TOLERANCE = 2_000;

/**
 * What becomes of a file.
 *
 * @param isSame Whether what is there was found to be the same.
 */
export function judgeExisting(rule: OnExists, isSame: boolean, source: FileStat, final: FileStat): Verdict {
  return RULES[rule][isSame ? "same" : isNewer(source, final) ? "older" : "other"];
}

/** Whether a file that is there, and the same, is taken for moved. */
export function skipsSame(rule: OnExists): boolean {
  return RULES[rule].same === "skip";
}

/** Whether the job put its own file in the place of the one that was there. */
export function replaces(rule: OnExists, before: DestBefore | undefined): boolean {
  return rule === "overwrite" || (rule === "newer" && before === "other");
}

/** Only where both times are known. */
function isNewer(source: FileStat, final: FileStat): boolean {
  return source.mtime !== undefined && final.mtime !== undefined && source.mtime - final.mtime >= TOLERANCE;
}
