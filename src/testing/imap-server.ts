/** An IMAP server in memory, over real sockets, that can be told to misbehave: for tests of mail clients. */
import type { Server, Socket } from "node:net";
import type { Faults } from "./imap/faults.js";
import type { ImapMailbox } from "./imap/mailbox.js";
import { ImapMailboxes } from "./imap/mailboxes.js";
import { type ImapServerOptions, type ResolvedImapServerOptions, resolve } from "./imap/options.js";
import type { Shared } from "./imap/responses.js";
import { Session } from "./imap/session.js";
import { listen, MemoryServer } from "./memory-server.js";

/**
 * An IMAP server in memory, on a free port of loopback: IMAP4rev1 and IMAP4rev2 with the extensions of
 * {@link ImapServerOptions.features}.
 *
 * @example
 * ```ts
 * import { expect, test } from "vitest";
 * import { ImapServer } from "polywire/testing";
 *
 * test("a lost answer is not taken for an empty mailbox", async () => {
 *   await using server = await ImapServer.start({
 *     users: { alice: { password: "secret", mailboxes: { INBOX: { messages: { generate: 50 } } } } },
 *   });
 *   server.faults.loseReply = { command: "UID FETCH" };
 *   await expect(fetchAll(server.urlOf("alice"))).rejects.toThrow();
 *   expect(server.mailbox("INBOX").count).toBe(50);
 * });
 * ```
 */
export class ImapServer extends MemoryServer<Faults, Session> {
  readonly #options: ResolvedImapServerOptions;
  readonly #trees: ReadonlyMap<string, ImapMailboxes>;
  readonly #shared: Shared;

  /**
   * Starts a server.
   *
   * @returns a server that accepts connections; `close()` it, or declare it with `await using`
   */
  static async start(options: ImapServerOptions = {}): Promise<ImapServer> {
    const resolved = resolve(options);
    return new ImapServer(await listen(resolved), resolved);
  }

  private constructor(listener: Server, options: ResolvedImapServerOptions) {
    super(listener, options);
    const { users, delimiter, now } = options;
    let validity = 1_000_000;
    let emails = 0;
    const place = { delimiter, now, uidValidity: () => ++validity, emailId: () => `M${++emails}` };
    const trees = Object.entries(users).map(([name, { mailboxes, quota }]) => {
      return [name, new ImapMailboxes(mailboxes, quota, place)] as const;
    });
    this.#trees = new Map(trees);
    this.#options = options;
    this.#shared = Object.assign(this.hall, { options, trees: this.#trees, violations: [], faults: this.faults });
  }

  /**
   * `imap://test:test@127.0.0.1:port` (`imaps:` when TLS is implicit), for the first user.
   * Without TLS, `open()` needs `?security=plain` behind it: {@link ImapServer.urlOf} has it.
   */
  get url(): `imap://${string}` | `imaps://${string}` {
    return this.#addressOf(Object.keys(this.#options.users)[0]);
  }

  /** Bytes sent over all connections (not yet encrypted): what {@link Faults.closeAtByte} counts. */
  get replyBytes(): number {
    return this.hall.count.bytes;
  }

  /** What clients did against the RFCs, in words with the command: bad grammar, literals not waited for, ambiguous pipelining. */
  get violations(): string[] {
    return this.#shared.violations;
  }

  /** The mailboxes of a user; of the first one when none is named. Throws when there is no such user. */
  mailboxes(user = Object.keys(this.#options.users)[0] ?? ""): ImapMailboxes {
    const tree = this.#trees.get(user);
    if (!tree) throw new Error(`ImapServer: no user ${user}`);
    return tree;
  }

  /** A mailbox of a user (the first one when none is named). Throws when there is none of this name. */
  mailbox(name = "INBOX", user?: string): ImapMailbox {
    const mailbox = this.mailboxes(user).get(name);
    if (!mailbox) throw new Error(`ImapServer: no mailbox ${name}`);
    return mailbox;
  }

  /** Sends an untagged response, at once, to every client: `say("OK [ALERT] Going down")`. Behind BYE the connections end. */
  async say(response: string): Promise<void> {
    await Promise.all([...this.hall.sessions].map((session) => session.say(response)));
  }

  /**
   * The URL of a user (the first one when none is named), and of a mailbox where one is named, to hand to `open()`: with
   * `?security=plain` when the server has no TLS.
   */
  urlOf(user = Object.keys(this.#options.users)[0], mailbox?: string): `imap://${string}` | `imaps://${string}` {
    const path = mailbox === undefined ? "" : `/${mailbox.split("/").map(encodeURIComponent).join("/")}`;
    return `${this.#addressOf(user)}${path}${this.plainly}`;
  }

  #addressOf(user: string | undefined): `imap://${string}` | `imaps://${string}` {
    return this.address("imap", user === undefined ? undefined : [user, this.#options.users[user]?.password ?? ""]);
  }

  /** @internal */
  protected override meet(socket: Socket): Session {
    return new Session(socket, this.#shared);
  }
}
