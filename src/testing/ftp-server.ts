/** An FTP server in memory, over real sockets, that can be told to misbehave: for tests of FTP clients. */
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Faults } from "./ftp/faults.js";
import { type FtpServerOptions, type ResolvedFtpServerOptions, resolve } from "./ftp/options.js";
import { Session, type Shared } from "./ftp/session.js";
import { FtpTree } from "./ftp/tree.js";

/**
 * An FTP server in memory, on a free port of loopback.
 *
 * @example
 * ```ts
 * import { expect, test } from "vitest";
 * import { FtpServer } from "polywire/testing";
 *
 * test("a file moves away once it is safe", async () => {
 *   await using server = await FtpServer.start({ files: { "/in/a.txt": "hello" } });
 *   server.faults.loseReply = { command: "RNTO" };
 *   await moveEverything(server.url);
 *   expect(server.tree.read("/out/a.txt").toString()).toBe("hello");
 * });
 * ```
 */
export class FtpServer implements AsyncDisposable {
  /** The address it listens on: `127.0.0.1` by default. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** The files. Read and change them at any time. */
  readonly tree: FtpTree;
  /** What goes wrong. Change it at any time; it holds from the next command, reply or transfer on. */
  readonly faults: Faults;
  readonly #listener: Server;
  readonly #options: ResolvedFtpServerOptions;
  readonly #shared: Shared;
  readonly #sockets = new Set<Socket>();
  readonly #count = { bytes: 0 };
  #commands: string[] = [];
  #commandCount = 0;

  /**
   * Starts a server.
   *
   * @returns a server that accepts connections; `close()` it, or declare it with `await using`
   */
  static async start(options: FtpServerOptions = {}): Promise<FtpServer> {
    const resolved = resolve(options);
    const listener = createServer({ noDelay: true });
    await new Promise<void>((done, failed) => {
      listener.once("error", failed);
      listener.listen(resolved.port, resolved.host, 511, done);
    });
    return new FtpServer(listener, resolved);
  }

  private constructor(listener: Server, options: ResolvedFtpServerOptions) {
    const address = listener.address();
    this.host = options.host;
    this.port = typeof address === "object" && address ? address.port : options.port;
    this.faults = options.faults;
    this.tree = new FtpTree();
    this.tree.mkdir(options.home);
    for (const [path, data] of Object.entries(options.files)) this.tree.write(path, data);
    this.#options = options;
    this.#listener = listener;
    this.#shared = this.#share();
    listener.on("connection", (socket) => this.#accept(socket));
  }

  /** `ftp://test:test@127.0.0.1:port` (`ftps:` when TLS is implicit), without a path: append one that begins with `/`. */
  get url(): `ftp://${string}` | `ftps://${string}` {
    const [user = "anonymous", password = "guest"] = Object.entries(this.#options.users)[0] ?? [];
    const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    return `${this.#options.tls === "implicit" ? "ftps" : "ftp"}://${login}@${host}:${this.port}`;
  }

  /** Control connections open now. */
  get connections(): number {
    return this.#shared.sessions.size;
  }

  /** The command lines received, as they came (passwords too), over all connections; bounded by `logLimit`. */
  get commands(): string[] {
    return this.#commands;
  }

  /** How many commands were received, also those no longer in {@link FtpServer.commands}. */
  get commandCount(): number {
    return this.#commandCount;
  }

  /** Bytes of replies sent over all control connections: what {@link Faults.closeAtByte} counts. */
  get controlBytes(): number {
    return this.#count.bytes;
  }

  /** Unsets every fault. */
  clearFaults(): void {
    for (const name of Object.keys(this.faults)) delete this.faults[name as keyof Faults];
  }

  /** The URL of a path, to hand to `open()`: with `?security=plain` when the server has no TLS. */
  urlOf(path = "/"): `ftp://${string}` | `ftps://${string}` {
    const percent = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
    const encoded = path.replace(/[^A-Za-z0-9\-_.~/]/g, percent); // a character is a byte
    return `${this.url}${encoded}${this.#options.tls === "none" ? "?security=plain" : ""}`;
  }

  /** Cuts every connection, without a word; the server goes on listening. */
  dropConnections(): void {
    for (const session of [...this.#shared.sessions]) session.close();
  }

  /** Stops listening and cuts every connection. No handle is left. Safe to call twice. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#listener.close(() => done()));
    this.dropConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #share(): Shared {
    let context: SecureContext | undefined;
    const { certificate, logLimit } = this.#options;
    return {
      options: this.#options,
      tree: this.tree,
      faults: this.faults,
      controlCount: this.#count,
      sessions: new Set(),
      get secureContext() {
        // One context and one ticket key for control and data connections: a session begun on one resumes on the other.
        context ??= createSecureContext({ ...certificate, sessionIdContext: "polywire", ticketKeys: randomBytes(48) });
        return context;
      },
      log: (line) => {
        this.#commandCount += 1;
        if (this.#commands.length >= logLimit) this.#commands = this.#commands.slice(logLimit >> 1);
        this.#commands.push(line);
      },
    };
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const session = new Session(socket, this.#shared);
    this.#shared.sessions.add(session);
    session.start();
  }
}
