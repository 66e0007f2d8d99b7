/** File names are bytes: a text form that loses none of them, a form to show, and a check before local use. Pure. */
import { isAscii, isUtf8 } from "node:buffer";
import { UsageError } from "../client/errors.js";

/** A byte that is not part of valid UTF-8 becomes this plus the byte: U+DC80 to U+DCFF (PEP 383). */
const ESCAPE = 0xdc00;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Reads the bytes from `start` (included) to `end` (excluded) as a name. */
export type NameDecoder = (bytes: Buffer, start: number, end: number) => string;

const fromAscii: NameDecoder = (bytes, start, end) => bytes.toString("latin1", start, end);
const fromUtf8: NameDecoder = (bytes, start, end) => bytes.toString("utf8", start, end);

/**
 * The text of a name as the server sent it. UTF-8 is decoded; every byte that is not valid UTF-8 becomes one lone
 * surrogate, U+DC80 to U+DCFF, so that `encodeName` gives back the same bytes whatever they were.
 *
 * @param bytes The buffer that holds the name.
 * @param start Offset of its first byte. Default: 0.
 * @param end Offset after its last byte. Default: the length of the buffer.
 */
export function decodeName(bytes: Buffer, start = 0, end = bytes.length): string {
  return decoderFor(bytes.subarray(start, end))(bytes, start, end);
}

/**
 * The fastest decoder that is right for any stretch of these bytes that begins and ends between characters: a whole
 * chunk of rows is checked once, instead of every name in it.
 */
export function decoderFor(bytes: Uint8Array): NameDecoder {
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
    text += bytes.toString("utf8", valid, at) + String.fromCharCode(ESCAPE + bytes[at]!);
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
 * The bytes of a name: the inverse of {@link decodeName}. Never throws: a lone surrogate that stands for no byte
 * becomes the bytes of U+FFFD.
 */
export function encodeName(name: string): Buffer {
  if (!LONE_SURROGATE.test(name)) return Buffer.from(name, "utf8");
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < name.length; ) {
    const code = name.codePointAt(at)!;
    if (code >= 0xdc80 && code <= 0xdcff) {
      parts.push(Buffer.from(name.slice(from, at), "utf8"), Buffer.of(code - ESCAPE));
      from = at + 1;
    }
    at += code > 0xffff ? 2 : 1;
  }
  parts.push(Buffer.from(name.slice(from), "utf8"));
  return Buffer.concat(parts);
}

/** A short text that rarely changes from row to row, such as an owner: the same bytes give the same string again. */
export class RepeatedText {
  private bytes = new Uint8Array(0);
  private text = "";

  read(bytes: Buffer, start: number, end: number, decode: NameDecoder): string {
    const known = this.bytes;
    let same = known.length === end - start;
    for (let i = 0; same && i < known.length; i++) same = known[i] === bytes[start + i];
    if (same) return this.text;
    this.bytes = Uint8Array.prototype.slice.call(bytes, start, end);
    this.text = decode(bytes, start, end);
    return this.text;
  }
}

/** Control characters, line separators, what turns the direction of writing, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

/**
 * A name fit for a terminal or a log: control characters and bytes that are not UTF-8 are shown as `\n`, `\x07`,
 * `\xff` or `\u202e`. For the eye only: a backslash stays as it is, so the form cannot be turned back into the name.
 */
export function displayName(name: string): string {
  return name.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - ESCAPE, 2)}`;
    return SHORT_ESCAPES[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}

const WINDOWS_FORBIDDEN = /[\x00-\x1f<>:"/\\|?*]|[. ]$/;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;

/**
 * Whether a server's name may be used as the name of a local file: one plain base name that cannot lead out of a
 * directory. False for "", ".", "..", anything with "/", NUL, CR or LF; on Windows also for `\`, `:` and the other
 * forbidden characters, device names such as `con.txt`, and a dot or blank at the end.
 *
 * A name that is not UTF-8 may be plain; give `encodeName(name)` to node:fs then, which would spoil the string.
 *
 * @param platform As `process.platform`, which is the default.
 */
export function isPlainName(name: string, platform: string = process.platform): boolean {
  if (name === "" || name === "." || name === ".." || /[/\0\r\n]/.test(name)) return false;
  if (platform !== "win32") return true;
  return !WINDOWS_FORBIDDEN.test(name) && !WINDOWS_DEVICE.test(name) && !LONE_SURROGATE.test(name);
}

/** A path as the argument of a command: on the control connection 0xFF is Telnet's IAC, and doubled (RFC 959 §4.1.3). */
export function pathArgument(path: string): string {
  if (path === "") throw new UsageError("a path must not be empty", { protocol: "ftp" });
  return path.replaceAll("\udcff", "\udcff\udcff");
}
