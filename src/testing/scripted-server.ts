/** A server that plays a written dialogue, for any line protocol: says the S: lines, expects the C: lines. */
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { Player, type PlayOptions } from "./scripted/play.js";
import { parseScript, type ScriptStep } from "./scripted/script.js";
import { type CertifiedKey, testTls } from "./tls.js";

/** How a script is played. */
export interface ScriptedServerOptions {
  /** TLS from the first byte: with `testTls.server`, or with this certificate (which a `TLS` step uses too). Default: false. */
  tls?: boolean | CertifiedKey | undefined;
  /** The certificate of `TLS` steps when `tls` gives none. Default: `testTls.server`. */
  certificate?: CertifiedKey | undefined;
  /** Every byte travels in a segment of its own. Default: false. */
  onePerSegment?: boolean | undefined;
  /** Every write is cut in two segments at this byte. Consecutive S: lines are one write. Default: whole. */
  splitAt?: number | undefined;
  /** Milliseconds to wait before each write. Default: 0. */
  delay?: number | undefined;
  /** The address to listen on. Default: `"127.0.0.1"`. */
  host?: string | undefined;
}

/**
 * Plays a script against a client: one line of the script is one line of the dialogue.
 *
 * | line | means |
 * |---|---|
 * | `S: text` | the server sends this line (CRLF is added); consecutive ones leave in one write |
 * | `S~ base64` | the server sends these bytes |
 * | `C: text` | the client must send exactly this line; a last word `***` stands for any secret |
 * | `C: /regexp/` | the client must send a line that matches |
 * | `C~ base64` | the client must send these bytes (a literal, a chunk) |
 * | `TLS` | a TLS handshake begins here (STARTTLS) |
 * | `CLOSE`, `RESET` | the server ends, or resets, the connection |
 * | `WAIT 50` | nothing happens for 50 ms |
 * | `S: 229 ok ({epsv})` | `{port}`, `{epsv}`, `{pasv}` open a listener for one data connection and give its address |
 * | `D: text`, `D~ base64` | the server sends this line, or these bytes, on the data connection |
 * | `D< any`, `D< text`, `D< /regexp/`, `D<~ base64` | the client sends until it ends: anything, this line, a match, these bytes |
 * | `D TLS`, `D CLOSE` | TLS begins on the data connection; the server ends it |
 * | `---` | the next connection plays what follows |
 * | `# text` | a remark |
 *
 * Characters are bytes (latin1). A transcript saved by a polywire client is such a script.
 *
 * @example
 * ```ts
 * import { expect, test } from "vitest";
 * import { ScriptedServer } from "polywire/testing";
 *
 * test("a refused password", async () => {
 *   await using server = await ScriptedServer.start(`
 *     S: +OK ready
 *     C: USER alice
 *     S: +OK
 *     C: PASS ***
 *     S: -ERR no
 *   `);
 *   await expect(login(server.host, server.port, "alice", "wrong")).rejects.toThrow();
 *   await server.done; // rejects, naming the line, if the client said anything else
 * });
 * ```
 */
export class ScriptedServer implements AsyncDisposable {
  /** The address it listens on: `127.0.0.1` by default. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /**
   * Resolves when every connection of the script has been played to its last line; rejects with a
   * {@link ScriptMismatch} at the first wrong line, or when the server is closed before the end.
   */
  readonly done: Promise<void>;
  readonly #listener: Server;
  readonly #parts: ScriptStep[][];
  readonly #options: PlayOptions;
  readonly #tlsFirst: boolean;
  readonly #players = new Set<Player>();
  readonly #sockets = new Set<Socket>();
  #next = 0;
  #played = 0;
  #settle!: (error?: Error) => void;

  /**
   * Reads the script and listens on a free port.
   *
   * @throws ScriptError when the script cannot be read
   */
  static async start(script: string, options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
    const parts = parseScript(script);
    const listener = createServer({ noDelay: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen(0, options.host ?? "127.0.0.1", resolve);
    });
    return new ScriptedServer(listener, parts, options);
  }

  private constructor(listener: Server, parts: ScriptStep[][], options: ScriptedServerOptions) {
    const address = listener.address();
    this.host = options.host ?? "127.0.0.1";
    this.port = typeof address === "object" && address ? address.port : 0;
    this.#listener = listener;
    this.#parts = parts;
    this.#tlsFirst = options.tls !== undefined && options.tls !== false;
    this.#options = this.#resolve(options);
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    this.done.catch(() => {}); // a test that does not look at it is not killed by it
    listener.on("connection", (socket) => void this.#accept(socket));
  }

  /** `url("pop3")` → `pop3://127.0.0.1:port`. */
  url(scheme: string): string {
    return `${scheme}://${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /** Cuts every connection and stops listening. Rejects `done` when the script was not played to its end. */
  async close(): Promise<void> {
    this.#settle(new Error(`the server was closed after ${this.#played} of ${this.#parts.length} connections`));
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const player of this.#players) player.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #resolve(options: ScriptedServerOptions): PlayOptions {
    const certificate = typeof options.tls === "object" ? options.tls : (options.certificate ?? testTls.server);
    let context: SecureContext | undefined;
    return {
      host: this.host,
      onePerSegment: options.onePerSegment ?? false,
      splitAt: options.splitAt,
      delay: options.delay ?? 0,
      secureContext: () => (context ??= createSecureContext({ cert: certificate.cert, key: certificate.key })),
    };
  }

  async #accept(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
    const steps = this.#parts[this.#next++];
    if (!steps) {
      socket.destroy();
      return this.#settle(new Error(`the script has ${this.#parts.length} connections, the client opened one more`));
    }
    const player = new Player(socket, steps, this.#options);
    this.#players.add(player);
    try {
      await player.play(this.#tlsFirst);
      this.#played += 1;
      if (this.#played === this.#parts.length) this.#settle();
      await player.linger();
    } catch (error) {
      player.destroy();
      this.#settle(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
