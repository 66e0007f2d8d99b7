/** An FTP server in memory, over real sockets, that can be told to misbehave: for tests of FTP clients. */
import type { Server, Socket } from "node:net";
import type { Faults } from "./ftp/faults.js";
import { type FtpServerOptions, type ResolvedFtpServerOptions, resolve } from "./ftp/options.js";
import { Session, type Shared } from "./ftp/session.js";
import { FtpTree } from "./ftp/tree.js";
import { listen, MemoryServer } from "./memory-server.js";

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
export class FtpServer extends MemoryServer<Faults, Session> {
  /** The files. Read and change them at any time. */
  readonly tree: FtpTree;
  readonly #options: ResolvedFtpServerOptions;
  readonly #shared: Shared;

  /**
   * Starts a server.
   *
   * @returns a server that accepts connections; `close()` it, or declare it with `await using`
   */
  static async start(options: FtpServerOptions = {}): Promise<FtpServer> {
    const resolved = resolve(options);
    return new FtpServer(await listen(resolved), resolved);
  }

  private constructor(listener: Server, options: ResolvedFtpServerOptions) {
    super(listener, options);
    this.tree = new FtpTree();
    this.tree.mkdir(options.home);
    for (const [path, data] of Object.entries(options.files)) this.tree.write(path, data);
    this.#options = options;
    this.#shared = Object.assign(this.hall, { options, tree: this.tree, faults: this.faults });
  }

  /**
   * `ftp://test:test@127.0.0.1:port` (`ftps:` when TLS is implicit), without a path: append one that begins with `/`.
   * Without TLS, `open()` needs `?security=plain` behind it: {@link FtpServer.urlOf} has it.
   */
  get url(): `ftp://${string}` | `ftps://${string}` {
    return this.address("ftp", Object.entries(this.#options.users)[0] ?? ["anonymous", "guest"]);
  }

  /** Bytes of replies sent over all control connections: what {@link Faults.closeAtByte} counts. */
  get controlBytes(): number {
    return this.hall.count.bytes;
  }

  /** The URL of a path, to hand to `open()`: with `?security=plain` when the server has no TLS. */
  urlOf(path = "/"): `ftp://${string}` | `ftps://${string}` {
    const percent = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
    const encoded = path.replace(/[^A-Za-z0-9\-_.~/]/g, percent); // a character is a byte
    return `${this.url}${encoded}${this.plainly}`;
  }

  /** @internal */
  protected override meet(socket: Socket): Session {
    return new Session(socket, this.#shared);
  }
}
