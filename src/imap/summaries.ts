/** What is known of messages, as all readers tell it: one FETCH of UID, size and header (RFC 9051 §6.4.5). */
import { UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import { type CheckedSpan, within } from "../message/span.js";
import { MessageSummary } from "../message/summary.js";
import type { Intake } from "../net/rows.js";
import { fetchCommands, fetchRows, wantedBy } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";
import type { ImapSession } from "./session.js";

const ITEMS = ["UID", "RFC822.SIZE", "BODY.PEEK[HEADER]"];
const BY = { by: "number" } as const;
const NO_HEAD = Buffer.alloc(0);

/** Asks for a span of the selected mailbox: nothing is sent where it holds no message. */
export async function fetchSummaries(
  session: ImapSession,
  span: CheckedSpan,
  call: Call,
  open: () => Intake<FetchData>,
): Promise<void> {
  const { mailbox } = session;
  if (mailbox === undefined) {
    throw new UsageError("no mailbox is selected", { advice: "call select() or examine() first", protocol: "imap" });
  }
  // A range beyond the last message is an error, and `*` is a message even where the range begins behind it.
  const numbers = within(span, 1, mailbox.exists);
  if (numbers === undefined) return;
  const set = [numbers];
  const wanted = wantedBy(set, ITEMS, BY);
  await session.wanting(wanted, () => fetchRows(session, fetchCommands(set, ITEMS, BY), wanted, BY, call, open()));
}

/** A row of FETCH as all readers have it. */
export function summaryOf({ number, uid, size, body }: FetchData): MessageSummary<number> {
  return new MessageSummary({ number, uid, id: uid ?? 0, size }, body.get("HEADER") ?? NO_HEAD);
}
