/**
 * Text as it travels: bytes that are UTF-8 become that text, every other byte a lone surrogate U+DC80 to U+DCFF (the
 * scheme of PEP 383), so that any bytes survive the way in and out again. No I/O.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { UsageError } from "../client/errors.js";

/** Bytes → string, without loss: `encodeText(decodeText(b))` equals `b` for every `b`. */
export function decodeText(bytes: Buffer, start = 0, end = bytes.length): string {
  const part = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
  if (part.length < 64 ? shortAscii(part) : isAscii(part)) return part.toString("latin1");
  return isUtf8(part) ? part.toString("utf8") : decodeEscaped(part);
}

/** String → bytes: UTF-8, and for each lone surrogate U+DC80 to U+DCFF the byte it stands for. */
export function encodeText(text: string): Buffer {
  if (!/[\ud800-\udfff]/.test(text) || text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts = text.split(/((?:(?<![\ud800-\udbff])[\udc80-\udcff])+)/);
  return Buffer.concat(
    parts.map((part, i) => {
      if (i % 2 === 0) return Buffer.from(part, "utf8");
      return Buffer.from(Array.from({ length: part.length }, (_, k) => part.charCodeAt(k) - 0xdc00));
    }),
  );
}

/** Half a surrogate pair that stands for no byte: as UTF-8 it would become U+FFFD, and so another name. */
const HALF_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udc7f\udd00-\udfff]/;

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

function shortAscii(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 127) return false;
  return true;
}

/** The slow way: valid UTF-8 sequences decoded, every other byte escaped. */
function decodeEscaped(bytes: Buffer): string {
  let out = "";
  let i = 0;
  while (i < bytes.length) {
    const length = sequenceLength(bytes, i);
    out += length === 0 ? String.fromCharCode(0xdc00 + (bytes[i] as number)) : bytes.toString("utf8", i, i + length);
    i += length || 1;
  }
  return out;
}

/** The length of the valid UTF-8 sequence that begins at `i`, 0 where there is none. */
function sequenceLength(bytes: Buffer, i: number): number {
  const lead = bytes[i] as number;
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || i + length > bytes.length) return 0;
  return isUtf8(bytes.subarray(i, i + length)) ? length : 0;
}
