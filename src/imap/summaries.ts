/** What is known of messages, as all readers tell it: FETCH of UID, size and header (RFC 9051 §6.4.5), some at a time. */
import { UsageError } from "../client/errors.js";
import { ArrayFeed } from "../client/feed.js";
import type { Call } from "../client/session.js";
import { type CheckedSpan, within } from "../message/span.js";
import { MessageSummary } from "../message/summary.js";
import { type Gate, giveSome, type Some } from "../net/gate.js";
import { Intake } from "../net/rows.js";
import { search } from "./ask-search.js";
import { fetchCommands, fetchRows, type MessageOptions, wantedBy } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";
import type { Mailbox } from "./mailbox.js";
import { searchPieces } from "./search.js";
import type { MessageSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";

const ITEMS = ["UID", "RFC822.SIZE", "BODY.PEEK[HEADER]"];
/** Messages that one FETCH asks about. */
const SOME = 1_000;
const NO_HEAD = Buffer.alloc(0);

type Summary = MessageSummary<number>;

/** Runs a call, alone on the connection. */
export type Run = <T>(body: (session: ImapSession, call: Call) => Promise<T>) => Promise<T>;

/**
 * Gives the summaries of a span. Where they are many, their UIDs are asked for first: numbers change when the loop, or
 * somebody else, removes messages meanwhile.
 */
export async function giveSummaries(span: CheckedSpan, gate: Gate<Summary>, run: Run): Promise<void> {
  const begun = await run((session, call) => begin(session, span, call));
  await giveSome(gate, begun);
  const { mailbox, uids } = begun;
  for (let at = 0; at < uids.length && !gate.left; at += SOME) {
    const set = uids.slice(at, at + SOME);
    await giveSome(gate, await run((session, call) => gather(same(session, mailbox), set, "uid", call)));
  }
}

/** The messages themselves, where they are few; else their UIDs. */
async function begin(
  session: ImapSession,
  span: CheckedSpan,
  call: Call,
): Promise<Some<Summary> & { mailbox: Mailbox; uids: number[] }> {
  const { mailbox } = session;
  if (mailbox === undefined) {
    throw new UsageError("no mailbox is selected", { advice: "call select() or examine() first", protocol: "imap" });
  }
  // A range beyond the last message is an error, and `*` is a message even where the range begins behind it.
  const numbers = within(span, 1, mailbox.exists);
  if (numbers === undefined) return { mailbox, rows: [], uids: [] };
  const [first, last] = numbers;
  if (last - first < SOME) return { mailbox, uids: [], ...(await gather(session, [numbers], "number", call)) };
  return { mailbox, rows: [], uids: await search(session, searchPieces(`${first}:${last}`), {}, call) };
}

/** One FETCH, gathered. */
async function gather(
  session: ImapSession,
  set: MessageSet,
  by: MessageOptions["by"],
  call: Call,
): Promise<Some<Summary>> {
  const feed = new ArrayFeed<FetchData>();
  const wanted = wantedBy(set, ITEMS, { by });
  const commands = fetchCommands(set, ITEMS, { by });
  try {
    await session.wanting(
      wanted,
      () => fetchRows(session, commands, wanted, { by }, call, new Intake(session, feed)),
      call,
    );
  } catch (error) {
    return { rows: feed.rows.map(summaryOf), failure: { error } };
  }
  return { rows: feed.rows.map(summaryOf) };
}

/** The session, where that mailbox is still the selected one. */
function same(session: ImapSession, mailbox: Mailbox): ImapSession {
  if (session.mailbox === mailbox) return session;
  throw new UsageError(`the mailbox ${mailbox.name} is not the selected one any more`, {
    advice: "finish the loop first, or use another connection",
    protocol: "imap",
  });
}

/** A row of FETCH as all readers have it. */
function summaryOf({ number, uid, size, body }: FetchData): Summary {
  return new MessageSummary({ number, uid, id: uid ?? 0, size }, body.get("HEADER") ?? NO_HEAD);
}
