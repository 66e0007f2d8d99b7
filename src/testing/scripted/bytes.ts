/** Bytes of a connection, waited for: a line, a number of bytes, or all until the end. Over TLS too, from any moment on. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { type SecureContext, TLSSocket } from "node:tls";
import { serveTls } from "../handshake.js";

/** How server writes are cut, so that a client meets every way a network can cut them. */
export interface Cutting {
  onePerSegment: boolean;
  splitAt: number | undefined;
  delay: number;
}

export class ByteStream {
  #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  readonly #waiters = new Set<() => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#listen();
  }

  /** What has come and was not asked for. */
  get waiting(): Buffer {
    return this.#received;
  }

  /** The next line without its line end; undefined when the client ended before one. */
  async line(): Promise<string | undefined> {
    for (let searched = 0; ; ) {
      const end = this.#received.indexOf(10, searched);
      if (end !== -1)
        return this.#take(end + 1)
          .toString("latin1")
          .replace(/\r?\n$/, "");
      if (this.#ended) return undefined;
      searched = this.#received.length;
      await this.#more();
    }
  }

  /** The next `count` bytes; fewer when the client ended before. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#received.length < count && !this.#ended) await this.#more();
    return this.#take(Math.min(count, this.#received.length));
  }

  /** Everything until the client ends. */
  async all(): Promise<Buffer> {
    while (!this.#ended) await this.#more();
    return this.#take(this.#received.length);
  }

  /** Resolves when the client has ended. */
  async end(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  async write(bytes: Buffer, cutting: Cutting): Promise<void> {
    if (cutting.delay > 0) await pause(cutting.delay);
    const segments = cut(bytes, cutting);
    for (const [index, segment] of segments.entries()) {
      // Else the system would join them. A turn in front of the first byte, too: it follows another write's last.
      if (cutting.onePerSegment) await nextTurn();
      else if (index > 0) await pause(2);
      if (this.#socket.destroyed) return;
      if (!this.#socket.write(segment)) await this.#drained();
    }
  }

  /** Goes on as a TLS server. What the client sent already belongs to its handshake. */
  async secure(secureContext: SecureContext): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners("data").removeAllListeners("end").pause();
    if (this.#received.length > 0) plain.unshift(this.#received);
    this.#received = Buffer.alloc(0);
    const socket = serveTls(plain, { isServer: true, secureContext });
    this.#socket = socket;
    this.#listen();
    await new Promise<void>((resolve) => {
      socket.once("secure", resolve);
      socket.once("close", resolve);
    });
  }

  /** Ends after everything written. */
  finish(): void {
    this.#socket.end();
  }

  /** Resets the connection, a moment later: a reset overtakes what the client has not read yet. */
  async reset(): Promise<void> {
    await pause(20);
    if (this.#socket instanceof TLSSocket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const ended = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.once("end", ended);
    this.#socket.once("close", ended);
  }

  #take(count: number): Buffer {
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("drain", resolve);
      this.#socket.once("close", resolve);
    });
  }
}

function cut(bytes: Buffer, { onePerSegment, splitAt }: Cutting): Buffer[] {
  if (onePerSegment) return Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1));
  if (splitAt === undefined || splitAt <= 0 || splitAt >= bytes.length) return [bytes];
  return [bytes.subarray(0, splitAt), bytes.subarray(splitAt)];
}
