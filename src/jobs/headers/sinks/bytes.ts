/** Text on its way into a file: gathered in long strings, then turned into bytes in blocks whose memory is used again. */

/** Bytes of a block: it is full soon after. */
export const BLOCK = 1024 * 1024;
/** Room behind that, so that hardly any row makes a block grow. */
const SLACK = 192 * 1024;
/** Blocks that were written and wait to be filled again. */
const SPARE = 4;
/** Characters gathered before they become bytes: turning a few into bytes costs as much as turning many. */
const PIECE = 32 * 1024;

export class Bytes {
  #bytes: Buffer = Buffer.allocUnsafeSlow(BLOCK + SLACK);
  #length = 0;
  /** Text that is not in the block yet. */
  #pending = "";
  /** True where all of that is ASCII. */
  #ascii = true;
  readonly #spare: Buffer[] = [];

  /** Bytes in hand; of text that is not ASCII there may be a few more. */
  get length(): number {
    return this.#length + this.#pending.length;
  }

  /** Takes the block away; give it back by {@link reuse} once it is written. */
  take(): Buffer {
    this.#settle();
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

  /** Text as UTF-8; what is no character (a lone surrogate) becomes U+FFFD. `ascii`: true where it is known to be that. */
  text(text: string, ascii = false): void {
    if (ascii !== this.#ascii) {
      this.#settle();
      this.#ascii = ascii;
    }
    this.#pending += text;
    if (this.#pending.length >= PIECE) this.#settle();
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#settle();
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #settle(): void {
    const text = this.#pending;
    if (text === "") return;
    this.#pending = "";
    this.#room(this.#ascii ? text.length : text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, this.#ascii ? "latin1" : "utf8");
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
