/**
 * 100,000 overview rows from INN, typed, against Python's nntplib and newsie; 2,000 articles by overlapping calls and one
 * by one; and rows from a synthetic feed (a server in another process), typed and to an NDJSON file.
 *
 *     npx tsx bench/nntp-over.ts [--rounds 3] [--warm-up 1] [--rows 100000] [--feed 10000000] [--newsie 1]
 *
 * The limit is the same OVER by a bare socket that looks for the dot line and at nothing else: INN gives no more, so no
 * client can be faster than that. `nntplib-feed` is nntplib at the synthetic feed, which gives as much as is taken. All read uncompressed;
 * connections are open before the clock starts. newsie takes half a minute for its one turn, and is asked once.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startNews } from "../test/live/servers/news.js";
import { GROUPS } from "../test/live/servers/news-seed.js";
import { built, type Competitor, inTurns, median, numbers, rate, report, type Turn } from "./harness.js";
import { newsie, nntplib } from "./nntp-peers.js";
import type { Peer } from "./peer.js";
import { rawCommand, rawConnect } from "./raw-nntp.js";

const options = numbers({ rounds: 3, "warm-up": 1, rows: 100_000, feed: 10_000_000, newsie: 1 });
const { rounds, rows, feed, "warm-up": warmUp } = options;
const GROUP = "polywire.big";
const ARTICLES = 2_000;
const root = join(import.meta.dirname, "..");

const { NntpClient } = await built("nntp");
const server = await startNews("inn", { seed: true });
const seeded = GROUPS.find(({ name }) => name === GROUP)!;
const expected = rows - seeded.cancelled.filter((number) => number <= rows).length;
const work = await mkdtemp(join(tmpdir(), "polywire-bench-"));

async function client(port: number, group: string, pipelining = 256) {
  const nntp = new NntpClient({ host: "127.0.0.1", port, security: "plain", compress: false, pipelining });
  await nntp.connect();
  await nntp.group(group);
  return nntp;
}

/** Every row as an object, its fields read. */
async function typed(nntp: InstanceType<typeof NntpClient>, last: number): Promise<number> {
  let count = 0;
  let octets = 0;
  await nntp.over([1, last]).each((batch) => {
    count += batch.length;
    for (const row of batch) octets += row.bytes ?? 0;
  });
  if (octets === 0) throw new Error("rows without octets");
  return count;
}

const same = (got: number, wanted: number, who: string) => {
  if (got !== wanted) throw new Error(`${who} got ${got} of ${wanted} rows`);
};

async function articles(nntp: InstanceType<typeof NntpClient>, count: number): Promise<void> {
  const all = await Promise.all(Array.from({ length: count }, (_, i) => nntp.article(20_000 + i)));
  if (all.some(({ content }) => content.length === 0)) throw new Error("an empty article");
}

/** The overview of INN, and its articles. */
async function fromInn() {
  const args = ["127.0.0.1", String(server.port), GROUP, "1", String(rows)];
  const ours = await client(server.port, GROUP);
  const raw = await rawConnect(server);
  await rawCommand(raw, `GROUP ${GROUP}\r\n`, "\r\n");
  const python = await nntplib(args);
  const competitors: Competitor[] = [
    { name: "polywire", run: async () => same(await typed(ours, rows), expected, "polywire") },
    { name: "limit", run: () => rawCommand(raw, `OVER 1-${rows}\r\n`) },
    ...(python ? [{ name: "nntplib", run: async () => same(await python.go(), expected, "nntplib") }] : []),
  ];
  const turns = await inTurns(competitors, rounds, warmUp);
  const other = options.newsie > 0 ? await newsie(args) : undefined;
  if (other) turns.set("newsie", [await once(other)]);
  const serial = await client(server.port, GROUP, 1);
  const reads: Competitor[] = [
    { name: "articles", run: () => articles(ours, ARTICLES) },
    { name: "articles-serial", run: () => articles(serial, ARTICLES / 20) },
  ];
  for (const [name, turn] of await inTurns(reads, rounds, warmUp)) turns.set(name, turn);
  for (const peer of [python, other]) peer?.stop();
  raw.destroy();
  await Promise.all([ours.quit(), serial.quit()]);
  return turns;
}

async function once(peer: Peer): Promise<Turn> {
  const started = performance.now();
  same(await peer.go(), expected, "newsie");
  const milliseconds = performance.now() - started;
  console.log(`newsie: ${milliseconds.toFixed(0)} ms`);
  return { milliseconds, cpu: 0 };
}

const FEED = `
import { NntpServer } from ${JSON.stringify(join(root, "dist/testing/index.js"))};
const server = await NntpServer.start({ groups: { "alt.feed": { generate: ${feed} } } });
console.log(server.port);
`;

const HEADERS = `
import { readFileSync } from "node:fs";
import { fetchHeaders } from ${JSON.stringify(join(root, "dist/jobs/index.js"))};
const [port, rows, file, journal] = process.argv.slice(1);
const started = performance.now();
const result = await fetchHeaders({
  server: { url: "nntp://127.0.0.1:" + port + "/?security=plain", compress: false },
  groups: "alt.feed", range: [1, Number(rows)], connections: 1, to: file, journal,
});
const milliseconds = performance.now() - started;
const peak = Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))[1]) * 1024;
console.log(JSON.stringify({ milliseconds, peak, rows: result.rows }));
`;

/** Runs a module in a process of its own; gives it, and the first line it prints. */
async function run(source: string, args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source, "--", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) return { child, line };
  throw new Error("the process said nothing");
}

/** Rows of a feed that is faster than any news server. */
async function fromFeed() {
  const { child, line: port } = await run(FEED, []);
  try {
    const nntp = await client(Number(port), "alt.feed");
    const part = Math.min(feed, 2_000_000);
    const share = Math.min(part, rows);
    const python = await nntplib(["127.0.0.1", port, "alt.feed", "1", String(share)]);
    const competitors: Competitor[] = [
      { name: "feed", run: async () => same(await typed(nntp, part), part, "polywire") },
      ...(python ? [{ name: "nntplib-feed", run: async () => same(await python.go(), share, "nntplib") }] : []),
    ];
    const turns = await inTurns(competitors, rounds, warmUp);
    python?.stop();
    await nntp.quit();
    // A virtual machine gets the memory for its file cache from its host at the first use, several times slower.
    for (let i = 0; i < warmUp; i++) await toFile(port);
    const ndjson = await toFile(port);
    const durable = await toFile(port, join(work, "headers.journal"));
    const peer = python && rate(turns, "nntplib-feed", share);
    return { feed: rate(turns, "feed", part), peer, ndjson, durable };
  } finally {
    child.kill();
  }
}

/** All rows into an NDJSON file by a process of its own; with a journal, which has the disk confirm what is counted in. */
async function toFile(port: string, journal?: string): Promise<{ milliseconds: number; peak: number }> {
  const file = join(work, "headers.ndjson");
  execFileSync("sync");
  const { line } = await run(HEADERS, [port, String(feed), file, ...(journal === undefined ? [] : [journal])]);
  const { milliseconds, peak, rows } = JSON.parse(line) as { milliseconds: number; peak: number; rows: number };
  same(rows, feed, "fetchHeaders");
  same(Number(execFileSync("wc", ["-l", file]).toString().split(" ")[0]), feed, "the NDJSON file");
  const how = journal === undefined ? "without a journal" : "with a journal, synced to the disk each second";
  console.log(`NDJSON, ${how}: ${(statSync(file).size / 1e6).toFixed(0)} MB in ${(milliseconds / 1000).toFixed(1)} s`);
  await rm(file);
  return { milliseconds, peak };
}

try {
  const turns = await fromInn();
  const speed = (name: string, work = rows) => (turns.has(name) ? rate(turns, name, work) : undefined);
  const synthetic = await fromFeed();
  const [inn, limit] = [speed("polywire")!, speed("limit")!];
  const peers = Object.fromEntries(
    ["nntplib", "newsie"].flatMap((name) => (turns.has(name) ? [[name, speed(name)!]] : [])),
  ) as Record<string, number>;
  const ours = {
    inn,
    feed: synthetic.feed,
    "feed-ndjson": (feed * 1000) / synthetic.ndjson.milliseconds,
    "feed-ndjson-journal": (feed * 1000) / synthetic.durable.milliseconds,
    "feed-ndjson-peak-MB": Math.max(synthetic.ndjson.peak, synthetic.durable.peak) / 1e6,
    "articles/s": speed("articles", ARTICLES)!,
    "articles/s-one-by-one": speed("articles-serial", ARTICLES / 20)!,
  };
  console.log(
    `${ARTICLES} articles: overlapping ${median(turns.get("articles")!.map((turn) => turn.milliseconds)).toFixed(0)} ms; ` +
      `one by one ${((ARTICLES * 1000) / ours["articles/s-one-by-one"]).toFixed(0)} ms (measured with ${ARTICLES / 20})`,
  );
  report({
    bench: "nntp-over",
    unit: "rows/s",
    ours,
    peers: { ...peers, ...(synthetic.peer ? { "nntplib-feed": synthetic.peer } : {}) },
    limit,
    ratios: {
      limit: inn / limit,
      ...Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, inn / peer])),
      ...(synthetic.peer ? { "nntplib-feed": synthetic.feed / synthetic.peer } : {}),
      "serial-articles": ours["articles/s"] / ours["articles/s-one-by-one"],
    },
  });
} finally {
  await server.stop();
  if (existsSync(work)) await rm(work, { recursive: true, force: true });
}
