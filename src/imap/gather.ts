/** Bytes that come in pieces → one buffer. It grows with what came, not with what was announced. No I/O. */

const FIRST = 1024;
const NOTHING = Buffer.alloc(0);

/** Puts the pieces of a line or a literal together. Nothing of a piece is kept: its owner may use it again. */
export class Gather {
  #bytes: Buffer = NOTHING;
  #length = 0;

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds the bytes from `start` to `end`. `whole`: how many there will be in the end, where that is known. */
  add(bytes: Buffer, start: number, end: number, whole = Number.POSITIVE_INFINITY): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length, whole);
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** Gives what was gathered, and begins anew. */
  take(): Buffer {
    const bytes = this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return bytes;
  }

  #grow(length: number, whole: number): void {
    const room = Math.max(length, Math.min(Math.max(2 * this.#bytes.length, FIRST), whole));
    const bytes = Buffer.allocUnsafe(room);
    if (this.#length > 0) this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
  }
}
