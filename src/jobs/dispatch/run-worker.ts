/** A worker: takes batches from a Redis, moves their files, and says what became of them. It keeps no journal. */
import { hostname } from "node:os";
import type { Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { onAbort } from "../../client/abort.js";
import { PolywireError, UsageError } from "../../client/errors.js";
import { wholeNumber } from "../../client/options.js";
import { Bucket } from "../move/lanes/bucket.js";
import { perSecond } from "../move/lanes/limits.js";
import { Logins } from "../move/lanes/logins.js";
import type { Roster } from "../move/lanes/roster.js";
import type { MoveSide } from "../move/options.js";
import { type Side, sideOf } from "../move/places/sources.js";
import { unpackBatch } from "./batch.js";
import { BatchWork, rosterFor, type Workshop } from "./batch-work.js";
import type { JobHeader, Piece, Stopped } from "./dispatcher.js";
import { checkName } from "./options.js";
import { parseQueued } from "./parse-payload.js";
import { connectRedis, loadRedis, PREFIX, type QueuedBatch, resultsKey } from "./redis-connection.js";
import { checkRedisUrl } from "./redis-url.js";

/** What a worker takes. */
export interface RunWorkerOptions {
  /** The Redis of the coordinator: `redis://user:password@host:port/db`, or `rediss:` for TLS. */
  redis: string | URL;
  /** The places that jobs name, with their credentials, which never leave this process: `{ source: …, target: … }`. */
  places: Readonly<Record<string, MoveSide>>;
  /** As the coordinator's. Default: `polywire`. */
  queue?: string | undefined;
  /** Pairs of connections, one to each side, at most; of a job with `lanes: "auto"` as many as make it faster. Default: 8. */
  lanes?: number | undefined;
  /** Connections that this worker makes in a second to one server: 0.1 to 1,000. Default: no limit. */
  connectionsPerSecond?: number | undefined;
  /** Bytes per second over all lanes of this worker. Default: no limit. */
  maxBytesPerSecond?: number | undefined;
  /** What the coordinator's messages call it. Default: the name of the machine and the number of the process. */
  name?: string | undefined;
  /** Ends it in order: files under way are finished, or broken off after ten seconds; the others are given back. */
  signal?: AbortSignal | undefined;
  /** Called once a second while it runs. */
  onProgress?: ((progress: WorkerProgress) => void) | undefined;
}

/** What a worker did so far. */
export interface WorkerProgress {
  readonly batches: number;
  /** Files that ended in its hands, in whatever way. */
  readonly files: number;
  /** Those of them that failed, conflict with another one, or vanished. */
  readonly failed: number;
  readonly bytes: number;
  /** Pairs of connections at work. */
  readonly lanes: number;
  /** Why it stands still for now; undefined while it goes on. */
  readonly paused: string | undefined;
}

/** BullMQ's own: how long a job is locked, and how often it is looked for those whose worker died (milliseconds). */
const LOCK = 10_000;
const STALLED = 5_000;
/** Milliseconds until it looks for jobs again after a failure of Redis. */
const AGAIN = 1_000;
/** Seconds for which results wait for a coordinator. */
const KEPT = 7 * 24 * 3600;

/**
 * Works for the coordinators of a queue (`move()` with `dispatch: { redis }`) until it is told to end.
 *
 * @returns what it did, when `signal` fired and everything was said.
 * @throws UsageError for options that cannot work; ConnectionError, LoginError where Redis cannot be reached; what ended it: a
 *   login that is refused, a server that stays away, a place it does not know. Its files were given back then.
 *
 * @example
 * await runWorker({
 *   redis: "redis://queue.example.org",
 *   places: {
 *     source: { url: "ftps://alice@old.example.org/out", credentials: env("SOURCE") },
 *     target: { url: "ftps://bob@new.example.org/in", credentials: env("TARGET") },
 *   },
 * });
 */
export async function runWorker(options: RunWorkerOptions): Promise<WorkerProgress> {
  const resolved = resolveWorker(options);
  const packages = await loadRedis();
  const redis = await connectRedis(packages, resolved.redis);
  const running = new RunningWorker(resolved, redis);
  const worker = new packages.Worker<QueuedBatch>(resolved.queue, (job) => running.process(job), {
    connection: redis,
    prefix: PREFIX,
    name: resolved.name,
    concurrency: 1,
    lockDuration: LOCK,
    stalledInterval: STALLED,
    // A batch whose worker died goes by way of the coordinator: its claims may be new ones by then.
    maxStalledCount: 0,
    runRetryDelay: AGAIN,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  return running.run(worker);
}

interface ResolvedWorker {
  readonly redis: string;
  readonly queue: string;
  readonly places: ReadonlyMap<string, Side>;
  readonly lanes: number;
  readonly bucket: Bucket;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: WorkerProgress) => void) | undefined;
}

function resolveWorker(options: RunWorkerOptions): ResolvedWorker {
  const { queue = "polywire", lanes = 8, maxBytesPerSecond, name = `${hostname()}-${process.pid}` } = options;
  const logins = new Logins(perSecond(options.connectionsPerSecond));
  const sides = Object.entries(options.places);
  const places = sides.map(([key, side]) => [checkName("place", key), sideOf(side, logins)] as const);
  return {
    redis: checkRedisUrl(options.redis),
    queue: checkName("queue", queue),
    places: new Map(places),
    lanes: wholeNumber("lanes", lanes, 1, 1000),
    bucket: new Bucket({ bytesPerSecond: maxBytesPerSecond }),
    name: checkName("worker's name", name),
    signal: options.signal,
    onProgress: options.onProgress,
  };
}

class RunningWorker {
  readonly #options: ResolvedWorker;
  readonly #redis: Redis;
  readonly #ending = new AbortController();
  readonly #lanes = new Map<string, number>();
  readonly #counts = { batches: 0, files: 0, failed: 0, bytes: 0 };
  /** Told once for each job. */
  readonly #warned = new Set<string>();
  /** Of the last job. */
  #roster: { readonly of: string; readonly roster: Roster } | undefined;
  #worker: Worker<QueuedBatch> | undefined;
  #stopped: unknown;

  constructor(options: ResolvedWorker, redis: Redis) {
    this.#options = options;
    this.#redis = redis;
  }

  /** Until its end, which its signal brings about, or what would stop every batch. */
  async run(worker: Worker<QueuedBatch>): Promise<WorkerProgress> {
    const { signal, onProgress } = this.#options;
    this.#worker = worker;
    // What Redis refuses, and a lock that went with a Redis that was started anew: the coordinator's lease sees to it.
    worker.on("error", () => {});
    const ended = new Promise<void>((resolve) => onAbort(this.#ending.signal, resolve));
    const forget = onAbort(signal, () => this.#ending.abort());
    if (signal?.aborted) this.#ending.abort();
    const timer = onProgress && setInterval(() => this.#tell(onProgress), 1000);
    if (!this.#ending.signal.aborted) await ended;
    await worker.close();
    await this.#roster?.roster.close();
    clearInterval(timer);
    forget();
    this.#redis.disconnect();
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#progress();
  }

  /** One batch. It never fails: what became of its files is in the pieces. */
  async process({ data: given }: Job<unknown>): Promise<void> {
    const data = parseQueued(given);
    // Of a stranger, or of another version: whoever handed it out hears nothing of it, and hands it to somebody else.
    if (data === undefined) return;
    const { header, places, batch } = data;
    const { lanes, name, bucket } = this.#options;
    const each = Math.min(lanes, header.lanes);
    const send = (piece: Piece) => this.#send(header, piece);
    try {
      const roster = await this.#rosterOf(data);
      const most = Math.floor(lanes / each);
      // No more than have lanes to work with.
      if (this.#worker) this.#worker.concurrency = Math.min(most, Math.ceil(roster.pace.wanted / each));
      const shop: Workshop = { name, lanes: each, roster, bucket, ending: this.#ending.signal, send };
      const sides = { from: this.#place(places.from), to: this.#place(places.to) };
      const unpacked = unpackBatch(batch, header.job);
      const makers = { from: sides.from.make, to: sides.to.make };
      const work = new BatchWork(unpacked, header, makers, shop, this.#differences(data, sides));
      this.#stop(await work.run());
      this.#counts.batches++;
    } catch (error) {
      await this.#refuse(data, error as Error);
    }
  }

  /** What the batches of a job share; the connections of another one are hung up first. */
  async #rosterOf({ header, places }: QueuedBatch): Promise<Roster> {
    const of = JSON.stringify([header.job, header.traits, places]);
    if (this.#roster?.of === of) return this.#roster.roster;
    const before = this.#roster;
    const roster = rosterFor(header, this.#options.lanes);
    this.#roster = { of, roster };
    await before?.roster.close();
    return roster;
  }

  #place(name: string): Side {
    const side = this.#options.places.get(name);
    if (side) return side;
    const known = [...this.#options.places.keys()].join(", ") || "none";
    throw new UsageError(`a job names the place ${name}, the worker knows ${known}`);
  }

  /** Two machines may know a server by different names: that is told, as it may be a mistake. */
  #differences({ header, shown }: QueuedBatch, sides: { readonly from: Side; readonly to: Side }): string[] {
    if (this.#warned.has(header.job)) return [];
    this.#warned.add(header.job);
    return (["from", "to"] as const).flatMap((role) => {
      const [theirs, ours] = [shown[role], sides[role].shown].map((url) => url.replace(/\/\/[^/@]*@/, "//"));
      return theirs === ours
        ? []
        : [`worker ${this.#options.name}: what the coordinator calls ${theirs} is ${ours} there`];
    });
  }

  /** A batch that cannot be begun here. */
  async #refuse({ header, batch }: QueuedBatch, { name, message }: Error): Promise<void> {
    const stopped = { name, message, everywhere: false };
    const none = { probed: [], settled: [], released: [], retargeted: [], warnings: [] };
    const from = { batch: batch.key, worker: this.#options.name, bytes: 0, lanes: 0 };
    await this.#send(header, { ...from, ...none, ended: true, stopped });
    this.#stop(stopped);
  }

  /** Waits as long as Redis is away. */
  async #send({ job }: JobHeader, piece: Piece): Promise<void> {
    const key = resultsKey(this.#options.queue, job);
    const replies = await this.#redis.multi().rpush(key, JSON.stringify(piece)).expire(key, KEPT).exec();
    const [refused] = replies?.find(([error]) => error) ?? [];
    if (refused) throw refused;
    this.#counts.files += piece.settled.length;
    this.#counts.failed += piece.settled.filter(({ state }) => FAILED.has(state)).length;
    this.#counts.bytes += piece.bytes;
    if (piece.ended) this.#lanes.delete(piece.batch);
    else this.#lanes.set(piece.batch, piece.lanes);
  }

  #stop(stopped: Stopped | undefined): void {
    if (stopped === undefined) return;
    const { name, message, code } = stopped;
    this.#stopped ??= Object.assign(new PolywireError(message), { name, code });
    this.#ending.abort();
  }

  #tell(onProgress: (progress: WorkerProgress) => void): void {
    try {
      onProgress(this.#progress());
    } catch (error) {
      this.#stopped ??= error;
      this.#ending.abort();
    }
  }

  #progress(): WorkerProgress {
    const lanes = [...this.#lanes.values()].reduce((sum, each) => sum + each, 0);
    return { ...this.#counts, lanes, paused: this.#roster?.roster.halt.why?.message };
  }
}

const FAILED = new Set<string>(["FAILED", "CONFLICT", "GONE"]);
