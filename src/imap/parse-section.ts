/** Sections of a message as FETCH names them (RFC 9051 §6.4.5): `[1.2.HEADER.FIELDS (Subject From)]<0>`. No I/O. */
import type { Cursor } from "./cursor.js";

const BLANK = 0x20;
const QUOTE = 0x22;
const LEFT_ANGLE = 0x3c;
const LEFT_BRACKET = 0x5b;
const RIGHT_BRACKET = 0x5d;
const LEFT_BRACE = 0x7b;

/**
 * Reads a section with its brackets, right behind the item's name; gives what stands between them in upper case, the
 * names of header fields without quotes. Throws ProtocolError.
 */
export function readSection(cursor: Cursor): string {
  const { text, at } = cursor;
  if (text.charCodeAt(at) !== LEFT_BRACKET) throw cursor.broken("a section is missing");
  const end = text.indexOf("]", at);
  if (end === at + 1) {
    cursor.at = end + 1;
    return "";
  }
  const inside = end === -1 ? "" : text.slice(at + 1, end);
  if (inside === "" || inside.includes('"') || inside.includes("{")) return readHard(cursor);
  cursor.at = end + 1;
  return inside.toUpperCase();
}

/** A section with quoted names of fields, or with literals. */
function readHard(cursor: Cursor): string {
  const { text } = cursor;
  let section = "";
  cursor.at++;
  while (text.charCodeAt(cursor.at) !== RIGHT_BRACKET) {
    const c = text.charCodeAt(cursor.at);
    if (c === QUOTE || c === LEFT_BRACE) section += cursor.astring();
    else if (c >= BLANK) section += text[cursor.at++];
    else throw cursor.broken("a section has no end");
    if (cursor.at >= text.length) throw cursor.broken("a section has no end");
  }
  cursor.at++;
  return section.toUpperCase();
}

/** `<100>` behind a section: where in it the bytes begin. "" where it does not stand there. */
export function readOrigin(cursor: Cursor): string {
  const { text, at } = cursor;
  if (text.charCodeAt(at) !== LEFT_ANGLE) return "";
  const end = text.indexOf(">", at) + 1;
  const origin = text.slice(at, end);
  if (!/^<\d+>$/.test(origin)) throw cursor.broken("an offset is missing");
  cursor.at = end;
  return origin;
}
