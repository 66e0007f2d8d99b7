/** A client without manners, for tests of servers: writes what it is told, reads replies as they come. */
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { testTls } from "../../src/testing/index.js";

export class RawClient {
  socket: Socket;
  /** Segments as they arrived. */
  segments: string[] = [];
  #text = "";
  #wake = () => {};
  closed = false;

  static open(port: number, tls?: ConnectionOptions): RawClient {
    return new RawClient(
      tls ? connectTls({ port, host: "127.0.0.1", ca: testTls.ca, ...tls }) : connect({ port, host: "127.0.0.1" }),
    );
  }

  constructor(socket: Socket) {
    this.socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.segments.push(chunk.toString("latin1"));
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** One whole FTP reply; "" when the server hangs up before one. */
  async reply(): Promise<string> {
    for (;;) {
      const whole = /^(?:(\d{3})-[\0-\xff]*?\r\n)??(?:\1|\d{3}) [^\r]*\r\n/.exec(this.#text);
      const found = whole && (!/^\d{3}-/.test(this.#text) || whole[1]) ? whole[0] : undefined;
      if (found !== undefined) {
        this.#text = this.#text.slice(found.length);
        return found.trimEnd();
      }
      if (this.closed) return "";
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Writes a line and reads its reply. */
  async ask(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Several lines in one write; their replies. */
  async pack(...lines: string[]): Promise<string[]> {
    this.write(lines.map((line) => `${line}\r\n`).join(""));
    const replies: string[] = [];
    for (const _ of lines) replies.push(await this.reply());
    return replies;
  }

  async login(user = "test", password = "test"): Promise<this> {
    await this.reply();
    await this.pack(`USER ${user}`, `PASS ${password}`, "TYPE I");
    return this;
  }

  /** AUTH TLS, then the rest over TLS. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    await this.ask("AUTH TLS");
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

  /** Opens a data connection by EPSV. */
  async passive(): Promise<Socket> {
    const port = Number(/\|(\d+)\|/.exec(await this.ask("EPSV"))?.[1]);
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    return socket;
  }

  /** EPSV, a command that sends data, and both of its replies. */
  async receive(line: string): Promise<{ text: string; replies: string[] }> {
    const socket = await this.passive();
    const all = readAll(socket);
    const first = await this.ask(line);
    if (!first.startsWith("1")) {
      socket.destroy();
      return { text: "", replies: [first] };
    }
    return { text: await all, replies: [first, await this.reply()] };
  }

  /** EPSV, a command that takes data, and both of its replies. */
  async send(line: string, data: string | Buffer): Promise<string[]> {
    const socket = await this.passive();
    const first = await this.ask(line);
    if (!first.startsWith("1")) {
      socket.destroy();
      return [first];
    }
    socket.resume().end(data);
    return [first, await this.reply()];
  }

  /** Resolves when the server has hung up. */
  async hungUp(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
  }

  close(): void {
    this.socket.destroy();
  }
}

/** All bytes until the end or the cut, as latin1. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once("close", resolve));
  return Buffer.concat(chunks).toString("latin1");
}
