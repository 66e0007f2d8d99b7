/** Lets a message's bytes through and keeps those of its header block. */
import { PolywireError, ProtocolError, SinkError } from "../client/errors.js";

const EMPTY_LINE = /\n\r?\n/;

/** Reads a source once, for two readers: the bytes go on, the header block is kept. */
export class HeadTap {
  readonly #maxHead: number;
  readonly #maxBytes: number;
  readonly #kept: Buffer[] = [];
  /** The last bytes, where an empty line may have begun. A message may begin with one. */
  #tail = "\n";
  #isWhole = false;
  #size = 0;

  constructor(maxHead: number, maxBytes: number) {
    this.#maxHead = maxHead;
    this.#maxBytes = maxBytes;
  }

  /** True where the header block is whole, or so long that no more of it is kept. */
  get isDone(): boolean {
    return this.#isWhole || this.#size > this.#maxHead;
  }

  /** A copy of the header block, its empty line included. */
  head(): Buffer {
    return this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
  }

  /** The source's bytes. Throws SinkError where the source fails, ProtocolError where it is larger than allowed. */
  async *read(source: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
    if (source instanceof Uint8Array) {
      yield this.take(source);
      return;
    }
    try {
      for await (const chunk of source) yield this.take(chunk);
    } catch (cause) {
      if (cause instanceof PolywireError) throw cause;
      throw new SinkError(`the source of the message failed: ${String((cause as Error)?.message ?? cause)}`, { cause });
    }
  }

  /** The next bytes. Throws ProtocolError where there are more than allowed. */
  take(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (!this.#isWhole && this.#size <= this.#maxHead) this.#keep(bytes);
    this.#size += bytes.length;
    if (this.#size <= this.#maxBytes) return bytes;
    throw new ProtocolError(`a message larger than ${this.#maxBytes} bytes`, {
      advice: "maxBytes can be raised",
      clientUsable: true,
    });
  }

  #keep(bytes: Buffer): void {
    const text = this.#tail + bytes.toString("latin1", 0, this.#maxHead);
    const end = EMPTY_LINE.exec(text);
    this.#isWhole = end !== null;
    const length = end === null ? bytes.length : end.index + end[0].length - this.#tail.length;
    this.#kept.push(Buffer.from(bytes.subarray(0, length)));
    this.#tail = text.slice(-2);
  }
}
