/** SORT and THREAD (RFC 5256, 5957): what is asked for, and what THREAD gives; SORT's answer is read as SEARCH's. No I/O. */
import { UsageError } from "../client/errors.js";
import type { Response } from "./response.js";

/** What messages are sorted by; with `-` in front: the other way round. */
export type SortKey = `${"" | "-"}${keyof typeof KEYS}`;

/** How messages are put together: by their subjects alone, by their references, by those without any subject. */
export type ThreadAlgorithm = "ORDEREDSUBJECT" | "REFERENCES" | "REFS" | (string & {});

/** A conversation: each message answers the one before it, each branch the last one. */
export interface Thread {
  /** Numbers or UIDs, as they were asked for. None where the branches' common ancestor is not in the mailbox. */
  readonly messages: readonly number[];
  readonly branches: readonly Thread[];
}

/** The keys of RFC 5256 §3, and the two of RFC 5957. */
const KEYS = {
  /** When it came into the mailbox. */
  arrival: "ARRIVAL",
  cc: "CC",
  /** Its Date field. */
  date: "DATE",
  from: "FROM",
  size: "SIZE",
  subject: "SUBJECT",
  to: "TO",
  /** The name that is shown, else the address (RFC 5957). */
  displayFrom: "DISPLAYFROM",
  displayTo: "DISPLAYTO",
} as const;

/** Branches within branches: one for each answer among several, in the longest conversations there are. */
const DEEPEST = 2000;

/** The sort criteria in parentheses. Throws UsageError for none, and for what is none. */
export function sortCriteria(keys: readonly SortKey[]): string {
  if (keys.length === 0) throw new UsageError("messages are sorted by at least one key", { protocol: "imap" });
  return `(${keys.map(sortKey).join(" ")})`;
}

function sortKey(key: SortKey): string {
  const [, minus, name = ""] = /^(-?)(.*)$/s.exec(key) ?? [];
  if (!Object.hasOwn(KEYS, name)) {
    const advice = `there are ${Object.keys(KEYS).join(", ")}, and each with "-" in front`;
    throw new UsageError(`${JSON.stringify(key)} is no key to sort by`, { advice, protocol: "imap" });
  }
  return `${minus === "-" ? "REVERSE " : ""}${KEYS[name as keyof typeof KEYS]}`;
}

/** The algorithm's name. Throws UsageError for what cannot be one. */
export function threadAlgorithm(name: ThreadAlgorithm): string {
  if (typeof name === "string" && /^[A-Za-z0-9-]+$/.test(name)) return name.toUpperCase();
  throw new UsageError(`${JSON.stringify(name)} is no algorithm of THREAD`, { protocol: "imap" });
}

/** Reads a THREAD response: `(2)(3 6 (4 23)(44 7 96))`. Throws ProtocolError. */
export function parseThreads(response: Response): Thread[] {
  const cursor = response.cursor();
  const threads: Draft[] = [];
  /** Those whose end has not come. */
  const open: Draft[] = [];
  while (!cursor.done) {
    const current = open.at(-1);
    if (cursor.open()) {
      if (open.length === DEEPEST) throw cursor.broken(`threads within threads, more than ${DEEPEST}`);
      const thread: Draft = { messages: [], branches: [] };
      (current?.branches ?? threads).push(thread);
      open.push(thread);
    } else throw cursor.broken("a thread is missing");
    while (open.length > 0 && !cursor.atList) {
      const last = open.at(-1)!;
      if (cursor.close()) open.pop();
      else if (last.branches.length > 0) throw cursor.broken("a message stands behind a branch");
      else last.messages.push(cursor.number());
    }
  }
  if (open.length > 0) throw cursor.broken("a list has no end");
  return threads;
}

interface Draft extends Thread {
  readonly messages: number[];
  readonly branches: Draft[];
}
