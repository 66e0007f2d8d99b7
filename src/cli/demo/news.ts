/** The demo's second half: 50,000 headers from a news server in memory to a file, read back, and shown as threads. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FetchResult, HeaderRecord, HeadersProgress } from "../../jobs/index.js";
import { NntpServer } from "../../testing/index.js";
import type { Context } from "../context.js";
import { count, duration, size } from "../format.js";
import { print } from "../output.js";
import { type Figures, progressView } from "../progress.js";

/** What the demo fetches. */
export const NEWS = { group: "demo.talk", headers: 50_000 } as const;
/** How many threads are shown, and of how many articles: enough to be trees, few enough for a screen. */
const SHOWN = { threads: 3, least: 4, most: 6 };

/** Fetches, compares and tells. `wrong`: what is not as it should be, a sentence each. */
export async function fetchNews(context: Context, folder: string): Promise<{ result: FetchResult; wrong: string[] }> {
  const begins = new Date("2025-07-01T00:00:00Z");
  await using server = await NntpServer.start({ groups: { [NEWS.group]: { generate: NEWS.headers, begins } } });
  const file = join(folder, "headers.ndjson");
  if (!context.json) await print(intro(server));
  const result = await fetchAll(context, server, file, join(folder, "headers.journal"));
  const records = await readBack(file);
  const wrong = verify(server, records);
  if (!context.json && wrong.length === 0) {
    await print(success(result, server.replyBytes, (await stat(file)).size));
    await print(await someThreads(records));
  }
  return { result, wrong };
}

async function fetchAll(context: Context, server: NntpServer, to: string, journal: string): Promise<FetchResult> {
  const { fetchHeaders } = await import("../../jobs/index.js");
  const { transcript, signal } = context;
  const view = progressView(context.json ? "none" : process.stdout.isTTY ? "auto" : "lines", figures);
  try {
    return await fetchHeaders({
      server: { url: server.urlOf(NEWS.group), transcript },
      to,
      journal,
      signal,
      onProgress: (progress) => view.show(progress),
    });
  } finally {
    view.stop();
  }
}

function figures({ phase, answered, wanted }: HeadersProgress): Figures {
  return { done: answered, total: wanted, doing: phase, parts: [`${count(answered)} of ${count(wanted)} headers`] };
}

async function readBack(file: string): Promise<HeaderRecord[]> {
  const { readRecords } = await import("../../jobs/index.js");
  const records: HeaderRecord[] = [];
  for await (const batch of readRecords(file)) for (const record of batch) records.push(record);
  return records;
}

/** Every number once, and under each the article that the server has. @returns what is wrong, a sentence each. */
function verify(server: NntpServer, records: readonly HeaderRecord[]): string[] {
  const wrong: string[] = [];
  const group = server.groups.get(NEWS.group);
  const seen = new Set<number>();
  for (const { number, messageId } of records) {
    if (seen.has(number)) wrong.push(`article ${number} is there twice`);
    else if (group?.messageId(number) !== messageId) wrong.push(`article ${number} is another one`);
    seen.add(number);
  }
  if (seen.size !== NEWS.headers) wrong.push(`${count(seen.size)} of ${count(NEWS.headers)} articles are in the file`);
  return wrong;
}

function intro(server: NntpServer): string {
  return [
    `News: an NNTP server runs in this process, on port ${server.port}.`,
    `Its group ${NEWS.group} has ${count(NEWS.headers)} articles; their headers go to a file, a line of JSON each.`,
  ].join("\n");
}

function success({ rows, milliseconds }: FetchResult, sent: number, written: number): string {
  const seconds = milliseconds / 1000;
  return [
    "",
    `✓ ${count(rows)} headers fetched in ${duration(seconds)} (${count(rows / seconds)} headers/s)`,
    `✓ each article is in the file, and once: ${size(written)} of NDJSON, from ${size(sent)} on the wire (COMPRESS DEFLATE)`,
    "",
  ].join("\n");
}

/** The newest threads of a few articles. */
async function someThreads(records: readonly HeaderRecord[]): Promise<string> {
  const { formatThreads, threads, walkThreads } = await import("../../jobs/index.js");
  const all = threads(records);
  const few = all.filter(({ count }) => count >= SHOWN.least && count <= SHOWN.most).slice(-SHOWN.threads);
  const deepest = Math.max(...[...walkThreads(all)].map(({ depth }) => depth));
  const width = Math.min(100, process.stdout.columns || 100);
  return [
    `They are ${count(all.length)} threads, up to ${deepest} answers deep. Three of the newest:`,
    "",
    ...formatThreads(few, { width }),
  ].join("\n");
}
