/** What to do with a file that was under way when a process or a connection died: source, temp, final → action. Pure. */
import type { DestBefore } from "../../journal/journal.js";
import type { FileStat } from "../places/place.js";

/** What is known of one claimed file. */
export interface Found {
  /** As planned. */
  readonly planned: { readonly size: number | undefined; readonly mtime: number | undefined };
  /** What the destination held before the transfer; undefined where the claim did not get so far. */
  readonly before: DestBefore | undefined;
  /** Whether the job replaces what has a final name (`onExists: "overwrite"`, or `"newer"` an older one). */
  readonly replaces: boolean;
  readonly source: FileStat | undefined;
  readonly temp: FileStat | undefined;
  readonly final: FileStat | undefined;
}

/** What to do. */
export type Recovery =
  /** Transfer it again; a temporary file, where one is left, is removed first. */
  | "again"
  /** The source has changed since: plan it anew, remove the temporary file. */
  | "changed"
  /** It was published by us: verify, then remove the source. */
  | "finish"
  /** The final file is there, the source is not: it was done. */
  | "done"
  /** The same file was there before, and the source is not: it was passed over, and the source removed. */
  | "skipped"
  /** The source is gone, the temporary file is whole: it may be the only copy. Rename it. */
  | "rename"
  /** The source is gone, the temporary file is not whole: keep it and say so. */
  | "keep-partial"
  /** Somebody else's file is there: the job's rule for existing files decides. */
  | "policy"
  /** What is there under the final name is neither ours nor the source's: touch nothing. */
  | "conflict"
  /** Published earlier and taken away since, or never there: nothing can be done. */
  | "gone";

/** Milliseconds by which times may differ: FTP has whole seconds. */
const TOLERANCE = 1000;

/**
 * The recovery table. "Whole" is a temporary file of the planned size, "ours" a final one of that size.
 *
 *   source   temp    final      before
 *   changed  any     any        any           changed
 *   ok       any     -          any           again
 *   ok       yes     yes        any           policy: what is there did not come from this temporary file
 *   ok       -       yes        not absent    policy: it was there before us, and may be so still
 *   ok       -       ours       absent        finish
 *   ok       -       differs    absent        conflict
 *   -        whole   any        any           rename; where there is a final file both are kept
 *   -        partial any        any           keep-partial
 *   -        -       ours       see below     done, skipped, gone
 *   -        -       else       any           gone
 *
 * A temporary file is never gone on with where the source is there: its size proves nothing, and to read it back costs
 * what sending it again does.
 *
 * "gone" may have been published, and taken away by whoever waits for such files, before its end was noted: nothing on
 * either side tells that from a source that somebody removed. So it is reported; `DONE` would claim what nobody knows.
 */
export function recovery(found: Found): Recovery {
  const { planned, before, source, temp, final } = found;
  if (source === undefined) return withoutSource(found);
  if (changed(planned, source)) return "changed";
  if (final === undefined) return "again";
  if (temp !== undefined || before !== "absent") return "policy";
  return final.size === planned.size ? "finish" : "conflict";
}

function withoutSource({ planned, before, replaces, temp, final }: Found): Recovery {
  // A temporary file that is there was not published: whatever has the final name is another one.
  if (temp !== undefined) return temp.size === planned.size ? "rename" : "keep-partial";
  if (final === undefined || final.size !== planned.size) return "gone";
  // What was there before is still the same file, unless the job replaces such ones.
  if (replaces || before === "absent" || before === undefined) return "done";
  return before === "same" ? "skipped" : "gone";
}

/** True where the source is not what was planned. */
export function changed(planned: Found["planned"], now: FileStat): boolean {
  if (planned.size !== undefined && planned.size !== now.size) return true;
  if (planned.mtime === undefined || now.mtime === undefined) return false;
  return Math.abs(planned.mtime - now.mtime) >= TOLERANCE;
}

/** True where a file at the destination can be taken for the same as the source: size and time agree. */
export function same(source: FileStat, final: FileStat): boolean {
  if (source.size !== final.size || source.mtime === undefined || final.mtime === undefined) return false;
  return Math.abs(source.mtime - final.mtime) < TOLERANCE * 2;
}
