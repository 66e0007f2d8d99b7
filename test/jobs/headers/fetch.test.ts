/** The headers job against the server in memory: every row once, whatever happens on the way. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError, LoginError, SinkError, UsageError } from "../../../src/client/errors.js";
import {
  type FetchHeadersOptions,
  fetchArticles,
  fetchHeaders,
  type HeadersProgress,
} from "../../../src/jobs/index.js";
import type { Overview } from "../../../src/nntp/overview.js";
import { NntpServer, type NntpServerOptions } from "../../../src/testing/index.js";
import { failure } from "../../net/loopback.js";
import { folder } from "./folder.js";

async function serve(options: NntpServerOptions = {}): Promise<NntpServer> {
  const server = await NntpServer.start(options);
  onTestFinished(() => server.close());
  return server;
}

/** Rows by group, as a function takes them. */
function collect() {
  const rows = new Map<string, Overview[]>();
  const to = ({ group, rows: batch }: { group: string; rows: readonly Overview[] }) => {
    rows.set(group, [...(rows.get(group) ?? []), ...batch]);
  };
  const numbers = (group: string) => (rows.get(group) ?? []).map(({ number }) => number);
  return { rows, to, numbers, sorted: (group: string) => numbers(group).sort((a, b) => a - b) };
}

const upTo = (high: number, low = 1) => Array.from({ length: high - low + 1 }, (_, i) => low + i);
const QUICK = { connect: 2_000, greeting: 2_000, command: 500, idle: 2_000, quit: 200 };

function job(server: NntpServer, options: Partial<FetchHeadersOptions> & Pick<FetchHeadersOptions, "to">) {
  const url = `${server.url}/?security=plain`;
  return fetchHeaders({ server: { url, compress: false, timeouts: QUICK }, ...options });
}

const lines = (file: string) =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { group: string; number: number; subject: string });

describe("what is fetched", () => {
  test("all of a group, once, over several connections", async () => {
    const server = await serve({ groups: { "a.b": { generate: 30_000 } } });
    const { to, sorted } = collect();
    const result = await job(server, { groups: "a.b", to, rangeSize: 1_000 });
    expect(result).toMatchObject({ rows: 30_000, groups: 1, failures: [], passedOver: 0, warnings: [] });
    expect(sorted("a.b")).toEqual(upTo(30_000));
  });

  test("the newest, a range, and numbers beyond 2^32", async () => {
    const server = await serve({ groups: { "a.b": { generate: 500, low: 2 ** 33 } } });
    const high = 2 ** 33 + 499;
    for (const [wanted, expected] of [
      [{ newest: 100 }, upTo(high, high - 99)],
      [{ range: [high - 10, high - 5] }, upTo(high - 5, high - 10)],
      [{ range: [high - 3] }, upTo(high, high - 3)],
    ] as const) {
      const { to, sorted } = collect();
      await job(server, { groups: "a.b", to, ...wanted });
      expect(sorted("a.b")).toEqual(expected);
    }
  });

  test("what came since a date", async () => {
    const begins = new Date("2026-01-01T00:00:00Z");
    const server = await serve({ groups: { "a.b": { generate: 200_000, begins } } });
    const { to, rows } = collect();
    const since = new Date("2026-01-05T00:00:00Z");
    await job(server, { groups: "a.b", to, since });
    const found = rows.get("a.b") ?? [];
    expect(found.length).toBeGreaterThan(10_000);
    expect(found.length).toBeLessThan(199_000);
    const all = collect();
    await job(server, { groups: "a.b", to: all.to });
    const wanted = (all.rows.get("a.b") ?? []).filter(({ date }) => date !== undefined && date >= since);
    const numbers = new Set(found.map(({ number }) => number));
    expect(wanted.filter(({ number }) => !numbers.has(number))).toEqual([]);
  });

  test("many groups, empty ones among them, and one that is not there", async () => {
    const names = upTo(40).map((i) => `g.${i}`);
    const groups = Object.fromEntries(names.map((name, i) => [name, i % 10 === 3 ? {} : { generate: i + 1 }]));
    const server = await serve({ groups });
    const { to, sorted, rows } = collect();
    const result = await job(server, { groups: [...names, "no.such"], to });
    for (const [i, name] of names.entries()) if (i % 10 !== 3) expect(sorted(name)).toEqual(upTo(i + 1));
    expect(result.groups).toBe(40);
    expect(rows.size).toBe(36);
    expect(result.failures).toMatchObject([{ group: "no.such", code: "411" }]);
  });

  test("groups by a wildmat, and by the server's URL", async () => {
    const server = await serve({ groups: { "a.b": { generate: 3 }, "a.c": { generate: 4 }, "b.c": { generate: 5 } } });
    const wild = collect();
    expect((await job(server, { groups: "a.*", to: wild.to })).rows).toBe(7);
    const byUrl = collect();
    expect((await fetchHeaders({ server: server.urlOf("b.c"), to: byUrl.to })).rows).toBe(5);
  });

  test("in order, group by group, on request", async () => {
    const server = await serve({
      groups: { "a.b": { generate: 20_000 }, "a.c": { generate: 10_000 } },
      faults: { replyDelay: 1 },
    });
    const seen: string[] = [];
    await job(server, {
      groups: ["a.b", "a.c"],
      ordered: true,
      rangeSize: 500,
      connections: 6,
      to: ({ group, rows }) => void seen.push(...rows.map(({ number }) => `${group} ${number}`)),
    });
    expect(seen).toEqual([...upTo(20_000).map((n) => `a.b ${n}`), ...upTo(10_000).map((n) => `a.c ${n}`)]);
  });

  test("the newest first, on request", async () => {
    const server = await serve({ groups: { "a.b": { generate: 5_000 } } });
    const { to, numbers, sorted } = collect();
    await job(server, { groups: "a.b", order: "newest-first", rangeSize: 1_000, connections: 1, to });
    expect(numbers("a.b")[0]).toBe(4_001);
    expect(sorted("a.b")).toEqual(upTo(5_000));
  });

  test("whole articles, into an mbox and into a function", async () => {
    const server = await serve({ groups: { "a.b": { generate: 300, gaps: 0.1 } } });
    const ids: string[] = [];
    const url = `${server.url}/a.b?security=plain`;
    const { rows } = await fetchArticles({
      server: url,
      to: (batch) => void ids.push(...batch.rows.map((row) => row.messageId)),
    });
    expect(rows).toBe(ids.length);
    expect(new Set(ids).size).toBe(server.groups.get("a.b")?.count);
    const file = join(folder(), "all.mbox");
    await fetchArticles({ server: url, to: file });
    expect(readFileSync(file, "latin1").match(/^From /gm)).toHaveLength(rows);
  });

  test("progress is told, and at the end it says so", async () => {
    const server = await serve({ groups: { "a.b": { generate: 3_000 } } });
    const told: HeadersProgress[] = [];
    await job(server, { groups: "a.b", to: () => {}, onProgress: (progress) => void told.push(progress) });
    expect(told.at(-1)).toMatchObject({
      phase: "done",
      groups: 1,
      groupsDone: 1,
      wanted: 3_000,
      answered: 3_000,
      rows: 3_000,
    });
  });
});

describe("what goes wrong on the way", () => {
  const groups = { "a.b": { generate: 20_000 } };

  test("connections that are cut in mid row cost no row, and double none", async () => {
    const server = await serve({ groups });
    const { to, sorted } = collect();
    let cuts = 0;
    const again = setInterval(() => {
      if (cuts++ < 12) server.faults.cutOver = { row: 300 };
    }, 5);
    onTestFinished(() => clearInterval(again));
    const result = await job(server, { groups: "a.b", to, rangeSize: 1_000 });
    expect(sorted("a.b")).toEqual(upTo(20_000));
    expect(result.rows).toBe(20_000);
  });

  test("a server that falls silent is left, and asked anew", async () => {
    const server = await serve({ groups });
    const { to, sorted } = collect();
    server.faults.stallAtByte = 500_000;
    await job(server, { groups: "a.b", to, rangeSize: 1_000, connections: 2 });
    expect(sorted("a.b")).toEqual(upTo(20_000));
  });

  test("rows outside the range, doubled ones and broken ones", async () => {
    const server = await serve({ groups, faults: { rowsOutside: 5, rows: { duplicate: 50, badNumber: 70 } } });
    const { to, rows } = collect();
    const result = await job(server, { groups: "a.b", to, rangeSize: 1_000 });
    const numbers = (rows.get("a.b") ?? []).map(({ number }) => number).filter((number) => number > 0);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(result.passedOver).toBeGreaterThan(0);
    expect((rows.get("a.b") ?? []).some(({ broken }) => broken !== undefined)).toBe(true);
  });

  test("a server that takes two connections gets two", async () => {
    const server = await serve({ groups, limits: { connections: 2 } });
    const { to, sorted } = collect();
    const result = await job(server, { groups: "a.b", to, connections: 6, rangeSize: 500 });
    expect(sorted("a.b")).toEqual(upTo(20_000));
    expect(result.warnings.join()).toMatch(/goes on with \d connections/);
  });

  test("a cap at the login", async () => {
    const server = await serve({ groups, users: { alice: "s3cret" }, limits: { logins: 2 } });
    const { to, sorted } = collect();
    await job(server, { groups: "a.b", to, connections: 5, rangeSize: 500 });
    expect(sorted("a.b")).toEqual(upTo(20_000));
  });

  test("a login asked for in the middle", async () => {
    const server = await serve({ groups, users: { alice: "s3cret" }, faults: { loginAgainAfter: 12 } });
    const { to, sorted } = collect();
    await job(server, { groups: "a.b", to, rangeSize: 500 });
    expect(sorted("a.b")).toEqual(upTo(20_000));
  });

  test("a refused login stops the job at once", async () => {
    const server = await serve({ groups, users: { alice: "s3cret" } });
    const url = `nntp://alice:wrong@127.0.0.1:${server.port}/a.b?security=plain`;
    expect(await failure(fetchHeaders({ server: url, to: () => {} }))).toBeInstanceOf(LoginError);
  });

  test("a function that fails stops the job with its error", async () => {
    const server = await serve({ groups });
    const error = await failure(job(server, { groups: "a.b", to: () => Promise.reject(new Error("no room")) }));
    expect(error).toBeInstanceOf(SinkError);
    expect(error.message).toContain("no room");
  });

  test("a function that is slow holds the server back", async () => {
    const server = await serve({ groups });
    let running = 0;
    let most = 0;
    let rows = 0;
    await job(server, {
      groups: "a.b",
      rangeSize: 500,
      to: async (batch) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        rows += batch.rows.length;
        running--;
      },
    });
    expect([rows, most]).toEqual([20_000, 1]);
  });

  test.each([0, 1_000])("connections lost while the sink is busy are made anew: at row %i", async (from) => {
    const server = await serve({ groups: { "a.b": { generate: 2_000 } } });
    const { to, sorted } = collect();
    let dropped = false;
    const result = await job(server, {
      groups: "a.b",
      connections: 2,
      rangeSize: 100,
      to: async (batch) => {
        to(batch);
        if (dropped || sorted("a.b").length < from) return;
        dropped = true;
        // By now all that was asked is answered, and nothing more is asked.
        await new Promise((resolve) => setTimeout(resolve, 50));
        server.dropConnections();
        await new Promise((resolve) => setTimeout(resolve, 50));
      },
    });
    expect(result).toMatchObject({ rows: 2_000, groups: 1, failures: [] });
    expect(sorted("a.b")).toEqual(upTo(2_000));
  });

  test("a server that goes when all was fetched does not spoil it", async () => {
    const server = await serve({ groups: { "a.b": { generate: 200 } } });
    const { to, sorted } = collect();
    const result = await job(server, {
      groups: "a.b",
      connections: 1,
      to: async (batch) => {
        to(batch);
        await new Promise((resolve) => setTimeout(resolve, 50));
        await server.close();
      },
    });
    expect(result).toMatchObject({ rows: 200, groups: 1, failures: [] });
    expect(sorted("a.b")).toEqual(upTo(200));
  });

  test("a signal ends the job in order, and the next run goes on", async () => {
    const server = await serve({ groups: { "a.b": { generate: 100_000 } } });
    const file = join(folder(), "out.ndjson");
    const journal = `${file}.journal`;
    const controller = new AbortController();
    const first = failure(
      job(server, { groups: "a.b", to: file, journal, rangeSize: 1_000, connections: 1, signal: controller.signal }),
    );
    setTimeout(() => controller.abort(), 60);
    expect(await first).toBeInstanceOf(AbortedError);
    const before = lines(file).length;
    expect(before).toBeLessThan(100_000);
    const { rows } = await job(server, { groups: "a.b", to: file, journal });
    expect(rows).toBe(100_000 - before);
    expect(
      lines(file)
        .map(({ number }) => number)
        .sort((a, b) => a - b),
    ).toEqual(upTo(100_000));
  });
});

describe("again, later", () => {
  test("only what is new is fetched", async () => {
    const server = await serve({ groups: { "a.b": { generate: 100 } } });
    const file = join(folder(), "out.ndjson");
    const journal = `${file}.journal`;
    expect((await job(server, { groups: "a.b", to: file, journal })).rows).toBe(100);
    expect((await job(server, { groups: "a.b", to: file, journal })).rows).toBe(0);
    server.groups.get("a.b")?.add({ subject: "new" });
    expect((await job(server, { groups: "a.b", to: file, journal })).rows).toBe(1);
    expect(lines(file).map(({ number }) => number)).toEqual(upTo(101));
  });

  test("articles that come late are fetched by the next run", async () => {
    const server = await serve({
      groups: { "a.b": { generate: 2_000 } },
      faults: { lateArticles: [1_900, 1_950, 1_999] },
    });
    const { to, sorted } = collect();
    const journal = join(folder(), "journal");
    await job(server, { groups: "a.b", to, journal });
    expect(sorted("a.b")).toHaveLength(1_997);
    delete server.faults.lateArticles;
    const { rows } = await job(server, { groups: "a.b", to, journal });
    expect(rows).toBe(3);
    expect(sorted("a.b")).toEqual(upTo(2_000));
  });

  test("a renumbered group is read again, and what is known passed over", async () => {
    const server = await serve({ groups: { "a.b": { generate: 500, low: 1_000 } } });
    const file = join(folder(), "out.ndjson");
    const journal = `${file}.journal`;
    await job(server, { groups: "a.b", to: file, journal });
    server.groups.get("a.b")?.renumber(1);
    server.groups.get("a.b")?.add({ subject: "new" });
    const result = await job(server, { groups: "a.b", to: file, journal });
    expect(result.rows).toBe(1);
    expect(result.warnings.join()).toContain("other numbers");
    expect(lines(file)).toHaveLength(501);
    expect(lines(file).at(-1)?.subject).toBe("new");
    expect((await job(server, { groups: "a.b", to: file, journal })).rows).toBe(0);
  });

  test("with message-ids kept, a function is spared known rows, too", async () => {
    const server = await serve({ groups: { "a.b": { generate: 500, low: 1_000 } } });
    const journal = join(folder(), "journal");
    const { to } = collect();
    await job(server, { groups: "a.b", to, journal, dedupe: "message-id" });
    server.groups.get("a.b")?.renumber(1);
    expect((await job(server, { groups: "a.b", to, journal, dedupe: "message-id" })).rows).toBe(0);
  });

  test("a journal of another job is refused, and an output that is there", async () => {
    const server = await serve({ groups: { "a.b": { generate: 5 } } });
    const home = folder();
    const journal = join(home, "journal");
    await job(server, { groups: "a.b", to: join(home, "a.ndjson"), journal });
    expect(await failure(job(server, { groups: "a.b", to: join(home, "b.ndjson"), journal }))).toBeInstanceOf(
      UsageError,
    );
    writeFileSync(join(home, "c.ndjson"), "mine\n");
    expect(await failure(job(server, { groups: "a.b", to: join(home, "c.ndjson") }))).toBeInstanceOf(UsageError);
    await job(server, { groups: "a.b", to: join(home, "c.ndjson"), existing: "append" });
    expect(readFileSync(join(home, "c.ndjson"), "utf8")).toMatch(/^mine\n\{/);
  });
});

describe("options that cannot work are refused before anything is sent", () => {
  test.each([
    [{ groups: [] }, "newsgroup"],
    [{ groups: "a b" }, "newsgroup"],
    [{ newest: 0 }, "newest"],
    [{ newest: 5, range: [1, 2] }, "exclude"],
    [{ range: [5, 2] }, "last number"],
    [{ connections: 0 }, "connections"],
    [{ ordered: true, order: "newest-first" }, "ascending"],
    [{ to: "out.txt" }, "extension"],
    [{ to: "out.mbox" }, "articles"],
    [{ server: "ftp://news.example.org/" }, "nntp"],
  ] as const)("%j", async (options, word) => {
    const wrong = {
      server: "nntps://news.example.org",
      groups: "a.b",
      to: () => {},
      ...options,
    } as FetchHeadersOptions;
    const error = await failure(fetchHeaders(wrong));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(word);
  });
});
