/** Who moves the files of a move: this process, others on this machine, or workers anywhere. Every default in one place. */
import { UsageError } from "../../client/errors.js";
import { wholeNumber } from "../../client/options.js";
import { type LimitOptions, roomFor } from "../move/lanes/limits.js";
import { checkRedisUrl } from "./redis-url.js";

/** Processes of this machine. */
export interface ProcessDispatch {
  /** Processes that move files; the lanes of the job are shared out among them. */
  readonly processes: number;
}

/** Workers (`polywire worker`, {@link runWorker}) that take their work from a Redis. */
export interface RedisDispatch {
  /** `redis://user:password@host:port/db`, or `rediss:` for TLS. Needs the packages `bullmq` and `ioredis`. */
  readonly redis: string | URL;
  /** Workers and coordinator meet under this name: one job at a time. Default: `polywire`. */
  readonly queue?: string | undefined;
  /** What the workers' configuration calls the two sides. Default: `source` and `target`. */
  readonly places?: { readonly from?: string | undefined; readonly to?: string | undefined } | undefined;
  /** Pairs of connections over all workers. Default: `maxConnections` of the move; else no limit but those of the workers. */
  readonly maxConnections?: number | undefined;
  /** Milliseconds without a word from a worker after which its files are given to another one. Default: 30 000. */
  readonly lease?: number | undefined;
}

/** Who moves the files. */
export type MoveDispatch = ProcessDispatch | RedisDispatch;

/** How much of a move goes to whom. */
export interface Shares extends Pick<LimitOptions, "lanes" | "maxConnections" | "connectionsPerSecond"> {
  readonly maxBytesPerSecond?: number | undefined;
}

/** How lanes and bytes are shared out. */
interface Shared {
  /** Pairs of connections for a batch. */
  readonly lanes: number;
  /** True where the number of lanes is to be found out: by default it is a number. */
  readonly adaptive: boolean;
  readonly bytesPerSecond: number | undefined;
}

/** {@link MoveDispatch} with every default filled in. */
export type ResolvedDispatch =
  | (Shared & {
      readonly kind: "processes";
      readonly processes: number;
      /** Batches that a process has at a time. */
      readonly batches: number;
      /** Pairs of connections of a process, over its batches. */
      readonly lanesEach: number;
      /** True where lanes that keep their connections would leave none for the listing. */
      readonly hangUp: boolean;
    })
  | (Shared & {
      readonly kind: "redis";
      readonly redis: string;
      readonly queue: string;
      readonly places: { readonly from: string; readonly to: string };
      /** Batches that are worked on at a time, over all workers. */
      readonly batches: number | undefined;
      readonly lease: number;
    });

/** Lanes of all processes, and of a batch on Redis, by default; and of all processes where their number is found out. */
const LANES = 8;
const MOST_LANES = 64;
const BATCH_LANES = 4;
const LEASE = 30_000;
const MOST_LEASE = 3_600_000;
/** Names that stand in keys of Redis. */
const NAME = /^[\w.-]{1,100}$/;

/** Fills in the defaults. `oneServer`: both sides are on one. Throws UsageError for what cannot work together. */
export function resolveDispatch(
  given: MoveDispatch | undefined,
  shares: Shares,
  { oneServer = false }: { readonly oneServer?: boolean | undefined } = {},
): ResolvedDispatch | undefined {
  if (given === undefined) return undefined;
  if ("processes" in given && "redis" in given)
    throw new UsageError("files are moved by processes of this machine, or by workers on Redis: not both");
  const room = roomFor(shares, oneServer);
  return "redis" in given ? resolveRedis(given, shares, room) : resolveProcesses(given, shares, room);
}

/** @param room Lanes at most, by the connections that one server is to have. */
function resolveProcesses(given: ProcessDispatch, shares: Shares, room: number): ResolvedDispatch {
  const { maxBytesPerSecond } = shares;
  const processes = wholeNumber("processes", given.processes, 1, 256);
  const adaptive = shares.lanes === "auto";
  const wanted = shares.lanes === undefined || shares.lanes === "auto" ? (adaptive ? MOST_LANES : LANES) : shares.lanes;
  const lanes = Math.min(wanted, room);
  const share = Math.floor(lanes / processes);
  if (share === 0) throw new UsageError(`${lanes} lanes cannot be shared by ${processes} processes: each needs one`);
  // Two batches: where one comes to its end, the lanes of the other are at work.
  const batches = Math.min(2, share);
  return {
    kind: "processes",
    processes,
    batches,
    lanes: adaptive ? share : Math.floor(share / batches),
    adaptive,
    lanesEach: share,
    hangUp: share * processes >= room,
    bytesPerSecond: maxBytesPerSecond && maxBytesPerSecond / (processes * batches),
  };
}

function resolveRedis(given: RedisDispatch, shares: Shares, room: number): ResolvedDispatch {
  const { queue = "polywire", places, maxConnections, lease = LEASE } = given;
  const { maxBytesPerSecond, connectionsPerSecond } = shares;
  if (maxConnections !== undefined) wholeNumber("maxConnections", maxConnections, 1, 100_000);
  if (connectionsPerSecond !== undefined) {
    throw new UsageError("connectionsPerSecond cannot be shared out among any number of workers", {
      advice: "give a limit to each worker",
    });
  }
  const lanes = shares.lanes === undefined || shares.lanes === "auto" ? BATCH_LANES : shares.lanes;
  const most = Math.min(maxConnections ?? Number.POSITIVE_INFINITY, room);
  const each = Math.min(lanes, most);
  const batches = most === Number.POSITIVE_INFINITY ? undefined : Math.floor(most / each);
  if (maxBytesPerSecond !== undefined && batches === undefined) {
    throw new UsageError("maxBytesPerSecond cannot be shared out among any number of workers", {
      advice: "give maxConnections, too, or a limit to each worker",
    });
  }
  return {
    kind: "redis",
    redis: checkRedisUrl(given.redis),
    queue: checkName("queue", queue),
    places: { from: checkName("place", places?.from ?? "source"), to: checkName("place", places?.to ?? "target") },
    lanes: each,
    adaptive: shares.lanes === "auto",
    batches,
    bytesPerSecond: maxBytesPerSecond && maxBytesPerSecond / (batches ?? 1),
    lease: wholeNumber("lease", lease, 1_000, MOST_LEASE),
  };
}

/** A name that may stand in a key. */
export function checkName(what: string, name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(`a ${what} is letters, digits, ".", "-" and "_", 100 at most, not ${JSON.stringify(name)}`);
}
