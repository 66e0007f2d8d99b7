/** Rows of `ls -l`. Works on bytes: vsftpd has no MLSD, so millions of rows come this way. Pure. */
import type { EntryType, FtpEntry } from "../entry.js";
import type { WallClock } from "../list-date.js";
import { type NameDecoder, RepeatedText } from "../name.js";
import type { ListStyle, ListStyleChoice } from "./style.js";
import { BLANK, isDigit, UnixDate } from "./unix-date.js";

/** At most this many fields between the permissions and the date: names of owners may hold blanks. */
const MAX_FIELDS = 12;
const COMMA = 0x2c;

/** `ls -l` with or without groups, link counts and ACL marks, with any of its dates. */
export const unixStyle: ListStyleChoice = { name: "unix", begin: (clock) => new UnixStyle(clock) };

const TYPES: (EntryType | undefined)[] = new Array(256).fill(undefined);
for (const letter of "bcpsSmDnCPw?") TYPES[letter.charCodeAt(0)] = "other";
for (const letter of "-f") TYPES[letter.charCodeAt(0)] = "file";
for (const letter of "le") TYPES[letter.charCodeAt(0)] = "symlink"; // e: external link of z/OS
TYPES[0x64] = "directory";

/** The type of a row by its first letter. */
export function unixType(letter: number): EntryType | undefined {
  return TYPES[letter];
}

class UnixStyle implements ListStyle {
  /** Where the fields of the row at hand begin and end, and what they are worth as a number (-1: none). */
  private readonly from = new Int32Array(MAX_FIELDS + 1);
  private readonly to = new Int32Array(MAX_FIELDS + 1);
  private readonly worth = new Float64Array(MAX_FIELDS + 1);
  private count = 0;
  private readonly date: UnixDate;
  private readonly owner = new RepeatedText();
  private readonly group = new RepeatedText();

  constructor(clock: WallClock) {
    this.date = new UnixDate(clock);
  }

  read(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: FtpEntry[]): boolean {
    const type = TYPES[bytes[start]!];
    const mode = type === undefined || end - start < 12 ? -1 : readMode(bytes, start + 1);
    if (type === undefined || mode < 0) return false;
    let at = start + 10;
    while (isAclMark(bytes[at]!)) at++;
    if (bytes[at] !== BLANK) return false;
    if (!this.readFields(bytes, at, end)) return false;
    const entry = this.entry(type, mode, bytes, start, end, decode);
    if (type === "symlink") splitLink(entry);
    out.push(entry);
    return true;
  }

  /** Finds the fields up to the date, which follows the first number that a date can follow; false without. */
  private readFields(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    let before = -1;
    for (let count = 0; count <= MAX_FIELDS; count++) {
      while (at < end && bytes[at] === BLANK) at++;
      const from = at;
      let worth = 0;
      for (; at < end; at++) {
        const byte = bytes[at]!;
        if (byte === BLANK) break;
        worth = isDigit(byte) && worth >= 0 ? worth * 10 + (byte - 0x30) : -1;
      }
      if (at >= end) return false;
      if (before >= 0 && this.date.read(bytes, from, at, end)) {
        this.count = count;
        return true;
      }
      this.from[count] = from;
      this.to[count] = at;
      this.worth[count] = before = worth;
    }
    return false;
  }

  /** The fields are: [links] [owner [group]] and a size, or the two numbers of a device. */
  private entry(
    type: EntryType,
    mode: number,
    bytes: Buffer,
    start: number,
    end: number,
    decode: NameDecoder,
  ): FtpEntry {
    const { count } = this;
    const raw = decode(bytes, start, end);
    const name = decode(bytes, this.date.nameAt, end);
    const links = this.worth[0]!;
    const size = this.worth[count - 1]!;
    const { time, precision } = this.date;
    if (type !== "other" && count === 4 && links >= 0 && size <= Number.MAX_SAFE_INTEGER && !Number.isNaN(time)) {
      // Nearly every row: one literal makes all entries of one shape, which is fast.
      const owner = this.owner.read(bytes, this.from[1]!, this.to[1]!, decode);
      const group = this.group.read(bytes, this.from[2]!, this.to[2]!, decode);
      return { name, type, size, modified: new Date(time), precision, mode, owner, group, links, raw };
    }
    const isDevice = count > 1 && bytes[this.to[count - 2]! - 1] === COMMA;
    const entry: FtpEntry = { name, type, mode, raw };
    if (!isDevice && Number.isSafeInteger(size)) entry.size = size;
    if (!Number.isNaN(time)) Object.assign(entry, { modified: new Date(time), precision });
    const owners = count - (isDevice ? 2 : 1);
    const first = owners > 0 && links >= 0 ? 1 : 0;
    if (first === 1) entry.links = links;
    if (owners > first) entry.owner = decode(bytes, this.from[first]!, this.to[first]!);
    if (owners > first + 1) entry.group = decode(bytes, this.from[first + 1]!, this.to[owners - 1]!);
    return entry;
  }
}

function isAclMark(byte: number): boolean {
  return byte === 0x2b || byte === 0x2e || byte === 0x40; // + . @
}

/** Permission bits of `rwxr-xr-x`; -1 when they are none. */
function readMode(bytes: Buffer, at: number): number {
  const owner = readTriad(bytes, at);
  const group = readTriad(bytes, at + 3);
  const others = readTriad(bytes, at + 6);
  if ((owner | group | others) < 0) return -1;
  const special = ((owner >> 3) << 11) | ((group >> 3) << 10) | ((others >> 3) << 9);
  return special | ((owner & 7) << 6) | ((group & 7) << 3) | (others & 7);
}

const DASH = 0x2d;
/** What the third letter of a triad is worth: execute 1, setuid, setgid or sticky 8. */
const EXECUTE: Readonly<Record<number, number>> = Object.fromEntries(
  Object.entries({ "-": 0, x: 1, s: 9, t: 9, S: 8, T: 8, l: 8, L: 8 }).map(([letter, worth]) => [
    letter.charCodeAt(0),
    worth,
  ]),
);

function readTriad(bytes: Buffer, at: number): number {
  const read = bytes[at] === 0x72 ? 4 : bytes[at] === DASH ? 0 : -1;
  const write = bytes[at + 1] === 0x77 ? 2 : bytes[at + 1] === DASH ? 0 : -1;
  const execute = EXECUTE[bytes[at + 2]!] ?? -1;
  return read | write | execute;
}

/** `name -> target`: only a link is split, at the first arrow, since other names may hold one. */
export function splitLink(entry: FtpEntry): void {
  const arrow = entry.name.indexOf(" -> ");
  if (arrow <= 0) return;
  entry.target = entry.name.slice(arrow + 4);
  entry.name = entry.name.slice(0, arrow);
}
