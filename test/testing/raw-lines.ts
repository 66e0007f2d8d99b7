/** A client of lines without manners, for tests of servers: plays a dialogue as an RFC writes it, reads lines as they come. */
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import { expect } from "vitest";
import { testTls } from "../../src/testing/index.js";

export class RawLines {
  socket: Socket;
  /** Segments as they arrived. */
  segments: string[] = [];
  closed = false;
  #text = "";
  #wake = () => {};
  #write: (text: string) => void;

  static open(port: number, tls?: ConnectionOptions): RawLines {
    const to = { port, host: "127.0.0.1" };
    return new RawLines(tls ? connectTls({ ...to, ca: testTls.ca, ...tls }) : connect(to));
  }

  constructor(socket: Socket) {
    this.socket = socket;
    this.#write = (text) => void this.socket.write(text, "latin1");
    this.#listen(socket);
  }

  /**
   * Plays a dialogue: `C: ` lines are sent, `S: ` lines must come. A line that ends with `…` must only begin so.
   * Lines of the client that follow each other leave in one write.
   */
  async play(dialogue: string): Promise<this> {
    let packed = "";
    for (const line of dialogue.split("\n").map((line) => line.trimStart())) {
      if (line.startsWith("C:")) packed += `${line.slice(3)}\r\n`;
      else if (line.startsWith("S:")) {
        if (packed !== "") this.write(packed);
        packed = "";
        const wanted = line.slice(3);
        const came = await this.line();
        if (wanted.endsWith("…")) expect(came.slice(0, wanted.length - 1)).toBe(wanted.slice(0, -1));
        else expect(came).toBe(wanted);
      }
    }
    if (packed !== "") this.write(packed);
    return this;
  }

  /** One line without its CRLF; "" when the server hangs up before one. A bare CR or LF is a part of it. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\r\n");
      if (end !== -1) return this.take(end + 2).slice(0, -2);
      if (this.closed) return "";
      await this.#more();
    }
  }

  /** The lines up to the final dot, with dots undoubled. */
  async lines(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === "." || (line === "" && this.closed)) return lines;
      lines.push(line.startsWith(".") ? line.slice(1) : line);
    }
  }

  /** So many bytes, as latin1. */
  async bytes(count: number): Promise<string> {
    while (this.#text.length < count && !this.closed) await this.#more();
    return this.take(count);
  }

  /** Everything up to the server's hanging up. */
  async rest(): Promise<string> {
    await this.hungUp();
    return this.take(this.#text.length);
  }

  /** What is here already, not taken yet. */
  get waiting(): string {
    return this.#text;
  }

  take(count: number): string {
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  write(text: string): void {
    this.#write(text);
  }

  /** Writes a line and reads one line. */
  async ask(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.line();
  }

  /** Writes a line and reads an answer with a body, which comes without the status line. */
  async list(line: string): Promise<string[]> {
    expect(await this.ask(line)).toMatch(/^(?:[12]|\+OK)/);
    return this.lines();
  }

  /** The handshake, behind a 382. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.socket.removeAllListeners("data");
    const secure = connectTls({ socket: this.socket, ca: testTls.ca, host: "127.0.0.1", ...options });
    this.socket = secure;
    this.#listen(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once("secureConnect", resolve);
      secure.once("error", reject);
    });
    return secure;
  }

  /** DEFLATE in both directions, behind a 206. */
  deflate(): void {
    const deflate = createDeflateRaw();
    const inflate = createInflateRaw();
    deflate.pipe(this.socket);
    this.socket.removeAllListeners("data");
    this.socket.pipe(inflate);
    inflate.on("data", (chunk: Buffer) => this.#received(chunk));
    inflate.on("error", () => {}); // a stream that was cut
    // What came before the end is inflated behind it.
    this.socket.removeAllListeners("close");
    inflate.once("close", () => this.#hungUp());
    this.socket.once("close", () => inflate.end());
    this.#write = (text) => {
      deflate.write(text, "latin1");
      deflate.flush(constants.Z_SYNC_FLUSH);
    };
  }

  /** Resolves when the server has hung up. */
  async hungUp(): Promise<void> {
    while (!this.closed) await this.#more();
  }

  close(): void {
    this.socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.segments.push(chunk.toString("latin1"));
      this.#received(chunk);
    });
    socket.on("error", () => {});
    socket.once("close", () => this.#hungUp());
  }

  #hungUp(): void {
    this.closed = true;
    this.#wake();
  }

  #received(chunk: Buffer): void {
    this.#text += chunk.toString("latin1");
    this.#wake();
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The next line, or "silence" where none comes for a while. */
export function quiet(raw: RawLines): Promise<unknown> {
  return Promise.race([raw.line(), new Promise((resolve) => setTimeout(resolve, 50, "silence"))]);
}
