/** Large files that are gone on with again and again, and do not get on: it may be they that end their connections. */
import type { ClaimedFile } from "../../journal/journal.js";
import type { LaneContext } from "./ledger.js";
import type { Roster } from "./roster.js";

/** The most that ever was there of a file, and how often in a row it was no more. */
interface Seen {
  readonly most: number;
  readonly times: number;
}

/** By their temporary names, for all lanes of a job. */
const SEEN = new WeakMap<Roster, Map<string, Seen>>();

/**
 * True where a file was gone on with as often as a file is tried whose connections fail, and nothing came of it: its tries
 * do not count as long as it gets on. `there`: bytes under its temporary name. To be asked once each time.
 */
export function isStuck({ roster, move }: LaneContext, { temp }: ClaimedFile, there: number): boolean {
  const files = SEEN.get(roster) ?? new Map<string, Seen>();
  SEEN.set(roster, files);
  const { most, times } = files.get(temp) ?? { most: -1, times: 0 };
  const now = there > most ? { most: there, times: 0 } : { most, times: times + 1 };
  files.set(temp, now);
  return now.times >= move.tries.retry;
}
