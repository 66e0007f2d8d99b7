/** Connections to a Redis, and the two packages that are loaded where one is asked for. */
import type { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { ConnectionError, LoginError, type PolywireError, UsageError } from "../../client/errors.js";
import type { PackedBatch } from "./batch.js";
import type { JobHeader } from "./dispatcher.js";

/** The two packages. */
export interface RedisPackages {
  readonly Queue: typeof Queue;
  readonly Worker: typeof Worker;
  readonly Redis: typeof Redis;
}

/** What waits in the queue for a worker: a batch, the job it is of, and what the worker calls the two sides. */
export interface QueuedBatch {
  readonly header: JobHeader;
  readonly places: { readonly from: string; readonly to: string };
  /** What the coordinator calls the two sides: URLs without passwords. */
  readonly shown: { readonly from: string; readonly to: string };
  readonly batch: PackedBatch;
}

/** In front of every key. */
export const PREFIX = "polywire";
/** Milliseconds between two tries to connect again, at most. */
const AGAIN = 2_000;
/** Milliseconds for a connection to come about. */
const PATIENCE = 10_000;

/** Loads bullmq and ioredis. Rejects with UsageError where they are not installed. */
export async function loadRedis(): Promise<RedisPackages> {
  try {
    const [{ Queue, Worker }, { Redis }] = await Promise.all([import("bullmq"), import("ioredis")]);
    return { Queue, Worker, Redis };
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new UsageError("Redis needs two packages that are not installed", {
      cause,
      advice: "npm install bullmq ioredis",
    });
  }
}

/**
 * Connects. What is asked while the connection is lost waits until it is there again.
 *
 * @throws ConnectionError, LoginError: the first connection must come about.
 */
export async function connectRedis(packages: RedisPackages, url: string): Promise<Redis> {
  let isReady = false;
  let said: Error | undefined;
  const redis = new packages.Redis(url, {
    lazyConnect: true,
    connectTimeout: PATIENCE,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (isReady ? Math.min(times * 100, AGAIN) : null),
  });
  redis.on("error", (error: Error) => (said = error));
  try {
    await redis.connect();
    isReady = true;
    return redis;
  } catch (error) {
    redis.disconnect();
    throw refusal(url, said ?? (error as Error));
  }
}

function refusal(url: string, cause: Error): PolywireError {
  const { host } = new URL(url);
  const said = `Redis at ${host}: ${cause.message}`;
  if (!/^(NOAUTH|WRONGPASS|NOPERM)/.test(cause.message))
    return new ConnectionError(said, { cause, phase: "connect", server: host });
  const code = cause.message.split(" ", 1)[0] as string;
  return new LoginError(said, { cause, server: host, command: "AUTH ***", code, transient: false });
}

/** The list that workers put their pieces into. */
export const resultsKey = (queue: string, job: string): string => `${PREFIX}-results:${queue}:${job}`;
/** Who coordinates: the id of a job. */
export const coordinatorKey = (queue: string): string => `${PREFIX}-coordinator:${queue}`;
