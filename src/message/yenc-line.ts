/** The control lines of yEnc (draft 1.3): `=ybegin`, `=ypart`, `=yend`. Bytes of a line → values. Never throws. Pure. */
import { decodeBytes } from "./charset.js";

/** A control line: its keyword, its values by name in lower case, and the name of a file, which comes last. */
export interface YencLine {
  readonly keyword: string;
  readonly values: ReadonlyMap<string, string>;
  readonly name: string;
}

/** Reads a line that begins with `=y`, without its line end. */
export function parseYencLine(line: Buffer): YencLine {
  const text = line.toString("latin1");
  const keyword = /^=y[a-z0-9]*/i.exec(text)?.[0].toLowerCase() ?? "";
  // The name is everything behind `name=`: it may hold blanks and `=`.
  const named = keyword === "=ybegin" ? / name=/i.exec(text) : null;
  const values = new Map<string, string>();
  for (const word of text.slice(keyword.length, named?.index).split(/\s+/)) {
    const equals = word.indexOf("=");
    if (equals > 0) values.set(word.slice(0, equals).toLowerCase(), word.slice(equals + 1));
  }
  return { keyword, values, name: named === null ? "" : readName(line.subarray(named.index + " name=".length)) };
}

/** Blanks around a name are not part of it, nor are the quotes that some programs put there. */
function readName(bytes: Buffer): string {
  const name = decodeBytes(bytes).trim();
  return /^".+"$/s.test(name) ? name.slice(1, -1) : name;
}

/** A whole number from 0 to 2^53-1; undefined for anything else. */
export function readNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A CRC-32 in hexadecimal. Some programs drop zeros in front, or widen it to 64 bits with its sign: the last 8 digits count. */
export function readCrc(text: string | undefined): number | undefined {
  const digits = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits.slice(-8), 16);
}
