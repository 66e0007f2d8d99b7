/** A POP3 server in memory, over real sockets, that can be told to misbehave: for tests of mail clients. */
import type { Server, Socket } from "node:net";
import { listen, MemoryServer } from "./memory-server.js";
import type { Faults } from "./pop3/faults.js";
import { Pop3Maildrop } from "./pop3/maildrop.js";
import { type Pop3ServerOptions, type ResolvedPop3ServerOptions, resolve } from "./pop3/options.js";
import { Session, type Shared } from "./pop3/session.js";

/**
 * A POP3 server in memory, on a free port of loopback.
 *
 * @example
 * ```ts
 * import { expect, test } from "vitest";
 * import { Pop3Server } from "polywire/testing";
 *
 * test("a message is deleted only when it is safe", async () => {
 *   await using server = await Pop3Server.start({ users: { alice: { password: "secret", messages: { generate: 50 } } } });
 *   server.faults.cutBody = { command: "RETR 30", at: 100 };
 *   await expect(fetchAndDelete(server.url)).rejects.toThrow();
 *   expect(server.maildrop("alice").count).toBe(50);
 * });
 * ```
 */
export class Pop3Server extends MemoryServer<Faults, Session> {
  readonly #options: ResolvedPop3ServerOptions;
  readonly #maildrops: ReadonlyMap<string, Pop3Maildrop>;
  readonly #shared: Shared;

  /**
   * Starts a server.
   *
   * @returns a server that accepts connections; `close()` it, or declare it with `await using`
   */
  static async start(options: Pop3ServerOptions = {}): Promise<Pop3Server> {
    const resolved = resolve(options);
    return new Pop3Server(await listen(resolved), resolved);
  }

  private constructor(listener: Server, options: ResolvedPop3ServerOptions) {
    super(listener, options);
    const { users } = options;
    this.#maildrops = new Map(Object.entries(users).map(([name, user]) => [name, new Pop3Maildrop(user.messages)]));
    this.#options = options;
    this.#shared = Object.assign(this.hall, { options, maildrops: this.#maildrops, faults: this.faults });
  }

  /**
   * `pop3://test:test@127.0.0.1:port` (`pop3s:` when TLS is implicit), for the first user.
   * Without TLS, `open()` needs `?security=plain` behind it: {@link Pop3Server.urlOf} has it.
   */
  get url(): `pop3://${string}` | `pop3s://${string}` {
    return this.#addressOf(Object.keys(this.#options.users)[0]);
  }

  /** Bytes sent over all connections (not yet encrypted): what {@link Faults.closeAtByte} counts. */
  get replyBytes(): number {
    return this.hall.count.bytes;
  }

  /** The messages of a user; the first one when none is named. Throws when there is no such user. */
  maildrop(user = Object.keys(this.#options.users)[0] ?? ""): Pop3Maildrop {
    const maildrop = this.#maildrops.get(user);
    if (!maildrop) throw new Error(`Pop3Server: no user ${user}`);
    return maildrop;
  }

  /** The URL of a user (the first one when none is named), to hand to `open()`: with `?security=plain` when the server has no TLS. */
  urlOf(user = Object.keys(this.#options.users)[0]): `pop3://${string}` | `pop3s://${string}` {
    return `${this.#addressOf(user)}${this.plainly}`;
  }

  #addressOf(user: string | undefined): `pop3://${string}` | `pop3s://${string}` {
    return this.address("pop3", user === undefined ? undefined : [user, this.#options.users[user]?.password ?? ""]);
  }

  /** @internal */
  protected override meet(socket: Socket): Session {
    return new Session(socket, this.#shared);
  }
}
