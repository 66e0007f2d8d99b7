/** What the servers in memory have in common: a port, sessions, the log of commands, TLS, an end. Knows no protocol. */
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, type TLSSocketOptions } from "node:tls";
import type { CertifiedKey } from "./tls.js";
import type { ByteCount } from "./wire.js";

/** What a server must be told, in every protocol. */
export interface Settings<F> {
  readonly host: string;
  readonly port: number;
  readonly tls: "none" | "explicit" | "starttls" | "implicit";
  readonly certificate: CertifiedKey;
  /** Clients are asked for a certificate that this authority (PEM) has signed; one without is served all the same. */
  readonly clientCa?: string | undefined;
  readonly faults: F;
  readonly logLimit: number;
}

/** One client's conversation, as the server sees it. */
export interface Served {
  run(): Promise<void> | void;
  close(): void;
}

/** What all sessions of a server share, in every protocol. */
export class Hall<S> {
  /** Sessions that are open now. */
  readonly sessions = new Set<S>();
  /** Bytes sent over all connections. */
  readonly count: ByteCount = { bytes: 0 };
  commands: string[] = [];
  commandCount = 0;
  readonly #settings: Settings<object>;
  #context: SecureContext | undefined;

  constructor(settings: Settings<object>) {
    this.#settings = settings;
  }

  /** One context and one ticket key for all connections: a session begun on one resumes on another. */
  get secureContext(): SecureContext {
    const { certificate, clientCa: ca } = this.#settings;
    const resumable = { sessionIdContext: "polywire", ticketKeys: randomBytes(48) };
    this.#context ??= createSecureContext({ ...certificate, ...resumable, ...(ca === undefined ? {} : { ca }) });
    return this.#context;
  }

  /** How TLS begins, for a TLSSocket on this side. */
  get handshake(): TLSSocketOptions {
    const asks = this.#settings.clientCa !== undefined;
    return { isServer: true, secureContext: this.secureContext, requestCert: asks, rejectUnauthorized: false };
  }

  /** Notes a command line; past `logLimit` lines the oldest half is dropped. */
  log(line: string): void {
    const { logLimit } = this.#settings;
    this.commandCount += 1;
    if (this.commands.length >= logLimit) this.commands = this.commands.slice(logLimit >> 1);
    this.commands.push(line);
  }
}

/** Takes a port. Rejects where it is taken already. */
export async function listen({ host, port }: { host: string; port: number }): Promise<Server> {
  const listener = createServer({ noDelay: true });
  await new Promise<void>((done, failed) => {
    listener.once("error", failed);
    listener.listen(port, host, 511, done);
  });
  return listener;
}

/** A server in memory, whatever it speaks. */
export abstract class MemoryServer<F extends object, S extends Served> implements AsyncDisposable {
  /** The address it listens on: `127.0.0.1` by default. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** What goes wrong. Change it at any time; it holds from the next command or reply on. */
  readonly faults: F;
  /** @internal */
  protected readonly hall: Hall<S>;
  readonly #tls: Settings<F>["tls"];
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();

  /** @internal */
  protected constructor(listener: Server, settings: Settings<F>) {
    const address = listener.address();
    this.host = settings.host;
    this.port = typeof address === "object" && address ? address.port : settings.port;
    this.faults = settings.faults;
    this.hall = new Hall(settings);
    this.#tls = settings.tls;
    this.#listener = listener;
    listener.on("connection", (socket) => this.#accept(socket));
  }

  /** Connections open now. */
  get connections(): number {
    return this.hall.sessions.size;
  }

  /** The command lines received, as they came (passwords too), over all connections; bounded by `logLimit`. */
  get commands(): string[] {
    return this.hall.commands;
  }

  /** How many commands were received, also those no longer in {@link MemoryServer.commands}. */
  get commandCount(): number {
    return this.hall.commandCount;
  }

  /** Unsets every fault. */
  clearFaults(): void {
    for (const name of Object.keys(this.faults)) delete this.faults[name as keyof F];
  }

  /** Cuts every connection, without a word; the server goes on listening. */
  dropConnections(): void {
    for (const session of [...this.hall.sessions]) session.close();
    // A session may be over, and its socket still open: it was stalled, or its last bytes are still on their way.
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Stops listening and cuts every connection. No handle is left. Safe to call twice. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#listener.close(() => done()));
    this.dropConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * `scheme://user:password@host:port`, with an `s` behind the scheme when TLS is implicit.
   *
   * @internal
   */
  protected address<Scheme extends string>(
    scheme: Scheme,
    login: readonly [user: string, password: string] | undefined,
  ): `${Scheme}://${string}` | `${Scheme}s://${string}` {
    const who = login ? `${encodeURIComponent(login[0])}:${encodeURIComponent(login[1])}@` : "";
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    const rest = `${who}${host}:${this.port}` as const;
    return this.#tls === "implicit" ? `${scheme}s://${rest}` : `${scheme}://${rest}`;
  }

  /**
   * What an address needs behind it for `open()` when the server has no TLS.
   *
   * @internal
   */
  protected get plainly(): "" | "?security=plain" {
    return this.#tls === "none" ? "?security=plain" : "";
  }

  /**
   * A session for a client that has just connected.
   *
   * @internal
   */
  protected abstract meet(socket: Socket): S;

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const session = this.meet(socket);
    this.hall.sessions.add(session);
    void session.run();
  }
}
