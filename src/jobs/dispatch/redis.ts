/**
 * Batches for workers anywhere, by way of BullMQ on a Redis. The Redis may lose everything: the journal knows what is claimed,
 * and what nobody speaks of for the length of a lease is handed out once more.
 */
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { onAbort } from "../../client/abort.js";
import { UsageError } from "../../client/errors.js";
import { pause } from "../move/lanes/pause.js";
import { packBatch } from "./batch.js";
import type { Batch, Dispatcher, Handed, JobHeader, Report } from "./dispatcher.js";
import { Leases } from "./leases.js";
import { handedOf, parsePiece } from "./parse-payload.js";
import { connectRedis, coordinatorKey, loadRedis, PREFIX, type QueuedBatch, resultsKey } from "./redis-connection.js";

/** What a coordinator on Redis works with. */
export interface RedisDispatcherOptions {
  readonly redis: string;
  readonly queue: string;
  readonly places: QueuedBatch["places"];
  readonly shown: QueuedBatch["shown"];
  readonly header: JobHeader;
  /** Batches that are worked on at a time, over all workers; undefined: no limit. */
  readonly batches: number | undefined;
  readonly signal: AbortSignal;
}

/** Batches that wait or are worked on, for each worker: so a Redis stays small however long the job is. */
const WINDOW = 4;
/** Milliseconds between two looks for results. */
const LOOK = 200;
/** Pieces taken at a time. */
const PIECES = 100;
/** Milliseconds between two counts of the workers, and for which the queue is this job's own without a word. */
const COUNT = 1_000;
const OWNED = 30_000;
/** Milliseconds for what the end has to say to Redis. */
const GOODBYE = 5_000;
/** BullMQ's own events that are kept, which nobody here reads. */
const EVENTS = 100;

export class RedisDispatcher implements Dispatcher {
  readonly #options: RedisDispatcherOptions;
  readonly #redis: Redis;
  readonly #queue: Queue<QueuedBatch>;
  readonly #leases: Leases;
  readonly #results: string;
  readonly #ended = new AbortController();
  workers = 0;

  private constructor(options: RedisDispatcherOptions, redis: Redis, queue: Queue<QueuedBatch>) {
    this.#options = options;
    this.#redis = redis;
    this.#queue = queue;
    this.#leases = new Leases(options.header.lease);
    this.#results = resultsKey(options.queue, options.header.job);
  }

  /** Connects, and takes the queue. Rejects with UsageError where another job has it. */
  static async open(options: RedisDispatcherOptions): Promise<RedisDispatcher> {
    const packages = await loadRedis();
    const redis = await connectRedis(packages, options.redis);
    const streams = { events: { maxLen: EVENTS } };
    const queue = new packages.Queue<QueuedBatch>(options.queue, { connection: redis, prefix: PREFIX, streams });
    queue.on("error", () => {});
    const dispatcher = new RedisDispatcher(options, redis, queue);
    try {
      await dispatcher.#own();
      await dispatcher.#count();
      return dispatcher;
    } catch (error) {
      await dispatcher.#hangUp();
      throw error;
    }
  }

  get room(): number {
    return Math.max(1, this.workers) * WINDOW - this.#leases.size;
  }

  async recall(): Promise<readonly Handed[]> {
    const jobs = await this.#queue.getJobs(["waiting", "active"]);
    const handed = jobs.flatMap((job) => handedOf(job?.data, this.#options.header.job) ?? []);
    for (const { key } of handed) this.#leases.begin(key);
    return handed;
  }

  async offer(batch: Batch): Promise<void> {
    const { header, places, shown } = this.#options;
    this.#leases.begin(batch.key);
    const data: QueuedBatch = { header, places, shown, batch: packBatch(batch) };
    // A batch that a dead worker had goes by way of the journal, not by BullMQ's own: the claims may be new ones by then.
    const options = { jobId: batch.key, attempts: 1, removeOnComplete: true, removeOnFail: true };
    const added = this.#queue.add("batch", data, options);
    added.catch(() => {});
    const { signal } = this.#options;
    if (signal.aborted) return;
    let forget = () => {};
    const aborted = new Promise<void>((resolve) => {
      forget = onAbort(signal, resolve);
    });
    // With the end of the job it is no longer waited for: the next run finds the batch there, or not.
    await Promise.race([added, aborted]).finally(forget);
  }

  async *results(): AsyncGenerator<Report, void, undefined> {
    const { signal } = this.#ended;
    for (let counted = 0; !signal.aborted; await pause(LOOK, signal)) {
      try {
        yield* this.#heard();
        if (performance.now() - counted < COUNT) continue;
        counted = performance.now();
        await this.#ask(this.#own());
        await this.#ask(this.#count());
        yield* this.#lost();
        yield { kind: "room" };
      } catch (error) {
        // Where the connection is lost, commands wait; they fail where it was given up, or Redis refuses them.
        if (!signal.aborted) throw error;
      }
    }
    for (const batch of this.#returned.splice(0)) yield { kind: "returned", batch };
  }

  /** The next run of the job hears what workers go on with. */
  async close(): Promise<void> {
    if (this.#redis.status === "ready") {
      const late = new AbortController();
      const done = this.#takeBack().catch(() => {});
      await Promise.race([done, pause(GOODBYE, late.signal)]);
      late.abort();
    }
    this.#ended.abort();
    await this.#hangUp();
  }

  readonly #returned: string[] = [];

  /** Removes what waits in the queue; what a worker has is locked, and stays. */
  async #takeBack(): Promise<void> {
    for (const key of this.#leases.keys()) {
      const state = await this.#queue.getJobState(key);
      if (state !== "waiting" || (await this.#queue.remove(key)) !== 1) continue;
      this.#returned.push(key);
      this.#leases.end(key);
    }
    if (this.#leases.size === 0) await this.#redis.del(this.#results);
    const { queue, header } = this.#options;
    if ((await this.#redis.get(coordinatorKey(queue))) === header.job) await this.#redis.del(coordinatorKey(queue));
  }

  /** One that is away would be waited for. */
  async #hangUp(): Promise<void> {
    const closed = this.#queue.close().catch(() => {});
    if (this.#redis.status === "ready") await closed;
    this.#redis.disconnect();
  }

  /** Pieces are forgotten when they are noted: killed in between, they are heard twice, which changes nothing. */
  async *#heard(): AsyncGenerator<Report, void, undefined> {
    for (;;) {
      const texts = await this.#ask(this.#redis.lrange(this.#results, 0, PIECES - 1));
      this.#leases.tick(performance.now());
      for (const text of texts) {
        const piece = parsePiece(text);
        // Of a stranger. A worker's own words that are lost are asked for again when its lease is over.
        if (piece === undefined) continue;
        if (piece.ended) this.#leases.end(piece.batch);
        else this.#leases.hear(piece.batch);
        yield { kind: "piece", piece };
      }
      if (texts.length > 0) await this.#ask(this.#redis.ltrim(this.#results, texts.length, -1));
      if (texts.length < PIECES) return;
    }
  }

  async *#lost(): AsyncGenerator<Report, void, undefined> {
    for (const key of this.#leases.quiet()) {
      const state = await this.#ask(this.#queue.getJobState(key));
      if (state === "waiting") this.#leases.hear(key);
    }
    for (const key of this.#leases.expired()) {
      this.#leases.end(key);
      await this.#ask(this.#queue.remove(key).catch(() => 0));
      yield { kind: "lost", batch: key, why: `no word of it for ${this.#options.header.lease / 1000} seconds` };
    }
  }

  /** Says whose the queue is, and how much may be done at a time; a Redis that was started anew has forgotten both. */
  async #own(): Promise<void> {
    const { queue, header, batches } = this.#options;
    const key = coordinatorKey(queue);
    const isOurs = (await this.#redis.set(key, header.job, "PX", OWNED, "NX")) === "OK";
    const owner = isOurs ? header.job : await this.#redis.get(key);
    if (owner !== null && owner !== header.job) {
      throw new UsageError(`another job has the queue ${queue}`, { advice: "wait for its end, or name another queue" });
    }
    await this.#redis.pexpire(key, OWNED);
    if (batches === undefined) await this.#queue.removeGlobalConcurrency();
    else await this.#queue.setGlobalConcurrency(batches);
  }

  async #count(): Promise<void> {
    this.workers = await this.#queue.getWorkersCount();
  }

  /** An answer. A Redis that is away gives none: with the end of the job it is no longer waited for. */
  #ask<T>(asked: Promise<T>): Promise<T> {
    const { signal } = this.#ended;
    asked.catch(() => {});
    let forget = () => {};
    const given = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      forget = onAbort(signal, () => reject(signal.reason));
    });
    return Promise.race([asked, given]).finally(forget);
  }
}
