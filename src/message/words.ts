/** Header text: encoded words (RFC 2047), bare 8-bit bytes, and what newsreaders made of either. Never throws. Pure. */
import { decodeBare, decodeDeclared } from "./charset.js";

export { decodeBytes } from "./charset.js";

const NOT_ASCII = /[^\x00-\x7f]/;
const BLANK = /^[ \t\r\n]*$/;
/** A charset's name with the language that RFC 2231 section 5 allows behind it. */
const CHARSET = /^([\w.:+()-]{1,64})(?:\*[\w-]*)?$/;
/** Base64, with the blanks and the missing or doubled padding of the wild; some write the alphabet for URLs. */
const BASE64 = /^[A-Za-z0-9+/_=\s-]*$/;
const MARK = 0x3f;
const EQUALS = 0x3d;

/** An encoded word: `=?charset?encoding?payload?=` between `start` and `end`. */
interface EncodedWord {
  readonly start: number;
  readonly end: number;
  readonly charset: string;
  readonly bytes: Buffer;
}

/**
 * The text of a raw header value. Encoded words (RFC 2047) are decoded, also those in the middle of a word or between
 * quotes; white space between two of them goes, and a character split over two words of one charset is whole again.
 * Bare 8-bit bytes are UTF-8 where they are valid, else windows-1252. A charset that nobody knows is read like them. What
 * only resembles an encoded word, and every control character, stays.
 *
 * ASCII without `=?` is given back as it is, at once.
 *
 * @param raw The value with one character per byte (latin1).
 * @returns The text. Never throws.
 */
export function decodeWords(raw: string): string {
  if (raw.indexOf("=?") >= 0) return decodeEncoded(raw);
  return NOT_ASCII.test(raw) ? decodeBare(raw) : raw;
}

function decodeEncoded(raw: string): string {
  let text = "";
  let at = 0;
  /** Words of one charset that stand side by side: their bytes are decoded together. */
  let charset = "";
  let run: Buffer[] = [];
  for (let word = nextWord(raw, 0); word !== undefined; word = nextWord(raw, word.end)) {
    const between = raw.slice(at, word.start);
    const beside = run.length > 0 && BLANK.test(between);
    if (!beside || word.charset !== charset) {
      text += decodeRun(run, charset);
      run = [];
    }
    if (!beside) text += decodeStretch(between);
    charset = word.charset;
    run.push(word.bytes);
    at = word.end;
  }
  return text + decodeRun(run, charset) + decodeStretch(raw.slice(at));
}

function decodeStretch(raw: string): string {
  return NOT_ASCII.test(raw) ? decodeBare(raw) : raw;
}

function decodeRun(run: readonly Buffer[], charset: string): string {
  if (run.length === 0) return "";
  return decodeDeclared(run.length === 1 ? run[0]! : Buffer.concat(run), charset);
}

/** The first encoded word at or behind `from`; what only begins like one is passed over. */
function nextWord(raw: string, from: number): EncodedWord | undefined {
  for (let start = raw.indexOf("=?", from); start >= 0; start = raw.indexOf("=?", start + 2)) {
    const mark = raw.indexOf("?", start + 2);
    if (mark < 0) return undefined;
    const charset = startsPayload(raw, mark) ? CHARSET.exec(raw.slice(start + 2, mark))?.[1] : undefined;
    if (charset === undefined) continue;
    const stop = endOfPayload(raw, mark + 3);
    if (stop < 0) continue;
    const payload = raw.slice(mark + 3, stop);
    const bytes = (raw.charCodeAt(mark + 1) | 0x20) === 0x62 ? decodeB(payload) : decodeQ(payload);
    if (bytes !== undefined) return { start, end: stop + 2, charset: charset.toLowerCase(), bytes };
  }
  return undefined;
}

/** True for `?b?` and `?q?` in any case. */
function startsPayload(raw: string, mark: number): boolean {
  const encoding = raw.charCodeAt(mark + 1) | 0x20;
  return (encoding === 0x62 || encoding === 0x71) && raw.charCodeAt(mark + 2) === MARK;
}

/** Where the `?=` is; -1 where there is none before the next encoded word. Some do not encode a `?` in the payload. */
function endOfPayload(raw: string, from: number): number {
  for (let mark = raw.indexOf("?", from); mark >= 0; mark = raw.indexOf("?", mark + 1)) {
    if (raw.charCodeAt(mark + 1) === EQUALS) return mark;
    if (mark > from && raw.charCodeAt(mark - 1) === EQUALS && beginsWord(raw, mark + 1)) return -1;
  }
  return -1;
}

function beginsWord(raw: string, from: number): boolean {
  const mark = raw.indexOf("?", from);
  return mark >= 0 && startsPayload(raw, mark) && CHARSET.test(raw.slice(from, mark));
}

/** The bytes of the B encoding; undefined where it is none. Words glued together have padding in the middle. */
function decodeB(payload: string): Buffer | undefined {
  if (!BASE64.test(payload)) return undefined;
  const padding = payload.indexOf("=");
  if (padding < 0 || !/[^=\s]/.test(payload.slice(padding))) return Buffer.from(payload, "base64");
  return Buffer.concat(payload.split("=").map((part) => Buffer.from(part, "base64")));
}

/** The bytes of the Q encoding; an `=` without two digits stays. Undefined where a character is not a byte. */
function decodeQ(payload: string): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(payload.length);
  let length = 0;
  for (let at = 0; at < payload.length; at++) {
    let code = payload.charCodeAt(at);
    if (code > 0xff) return undefined;
    if (code === 0x5f) code = 0x20;
    else if (code === EQUALS) {
      const byte = hexByte(payload, at + 1);
      if (byte >= 0) {
        code = byte;
        at += 2;
      }
    }
    bytes[length++] = code;
  }
  return bytes.subarray(0, length);
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** -1 where it is none, which includes the NaN behind the end. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x57;
  return letter >= 10 && letter <= 15 ? letter : -1;
}
