/** Bytes → responses, however they were cut on their way. A response is a line, and as many more as it has literals. No I/O. */
import { ProtocolError } from "../client/errors.js";
import type { Complete, Limits } from "../client/options.js";
import type { Literal } from "./cursor.js";
import { Gather } from "./gather.js";
import { Response } from "./response.js";

/** What the reader tells its owner. */
export interface ResponseEvents {
  /** A whole response. */
  response(response: Response): void;
  /**
   * A literal of `size` bytes begins; `head` is the response so far. Gives a function to have the bytes as they come (a
   * piece is good until it returns; none comes for an empty literal), nothing to have them in the response.
   */
  literal?(head: Response, size: number): ((piece: Buffer) => void) | undefined;
  /** True: leave the rest unread (TLS begins here). Asked after every response, and with all that comes behind it then. */
  stop?(): boolean;
}

/** Bytes allowed: of one line; of all lines of one response; of its literals, as far as they are held in memory. */
export type ResponseLimits = Complete<Pick<Limits, "line" | "reply" | "body">>;

const LF = 10;
const CR = 13;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;
const LEFT_BRACE = 0x7b;
const RIGHT_BRACE = 0x7d;

/** Literals of one response. The owner looks at all that is there of a response whenever one begins. */
const MOST_LITERALS = 10_000;
/** Statuses and continuations are text to their end, which may look like a literal (RFC 9051 §9, resp-text). */
const TEXT_ONLY = /^(?:\+|\S+ (?:OK|NO|BAD|BYE|PREAUTH)(?: |$))/i;

/** Cuts bytes into responses. */
export class ResponseReader {
  readonly #limits: ResponseLimits;
  /** The beginning of a line whose end has not come. */
  readonly #line = new Gather();
  /** What `stop()` left unread. */
  #unread: Buffer | undefined;
  #stopped = false;
  /** The lines so far of a response that goes on. */
  #text = "";
  #literals: Literal[] = [];
  /** The literal that is being read: bytes that are missing, its size, and where they go. */
  #missing = 0;
  #size = 0;
  readonly #literal = new Gather();
  #piece: ((piece: Buffer) => void) | undefined;
  /** Bytes of this response's literals that are held. */
  #held = 0;

  constructor(limits: ResponseLimits) {
    this.#limits = limits;
  }

  /** Bytes held back: the beginning of a response with its literals as announced, or what `stop()` left. */
  get held(): number {
    return this.#text.length + this.#held + this.#line.length + (this.#unread?.length ?? 0);
  }

  /** Gives what `stop()` left, and forgets it. */
  takeUnread(): Buffer {
    const unread = this.#unread ?? Buffer.alloc(0);
    this.#unread = undefined;
    return unread;
  }

  /** True where the bytes so far end within a response. */
  get partial(): boolean {
    return this.#text !== "" || this.held > 0;
  }

  /** Takes bytes; calls the events in order. Nothing of the chunk is kept. Throws ProtocolError. */
  push(chunk: Buffer, events: ResponseEvents): void {
    const bytes = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#unread = undefined;
    if (this.#stopped && events.stop?.()) {
      this.#unread = Buffer.from(bytes);
      return;
    }
    this.#stopped = false;
    let at = 0;
    while (at < bytes.length) {
      if (this.#missing > 0) {
        at = this.#fill(bytes, at);
        continue;
      }
      const lf = bytes.indexOf(LF, at);
      this.#checkLine(this.#line.length + (lf === -1 ? bytes.length : lf) - at);
      if (lf === -1) {
        this.#line.add(bytes, at, bytes.length);
        return;
      }
      const whole = this.#endLine(bytes, at, lf, events);
      at = lf + 1;
      if (whole && events.stop?.()) {
        this.#stopped = true;
        if (at < bytes.length) this.#unread = Buffer.from(bytes.subarray(at));
        return;
      }
    }
  }

  /** A line is whole. True where the response is, too. */
  #endLine(bytes: Buffer, at: number, lf: number, events: ResponseEvents): boolean {
    if (this.#line.length === 0) return this.#read(bytes, at, lf, events);
    this.#line.add(bytes, at, lf);
    const line = this.#line.take();
    return this.#read(line, 0, line.length, events);
  }

  #read(bytes: Buffer, start: number, lf: number, events: ResponseEvents): boolean {
    const end = lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
    // Some servers fill up with NULs before a response, and send an empty line behind one.
    let from = start;
    if (this.#text === "") while (from < end && bytes[from] === 0) from++;
    // What is behind a message is one parenthesis as a rule.
    const line = end - from === 1 ? String.fromCharCode(bytes[from]!) : bytes.toString("latin1", from, end);
    if (end > from && bytes[end - 1] === RIGHT_BRACE) {
      const size = literalSize(bytes, from, end);
      if (size >= 0 && !(this.#text === "" && TEXT_ONLY.test(line))) {
        this.#begin(`${line}\r\n`, size, events);
        return false;
      }
    }
    const raw = this.#text + line;
    if (raw === "") return false;
    const literals = this.#literals;
    if (this.#text !== "") this.#reset();
    events.response(new Response(raw, literals));
    return true;
  }

  /** A line ends with a literal's announcement. */
  #begin(line: string, size: number, events: ResponseEvents): void {
    const text = this.#text + line;
    if (text.length > this.#limits.reply && this.#text !== "") {
      throw new ProtocolError(`a response of more than ${this.#limits.reply} bytes besides its literals`, {
        advice: "limits.reply can be raised",
      });
    }
    if (this.#literals.length === MOST_LITERALS)
      throw new ProtocolError(`a response with more than ${MOST_LITERALS} literals`);
    this.#text = text;
    this.#size = this.#missing = size;
    this.#piece = events.literal?.(new Response(text, this.#literals), size);
    if (this.#piece === undefined) {
      this.#held += size;
      if (this.#held > this.#limits.body) throw this.#tooLarge();
    }
    if (size === 0) this.#endLiteral();
  }

  /** Bytes of a literal, from `at` on; gives where the next ones are. */
  #fill(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#missing, bytes.length);
    this.#missing -= end - at;
    if (this.#piece !== undefined) this.#piece(bytes.subarray(at, end));
    else this.#literal.add(bytes, at, end, this.#size);
    if (this.#missing === 0) this.#endLiteral();
    return end;
  }

  #endLiteral(): void {
    this.#literals.push(this.#piece === undefined ? this.#literal.take() : this.#size);
    this.#piece = undefined;
  }

  #reset(): void {
    this.#text = "";
    this.#literals = [];
    this.#held = 0;
  }

  #checkLine(length: number): void {
    // The last byte may be the CR of the line's end.
    if (length <= this.#limits.line + 1) return;
    throw new ProtocolError(`a line of more than ${this.#limits.line} bytes`, { advice: "limits.line can be raised" });
  }

  #tooLarge(): ProtocolError {
    return new ProtocolError(`a response with more than ${this.#limits.body} bytes of literals`, {
      advice: "limits.body can be raised, or the bytes be given to a sink",
    });
  }
}

/** The size that `{123}` at the end of a line announces; -1 where there is none. Throws ProtocolError beyond 2^53. */
function literalSize(bytes: Buffer, start: number, end: number): number {
  let at = end - 2;
  if (at > start && (bytes[at] === PLUS || bytes[at] === MINUS)) at--;
  const last = at;
  let size = 0;
  let unit = 1;
  for (let digit = bytes[at]! - ZERO; at > start && digit >= 0 && digit <= 9; digit = bytes[--at]! - ZERO) {
    size += digit * unit;
    unit *= 10;
  }
  if (at === last || bytes[at] !== LEFT_BRACE) return -1;
  if (!Number.isSafeInteger(size)) throw new ProtocolError("the server announces a literal of more than 2^53 bytes");
  return size;
}
