/** A conversation on a bare socket, for tests of the test bed itself: lines out, lines in, no client of ours. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { createDeflateRaw, createInflateRaw, constants as zlib } from "node:zlib";

export interface ClientPair {
  readonly cert: string;
  readonly key: string;
}

export class RawTalk {
  #socket: Socket;
  #in: Duplex;
  #write: (text: string) => void;
  #said = "";
  /** The last five characters: to look into the whole for each piece that comes would take minutes for 30 MB. */
  #tail = "";
  #ended = false;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#in = socket;
    this.#write = (text) => socket.write(text, "latin1");
    socket.on("error", () => {}); // told by "close"
    this.#listen(socket);
  }

  /** With `ca`, TLS from the first octet; `client` is a certificate to be shown, in PEM. */
  static async open(server: { host: string; port: number }, ca?: string, client?: ClientPair): Promise<RawTalk> {
    const socket = ca
      ? connectTls({ host: server.host, port: server.port, ca, servername: "localhost", ...client })
      : connect({ host: server.host, port: server.port });
    await once(socket, ca ? "secureConnect" : "connect");
    return new RawTalk(socket);
  }

  /** The next line, without its end; rejects when the server hangs up instead. */
  async line(): Promise<string> {
    await this.#until(() => this.#said.includes("\r\n"));
    return this.#take(this.#said.indexOf("\r\n") + 2).slice(0, -2);
  }

  /** Lines up to the one that is a dot, still dot-stuffed, each with its end; without the last. Nothing may come behind. */
  async body(): Promise<string> {
    await this.#until(() => this.#tail === "\r\n.\r\n");
    return this.#take(this.#said.length).slice(0, -3);
  }

  /** Sends a line, resolves to the first line of the answer. */
  async ask(line: string): Promise<string> {
    this.#write(`${line}\r\n`);
    return this.line();
  }

  /** A reply of SMTP or LMTP: its lines up to the one with no hyphen behind the code, each with its end but the last. */
  async reply(): Promise<string> {
    const line = await this.line();
    return /^\d{3}-/.test(line) ? `${line}\r\n${await this.reply()}` : line;
  }

  /** Sends a line, resolves to the whole reply. */
  command(line: string): Promise<string> {
    this.#write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends a line whose answer has several, of the code given; resolves to those behind the first. */
  async list(line: string, code: string): Promise<string> {
    const first = await this.ask(line);
    if (!first.startsWith(code)) throw new Error(`${line}: ${first}`);
    return this.body();
  }

  /** The TLS handshake: the answer to STARTTLS has been read. */
  async startTls(ca: string): Promise<void> {
    this.#socket.removeAllListeners("data");
    const secure: TLSSocket = connectTls({ socket: this.#socket, ca, servername: "localhost" });
    await once(secure, "secureConnect");
    this.#socket = secure;
    this.#write = (text) => secure.write(text, "latin1");
    this.#listen(secure);
  }

  /** Raw deflate both ways: the answer to COMPRESS DEFLATE has been read. */
  startDeflate(): void {
    this.#in.removeAllListeners("data");
    const [out, back] = [createDeflateRaw({ flush: zlib.Z_SYNC_FLUSH }), createInflateRaw()];
    out.pipe(this.#socket);
    this.#write = (text) => out.write(text, "latin1");
    this.#socket.pipe(back);
    this.#listen(back);
  }

  /** Resolves when the server has hung up. */
  async ended(): Promise<void> {
    await this.#until(() => this.#ended).catch(() => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(stream: Duplex): void {
    this.#in = stream;
    stream.on("data", (bytes: Buffer) => {
      const text = bytes.toString("latin1");
      this.#said += text;
      this.#tail = (this.#tail + text).slice(-5);
      this.#wake();
    });
    stream.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #take(length: number): string {
    const taken = this.#said.slice(0, length);
    this.#said = this.#said.slice(length);
    return taken;
  }

  async #until(there: () => boolean): Promise<void> {
    while (!there()) {
      if (this.#ended) throw new Error(`the server hung up after: ${this.#said}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
