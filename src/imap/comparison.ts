/** A mailbox as it was beside the mailbox as it is: what the server has told, and what has to be asked for (RFC 7162). */
import type { Call } from "../client/session.js";
import { search } from "./ask-search.js";
import type { FetchData } from "./fetch-data.js";
import type { Mailbox } from "./mailbox.js";
import { wholeArgument } from "./mailbox-argument.js";
import { type KnownState, knownFlags, type MailboxState, type StateAt, stateOf } from "./mailbox-state.js";
import { parseFetch } from "./parse-fetch.js";
import type { Response } from "./response.js";
import { type SequenceSet, splitSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import { difference, intersection, NOTHING, setOf, union } from "./set-arithmetic.js";
import { sizeOf, tooMuch } from "./size.js";

/** What has changed in a mailbox. To follow: take away `vanished`, put in `added`, take over the flags of `changed`. */
export interface MailboxChanges {
  /** The mailbox, selected now. */
  readonly mailbox: Mailbox;
  /**
   * True where what was known is void: the mailbox is another one of the same name (UIDVALIDITY), or nothing was known.
   * `added` has all of its messages then, and `vanished` all that were known.
   */
  readonly reset: boolean;
  /** Messages that are new, with their UIDs and flags, by their UIDs. */
  readonly added: readonly FetchData[];
  /** Messages that were known, and whose flags are others now, or may be. */
  readonly changed: readonly FetchData[];
  /** Messages that were known, and are gone. */
  readonly vanished: SequenceSet;
  /** For the next time. */
  readonly state: MailboxState;
}

/** By UID. */
type Rows = ReadonlyMap<number, FetchData>;

/** What QRESYNC tells. */
interface Told {
  readonly changed: Rows;
  readonly gone: SequenceSet;
}

/** What was known, beside what is. */
export class Comparison {
  readonly #session: ImapSession;
  readonly #mailbox: Mailbox;
  readonly #at: StateAt;
  readonly #known: KnownState | undefined;
  /** The messages that were known; undefined: nobody has noted them. */
  readonly #uids: SequenceSet | undefined;
  readonly #call: Call;

  constructor(
    session: ImapSession,
    mailbox: Mailbox,
    at: StateAt,
    known: KnownState | undefined,
    uids: SequenceSet | undefined,
    call: Call,
  ) {
    this.#session = session;
    this.#mailbox = mailbox;
    this.#at = at;
    this.#known = known;
    this.#uids = uids;
    this.#call = call;
  }

  async changes(): Promise<MailboxChanges> {
    const known = this.#known;
    if (known === undefined || known.uidValidity !== this.#at.uidValidity) return this.#anew();
    const { highestModseq: now } = this.#at;
    const { highestModseq: then } = known;
    // A server that counts less than before was put back to an older state: its numbers mean other changes.
    if (!then || now === undefined || now < then) return this.#uids ? this.#byFlags(known, this.#uids) : this.#anew();
    const told = this.#resynced();
    if (this.#uids === undefined) return told ? this.#byHistory(told) : this.#anew();
    if (told) {
      const present = difference(union(this.#uids, setOf(told.changed.keys())), told.gone);
      if (present.size === this.#at.exists) return this.#told(told.changed, this.#uids, present);
    }
    return this.#bySearch(then, this.#uids);
  }

  /** All messages are new. */
  async #anew(): Promise<MailboxChanges> {
    const rows = await this.#fetch("1:*", "");
    return this.#result(true, [...rows.values()], [], this.#uids ?? NOTHING, rows, setOf(rows.keys()));
  }

  /** Each message's flags beside those that were known. */
  async #byFlags(known: KnownState, uids: SequenceSet): Promise<MailboxChanges> {
    const rows = await this.#fetch("1:*", "");
    const present = setOf(rows.keys());
    const isKnown = knownFlags(known);
    const [added, kept] = parted(rows, uids);
    const changed = kept.filter((row) => !isKnown(row));
    return this.#result(false, added, changed, difference(uids, present), rows, present);
  }

  /** The server remembers what has gone, and nobody has noted what there was: all below `uidNext` that is there still. */
  async #byHistory({ changed, gone }: Told): Promise<MailboxChanges> {
    const before = setOf([[1, Math.max(1, Number(this.#known?.uidNext) - 1)]]);
    const present = setOf(await search(this.#session, ["ALL"], {}, this.#call));
    const uids = union(intersection(before, present), intersection(before, gone));
    const missing = difference(present, union(before, setOf(changed.keys())));
    return this.#told(new Map([...changed, ...(await this.#flags(missing))]), uids, present);
  }

  /** CONDSTORE tells what has changed, and not what has gone. */
  async #bySearch(since: number | bigint, uids: SequenceSet): Promise<MailboxChanges> {
    const { exists, highestModseq } = this.#at;
    // Nothing new, and as many as there were: removals alone are not counted by all servers.
    const same = highestModseq === since && uids.size === exists && this.#at.uidNext === this.#known?.uidNext;
    if (same) return this.#told(new Map(), uids, uids);
    const rows = new Map(await this.#fetch("1:*", changedSince(since)));
    const present = setOf(await search(this.#session, ["ALL"], {}, this.#call));
    const missing = difference(present, union(uids, setOf(rows.keys())));
    for (const [uid, row] of await this.#flags(missing)) rows.set(uid, row);
    return this.#told(rows, uids, present);
  }

  /** What QRESYNC has told along with the selection; undefined where it has not, or not by UID. */
  #resynced(): Told | undefined {
    const { resync } = this.#mailbox;
    if (resync === undefined) return undefined;
    const changed = new Map<number, FetchData>();
    let gone = NOTHING;
    for (const event of resync) {
      if (event.type === "vanished") gone = union(gone, event.uids);
      else if (event.type === "fetch" && event.data.uid !== undefined) changed.set(event.data.uid, event.data);
      else return undefined;
    }
    return { changed, gone };
  }

  /** The answer, where `uids` were known, these rows were told, and these messages are there. */
  #told(rows: Rows, uids: SequenceSet, present: SequenceSet): MailboxChanges {
    const there = new Map([...rows].filter(([uid]) => present.has(uid)));
    const [added, changed] = parted(there, uids);
    // What is there and was told by nobody came meanwhile: it is for the next time.
    const noted = intersection(present, union(uids, setOf(there.keys())));
    return this.#result(false, added, changed, difference(uids, present), there, noted);
  }

  #result(
    reset: boolean,
    added: readonly FetchData[],
    changed: readonly FetchData[],
    vanished: SequenceSet,
    rows: Rows,
    present: SequenceSet,
  ): MailboxChanges {
    const state = stateOf(this.#at, present, rows.values());
    return { mailbox: this.#mailbox, reset, added, changed, vanished, state };
  }

  /** The flags of some messages, however many there are. */
  async #flags(uids: SequenceSet): Promise<Rows> {
    const rows = new Map<number, FetchData>();
    if (uids.size === 0) return rows;
    for (const set of splitSet(uids)) for (const [uid, row] of await this.#fetch(set, "")) rows.set(uid, row);
    return rows;
  }

  /** The flags of the messages of a set that a modifier picks, by their UIDs. */
  async #fetch(set: string, modifier: string): Promise<Rows> {
    const rows = new Map<number, FetchData>();
    if (this.#at.exists === 0) return rows;
    const { body } = this.#session.options.limits;
    let bytes = 0;
    const take = (response: Response) => {
      if (response.name !== "FETCH") return false;
      const row = parseFetch(response);
      if (row.uid === undefined || row.flags === undefined) return false;
      bytes += sizeOf(response);
      if (bytes > body) throw tooMuch(body);
      rows.set(row.uid, row);
      return true;
    };
    await this.#session.send(`UID FETCH ${set} (FLAGS)${modifier}`, { timeout: this.#call.timeout, take });
    return new Map([...rows].sort(([a], [b]) => a - b));
  }
}

function changedSince(modseq: number | bigint): string {
  return ` (CHANGEDSINCE ${wholeArgument("highestModseq", modseq)})`;
}

/** Rows of messages that are not in the set, and of those that are. */
function parted(rows: Rows, uids: SequenceSet): [added: FetchData[], known: FetchData[]] {
  const inside = new Set(intersection(setOf(rows.keys()), uids));
  const all = [...rows.values()];
  return [all.filter(({ uid }) => !inside.has(uid as number)), all.filter(({ uid }) => inside.has(uid as number))];
}
