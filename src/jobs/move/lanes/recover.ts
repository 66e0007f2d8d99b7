/** What to do with a file that was under way when a process or a connection died: source, temp, final → action. Pure. */
import type { DestBefore } from "../../journal/journal.js";
import type { FileStat } from "../places/place.js";

/** A source as it was when its file was planned. */
export interface Planned {
  readonly size: number | undefined;
  readonly mtime: number | undefined;
}

/** What is known of one claimed file. */
export interface Found {
  readonly planned: Planned;
  /** What the destination held before the transfer; undefined where the claim did not get so far. */
  readonly before: DestBefore | undefined;
  /** Whether the two servers were to send it each other: they may be writing the temporary file still. */
  readonly fxp?: boolean | undefined;
  /** Whether the job replaces what has a final name (`onExists: "overwrite"`, or `"newer"` an older one). */
  readonly replaces: boolean;
  /** How the job goes on with files that were begun. */
  readonly begun: Begun;
  readonly source: FileStat | undefined;
  readonly temp: FileStat | undefined;
  readonly final: FileStat | undefined;
}

/** When a file is gone on with where it ended, instead of being sent again. */
export interface Begun {
  /** Bytes that have arrived, at least one more; Infinity: never. */
  readonly above: number;
  /** True where every byte of it is compared before it gets its final name. */
  readonly proves: boolean;
  /** True where any file under its final name is to be replaced. */
  readonly overwrites: boolean;
}

/** What to do. */
export type Recovery =
  /** Transfer it again; a temporary file, where one is left, is removed first. */
  | "again"
  /** Go on with the temporary file where it ended. */
  | "go-on"
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

/** Bytes of a temporary file in which it was tried whether a server takes parts of it: nothing of the source is in there. */
export const TRIAL = 16;

/** Milliseconds by which times may differ: FTP has whole seconds. */
const TOLERANCE = 1000;

/**
 * The recovery table. "Whole" is a temporary file of the planned size, "ours" a final one of that size, "large" a
 * temporary file of more than `above` bytes, which is part of the file; or whole, where every byte of it is compared, as it
 * must be where the source tells no time. A temporary file that two servers send each other is never large: a mover that is
 * killed does not end that. Removed, it is written on, but nobody sees it; what is sent again has another name.
 *
 *   source   temp    final      before
 *   changed  any     any        any           changed
 *   ok       large   -          known         go-on
 *   ok       other   -          any           again
 *   ok       large   yes        not absent    go-on, where any file is overwritten; else policy
 *   ok       yes     yes        any           policy: what is there did not come from this temporary file
 *   ok       -       yes        not absent    policy: it was there before us, and may be so still
 *   ok       -       ours       absent        finish
 *   ok       -       differs    absent        conflict
 *   -        whole   any        any           rename; where there is a final file both are kept
 *   -        partial any        any           keep-partial
 *   -        -       ours       see below     done, skipped, gone
 *   -        -       else       any           gone
 *
 * The size of a temporary file proves little: its end may be rubbish behind a power cut. So a part of it is written once
 * more ({@link stepBack}), and one that looks whole is sent again where nothing compares it. One that lacks a single byte
 * was written in parts, by several connections, and has holes that nobody knows of.
 *
 * "gone" may have been published, and taken away by whoever waits for such files, before its end was noted: nothing on
 * either side tells that from a source that somebody removed. So it is reported; `DONE` would claim what nobody knows.
 */
export function recovery(found: Found): Recovery {
  const { planned, before, source, temp, final } = found;
  if (source === undefined) return withoutSource(found);
  if (changed(planned, source)) return "changed";
  if (mayGoOn(found)) return "go-on";
  if (final === undefined) return "again";
  if (temp !== undefined || before !== "absent") return "policy";
  return final.size === planned.size ? "finish" : "conflict";
}

/**
 * Whether a temporary file of so many bytes is worth going on with, and may be. Where nobody tells the source's time, it may
 * be another one of the same size by now: then every byte is to be compared.
 */
export function isLarge(there: number, planned: Planned, { above, proves }: Begun): boolean {
  const { size, mtime } = planned;
  if (size === undefined || there <= Math.max(above, TRIAL)) return false;
  return there === size ? proves : there < size - 1 && (proves || mtime !== undefined);
}

/** Bytes at the end of a temporary file that are written once more, most of the time. */
const BLOCK = 1024 * 1024;
const LEAST_BLOCK = 4096;

/** Where to go on with a temporary file: some way before its end. Less is written anew where small files are gone on with. */
export function stepBack(size: number, above: number): number {
  return Math.max(0, size - Math.min(BLOCK, Math.max(LEAST_BLOCK, Math.floor(above / 16))));
}

function mayGoOn({ planned, before, fxp, begun, source, temp, final }: Found): boolean {
  // Before the look at the destination nothing of ours was there.
  if (temp === undefined || before === undefined || fxp) return false;
  const mtime = source?.mtime === undefined ? undefined : planned.mtime;
  const isFree = final === undefined || (begun.overwrites && before !== "absent");
  return isFree && isLarge(temp.size, { size: planned.size, mtime }, begun);
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
