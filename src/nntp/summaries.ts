/** What is known of articles, as all readers tell it: rows of the overview, or headers one by one beside them. */
import { ReplyError, UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import { type CheckedSpan, within } from "../message/span.js";
import { MessageSummary } from "../message/summary.js";
import { type Gate, giveSome, type Some } from "../net/gate.js";
import { receiveArticle } from "./article.js";
import { askOverview } from "./ask-overview.js";
import type { Overview } from "./overview.js";
import type { NewsGroup } from "./parse-reply.js";
import { formatRange } from "./range.js";
import type { NntpSession } from "./session.js";

/** Numbers that one OVER asks about: more of them where most are gone. */
const NUMBERS = 2_000;
const MOST_NUMBERS = 64_000;
/** Headers that are asked for at once. */
const HEADS = 128;

type Summary = MessageSummary<string>;

/** Runs a call, alone on the connection. */
export type Run = <T>(body: (session: NntpSession, call: Call) => Promise<T>) => Promise<T>;

/** Gives the summaries of a span, some numbers at a time. */
export async function giveSummaries(span: CheckedSpan, wholeHeaders: boolean, gate: Gate<Summary>, run: Run) {
  const group = await run(async (session) => selected(session));
  const [first, last] = within(span, group.low, group.high) ?? [1, 0];
  let size = NUMBERS;
  for (let at = first; at <= last && !gate.left; ) {
    const range = [at, Math.min(at + size - 1, last)] as const;
    const overview = await run((session, call) => overviews(same(session, group), range, call));
    at = range[1] + 1;
    size = overview.rows.length < size / 4 ? Math.min(2 * size, MOST_NUMBERS) : NUMBERS;
    if (wholeHeaders) await giveHeads(overview.rows, group, gate, run);
    else await giveSome(gate, { ...overview, rows: overview.rows.map(summaryOf) });
    if (overview.failure) throw overview.failure.error;
  }
}

async function giveHeads(rows: readonly Overview[], group: NewsGroup, gate: Gate<Summary>, run: Run): Promise<void> {
  for (let at = 0; at < rows.length && !gate.left; at += HEADS) {
    const some = rows.slice(at, at + HEADS);
    await giveSome(gate, await run((session, call) => heads(same(session, group), some, call)));
  }
}

/** The rows of a range. */
async function overviews(
  session: NntpSession,
  [first, last]: readonly [number, number],
  call: Call,
): Promise<Some<Overview>> {
  const plan = askOverview(formatRange([first, last]));
  const parser = plan.parser(session);
  const rows: Overview[] = [];
  // A row without a number, or with another one, names no article here.
  const take = (some: readonly Overview[]) => {
    for (const row of some) {
      if (row.number >= first && row.number <= last && rows.length <= last - first) rows.push(row);
    }
  };
  try {
    await plan.ask(session, { begin: () => (piece) => take(parser.push(piece)), timeout: call.timeout });
    take(parser.end());
  } catch (error) {
    if (!(error instanceof ReplyError && plan.empty?.includes(error.code))) return { rows, failure: { error } };
  }
  return { rows };
}

/** The headers of some articles. */
async function heads(session: NntpSession, overview: readonly Overview[], call: Call): Promise<Some<Summary>> {
  const asked = overview.map(({ number }) => receiveArticle(session, `HEAD ${number}`, call));
  const rows: Summary[] = [];
  for (const [i, head] of (await Promise.allSettled(asked)).entries()) {
    if (head.status === "fulfilled") rows.push(new MessageSummary(named(overview[i]!), head.value.content));
    // What has gone away meanwhile is no row.
    else if (!isGone(head.reason)) return { rows, failure: { error: head.reason } };
  }
  return { rows };
}

function isGone(error: unknown): boolean {
  return error instanceof ReplyError && /^4[23]\d$/.test(error.code);
}

/** The selected newsgroup, as it was then. Throws UsageError where there is none. */
function selected({ group }: NntpSession): NewsGroup {
  if (group !== undefined) return group;
  throw new UsageError("no newsgroup is selected", { advice: "call group() first", protocol: "nntp" });
}

/** The session, where that group is still the selected one. */
function same(session: NntpSession, { name }: NewsGroup): NntpSession {
  if (session.group?.name === name) return session;
  throw new UsageError(`the newsgroup ${name} is not the selected one any more`, {
    advice: "finish the loop first, or use another connection",
    protocol: "nntp",
  });
}

/** A row of the overview as all readers have it. */
function summaryOf(row: Overview): Summary {
  return new MessageSummary(named(row), headOf(row));
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
