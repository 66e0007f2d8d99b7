/** Header records: what threads, counts and parts are made from, and how they are read from NDJSON files. */
import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { SinkError, UsageError } from "../../client/errors.js";

/** The header of an article. A row of `NntpClient.over` is one, and so is a line of an NDJSON file. */
export interface HeaderRecord {
  /** The article's number in its group. */
  readonly number: number;
  readonly subject: string;
  readonly from: string;
  /** A Date or an ISO 8601 text; null or undefined where the article has none that can be read. */
  readonly date?: Date | string | null | undefined;
  /** `<…>`, as sent. */
  readonly messageId: string;
  /** Message-ids, the oldest first. */
  readonly references: readonly string[];
  readonly bytes?: number | undefined;
  readonly lines?: number | undefined;
  readonly group?: string | undefined;
}

/** When the article was posted, in milliseconds since 1970; NaN where that is not known. */
export function recordTime({ date }: HeaderRecord): number {
  if (date === null || date === undefined) return Number.NaN;
  return typeof date === "string" ? Date.parse(date) : date.getTime();
}

/** By number, then by message-id: an order that does not depend on where a record came in. */
export function compareRecords(a: HeaderRecord, b: HeaderRecord): number {
  return a.number - b.number || Number(a.messageId > b.messageId) - Number(a.messageId < b.messageId);
}

/** How to read records. */
export interface ReadRecordsOptions {
  /** Records that are given at once. Default: 1,000. */
  batch?: number | undefined;
  /**
   * Called for each line that is no record, with what is wrong and its number; reading goes on behind it. Default: none,
   * and reading ends with the error.
   */
  onMalformed?: ((error: UsageError, line: number) => void) | undefined;
  /** Bytes that a line may have. Default: 16 MiB. */
  lineLimit?: number | undefined;
}

/**
 * Reads header records from NDJSON: one JSON object a line, as `polywire headers` writes them, gzipped or not (the first
 * bytes tell). Fields that a record must have and a line has not become empty; fields it has besides are kept.
 *
 * @param source The path of a file, or its bytes.
 * @returns Batches of records, in order.
 * @throws UsageError for a line that is no record or is too long: the message has its number. SinkError where the file
 * cannot be read, or its gzip data are damaged or cut short; the lines before have been given, but for the last few.
 *
 * @example
 * const counts = new Counts();
 * for await (const batch of readRecords("headers.ndjson.gz")) for (const record of batch) counts.add(record);
 */
export async function* readRecords(
  source: string | AsyncIterable<Uint8Array>,
  options: ReadRecordsOptions = {},
): AsyncGenerator<HeaderRecord[], void, undefined> {
  const { batch: size = 1000, onMalformed, lineLimit = 16 * 2 ** 20 } = options;
  const label = typeof source === "string" ? source : "the source";
  let batch: HeaderRecord[] = [];
  let line = 0;
  for await (const lines of readLines(readable(inflated(source), label), lineLimit)) {
    for (const text of lines) {
      const record = parseRecord(text, ++line, onMalformed);
      if (record === undefined || batch.push(record) < size) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** The bytes of the source, inflated where they begin as gzip does (RFC 1952 section 2.3.1). */
async function* inflated(source: string | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const pieces = (typeof source === "string" ? createReadStream(source) : source)[Symbol.asyncIterator]();
  try {
    let start = Buffer.alloc(0);
    while (start.length < 2) {
      const next = await pieces.next();
      if (next.done) break;
      start = Buffer.concat([start, next.value]);
    }
    const all = resumed(start, pieces);
    yield* start[0] === 0x1f && start[1] === 0x8b ? gunzipped(all) : all;
  } finally {
    await pieces.return?.();
  }
}

async function* resumed(start: Buffer, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

function gunzipped(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // An error reaches the reader through the last stream.
  return pipeline(Readable.from(bytes, { objectMode: false }), createGunzip({ chunkSize: 256 * 1024 }), () => {});
}

async function* readable(bytes: AsyncIterable<Uint8Array>, label: string): AsyncIterable<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SinkError(`${label} could not be read: ${why}`, { cause });
  }
}

/** The whole lines of each chunk; the rest waits for the next one. */
async function* readLines(bytes: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<string[]> {
  const held: Uint8Array[] = [];
  let length = 0;
  let lines = 0;
  for await (const chunk of bytes) {
    const end = chunk.lastIndexOf(10);
    held.push(end === -1 ? chunk : chunk.subarray(0, end));
    length += held.at(-1)!.length;
    if (end !== -1) {
      const whole = text(held).split("\n");
      lines += whole.length;
      yield whole;
      held.splice(0, held.length, chunk.subarray(end + 1));
      length = chunk.length - end - 1;
    }
    if (length > limit) {
      throw new UsageError(`line ${lines + 1} is longer than ${limit} bytes`, { advice: "lineLimit can be raised" });
    }
  }
  if (length > 0) yield [text(held)];
}

function text(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString("utf8");
}

/** Fields that records must have, and what they become where a line has none. */
const REQUIRED = { subject: "", from: "", messageId: "", references: [] as string[] };

/** What is wrong with a value that was read; undefined where it can be a record. */
const FAULTS: readonly (readonly [string, (value: Partial<HeaderRecord>) => boolean])[] = [
  ["no JSON object", (value) => typeof value !== "object" || value === null || Array.isArray(value)],
  ["number is missing or no whole number", ({ number }) => !Number.isSafeInteger(number)],
  ["a text is something else", (value) => !TEXTS.every((name) => typeof (value[name] ?? "") === "string")],
  ["references is no list of texts", ({ references = [] }) => !isTexts(references)],
];
const TEXTS = ["subject", "from", "date", "messageId", "group"] as const;

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function parseRecord(line: string, number: number, onMalformed: ReadRecordsOptions["onMalformed"]) {
  if (/^\s*$/.test(line)) return undefined;
  try {
    const value = JSON.parse(number === 1 ? line.replace(/^\ufeff/, "") : line) as HeaderRecord;
    const fault = FAULTS.find(([, applies]) => applies(value));
    if (fault === undefined) return complete(value);
    throw new SyntaxError(fault[0]);
  } catch (cause) {
    const error = new UsageError(`line ${number} is no header record: ${(cause as Error).message}`, { cause });
    if (onMalformed === undefined) throw error;
    onMalformed(error, number);
    return undefined;
  }
}

/** Most lines have every field: they are not copied. */
function complete(value: HeaderRecord): HeaderRecord {
  const { subject, from, messageId, references } = value as Partial<HeaderRecord>;
  const isWhole = subject != null && from != null && messageId != null && references != null;
  if (isWhole) return value;
  const known = Object.entries(value).filter(([, field]) => field !== null);
  return { ...value, ...REQUIRED, ...Object.fromEntries(known) };
}
