/**
 * What an IMAP response holds behind its first words, read piece by piece: atoms, strings, numbers, lists (RFC 9051 §9).
 * Strings come with one character per byte (latin1), as they were sent. No I/O.
 */
import { ProtocolError } from "../client/errors.js";

/** The bytes of a literal; a number, its size, where they were given to somebody else as they came. */
export type Literal = Buffer | number;
/** Anything: undefined is NIL, a string an atom or a string of either form. */
export type Value = string | undefined | readonly Value[];

const BLANK = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const LEFT_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const LEFT_BRACE = 0x7b;
const TILDE = 0x7e;
const ZERO = 0x30;

/** Lists within lists. A message forwarded fifty times, each time as an attachment, has a hundred. */
const DEEPEST = 200;
/** A literal's announcement: the end of a line goes with it, so that no atom looks like one. */
const LITERAL = /~?\{(\d+)[+-]?\}\r\n/y;

/** Reads one response from left to right. What cannot be read throws ProtocolError and leaves the position. */
export class Cursor {
  /** Where the next piece begins. */
  at: number;
  readonly text: string;
  readonly #literals: readonly Literal[];
  /** How many literals were read. */
  #used = 0;
  /** Where the next backslash is: strings before it need no care. */
  #escape = -1;

  /** `text` has each literal's announcement with its CR LF, and what follows the literal behind that. */
  constructor(text: string, literals: readonly Literal[] = [], at = 0) {
    this.text = text;
    this.#literals = literals;
    this.at = at;
  }

  /** True where nothing but blanks is left. */
  get done(): boolean {
    this.peek();
    return this.at >= this.text.length;
  }

  /** The code of the next character behind blanks; NaN at the end. */
  peek(): number {
    let c = this.text.charCodeAt(this.at);
    while (c === BLANK) c = this.text.charCodeAt(++this.at);
    return c;
  }

  /** Steps behind that character where it comes next. */
  take(code: number): boolean {
    if (this.peek() !== code) return false;
    this.at++;
    return true;
  }

  /** Begins a list: false for NIL, which is no list. */
  open(): boolean {
    if (this.take(OPEN)) return true;
    if (this.nil()) return false;
    throw this.broken("a list is missing");
  }

  /** Ends a list where it ends. Throws where the response does. */
  close(): boolean {
    if (this.take(CLOSE)) return true;
    if (this.at < this.text.length) return false;
    throw this.broken("a list has no end");
  }

  /** True where a list, or the response, ends next. */
  get atEnd(): boolean {
    return this.peek() === CLOSE || this.at >= this.text.length;
  }

  /** True where a list comes next. */
  get atList(): boolean {
    return this.peek() === OPEN;
  }

  /** True, and behind it, where NIL comes next. */
  nil(): boolean {
    const c = this.peek();
    if ((c | 0x20) !== 0x6e) return false;
    const { text, at } = this;
    if ((text.charCodeAt(at + 1) | 0x20) !== 0x69 || (text.charCodeAt(at + 2) | 0x20) !== 0x6c) return false;
    if (!endsAtom(text.charCodeAt(at + 3))) return false;
    this.at = at + 3;
    return true;
  }

  /** A word: up to a blank, a parenthesis or a quote. */
  atom(): string {
    this.peek();
    const { text, at } = this;
    let end = at;
    while (!endsAtom(text.charCodeAt(end))) end++;
    if (end === at) throw this.broken("a word is missing");
    this.at = end;
    return text.slice(at, end);
  }

  /** The name of an item of FETCH: up to a blank, a list or a section. */
  itemName(): string {
    this.peek();
    const { text, at } = this;
    let end = at;
    for (let c = text.charCodeAt(end); !endsAtom(c) && c !== LEFT_BRACKET; c = text.charCodeAt(++end));
    if (end === at) throw this.broken("a word is missing");
    this.at = end;
    return text.slice(at, end);
  }

  /** A string, or undefined for NIL. What is neither quoted nor a literal is read as a word, as some servers write it. */
  nstring(): string | undefined {
    const c = this.peek();
    if (c === QUOTE) return this.#quoted();
    if (this.nil()) return undefined;
    const literal = c === LEFT_BRACE || c === TILDE ? this.#literal() : undefined;
    if (literal === undefined) return this.atom();
    return typeof literal === "number" ? "" : literal.toString("latin1");
  }

  /** A word or a string. NIL is a word here. */
  astring(): string {
    const start = this.peek() === QUOTE ? -1 : this.at;
    return this.nstring() ?? this.text.slice(start, this.at);
  }

  /** A string's bytes, as `nstring`; the size of a literal whose bytes went elsewhere. */
  bytes(): Literal | undefined {
    const c = this.peek();
    const literal = c === LEFT_BRACE || c === TILDE ? this.#literal() : undefined;
    if (literal !== undefined) return literal;
    const text = this.nstring();
    return text === undefined ? undefined : Buffer.from(text, "latin1");
  }

  /** A whole number of at most 2^53-1. */
  number(): number {
    this.peek();
    const { text, at } = this;
    let value = 0;
    let end = at;
    for (let digit = text.charCodeAt(end) - ZERO; digit >= 0 && digit <= 9; digit = text.charCodeAt(++end) - ZERO) {
      value = value * 10 + digit;
    }
    if (end === at || value > Number.MAX_SAFE_INTEGER || !endsAtom(text.charCodeAt(end))) {
      throw this.broken("a number is missing");
    }
    this.at = end;
    return value;
  }

  /** A whole number of 64 bits: a bigint only beyond 2^53-1. */
  bigNumber(): number | bigint {
    const word = this.atom();
    if (!/^\d{1,20}$/.test(word)) throw this.broken("a number is missing");
    const value = Number(word);
    return Number.isSafeInteger(value) ? value : BigInt(word);
  }

  /** A number where there is one: NIL, a negative number or a word is stepped over. */
  numberOr(): number | undefined {
    const word = this.nstring();
    return word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined;
  }

  /** The words or strings of a list; none for NIL. */
  strings(): string[] {
    const all: string[] = [];
    if (this.open()) while (!this.close()) all.push(this.astring());
    return all;
  }

  /** Whatever comes next. */
  value(depth = 0): Value {
    if (this.peek() !== OPEN) return this.nstring();
    if (depth === DEEPEST) throw this.broken(`lists within lists, more than ${DEEPEST}`);
    this.at++;
    const list: Value[] = [];
    while (!this.close()) list.push(this.value(depth + 1));
    return list;
  }

  /** Steps over whatever comes next, however deep it is. */
  skip(): void {
    let depth = 0;
    do {
      if (this.take(OPEN)) depth++;
      else if (depth > 0 && this.close()) depth--;
      else this.nstring();
    } while (depth > 0);
  }

  /** Goes back to `at`: the literals behind it are read again. */
  rewind(at: number): void {
    const between = this.text.slice(at, this.at);
    this.at = at;
    if (between.includes("}\r\n")) this.#used -= between.split("}\r\n").length - 1;
    const backslash = between.indexOf("\\");
    if (backslash !== -1) this.#escape = at + backslash;
  }

  /** The error for what is next; `why` says what is wrong with it. */
  broken(why: string): ProtocolError {
    const here = JSON.stringify(this.text.slice(Math.max(0, this.at - 20), this.at + 20));
    return new ProtocolError(`a response cannot be read: ${why} at character ${this.at}, in ${here}`);
  }

  #quoted(): string {
    const { text } = this;
    const start = this.at + 1;
    const end = text.indexOf('"', start);
    if (end === -1) throw this.broken("a string has no end");
    if (this.#escape < start) {
      const next = text.indexOf("\\", start);
      this.#escape = next === -1 ? text.length : next;
    }
    if (this.#escape > end) {
      this.at = end + 1;
      return text.slice(start, end);
    }
    return this.#escaped(start);
  }

  #escaped(start: number): string {
    const { text } = this;
    let value = "";
    let from = start;
    for (let at = start; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c === QUOTE) {
        this.at = at + 1;
        return value + text.slice(from, at);
      }
      if (c !== BACKSLASH) continue;
      value += text.slice(from, at);
      from = ++at;
    }
    throw this.broken("a string has no end");
  }

  /** The literal that comes next; undefined where only a word begins like one. */
  #literal(): Literal | undefined {
    LITERAL.lastIndex = this.at;
    if (!LITERAL.test(this.text)) return undefined;
    const literal = this.#literals[this.#used++];
    if (literal === undefined) throw this.broken("a literal is missing");
    this.at = LITERAL.lastIndex;
    return literal;
  }
}

/** True at the end too, where the code is NaN. */
function endsAtom(c: number): boolean {
  return !(c > BLANK) || c === OPEN || c === CLOSE || c === QUOTE;
}
