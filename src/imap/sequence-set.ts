/** Sets of message numbers and UIDs (RFC 9051 §9, sequence-set): numbers and ranges ⇄ `1:5,7,9:*`. No I/O. */
import { inspect } from "node:util";
import { ProtocolError, UsageError } from "../client/errors.js";

/** From the first to the last, both included; `"*"` is the last message there is. */
export type MessageRange = readonly [low: number, high: number | "*"];
/**
 * Messages by number or UID: one, ranges, several of either, text as IMAP writes it (`"1:5,7,9:*"`), or `"$"`, what the
 * last search saved (RFC 5182).
 */
export type MessageSet = number | string | SequenceSet | Iterable<number | MessageRange>;

const SAVED = "$";

/** Ranges in the order they were sent in, which tells in COPYUID and in a sorted result. */
export class SequenceSet implements Iterable<number> {
  /** Low and high of each range, one behind the other. */
  readonly #bounds: readonly number[];

  /** @internal Made by {@link parseSet}. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  /** How many numbers there are; one that is in two ranges counts twice. */
  get size(): number {
    let size = 0;
    for (let i = 0; i < this.#bounds.length; i += 2) size += this.#bounds[i + 1]! - this.#bounds[i]! + 1;
    return size;
  }

  /** The first and the last number of each range. */
  *ranges(): Generator<[low: number, high: number]> {
    for (let i = 0; i < this.#bounds.length; i += 2) yield [this.#bounds[i]!, this.#bounds[i + 1]!];
  }

  has(number: number): boolean {
    for (let i = 0; i < this.#bounds.length; i += 2) {
      if (number >= this.#bounds[i]! && number <= this.#bounds[i + 1]!) return true;
    }
    return false;
  }

  /** The numbers one by one. A server may name a range of billions: look at `size` before they are gathered. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.#bounds.length; i += 2) {
      for (let number = this.#bounds[i]!; number <= this.#bounds[i + 1]!; number++) yield number;
    }
  }

  /** The numbers in their order. Throws ProtocolError where there are more than `most`. Default: 10 000 000. */
  toArray(most = 10_000_000): number[] {
    if (this.size > most) throw new ProtocolError(`the server names ${this.size} messages: more than ${most}`);
    return [...this];
  }

  /** `1:5,7`. */
  toString(): string {
    const parts: string[] = [];
    for (const [low, high] of this.ranges()) parts.push(low === high ? String(low) : `${low}:${high}`);
    return parts.join(",");
  }

  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` shows. */
  [inspect.custom](): string {
    return `SequenceSet(${this.size}) { ${this.toString()} }`;
  }
}

/** Reads what a server names: `*` is not among it. Throws ProtocolError for anything else. */
export function parseSet(text: string): SequenceSet {
  const bounds: number[] = [];
  for (const part of text.split(",")) {
    const m = /^(\d{1,16})(?::(\d{1,16}))?$/.exec(part);
    const [low, high] = [Number(m?.[1]), Number(m?.[2] ?? m?.[1])];
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high))
      throw new ProtocolError(`${JSON.stringify(part)} names no messages`);
    // RFC 9051 §9: 4:2 is 2:4.
    bounds.push(Math.min(low, high), Math.max(low, high));
  }
  return new SequenceSet(bounds);
}

/**
 * A set as a command has it, in its shortest form: `[3, 1, 2, [7, "*"]]` is `1:3,7:*`. Throws UsageError for an empty set
 * and for what is no message number.
 */
export function formatSet(set: MessageSet): string {
  return set === SAVED ? SAVED : joined(boundsOf(set));
}

/**
 * The same as several sets of at most `longest` characters, for servers that take no longer lines. RFC 7162 §4 advises
 * 8192 octets for a whole command. Default: 8000.
 */
export function splitSet(set: MessageSet, longest = 8000): string[] {
  if (set === SAVED) return [SAVED];
  const bounds = boundsOf(set);
  const sets: string[] = [];
  let current = "";
  for (let i = 0; i < bounds.length; i += 2) {
    const range = formatRange(bounds[i]!, bounds[i + 1]!);
    if (current !== "" && current.length + 1 + range.length > longest) {
      sets.push(current);
      current = "";
    }
    current += current === "" ? range : `,${range}`;
  }
  sets.push(current);
  return sets;
}

/** Low and high of each range, ascending and apart from each other; `*` is Infinity. */
function boundsOf(set: MessageSet): number[] {
  const bounds: number[] = [];
  if (typeof set === "string") for (const part of set.split(",")) readPart(part, bounds);
  else if (typeof set === "number") add(set, set, bounds);
  else for (const part of set instanceof SequenceSet ? set.ranges() : eachOf(set)) addPart(part, bounds);
  if (bounds.length === 0) throw new UsageError("a set of messages is empty", { protocol: "imap" });
  return merged(bounds);
}

function eachOf(set: unknown): Iterable<number | MessageRange> {
  if (set !== null && typeof set === "object" && Symbol.iterator in set) return set as Iterable<number | MessageRange>;
  throw notASet(set);
}

function addPart(part: number | MessageRange, bounds: number[]): void {
  if (typeof part === "number") add(part, part, bounds);
  else if (Array.isArray(part) && part.length === 2) add(part[0], part[1] === "*" ? Infinity : part[1], bounds);
  else throw notASet(part);
}

function readPart(part: string, bounds: number[]): void {
  const m = /^(\d{1,16}|\*)(?::(\d{1,16}|\*))?$/.exec(part);
  if (m === null) throw notASet(part);
  const [low, high] = [m[1], m[2] ?? m[1]].map((text) => (text === "*" ? Infinity : Number(text))) as [number, number];
  add(Math.min(low, high), Math.max(low, high), bounds);
}

function add(low: number, high: number, bounds: number[]): void {
  if (!isNumber(low) || !isNumber(high)) throw notASet(isNumber(low) ? high : low);
  if (high < low) {
    throw new UsageError(`a range ends where it begins or later, not ${formatRange(low, high)}`, { protocol: "imap" });
  }
  const last = bounds.length - 1;
  // Numbers in a row, as most lists have them, grow the range before.
  if (last > 0 && low === bounds[last]! + 1) bounds[last] = high;
  else bounds.push(low, high);
}

/** RFC 9051 §9, nz-number: 32 bits. */
function isNumber(value: unknown): value is number {
  return value === Infinity || (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) < 2 ** 32);
}

/** In ascending order, what touches or overlaps in one. */
function merged(bounds: number[]): number[] {
  if (isAscending(bounds)) return bounds;
  const ranges: [number, number][] = [];
  for (let i = 0; i < bounds.length; i += 2) ranges.push([bounds[i]!, bounds[i + 1]!]);
  // Infinity less Infinity is no number.
  ranges.sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1));
  const out: number[] = [];
  for (const [low, high] of ranges) {
    const last = out.length - 1;
    // `*` is the last message, which may be any: it does not touch what stands before it.
    if (last > 0 && low !== Infinity && low <= out[last]! + 1) out[last] = Math.max(out[last]!, high);
    else if (last < 0 || low !== Infinity || out[last] !== Infinity) out.push(low, high);
  }
  return out;
}

function isAscending(bounds: readonly number[]): boolean {
  for (let i = 2; i < bounds.length; i += 2) if (!(bounds[i]! > bounds[i - 1]! + 1)) return false;
  return true;
}

function joined(bounds: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < bounds.length; i += 2) parts.push(formatRange(bounds[i]!, bounds[i + 1]!));
  return parts.join(",");
}

function formatRange(low: number, high: number): string {
  const name = (number: number) => (number === Infinity ? "*" : String(number));
  return low === high ? name(low) : `${name(low)}:${name(high)}`;
}

function notASet(value: unknown): UsageError {
  return new UsageError(`${JSON.stringify(String(value))} names no messages`, {
    advice: 'numbers from 1 on, ranges [1, 5] or [1, "*"], or text like "1:5,7,9:*"',
    protocol: "imap",
  });
}
