/** The headers job against INN: over several connections, in every way that it may be asked, and through a restart. */
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LoginError } from "../../../src/client/errors.js";
import { type FetchHeadersOptions, fetchArticles, fetchHeaders, type HeaderBatch } from "../../../src/jobs/index.js";
import { readMbox } from "../../../src/message/index.js";
import type { NntpOptions } from "../../../src/nntp/options.js";
import { describeLive } from "../available.js";
import { describeNews, errorOf, numbersOf, seeded } from "../nntp/bed.js";
import { type LiveNews, startNews } from "../servers/news.js";
import { feed } from "../servers/news-feed.js";
import { articleOf, GROUPS } from "../servers/news-seed.js";
import { expectAll, type Kept, readOutput } from "./outputs.js";

const BIG = "polywire.big";
const SEEDED = GROUPS.filter(({ count, cancelled }) => count > cancelled.length).map(({ name }) => name);

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "polywire-headers-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** The options of a client that logs in. */
const account = ({ host, port, user, password }: LiveNews): NntpOptions => ({
  ...{ host, port, security: "plain", credentials: { user, password } },
});
/** The options of a client that does not. */
const guest = ({ host, port }: LiveNews): NntpOptions => ({ host, port, security: "plain" });

/** Rows as a function takes them. */
function collect() {
  const rows: Kept[] = [];
  const to = ({ group, rows: batch }: HeaderBatch) => {
    for (const row of batch) rows.push({ ...(row.toJSON() as Kept), group });
  };
  return { rows, to, of: (name: string) => rows.filter(({ group }) => group === name) };
}

const fetchBig = (server: LiveNews, more: Partial<FetchHeadersOptions> & Pick<FetchHeadersOptions, "to">) =>
  fetchHeaders({ server: guest(server), groups: BIG, ...more });

describeNews("inn", { seed: true, nodelay: true }, "headers from inn", (bed) => {
  test.each([true, false])("100,000 over 4 connections, compressed: %s", async (compress) => {
    const { rows, to } = collect();
    const result = await fetchBig(bed.server, { server: { ...guest(bed.server), compress }, connections: 4, to });
    expect(result).toMatchObject({ groups: 1, failures: [], warnings: [], passedOver: 0 });
    expectAll(rows, BIG);
  });

  test("since a moment: every article from then on, and not many from before", async () => {
    const { rows, to } = collect();
    const since = articleOf(BIG, 90_001).date ?? expect.unreachable("this one has a date");
    await fetchBig(bed.server, { since, to });
    const numbers = rows.map(({ number }) => number).sort((a, b) => a - b);
    const first = numbers[0] as number;
    expect(first).toBeLessThanOrEqual(90_001);
    // A day before, at an article each five minutes, and what is not quite in order.
    expect(first).toBeGreaterThan(90_001 - 2 * 288);
    expectAll(rows, BIG, first);
  });

  test("all groups by a wildmat, also those where nothing is left", async () => {
    const { to, of } = collect();
    const result = await fetchHeaders({ server: guest(bed.server), groups: "polywire.*", newest: 600, to });
    expect(result).toMatchObject({ groups: GROUPS.length, failures: [], passedOver: 0 });
    for (const name of SEEDED) expectAll(of(name), name, name === BIG ? 99_401 : 1);
    expect(of("polywire.cancelled")).toEqual([]);
    expect(of("polywire.empty")).toEqual([]);
  });

  test("whole articles into an mbox, and out of it again byte for byte", async () => {
    const groups = ["polywire.small", "polywire.umlaut", "polywire.moderated", "polywire.latin"];
    const file = join(scratch, "all.mbox");
    const result = await fetchArticles({ server: guest(bed.server), groups, ordered: true, to: file });
    const wanted = groups.flatMap((name) =>
      numbersOf(seeded(name.replace("polywire.", ""))).map((number) => articleOf(name, number).served),
    );
    expect(result).toMatchObject({ rows: wanted.length, groups: groups.length, failures: [] });
    let count = 0;
    for await (const { content } of readMbox(createReadStream(file), { crlf: true })) {
      const served = wanted[count++];
      if (!served?.equals(content)) expect(content.toString("latin1")).toBe(served?.toString("latin1"));
    }
    expect(count).toBe(wanted.length);
  });

  test("again with the same journal: what is new, and nothing else", async () => {
    const { server } = bed;
    const [to, journal] = [join(scratch, "out.ndjson"), join(scratch, "journal")];
    const groups = ["polywire.test", "polywire.small"];
    const run = () => fetchHeaders({ server: guest(server), groups, to, journal });
    const before = numbersOf(seeded("small")).length;
    expect((await run()).rows).toBe(before);
    expect((await run()).rows).toBe(0);
    const article = (id: string) => ({
      id,
      bytes: Buffer.from(
        `Path: x\r\nFrom: a@example.org\r\nNewsgroups: polywire.test\r\nSubject: new\r\nMessage-ID: ${id}\r\n` +
          "Date: Tue, 3 Feb 2026 10:11:12 +0000\r\n\r\nHello.\r\n",
      ),
    });
    const ids = ["<n1@example.org>", "<n2@example.org>"];
    expect(await feed(server.host, server.feedPort as number, ids.map(article))).toEqual(new Map());
    expect((await run()).rows).toBe(2);
    const rows = readOutput(to);
    expect(rows).toHaveLength(before + 2);
    expect(rows.slice(-2).map(({ messageId }) => messageId)).toEqual(ids);
  });
});

describeLive("inn", "headers from an inn that wants something", () => {
  test("a login", async () => {
    const server = await startNews("inn", { seed: true, auth: "read", nodelay: true });
    try {
      const { rows, to } = collect();
      await fetchHeaders({ server: account(server), groups: BIG, range: [1, 50_000], to });
      expectAll(rows, BIG, 1, 50_000);
      const refused = { ...account(server), credentials: { user: server.user, password: "wrong" } };
      expect(await errorOf(fetchHeaders({ server: refused, groups: BIG, to }))).toBeInstanceOf(LoginError);
    } finally {
      await server.stop();
    }
  });

  test("two connections at most: a job that would like six gets along with them", async () => {
    const server = await startNews("inn", { seed: true, maxClients: 2 });
    try {
      const { rows, to } = collect();
      const result = await fetchBig(server, { connections: 6, rangeSize: 5_000, to });
      expectAll(rows, BIG);
      expect(result.failures).toEqual([]);
      expect(result.warnings.join()).toMatch(/goes on with [12] connections: .*Too many connections/i);
    } finally {
      await server.stop();
    }
  });

  test("patience: it stops in the middle and comes back on the same port", { timeout: 60_000 }, async () => {
    // The server's own account must get in.
    const home = mkdtempSync(join(tmpdir(), "polywire-news-"));
    const first = await startNews("inn", { seed: true, nodelay: true, home });
    let second: LiveNews | undefined;
    try {
      const { rows, to } = collect();
      let ended = false;
      const fetching = fetchBig(first, {
        rangeSize: 2_000,
        to: async (batch) => {
          to(batch);
          await sleep(5);
        },
      }).finally(() => (ended = true));
      fetching.catch(() => {});
      while (rows.length < 10_000 && !ended) await sleep(5);
      await first.stop();
      const before = rows.length;
      expect(ended, "it was stopped in the middle").toBe(false);
      second = await startNews("inn", { seed: true, nodelay: true, home, port: first.port });
      expect(await fetching).toMatchObject({ groups: 1, failures: [] });
      expect(before).toBeLessThan(90_000);
      expectAll(rows, BIG);
    } finally {
      await Promise.all([first.stop(), second?.stop()]);
      rmSync(home, { recursive: true, force: true });
    }
  });
});
