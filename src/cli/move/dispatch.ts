/** `--processes`, `--redis` and what goes with them → who moves the files. */
import { redactUrl, UsageError } from "../../index.js";
import type { MoveDispatch } from "../../jobs/index.js";

/** These options as commander gives them. */
export interface DispatchArguments {
  processes?: number;
  redis?: string;
  queue?: string;
  places?: string;
}

/** Who moves the files; undefined where this process does. */
export function dispatchOf(given: DispatchArguments): MoveDispatch | undefined {
  const { processes, redis, queue, places } = given;
  if (processes !== undefined && redis !== undefined)
    throw new UsageError("--processes and --redis: files are moved by one or the other");
  if (redis !== undefined) return { redis: redisUrl(redis), queue, places: placesOf(places) };
  const alone = { "--queue": queue, "--places": places };
  for (const [option, value] of Object.entries(alone))
    if (value !== undefined) throw new UsageError(`${option} is about workers, which need --redis`);
  return processes === undefined ? undefined : { processes };
}

/** The URL with the password of POLYWIRE_REDIS_PASSWORD, where it has none. */
export function redisUrl(text: string): string {
  const password = process.env.POLYWIRE_REDIS_PASSWORD;
  const match = /^(rediss?:\/\/)(?:([^/@:]*)@)?([^/@]+(?:\/.*)?)$/.exec(text);
  if (!password || match === null) return text;
  const [, scheme = "", user = "", rest = ""] = match;
  return `${scheme}${user}:${encodeURIComponent(password)}@${rest}`;
}

/** What is shown of it. */
export const shownRedis = (text: string): string => redactUrl(text);

function placesOf(text: string | undefined): { from: string; to: string } | undefined {
  if (text === undefined) return undefined;
  const [from = "", to = "", ...more] = text.split(",");
  if (from === "" || to === "" || more.length > 0)
    throw new UsageError("--places are two names of the workers' configuration, with a comma between: source,target");
  return { from, to };
}
