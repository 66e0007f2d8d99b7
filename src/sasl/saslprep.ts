/** User names and passwords in one form, however they were typed: SASLprep (RFC 4013), a profile of stringprep (RFC 3454). No I/O. */
import { UsageError } from "../client/errors.js";
import { encodeText, LONE_SURROGATE } from "../wire/text.js";

/** RFC 3454 table C.1.2: spaces that become the plain one. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** Table B.1: what is left out. (One alternative each: some of them join with what stands before them.) */
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Tables C.2 to C.9: control, private use, no characters, halves of pairs, what is unfit for plain text, tags. */
const PROHIBITED = new RegExp(
  [
    "[\\0-\\x1f\\x7f-\\x9f\\u06dd\\u070f\\u180e\\u2028\\u2029\\u2061-\\u2063\\u{1d173}-\\u{1d17a}]",
    "[\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}]",
    "\\p{Noncharacter_Code_Point}|\\p{Surrogate}|[\\ufff9-\\ufffd\\u2ff0-\\u2ffb]",
    "\\u0340|\\u0341|[\\u200e\\u200f\\u202a-\\u202e\\u206a-\\u206f\\u{e0001}\\u{e0020}-\\u{e007f}]",
  ].join("|"),
  "u",
);
/** Table D.1: what is written from right to left. */
const RIGHT_TO_LEFT = [
  "\\u05be\\u05c0\\u05c3\\u05d0-\\u05ea\\u05f0-\\u05f4\\u061b\\u061f\\u0621-\\u063a\\u0640-\\u064a\\u066d-\\u066f",
  "\\u0671-\\u06d5\\u06dd\\u06e5\\u06e6\\u06fa-\\u06fe\\u0700-\\u070d\\u0710\\u0712-\\u072c\\u0780-\\u07a5\\u07b1",
  "\\u200f\\ufb1d\\ufb1f-\\ufb28\\ufb2a-\\ufb36\\ufb38-\\ufb3c\\ufb3e\\ufb40\\ufb41\\ufb43\\ufb44\\ufb46-\\ufbb1",
  "\\ufbd3-\\ufd3d\\ufd50-\\ufd8f\\ufd92-\\ufdc7\\ufdf0-\\ufdfc\\ufe70-\\ufe74\\ufe76-\\ufefc",
].join("");
const HAS_RIGHT_TO_LEFT = new RegExp(`[${RIGHT_TO_LEFT}]`, "u");
const RIGHT_TO_LEFT_ENDS = new RegExp(`^[${RIGHT_TO_LEFT}](?:.*[${RIGHT_TO_LEFT}])?$`, "su");
/** Table D.2 as far as it matters here: letters, and what stands in their place, that go from left to right. */
const LEFT_TO_RIGHT = new RegExp(`(?![${RIGHT_TO_LEFT}])[\\p{L}\\p{Nl}\\p{Mc}]`, "u");

/**
 * The text in the form in which servers compare it (RFC 4013 §2). Characters that are younger than Unicode 3.2 stay as
 * they are: a password may well hold an emoji.
 *
 * @throws UsageError where the text holds what neither a name nor a password may hold, or mixes the directions of writing.
 *
 * @example
 * saslprep("I\u00adX"); // "IX": a soft hyphen is nothing
 */
export function saslprep(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const form = text.replace(SPACES, " ").replace(NOTHING, "").normalize("NFKC");
  if (PROHIBITED.test(form)) throw new UsageError("a name or password holds a character that SASLprep prohibits");
  if (HAS_RIGHT_TO_LEFT.test(form) && (LEFT_TO_RIGHT.test(form) || !RIGHT_TO_LEFT_ENDS.test(form))) {
    throw new UsageError("a name or password mixes the directions of writing in a way that SASLprep prohibits");
  }
  return form;
}

/**
 * The text as SCRAM uses it. What SASLprep prohibits is used as it is: no server that prepares passwords has such a one,
 * and one that does not takes it.
 */
export function prepare(text: string): Buffer {
  // A byte that is no UTF-8 (wire/text.ts).
  if (LONE_SURROGATE.test(text)) return encodeText(text);
  try {
    return Buffer.from(saslprep(text));
  } catch {
    return Buffer.from(text);
  }
}
