/** The name a file has while it arrives, and where an interrupted one goes on. Pure. */
import { createHash, randomBytes } from "node:crypto";
import { encodeName } from "./name.js";

/** What file systems take per name, in bytes. */
const MAX_BYTES = 255;

/** 8 letters and digits, for a name that nobody else uses. */
export function randomTag(): string {
  return randomBytes(5).toString("hex").slice(0, 8);
}

/**
 * `<name>.<tag>.part`, beside the final name, as a rename is atomic only within a file system. Without a tag it is
 * `<name>.part`, which the next attempt finds again. A suffix, because servers hide or forbid names that begin with a
 * dot. A name that becomes too long is cut between characters, and told apart by 64 bits of its SHA-256.
 */
export function partName(path: string, tag?: string): string {
  const at = path.lastIndexOf("/") + 1;
  const suffix = tag === undefined ? ".part" : `.${tag}.part`;
  const bytes = encodeName(path.slice(at));
  if (bytes.length + suffix.length <= MAX_BYTES) return path + suffix;
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return `${path.slice(0, at)}${cut(path.slice(at), MAX_BYTES - suffix.length - 17)}~${digest}${suffix}`;
}

/** The longest beginning of whole characters that takes at most `most` bytes. */
function cut(name: string, most: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of name) {
    bytes += encodeName(character).length;
    if (bytes > most) break;
    end += character.length;
  }
  return name.slice(0, end);
}

/** What is known of a file here or there. */
export interface Known {
  readonly size?: number | undefined;
  readonly modified?: Date | undefined;
}

/** Where the bytes go: to a file that is new or begun. */
export interface Start {
  readonly path: string;
  /** Bytes that are there already. */
  readonly from: number;
}

/** What an earlier attempt may have left. */
export interface Remains {
  readonly part: string;
  readonly final: string;
  readonly partIs: Known | undefined;
  readonly finalIs: Known | undefined;
}

/**
 * Where to go on with a file of `whole`: in the partial file, else in the final one where that is shorter, else anew.
 * What is older than the whole is of another version, and not continued. Undefined where nothing is left to do.
 */
export function resumeAt(remains: Remains, whole: Known): Start | undefined {
  const { part, final, partIs, finalIs } = remains;
  const size = whole.size ?? -1;
  if (partIs && (partIs.size ?? 0) <= size && !older(partIs, whole)) return { path: part, from: partIs.size ?? 0 };
  if (finalIs && !older(finalIs, whole)) {
    if (finalIs.size === size) return undefined;
    if (finalIs.size && finalIs.size < size) return { path: final, from: finalIs.size };
  }
  return { path: part, from: 0 };
}

/** Servers tell whole seconds. */
function older(there: Known, whole: Known): boolean {
  if (there.modified === undefined || whole.modified === undefined) return false;
  return there.modified.getTime() + 1000 <= whole.modified.getTime();
}
