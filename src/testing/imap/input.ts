/** A command as the client sent it, and the grammar's words in it (RFC 9051 9). Strict: one blank is one blank. Pure. */
import { bad } from "./reply.js";

/** A literal of a command. */
export interface Literal {
  readonly bytes: Buffer;
  /** It was announced as literal8, `~{n}`. */
  readonly binary: boolean;
}

const ATOM = /[^\x00-\x20(){%*"\\\]\x7f-\xff]+/y;
const ASTRING = /[^\x00-\x20(){%*"\\\x7f-\xff]+/y;
const LIST_MAILBOX = /[^\x00-\x20(){"\\\x7f-\xff]+/y;
const QUOTED = /"((?:[^"\\\r\n\0]|\\["\\])*)"/y;
const ANNOUNCED = /(~?)\{\d+\+?\}$/y;
const NUMBER = /\d+/y;

export class Input {
  /** 8-bit octets may be quoted: UTF8=ACCEPT or IMAP4rev2 is on. */
  readonly utf8: boolean;
  readonly #lines: readonly string[];
  readonly #literals: readonly Buffer[];
  #line = 0;
  #at = 0;

  /** The lines of a command (octets), each but the last ending with the announcement of the literal behind it. */
  constructor(lines: readonly string[], literals: readonly Buffer[], utf8 = false) {
    this.#lines = lines;
    this.#literals = literals;
    this.utf8 = utf8;
  }

  /** Whether everything was read. */
  get ended(): boolean {
    return this.#at === this.#text.length && this.#line === this.#lines.length - 1;
  }

  /** Refuses a command that goes on. */
  finish(): void {
    if (!this.ended) bad(`Nothing was due here: ${this.#here()}`);
  }

  /** What a regular expression (sticky) finds here, taken. */
  take(what: RegExp): RegExpExecArray | undefined {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text) ?? undefined;
    if (found) this.#at += found[0].length;
    return found;
  }

  /** Takes this text, if it is here. Case does not matter. */
  skip(text: string): boolean {
    const here = this.#text.slice(this.#at, this.#at + text.length);
    if (here.toUpperCase() !== text.toUpperCase()) return false;
    this.#at += text.length;
    return true;
  }

  /** Whether this text is here. It is not taken. */
  sees(text: string): boolean {
    return this.#text.slice(this.#at, this.#at + text.length).toUpperCase() === text.toUpperCase();
  }

  /** This text must be here. */
  expect(text: string): void {
    if (!this.skip(text)) bad(`${text === " " ? "A blank" : text} was due here: ${this.#here()}`);
  }

  /** One blank must be here. */
  blank(): this {
    this.expect(" ");
    return this;
  }

  /** An atom, in upper case. */
  word(): string {
    return this.#due(ATOM, "An atom").toUpperCase();
  }

  /** An atom, as it is. */
  atom(): string {
    return this.#due(ATOM, "An atom");
  }

  /** A flag, with its backslash if it has one. */
  flag(): string {
    return (this.skip("\\") ? "\\" : "") + this.atom();
  }

  number(): number {
    const digits = this.#due(NUMBER, "A number");
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) bad(`Too large a number: ${digits}`);
    return value;
  }

  /** A literal, if one is here. */
  literal(): Literal | undefined {
    const announced = this.take(ANNOUNCED);
    const bytes = announced && this.#literals[this.#line];
    if (!bytes) return undefined;
    this.#line += 1;
    this.#at = 0;
    return { bytes, binary: announced[1] === "~" };
  }

  /** A quoted string or a literal (octets), if one is here. */
  optionalString(): string | undefined {
    const quoted = this.take(QUOTED);
    if (!quoted) {
      const literal = this.literal();
      if (literal?.binary) bad("A literal8 has no place here");
      return literal?.bytes.toString("latin1");
    }
    const text = quoted[1] as string;
    if (!this.utf8 && /[\x80-\xff]/.test(text)) bad("8-bit octets in a quoted string, without UTF8=ACCEPT");
    return text.replace(/\\(.)/g, "$1");
  }

  string(): string {
    return this.optionalString() ?? bad(`A string was due here: ${this.#here()}`);
  }

  /** An atom (with `]` in it, perhaps) or a string. */
  astring(): string {
    return this.optionalString() ?? this.#due(ASTRING, "An atom or a string");
  }

  /** A mailbox's name, with wildcards perhaps. */
  pattern(): string {
    return this.optionalString() ?? this.#due(LIST_MAILBOX, "A pattern");
  }

  /** A string or NIL. */
  nstring(): string | undefined {
    return this.skip("NIL") ? undefined : this.string();
  }

  /** `(a b c)`, with as many as `fewest` in it. */
  list<T>(item: () => T, fewest = 0): T[] {
    this.expect("(");
    const items: T[] = [];
    while (!this.skip(")")) {
      if (items.length > 0) this.blank();
      items.push(item());
    }
    if (items.length < fewest) bad("An empty list");
    return items;
  }

  get #text(): string {
    return this.#lines[this.#line] ?? "";
  }

  #due(what: RegExp, name: string): string {
    return this.take(what)?.[0] ?? bad(`${name} was due here: ${this.#here()}`);
  }

  #here(): string {
    return this.#text.slice(this.#at, this.#at + 40) || "the end";
  }
}
