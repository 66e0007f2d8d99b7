/** What is known of messages, as all readers tell it: LIST and UIDL, then the headers, many asked for at once (TOP, RFC 1939 §7). */
import { ReplyError } from "../client/errors.js";
import type { Feed } from "../client/rows.js";
import { type CheckedSpan, within } from "../message/span.js";
import { MessageSummary } from "../message/summary.js";
import { Gate, giveSome } from "../net/gate.js";
import type { Pieces } from "../net/pieces.js";
import { type AnnouncedMessage, type Mailbox, Window } from "./fetch-new.js";
import type { MessageSize, MessageUid } from "./parse-reply.js";

/** Bytes that a header takes, about: how many are asked for ahead. */
const HEAD = 4096;
/** Rows that are given on together. */
const BATCH = 64;

/** What a list of summaries needs from its client. */
export interface Maildrop {
  /** One message, or all. */
  sizes(number?: number): Promise<MessageSize[]>;
  uids(number?: number): Promise<MessageUid[]>;
  /** Asks for a header; `pieces` is where it is gathered. */
  top(number: number, pieces: Pieces): Promise<Buffer>;
  readonly ahead: number;
  readonly limits: Mailbox<unknown>["limits"];
}

/** Gives the summaries of a span to the feed. */
export async function giveSummaries(
  maildrop: Maildrop,
  span: CheckedSpan,
  feed: Feed<MessageSummary<string>>,
): Promise<void> {
  const gate = new Gate(feed, maildrop.limits.body);
  const { messages, uids } = await listed(maildrop, span);
  const fetch = async ({ number, size, uid }: AnnouncedMessage, pieces: Pieces) => {
    const head = await maildrop.top(number, pieces);
    return new MessageSummary({ number, uid: uids ? uid : undefined, id: number, size }, head);
  };
  const window = new Window({ ...maildrop, ahead: maildrop.ahead, fetch, weigh: () => HEAD }, messages);
  try {
    while (!gate.left && (await giveBatch(window, gate)));
  } finally {
    await window.leave();
  }
}

/** Gives what is there, or the next one that comes. False behind the last. */
async function giveBatch(window: Window<MessageSummary<string>>, gate: Gate<MessageSummary<string>>): Promise<boolean> {
  const rows: MessageSummary<string>[] = [];
  try {
    do {
      window.fill();
      const asked = window.shift();
      if (asked === undefined) break;
      rows.push(await asked.fetched);
      window.release(asked);
    } while (rows.length < BATCH && window.ready);
    // While the loop's body is busy, the next ones come.
    window.fill();
  } finally {
    // What came before a failure is given, too.
    await giveSome(gate, { rows });
  }
  return rows.length > 0;
}

/** The messages of a span, with their sizes, and their ids where the server has UIDL. */
async function listed(maildrop: Maildrop, span: CheckedSpan): Promise<{ messages: AnnouncedMessage[]; uids: boolean }> {
  const one = "first" in span && span.first === span.last ? span.first : undefined;
  const [sizes, uids] = await Promise.all([
    orRefused(maildrop.sizes(one), one === undefined),
    orRefused(maildrop.uids(one), false),
  ]);
  // Numbers of LIST, not of STAT, which does not count what is marked as deleted.
  const high = (sizes ?? []).reduce((most, { number }) => Math.max(most, number), 0);
  const [first, last] = within(span, 1, high) ?? [1, 0];
  const named = new Map((uids ?? []).map(({ number, uid }) => [number, uid]));
  const messages = (sizes ?? [])
    .filter(({ number }) => number >= first && number <= last)
    .map(({ number, bytes }) => ({ number, size: bytes, uid: named.get(number) ?? "" }));
  return { messages, uids: uids !== undefined };
}

/** Undefined where the server refuses for good: it has no UIDL, or no such message. */
async function orRefused<T>(asked: Promise<T>, needed: boolean): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (needed || !(error instanceof ReplyError) || error.transient) throw error;
    return undefined;
  }
}
