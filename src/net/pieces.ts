/** Bodies that are kept in memory, and how large they may be. No I/O. */
import { ProtocolError } from "../client/errors.js";

/** A body on its way into memory, bounded. */
export class Pieces {
  readonly #limit: number;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#limit) {
      throw new ProtocolError(`a body of more than ${this.#limit} bytes does not go into memory`, {
        advice: "give a sink (to: path), or raise limits.body",
      });
    }
    this.#pieces.push(piece);
  }

  whole(): Buffer {
    return this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
  }
}
