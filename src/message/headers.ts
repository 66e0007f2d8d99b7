/** The header block of a message: one pass finds where the fields are, text is made of those that are asked for. Pure. */
import { ProtocolError } from "../client/errors.js";
import { decodeWords } from "./words.js";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COLON = 0x3a;

/** One header field. */
export interface HeaderField {
  /** As it was written: `Message-ID`. */
  readonly name: string;
  /** The decoded text: RFC 2047 words and 8-bit bytes, see {@link decodeWords}. */
  readonly value: string;
  /** One character per byte (latin1), unfolded, without the blanks around it. */
  readonly raw: string;
}

/**
 * Header fields by name, in any case, and in their order. Lines are unfolded (RFC 5322 section 2.2.3: the line end goes,
 * the blank behind it stays) and decoded when they are asked for.
 */
export class Headers implements Iterable<HeaderField> {
  /** Offset of the body's first byte: behind the empty line, or the end where there is none. */
  readonly bodyStart: number;
  readonly #bytes: Buffer;
  /** Three offsets for each field: its first byte, its colon, behind its last byte. */
  readonly #fields: readonly number[];
  /** Two offsets for each line that is no field. */
  readonly #broken: readonly number[];

  /** @internal Made by {@link parseHeaders}. */
  constructor(bytes: Buffer, fields: readonly number[], broken: readonly number[], bodyStart: number) {
    this.#bytes = bytes;
    this.#fields = fields;
    this.#broken = broken;
    this.bodyStart = bodyStart;
  }

  /** How many fields there are. */
  get size(): number {
    return this.#fields.length / 3;
  }

  /** Lines that are no field (no colon, or a blank in the name), as they came (latin1): they belong to nothing. */
  get broken(): string[] {
    const lines: string[] = [];
    for (let i = 0; i < this.#broken.length; i += 2) {
      lines.push(unfolded(this.#bytes, this.#broken[i]!, this.#broken[i + 1]!));
    }
    return lines;
  }

  /** The decoded value of the first field of that name; undefined where there is none. */
  get(name: string): string | undefined {
    const raw = this.raw(name);
    return raw === undefined ? undefined : decodeWords(raw);
  }

  /** The decoded values of all fields of that name. */
  all(name: string): string[] {
    return this.allRaw(name).map(decodeWords);
  }

  /** The first field of that name with one character per byte (latin1), unfolded, without the blanks around it. */
  raw(name: string): string | undefined {
    const i = this.#find(name.toLowerCase(), 0);
    return i < 0 ? undefined : this.#value(i);
  }

  /** The header block's bytes without the fields of these names, the empty line behind it included. */
  without(...names: readonly string[]): Buffer {
    const wanted = names.map((name) => name.toLowerCase());
    const pieces: Buffer[] = [];
    let kept = 0;
    for (let i = 0; i < this.#fields.length; i += 3) {
      if (!wanted.some((name) => this.#isNamed(i, name))) continue;
      pieces.push(this.#bytes.subarray(kept, this.#fields[i]!));
      const lf = this.#bytes.indexOf(LF, this.#fields[i + 2]!);
      kept = lf < 0 ? this.#bytes.length : lf + 1;
    }
    pieces.push(this.#bytes.subarray(kept, this.bodyStart));
    return Buffer.concat(pieces);
  }

  /** The raw values of all fields of that name; see {@link raw}. */
  allRaw(name: string): string[] {
    const values: string[] = [];
    const wanted = name.toLowerCase();
    for (let i = this.#find(wanted, 0); i >= 0; i = this.#find(wanted, i + 3)) values.push(this.#value(i));
    return values;
  }

  has(name: string): boolean {
    return this.#find(name.toLowerCase(), 0) >= 0;
  }

  /** All fields in their order, names as they were written. */
  *entries(): Generator<[name: string, value: string]> {
    for (const { name, value } of this) yield [name, value];
  }

  *[Symbol.iterator](): Generator<HeaderField> {
    for (let i = 0; i < this.#fields.length; i += 3) {
      const raw = this.#value(i);
      yield { name: this.#name(i), value: decodeWords(raw), raw };
    }
  }

  /** Names in lower case, each with its decoded values. */
  toJSON(): Record<string, string[]> {
    const all: Record<string, string[]> = Object.create(null);
    for (const { name, value } of this) (all[name.toLowerCase()] ??= []).push(value);
    return all;
  }

  #find(wanted: string, from: number): number {
    for (let i = from; i < this.#fields.length; i += 3) if (this.#isNamed(i, wanted)) return i;
    return -1;
  }

  #isNamed(i: number, wanted: string): boolean {
    const start = this.#fields[i]!;
    const end = nameEnd(this.#bytes, start, this.#fields[i + 1]!);
    if (end - start !== wanted.length) return false;
    for (let at = 0; at < wanted.length; at++) {
      const byte = this.#bytes[start + at]!;
      if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== wanted.charCodeAt(at)) return false;
    }
    return true;
  }

  #name(i: number): string {
    const start = this.#fields[i]!;
    return this.#bytes.toString("latin1", start, nameEnd(this.#bytes, start, this.#fields[i + 1]!));
  }

  #value(i: number): string {
    return unfolded(this.#bytes, this.#fields[i + 1]! + 1, this.#fields[i + 2]!);
  }
}

/** What `parseHeaders` takes. */
export interface HeadersOptions {
  /** Fields and broken lines allowed. Default: 10 000. */
  maxFields?: number | undefined;
}

/**
 * Finds the fields of a header block. Lines may end with CR LF or LF; a blank before the colon is allowed (RFC 5322
 * section 4.5). What is no field is kept as `broken`, a continuation line with nothing before it as well.
 *
 * @param bytes A header block, or a whole message: reading stops at the first empty line. They are not copied: leave
 *   them as they are while the headers are in use.
 * @throws ProtocolError where there are more than `maxFields`.
 *
 * @example
 * const headers = parseHeaders(article.content);
 * headers.get("subject"); // "Grüße"
 * const body = article.content.subarray(headers.bodyStart);
 */
export function parseHeaders(bytes: Buffer, options: HeadersOptions = {}): Headers {
  const { maxFields = 10_000 } = options;
  const fields: number[] = [];
  const broken: number[] = [];
  /** The list whose last entry grows by a continuation line. */
  let growing = broken;
  let at = 0;
  while (at < bytes.length) {
    const lf = bytes.indexOf(LF, at);
    const next = lf < 0 ? bytes.length : lf + 1;
    const end = lineEnd(bytes, at, lf < 0 ? bytes.length : lf);
    if (end === at && lf >= 0) return new Headers(bytes, fields, broken, next);
    if (isBlank(bytes[at]!) && growing.length > 0) growing[growing.length - 1] = end;
    else growing = takeLine(bytes, at, end, fields, broken);
    if (fields.length / 3 + broken.length / 2 > maxFields) {
      throw new ProtocolError(`a message with more than ${maxFields} header fields`);
    }
    at = next;
  }
  return new Headers(bytes, fields, broken, at);
}

function takeLine(bytes: Buffer, start: number, end: number, fields: number[], broken: number[]): number[] {
  const colon = colonOf(bytes, start, end);
  if (colon < 0) {
    broken.push(start, end);
    return broken;
  }
  fields.push(start, colon, end);
  return fields;
}

/** The offset of the colon behind a field name; -1 where the line begins with none (RFC 5322 section 3.6.8). */
function colonOf(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at]! > BLANK && bytes[at]! < 0x7f && bytes[at] !== COLON) at++;
  if (at === start) return -1;
  while (at < end && isBlank(bytes[at]!)) at++;
  return bytes[at] === COLON && at < end ? at : -1;
}

function nameEnd(bytes: Buffer, start: number, colon: number): number {
  let end = colon;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  return end;
}

function lineEnd(bytes: Buffer, start: number, lf: number): number {
  return lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
}

function isBlank(byte: number): boolean {
  return byte === BLANK || byte === TAB;
}

function unfolded(bytes: Buffer, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start]!)) start++;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  const text = bytes.toString("latin1", start, end);
  return text.includes("\n") ? text.replace(/\r?\n/g, "").trim() : text;
}
