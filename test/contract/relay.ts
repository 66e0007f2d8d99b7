/** A wire between a client and a server that can be watched, silenced, cut, and tampered with. */
import net from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

/** One connection: the client's end, and the one to the server. */
interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

/** What is put into the server's bytes: around the ones, or in place of the ones, that come next behind this line of the client. */
export interface Tampering {
  readonly line: string;
  readonly before?: string | undefined;
  readonly behind?: string | undefined;
  readonly instead?: string | undefined;
}

/** Listens on a port of its own, and passes bytes on to a server. */
export class Relay {
  readonly host = "127.0.0.1";
  readonly port: number;
  /** What the client has sent, one character per byte. */
  said = "";
  /** Bytes of the server that were passed on. */
  heard = 0;
  /** What the server has sent, piece by piece, and how much the client had said by then. */
  readonly pieces: { readonly said: number; readonly bytes: Buffer }[] = [];
  /** The connections are cut when so many bytes of the server were passed on. */
  cutAt = Number.POSITIVE_INFINITY;
  /** Nothing of the server is passed on behind so many bytes. */
  silentAt = Number.POSITIVE_INFINITY;
  /** Every byte of the server is passed on in a segment of its own. */
  byByte = false;
  /** Nothing of the server is passed on behind the bytes that come next once the client has sent this line. */
  silentBehind: string | undefined;
  tampering: Tampering | undefined;
  readonly #listener: net.Server;
  readonly #pairs = new Set<Pair>();
  #held = false;
  /** The client is not read any more when it has sent so many bytes. */
  #deafAt = Number.POSITIVE_INFINITY;
  #slow: Promise<void> | undefined;
  /** What came of the server while it was held. */
  #waiting: (() => void)[] = [];

  static async start(port: number, host = "127.0.0.1"): Promise<Relay> {
    const listener = net.createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
    return new Relay(listener, host, port);
  }

  private constructor(listener: net.Server, host: string, port: number) {
    this.port = (listener.address() as net.AddressInfo).port;
    this.#listener = listener;
    listener.on("connection", (client: net.Socket) => this.#join(client, host, port));
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** The server is not heard any more, until `release()`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const pass of this.#waiting.splice(0)) pass();
  }

  /** So many bytes are passed on in each direction, and no more: a client that writes has no room at last. */
  stopBehind(bytes: number): void {
    this.silentAt = this.heard + bytes;
    this.#deafAt = this.said.length + bytes;
  }

  /** The connections end, as if the server had died. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.end();
      server.destroy();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#listener.close(done));
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }

  #join(client: net.Socket, host: string, port: number): void {
    const server = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on("data", (chunk: Buffer) => {
      this.said += chunk.toString("latin1");
      server.write(chunk);
      if (this.said.length >= this.#deafAt) client.pause();
    });
    server.on("data", (chunk: Buffer) => {
      this.pieces.push({ said: this.said.length, bytes: chunk });
      if (this.#held) this.#waiting.push(() => this.#pass(client, chunk));
      else this.#pass(client, chunk);
    });
    // A client that ends hears no more.
    client.on("end", () => {
      server.end();
      client.end();
    });
    const ended = () => void client.end();
    server.on("end", () => {
      if (this.#held) this.#waiting.push(ended);
      else ended();
    });
    client.on("error", () => client.destroy()).on("close", () => server.destroy());
    server.on("error", () => server.destroy());
    client.on("close", () => this.#pairs.delete(pair));
  }

  #pass(client: net.Socket, given: Buffer): void {
    const chunk = this.#tampered(given);
    const most = Math.min(this.cutAt, this.silentAt) - this.heard;
    const passed = chunk.subarray(0, Math.max(0, most));
    if (this.byByte || this.#slow) {
      this.#dribble(client, passed);
      return;
    }
    this.heard += passed.length;
    if (!client.destroyed && passed.length > 0) client.write(passed);
    if (this.heard >= this.cutAt) this.cut();
    if (this.silentBehind !== undefined && this.#hasSaid(this.silentBehind)) this.silentAt = this.heard;
  }

  /** Byte by byte, so that each is read before the next one comes; behind what is being passed on so already. */
  #dribble(client: net.Socket, bytes: Buffer): void {
    const before = this.#slow ?? Promise.resolve();
    const mine = before.then(async () => {
      for (let at = 0; at < bytes.length && !client.destroyed; at++) {
        client.write(bytes.subarray(at, at + 1));
        this.heard++;
        // In the next turn it is read; what that leads to is over in the one behind it.
        await nextTurn();
        await nextTurn();
      }
      if (this.#slow === mine) this.#slow = undefined;
    });
    this.#slow = mine;
  }

  #tampered(chunk: Buffer): Buffer {
    const { line, before = "", behind = "", instead } = this.tampering ?? {};
    if (line === undefined || !this.#hasSaid(line)) return chunk;
    this.tampering = undefined;
    const middle = instead === undefined ? chunk : Buffer.from(instead, "latin1");
    return Buffer.concat([Buffer.from(before, "latin1"), middle, Buffer.from(behind, "latin1")]);
  }

  #hasSaid(line: string): boolean {
    return this.said.includes(`${line}\r\n`);
  }
}
