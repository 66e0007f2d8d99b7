/** `polywire threads`: what a file of headers holds, as threads, days, authors, or files in parts. No connection. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { CountsResult, HeaderRecord, PostedFile } from "../../jobs/index.js";
import { act, type Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { count, counted } from "../format.js";
import { whole } from "../globals.js";
import { note, print, printJson, writeJson } from "../output.js";

interface Options {
  top?: number;
  days?: true;
  authors?: true;
  nzb?: string;
}

const EXAMPLES = `
FILE is what polywire headers wrote: NDJSON, gzipped or not; - is stdin.

Examples:
  polywire threads headers.ndjson                      every thread as a tree: date (UTC), author, subject
  polywire threads headers.ndjson.gz --top 10          the ten longest
  polywire threads headers.ndjson --days               articles per day, as bars
  polywire threads headers.ndjson --authors --top 20   who wrote most
  polywire threads headers.ndjson --nzb found.nzb      files posted in parts (1/27), for a program that fetches them
  polywire threads headers.ndjson --json               a line for each article: its thread, its depth, its header
Threads need all headers in memory; days and authors do not.`;

export function threads(program: Command): void {
  program
    .command("threads <file>")
    .description("show a file of headers as threads, days, authors or files")
    .option("--top <n>", "only so many threads, or authors: the largest ones (default: all)", whole)
    .option("--days", "articles per day")
    .option("--authors", "articles per author")
    .option("--nzb <file>", "write an NZB file of what was posted in parts; it replaces one that is there")
    .addHelpText("after", EXAMPLES)
    .action(act<[string], Options>(run));
}

async function run(context: Context, options: Options, file: string): Promise<number> {
  const { days, authors, nzb } = options;
  const records = new Records(file, context.signal);
  if (days || authors || nzb !== undefined) await tellCounts(context, options, records);
  else await tellThreads(context, options, records);
  if (records.malformed > 0) note(`polywire: ${counted(records.malformed, "line")} left out: ${records.first}`);
  return records.malformed > 0 ? EXIT.refused : EXIT.done;
}

/** The records of a file. Lines that are none are counted. */
class Records {
  malformed = 0;
  first = "";

  constructor(
    private readonly file: string,
    private readonly signal: AbortSignal,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<HeaderRecord[], void, undefined> {
    const { readRecords } = await import("../../jobs/index.js");
    const onMalformed = (error: Error) => {
      if (this.malformed++ === 0) this.first = error.message;
    };
    for await (const batch of readRecords(this.file === "-" ? process.stdin : this.file, { onMalformed })) {
      this.signal.throwIfAborted();
      yield batch;
    }
  }
}

async function tellThreads(context: Context, { top }: Options, records: Records): Promise<void> {
  const { formatThreads, threads, walkThreads } = await import("../../jobs/index.js");
  const all: HeaderRecord[] = [];
  for await (const batch of records) for (const record of batch) all.push(record);
  const found = threads(all);
  const shown = top === undefined ? found : found.toSorted((a, b) => b.count - a.count).slice(0, top);
  if (context.json) {
    let thread = 0;
    await inGroups(walkThreads(shown), (steps) =>
      writeJson(
        steps.map(({ thread: { record, subject }, depth }) => {
          if (depth === 0) thread++;
          return { thread, depth, ...(record ?? { subject, missing: true }) };
        }),
      ),
    );
    return;
  }
  const width = process.stdout.columns || undefined;
  await inGroups(formatThreads(shown, width === undefined ? {} : { width }), (lines) => print(lines.join("\n")));
}

/** Many small things at once: a write for each would take longer than making them. */
async function inGroups<T>(all: Iterable<T>, tell: (some: T[]) => Promise<void>): Promise<void> {
  let some: T[] = [];
  for (const each of all) {
    if (some.push(each) < 1000) continue;
    await tell(some);
    some = [];
  }
  if (some.length > 0) await tell(some);
}

async function tellCounts(context: Context, options: Options, records: Records): Promise<void> {
  const { Counts, PartCollector } = await import("../../jobs/index.js");
  const { days, authors, nzb, top } = options;
  const counts = new Counts();
  const parts = nzb === undefined ? undefined : new PartCollector();
  for await (const batch of records) {
    for (const record of batch) {
      counts.add(record);
      parts?.add(record);
    }
  }
  const result = counts.result();
  const most = result.authors.slice(0, top);
  const files = parts?.result().files;
  if (files !== undefined) await writeNzb(nzb!, files);
  if (context.json) {
    const { total, undated, authorsError } = result;
    const listed = { ...(days && { days: result.days }), ...(authors && { authors: most, authorsError }) };
    await printJson({ total, undated, ...listed, ...(files && summary(files)) });
    return;
  }
  const pages = [
    ...(days ? [await dayPage(result)] : []),
    ...(authors ? [authorPage(result, most)] : []),
    ...(files ? [filePage(files, nzb!)] : []),
  ];
  await print(pages.join("\n\n"));
}

async function dayPage({ days, total, undated }: CountsResult): Promise<string> {
  const { dayChart } = await import("../../jobs/index.js");
  const width = process.stdout.columns || undefined;
  const lines = days.length === 0 ? [] : dayChart(days, width === undefined ? {} : { width });
  const without = undated === 0 ? "" : `, ${count(undated)} of them without a date`;
  return [...lines, `${counted(total, "article")}${without}`].join("\n");
}

function authorPage({ authors, authorsError }: CountsResult, most: CountsResult["authors"]): string {
  const lines = most.map(({ count: n, from }) => `${String(n).padStart(8)}  ${from.replace(/\t/g, " ")}`);
  const exact = authorsError === 0 ? counted(authors.length, "author") : `counts may be ${count(authorsError)} too low`;
  return [...lines, exact].join("\n");
}

function filePage(files: readonly PostedFile[], path: string): string {
  const { complete } = summary(files);
  return `${path}: ${counted(files.length, "file")}, ${count(complete)} complete`;
}

function summary(files: readonly PostedFile[]) {
  return { files: files.length, complete: files.filter((file) => file.complete).length };
}

async function writeNzb(path: string, files: readonly PostedFile[]): Promise<void> {
  const { toNzb } = await import("../../jobs/index.js");
  const { formatNzb } = await import("../../message/index.js");
  await writeFile(path, formatNzb(toNzb(files)));
}
