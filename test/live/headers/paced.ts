/** Something between a client and a server that lets bytes through at a pace, so that there is time to kill the client. */
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Bytes that are let through at once. */
const PIECE = 4096;
/** Milliseconds that it may be behind before it waits: timers are no finer. */
const SLACK = 4;

export class Paced implements AsyncDisposable {
  /** Bytes a second, from the server to all clients together. */
  rate: number;
  /** What went to the clients since the last {@link forget}. */
  bytes = 0;
  /** Clients that are connected. */
  clients = 0;
  /** Called with what the clients say. */
  onSaid: (bytes: Buffer) => void = () => {};
  readonly #listener: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** When the next piece may go. */
  #next = 0;

  private constructor(listener: net.Server, host: string, port: number, rate: number) {
    this.rate = rate;
    this.#listener = listener;
    listener.on("connection", (client) => this.#join(client, net.connect({ host, port, noDelay: true })));
  }

  static async start(host: string, port: number, rate: number): Promise<Paced> {
    const listener = net.createServer({ noDelay: true });
    const paced = new Paced(listener, host, port, rate);
    await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
    return paced;
  }

  get port(): number {
    return (this.#listener.address() as net.AddressInfo).port;
  }

  forget(): void {
    this.bytes = 0;
  }

  /** Lets go of everybody, and of what waited for its turn: the next client has this rate. */
  restart(rate: number): void {
    for (const socket of this.#sockets) socket.destroy();
    this.rate = rate;
    this.#next = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#listener.close(done));
  }

  #join(client: net.Socket, server: net.Socket): void {
    for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
      this.#sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
    }
    this.clients++;
    client.once("close", () => this.clients--);
    client.on("data", (bytes) => this.onSaid(bytes)).pipe(server);
    void this.#pass(server, client);
  }

  async #pass(server: net.Socket, client: net.Socket): Promise<void> {
    try {
      for await (const chunk of server as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; at += PIECE) {
          const piece = chunk.subarray(at, at + PIECE);
          await this.#turn(piece.length);
          this.bytes += piece.length;
          if (!client.write(piece)) await Promise.race([once(client, "drain"), once(client, "close")]);
        }
      }
    } catch {
      // The server is gone, or the client with it.
    }
    client.end();
  }

  async #turn(bytes: number): Promise<void> {
    const now = performance.now();
    this.#next = Math.max(this.#next, now) + (bytes * 1000) / this.rate;
    if (this.#next - now > SLACK) await sleep(this.#next - now);
  }
}
