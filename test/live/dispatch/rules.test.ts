/** Workers on a real Redis, one rule at a time: the cap on connections, one file for each name, who may work, who ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MoveOptions, move, type RunWorkerOptions, runWorker } from "../../../src/jobs/index.js";
import { FtpServer } from "../../../src/testing/index.js";
import { describeLive } from "../available.js";
import { type LiveRedis, startRedis } from "../servers/redis.js";

describeLive("redis", "a job on Redis", () => {
  let redis: LiveRedis;
  let from: FtpServer;
  let to: FtpServer;
  let ending: AbortController;
  let workers: Promise<unknown>[];

  beforeEach(async () => {
    [redis, from, to] = await Promise.all([startRedis(), FtpServer.start(), FtpServer.start()]);
    from.tree.mkdir("/out");
    to.tree.mkdir("/in");
    ending = new AbortController();
    workers = [];
  });
  afterEach(async () => {
    ending.abort();
    await Promise.allSettled(workers);
    await Promise.all([redis.stop(), from.close(), to.close()]);
  });

  const fill = (files: number) => {
    for (let i = 0; i < files; i++) from.tree.write(`/out/${i}.dat`, `file ${i}`);
  };
  const job = (options: Partial<MoveOptions> = {}, dispatch: object = {}) =>
    move({
      ...{ from: from.urlOf("/out"), to: to.urlOf("/in"), match: "{n:d}.dat" },
      dispatch: { redis: redis.url, ...dispatch },
      ...options,
    });
  const work = (options: Partial<RunWorkerOptions> = {}) => {
    const places = { source: from.urlOf("/out"), target: to.urlOf("/in") };
    const worker = runWorker({ redis: redis.url, places, signal: ending.signal, ...options });
    worker.catch(() => {});
    workers.push(worker);
    return worker;
  };

  test("no more connections than allowed, over all workers", { timeout: 60_000 }, async () => {
    fill(600);
    work();
    work();
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, from.connections, to.connections);
    }, 2);
    expect(await job({}, { maxConnections: 5 })).toMatchObject({ moved: 600, left: 0 });
    clearInterval(timer);
    // Four lanes are a batch, and two batches would be eight.
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });

  test("files of one final name get names of their own, however many workers there are", {
    timeout: 60_000,
  }, async () => {
    fill(40);
    work();
    work();
    const result = await job({ route: "all.txt", onExists: "rename" });
    expect(result).toMatchObject({ moved: 40, conflicts: 0, failed: 0, left: 0 });
    const contents = to.tree.list("/in").map((name) => to.tree.read(`/in/${name}`).toString());
    expect(contents.sort()).toEqual(Array.from({ length: 40 }, (_, i) => `file ${i}`).sort());
    expect(from.tree.count("/out")).toBe(0);
  });

  test("a worker that is told to end gives its files back, and says what it did", { timeout: 60_000 }, async () => {
    fill(400);
    const first = new AbortController();
    const worker = work({ signal: first.signal, maxBytesPerSecond: 600, lanes: 1 });
    const moving = job();
    while (to.tree.count("/in") < 20) await sleep(10);
    first.abort();
    const did = await worker;
    expect(did).toMatchObject({ failed: 0, lanes: 0 });
    expect(did.files).toBeGreaterThan(0);
    expect(did.files).toBeLessThan(400);
    work();
    expect(await moving).toMatchObject({ moved: 400, failed: 0, left: 0 });
  });

  test.each(["hash", "readback"] as const)(
    "%s: a worker gives no final name to what was damaged on its way",
    {
      timeout: 60_000,
    },
    async (verify) => {
      fill(40);
      Object.assign(to.faults, { damageDataAt: 6, dataFaultsOn: "STOR" });
      work();
      const { moved, failed, failures } = await job({ verify, tries: { fail: 1, retry: 1 } });
      // The others are shorter.
      expect([moved, failed]).toEqual([10, 30]);
      for (const { state, code } of failures) expect([state, code]).toEqual(["FAILED", "VERIFY"]);
      expect(to.tree.list("/in").sort()).toEqual(Array.from({ length: 10 }, (_, i) => `${i}.dat`));
      expect(from.tree.count("/out")).toBe(30);
    },
  );

  test("a worker whose destination computes no digests says so, and ends", { timeout: 60_000 }, async () => {
    fill(4);
    const dumb = await FtpServer.start({ features: { hash: false } });
    const places = { source: from.urlOf("/out"), target: dumb.urlOf("/in") };
    const abort = new AbortController();
    const moving = job({ verify: "hash", signal: abort.signal });
    const said = /computes no digests, which verify: "hash" needs/;
    await expect(work({ places })).rejects.toThrow(said);
    abort.abort();
    await expect(moving).rejects.toMatchObject({ name: "AbortedError" });
    expect(from.tree.count("/out")).toBe(4);
    await dumb.close();
  });

  test("what strangers put into the Redis ends neither a worker nor a coordinator", { timeout: 60_000 }, async () => {
    fill(40);
    const client = new Redis(redis.url);
    const queue = new Queue("polywire", { connection: client, prefix: "polywire" });
    for (const data of [{}, { header: 7 }, { header: { job: "abcdefgh", lanes: 0 }, places: {}, batch: {} }])
      await queue.add("batch", data);
    const working = work();
    const moving = job();
    const owner = "polywire-coordinator:polywire";
    let id = await client.get(owner);
    for (; id === null; id = await client.get(owner)) await sleep(5);
    for (const text of ["{", "null", '{"batch":"x","settled":[{"id":1,"attempt":1,"state":"DONE"}]}'])
      await client.lpush(`polywire-results:polywire:${id}`, text);
    expect(await moving).toMatchObject({ moved: 40, failed: 0, left: 0 });
    expect(to.tree.count("/in")).toBe(40);
    ending.abort();
    expect(await working).toMatchObject({ files: 40, failed: 0 });
    await queue.close();
    client.disconnect();
  });

  test("names of any bytes travel by way of the Redis, and arrive", { timeout: 60_000 }, async () => {
    const names = ["caf\xe9", "\xff\xfe", "\xc3\xbc", "\xf0\x9f\x99\x82", "~x", " a ", "\x01", 'q"\\"'].map(
      (name) => `${name}.dat`,
    );
    for (const name of names) from.tree.write(`/out/${name}`, `content of ${name}`);
    work();
    expect(await job({ match: "*" })).toMatchObject({ moved: names.length, failed: 0, left: 0 });
    expect(to.tree.list("/in").sort()).toEqual([...names].sort());
    for (const name of names) expect(to.tree.read(`/in/${name}`).toString(), name).toBe(`content of ${name}`);
  });

  test("a worker that does not know a place ends; another one does the work", { timeout: 60_000 }, async () => {
    fill(20);
    const moving = job();
    await expect(work({ places: { other: from.urlOf("/out") }, name: "stranger" })).rejects.toMatchObject({
      name: "UsageError",
      message: "a job names the place source, the worker knows other",
    });
    work();
    const { moved, warnings } = await moving;
    expect(moved).toBe(20);
    expect(warnings).toContain(
      "worker stranger: a job names the place source, the worker knows other; it gave its files back",
    );
  });

  test("a worker whose login is refused ends, and says so; the job goes on with another one", {
    timeout: 60_000,
  }, async () => {
    fill(20);
    const moving = job();
    const closed = await FtpServer.start({ users: { alice: "secret" } });
    const places = { source: closed.urlOf("/out").replace(":secret", ":wrong"), target: to.urlOf("/in") };
    await expect(work({ places })).rejects.toMatchObject({ name: "LoginError" });
    work();
    expect(await moving).toMatchObject({ moved: 20 });
    await closed.close();
  });

  test("a queue has one job at a time", { timeout: 60_000 }, async () => {
    fill(20);
    const moving = job();
    const key = "polywire-coordinator:polywire";
    const client = new Redis(redis.url);
    while ((await client.exists(key)) === 0) await sleep(10);
    await expect(job()).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("another job has the queue"),
    });
    work();
    expect(await moving).toMatchObject({ moved: 20 });
    expect(await job()).toMatchObject({ moved: 0 });
    expect(await client.keys("polywire-*")).toEqual([]);
    client.disconnect();
  });

  test("the end of the coordinator takes back what nobody began", { timeout: 60_000 }, async () => {
    fill(50);
    const abort = new AbortController();
    const moving = job({ signal: abort.signal });
    const client = new Redis(redis.url);
    while ((await client.llen("polywire:polywire:wait")) === 0) await sleep(10);
    abort.abort();
    await expect(moving).rejects.toMatchObject({ name: "AbortedError" });
    expect(await client.llen("polywire:polywire:wait")).toBe(0);
    expect(from.tree.count("/out")).toBe(50);
    client.disconnect();
  });

  test("a job ends in order while its Redis is away, and goes on with another one", { timeout: 60_000 }, async () => {
    fill(50);
    const abort = new AbortController();
    const folder = mkdtempSync(join(tmpdir(), "polywire-rules-"));
    const journal = join(folder, "j");
    const moving = job({ signal: abort.signal, journal });
    const client = new Redis(redis.url);
    while ((await client.llen("polywire:polywire:wait")) === 0) await sleep(10);
    client.disconnect();
    const { port } = redis;
    await redis.stop();
    abort.abort();
    await expect(moving).rejects.toMatchObject({ name: "AbortedError" });
    redis = await startRedis({ port });
    work();
    expect(await job({ journal })).toMatchObject({ moved: 50, left: 0 });
    rmSync(folder, { recursive: true });
  });

  test("a Redis that is not there, or refuses the password, is told before anything else", async () => {
    const { port } = redis;
    await redis.stop();
    await expect(job()).rejects.toMatchObject({ name: "ConnectionError" });
    await expect(work()).rejects.toMatchObject({ name: "ConnectionError" });
    redis = await startRedis({ port, password: "the-redis-password" });
    await expect(job({}, { redis: `redis://:wrong-one@127.0.0.1:${port}` })).rejects.toMatchObject({
      name: "LoginError",
      message: expect.not.stringContaining("wrong-one"),
    });
  });
});
