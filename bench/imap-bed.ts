/** What the parts of the IMAP bench share: Dovecot with mail for each part, clients, bare sockets, peers. */
import { mkdir, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { ImapClient } from "../src/imap/index.js";
import { startMail } from "../test/live/servers/mail.js";
import { built, type Competitor, servedFolder } from "./harness.js";
import { imapflow, imaplib, type PeerMailbox } from "./imap-peers.js";
import { rawImap, rawTagged } from "./raw-imap.js";

/** Each part has a user of its own. */
const USERS = { sources: "s", envelopes: "e", append: "a", large: "l" };
export type User = keyof typeof USERS;

/** Where a client connects to. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export type Bed = Awaited<ReturnType<typeof startBed>>;

/** Builds the package, and starts the server. */
export async function startBed() {
  const imap = await built("imap");
  const served = await servedFolder();
  const work = join(served, "work");
  await mkdir(work);
  const server = await startMail("dovecot", { tls: "none", users: USERS, home: join(served, "home") });
  const dovecot: Place = { host: server.host, port: server.ports.imap };
  const login = (user: User) => ({ user, password: USERS[user] });
  const opened: { close(): void }[] = [];

  return {
    /** A folder for files, in memory as what is served is. */
    work,
    dovecot,
    login,
    deliver: (user: User, ...contents: Buffer[]) => server.deliver(user, ...contents),

    /** A client that is logged in, and has that mailbox selected, if any. */
    async client(user: User, mailbox?: string, place = dovecot): Promise<ImapClient> {
      const { host, port } = place;
      const client = new imap.ImapClient({ host, port, security: "plain", credentials: login(user) });
      opened.push(client);
      await client.connect();
      await client.login();
      if (mailbox !== undefined) await client.select(mailbox);
      return client;
    },

    /** A competitor that sends these bytes, and looks for nothing but the end of the answer. */
    async limit(user: User, mailbox: string | undefined, bytes: readonly Buffer[], place = dovecot) {
      const socket: Socket = await rawImap(place, login(user), mailbox);
      opened.push({ close: () => void socket.destroy() });
      return { name: "limit", run: () => rawTagged(socket, bytes) } satisfies Competitor;
    },

    /** imapflow and imaplib with one task; `wanted` is what each of them has to tell. */
    async peers(given: Omit<PeerMailbox, "host" | "port" | "user" | "password">, wanted: number[], place = dovecot) {
      const mailbox = { ...place, ...login(given.task), ...given };
      const both = await Promise.all([imapflow(mailbox), imaplib(mailbox)]);
      opened.push(...both.map((peer) => ({ close: () => peer.stop() })));
      return ["imapflow", "imaplib"].map((name, i): Competitor => {
        const peer = both[i]!;
        return { name, run: async () => same(await peer.go(), wanted[i]!, name), cpu: () => peer.cpu() };
      });
    },

    /** Hangs up, and stops the peers: a part of the bench is over. */
    close(): void {
      for (const each of opened.splice(0)) each.close();
    },

    async stop(): Promise<void> {
      await server.stop();
      await rm(served, { recursive: true, force: true });
    },
  };
}

/** Throws where the work was not done. */
export function same(got: number, wanted: number, who: string): void {
  if (got !== wanted) throw new Error(`${who} got ${got}, not ${wanted}`);
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
