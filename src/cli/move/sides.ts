/** The two sides of a move with the global options of the command line, and passwords that are found when they are needed. */
import { stat } from "node:fs/promises";
import { clientFor, UsageError } from "../../index.js";
import type { MoveOptions, MoveSide } from "../../jobs/index.js";
import { address, isServer } from "../address.js";
import { greet } from "../connect.js";
import { type Context, clientOptions } from "../context.js";

type Sides = Pick<MoveOptions, "from" | "to">;
type GreetedJob = Sides & Pick<MoveOptions, "dispatch">;
type Role = "FROM" | "TO";

/** What the command line says comes before what a job file says. */
export function completeSides(context: Context, { from, to }: Sides): Sides {
  const sources = sidesOf(from);
  const two = sources.some(isRemote) && isRemote(to);
  const complete = (side: MoveSide, role: Role) => completeSide(context, side, prefixes(role, two));
  const completed = sources.map((side) => complete(side, "FROM"));
  return { from: completed.length === 1 ? (completed[0] as MoveSide) : completed, to: complete(to, "TO") };
}

/** A folder alone, as `clean-temp` has it: the target of a move. */
export function targetSide(context: Context, text: string): MoveSide {
  return completeSide(context, text, prefixes("TO", false));
}

/** With two servers, neither is ever offered the other one's password. */
function prefixes(role: Role, two: boolean): string[] {
  return [`POLYWIRE_${role}`, ...(two ? [] : ["POLYWIRE"])];
}

function completeSide(context: Context, side: MoveSide, names: readonly string[]): MoveSide {
  const text = urlOf(side);
  if (!isServer(text)) return side;
  const url = address(text, context.globals);
  const { signal: _, ...asked } = clientOptions(context, url, names);
  const given = typeof side === "object" && "url" in side ? side : { url };
  const { active, passwordStdin } = context.globals;
  return {
    ...given,
    ...asked,
    url,
    mode: active ? "active" : given.mode,
    tls: { ...given.tls, ...asked.tls },
    timeouts: asked.timeouts ?? given.timeouts,
    proxy: asked.proxy ?? given.proxy,
    credentials: passwordStdin ? asked.credentials : (given.credentials ?? asked.credentials),
  };
}

/**
 * Connects to each server once and logs in, and looks for a local source. A move goes on trying for minutes, which is right
 * in the middle of the night, and wrong for a mistyped name; and a journal that began with one would stay behind.
 */
export async function greetServers({ from, to, dispatch }: GreetedJob, signal: AbortSignal): Promise<void> {
  const sources = sidesOf(from);
  for (const source of sources) if (!isRemote(source)) await checkFolder(urlOf(source));
  // Several sources are on one server. The destination of workers elsewhere is theirs: it may be out of reach from here.
  const isOurs = dispatch === undefined || !("redis" in dispatch);
  for (const each of [sources[0], ...(isOurs ? [to] : [])]) {
    if (typeof each !== "object" || !("url" in each) || !isRemote(each)) continue;
    const { url, ...options } = each;
    await greet(await clientFor(url, options, "ftp"), signal);
  }
}

async function checkFolder(path: string): Promise<void> {
  const found = await stat(/^file:/i.test(path) ? new URL(path) : path).catch(() => undefined);
  if (!found?.isDirectory()) throw new UsageError(`there is no folder ${path}`);
}

function sidesOf(from: MoveOptions["from"]): readonly MoveSide[] {
  return Array.isArray(from) ? from : [from as MoveSide];
}

function isRemote(side: MoveSide): boolean {
  return isServer(urlOf(side));
}

function urlOf(side: MoveSide): string {
  const url = typeof side === "object" && "url" in side ? side.url : side;
  return typeof url === "string" ? url : url.href;
}
