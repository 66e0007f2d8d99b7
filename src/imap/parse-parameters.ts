/** Parameters of Content-Type and Content-Disposition as servers list them: RFC 2231 put together, words decoded. Pure. */
import { decodeBare, decodeBytes } from "../message/charset.js";
import { decodeWords } from "../message/words.js";

/** One parameter in pieces: `title*0*=us-ascii'en'This%20; title*1=is`. */
interface Pieces {
  readonly pieces: Map<number, { readonly text: string; readonly encoded: boolean }>;
  plain: string | undefined;
}

/** `name`, `name*`, `name*0` and `name*0*` (RFC 2231 §3 and §4). */
const NAME = /^([^*]+)(?:\*(\d{1,4}))?(\*)?$/;

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
