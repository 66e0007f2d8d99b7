/** What the tests of many processes share: two FTP servers, a Redis, coordinators and workers, and what must hold in the end. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { JournalReader, type MoveOptions, type RunWorkerOptions, type StateCounts } from "../../../src/jobs/index.js";
import { url } from "../move/url.js";
import { type FtpOptions, type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { type LiveRedis, startRedis } from "../servers/redis.js";
import { Child } from "./children.js";

/** The password of every Redis in these tests. */
const REDIS_PASSWORD = "the-redis-password";

/** Every block of it is another one: parts cannot be mixed up. */
function contentOf(i: number, size: number): Buffer {
  const content = Buffer.alloc(size, `${i},`);
  for (let at = 0; at + 8 <= size; at += 512) content.writeDoubleLE(at + i, at);
  return content;
}

const nameOf = (i: number) => `sensor_${String(i % 97).padStart(5, "0")}_20260118_${String(i).padStart(8, "0")}.dat`;

/** What a bed is to be, where that matters. */
export interface BedOptions {
  /** Default: vsftpd, and ProFTPD. */
  readonly from?: readonly [Kind, FtpOptions];
  readonly to?: readonly [Kind, FtpOptions];
  /** Bytes of the i-th file. Default: up to 8 KB. */
  readonly size?: (i: number) => number;
}

export class Bed {
  readonly children: Child[] = [];
  /** Bytes of the largest Redis so far. */
  redisPeak = 0;
  redis: LiveRedis;

  private constructor(
    readonly from: LiveFtp,
    readonly to: LiveFtp,
    redis: LiveRedis,
    readonly scratch: string,
    readonly digests: ReadonlyMap<string, string>,
  ) {
    this.redis = redis;
  }

  /** `files` at the source, none at the target. */
  static async make(files: number, options: BedOptions = {}): Promise<Bed> {
    const { size = (i) => (i * 7919) % 8192 } = options;
    const [from, to, redis] = await Promise.all([
      start(...(options.from ?? ["vsftpd", { quiet: true }])),
      start(...(options.to ?? ["proftpd", {}])),
      startRedis({ password: REDIS_PASSWORD }),
    ]);
    mkdirSync(join(from.home, "out"));
    mkdirSync(join(to.home, "in"));
    const digests = new Map<string, string>();
    for (let i = 0; i < files; i++) {
      const content = contentOf(i, size(i));
      writeFileSync(join(from.home, "out", nameOf(i)), content);
      digests.set(nameOf(i), digestOf(content));
    }
    from.handOver();
    to.handOver();
    return new Bed(from, to, redis, mkdtempSync(join(tmpdir(), "polywire-dispatch-")), digests);
  }

  get journal(): string {
    return join(this.scratch, "move.journal");
  }

  move(options: Partial<MoveOptions>): Child {
    const { from, to, journal } = this;
    return this.#child({ move: { from: url(from, "out"), to: url(to, "in"), match: "*.dat", journal, ...options } });
  }

  worker(options: Partial<RunWorkerOptions> = {}): Child {
    const places = { source: url(this.from, "out"), target: url(this.to, "in") };
    return this.#child({ worker: { redis: this.redis.url, places, ...options } });
  }

  #child(task: unknown): Child {
    const child = new Child(task);
    this.children.push(child);
    return child;
  }

  /** Files that arrived. */
  arrived(): number {
    return readdirSync(join(this.to.home, "in")).filter((name) => !name.endsWith(".part")).length;
  }

  /** Files that are half there. */
  temporary(): string[] {
    return readdirSync(join(this.to.home, "in")).filter((name) => name.endsWith(".part"));
  }

  /** How many files the journal has in each state. */
  states(): StateCounts {
    using reader = JournalReader.read(this.journal);
    return reader.counts();
  }

  /** The digests that the journal has of what arrived, by name. */
  proved(): Map<string, string | undefined> {
    using reader = JournalReader.read(this.journal);
    return new Map([...reader.files(["DONE"])].map(({ name, digest }) => [name, digest]));
  }

  /** Bytes that have come of each file that is half there: without its holes. */
  underWay(): number[] {
    const found = this.temporary().map((name) => statSync(join(this.to.home, "in", name), { throwIfNoEntry: false }));
    return found.flatMap((each) => (each ? Math.min(each.size, each.blocks * 512) : []));
  }

  /** Resolves when so many files arrived. */
  until(files: number): Promise<void> {
    return this.when(() => this.arrived() >= files);
  }

  /** Resolves when it is so; rejects where a process ended by itself, and not in order. */
  async when(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      for (const child of this.children) child.check();
      await sleep(20);
    }
  }

  /** Kills the Redis, and starts another one in its place that knows nothing. */
  async loseRedis(): Promise<void> {
    await this.lookAtRedis();
    const { port } = this.redis;
    this.redis.signal("SIGKILL");
    await this.redis.stop();
    this.redis = await startRedis({ password: REDIS_PASSWORD, port });
  }

  /** No password in any key or value, nor on any command line. Gives how many keys there are. */
  async lookAtRedis(): Promise<number> {
    const client = new Redis(this.redis.url);
    const { password } = this.from;
    try {
      const keys = await client.keys("*");
      for (const key of keys) expect(`${key} ${await valueIn(client, key)}`).not.toContain(password);
      const peak = /used_memory_peak:(\d+)/.exec(await client.info("memory"))?.[1];
      this.redisPeak = Math.max(this.redisPeak, Number(peak));
      expect(this.redisPeak).toBeGreaterThan(0);
      for (const secret of [password, REDIS_PASSWORD]) expect(this.#commandLines()).not.toContain(secret);
      return keys.length;
    } finally {
      client.disconnect();
    }
  }

  /** Those of the processes of this test, and of those that they have started. */
  #commandLines(): string {
    const ours = new Set([process.pid, ...this.children.map((child) => child.process.pid)]);
    const rows = execFileSync("ps", ["-eww", "-o", "ppid=,pid=,args="], { encoding: "utf8" }).split("\n");
    const shown = rows.filter((row) =>
      row
        .trim()
        .split(/\s+/, 2)
        .some((pid) => ours.has(Number(pid))),
    );
    expect(shown.length).toBeGreaterThan(1);
    return shown.join("\n");
  }

  /**
   * Every file is at the target exactly once, byte for byte, none at the source, nothing else anywhere; the journal agrees.
   * `archive`: the folder in the source where all of them are, too.
   */
  check({ archive }: { archive?: string } = {}): void {
    expect(readdirSync(join(this.from.home, "out"))).toEqual(archive === undefined ? [] : [archive]);
    const folders = [
      join(this.to.home, "in"),
      ...(archive === undefined ? [] : [join(this.from.home, "out", archive)]),
    ];
    for (const folder of folders) {
      expect(readdirSync(folder).sort()).toEqual([...this.digests.keys()].sort());
      for (const [name, digest] of this.digests) expect(digestOf(readFileSync(join(folder, name))), name).toBe(digest);
    }
    const { DONE, ...others } = this.states();
    expect(DONE).toBe(this.digests.size);
    expect(Object.values(others).every((files) => files === 0)).toBe(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children) await child.kill("SIGKILL");
    await Promise.all([this.from.stop(), this.to.stop(), this.redis.stop()]);
    rmSync(this.scratch, { recursive: true });
  }
}

const READ: Readonly<Record<string, (client: Redis, key: string) => Promise<unknown>>> = {
  string: (client, key) => client.get(key),
  list: (client, key) => client.lrange(key, 0, -1),
  set: (client, key) => client.smembers(key),
  zset: (client, key) => client.zrange(key, "0", "-1"),
  hash: (client, key) => client.hgetall(key),
  stream: (client, key) => client.xrange(key, "-", "+"),
  // Gone meanwhile.
  none: async () => undefined,
};

async function valueIn(client: Redis, key: string): Promise<string> {
  const type = await client.type(key);
  const read = READ[type];
  if (read === undefined) throw new Error(`${key} is a ${type}, which this test cannot read`);
  try {
    return JSON.stringify(await read(client, key)) ?? "";
  } catch (error) {
    // Another type by now: it is looked at with the next scan.
    if (/WRONGTYPE/.test((error as Error).message)) return "";
    throw error;
  }
}

function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
