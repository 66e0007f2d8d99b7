/** Pairs of connections besides those of the lanes, for as long as one large file takes: no more than lanes there may be. */
import type { LaneContext } from "./ledger.js";
import type { Pair } from "./roster.js";

export class Helpers implements AsyncDisposable {
  readonly #context: LaneContext;
  readonly pairs: readonly Pair[];

  private constructor(context: LaneContext, pairs: readonly Pair[]) {
    this.#context = context;
    this.pairs = pairs;
  }

  /** Connects up to so many. Fewer, or none, where no more lanes may be, or a server takes no more connections. */
  static async call(context: LaneContext, most: number): Promise<Helpers> {
    const { move, roster } = context;
    // While it stands still, one lane finds out whether the job can go on.
    const room = roster.halt.why ? 0 : Math.min(move.lanes, roster.cap.room(roster.now)) - roster.running;
    const opened = await Promise.all(Array.from({ length: Math.max(0, Math.min(most, room)) }, () => open(context)));
    return new Helpers(
      context,
      opened.filter((pair) => pair !== undefined),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.pairs.map((pair) => close(this.#context, pair)));
  }
}

/** It counts as a lane before it is one: others must not take its place. */
async function open(context: LaneContext): Promise<Pair | undefined> {
  const { move, roster, meter, signal } = context;
  roster.running++;
  meter.lanes++;
  // Connections that nobody uses are connections all the same.
  const kept = roster.take();
  if (kept) return kept;
  const left = roster.takeSource();
  const pair = { from: left ?? move.from(false), to: move.to(true) };
  const sides = await Promise.allSettled([left ? undefined : pair.from.open(signal), pair.to.open(signal)]);
  if (sides.every(({ status }) => status === "fulfilled")) return pair;
  await close(context, pair);
  return undefined;
}

async function close({ roster, meter }: LaneContext, { from, to }: Pair): Promise<void> {
  await Promise.all([from.close(), to.close()]);
  roster.running--;
  meter.lanes--;
}
