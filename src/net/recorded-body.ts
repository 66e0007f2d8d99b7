/** A dotted body whose lines go into the transcript, too: as they came, the final dot included. No I/O. */
import type { BodyReader } from "../wire/reply.js";
import { decodeText } from "../wire/text.js";

const LF = 10;
const CR = 13;

/** For short bodies that a transcript is not whole without. How long they may become is for the reader to say. */
export class RecordedBody implements BodyReader {
  readonly #reader: BodyReader;
  readonly #line: (line: string) => void;
  /** The beginning of a line. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(reader: BodyReader, line: (line: string) => void) {
    this.#reader = reader;
    this.#line = line;
  }

  get done(): boolean {
    return this.#reader.done;
  }

  push(chunk: Buffer, from: number): number {
    const used = this.#reader.push(chunk, from);
    const bytes = Buffer.concat([this.#rest, chunk.subarray(from, from + used)]);
    let at = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, at)) {
      this.#line(decodeText(bytes, at, end > at && bytes[end - 1] === CR ? end - 1 : end));
      at = end + 1;
    }
    this.#rest = bytes.subarray(at);
    return used;
  }
}
