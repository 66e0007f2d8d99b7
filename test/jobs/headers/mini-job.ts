/** A headers job without a network: plan, cursor, journal and sink, put together as a real one does it. */
import type { Answered } from "../../../src/jobs/headers/cursor.js";
import { IntervalSet } from "../../../src/jobs/headers/interval-set.js";
import { HeadersJournal } from "../../../src/jobs/headers/journal.js";
import { RangeRows } from "../../../src/jobs/headers/range-rows.js";
import { type Range, RangePlan } from "../../../src/jobs/headers/ranges.js";
import type { HeaderRow, HeaderSink } from "../../../src/jobs/headers/sink.js";
import { openHeaderSink } from "../../../src/jobs/headers/sinks/open.js";
import { Ordered } from "../../../src/jobs/headers/sinks/ordered.js";

const NONE = new Map<string, string>();

/** What a server has under a number: every seventh article is missing. */
export function rowOf(number: number): HeaderRow | undefined {
  if (number % 7 === 3) return undefined;
  return {
    number,
    subject: `"${number}", é`,
    from: "a@b",
    date: new Date(number * 1000),
    rawDate: "",
    messageId: `<${number}@x>`,
    references: [],
    bytes: undefined,
    lines: undefined,
    broken: undefined,
    extra: NONE,
  };
}

export interface MiniJob {
  readonly to: string;
  readonly journal: string;
  /** Articles 1 to this. */
  readonly high: number;
  /** Numbers of a range. */
  readonly size: number;
  readonly ordered?: boolean;
  /** Called after each answer: throw to die. */
  readonly onAnswer?: (answers: number) => void;
  /** Answers between two commits. */
  readonly commitEvery: number;
  readonly fsync?: boolean;
}

/** Runs to the end, or until `onAnswer` throws: what is written after that lies beyond the committed position. */
export async function run(job: MiniJob): Promise<void> {
  using journal = HeadersJournal.open(job.journal, { settings: { to: job.to } });
  const sink = await openHeaderSink<HeaderRow>(job.to, { position: journal.position, fsync: job.fsync ?? false });
  let complete = false;
  try {
    journal.commit({ cursors: [], position: await sink.flush() });
    await fetch(job, journal, sink);
    complete = true;
  } finally {
    await sink.close({ complete });
  }
}

async function fetch(job: MiniJob, journal: HeadersJournal, sink: HeaderSink<HeaderRow>): Promise<void> {
  const cursor = journal.cursor("g");
  cursor.see({ low: 1, high: job.high, count: job.high });
  const plan = new RangePlan({ low: 1, high: job.high }, cursor.done, {
    size: job.size,
    smallest: 1,
    largest: job.size,
  });
  const ordered = job.ordered ? new Ordered<HeaderRow>(1, cursor.done) : undefined;
  const flying: { range: Range; rows: RangeRows<HeaderRow> }[] = [];
  const commit = async () => {
    const flushed = sink.flush();
    const cursors = [cursor.store()];
    journal.commit({ cursors, position: await flushed });
  };
  for (let answers = 1; ; answers++) {
    for (let range = plan.next(); range; range = flying.length < 3 ? plan.next() : undefined)
      flying.push({ range, rows: new RangeRows(range, cursor.done) });
    const turn = (answers * 7) % Math.max(1, flying.length);
    const next = flying[turn];
    if (!next) break;
    const parts = answer(next.range, next.rows, job.size);
    if (next.rows.from > next.range.high) {
      flying.splice(turn, 1);
      plan.finished(next.range, { rows: 1 });
    }
    for (const part of ordered ? parts.flatMap((part) => ordered.push(part)) : parts) {
      const full = sink.write({ group: "g", rows: part.rows });
      cursor.advance(part);
      await full;
    }
    job.onAnswer?.(answers);
    if (answers % job.commitEvery === 0) await commit();
  }
  await commit();
}

/** Half a range's worth of rows, and its end where it is reached. */
function answer(range: Range, rows: RangeRows<HeaderRow>, size: number): Answered<HeaderRow>[] {
  const upto = Math.min(range.high, rows.from + Math.ceil(size / 2) - 1);
  const found = Array.from({ length: upto - rows.from + 1 }, (_, i) => rowOf(rows.from + i));
  const taken = rows.take(found.filter((row) => row !== undefined));
  return upto === range.high ? [taken, rows.end()] : [taken];
}

/** The numbers such a job delivers. */
export function expected(high: number): number[] {
  return Array.from({ length: high }, (_, i) => i + 1).filter((number) => rowOf(number) !== undefined);
}

/** The numbers an output holds, as they lie there. */
export async function numbersIn(to: string): Promise<number[]> {
  const sink = await openHeaderSink<HeaderRow>(to, { existing: "append", fsync: false });
  const numbers: number[] = [];
  for await (const kept of sink.messageIds!())
    for (const { messageId } of kept) numbers.push(Number(messageId.slice(1, -3)));
  await sink.close({ complete: false });
  return numbers;
}

/** What a cursor in a journal has done. */
export function doneIn(path: string, to: string): IntervalSet {
  using journal = HeadersJournal.open(path, { settings: { to } });
  return IntervalSet.decode(journal.cursor("g").store().done);
}
