/** Text on its way into a file: one block of memory that is filled without making a string of it first. */

/** Bytes of a block: it is full soon after. */
export const BLOCK = 1024 * 1024;
/** Room behind that, so that hardly any row makes a block grow. */
const SLACK = 64 * 1024;
/** Blocks that were written and wait to be filled again. */
const SPARE = 4;
/** Bytes a UTF-16 unit takes at most: `\ud800`. */
const WIDEST = 6;
const DAY = 86_400_000;
/** Days whose text is kept: 27 years. */
const DAYS = 10_000;
const [ZERO, DOT, COLON, Z, QUOTE, BACKSLASH] = [48, 46, 58, 90, 34, 92];

/** 1 for each ASCII character that stands for itself in a JSON string. */
const CLEAN = Uint8Array.from({ length: 128 }, (_, c) => (c < 32 || c === QUOTE || c === BACKSLASH ? 0 : 1));

/**
 * A block that rows are put into. Three times as fast as JSON.stringify, which makes objects, dates and strings first:
 * nearly all text is ASCII that stands for itself, and goes from the string into the block four characters at a time.
 */
export class Bytes {
  #bytes: Buffer = Buffer.allocUnsafeSlow(BLOCK + SLACK);
  #length = 0;
  readonly #spare: Buffer[] = [];
  readonly #digits = new Uint8Array(16);
  /** The text of days, counted from 1970, to their T: articles come from few. */
  readonly #days = new Map<number, Uint8Array>();

  get length(): number {
    return this.#length;
  }

  /** Takes the block away; give it back by {@link reuse} once it is written. */
  take(): Buffer {
    const full = this.#bytes.subarray(0, this.#length);
    this.#bytes = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK + SLACK);
    this.#length = 0;
    return full;
  }

  /** Takes back the memory of a block that nobody looks at any more. */
  reuse(block: Buffer): void {
    if (this.#spare.length < SPARE && block.buffer.byteLength === BLOCK + SLACK)
      this.#spare.push(Buffer.from(block.buffer, 0, BLOCK + SLACK));
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    const to = this.#bytes;
    let at = this.#length;
    if (bytes.length > 64) to.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) to[at + i] = bytes[i]!;
    this.#length = at += bytes.length;
  }

  /** Text as UTF-8; what is no character (a lone surrogate) becomes U+FFFD. */
  text(text: string): void {
    this.#room(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** The inside of a JSON string: escaped where it must be, lone surrogates as well. */
  json(text: string): void {
    this.#room(text.length * WIDEST);
    const to = this.#bytes;
    const { length } = text;
    let at = this.#length;
    for (let i = 0; i < length; ) {
      for (; i + 3 < length; i += 4, at += 4) {
        const a = text.charCodeAt(i);
        const b = text.charCodeAt(i + 1);
        const c = text.charCodeAt(i + 2);
        const d = text.charCodeAt(i + 3);
        if ((a | b | c | d) > 127 || (CLEAN[a]! & CLEAN[b]! & CLEAN[c]! & CLEAN[d]!) === 0) break;
        to[at] = a;
        to[at + 1] = b;
        to[at + 2] = c;
        to[at + 3] = d;
      }
      if (i === length) break;
      const c = text.charCodeAt(i);
      if (c < 128 && CLEAN[c] === 1) to[at++] = c;
      else if (c === QUOTE || c === BACKSLASH) {
        to[at++] = BACKSLASH;
        to[at++] = c;
      } else {
        this.#length = at;
        this.text(JSON.stringify(text.slice(i)).slice(1, -1));
        return;
      }
      i++;
    }
    this.#length = at;
  }

  /** A number in decimal digits. */
  number(number: number): void {
    if (!(number >= 0 && number <= 0x7fff_ffff && Number.isInteger(number))) {
      this.text(`${number}`);
      return;
    }
    this.#room(16);
    const digits = this.#digits;
    let i = digits.length;
    let left = number;
    do {
      const tens = Math.trunc(left / 10);
      digits[--i] = ZERO + left - tens * 10;
      left = tens;
    } while (left > 0);
    const to = this.#bytes;
    let at = this.#length;
    while (i < digits.length) to[at++] = digits[i++]!;
    this.#length = at;
  }

  /** A date as Date.toISOString gives it. @param time Milliseconds since 1970. */
  date(time: number): void {
    const day = Math.floor(time / DAY);
    this.raw(this.#days.get(day) ?? this.#dayText(day));
    this.#room(16);
    const rest = time - day * DAY;
    const seconds = Math.trunc(rest / 1000);
    const milliseconds = rest - seconds * 1000;
    this.#two(Math.trunc(seconds / 3600), COLON);
    this.#two(Math.trunc(seconds / 60) % 60, COLON);
    this.#two(seconds % 60, DOT);
    this.#bytes[this.#length++] = ZERO + Math.trunc(milliseconds / 100);
    this.#two(milliseconds % 100, Z);
  }

  /** To the T; years before 0 and past 9999 have a sign and six digits. */
  #dayText(day: number): Uint8Array {
    const text = Uint8Array.from(Buffer.from(new Date(day * DAY).toISOString().slice(0, -13)));
    if (this.#days.size >= DAYS) this.#days.clear();
    this.#days.set(day, text);
    return text;
  }

  #two(number: number, after: number): void {
    const tens = Math.trunc(number / 10);
    this.#bytes[this.#length++] = ZERO + tens;
    this.#bytes[this.#length++] = ZERO + number - tens * 10;
    this.#bytes[this.#length++] = after;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
