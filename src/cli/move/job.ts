/** The command line of a move → the library's options, and the name of its journal. */
import { createHash } from "node:crypto";
import { clientFor, redactUrl } from "../../index.js";
import type { MatchSyntax, MoveOptions, MoveSide, OnExists } from "../../jobs/index.js";
import { address, isServer } from "../address.js";
import { greet } from "../connect.js";
import { type Context, clientOptions } from "../context.js";
import type { ViewKind } from "../progress.js";

/** The options of `polywire move` as commander gives them. */
export interface MoveArguments {
  match?: string;
  syntax?: MatchSyntax;
  route?: string;
  journal?: string;
  lanes?: number;
  copy?: boolean;
  onExists?: OnExists;
  /** Bytes per second. */
  maxRate?: number;
  times?: boolean;
  dryRun?: boolean;
  progress?: ViewKind;
}

/** The library's options, less the journal and the progress. */
export function jobOf(context: Context, from: string, to: string, given: MoveArguments): MoveOptions {
  const servers = [from, to].filter(isServer);
  return {
    from: side(context, from, "FROM", servers.length),
    to: side(context, to, "TO", servers.length),
    match: given.match,
    syntax: given.syntax,
    route: given.route,
    source: given.copy ? "keep" : "delete",
    onExists: given.onExists,
    keepTimes: given.times,
    lanes: given.lanes,
    maxBytesPerSecond: given.maxRate,
    signal: context.signal,
  };
}

/**
 * Connects to each server once and logs in. A move goes on trying for minutes, which is right in the middle of the
 * night, and wrong for a mistyped name.
 */
export async function greetServers(job: MoveOptions, signal: AbortSignal): Promise<void> {
  for (const each of [job.from, job.to]) {
    if (typeof each !== "object" || !("url" in each)) continue;
    await greet(await clientFor(each.url, each, "ftp"), signal);
  }
}

/** With two servers, neither is ever offered the other one's password. */
function side(context: Context, text: string, role: "FROM" | "TO", servers: number): MoveSide {
  if (!isServer(text)) return text;
  const url = address(text, context.globals);
  const { signal: _, ...options } = clientOptions(context, url, [
    `POLYWIRE_${role}`,
    ...(servers === 1 ? ["POLYWIRE"] : []),
  ]);
  return { url, ...options };
}

/** The journal of a move that names none: the same move finds it again in the same folder. */
export function defaultJournal(from: string, to: string, match: string | undefined): string {
  const job = JSON.stringify([redactUrl(from), redactUrl(to), match ?? null]);
  return `polywire-move-${createHash("sha256").update(job).digest("hex").slice(0, 10)}.journal`;
}
