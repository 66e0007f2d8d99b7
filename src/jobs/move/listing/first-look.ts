/** The first connection of a new job, before its journal is made: a source that is not there leaves none behind. */
import { AbortedError } from "../../../client/errors.js";
import { connectAgain } from "../lanes/connect.js";
import type { ResolvedMove } from "../options.js";
import type { Place } from "../places/place.js";

/** Opens the source. Rejects with what it was refused for, or with AbortedError. */
export async function openSource({ from, signal }: Pick<ResolvedMove, "from" | "signal">): Promise<Place> {
  const source = from(false);
  const ended = signal ?? new AbortController().signal;
  let refused: Error | undefined;
  const refuse = (error: Error) => {
    refused = error;
  };
  const patience = { signal: ended, connected: () => 0, refused: refuse, giveUp: refuse };
  if (await connectAgain({ open: () => source.open(ended), met: () => false }, patience)) return source;
  throw refused ?? new AbortedError("the move was cancelled", { cause: signal?.reason });
}
