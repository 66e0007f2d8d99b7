/** DEFLATE on the way out of a connection (RFC 4978, RFC 8054): one stream, from its beginning to the end of the connection. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { constants, createDeflateRaw, type DeflateRaw } from "node:zlib";
import type { Wire } from "./wire.js";

export class Deflater {
  readonly #wire: Wire;
  readonly #deflate: DeflateRaw;
  /** Bytes that DEFLATE has taken, and that the client cannot read yet. */
  #unsynced = false;
  #sending: Promise<void> | undefined;

  constructor(wire: Wire) {
    const deflate = createDeflateRaw();
    deflate.on("data", (chunk: Buffer) => {
      deflate.pause();
      this.#sending = wire.write(chunk).then(() => {
        this.#sending = undefined;
        deflate.resume();
      });
    });
    deflate.on("error", () => wire.destroy());
    this.#wire = wire;
    this.#deflate = deflate;
  }

  /** The client cannot read yet all that was written. */
  get unsynced(): boolean {
    return this.#unsynced;
  }

  /** Resolves when the buffer may be used again. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#wire.dead) return;
    this.#unsynced = true;
    await this.#settled((done) => this.#deflate.write(bytes, done));
  }

  /** What was written so far leaves, with an empty block behind it, so that the client can read all of it. */
  async sync(): Promise<void> {
    const deflate = this.#deflate;
    if (this.#wire.dead) return;
    this.#unsynced = false;
    await this.#settled((done) => deflate.flush(constants.Z_SYNC_FLUSH, done));
    while (!this.#wire.dead && (this.#sending || deflate.readableLength > 0)) await (this.#sending ?? nextTurn());
  }

  /** Sends the last block. */
  async end(): Promise<void> {
    const deflate = this.#deflate;
    await this.#settled((done) => deflate.once("end", done).end());
  }

  destroy(): void {
    this.#deflate.destroy();
  }

  /** Waits for a callback of DEFLATE, or for its end, which drops callbacks. */
  async #settled(begin: (done: () => void) => void): Promise<void> {
    const deflate = this.#deflate;
    await new Promise<void>((resolve) => {
      const done = () => {
        deflate.off("close", done);
        resolve();
      };
      deflate.once("close", done);
      begin(done);
    });
  }
}
