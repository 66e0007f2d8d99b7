/** Message content on its way in: dots undoubled, the end found wherever bytes were cut, and everything noted that must not be there. Pure. */

const CR = 13;
const LF = 10;
const DOT = 46;
/** Characters of a line of text, without CRLF (RFC 5321 4.5.3.1.6). */
const LONGEST_LINE = 998;

const LINE_START = 0;
const IN_LINE = 1;
const AFTER_CR = 2;
/** A dot at the beginning of a line: doubled, or the end. */
const AFTER_DOT = 3;
const AFTER_DOT_CR = 4;

/** What was seen that a client must not send. */
export type Blemish = "bare LF" | "bare CR" | "NUL" | "8-bit" | "long line" | "dot not doubled";

const LONE_CR = Buffer.from("\r");

export class ContentReader {
  /** What was seen of the things that must not be there. */
  readonly blemishes = new Set<Blemish>();
  /** Bytes given on so far. */
  size = 0;
  readonly #dots: boolean;
  readonly #take: (piece: Buffer) => void;
  #state = LINE_START;
  /** Bytes of the present line that came with earlier pieces. */
  #before = 0;
  #done = false;

  /** `dots`: a lone dot is the end, and dots are doubled (DATA). Pieces given to `take` are parts of what was fed. */
  constructor(dots: boolean, take: (piece: Buffer) => void) {
    this.#dots = dots;
    this.#take = take;
  }

  /** The final dot has been seen. */
  get done(): boolean {
    return this.#done;
  }

  /** The last line has no CRLF. */
  get unended(): boolean {
    return this.#state !== LINE_START;
  }

  /** Takes bytes up to the end of the content; gives how many it took. */
  feed(bytes: Buffer): number {
    let state = this.#state;
    let from = 0; // what is not given on yet
    let line = -this.#before; // where the present line began
    let at = 0;
    for (; at < bytes.length && !this.#done; at++) {
      if (state === IN_LINE && (at = endOfText(bytes, at)) === bytes.length) break;
      const byte = bytes[at] as number;
      if (byte === 0) this.blemishes.add("NUL");
      else if (byte > 127) this.blemishes.add("8-bit");
      if (state === AFTER_CR && byte === LF) {
        if (at - 1 - line > LONGEST_LINE) this.blemishes.add("long line");
        line = at + 1;
        state = LINE_START;
      } else if (state === AFTER_DOT && byte === CR) {
        state = AFTER_DOT_CR;
        this.#give(bytes, from, at);
        from = at + 1; // held back: the end, perhaps
      } else if (state === AFTER_DOT_CR && byte === LF) {
        this.#done = true;
        from = at + 1;
      } else if (state === LINE_START && byte === DOT && this.#dots) {
        this.#give(bytes, from, at);
        from = at + 1;
        state = AFTER_DOT;
      } else {
        if (state === AFTER_DOT_CR) this.#emit(LONE_CR);
        state = this.#plain(state, byte);
      }
    }
    if (!this.#done) this.#give(bytes, from, bytes.length);
    this.#state = this.#done ? LINE_START : state;
    this.#before = at - line;
    return at;
  }

  /** A byte that is neither part of an end nor of a doubled dot. */
  #plain(state: number, byte: number): number {
    if (state === AFTER_CR || state === AFTER_DOT_CR) this.blemishes.add("bare CR");
    if (byte === LF) this.blemishes.add("bare LF");
    if ((state === AFTER_DOT && byte !== DOT) || state === AFTER_DOT_CR) this.blemishes.add("dot not doubled");
    return byte === CR ? AFTER_CR : IN_LINE;
  }

  #give(bytes: Buffer, from: number, to: number): void {
    if (to > from) this.#emit(bytes.subarray(from, to));
  }

  #emit(piece: Buffer): void {
    this.size += piece.length;
    this.#take(piece);
  }
}

/** The first byte from `at` on that needs a look: no letter, no blank. */
function endOfText(bytes: Buffer, at: number): number {
  let end = at;
  for (let byte: number; end < bytes.length && (byte = bytes[end] as number) > CR && byte < 128; ) end++;
  return end;
}
