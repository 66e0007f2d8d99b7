/** Files → yEnc (draft 1.3), whole or in parts. Pure. */
import { crc32 } from "node:zlib";
import { UsageError } from "../client/errors.js";

const NUL = 0;
const TAB = 9;
const LF = 10;
const CR = 13;
const BLANK = 32;
const DOT = 46;
const EQUALS = 61;
/** Added to each byte. */
const SHIFT = 42;
/** Added once more behind an escape. */
const ESCAPE_SHIFT = 64;

/** 1 where an encoded character must be escaped: anywhere, at a line's start, at its end. */
const ANYWHERE = marked(NUL, LF, CR, EQUALS);
const FIRST = marked(NUL, LF, CR, EQUALS, TAB, BLANK, DOT);
const LAST = marked(NUL, LF, CR, EQUALS, TAB, BLANK);
/** Byte → encoded character, 0 where it must be escaped anywhere. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => {
  const c = (byte + SHIFT) & 255;
  return ANYWHERE[c] === 1 ? 0 : c;
});

function marked(...characters: number[]): Uint8Array {
  const marks = new Uint8Array(256);
  for (const character of characters) marks[character] = 1;
  return marks;
}

/** What is said about the data. */
export interface YencInput {
  /** The file's name: no CR, LF or NUL; blanks around it would be lost. */
  name: string;
  /** Characters per line, 1 to 997; one more where the last is an escape. Default: 128. */
  line?: number | undefined;
  /** The number of this part, from 1. Default: the file is in one piece. */
  part?: number | undefined;
  /** How many parts there are. Default: not said. */
  total?: number | undefined;
  /** For a part: the position of its first byte in the file, from 1. Default: 1. */
  begin?: number | undefined;
  /** For a part: bytes of the whole file. Default: up to the end of this part. */
  size?: number | undefined;
  /** For a part: the CRC-32 of the whole file. Default: not said. */
  fileCrc32?: number | undefined;
}

/**
 * Encodes a file or a part of one: `=ybegin`, the lines, `=yend` with the checksum; CR LF at every line's end. A dot
 * never begins a line, so that careless programs on the way do no harm.
 *
 * @throws UsageError where the name, the line length or the part's numbers make no sense.
 *
 * @example
 * const body = encodeYenc(await readFile("photo.jpg"), { name: "photo.jpg" });
 */
export function encodeYenc(data: Uint8Array, input: YencInput): Buffer {
  const line = input.line ?? 128;
  const name = input.name.trim();
  check(Number.isInteger(line) && line >= 1 && line <= 997, `lines of ${line} characters: 1 to 997 are possible`);
  check(name !== "" && !/[\r\n\0]/.test(name), `${JSON.stringify(input.name)} is no name`);
  const control = input.part === undefined ? wholeFile(data) : partOfFile(data, input.part, input);
  const head = Buffer.from(`=ybegin ${control.part}line=${line} size=${control.size} name=${name}\r\n${control.range}`);
  const tail = Buffer.from(`=yend size=${data.length} ${control.sums}\r\n`);
  const out = Buffer.allocUnsafe(head.length + linesLimit(data.length, line) + tail.length);
  head.copy(out);
  const end = encodeLines(data, line, out, head.length);
  // A copy: the limit is twice what data usually take.
  return Buffer.from(out.subarray(0, end + tail.copy(out, end)));
}

/** What the control lines say besides the line length and the name. */
interface Control {
  size: number;
  part: string;
  range: string;
  sums: string;
}

function wholeFile(data: Uint8Array): Control {
  return { size: data.length, part: "", range: "", sums: `crc32=${hex(crc32(data))}` };
}

function partOfFile(data: Uint8Array, part: number, input: YencInput): Control {
  const begin = input.begin ?? 1;
  const end = begin + data.length - 1;
  const size = input.size ?? end;
  const { total, fileCrc32 } = input;
  check(Number.isSafeInteger(part) && part >= 1, `part ${part}: parts are counted from 1`);
  check(total === undefined || (Number.isSafeInteger(total) && total >= part), `part ${part} of ${total}`);
  check(Number.isSafeInteger(begin) && begin >= 1, `part ${part} begins at ${begin}: positions are counted from 1`);
  check(Number.isSafeInteger(size) && size >= end, `part ${part} ends at ${end} of ${size} bytes`);
  return {
    size,
    part: `part=${part} ${total === undefined ? "" : `total=${total} `}`,
    range: `=ypart begin=${begin} end=${end}\r\n`,
    sums: `part=${part} pcrc32=${hex(crc32(data))}${fileCrc32 === undefined ? "" : ` crc32=${hex(fileCrc32)}`}`,
  };
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new UsageError(`yEnc cannot be written: ${problem}`);
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, "0");
}

/** What the lines take at most: each byte escaped, and CR LF for each line. */
function linesLimit(length: number, line: number): number {
  return 2 * length + 2 * (Math.floor(length / Math.ceil(line / 2)) + 1);
}

/** Writes the lines to `out` from `to` on; returns the position behind them. */
function encodeLines(data: Uint8Array, line: number, out: Uint8Array, to: number): number {
  const end = data.length;
  for (let at = 0; at < end; ) {
    const last = to + line - 1;
    to = encodeEdge(data[at++]!, FIRST, out, to);
    // The data's last byte ends a line, too.
    while (to < last && at < end - 1) {
      const byte = data[at++]!;
      const c = PLAIN[byte]!;
      if (c !== 0) {
        out[to++] = c;
      } else {
        out[to++] = EQUALS;
        out[to++] = byte + SHIFT + ESCAPE_SHIFT;
      }
    }
    if (to <= last && at < end) to = encodeEdge(data[at++]!, LAST, out, to);
    out[to++] = CR;
    out[to++] = LF;
  }
  return to;
}

/** The first or last character of a line. */
function encodeEdge(byte: number, escaped: Uint8Array, out: Uint8Array, to: number): number {
  const c = (byte + SHIFT) & 255;
  if (escaped[c] === 0) {
    out[to] = c;
    return to + 1;
  }
  out[to] = EQUALS;
  out[to + 1] = c + ESCAPE_SHIFT;
  return to + 2;
}
