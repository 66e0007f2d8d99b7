/** A TCP front of a server, which notes when each connection came, and how many there were at a time. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import type { LiveFtp } from "../servers/ftp.js";

export class Front implements AsyncDisposable {
  /** When each connection came: milliseconds, on a clock that only goes on. */
  readonly times: number[] = [];
  /** The most at a time. */
  most = 0;
  #now = 0;
  readonly #server: Server;

  private constructor({ host, port }: LiveFtp) {
    this.#server = createServer((client) => {
      this.times.push(performance.now());
      this.most = Math.max(this.most, ++this.#now);
      const server = connect({ host, port, noDelay: true });
      client.setNoDelay();
      client.pipe(server).pipe(client);
      client.on("error", () => server.destroy()).once("close", () => this.#now--);
      server.on("error", () => client.destroy());
    });
  }

  /** On the server's own address, where its data connections are. */
  static async before(server: LiveFtp): Promise<Front> {
    const front = new Front(server);
    front.#server.listen(0, server.host);
    await once(front.#server, "listening");
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The most connections that came within less than a second. */
  get mostInASecond(): number {
    const counts = this.times.map((from) => this.times.filter((time) => time >= from && time < from + 1000).length);
    return Math.max(...counts);
  }

  /** Those who are connected have gone by then. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
