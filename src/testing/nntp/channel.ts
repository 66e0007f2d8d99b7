/** One connection as lines: commands and articles in, replies out; TLS and DEFLATE switched on in between. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw } from "node:zlib";
import { serveTls } from "../handshake.js";
import { type ByteCount, type ByteFaults, Wire } from "../wire.js";
import { PIECE } from "./reply.js";

/** Bytes that may wait to be read before the client is held up. */
const MOST_WAITING = 1024 * 1024;

export class Channel {
  readonly #wire: Wire;
  #socket: Socket;
  #text = "";
  #at = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #pending = "";
  #deflate: DeflateRaw | undefined;
  /** Bytes that DEFLATE has taken, and that the client cannot read yet. */
  #unsynced = false;
  #sending: Promise<void> | undefined;

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

  get secure(): boolean {
    return this.tls !== undefined;
  }

  /** The socket, where it speaks TLS. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  get compressed(): boolean {
    return this.#deflate !== undefined;
  }

  /** Whether what was put should leave before the next command is done. */
  get urgent(): boolean {
    return this.#wire.slow || this.#pending.length > PIECE;
  }

  /** The next line without its end, if it is here already. */
  lineHere(): string | undefined {
    const end = this.#text.indexOf("\n", this.#at);
    if (end === -1) return undefined;
    const line = this.#text.slice(this.#at, this.#text[end - 1] === "\r" ? end - 1 : end);
    this.#take(end + 1);
    return line;
  }

  /** The next line; undefined when the client has gone. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const line = this.lineHere();
      if (line !== undefined || this.#ended) return line;
      await this.#more();
    }
  }

  /** A dotted article, with its dots undoubled (RFC 3977 3.1.1); undefined when the client has gone before its end. */
  async article(): Promise<string | undefined> {
    let from = this.#at;
    for (;;) {
      const empty = this.#text.startsWith(".\r\n", this.#at);
      const end = empty ? this.#at - 2 : this.#text.indexOf("\r\n.\r\n", from);
      if (empty || end !== -1) {
        const text = this.#text.slice(this.#at, end + 2);
        this.#take(end + 5);
        return (text.startsWith(".") ? text.slice(1) : text).replaceAll("\n.", "\n");
      }
      if (this.#ended) return undefined;
      from = Math.max(this.#at, this.#text.length - 4); // an end that is cut here
      await this.#more();
    }
  }

  /** Puts text (latin1) behind what will be sent. */
  put(text: string): void {
    this.#pending += text;
  }

  /** Sends what was put, as one reply; resolves when the system has it. */
  async flush(): Promise<void> {
    if (this.#pending === "" && !this.#unsynced) return;
    await this.#wire.delay();
    await this.write("");
    await this.#sync();
  }

  /** Sends what was put and a piece of a long reply; resolves when the piece's buffer may be used again. */
  async write(piece: Buffer | string): Promise<void> {
    const before = this.#pending + (typeof piece === "string" ? piece : "");
    this.#pending = "";
    if (before !== "") await this.#out(Buffer.from(before, "latin1"));
    if (typeof piece !== "string") await this.#out(piece);
  }

  /** Nothing can be sent any more. */
  get dead(): boolean {
    return this.#wire.dead;
  }

  /** Goes on over TLS, behind `reply`; what the client sent in plain text before the handshake is thrown away. */
  async upgrade(tls: TLSSocketOptions, reply: string): Promise<void> {
    this.#socket.pause();
    this.#socket.removeAllListeners("data");
    this.#text = "";
    this.#at = 0;
    this.put(reply);
    await this.flush();
    if (this.#socket.destroyed) return;
    this.#overTls(tls);
    this.#listen();
  }

  /** Everything from here on is deflated, in both directions (RFC 8054 2.2.2). */
  compress(): void {
    const inflate = createInflateRaw();
    inflate.on("data", (chunk: Buffer) => this.#received(chunk));
    inflate.on("error", () => this.destroy());
    this.#socket.removeAllListeners("data");
    this.#socket.on("data", (chunk: Buffer) => inflate.write(chunk));
    const early = this.#text.slice(this.#at);
    this.#text = "";
    this.#at = 0;
    if (early !== "") inflate.write(Buffer.from(early, "latin1"));
    const deflate = createDeflateRaw();
    deflate.on("data", (chunk: Buffer) => {
      deflate.pause();
      this.#sending = this.#wire.write(chunk).then(() => {
        this.#sending = undefined;
        deflate.resume();
      });
    });
    deflate.on("error", () => this.destroy());
    this.#socket.once("close", () => {
      inflate.destroy();
      deflate.destroy();
    });
    this.#deflate = deflate;
  }

  /** Ends the connection behind everything that was put. */
  async end(): Promise<void> {
    await this.flush();
    if (this.dead) return;
    if (this.#deflate) {
      const deflate = this.#deflate;
      await settled(deflate, (done) => deflate.once("end", done).end());
    }
    this.#socket.end();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#wire.destroy();
    this.#wake?.();
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
    this.#text += chunk.toString("latin1");
    if (this.#text.length - this.#at > MOST_WAITING && !this.#wake) this.#socket.pause();
    this.#wake?.();
  }

  #take(end: number): void {
    this.#at = end;
    if (this.#at < PIECE && this.#at < this.#text.length) return;
    this.#text = this.#text.slice(this.#at);
    this.#at = 0;
  }

  async #more(): Promise<void> {
    this.#socket.resume();
    await new Promise<void>((wake) => {
      this.#wake = wake;
    });
    this.#wake = undefined;
  }

  async #out(bytes: Buffer): Promise<void> {
    const deflate = this.#deflate;
    if (!deflate) return this.#wire.write(bytes);
    if (this.dead) return;
    this.#unsynced = true;
    await settled(deflate, (done) => deflate.write(bytes, done));
  }

  /** What was deflated so far leaves, with an empty block behind it, so that the client can read all of it. */
  async #sync(): Promise<void> {
    const deflate = this.#deflate;
    if (!deflate || this.dead) return;
    this.#unsynced = false;
    await settled(deflate, (done) => deflate.flush(constants.Z_SYNC_FLUSH, done));
    while (!this.dead && (this.#sending || deflate.readableLength > 0)) await (this.#sending ?? nextTurn());
  }
}

/** Waits for a callback of DEFLATE, or for its end, which drops callbacks. */
async function settled(deflate: DeflateRaw, begin: (done: () => void) => void): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      deflate.off("close", done);
      resolve();
    };
    deflate.once("close", done);
    begin(done);
  });
}
