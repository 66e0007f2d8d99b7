/** The second opinion on Unix and DOS rows: basic-ftp's parser, which is tolerant. Loaded only for the first odd row. */
import { createRequire } from "node:module";
import type { FileInfo } from "basic-ftp";
import type { FtpEntry } from "../entry.js";
import { unixType } from "./unix.js";

type ParseList = (listing: string) => FileInfo[];
let parseList: ParseList | undefined;

/** Beyond this basic-ftp is not asked: its expressions need not be linear in the length of a row. */
const MAX_LENGTH = 4096;
const SHAPES: Readonly<Record<string, RegExp>> = { unix: /^[\s\d]*([bcdelfmpSs-])[r-][w-]/, dos: /^(\d)\d/ };

/**
 * What basic-ftp reads in a row that the given style could not read. Nothing when it cannot either, or takes it for a row of
 * another style. It reads no dates.
 */
export function askBasicFtp(style: string, raw: string): FtpEntry | undefined {
  const shape = SHAPES[style]?.exec(raw);
  if (!shape || raw.length > MAX_LENGTH) return undefined;
  // Importing basic-ftp takes 35 ms. Where the FTP client is in use it is loaded already.
  parseList ??= (createRequire(import.meta.url)("basic-ftp") as { parseList: ParseList }).parseList;
  const file = tryParse(parseList, raw);
  if (file === undefined || file.name.trim() === "") return undefined;
  // Its `.` ends at U+2028 and at a lone CR, ours does not: a name cut short is worse than none.
  if (!raw.endsWith(file.link === undefined ? file.name : `${file.name} -> ${file.link}`)) return undefined;
  return style === "unix" ? fromUnix(file, raw, shape[1]!.charCodeAt(0)) : fromDos(file, raw);
}

function tryParse(parse: ParseList, raw: string): FileInfo | undefined {
  try {
    return parse(raw)[0];
  } catch {
    return undefined; // it throws for a row that has no style it knows
  }
}

function fromUnix(file: FileInfo, raw: string, letter: number): FtpEntry {
  const entry: FtpEntry = { name: file.name, type: unixType(letter) ?? "other", raw };
  if (entry.type !== "other") entry.size = file.size;
  if (file.link !== undefined) entry.target = file.link;
  if (file.user !== undefined) entry.owner = file.user;
  if (file.group !== undefined) entry.group = file.group;
  if (file.hardLinkCount !== undefined) entry.links = file.hardLinkCount;
  const bits = file.permissions;
  if (bits !== undefined) entry.mode = (bits.user << 6) | (bits.group << 3) | bits.world;
  return entry;
}

function fromDos(file: FileInfo, raw: string): FtpEntry {
  if (file.isDirectory) return { name: file.name, type: "directory", raw };
  return { name: file.name, type: "file", size: file.size, raw };
}
