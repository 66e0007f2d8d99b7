/** One connection as bytes and lines: commands and message data in, replies out; TLS and DEFLATE switched on in between. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { createInflateRaw } from "node:zlib";
import type { Lines } from "./conversation.js";
import { Deflater } from "./deflater.js";
import { serveTls } from "./handshake.js";
import { type ByteCount, type ByteFaults, Wire } from "./wire.js";

/** Bytes that may wait to be read before the client is held up. */
const MOST_WAITING = 256 * 1024;
/** Characters of replies gathered before they leave. */
const PIECE = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export class ByteChannel implements Lines {
  readonly #wire: Wire;
  #socket: Socket;
  #held: Buffer = NOTHING;
  #at = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #text = "";
  #pieces: Buffer[] = [];
  #gathered = 0;
  #endedBare = false;
  #deflater: Deflater | undefined;

  constructor(socket: Socket, faults: ByteFaults, count: ByteCount) {
    this.#socket = socket;
    this.#wire = new Wire(socket, faults, count);
  }

  /** Begins to read; over TLS from the first byte where its options are given. */
  start(tls?: TLSSocketOptions): void {
    this.#socket.setNoDelay(true);
    if (tls) this.#overTls(tls);
    this.#listen();
  }

  /** The socket, where it speaks TLS. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  /** DEFLATE is active. */
  get compressed(): boolean {
    return this.#deflater !== undefined;
  }

  get urgent(): boolean {
    return this.#wire.slow || this.#gathered > PIECE;
  }

  /** Nothing can be sent any more. */
  get dead(): boolean {
    return this.#wire.dead;
  }

  /** What has come and is not taken yet. Valid until the next wait. */
  get waiting(): Buffer {
    return this.#at === 0 ? this.#held : this.#held.subarray(this.#at);
  }

  /** Whether the last line ended with LF alone. */
  get endedBare(): boolean {
    return this.#endedBare;
  }

  /** Takes so many of the bytes that wait. */
  skip(count: number): void {
    this.#at += count;
    if (this.#at < this.#held.length) return;
    this.#held = NOTHING;
    this.#at = 0;
  }

  lineHere(): string | undefined {
    const end = this.#held.indexOf(10, this.#at);
    if (end === -1) {
      if (this.#held.length - this.#at > MOST_WAITING) this.destroy();
      return undefined;
    }
    this.#endedBare = end === this.#at || this.#held[end - 1] !== 13;
    const line = this.#held.toString("latin1", this.#at, this.#endedBare ? end : end - 1);
    this.skip(end + 1 - this.#at);
    return line;
  }

  async line(): Promise<string | undefined> {
    for (;;) {
      const line = this.lineHere();
      if (line !== undefined || !(await this.more())) return line;
    }
  }

  /** Waits for more bytes; false when the client has gone. */
  async more(): Promise<boolean> {
    if (this.#ended) return false;
    this.#socket.resume();
    const before = this.waiting.length;
    await new Promise<void>((wake) => {
      this.#wake = wake;
    });
    this.#wake = undefined;
    return !this.#ended || this.waiting.length > before;
  }

  /** Puts text (latin1) or bytes behind what will be sent. The bytes must stay as they are until they have left. */
  put(what: string | Buffer): void {
    this.#gathered += what.length;
    if (typeof what === "string") {
      this.#text += what;
      return;
    }
    this.#intoPieces();
    this.#pieces.push(what);
  }

  async flush(): Promise<void> {
    if (this.#gathered === 0 && !this.#deflater?.unsynced) return;
    await this.#wire.delay();
    await this.#leave();
  }

  /** Sends what was put of a reply that goes on; resolves when the bytes may change again. */
  async drain(): Promise<void> {
    if (this.#gathered === 0) return;
    this.#intoPieces();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#gathered = 0;
    const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    await (this.#deflater ?? this.#wire).write(bytes);
  }

  /** Sends what was put; what follows will travel in another segment. */
  async part(): Promise<void> {
    await this.#leave();
    await sleep(2); // else the systems on the way would join them
  }

  /** Goes on over TLS, behind `reply`; what the client sent in plain text before the handshake is thrown away. */
  async upgrade(tls: TLSSocketOptions, reply: string): Promise<void> {
    this.#socket.pause();
    this.#socket.removeAllListeners("data");
    this.skip(this.waiting.length);
    this.put(reply);
    await this.flush();
    if (this.#socket.destroyed) return;
    this.#overTls(tls);
    this.#listen();
  }

  /** Everything from here on is deflated, in both directions (RFC 4978, RFC 8054 2.2.2). */
  compress(): void {
    const inflate = createInflateRaw();
    inflate.on("data", (chunk: Buffer) => this.#received(chunk));
    inflate.on("error", () => this.destroy());
    this.#socket.removeAllListeners("data");
    this.#socket.on("data", (chunk: Buffer) => inflate.write(chunk));
    inflate.write(Buffer.from(this.waiting));
    this.skip(this.waiting.length);
    const deflater = new Deflater(this.#wire);
    this.#socket.once("close", () => {
      inflate.destroy();
      deflater.destroy();
    });
    this.#deflater = deflater;
  }

  async end(): Promise<void> {
    await this.flush();
    if (this.dead) return;
    await this.#deflater?.end();
    this.#socket.end();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#wire.destroy();
    this.#ended = true;
    this.#wake?.();
  }

  /** Sends what was put, so that the client can read all of it. */
  async #leave(): Promise<void> {
    await this.drain();
    await this.#deflater?.sync();
  }

  #overTls(tls: TLSSocketOptions): void {
    this.#socket = serveTls(this.#socket, tls);
    this.#wire.use(this.#socket);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", () => socket.destroy());
    const gone = () => {
      if (socket !== this.#socket) return;
      this.#ended = true;
      this.#wake?.();
    };
    socket.once("end", gone);
    socket.once("close", gone);
  }

  #received(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.waiting, chunk]);
    this.#at = 0;
    if (this.#held.length > MOST_WAITING && !this.#wake) this.#socket.pause();
    this.#wake?.();
  }

  #intoPieces(): void {
    if (this.#text === "") return;
    this.#pieces.push(Buffer.from(this.#text, "latin1"));
    this.#text = "";
  }
}
