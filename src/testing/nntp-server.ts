/** An NNTP server in memory, over real sockets, that can be told to misbehave: for tests of news clients. */
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Faults } from "./nntp/faults.js";
import { NntpGroups } from "./nntp/groups.js";
import { type NntpServerOptions, type ResolvedNntpServerOptions, resolve } from "./nntp/options.js";
import { Session, type Shared } from "./nntp/session.js";

/**
 * An NNTP server in memory, on a free port of loopback.
 *
 * @example
 * ```ts
 * import { expect, test } from "vitest";
 * import { NntpServer } from "polywire/testing";
 *
 * test("a row that was cut is asked for again", async () => {
 *   await using server = await NntpServer.start({ groups: { "alt.big": { generate: 10_000_000 } } });
 *   server.faults.cutOver = { row: 500 };
 *   const rows = await fetchNewest(server.urlOf("alt.big"), 1000);
 *   expect(rows).toHaveLength(1000);
 * });
 * ```
 */
export class NntpServer implements AsyncDisposable {
  /** The address it listens on: `127.0.0.1` by default. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** The newsgroups. Read and change them at any time: post, cancel, expire, renumber. */
  readonly groups: NntpGroups;
  /** What goes wrong. Change it at any time; it holds from the next command or reply on. */
  readonly faults: Faults;
  readonly #listener: Server;
  readonly #options: ResolvedNntpServerOptions;
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
  static async start(options: NntpServerOptions = {}): Promise<NntpServer> {
    const resolved = resolve(options);
    const groups = groupsOf(resolved); // one that cannot be made is an error before the port is taken
    const listener = createServer({ noDelay: true });
    await new Promise<void>((done, failed) => {
      listener.once("error", failed);
      listener.listen(resolved.port, resolved.host, 511, done);
    });
    return new NntpServer(listener, resolved, groups);
  }

  private constructor(listener: Server, options: ResolvedNntpServerOptions, groups: NntpGroups) {
    const address = listener.address();
    this.host = options.host;
    this.port = typeof address === "object" && address ? address.port : options.port;
    this.faults = options.faults;
    this.groups = groups;
    this.#options = options;
    this.#listener = listener;
    this.#shared = this.#share();
    listener.on("connection", (socket) => this.#accept(socket));
  }

  /** `nntp://alice:secret@127.0.0.1:port` (`nntps:` when TLS is implicit), without a path: append `/` and a group. */
  get url(): string {
    const [user, password = ""] = Object.entries(this.#options.users)[0] ?? [];
    const login = user === undefined ? "" : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    return `${this.#options.tls === "implicit" ? "nntps" : "nntp"}://${login}${host}:${this.port}`;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#shared.sessions.size;
  }

  /** The command lines received, as they came (passwords too), over all connections; bounded by `logLimit`. */
  get commands(): string[] {
    return this.#commands;
  }

  /** How many commands were received, also those no longer in {@link NntpServer.commands}. */
  get commandCount(): number {
    return this.#commandCount;
  }

  /** Bytes sent over all connections, as they were on the way (compressed, but not yet encrypted): what {@link Faults.closeAtByte} counts. */
  get replyBytes(): number {
    return this.#count.bytes;
  }

  /** Unsets every fault. */
  clearFaults(): void {
    for (const name of Object.keys(this.faults)) delete this.faults[name as keyof Faults];
  }

  /** The URL of a group, or of the server, to hand to `open()`: with `?security=plain` when the server has no TLS. */
  urlOf(group?: string): string {
    const path = group === undefined ? "" : `/${encodeURIComponent(group)}`;
    return `${this.url}${path}${this.#options.tls === "none" ? "?security=plain" : ""}`;
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
      groups: this.groups,
      faults: this.faults,
      count: this.#count,
      sessions: new Set(),
      get secureContext() {
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
    void session.run();
  }
}

function groupsOf({ hostname, overview, faults, now, groups }: ResolvedNntpServerOptions): NntpGroups {
  const all = new NntpGroups({ host: hostname, extra: overview, faults, now });
  for (const [name, group] of Object.entries(groups)) all.add(name, group, new Date("2020-01-01T00:00:00Z"));
  return all;
}
