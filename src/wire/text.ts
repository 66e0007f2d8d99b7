/**
 * Text as it travels: bytes that are UTF-8 become that text, every other byte a lone surrogate U+DC80 to U+DCFF (the
 * scheme of PEP 383), so that any bytes survive the way in and out again. No I/O.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { UsageError } from "../client/errors.js";

/** A byte that is not part of valid UTF-8 becomes this plus the byte: U+DC80 to U+DCFF (PEP 383). */
export const BYTE_ESCAPE = 0xdc00;
export const LONE_SURROGATE = /\p{Surrogate}/u;
/** A lone surrogate that stands for no byte. */
const HALF_PAIR = /[\ud800-\udc7f\udd00-\udfff]/u;

/** Reads the bytes from `start` (included) to `end` (excluded) as text. */
export type TextDecoder = (bytes: Buffer, start: number, end: number) => string;

const fromAscii: TextDecoder = (bytes, start, end) => bytes.toString("latin1", start, end);
const fromUtf8: TextDecoder = (bytes, start, end) => bytes.toString("utf8", start, end);

/**
 * The text of bytes as the server sent them. UTF-8 is decoded; every byte that is not valid UTF-8 becomes one lone
 * surrogate, U+DC80 to U+DCFF, so that `encodeText` gives back the same bytes whatever they were.
 *
 * @param bytes The buffer that holds them.
 * @param start Offset of its first byte. Default: 0.
 * @param end Offset after its last byte. Default: the length of the buffer.
 */
export function decodeText(bytes: Buffer, start = 0, end = bytes.length): string {
  const whole = start === 0 && end === bytes.length;
  return decoderFor(whole ? bytes : bytes.subarray(start, end))(bytes, start, end);
}

/**
 * The fastest decoder that is right for any stretch of these bytes that begins and ends between characters: a whole
 * chunk of rows is checked once, instead of every name in it.
 */
export function decoderFor(bytes: Uint8Array): TextDecoder {
  if (isAscii(bytes)) return fromAscii;
  return isUtf8(bytes) ? fromUtf8 : fromAnything;
}

function fromAnything(bytes: Buffer, start: number, end: number): string {
  const whole = bytes.subarray(start, end);
  if (isUtf8(whole)) return whole.toString("utf8");
  let text = "";
  let valid = start;
  for (let at = start; at < end; ) {
    const length = characterLength(bytes, at, end);
    if (length > 0) {
      at += length;
      continue;
    }
    text += bytes.toString("utf8", valid, at) + String.fromCharCode(BYTE_ESCAPE + bytes[at]!);
    valid = ++at;
  }
  return text + bytes.toString("utf8", valid, end);
}

/** How many bytes the UTF-8 character at `at` takes; 0 when there is none (RFC 3629 section 4). */
function characterLength(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  return length > 0 && at + length <= end && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/**
 * The bytes of a text: the inverse of {@link decodeText}. Never throws: a lone surrogate that stands for no byte
 * becomes the bytes of U+FFFD.
 */
export function encodeText(text: string): Buffer {
  if (!LONE_SURROGATE.test(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at)!;
    if (code >= 0xdc80 && code <= 0xdcff) {
      parts.push(Buffer.from(text.slice(from, at), "utf8"), Buffer.of(code - BYTE_ESCAPE));
      from = at + 1;
    }
    at += code > 0xffff ? 2 : 1;
  }
  parts.push(Buffer.from(text.slice(from), "utf8"));
  return Buffer.concat(parts);
}

/**
 * A command as it is sent: a string with one character per byte, CR LF at its end. The one place that refuses what
 * would end the line early. Throws UsageError for CR, LF and NUL, for text that is not well formed, and for a line
 * longer than `limit` bytes.
 */
export function encodeLine(line: string, shown = line, limit = 64 * 1024): string {
  let plain = true;
  for (let i = 0; i < line.length; i++) {
    const c = line.charCodeAt(i);
    if (c === 13 || c === 10 || c === 0) {
      const name = c === 13 ? "CR" : c === 10 ? "LF" : "NUL";
      throw new UsageError(`a command must not hold ${name}: ${JSON.stringify(shown)}`, {
        advice: "a name or value with a line break cannot be sent",
      });
    }
    if (c > 126) plain = false;
  }
  if (!plain && HALF_PAIR.test(line)) {
    throw new UsageError(`a command must not hold half a surrogate pair: ${JSON.stringify(shown)}`);
  }
  const bytes = plain ? line : encodeText(line).toString("latin1");
  if (bytes.length > limit) throw new UsageError(`a command of ${bytes.length} bytes: at most ${limit} can be sent`);
  return `${bytes}\r\n`;
}

/** Control characters, line separators, what turns the direction of writing, and bytes that are no UTF-8. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** A server's words fit for a terminal: `\x1b` where they have what only a terminal reads. */
export function readable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    // A byte that is no UTF-8 is U+DC80 to U+DCFF here.
    const byte = code >= 0xdc80 && code <= 0xdcff ? code - BYTE_ESCAPE : code;
    return byte < 0x100 ? `\\x${byte.toString(16).padStart(2, "0")}` : `\\u${byte.toString(16).padStart(4, "0")}`;
  });
}
