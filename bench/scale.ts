/**
 * How a move behaves at scale: memory, journal, rates, and what a kill costs.
 *
 *     npx tsx bench/scale.ts [--names 6000000] [--files 200000] [--size 1024] [--lanes 8] [--workers 3]
 *
 * 1. **names**: one folder of so many files on a server in memory, in a process of its own, is listed over FTP, planned,
 *    claimed and finished by the code of move(). The listing is real, the transfers are SIMULATED (see scale-job.ts): no byte
 *    of a file goes anywhere, so `simulated files/s` is what the planning and the journal allow, not what a network does. The
 *    process is killed with SIGKILL when half is done, started again, and in the end started once more, to find that
 *    nothing is new.
 * 2. **files**: so many real files from vsftpd to ProFTPD, killed with SIGKILL in the middle and started again; every file is
 *    compared.
 * 3. **redis**: the same files back and forth through Redis, by worker processes on this machine; every file is compared.
 *
 * `limit` is what bare sockets do with the files (see raw-ftp.ts), on as many lanes and the same servers. 0 leaves a part out.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import type { MoveOptions, RunWorkerOptions } from "../src/jobs/index.js";
import { type LiveFtp, start } from "../test/live/servers/ftp.js";
import { startRedis } from "../test/live/servers/redis.js";
import { built, numbers, report, servedFolder } from "./harness.js";
import { rawLane } from "./raw-ftp.js";
import { nameOf } from "./scale-names.js";

const options = numbers({ names: 6_000_000, files: 200_000, size: 1024, lanes: 8, workers: 3 });
const { names, files, size, lanes, workers } = options;
const { JournalReader } = await built("jobs");
const work = await mkdtemp(join(tmpdir(), "polywire-scale-"));
const here = import.meta.dirname;

/** A process of this bench, what it says line by line, and the memory it had at most. */
class Part {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly started = performance.now();
  /** Bytes. */
  peak = 0;
  onLine: (line: string) => void = () => {};
  readonly #watch: NodeJS.Timeout;

  constructor(script: string, args: readonly string[], env: Record<string, string> = {}) {
    this.process = spawn(process.execPath, ["--import", "tsx", join(here, script), ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    createInterface({ input: this.process.stdout! }).on("line", (line) => this.onLine(line));
    this.ended = new Promise((resolve) => this.process.once("close", resolve));
    this.#watch = setInterval(() => this.#look(), 250);
    void this.ended.then(() => clearInterval(this.#watch));
  }

  async #look(): Promise<void> {
    const status = await readFile(`/proc/${this.process.pid}/status`, "latin1").catch(() => "");
    this.peak = Math.max(this.peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
  }

  /** Resolves with the first line that fits. */
  until(fits: (line: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      this.onLine = (line) => fits(line) && resolve(line);
      void this.ended.then((code) => reject(new Error(`a process of the bench ended with ${code}`)));
    });
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  async end(): Promise<void> {
    const code = await this.ended;
    if (code !== 0) throw new Error(`a process of the bench ended with ${code}`);
  }
}

const mega = (bytes: number) => bytes / 1e6;
const seconds = (since: number) => (performance.now() - since) / 1000;

async function sizeOf(journal: string): Promise<number> {
  const parts = await Promise.all(["", "-wal"].map((end) => stat(journal + end).catch(() => ({ size: 0 }))));
  return parts.reduce((sum, part) => sum + part.size, 0);
}

/** Part 1. */
async function simulate(): Promise<Record<string, number>> {
  const server = new Part("scale-server.ts", [String(names)]);
  const url = await server.until((line) => line.startsWith("ftp:"));
  const journal = join(work, "names.journal");
  const run = (how: "list" | "go-on") => new Part("scale-job.ts", [url, journal, how]);
  const settled = (line: string) => Number(line.split(" ")[1]);
  try {
    const first = run("list");
    let listed = 0;
    await first.until((line) => {
      console.log(`names: ${line}`);
      if (listed === 0 && line.startsWith("first")) listed = seconds(first.started);
      return line.startsWith("moving") && settled(line) >= names / 2;
    });
    const half = seconds(first.started);
    const done = settledIn(journal);
    await first.kill();
    const peakJournal = await sizeOf(journal);
    const second = run("go-on");
    let restarted = 0;
    second.onLine = (line) => {
      console.log(`names, started again: ${line}`);
      if (line.startsWith("first")) restarted = seconds(second.started);
    };
    await second.end();
    const moving = half - listed + seconds(second.started) - restarted;
    if (settledIn(journal) !== names) throw new Error(`${settledIn(journal)} of ${names} names are settled`);
    const third = run("list");
    third.onLine = (line) => console.log(`names, listed once more: ${line}`);
    await third.end();
    console.log(`${done} of ${names} names were settled when it was killed`);
    return {
      "listed names/s": names / listed,
      "seconds until the first file": listed,
      "simulated files/s": names / moving,
      "restart-s": restarted,
      "relist-s": seconds(third.started),
      "peak-MB": mega(Math.max(first.peak, second.peak, third.peak)),
      "journal-MB": mega(Math.max(peakJournal, await sizeOf(journal))),
    };
  } finally {
    await server.kill();
  }
}

function settledIn(journal: string): number {
  using reader = JournalReader.read(journal);
  return reader.counts().DONE;
}

const contentOf = (i: number) => Buffer.alloc(size, `${nameOf(i)}\n`);
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const urlOf = ({ host, port, user, password }: LiveFtp, folder: string) =>
  `ftp://${user}:${encodeURIComponent(password)}@${host}:${port}/${folder}?security=plain`;

/** Two servers, and files at the first. */
class Yard {
  private constructor(
    readonly from: LiveFtp,
    readonly to: LiveFtp,
  ) {}

  static async make(): Promise<Yard> {
    const served = await servedFolder();
    const from = await start("vsftpd", { quiet: true, home: join(served, "from") });
    const to = await start("proftpd", { quiet: true, home: join(served, "to") });
    const yard = new Yard(from, to);
    await yard.fill();
    return yard;
  }

  async fill(): Promise<void> {
    for (const folder of [join(this.from.home, "out"), join(this.to.home, "in")]) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
    }
    for (let i = 0; i < files; i++) await writeFile(join(this.from.home, "out", nameOf(i)), contentOf(i));
    this.from.handOver();
    this.to.handOver();
  }

  /** Throws where a file was lost, doubled or damaged, or where anything else was left. */
  async check(): Promise<void> {
    const left = await readdir(join(this.from.home, "out"));
    if (left.length > 0) throw new Error(`${left.length} files were left at the source, ${left[0]} is one of them`);
    const there = await readdir(join(this.to.home, "in"));
    if (there.length !== files) throw new Error(`${there.length} files are at the target, not ${files}`);
    for (let i = 0; i < files; i++) {
      const found = await readFile(join(this.to.home, "in", nameOf(i)));
      if (digest(found) !== digest(contentOf(i))) throw new Error(`${nameOf(i)} has other bytes`);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.from.stop(), this.to.stop()]);
  }
}

/** A process that moves, or works: scale-child.ts. */
function child(task: { readonly move: MoveOptions } | { readonly worker: RunWorkerOptions }): Part {
  return new Part("scale-child.ts", [], { POLYWIRE_BENCH_TASK: JSON.stringify(task) });
}

/** Files that have arrived. */
const arrived = async ({ to }: Yard) => (await readdir(join(to.home, "in"))).length;

async function untilHalf(yard: Yard): Promise<void> {
  while ((await arrived(yard)) < files / 2) await new Promise((resolve) => setTimeout(resolve, 200));
}

/** Part 2. */
async function really(yard: Yard): Promise<Record<string, number>> {
  const move: MoveOptions = {
    from: urlOf(yard.from, "out"),
    to: urlOf(yard.to, "in"),
    match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:9d}.dat",
    lanes,
    journal: join(work, "files.journal"),
  };
  const first = child({ move });
  await untilHalf(yard);
  await first.kill();
  const half = seconds(first.started);
  const second = child({ move });
  await second.end();
  const took = half + seconds(second.started);
  await yard.check();
  console.log(`${files} files moved, killed once: ${took.toFixed(1)} s, all there, byte for byte`);
  return {
    "files/s": files / took,
    "files-peak-MB": mega(Math.max(first.peak, second.peak)),
    "files-journal-MB": mega(await sizeOf(move.journal as string)),
  };
}

/** Part 3. */
async function throughRedis(yard: Yard): Promise<Record<string, number>> {
  await yard.fill();
  const redis = await startRedis();
  const places = { source: urlOf(yard.from, "out"), target: urlOf(yard.to, "in") };
  const crew = Array.from({ length: workers }, () =>
    child({ worker: { redis: redis.url, places, lanes: Math.ceil(lanes / workers) } }),
  );
  try {
    const coordinator = child({
      move: {
        from: places.source,
        to: places.target,
        match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:9d}.dat",
        journal: join(work, "redis.journal"),
        dispatch: { redis: redis.url },
      },
    });
    await coordinator.end();
    const took = seconds(coordinator.started);
    await yard.check();
    console.log(`${files} files moved by ${workers} workers: ${took.toFixed(1)} s, all there, byte for byte`);
    const client = new Redis(redis.url);
    const peak = Number(/used_memory_peak:(\d+)/.exec(await client.info("memory"))?.[1]);
    client.disconnect();
    return {
      "redis-files/s": files / took,
      "redis-MB": mega(peak),
      "coordinator-peak-MB": mega(coordinator.peak),
      "worker-peak-MB": mega(Math.max(...crew.map(({ peak }) => peak))),
    };
  } finally {
    await Promise.all(crew.map((worker) => worker.kill()));
    await redis.stop();
  }
}

/** Bare sockets: files/s. */
async function bare(yard: Yard): Promise<number> {
  await yard.fill();
  const names = await readdir(join(yard.from.home, "out"));
  const started = performance.now();
  await Promise.all(Array.from({ length: lanes }, () => rawLane(yard.from, "out", yard.to, "in", names)));
  const took = seconds(started);
  await yard.check();
  return files / took;
}

let ours: Record<string, number> = {};
let limit = 0;
try {
  if (names > 0) ours = { ...ours, ...(await simulate()) };
  if (files > 0) {
    const yard = await Yard.make();
    try {
      ours = { ...ours, ...(await really(yard)) };
      if (workers > 0) ours = { ...ours, ...(await throughRedis(yard)) };
      limit = await bare(yard);
    } finally {
      await yard.stop();
    }
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
for (const [name, value] of Object.entries(ours)) console.log(`${name}: ${value.toFixed(1)}`);
report({
  bench: "scale",
  unit: "files/s",
  ours,
  peers: {},
  limit,
  ratios: files > 0 ? { limit: ours["files/s"]! / limit, "limit-redis": (ours["redis-files/s"] ?? 0) / limit } : {},
});
