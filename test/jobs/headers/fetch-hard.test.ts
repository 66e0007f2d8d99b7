/** The headers job where it is hard: groups that change under way, sinks that fail once, one bad group among good ones. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError, ReplyError } from "../../../src/client/errors.js";
import { type AnySink, GroupWork } from "../../../src/jobs/headers/group-work.js";
import { HeadersJournal } from "../../../src/jobs/headers/journal.js";
import { HeadersMeter } from "../../../src/jobs/headers/progress.js";
import type { HeaderBatch, HeaderSink } from "../../../src/jobs/headers/sink.js";
import { type FetchHeadersOptions, fetchHeaders } from "../../../src/jobs/index.js";
import type { Overview } from "../../../src/nntp/overview.js";
import { NntpServer, type NntpServerOptions } from "../../../src/testing/index.js";
import { failure } from "../../net/loopback.js";
import { folder } from "./folder.js";

async function serve(options: NntpServerOptions = {}): Promise<NntpServer> {
  const server = await NntpServer.start(options);
  onTestFinished(() => server.close());
  return server;
}

const QUICK = { connect: 2_000, greeting: 2_000, command: 500, idle: 2_000, quit: 200 };

function job(server: NntpServer, options: Partial<FetchHeadersOptions> & Pick<FetchHeadersOptions, "to">) {
  const url = `${server.url}/?security=plain`;
  return fetchHeaders({ server: { url, compress: false, timeouts: QUICK }, groups: "a.b", ...options });
}

function ids() {
  const seen: string[] = [];
  const to = ({ rows }: { rows: readonly Overview[] }) => void seen.push(...rows.map(({ messageId }) => messageId));
  return { seen, to };
}

describe("a group that changes under way", () => {
  test("a renumbering in mid job loses no article and doubles none", async () => {
    const server = await serve({ groups: { "a.b": { generate: 3_000, low: 10_000 } } });
    const group = server.groups.get("a.b");
    const expected = new Set(Array.from({ length: 3_000 }, (_, i) => group?.messageId(10_000 + i)));
    const { seen, to } = ids();
    let changed = false;
    const result = await job(server, {
      dedupe: "message-id",
      connections: 1,
      rangeSize: 100,
      to: (batch) => {
        to(batch);
        if (changed || seen.length < 500) return;
        changed = true;
        group?.renumber(1);
        server.dropConnections();
      },
    });
    expect(new Set(seen)).toEqual(expected);
    expect(seen).toHaveLength(3_000);
    expect(result.warnings.join()).toContain("other numbers");
  });

  test("a group that goes away costs the others nothing", async () => {
    const groups = { "a.b": { generate: 20_000 }, "a.c": { generate: 2_000 } };
    const server = await serve({ groups });
    let rows = 0;
    const result = await job(server, {
      groups: ["a.b", "a.c"],
      rangeSize: 100,
      connections: 3,
      to: (batch) => {
        if (batch.group === "a.c") rows += batch.rows.length;
        else if (server.groups.has("a.b")) {
          server.groups.delete("a.b");
          server.dropConnections();
        }
      },
    });
    expect(rows).toBe(2_000);
    expect(result.failures).toMatchObject([{ group: "a.b", code: "411" }]);
  });

  test("a broken row among the newest is written once, however often the job runs", async () => {
    const server = await serve({ groups: { "a.b": { generate: 50 } }, faults: { rows: { badNumber: 50 } } });
    const journal = join(folder(), "journal");
    const { seen, to } = ids();
    for (let run = 0; run < 3; run++) await job(server, { to, journal });
    expect(seen).toHaveLength(50);
  });

  test("rows whose message-id is none do not look like a renumbering", async () => {
    const server = await serve({ groups: { "a.b": { generate: 50 } }, faults: { rows: { fewFields: 1 } } });
    const journal = join(folder(), "journal");
    await job(server, { to: () => {}, journal });
    const again = await job(server, { to: () => {}, journal });
    expect([again.rows, again.warnings]).toEqual([0, []]);
  });
});

describe("one bad group among good ones", () => {
  const groups = { "a.b": { generate: 300 }, "alt.limits": { generate: 5 }, "a.d": { generate: 200 } };
  const names = Object.keys(groups);

  test.each(["403 broken inside", "502 no permission", "503 no"])("GROUP is always answered %s", async (reply) => {
    const server = await serve({ groups });
    let rows = 0;
    server.faults.reply = { "GROUP alt.limits": reply };
    const result = await job(server, { groups: names, to: (batch) => void (rows += batch.rows.length) });
    expect(rows).toBe(500);
    expect(result.failures).toMatchObject([{ group: "alt.limits", code: reply.slice(0, 3) }]);
  });

  test("an answer that breaks off at the same number again and again", async () => {
    const server = await serve({ groups });
    let rows = 0;
    server.faults.closeBeforeCommand = { command: "OVER 1-5", times: 1_000 };
    const result = await job(server, {
      groups: ["alt.limits", "a.d"],
      connections: 2,
      to: (batch) => void (batch.group === "a.d" && (rows += batch.rows.length)),
    });
    expect(rows).toBe(200);
    expect(result.failures).toMatchObject([{ group: "alt.limits" }]);
  }, 60_000);

  test("a refused LIST stops the job and leaves no connection", async () => {
    const server = await serve({ groups });
    server.faults.reply = { LIST: "503 no list" };
    expect(await failure(job(server, { groups: "a.*", to: () => {} }))).toBeInstanceOf(ReplyError);
    await expect.poll(() => server.connections).toBe(0);
  });
});

describe("sinks and signals", () => {
  test("a sink that fails once, and does not remember it, loses no row", async () => {
    const server = await serve({ groups: { "a.b": { generate: 2_000 } } });
    const journal = join(folder(), "journal");
    const seen = new Set<number>();
    const sink = (failAt: number): HeaderSink => ({
      write: (batch: HeaderBatch) => {
        if (seen.size >= failAt) {
          failAt = Number.POSITIVE_INFINITY;
          throw new Error("just once");
        }
        for (const { number } of batch.rows) seen.add(number);
      },
      flush: async () => undefined,
      close: async () => {},
    });
    expect((await failure(job(server, { to: sink(700), journal, rangeSize: 100 }))).message).toBe("just once");
    await job(server, { to: sink(Number.POSITIVE_INFINITY), journal, rangeSize: 100 });
    expect(seen.size).toBe(2_000);
  });

  test("what a sink throws stops the job at once, not when the connection's other answer is over", async () => {
    const server = await serve({ groups: { "a.b": { generate: 400_000 } } });
    let batches = 0;
    const error = await failure(
      job(server, {
        rangeSize: 200_000,
        connections: 1,
        to: () => {
          if (++batches === 3) throw new Error("enough");
        },
      }),
    );
    expect(error.message).toContain("enough");
    expect(batches).toBeLessThan(20);
  });

  test("a signal that fires right after the call is not lost", async () => {
    const server = await serve({ groups: { "a.b": { generate: 5_000 } } });
    const controller = new AbortController();
    const running = failure(job(server, { to: () => {}, signal: controller.signal }));
    controller.abort();
    expect(await running).toBeInstanceOf(AbortedError);
  });
});

test("the range that all others wait for is handed out although rows fill the memory", () => {
  using journal = HeadersJournal.open(undefined, { settings: {} });
  const sink: AnySink = { write: () => {}, flush: async () => undefined, close: async () => {} };
  const context = {
    sink,
    journal,
    meter: new HeadersMeter(),
    ordered: true,
    keeps: false,
    deliver: () => {},
    failed: () => {},
    busy: () => {},
    plan: { size: 10_000, smallest: 10_000, largest: 10_000 },
  };
  const marks = { low: 1, high: 1_000_000, count: 1_000_000 };
  const work = new GroupWork(context, journal.cursor("a.b"), marks, "everything");
  const first = work.next()!;
  const waiting = work.begin(first);
  for (let range = work.next(); range; range = work.next()) {
    const { low, high } = range;
    const intake = work.begin(range);
    intake.take(Array.from({ length: high - low + 1 }, (_, i) => ({ number: low + i, messageId: "<a@b>" })));
    intake.end();
  }
  expect(work.rows).toBe(0);
  waiting.broke();
  expect(work.next()?.low).toBe(first.low);
});
