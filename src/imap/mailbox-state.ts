/** What is kept of a mailbox, so that its changes can be told the next time. Values alone: JSON can hold them. No I/O. */
import { UsageError } from "../client/errors.js";
import type { FetchData } from "./fetch-data.js";
import { parseSet, type SequenceSet } from "./sequence-set.js";
import { NOTHING, setOf } from "./set-arithmetic.js";

/** A mailbox as it was. */
export interface MailboxState {
  /** As long as it stays the same, a UID means the same message. */
  readonly uidValidity: number;
  /** The UIDs of all messages: `1:5,9`; "" for none. */
  readonly uids: string;
  /** The UID that the next message gets, at least. */
  readonly uidNext?: number | undefined;
  /** The number of the last change; left out where the mailbox does not count them. A bigint only beyond 2^53-1. */
  readonly highestModseq?: number | bigint | undefined;
  /** Where it does not: each combination of flags, and the UIDs that have it. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
}

/** What somebody knows of a mailbox: a `MailboxState`, or less of it where the server has QRESYNC (`uidNext` in place of `uids`). */
export interface KnownState extends Omit<MailboxState, "uids"> {
  readonly uids?: string | undefined;
}

/** A mailbox at the moment of its selection. */
export interface StateAt {
  readonly uidValidity: number;
  readonly uidNext: number | undefined;
  readonly highestModseq: number | bigint | undefined;
  readonly exists: number;
}

/** The set of known UIDs; undefined where they were not noted. Throws UsageError for what is none. */
export function knownUids({ uids }: KnownState): SequenceSet | undefined {
  if (uids === undefined) return undefined;
  return uids === "" ? NOTHING : setOf(parsed("uids", uids).ranges());
}

/** What tells whether a message has the flags that were known of it. */
export function knownFlags({ flags = {} }: KnownState): (row: FetchData) => boolean {
  const known = new Map<number, string>();
  for (const [key, uids] of Object.entries(flags)) for (const uid of parsed("flags", uids)) known.set(uid, key);
  return ({ uid = 0, flags: now = [] }) => known.get(uid) === keyOf(now);
}

/** The state for the next time. `present`: the messages that are known now; `rows`: all of them, where changes are not counted. */
export function stateOf(at: StateAt, present: SequenceSet, rows: Iterable<FetchData>): MailboxState {
  const { uidValidity, uidNext, highestModseq } = at;
  const state = { uidValidity, uids: present.toString(), ...(uidNext !== undefined && { uidNext }) };
  return highestModseq === undefined ? { ...state, flags: flagsOf(rows) } : { ...state, highestModseq };
}

function flagsOf(rows: Iterable<FetchData>): Record<string, string> {
  const uids = new Map<string, number[]>();
  for (const { uid, flags = [] } of rows) {
    const key = keyOf(flags);
    const same = uids.get(key);
    if (same) same.push(uid as number);
    else uids.set(key, [uid as number]);
  }
  return Object.fromEntries([...uids].map(([key, some]) => [key, setOf(some).toString()]));
}

/** `\Recent` is of the session, not of the message. */
function keyOf(flags: readonly string[]): string {
  return flags
    .map((flag) => flag.toLowerCase())
    .filter((flag) => flag !== "\\recent")
    .sort()
    .join(" ");
}

function parsed(what: string, text: string): SequenceSet {
  try {
    return parseSet(text);
  } catch (cause) {
    throw new UsageError(`${what} of the state: ${JSON.stringify(text)} names no messages`, {
      cause,
      protocol: "imap",
    });
  }
}
