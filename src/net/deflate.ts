/** COMPRESS DEFLATE (RFC 8054 for NNTP, RFC 4978 for IMAP): a socket whose bytes are deflated both ways. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib";
import { ProtocolError } from "../client/errors.js";

/** Raw deflate over a socket. What is written leaves at once (a sync flush per write); pauses reach the socket. */
export class DeflatedSocket extends Duplex {
  /** The socket that carries the compressed bytes. */
  readonly inner: Socket;
  // A server may end the connection without ending the deflate stream.
  readonly #inflate: InflateRaw = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 64 * 1024 });
  readonly #deflate: DeflateRaw = createDeflateRaw();

  /** `early`: bytes that were read from the socket already. */
  constructor(inner: Socket, early: Buffer) {
    super({ allowHalfOpen: false, decodeStrings: true });
    this.inner = inner;
    this.#receive();
    if (early.length > 0) this.#inflate.write(early);
    this.#deflate.on("data", (chunk: Buffer) => inner.write(chunk));
    this.#deflate.on("error", (error) => this.destroy(error));
  }

  override _read(): void {
    this.#inflate.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#deflate.write(chunk);
    this.#deflate.flush(constants.Z_SYNC_FLUSH, () => this.#sent(done));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.inner.destroy();
    this.#inflate.destroy();
    this.#deflate.destroy();
    done(error);
  }

  /** What was written counts as sent when the socket takes more. */
  #sent(done: () => void): void {
    if (this.inner.writableNeedDrain) this.inner.once("drain", done);
    else done();
  }

  #receive(): void {
    const { inner } = this;
    const inflate = this.#inflate;
    inner.on("data", (chunk: Buffer) => {
      if (!inflate.write(chunk)) inner.pause();
    });
    inflate.on("drain", () => inner.resume());
    inner.on("end", () => inflate.end());
    inner.on("close", () => inflate.end());
    inner.on("error", (error) => this.destroy(error));
    inflate.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) inflate.pause();
    });
    inflate.on("end", () => this.push(null));
    inflate.on("error", (cause) => {
      this.destroy(new ProtocolError(`the compressed bytes of the server are broken: ${cause.message}`, { cause }));
    });
    inner.resume();
  }
}
