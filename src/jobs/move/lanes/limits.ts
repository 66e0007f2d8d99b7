/** How much of its servers a move takes, and when it waits: options and their defaults. */
import { UsageError } from "../../../client/errors.js";
import { wholeNumber } from "../../../client/options.js";
import type { BreakerOptions } from "./breaker.js";

/** How many connections a move makes, and when it waits instead of failing. */
export interface LimitOptions {
  /**
   * Pairs of connections, one to each side. `auto` (default): it begins with four, and has more of them as long as that
   * makes it faster: up to 64, or `maxConnections`; where connections time out or are lost, fewer. A number: so many at once,
   * and never more; fewer where there are few files, or a server takes no more. Where others move the files (`dispatch`), the
   * default is a number: see there.
   */
  lanes?: number | "auto" | undefined;
  /**
   * Connections to one server at most, over all lanes, processes and workers. A lane has one to each side, so two where both
   * are on one server. Default: no limit but `lanes`.
   */
  maxConnections?: number | undefined;
  /** Connections made in a second to one server at most, over all lanes: 0.1 to 1,000. Default: no limit. */
  connectionsPerSecond?: number | undefined;
  /**
   * Milliseconds for which the job stands still, instead of stopping, where no file would fare better: the disk is full, the
   * account is refused that was good before, a server stays away, nearly all files fail alike (`breaker`). It tries again with
   * one lane after 30 s, then less and less often, every 5 minutes at least; files that were under way are given back, and
   * no try of theirs counts. Then it stops with that error. 0: at once. Default: an hour.
   */
  maxPause?: number | undefined;
  /**
   * When the job is to stand still because nearly all files fail: of the last `files` (default: 200), `share` or more (0 to 1,
   * default: 0.9) failed with one code, all of them within `within` milliseconds (default: 5 minutes). False: never.
   */
  breaker?: Partial<BreakerOptions> | false | undefined;
}

/** {@link LimitOptions}, as lanes see them. */
export interface ResolvedLimits {
  /** Lanes at most. */
  readonly lanes: number;
  /** True where their number is to be found out. */
  readonly adaptive: boolean;
  readonly maxPause: number;
  readonly breaker: BreakerOptions | undefined;
}

/** Lanes at most where their number is found out. */
const MOST_LANES = 64;
const HOUR = 3_600_000;
/** What setTimeout and a person may wait for. */
const MOST_PAUSE = 30 * 24 * HOUR;
const BREAKER: BreakerOptions = { files: 200, share: 0.9, within: 300_000 };

/** Fills in the defaults. `oneServer`: both sides are on one. Throws UsageError for what cannot work. */
export function resolveLimits(options: LimitOptions, { oneServer }: { readonly oneServer: boolean }): ResolvedLimits {
  const { lanes = "auto", maxPause = HOUR } = options;
  const adaptive = lanes === "auto";
  const room = roomFor(options, oneServer);
  if (!adaptive && typeof lanes !== "number")
    throw new UsageError(`lanes is a whole number or "auto", not ${JSON.stringify(lanes)}`);
  return {
    lanes: Math.min(adaptive ? MOST_LANES : wholeNumber("lanes", lanes, 1, 1000), room),
    adaptive,
    maxPause: wholeNumber("maxPause", maxPause, 0, MOST_PAUSE),
    breaker: breakerOf(options.breaker),
  };
}

/** Lanes that `maxConnections` has room for. */
export function roomFor({ maxConnections }: LimitOptions, oneServer: boolean): number {
  if (maxConnections === undefined) return Number.POSITIVE_INFINITY;
  const room = Math.floor(wholeNumber("maxConnections", maxConnections, 1, 100_000) / (oneServer ? 2 : 1));
  if (room > 0) return room;
  throw new UsageError("both sides are on one server, where a lane needs two connections: maxConnections is 1");
}

/** Checks a limit on connections made in a second. */
export function perSecond(value: number | undefined): number | undefined {
  if (value === undefined || (value >= 0.1 && value <= 1_000)) return value;
  throw new UsageError(`connectionsPerSecond is a number from 0.1 to 1000, not ${String(value)}`);
}

function breakerOf(given: LimitOptions["breaker"]): BreakerOptions | undefined {
  if (given === false) return undefined;
  const { files = BREAKER.files, share = BREAKER.share, within = BREAKER.within } = given ?? {};
  if (!(share > 0 && share <= 1))
    throw new UsageError(`breaker.share is a number above 0 and up to 1, not ${String(share)}`);
  return {
    files: wholeNumber("breaker.files", files, 10, 100_000),
    share,
    within: wholeNumber("breaker.within", within, 1, HOUR * 24),
  };
}
