/** What the live NNTP tests share: one server per describe, clients that are closed after each test. */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { PolywireError } from "../../../src/client/errors.js";
import { NntpClient } from "../../../src/nntp/client.js";
import type { NntpOptions } from "../../../src/nntp/options.js";
import { encodeText } from "../../../src/wire/text.js";
import { describeLive } from "../available.js";
import { certificates } from "../servers/certs.js";
import {
  type LiveNews,
  NEWS_ABILITIES,
  NEWS_KINDS,
  type NewsKind,
  type NewsOptions,
  startNews,
} from "../servers/news.js";
import { GROUPS, type SeedGroup } from "../servers/news-seed.js";
import { SASLPASSWD } from "../servers/sasldb.js";

/** What the server offers, and the client's word for it. */
export const SECURITY = { none: "plain", starttls: "starttls", implicit: "tls" } as const;
export type Tls = keyof typeof SECURITY;

/** Every server in every security it has: the rows of the tables. */
export const ROWS: readonly (readonly [NewsKind, Tls])[] = NEWS_KINDS.flatMap((kind) =>
  (["none", "starttls", "implicit"] as const)
    .filter((tls) => tls === "none" || NEWS_ABILITIES[kind][tls])
    .map((tls) => [kind, tls] as const),
);

/** A server for one describe. */
export interface Bed {
  readonly kind: NewsKind;
  readonly has: (typeof NEWS_ABILITIES)[NewsKind];
  readonly tls: Tls;
  /** There from the first test on. */
  readonly server: LiveNews;
  /** A folder of this machine for sinks. */
  readonly scratch: string;
  /** A client that is not yet connected; it is closed after the test. */
  client(more?: Partial<NntpOptions>): NntpClient;
  /** A client that is logged in. */
  ready(more?: Partial<NntpOptions>): Promise<NntpClient>;
}

/** `describe` with one server for all its tests. */
export function describeNews(kind: NewsKind, options: NewsOptions, name: string, tests: (bed: Bed) => void): void {
  describeLive(kind, name, () => {
    let server: LiveNews | undefined;
    let ca = "";
    let scratch = "";
    const clients: NntpClient[] = [];
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), "polywire-scratch-"));
      ca = (await certificates()).ca;
      // Else each answer of several lines costs 44 ms: see inn.ts. One describe does without.
      server = await startNews(kind, kind === "inn" ? { nodelay: true, ...options } : options);
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    afterAll(async () => {
      rmSync(scratch, { recursive: true, force: true });
      await server?.stop();
    });
    const tls = options.tls ?? "none";
    const bed: Bed = {
      kind,
      has: NEWS_ABILITIES[kind],
      tls,
      get scratch() {
        return scratch;
      },
      get server() {
        if (server === undefined) throw new Error("the server is started before the first test");
        return server;
      },
      client(more = {}) {
        const { host, port, user, password } = bed.server;
        const client = new NntpClient({
          host,
          port,
          security: SECURITY[tls],
          credentials: { user, password },
          ...more,
          ...(tls === "none" ? {} : { tls: { ca, ...more.tls } }),
        });
        clients.push(client);
        return client;
      },
      async ready(more) {
        const client = bed.client(more);
        await client.connect();
        await client.login();
        return client;
      },
    };
    tests(bed);
  });
}

/** One describe per server. */
export function describeEach(options: NewsOptions, tests: (bed: Bed) => void): void {
  for (const kind of NEWS_KINDS) describeNews(kind, options, kind, tests);
}

/** One describe per server and security. */
export function describeRows(rows: typeof ROWS, options: NewsOptions, tests: (bed: Bed) => void): void {
  for (const [kind, tls] of rows) describeNews(kind, { ...options, tls }, `${kind}, TLS ${tls}`, tests);
}

/** The error that a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<PolywireError> {
  return call.then(
    (value) => expect.unreachable(`it resolved to ${String(value).slice(0, 200)}`),
    (error) => error,
  );
}

/** The client answers, and has not lost count of its replies. */
export async function expectUsable(nntp: NntpClient): Promise<void> {
  await nntp.noop();
  const [group, date] = await Promise.all([nntp.group("polywire.empty"), nntp.date()]);
  expect(group.name).toBe("polywire.empty");
  expect(date.getFullYear()).toBeGreaterThan(2020);
}

/** A group of the seed, by its name without `polywire.`. */
export function seeded(name: string): SeedGroup {
  const found = GROUPS.find((group) => group.name === `polywire.${name}`);
  if (found === undefined) throw new Error(`no group polywire.${name} in the seed`);
  return found;
}

/** The numbers of the articles that a seeded group still has. */
export function numbersOf({ count, cancelled }: SeedGroup): number[] {
  const gone = new Set(cancelled);
  return Array.from({ length: count }, (_, index) => index + 1).filter((number) => !gone.has(number));
}

/** Text as a server sends it → a character per byte. */
export const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

let users = 0;

/** Another account of a server, with this password. @returns its name. */
export function addUser({ kind, home }: LiveNews, password: string): string {
  const [work, user] = [dirname(home), `user${++users}`];
  const input = encodeText(password);
  if (kind === "cyrus") {
    execFileSync(SASLPASSWD, ["-p", "-c", "-f", join(work, "sasldb"), "-u", "cyrus.example", user], { input });
  } else {
    const hash = execFileSync("openssl", ["passwd", "-5", "-stdin"], { input }).toString().trim();
    appendFileSync(join(work, "etc/users"), `${user}:${hash}\n`);
  }
  return user;
}
