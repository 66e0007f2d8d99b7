/**
 * Rows of an overview → lines of NDJSON, sixteen octets at a time. AssemblyScript: `npm run wasm` turns it into
 * ndjson-rows.ts. It does the rows that need no decoding, exactly as NdjsonFormat would, and stops at any other.
 */

const TAB: u8 = 9;
const LF: u8 = 10;
const BLANK: u8 = 32;
const QUOTE: u8 = 34;
const PLUS: u8 = 43;
const COMMA: u8 = 44;
const MINUS: u8 = 45;
const ZERO: u8 = 48;
const COLON: u8 = 58;
const LESS: u8 = 60;
const EQUALS: u8 = 61;
const GREATER: u8 = 62;
const QUESTION: u8 = 63;
const BACKSLASH: u8 = 92;
const T: u8 = 84;
const Z: u8 = 90;

/** Where the constant pieces of a line are, each as its length (i32) and its octets. */
const KEYS: usize = 0;
const KEY_SIZE: usize = 2048;
const HEAD = 0;
const SUBJECT = 1;
const FROM = 2;
const DATE = 3;
const RAW_DATE = 4;
const MESSAGE_ID = 5;
const REFERENCES = 6;
const BYTES = 7;
const LINES = 8;
const XREF = 9;

export const INPUT: usize = 0x8000;
export const INPUT_SIZE: usize = 0x14000;
export const OUTPUT: usize = 0x1c000;
const OUTPUT_SIZE: usize = 0x60000;
/** What a line may have besides its texts, each of which may double, the references twice. */
const BESIDES: usize = KEY_SIZE + 512;

/** Rows done by the last run. */
export let rows: i32 = 0;
/** Octets written by the last run. */
export let written: i32 = 0;
/** True where the last run stopped at a row that is not for it. */
export let refused: bool = false;

/** Where reading and writing are. */
let at: usize = 0;
let out: usize = 0;

export function keyAt(key: i32): usize {
  return KEYS + KEY_SIZE * <usize>key;
}

/** Does rows from here to `end`, each with its LF. @returns Where it stopped: at the end, at a row, or for want of room. */
export function run(from: usize, end: usize): usize {
  at = from;
  out = OUTPUT;
  rows = 0;
  refused = false;
  while (at < end) {
    const start = at;
    const line = out;
    const length = lengthOf(start, end);
    if (out + length * 4 + BESIDES > OUTPUT + OUTPUT_SIZE) break;
    if (!row()) {
      at = start;
      out = line;
      refused = true;
      break;
    }
    rows++;
  }
  written = <i32>(out - OUTPUT);
  return at;
}

function lengthOf(start: usize, end: usize): usize {
  let here = start;
  const feed = i8x16.splat(LF);
  for (; here < end; here += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(here), feed));
    if (found !== 0) return here + ctz(found) - start;
  }
  return end - start;
}

/** One row. @returns False where it is not for us. */
function row(): bool {
  put(HEAD);
  if (!digits()) return false;
  if (load<u8>(at) !== TAB) return false;
  at++;
  if (!text(SUBJECT) || !next()) return false;
  if (!text(FROM) || !next()) return false;
  put(DATE);
  if (!date() || !text(RAW_DATE) || !next()) return false;
  if (!text(MESSAGE_ID)) return false;
  store<u8>(out, QUOTE);
  out++;
  put(REFERENCES);
  next();
  if (!references()) return false;
  next();
  if (!count(BYTES)) return false;
  next();
  if (!count(LINES)) return false;
  if (next() && !xref()) return false;
  if (load<u8>(at) !== LF) return false;
  at++;
  store<u16>(out, 0x0a7d);
  out += 2;
  return true;
}

/** Steps over a TAB. @returns False at the end of the row. */
function next(): bool {
  if (load<u8>(at) !== TAB) return false;
  at++;
  return true;
}

function put(key: i32): void {
  const from = keyAt(key);
  const length = <usize>load<i32>(from);
  for (let done: usize = 0; done < length; done += 16) v128.store(out + done, v128.load(from + 4 + done));
  out += length;
}

/** A text up to the next TAB or the row's end, quotes escaped. @returns False where it needs decoding. */
function text(key: i32): bool {
  put(key);
  return rest();
}

function rest(): bool {
  let from = at;
  let to = out;
  for (;;) {
    const piece = v128.load(from);
    v128.store(to, piece);
    const found = special(piece);
    if (found === 0) {
      from += 16;
      to += 16;
      continue;
    }
    const plain = <usize>ctz(found);
    from += plain;
    to += plain;
    const c = load<u8>(from);
    if (c === TAB || c === LF) break;
    if (c === QUOTE) {
      store<u8>(to, BACKSLASH);
      to++;
    } else if (c !== EQUALS || load<u8>(from + 1) === QUESTION) return false;
    store<u8>(to, c);
    from++;
    to++;
  }
  at = from;
  out = to;
  return true;
}

/** A bit for each octet that ends a text, is escaped, may begin an encoded word, or is not plain ASCII. */
function special(piece: v128): i32 {
  const low = i8x16.lt_u(piece, i8x16.splat(BLANK));
  const high = i8x16.gt_u(piece, i8x16.splat(126));
  const quote = i8x16.eq(piece, i8x16.splat(QUOTE));
  const slash = i8x16.eq(piece, i8x16.splat(BACKSLASH));
  const equals = i8x16.eq(piece, i8x16.splat(EQUALS));
  return i8x16.bitmask(v128.or(v128.or(v128.or(low, high), v128.or(quote, slash)), equals));
}

/** A number without the zeros before it. @returns False where there is none, or more digits than are surely exact. */
function digits(): bool {
  let from = at;
  while (load<u8>(from) === ZERO) from++;
  const first = from;
  while (isDigit(load<u8>(from))) {
    store<u8>(out, load<u8>(from));
    from++;
    out++;
  }
  if (from === at || from - first > 15) return false;
  if (from === first) {
    store<u8>(out, ZERO);
    out++;
  }
  at = from;
  return true;
}

function isDigit(c: u8): bool {
  return c - ZERO <= 9;
}

/** A count that may be missing, or no number: then it is left out. */
function count(key: i32): bool {
  let end = at;
  while (isDigit(load<u8>(end))) end++;
  const c = load<u8>(end);
  if (end > at && (c === TAB || c === LF)) {
    put(key);
    return digits();
  }
  const kept = out;
  if (!rest()) return false;
  out = kept;
  return true;
}

/** The message-ids among the references: `<`, at least one octet that is no bracket and no blank, `>`. */
function references(): bool {
  const from = out;
  if (!rest()) return false;
  // What was copied is what is read now: quotes are escaped in it. It is moved up, for each id gets two quotes and a comma.
  const length = out - from;
  const moved = from + length + 64;
  memory.copy(moved, from, length);
  out = from;
  const end = moved + length;
  let here = moved;
  while (here < end) {
    const start = here++;
    if (load<u8>(start) !== LESS) continue;
    let c: u8 = 0;
    while (here < end && (c = load<u8>(here)) !== LESS && c !== GREATER && c !== BLANK) here++;
    if (here === end || c !== GREATER || here === start + 1) continue;
    here++;
    if (out > from) {
      store<u8>(out, COMMA);
      out++;
    }
    store<u8>(out, QUOTE);
    const size = here - start;
    memory.copy(out + 1, start, size);
    store<u8>(out + 1 + size, QUOTE);
    out += size + 2;
  }
  store<u8>(out, 93);
  out++;
  return true;
}

/** Nothing, or the Xref with its name and nothing behind it. */
function xref(): bool {
  if (load<u8>(at) === LF) return true;
  // "Xref" and ": ".
  if (load<u32>(at) !== 0x66657258 || load<u16>(at + 4) !== 0x203a) return false;
  at += 6;
  if (!text(XREF)) return false;
  store<u8>(out, QUOTE);
  out++;
  return true;
}

/** `Tue, 3 Feb 2026 10:11:12 +0100` as `"2026-02-03T09:11:12.000Z"`; `at` stays. @returns False for every other form. */
function date(): bool {
  let here = at;
  if (load<u8>(here + 3) === COMMA && load<u8>(here + 4) === BLANK) here += 5;
  const isShort = load<u8>(here + 1) === BLANK;
  let day = isShort ? digit(here) : two(here);
  here += isShort ? 1 : 2;
  if (load<u8>(here) !== BLANK || load<u8>(here + 4) !== BLANK || load<u8>(here + 9) !== BLANK) return false;
  if (load<u8>(here + 12) !== COLON || load<u8>(here + 15) !== COLON || load<u8>(here + 18) !== BLANK) return false;
  const century = two(here + 5);
  const ofCentury = two(here + 7);
  let year = century * 100 + ofCentury;
  let month = monthOf(load<u32>(here + 1) & 0xffffff);
  const hour = two(here + 10);
  const minute = two(here + 13);
  const second = two(here + 16);
  if (century < 0 || ofCentury < 0 || year < 1901 || year > 9998 || month === 0) return false;
  if (day < 1 || day > daysOf(year, month)) return false;
  if (<u32>hour > 23 || <u32>minute > 59 || <u32>second > 59) return false;
  const zone = zoneAt(here + 19);
  if (zone === NO_ZONE) return false;
  let minutes = hour * 60 + minute - zone;
  for (; minutes < 0; minutes += 1440) {
    if (--day === 0) {
      if (--month === 0) {
        month = 12;
        year--;
      }
      day = daysOf(year, month);
    }
  }
  for (; minutes >= 1440; minutes -= 1440) {
    if (++day > daysOf(year, month)) {
      day = 1;
      if (++month > 12) {
        month = 1;
        year++;
      }
    }
  }
  putDate(year, month, day, minutes, second);
  return true;
}

function putDate(year: i32, month: i32, day: i32, minutes: i32, second: i32): void {
  store<u8>(out, QUOTE);
  putTwo(out + 1, year / 100);
  putTwo(out + 3, year % 100);
  store<u8>(out + 5, MINUS);
  putTwo(out + 6, month);
  store<u8>(out + 8, MINUS);
  putTwo(out + 9, day);
  store<u8>(out + 11, T);
  putTwo(out + 12, minutes / 60);
  store<u8>(out + 14, COLON);
  putTwo(out + 15, minutes % 60);
  store<u8>(out + 17, COLON);
  putTwo(out + 18, second);
  // ".000"
  store<u32>(out + 20, 0x3030302e);
  store<u8>(out + 24, Z);
  store<u8>(out + 25, QUOTE);
  out += 26;
}

function putTwo(to: usize, value: i32): void {
  store<u8>(to, ZERO + <u8>(value / 10));
  store<u8>(to + 1, ZERO + <u8>(value % 10));
}

/** Below zero where there is no digit. */
function digit(from: usize): i32 {
  const value = <i32>load<u8>(from) - <i32>ZERO;
  return <u32>value <= 9 ? value : -1000;
}

/** Below zero where there are no two digits. */
function two(from: usize): i32 {
  return digit(from) * 10 + digit(from + 1);
}

const NO_ZONE = 0x7fffffff;

/** Minutes east of UTC of `+0100` or `GMT`, at the end or before a comment. */
function zoneAt(from: usize): i32 {
  const sign = load<u8>(from);
  if (sign === PLUS || sign === MINUS) {
    const hours = two(from + 1);
    const minutes = two(from + 3);
    if (hours < 0 || minutes < 0 || minutes > 59 || !endsAt(from + 5)) return NO_ZONE;
    const offset = hours * 60 + minutes;
    return sign === PLUS ? offset : -offset;
  }
  // "GMT"
  return (load<u32>(from) & 0xffffff) === 0x544d47 && endsAt(from + 3) ? 0 : NO_ZONE;
}

/** True at the end of the field, and before one plain comment that ends there. */
function endsAt(from: usize): bool {
  if (isEnd(load<u8>(from))) return true;
  // " ("
  if (load<u16>(from) !== 0x2820) return false;
  let here = from + 2;
  while (!isEnd(load<u8>(here)) && load<u8>(here) !== 41) here++;
  return load<u8>(here) === 41 && isEnd(load<u8>(here + 1));
}

function isEnd(c: u8): bool {
  return c === TAB || c === LF;
}

/** 1 to 12 for three letters in any case, the first in the lowest octet; 0 for all else. */
function monthOf(letters: u32): i32 {
  switch (letters | 0x202020) {
    case 0x6e616a:
      return 1;
    case 0x626566:
      return 2;
    case 0x72616d:
      return 3;
    case 0x727061:
      return 4;
    case 0x79616d:
      return 5;
    case 0x6e756a:
      return 6;
    case 0x6c756a:
      return 7;
    case 0x677561:
      return 8;
    case 0x706573:
      return 9;
    case 0x74636f:
      return 10;
    case 0x766f6e:
      return 11;
    case 0x636564:
      return 12;
    default:
      return 0;
  }
}

function daysOf(year: i32, month: i32): i32 {
  if (month === 2) return (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
