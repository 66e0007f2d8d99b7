/** What may be in the target is looked for there: messages that were sent, and of which nobody has heard. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Arrival, CopyJournal, Intent } from "./journal.js";
import type { CopyTarget } from "./target.js";
import type { Candidate } from "./traits.js";

const MiB = 1024 * 1024;
/** Milliseconds behind its sending in which a message that is not there may still come: a server that lost its client goes
 * on with what it has been sent. */
const LATE = 3_000;
/** Milliseconds between two moments at which the journal was told that something is being sent still. */
export const TOUCH = 1_000;
/** Bytes that a system may still be sending for a process that was killed, and how many a millisecond: on a slow line. */
const BUFFERED = 8 * MiB;
const PACE = 256;

/** How the target is looked through. */
export interface SettleOptions {
  readonly signal: AbortSignal;
  /** False where everything that was sent is answered. Default: true. */
  readonly late?: boolean | undefined;
}

/** Finds out of each intent whether it is in the target: marks it, or drops it. @returns those that are there. */
export async function settle(journal: CopyJournal, target: CopyTarget, options: SettleOptions): Promise<Intent[]> {
  const { signal, late = true } = options;
  let arrived = await lookFor(journal, target);
  const longest = late ? patience(journal.intents()) : 0;
  for (let left = longest; left > 0; left = Math.min(left - LATE, patience(journal.intents()))) {
    await sleep(Math.min(left, LATE), undefined, { signal });
    arrived = arrived.concat(await lookFor(journal, target));
  }
  journal.drop(journal.intents());
  return arrived;
}

/** Milliseconds from now on in which some of them may still come. */
function patience(intents: readonly Intent[]): number {
  const coming = intents.filter(({ at }) => at > 0);
  if (coming.length === 0) return 0;
  const bytes = coming.reduce((sum, intent) => sum + intent.bytes, 0);
  const most = TOUCH + LATE + Math.min(bytes, BUFFERED) / PACE;
  // The clock may have been set back.
  return Math.min(most, coming.reduce((last, { at }) => Math.max(last, at), 0) + most - Date.now());
}

async function lookFor(journal: CopyJournal, target: CopyTarget): Promise<Intent[]> {
  const intents = journal.intents();
  if (intents.length === 0) return [];
  const low = intents.reduce((least, intent) => Math.min(least, intent.low), intents[0]!.low);
  const placeless = journal.placeless(low);
  const candidates = await target.candidates(low, journal.targets(low));
  // The bytes are fetched of those only that have as many.
  const sizes = new Set([...intents, ...placeless].map(({ bytes }) => bytes));
  const alike = candidates.filter(({ bytes }) => sizes.has(bytes)).map(({ uid }) => uid);
  const pool = new Pool(candidates, await target.digests(alike));
  // Those that came without a UID are among them, too.
  for (const { digest } of placeless) pool.take(digest);
  const arrivals: (Intent & Arrival)[] = [];
  const missing: Intent[] = [];
  const arrive = (intent: Intent, target: number) => arrivals.push({ ...intent, target });
  for (const intent of intents) {
    const found = pool.take(intent.digest);
    if (found === undefined) missing.push(intent);
    else arrive(intent, found);
  }
  // A server that changes messages leaves their Message-ID and date as they were.
  for (const intent of missing) {
    const found = pool.takeAlike(intent);
    if (found !== undefined) arrive(intent, found);
  }
  journal.arrive(arrivals, target.epoch);
  return arrivals;
}

/** Messages of the target, each of which is the copy of one message at most. */
class Pool {
  readonly #byDigest = new Map<string, number[]>();
  readonly #byTraits = new Map<string, number[]>();
  readonly #taken = new Set<number>();

  constructor(candidates: readonly Candidate[], digests: ReadonlyMap<number, string>) {
    for (const { uid, messageId, date } of candidates) {
      const digest = digests.get(uid);
      if (digest !== undefined) put(this.#byDigest, digest, uid);
      if (messageId !== "" && date !== null) put(this.#byTraits, `${date} ${messageId}`, uid);
    }
  }

  /** The one with these bytes. */
  take(digest: string): number | undefined {
    return this.#next(this.#byDigest.get(digest));
  }

  /** The one with this Message-ID that came at this second. */
  takeAlike({ messageId, date }: Intent): number | undefined {
    return messageId === "" ? undefined : this.#next(this.#byTraits.get(`${date} ${messageId}`));
  }

  #next(uids: number[] = []): number | undefined {
    const found = uids.find((uid) => !this.#taken.has(uid));
    if (found !== undefined) this.#taken.add(found);
    return found;
  }
}

function put(map: Map<string, number[]>, key: string, uid: number): void {
  const uids = map.get(key);
  if (uids) uids.push(uid);
  else map.set(key, [uid]);
}
