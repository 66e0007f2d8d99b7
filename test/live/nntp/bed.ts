/** What the live NNTP tests share: one server per describe, clients that are closed after each test. */
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { NntpClient } from "../../../src/nntp/client.js";
import type { NntpOptions } from "../../../src/nntp/options.js";
import { encodeText } from "../../../src/wire/text.js";
import { describeBed, errorOf, type LiveBed } from "../bed.js";
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

export { errorOf };

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
export interface Bed extends LiveBed<LiveNews, NntpClient, NntpOptions> {
  readonly kind: NewsKind;
  readonly has: (typeof NEWS_ABILITIES)[NewsKind];
  readonly tls: Tls;
}

/** `describe` with one server for all its tests. */
export function describeNews(kind: NewsKind, options: NewsOptions, name: string, tests: (bed: Bed) => void): void {
  const tls = options.tls ?? "none";
  // Else each answer of several lines costs 44 ms: see inn.ts. One describe does without.
  const start = () => startNews(kind, kind === "inn" ? { nodelay: true, ...options } : options);
  const client = ({ host, port, user, password }: LiveNews, more: Partial<NntpOptions>, ca: string) =>
    new NntpClient({
      host,
      port,
      security: SECURITY[tls],
      credentials: { user, password },
      ...more,
      ...(tls === "none" ? {} : { tls: { ca, ...more.tls } }),
    });
  describeBed(kind, name, { start, client }, (bed) =>
    tests(Object.assign(bed, { kind, has: NEWS_ABILITIES[kind], tls })),
  );
}

/** One describe per server. */
export function describeEach(options: NewsOptions, tests: (bed: Bed) => void): void {
  for (const kind of NEWS_KINDS) describeNews(kind, options, kind, tests);
}

/** One describe per server and security. */
export function describeRows(rows: typeof ROWS, options: NewsOptions, tests: (bed: Bed) => void): void {
  for (const [kind, tls] of rows) describeNews(kind, { ...options, tls }, `${kind}, TLS ${tls}`, tests);
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
