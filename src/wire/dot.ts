/** Dot-terminated bodies (RFC 3977 §3.1.1, RFC 5321 §4.5.2, RFC 1939 §3): unstuffing and stuffing. No I/O. */
import type { BodyReader } from "./reply.js";

const CR = 13;
const LF = 10;
const DOT = 46;
const CRLF_DOT = Buffer.from("\r\n.");
const LF_DOT = Buffer.from("\n.");

/**
 * Reads a dotted body: gives it on in pieces, the doubled dots single again, without the terminator. Only lines that
 * begin with a dot are touched. Where the first line ends with CR LF, so must all: a bare LF is part of a line then, or
 * a message could end its own body and forge what follows. A server whose lines end with bare LF is read, too.
 */
export class DotReader implements BodyReader {
  done = false;
  readonly #piece: (piece: Buffer) => void;
  /** What the last bytes were: 0 in a line, 1 at its start, 2 behind a dot at its start, 3 behind that dot and a CR. */
  #state = 1;
  /** True where lines end with CR LF; undefined before the end of the first one. */
  #strict: boolean | undefined;
  /** True where the last chunk ended with CR. */
  #endedWithCr = false;

  /** What is kept of the chunk at hand: where it begins and ends, and where more of it does, in turns. */
  #start = 0;
  #end = 0;
  #more: number[] | undefined;

  /** `piece` is called with each piece of the body, one for each chunk. It is a view: copy what is kept. */
  constructor(piece: (piece: Buffer) => void) {
    this.#piece = piece;
  }

  push(chunk: Buffer, from: number): number {
    let start = from;
    let at = from;
    if (this.#strict === undefined) {
      const first = chunk.indexOf(LF, from);
      if (first !== -1) this.#strict = this.#behindCr(chunk, first, from);
    }
    while (at < chunk.length) {
      if (this.#state === 0) {
        const dot = this.#nextDot(chunk, at, from);
        if (dot === -1) {
          const last = chunk.length - 1;
          this.#state = chunk[last] === LF && this.#endsLine(chunk, last, from) ? 1 : 0;
          break;
        }
        at = dot;
        this.#state = 1;
      } else if (this.#state === 1) {
        if (chunk[at] !== DOT) {
          this.#state = 0;
          continue;
        }
        this.#keep(start, at);
        start = ++at;
        this.#state = 2;
      } else {
        const used = this.#afterDot(chunk, at, from);
        if (this.done) {
          this.#emit(chunk);
          return at + 1 - from;
        }
        at += used;
        start = this.#state === 3 ? at : start;
      }
    }
    this.#keep(start, chunk.length);
    this.#emit(chunk);
    if (chunk.length > from) this.#endedWithCr = chunk[chunk.length - 1] === CR;
    return chunk.length - from;
  }

  /** Where the next line begins with a dot; -1 where none does. */
  #nextDot(chunk: Buffer, at: number, from: number): number {
    for (let lf = chunk.indexOf(LF_DOT, at); lf !== -1; lf = chunk.indexOf(LF_DOT, lf + 1)) {
      if (this.#endsLine(chunk, lf, from)) return lf + 1;
    }
    return -1;
  }

  #endsLine(chunk: Buffer, lf: number, from: number): boolean {
    return this.#strict !== true || this.#behindCr(chunk, lf, from);
  }

  #behindCr(chunk: Buffer, at: number, from: number): boolean {
    return at > from ? chunk[at - 1] === CR : this.#endedWithCr;
  }

  /** Behind a dot that began a line: LF or CR LF ends the body, anything else belongs to the line. */
  #afterDot(chunk: Buffer, at: number, from: number): number {
    const c = chunk[at];
    if (c === LF && (this.#state === 3 || this.#strict !== true)) {
      this.done = true;
    } else if (c === CR && this.#state === 2) {
      this.#state = 3;
      return 1;
    } else {
      // A dot, then CR, then no LF: the CR was held back and belongs to the line.
      if (this.#state === 3 && at > from) this.#keep(at - 1, at);
      else if (this.#state === 3) this.#piece(Buffer.from([CR]));
      this.#state = 0;
    }
    return 0;
  }

  #keep(start: number, end: number): void {
    if (end <= start) return;
    if (this.#end === 0) [this.#start, this.#end] = [start, end];
    else (this.#more ??= []).push(start, end);
  }

  /** Gives what is kept of the chunk: a view, or joined where dots were dropped in between. */
  #emit(chunk: Buffer): void {
    if (this.#end === 0) return;
    const piece = chunk.subarray(this.#start, this.#end);
    const more = this.#more;
    this.#end = 0;
    this.#more = undefined;
    this.#piece(more === undefined ? piece : joined(piece, chunk, more));
  }
}

/** A piece, and more of its chunk behind it. A view for each line would take many times the line's own memory. */
function joined(piece: Buffer, chunk: Buffer, more: readonly number[]): Buffer {
  let length = piece.length;
  for (let i = 0; i < more.length; i += 2) length += (more[i + 1] as number) - (more[i] as number);
  const whole = Buffer.allocUnsafe(length);
  let at = piece.copy(whole);
  for (let i = 0; i < more.length; i += 2) at += chunk.copy(whole, at, more[i], more[i + 1]);
  return whole;
}

/** The terminator of a body that ended with a line end. */
export const DOT_END = Buffer.from(".\r\n");

/**
 * Stuffs a body for sending: a dot that begins a line is doubled, across the borders of pieces too. Bytes that need no
 * change are passed on without a copy. Lines end with CR LF here: the caller sees to it that no CR or LF stands alone.
 */
export class DotWriter {
  /** The last two bytes sent, so that a line's start is known at a piece's border. */
  #atLineStart = true;
  #endsWithCr = false;

  /** The pieces to send for one piece of the body. */
  stuff(piece: Buffer): Buffer[] {
    if (piece.length === 0) return [];
    const out: Buffer[] = [];
    let start = 0;
    if (piece[0] === DOT && this.#atLineStart) out.push(CRLF_DOT.subarray(2));
    if (piece[0] === LF && piece[1] === DOT && this.#endsWithCr) {
      out.push(piece.subarray(0, 2));
      start = 1;
    }
    for (let at = piece.indexOf(CRLF_DOT); at !== -1; at = piece.indexOf(CRLF_DOT, at + 2)) {
      out.push(piece.subarray(start, at + 3));
      start = at + 2;
    }
    out.push(piece.subarray(start));
    const last = piece[piece.length - 1];
    this.#atLineStart = last === LF && (piece.length > 1 ? piece[piece.length - 2] === CR : this.#endsWithCr);
    this.#endsWithCr = last === CR;
    return out;
  }

  /** What ends the body: CR LF where it did not end with one, then the dot. */
  end(): Buffer {
    return this.#atLineStart ? DOT_END : Buffer.from(this.#endsWithCr ? "\n.\r\n" : "\r\n.\r\n");
  }
}
