/** File names are bytes: the text form of wire/text.ts, a form to show, and a check before local use. Pure. */
import { UsageError } from "../client/errors.js";
import { BYTE_ESCAPE, LONE_SURROGATE, type TextDecoder } from "../wire/text.js";

export { decoderFor, decodeText as decodeName, encodeText as encodeName } from "../wire/text.js";

/** Reads the bytes from `start` (included) to `end` (excluded) as a name. */
export type NameDecoder = TextDecoder;

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
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - BYTE_ESCAPE, 2)}`;
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

/** A path as the argument of a command: as it is, unless it is empty, which many commands would take for another one. */
export function pathArgument(path: string): string {
  if (path === "") throw new UsageError("a path must not be empty", { protocol: "ftp" });
  return path;
}
