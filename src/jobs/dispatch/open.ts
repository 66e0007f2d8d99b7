/** Opens what hands out the files of a move to others. What is not asked for is not loaded. */
import { type ResolvedMove, traitsOf } from "../move/options.js";
import type { Dispatcher, JobHeader } from "./dispatcher.js";
import { Feeder, type FeederContext } from "./feeder.js";

/** Milliseconds: processes of this machine are known to be dead when they are. */
const NO_LEASE = 2 ** 31 - 1;

/** The feeder of a move that others are to do; undefined where this process moves the files. */
export async function openFeeder(
  move: ResolvedMove,
  context: Omit<FeederContext, "move">,
): Promise<Feeder | undefined> {
  const dispatcher = await openDispatcher(move, context);
  return dispatcher && new Feeder({ ...context, move }, dispatcher);
}

async function openDispatcher(
  move: ResolvedMove,
  { journal, signal }: Pick<FeederContext, "journal" | "signal">,
): Promise<Dispatcher | undefined> {
  const { dispatch, sides } = move;
  if (dispatch === undefined) return undefined;
  const { lanes, adaptive, bytesPerSecond } = dispatch;
  const common = { job: journal.jobId, traits: { ...traitsOf(move), adaptive }, lanes, bytesPerSecond };
  if (dispatch.kind === "processes") {
    const { ProcessDispatcher } = await import("./processes.js");
    const { lanesEach, hangUp } = dispatch;
    const header: JobHeader = { ...common, lanesEach, hangUp, lease: NO_LEASE };
    return ProcessDispatcher.open({ ...dispatch, ...sides, header, logins: move.logins });
  }
  const { RedisDispatcher } = await import("./redis.js");
  const shown = { from: String(move.settings.from), to: String(move.settings.to) };
  const { lease, batches } = dispatch;
  const own = { lanesEach: undefined, hangUp: batches !== undefined, lease };
  return RedisDispatcher.open({ ...dispatch, shown, signal, header: { ...common, ...own } });
}
