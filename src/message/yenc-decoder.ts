/** yEnc as it arrives: chunks of a body, cut anywhere → the beginning, the bytes and the end of each part. Pure. */
import type { YencEvent, YencOptions } from "./yenc.js";
import { parseYencLine, type YencLine } from "./yenc-line.js";
import { OpenPart } from "./yenc-part.js";

const LF = 10;
const CR = 13;
const DOT = 46;
const EQUALS = 61;
const Y = 121;
/** What was added to each byte, and to one behind an escape. */
const SHIFT = 42;
const ESCAPED_SHIFT = SHIFT + 64;
/** Times a byte: the byte four times in a word. */
const FOURFOLD = 0x01010101;
const FOUR_SHIFTS = SHIFT * FOURFOLD;
const FOUR_TOPS = 0x80808080 | 0;
const FOUR_EQUALS = EQUALS * FOURFOLD;
const FOUR_LF = LF * FOURFOLD;
const FOUR_CR = CR * FOURFOLD;
/** A control line is not longer than this; a name has at most 255 characters on any disk. */
const LINE_LIMIT = 8192;

/** Where in a line the decoder is. */
type Place = "start" | "dot" | "equals" | "control" | "line";

/**
 * Decodes yEnc in pieces. Everything outside parts is passed over; any number of parts may follow each other. Never
 * throws: what is damaged is told in `problems` at the part's end.
 *
 * @example
 * const decoder = new YencDecoder();
 * for await (const chunk of body) for (const event of decoder.push(chunk)) if (event.type === "data") out.write(event.data);
 * decoder.end();
 */
export class YencDecoder {
  readonly #dotStuffed: boolean;
  #place: Place = "start";
  /** True between an escape and the character it belongs to, where a chunk was cut there. */
  #escaped = false;
  /** The control line, as far as it is there. */
  #held: Buffer = Buffer.alloc(0);
  #part: OpenPart | undefined;
  #events: YencEvent[] = [];
  /** Where decoded bytes go: one allocation for each chunk that has some, and how much of it is used. */
  #out: Buffer | undefined;
  #used = 0;

  constructor(options: YencOptions = {}) {
    this.#dotStuffed = options.dotStuffed ?? false;
  }

  /** Takes the next chunk; gives what is in it. The bytes of `data` events are new memory: the chunk may be reused. */
  push(chunk: Buffer): YencEvent[] {
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
    this.#out = undefined;
    return this.#taken();
  }

  /** The body is over: ends a part that has no `=yend`. */
  end(): YencEvent[] {
    if (this.#place === "control") this.#control();
    if (this.#place === "dot") this.#bytes(Buffer.of(DOT - SHIFT));
    this.#finish(undefined);
    this.#place = "start";
    return this.#taken();
  }

  #taken(): YencEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Takes bytes from `at` on; returns the position behind them. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#place) {
      case "start":
        return this.#lineStart(chunk, at);
      case "dot":
        this.#place = "line";
        // One dot of two goes; a single one was sent by somebody who does not double them.
        return chunk[at] === DOT ? at : this.#decode(chunk, at, DOT - SHIFT);
      case "equals":
        if (chunk[at] === Y) {
          this.#place = "control";
          this.#held = Buffer.from("=");
        } else {
          this.#place = "line";
          this.#escaped = this.#part !== undefined;
        }
        return at;
      case "control":
        return this.#hold(chunk, at);
      case "line":
        return this.#part === undefined ? this.#skip(chunk, at) : this.#decode(chunk, at);
    }
  }

  #lineStart(chunk: Buffer, at: number): number {
    const c = chunk[at];
    if (c === EQUALS) this.#place = "equals";
    else if (c === DOT && this.#dotStuffed && this.#part !== undefined) this.#place = "dot";
    else this.#place = "line";
    return this.#place === "line" ? at : at + 1;
  }

  /** Text outside of a part. */
  #skip(chunk: Buffer, at: number): number {
    const lf = chunk.indexOf(LF, at);
    if (lf === -1) return chunk.length;
    this.#place = "start";
    return lf + 1;
  }

  #hold(chunk: Buffer, at: number): number {
    const lf = chunk.indexOf(LF, at);
    const end = lf === -1 ? chunk.length : lf;
    const room = LINE_LIMIT - this.#held.length;
    this.#held = Buffer.concat([this.#held, chunk.subarray(at, Math.min(end, at + room))]);
    if (lf === -1) return end;
    this.#control();
    this.#place = "start";
    return lf + 1;
  }

  /**
   * Decodes up to the end of the chunk, or to a line that may be a control line; `owed` is a byte that comes first. One
   * pass over the bytes, without a look at lines: CR and LF in the data are always escaped, so those that come are
   * line ends.
   */
  #decode(chunk: Buffer, from: number, owed?: number): number {
    this.#begin();
    const end = chunk.length;
    const out = this.#room(end);
    const [source, target] = [viewOf(chunk), viewOf(out)];
    let to = this.#used;
    let at = from;
    if (owed !== undefined) out[to++] = owed;
    while (at < end) {
      const plain = this.#escaped ? 0 : shiftPlain(source, at, target, to);
      at += plain;
      to += plain;
      if (at === end) break;
      const c = chunk[at++]!;
      if (c === LF || c === CR) {
        if (this.#escaped) this.#part!.note("a line ends with an escape");
        this.#escaped = false;
        if (c === CR) continue;
        if (this.#isSpecial(chunk, at)) {
          this.#place = "start";
          break;
        }
        if (this.#dotStuffed && chunk[at] === DOT && chunk[at + 1] === DOT) at++;
      } else if (c === EQUALS && !this.#escaped) {
        this.#escaped = true;
      } else {
        out[to++] = c - (this.#escaped ? ESCAPED_SHIFT : SHIFT);
        this.#escaped = false;
      }
    }
    const data = out.subarray(this.#used, to);
    this.#used = to;
    this.#bytes(data);
    return at;
  }

  /** A byte comes out for each that goes in, and one for a dot that the last chunk ended with. */
  #room(length: number): Buffer {
    if (this.#out === undefined) {
      this.#out = Buffer.allocUnsafe(length + 1);
      this.#used = 0;
    }
    return this.#out;
  }

  /** Whether the line that begins at `at` is a control line, or begins with a dot or an escape whose next byte is still to come. */
  #isSpecial(chunk: Buffer, at: number): boolean {
    const first = chunk[at];
    if (first === EQUALS) return at + 1 === chunk.length || chunk[at + 1] === Y;
    return first === undefined || (first === DOT && this.#dotStuffed && at + 1 === chunk.length);
  }

  #bytes(data: Buffer): void {
    const part = this.#part!;
    if (data.length === 0) return;
    part.add(data);
    this.#events.push({ type: "data", data });
  }

  /** A control line is whole. */
  #control(): void {
    const line = parseYencLine(this.#held);
    if (line.keyword === "=ybegin") this.#open(line);
    else if (this.#part === undefined) return;
    else if (line.keyword === "=ypart") this.#range(line);
    else if (line.keyword === "=yend") this.#finish(line);
    // The draft keeps further keywords for later versions: they are passed over.
  }

  #open(line: YencLine): void {
    this.#finish(undefined);
    this.#part = new OpenPart(line);
  }

  #range(line: YencLine): void {
    const part = this.#part!;
    if (part.begun) part.note("=ypart is not behind =ybegin");
    else part.setRange(line);
    this.#begin();
  }

  /** Says that the part begins, once its head is known: `=ypart` would have come by now. */
  #begin(): void {
    const part = this.#part!;
    if (part.begun) return;
    part.begin();
    this.#events.push({ type: "begin", head: part.head });
  }

  #finish(line: YencLine | undefined): void {
    const part = this.#part;
    if (part === undefined) return;
    this.#begin();
    this.#part = undefined;
    this.#escaped = false;
    this.#events.push({ type: "end", part: part.end(line) });
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Decodes four bytes at a time while none of them is `=`, CR or LF. It and its numbers are in this file because what a
 * hot loop takes from another module is looked up each time, which makes it slower by a third.
 *
 * @returns How many bytes it did: 0 where one of the first four is special, or fewer than four are left.
 */
function shiftPlain(source: DataView, from: number, target: DataView, to: number): number {
  const last = source.byteLength - 4;
  let at = from;
  for (; at <= last; at += 4) {
    const word = source.getInt32(at, true);
    if ((zeros(word ^ FOUR_EQUALS) | zeros(word ^ FOUR_LF) | zeros(word ^ FOUR_CR)) !== 0) break;
    // The top bits are set first, so that no byte borrows from the next one, and put right behind it.
    target.setInt32(to + at - from, ((word | FOUR_TOPS) - FOUR_SHIFTS) ^ (~word & FOUR_TOPS), true);
  }
  return at - from;
}

/** Not 0 where one of the four bytes is 0. */
function zeros(word: number): number {
  return (word - FOURFOLD) & ~word & FOUR_TOPS;
}
