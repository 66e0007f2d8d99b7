/** IMAP as the server writes it (RFC 9051 4 and 9): strings, lists, refusals. Text is octets (latin1) throughout. Pure. */

/** A piece of a response: text (octets), or bytes as they are. */
export type Piece = string | Buffer;

/** Thrown by a command that is refused: NO, or BAD where the client broke the rules. */
export class Refused extends Error {
  readonly kind: "NO" | "BAD";
  /** A response code without its brackets: `"TRYCREATE"`. */
  readonly code: string | undefined;

  constructor(kind: "NO" | "BAD", text: string, code?: string) {
    super(text);
    this.name = "Refused";
    this.kind = kind;
    this.code = code;
  }
}

/** Says no: the command was right, and cannot be done. */
export function no(text: string, code?: string): never {
  throw new Refused("NO", text, code);
}

/** Says that the client is wrong. */
export function bad(text: string, code?: string): never {
  throw new Refused("BAD", text, code);
}

/** Text as UTF-8 octets. */
export function octets(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** UTF-8 octets as text. */
export function textOf(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

const QUOTABLE = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;
const QUOTABLE_UTF8 = /^[\x01-\x09\x0b\x0c\x0e-\xff]*$/;
const ATOM = /^[^\x00-\x20(){%*"\\\]\x7f-\xff]+$/;

/** A quoted string where it can be one, else a literal. `utf8`: 8-bit octets may be quoted, where they are UTF-8. */
export function string(value: string, utf8 = false): string {
  const quotable = QUOTABLE.test(value) || (utf8 && QUOTABLE_UTF8.test(value) && octets(textOf(value)) === value);
  return quotable ? `"${value.replace(/["\\]/g, "\\$&")}"` : literal(value);
}

/** A literal. */
export function literal(value: string): string {
  return `{${value.length}}\r\n${value}`;
}

/** A string, or NIL. */
export function nstring(value: string | undefined, utf8 = false): string {
  return value === undefined ? "NIL" : string(value, utf8);
}

/** An atom where it can be one, else a string. */
export function astring(value: string, utf8 = false): string {
  return ATOM.test(value) && value.toUpperCase() !== "NIL" ? value : string(value, utf8);
}

/** `(a b c)`. */
export function list(items: Iterable<string>): string {
  return `(${[...items].join(" ")})`;
}
