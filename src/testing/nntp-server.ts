/** An NNTP server in memory, over real sockets, that can be told to misbehave: for tests of news clients. */
import type { Server, Socket } from "node:net";
import { listen, MemoryServer } from "./memory-server.js";
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
export class NntpServer extends MemoryServer<Faults, Session> {
  /** The newsgroups. Read and change them at any time: post, cancel, expire, renumber. */
  readonly groups: NntpGroups;
  readonly #options: ResolvedNntpServerOptions;
  readonly #shared: Shared;

  /**
   * Starts a server.
   *
   * @returns a server that accepts connections; `close()` it, or declare it with `await using`
   */
  static async start(options: NntpServerOptions = {}): Promise<NntpServer> {
    const resolved = resolve(options);
    const groups = groupsOf(resolved); // one that cannot be made is an error before the port is taken
    return new NntpServer(await listen(resolved), resolved, groups);
  }

  private constructor(listener: Server, options: ResolvedNntpServerOptions, groups: NntpGroups) {
    super(listener, options);
    this.groups = groups;
    this.#options = options;
    this.#shared = Object.assign(this.hall, { options, groups, faults: this.faults });
  }

  /**
   * `nntp://alice:secret@127.0.0.1:port` (`nntps:` when TLS is implicit), without a path: append `/` and a group.
   * Without TLS, `open()` needs `?security=plain` behind it: {@link NntpServer.urlOf} has it.
   */
  get url(): `nntp://${string}` | `nntps://${string}` {
    const [name, user] = Object.entries(this.#options.users)[0] ?? [];
    return this.address("nntp", name === undefined ? undefined : [name, user?.password ?? ""]);
  }

  /** Bytes sent over all connections, as they were on the way (compressed, but not yet encrypted): what {@link Faults.closeAtByte} counts. */
  get replyBytes(): number {
    return this.hall.count.bytes;
  }

  /** The URL of a group, or of the server, to hand to `open()`: with `?security=plain` when the server has no TLS. */
  urlOf(group?: string): `nntp://${string}` | `nntps://${string}` {
    const path = group === undefined ? "" : `/${encodeURIComponent(group)}`;
    return `${this.url}${path}${this.plainly}`;
  }

  /** @internal */
  protected override meet(socket: Socket): Session {
    return new Session(socket, this.#shared);
  }
}

function groupsOf({ hostname, overview, faults, now, groups }: ResolvedNntpServerOptions): NntpGroups {
  const all = new NntpGroups({ host: hostname, extra: overview, faults, now });
  for (const [name, group] of Object.entries(groups)) all.add(name, group, new Date("2020-01-01T00:00:00Z"));
  return all;
}
