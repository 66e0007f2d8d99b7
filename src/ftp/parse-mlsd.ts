/** MLSD and MLST rows (RFC 3659 section 7): facts, one blank, the name. Works on bytes: made for millions of rows. Pure. */

import { utcTime } from "../wire/calendar.js";
import { type DatePrecision, type EntryType, type FtpEntry, unparsed } from "./entry.js";
import { isDotName, RowSplitter } from "./listing-parser.js";
import { decoderFor, type NameDecoder, RepeatedText } from "./name.js";

const BLANK = 0x20;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const DOT = 0x2e;

/** An MLSD row. `facts` is read from `raw` when asked for. */
class MlsdEntry implements FtpEntry {
  name = "";
  type: EntryType = "other";
  declare size?: number;
  declare modified?: Date;
  declare precision?: DatePrecision;
  declare target?: string;
  declare mode?: number;
  declare owner?: string;
  declare group?: string;
  declare unique?: string;

  constructor(public raw: string) {}

  get facts(): Record<string, string> {
    return parseFacts(this.raw.slice(0, this.raw.indexOf(" ")));
  }
}

/**
 * Reads one row of MLSD, or the row of MLST without the blank before it. Only the first blank separates facts and
 * name, so a name keeps its blanks, `;` and `=`.
 *
 * @param line The row without its line end.
 * @param options `keepDots`: gives the directory itself and the one above too. Default: false.
 * @returns Nothing for an empty row, for `cdir` and `pdir`, `.` and `..`. A row that is none has the type "unparsed".
 */
export function parseMlsdLine(line: Buffer, options: { keepDots?: boolean | undefined } = {}): FtpEntry | undefined {
  if (line.length === 0) return undefined;
  return readRow(line, 0, line.length, decoderFor(line), options.keepDots ?? false);
}

/** Reads MLSD listings as they arrive. */
export class MlsdParser extends RowSplitter<FtpEntry> {
  protected override row(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: FtpEntry[]): void {
    const entry = readRow(bytes, start, end, decode, this.keepDots);
    if (entry !== undefined) out.push(entry);
  }
}

function readRow(bytes: Buffer, start: number, end: number, decode: NameDecoder, keepDots: boolean) {
  const entry = new MlsdEntry(decode(bytes, start, end));
  let isMlsd = bytes[start] === BLANK; // a row may have no facts
  let at = start;
  for (let stop = start; bytes[stop] !== BLANK; at = stop + 1) {
    const equals = endOfKey(bytes, at, end);
    stop = endOfFact(bytes, equals, end);
    if (stop === end) return unparsed(entry.raw);
    if (stop === equals) continue;
    isMlsd = true;
    if (!readFact(entry, bytes, at, equals, stop, decode) && !keepDots) return undefined;
  }
  if (bytes[start] === BLANK) at++;
  if (!isMlsd || at >= end) return unparsed(entry.raw);
  entry.name = decode(bytes, at, end);
  return keepDots || entry.name.length > 2 || !isDotName(entry.name) ? entry : undefined;
}

function endOfKey(bytes: Buffer, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === EQUALS || byte === SEMICOLON || byte === BLANK) break;
  }
  return at;
}

function endOfFact(bytes: Buffer, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === SEMICOLON || byte === BLANK) break;
  }
  return at;
}

/** First four letters of a fact's name, lower-cased, as one number. */
function key(name: string): number {
  return (name.charCodeAt(0) << 24) | (name.charCodeAt(1) << 16) | (name.charCodeAt(2) << 8) | name.charCodeAt(3);
}
const TYPE = key("type");
const SIZE = key("size");
const SIZD = key("sizd");
const MODIFY = key("modi");
const UNIQUE = key("uniq");
const UNIX = key("unix");

/** Takes the fact between `from` and `stop`; false when it says that the row is not a file of the directory. */
function readFact(entry: MlsdEntry, bytes: Buffer, from: number, equals: number, stop: number, decode: NameDecoder) {
  const length = equals - from;
  if (length < 4) return true;
  const start = (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!;
  const value = equals + 1;
  switch (start | 0x20202020) {
    case TYPE:
      return length !== 4 || readType(entry, bytes, value, stop, decode);
    case SIZE:
    case SIZD:
      if (length === 4) readSize(entry, bytes, value, stop);
      break;
    case MODIFY:
      if (length === 6) readModified(entry, bytes, value, stop);
      break;
    case UNIQUE:
      if (length === 6) entry.unique = decode(bytes, value, stop);
      break;
    case UNIX:
      readUnixFact(entry, bytes, from, equals, stop, decode);
  }
  return true;
}

/** True when the bytes are this lower-case text in any case. */
function spells(bytes: Buffer, from: number, stop: number, text: string): boolean {
  if (stop - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[from + i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== text.charCodeAt(i)) return false;
  }
  return true;
}

function readType(entry: MlsdEntry, bytes: Buffer, from: number, stop: number, decode: NameDecoder): boolean {
  if (spells(bytes, from, stop, "file")) entry.type = "file";
  else if (spells(bytes, from, stop, "dir")) entry.type = "directory";
  else if (spells(bytes, from, stop, "cdir") || spells(bytes, from, stop, "pdir")) {
    entry.type = "directory";
    return false;
  } else readSystemType(entry, decode(bytes, from, stop));
  return true;
}

/** `OS.unix=slink:target` of the RFC's examples, `OS.unix=symlink` of its erratum 1500; all else is "other". */
function readSystemType(entry: MlsdEntry, type: string): void {
  const link = /^os\.unix=(?:slink|symlink)(?::(.*))?$/is.exec(type);
  if (link === null) return;
  entry.type = "symlink";
  if (link[1]) entry.target = link[1];
}

function readSize(entry: MlsdEntry, bytes: Buffer, from: number, stop: number): void {
  let size = 0;
  for (let at = from; at < stop; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return;
    size = size * 10 + digit;
  }
  if (stop > from && Number.isSafeInteger(size)) entry.size = size;
}

function readModified(entry: MlsdEntry, bytes: Buffer, from: number, stop: number): void {
  if (stop - from < 14) return;
  for (let at = from; at < from + 14; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return;
  const year = two(bytes, from) * 100 + two(bytes, from + 2);
  const month = two(bytes, from + 4);
  const day = two(bytes, from + 6);
  let time = utcTime(year, month, day, two(bytes, from + 8), two(bytes, from + 10), two(bytes, from + 12));
  if (stop > from + 14) time += fraction(bytes, from + 14, stop);
  if (Number.isNaN(time)) return;
  entry.modified = new Date(time);
  entry.precision = "second";
}

function two(bytes: Buffer, at: number): number {
  return bytes[at]! * 10 + bytes[at + 1]! - 528;
}

/** Whole milliseconds of `.123456`; NaN when it is none. */
function fraction(bytes: Buffer, from: number, stop: number): number {
  if (bytes[from] !== DOT) return Number.NaN;
  let milliseconds = 0;
  for (let at = from + 1, weight = 100; at < stop; at++, weight /= 10) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    milliseconds += weight >= 1 ? digit * weight : 0;
  }
  return milliseconds;
}

const OWNER_NAME = new RepeatedText();
const OWNER_NUMBER = new RepeatedText();
const GROUP_NAME = new RepeatedText();
const GROUP_NUMBER = new RepeatedText();

/** `unix.mode` and the owner; a name of an owner wins over a number, whichever comes first. */
function readUnixFact(e: MlsdEntry, bytes: Buffer, from: number, equals: number, stop: number, decode: NameDecoder) {
  const key = from + 4;
  const value = equals + 1;
  if (spells(bytes, key, equals, ".mode")) readMode(e, bytes, value, stop);
  else if (spells(bytes, key, equals, ".ownername")) e.owner = OWNER_NAME.read(bytes, value, stop, decode);
  else if (spells(bytes, key, equals, ".groupname")) e.group = GROUP_NAME.read(bytes, value, stop, decode);
  else if (spells(bytes, key, equals, ".owner") || spells(bytes, key, equals, ".uid"))
    e.owner ??= OWNER_NUMBER.read(bytes, value, stop, decode);
  else if (spells(bytes, key, equals, ".group") || spells(bytes, key, equals, ".gid"))
    e.group ??= GROUP_NUMBER.read(bytes, value, stop, decode);
}

/** Octal digits; pyftpdlib writes `0o644`. */
function readMode(entry: MlsdEntry, bytes: Buffer, from: number, stop: number): void {
  let at = from;
  if (stop - from > 2 && bytes[from] === 0x30 && (bytes[from + 1]! | 0x20) === 0x6f) at += 2;
  if (at === stop || stop - at > 8) return;
  let mode = 0;
  for (; at < stop; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 7) return;
    mode = mode * 8 + digit;
  }
  entry.mode = mode & 0o7777;
}

function parseFacts(text: string): Record<string, string> {
  const facts: Record<string, string> = Object.create(null);
  for (const fact of text.split(";")) {
    const equals = fact.indexOf("=");
    if (equals >= 0) facts[fact.slice(0, equals).toLowerCase()] = fact.slice(equals + 1);
  }
  return facts;
}
