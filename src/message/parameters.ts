/** Fields with parameters, Content-Type and Content-Disposition: taken apart, RFC 2231 put together, words decoded. Pure. */
import { decodeBare, decodeBytes } from "./charset.js";
import { decodeWords } from "./words.js";

/** A field as `Content-Type: text/plain; charset=utf-8` has it. */
export interface ParameterField {
  /** What stands before the parameters, in lower case: `text/plain`. */
  readonly value: string;
  /** Parameters by their names in lower case, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** One parameter in pieces: `title*0*=us-ascii'en'This%20; title*1=is`. */
interface Pieces {
  readonly pieces: Map<number, { readonly text: string; readonly encoded: boolean }>;
  plain: string | undefined;
}

/** `name`, `name*`, `name*0` and `name*0*` (RFC 2231 §3 and §4). */
const NAME = /^([^*]+)(?:\*(\d{1,4}))?(\*)?$/;
/** Parameters that are read; behind them stands nothing that a person wrote. */
const MOST = 1_000;

/**
 * Takes a field with parameters apart (RFC 2045 section 5.1): quoted or not, also with blanks where quotes are missing;
 * comments go; parameters in pieces and in other charsets (RFC 2231) are put together, and encoded words (RFC 2047), which
 * are forbidden here and common, are decoded. Never throws.
 *
 * @param raw The field's value with one character per byte (latin1), as {@link Headers.raw} has it.
 *
 * @example
 * parseParameters("attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt").parameters.get("filename"); // "Grüße.txt"
 */
export function parseParameters(raw: string): ParameterField {
  const [value = "", ...rest] = segments(raw);
  const pairs = rest.slice(0, MOST).flatMap((segment): [string, string][] => {
    const at = segment.indexOf("=");
    const name = segment.slice(0, at).trim();
    return at < 0 || name === "" ? [] : [[name, segment.slice(at + 1).trim()]];
  });
  return { value: value.trim().toLowerCase(), parameters: decodeParameters(pairs) };
}

/** What stands between the semicolons, without quotes and comments. */
function segments(raw: string): string[] {
  const all: string[] = [];
  let segment = "";
  for (let at = 0; at < raw.length; ) {
    const c = raw[at];
    if (c === ";") all.push(segment);
    if (c === '"' || (c === "(" && !IS_NAME.test(segment))) {
      const end = c === '"' ? endOfQuoted(raw, at) : endOfComment(raw, at);
      if (c === '"') segment += raw.slice(at + 1, end).replace(/\\(.)/gs, "$1");
      at = end + 1;
    } else {
      segment = c === ";" ? "" : segment + c;
      at++;
    }
  }
  return [...all, segment];
}

/** Names of files are written without quotes, too, as `a (1).txt`: that is no comment. */
const IS_NAME = /^\s*(?:file)?name[^=]*=/i;

/** Where the closing quote is; the end of the text where there is none. */
function endOfQuoted(raw: string, from: number): number {
  let at = from + 1;
  while (at < raw.length && raw[at] !== '"') at += raw[at] === "\\" ? 2 : 1;
  return at;
}

/** Where a comment closes; they nest (RFC 5322 section 3.2.2). */
function endOfComment(raw: string, from: number): number {
  let depth = 0;
  for (let at = from; at < raw.length; at++) {
    if (raw[at] === "\\") at++;
    else if (raw[at] === "(") depth++;
    else if (raw[at] === ")" && --depth === 0) return at;
  }
  return raw.length;
}

/**
 * Parameters by their names in lower case. Of two with one name the first counts; what RFC 2231 says goes before a plain
 * one. Encoded words (RFC 2047), which are forbidden here and common, are decoded.
 *
 * @param pairs Names and values with one character per byte (latin1).
 */
export function decodeParameters(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  return pairs.every(isPlain) ? plainOnes(pairs) : decodeAll(pairs);
}

/** Nearly all: a word of ASCII without a star. */
function isPlain([name]: readonly [string, string]): boolean {
  return /^[!-)+-~]+$/.test(name);
}

function plainOnes(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  const all = new Map<string, string>();
  for (const [rawName, value] of pairs) {
    const name = rawName.toLowerCase();
    if (!all.has(name)) all.set(name, decodeWords(value));
  }
  return all;
}

function decodeAll(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  const all = new Map<string, Pieces>();
  for (const [rawName, value] of pairs) {
    const m = NAME.exec(rawName.trim());
    const name = decodeBare(m?.[1] ?? rawName).toLowerCase();
    let found = all.get(name);
    if (found === undefined) all.set(name, (found = { pieces: new Map(), plain: undefined }));
    const encoded = m?.[3] !== undefined;
    if (m === null || (m[2] === undefined && !encoded)) found.plain ??= value;
    else if (!found.pieces.has(Number(m[2] ?? 0))) found.pieces.set(Number(m[2] ?? 0), { text: value, encoded });
  }
  return new Map([...all].map(([name, pieces]) => [name, decoded(pieces)]));
}

function decoded({ pieces, plain }: Pieces): string {
  const first = pieces.get(0);
  if (first === undefined) return decodeWords(plain ?? [...pieces.values()].map(({ text }) => text).join(""));
  const [, charset = "utf-8", head = first.text] =
    (first.encoded ? /^([^']*)'[^']*'(.*)$/s.exec(first.text) : undefined) ?? [];
  const bytes: Buffer[] = [];
  for (let i = 0; pieces.has(i); i++) {
    const { text, encoded } = pieces.get(i)!;
    const raw = i === 0 ? head : text;
    bytes.push(Buffer.from(encoded ? unescaped(raw) : raw, "latin1"));
  }
  return decodeBytes(Buffer.concat(bytes), charset || "utf-8");
}

/** `%C3%A4` as two characters, one per byte; a `%` without two digits stays. */
function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
