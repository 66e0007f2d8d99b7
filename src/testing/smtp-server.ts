/** An SMTP and LMTP server in memory, over real sockets, that can be told to misbehave: for tests of mail clients. */
import type { Server, Socket } from "node:net";
import { listen, MemoryServer } from "./memory-server.js";
import type { Faults } from "./smtp/faults.js";
import { Ledger } from "./smtp/ledger.js";
import type { SmtpMessage } from "./smtp/message.js";
import { type ResolvedSmtpServerOptions, resolve, type SmtpServerOptions } from "./smtp/options.js";
import { Session, type Shared } from "./smtp/session.js";

/**
 * An SMTP server (or LMTP, RFC 2033) in memory, on a free port of loopback. It looks closely at what clients send: what
 * breaks a rule is served where it can be, and noted in {@link SmtpServer.violations}.
 *
 * @example
 * ```ts
 * import { expect, test } from "vitest";
 * import { SmtpServer } from "polywire/testing";
 *
 * test("a refused recipient does not keep the mail from the others", async () => {
 *   await using server = await SmtpServer.start({ reject: { "bob@*": "550 5.1.1 No such user" } });
 *   await send(server.url, { to: ["alice@example.org", "bob@example.org"], text: "Hello" });
 *   expect(server.messages[0]?.to).toEqual(["alice@example.org"]);
 *   expect(server.violations).toEqual([]);
 * });
 * ```
 */
export class SmtpServer extends MemoryServer<Faults, Session> {
  readonly #options: ResolvedSmtpServerOptions;
  readonly #ledger = new Ledger();
  readonly #shared: Shared;

  /**
   * Starts a server.
   *
   * @returns a server that accepts connections; `close()` it, or declare it with `await using`
   */
  static async start(options: SmtpServerOptions = {}): Promise<SmtpServer> {
    const resolved = resolve(options);
    return new SmtpServer(await listen(resolved), resolved);
  }

  private constructor(listener: Server, options: ResolvedSmtpServerOptions) {
    super(listener, options);
    this.#options = options;
    this.#shared = Object.assign(this.hall, { options, ledger: this.#ledger, faults: this.faults });
  }

  /**
   * `smtp://alice:secret@127.0.0.1:port` (`smtps:` when TLS is implicit), for the first user, if any; a client of LMTP
   * needs the option `lmtp: true`. Without TLS, `open()` needs `?security=plain` behind it: {@link SmtpServer.urlOf} has it.
   */
  get url(): `smtp://${string}` | `smtps://${string}` {
    const [name, user] = Object.entries(this.#options.users)[0] ?? [];
    const login = name === undefined ? undefined : ([name, user?.password ?? ""] as const);
    return this.address("smtp", login);
  }

  /** The messages that were taken, in order; forget them by `messages.length = 0`. Empty with `keep: "count"`. */
  get messages(): SmtpMessage[] {
    return this.#ledger.messages;
  }

  /** How many messages were taken. */
  get messageCount(): number {
    return this.#ledger.messageCount;
  }

  /** Octets of content of all messages that were taken. */
  get contentBytes(): number {
    return this.#ledger.contentBytes;
  }

  /**
   * What clients did that they must not do, the first 1000 of it: bare LF, lines too long, parameters that were not
   * announced, dots not doubled, commands sent before an answer that must be waited for. A test of a client expects `[]`.
   */
  get violations(): string[] {
    return this.#ledger.violations;
  }

  /** Bytes sent over all connections (not yet encrypted): what {@link Faults.closeAtByte} counts. */
  get replyBytes(): number {
    return this.hall.count.bytes;
  }

  /**
   * The URL, to hand to `open()`: with `?security=plain` when the server has no TLS. For LMTP it wants the option
   * `lmtp: true` besides.
   */
  urlOf(): `smtp://${string}` | `smtps://${string}` {
    return `${this.url}${this.plainly}`;
  }

  /** @internal */
  protected override meet(socket: Socket): Session {
    return new Session(socket, this.#shared);
  }
}
