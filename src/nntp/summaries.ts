/** What is known of articles, as all readers tell it: rows of the overview, or headers one by one beside them. */
import { ReplyError, UsageError } from "../client/errors.js";
import type { Feed } from "../client/rows.js";
import type { Call } from "../client/session.js";
import { type CheckedSpan, within } from "../message/span.js";
import { MessageSummary } from "../message/summary.js";
import type { RowsPlan } from "../net/rows.js";
import { receiveArticle } from "./article.js";
import { askOverview } from "./ask-overview.js";
import type { Overview } from "./overview.js";
import type { NewsGroup } from "./parse-reply.js";
import { formatRange } from "./range.js";
import type { NntpSession } from "./session.js";

/** Numbers that are asked about at once where whole headers are wanted. */
const BLOCK = 128;

/** The plan for the rows of a span. */
export function askSpan(span: CheckedSpan): RowsPlan<Overview, NntpSession> {
  if ("first" in span) return askOverview(rangeOf([span.first, span.last]));
  const ask: RowsPlan<Overview, NntpSession>["ask"] = async (session, body) => {
    const { low, high } = selected(session);
    // In an empty group there is no range: a server says so of any.
    return askOverview(rangeOf(within(span, low, high) ?? [high + 1, Infinity])).ask(session, body);
  };
  return { ...askOverview("1-"), ask };
}

/** A row of the overview as all readers have it. */
export function summaryOf(row: Overview): MessageSummary<string> {
  return new MessageSummary(named(row), () => headOf(row));
}

/**
 * Gives whole headers to the feed, some numbers at a time: other calls have their turn between them. `run` has the
 * connection alone.
 */
export async function giveHeads(
  span: CheckedSpan,
  feed: Feed<MessageSummary<string>>,
  run: <T>(body: (session: NntpSession, call: Call) => Promise<T>) => Promise<T>,
): Promise<void> {
  let left = false;
  let room: (() => void) | undefined;
  feed.resume = () => room?.();
  feed.cancel = () => {
    left = true;
    room?.();
  };
  const group = await run(async (session) => selected(session));
  const [first, last] = within(span, group.low, group.high) ?? [1, 0];
  for (let at = first; at <= last && !left; at += BLOCK) {
    const range = [at, Math.min(at + BLOCK - 1, last)] as const;
    const rows = await run((session, call) => block(session, group, range, call));
    const bytes = rows.reduce((sum, { head }) => sum + head.length, 0);
    if (!feed.push(rows, bytes) && !left) await new Promise<void>((resolve) => (room = resolve));
  }
}

/** The articles of a few numbers: the overview tells which there are, and HEAD what they are. */
async function block(
  session: NntpSession,
  group: NewsGroup,
  range: readonly [number, number],
  call: Call,
): Promise<MessageSummary<string>[]> {
  if (session.group?.name !== group.name) {
    throw new UsageError(`the newsgroup ${group.name} is not the selected one any more`, {
      advice: "finish the loop first, or use another connection",
      protocol: "nntp",
    });
  }
  const rows = await overviews(session, range, call);
  const heads = await Promise.allSettled(rows.map(({ number }) => receiveArticle(session, `HEAD ${number}`, call)));
  return heads.flatMap((head, i) => {
    if (head.status === "fulfilled") return [new MessageSummary(named(rows[i]!), head.value.content)];
    // It went away meanwhile.
    if (head.reason instanceof ReplyError && /^4[23]\d$/.test(head.reason.code)) return [];
    throw head.reason;
  });
}

async function overviews(session: NntpSession, range: readonly [number, number], call: Call): Promise<Overview[]> {
  const plan = askOverview(rangeOf(range));
  const parser = plan.parser(session);
  const rows: Overview[] = [];
  // A row without a number, or with another one, names no article here.
  const take = (some: readonly Overview[]) => {
    for (const row of some) if (row.number >= range[0] && row.number <= range[1] && rows.length < BLOCK) rows.push(row);
  };
  const begin = () => (piece: Buffer) => take(parser.push(piece));
  try {
    await plan.ask(session, { begin, timeout: call.timeout });
  } catch (error) {
    if (!(error instanceof ReplyError && plan.empty?.includes(error.code))) throw error;
  }
  take(parser.end());
  return rows;
}

/** The selected newsgroup, as it was then. Throws UsageError where there is none. */
function selected({ group }: NntpSession): NewsGroup {
  if (group !== undefined) return group;
  throw new UsageError("no newsgroup is selected", { advice: "call group() first", protocol: "nntp" });
}

function rangeOf([first, last]: readonly [number, number]): string {
  return formatRange(last === Infinity ? [first] : [first, last]);
}

function named({ number, messageId, bytes }: Overview) {
  return { number, uid: messageId === "" ? undefined : messageId, id: number, size: bytes };
}

/** The header fields that a row of the overview holds, as a header. */
function headOf({ rawSubject, rawFrom, rawDate, messageId, rawReferences, rawExtra }: Overview): Buffer {
  const fields: [string, string][] = [
    ["Subject", rawSubject],
    ["From", rawFrom],
    ["Date", rawDate],
    ["Message-ID", messageId],
    ["References", rawReferences],
  ];
  const lines = fields.flatMap(([name, value]) => (value === "" ? [] : [`${name}: ${value}`]));
  // Behind the seventh field they carry their names, but for metadata, which are no header fields.
  const more = rawExtra.split("\t").filter((field) => /^[!-9;-~]+: /.test(field));
  return Buffer.from([...lines, ...more, "", ""].join("\r\n"), "latin1");
}
