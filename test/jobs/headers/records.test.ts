/** NDJSON files of headers: as they are written, gzipped, cut anywhere, and damaged. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SinkError, UsageError } from "../../../src/client/errors.js";
import {
  type HeaderRecord,
  type ReadRecordsOptions,
  readRecords,
  recordTime,
} from "../../../src/jobs/headers/records.js";

const LINES: (HeaderRecord & Record<string, unknown>)[] = [
  {
    group: "a.b",
    number: 1,
    subject: "grüße €",
    from: "A <a@x>",
    date: "2026-02-03T09:11:12.000Z",
    messageId: "<1@x>",
    references: [],
    xref: "y",
  },
  {
    group: "a.b",
    number: 2,
    subject: "",
    from: "",
    date: null,
    rawDate: "?",
    messageId: "<2@x>",
    references: ["<1@x>"],
    bytes: 1,
    lines: 2,
  },
  { group: "a.b", number: 9007199254740991, subject: "x", from: "y", date: null, messageId: "<3@x>", references: [] },
];
const FILE = Buffer.from(LINES.map((line) => `${JSON.stringify(line)}\n`).join(""));

async function* from(...chunks: Uint8Array[]) {
  yield* chunks;
}

async function read(source: string | AsyncIterable<Uint8Array>, options?: ReadRecordsOptions): Promise<HeaderRecord[]> {
  const records: HeaderRecord[] = [];
  for await (const batch of readRecords(source, options)) records.push(...batch);
  return records;
}

const readText = (text: string, options?: ReadRecordsOptions) => read(from(Buffer.from(text)), options);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "polywire-records-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("reading", () => {
  test("the lines of a file, gzipped or not, whatever its name", async () => {
    await writeFile(path.join(folder, "plain.gz"), FILE);
    await writeFile(path.join(folder, "packed"), gzipSync(FILE));
    expect(await read(path.join(folder, "plain.gz"))).toEqual(LINES);
    expect(await read(path.join(folder, "packed"))).toEqual(LINES);
  });

  test("the same bytes cut at every position", async () => {
    for (const bytes of [FILE, gzipSync(FILE)]) {
      for (let at = 0; at <= bytes.length; at += 1) {
        expect(await read(from(bytes.subarray(0, at), bytes.subarray(at))), `cut at ${at}`).toEqual(LINES);
      }
      expect(await read(from(...[...bytes].map((byte) => Buffer.of(byte))))).toEqual(LINES);
    }
  });

  test("gzip members one behind the other, as a file that was written in several runs has", async () => {
    expect(await read(from(gzipSync(FILE), gzipSync(FILE)))).toEqual([...LINES, ...LINES]);
  });

  test("batches of the size asked for", async () => {
    const sizes: number[] = [];
    for await (const batch of readRecords(from(FILE, FILE), { batch: 4 })) sizes.push(batch.length);
    expect(sizes).toEqual([4, 2]);
  });

  test("empty lines, CR LF, a mark at the start and no line end at the end are no matter", async () => {
    const text = FILE.toString().replaceAll("\n", "\r\n\r\n").trimEnd();
    expect(await readText(`\ufeff${text}`)).toEqual(LINES);
    expect(await readText("")).toEqual([]);
    expect(await read(from())).toEqual([]);
    expect(await readText("\n \n")).toEqual([]);
  });

  test("fields that are missing become empty, others are kept", async () => {
    expect(await readText(`{"number":5,"x":1,"subject":null}`)).toEqual([
      { number: 5, x: 1, subject: "", from: "", messageId: "", references: [] },
    ]);
  });

  test("a reader that leaves early closes the file", async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield FILE;
      } finally {
        closed = true;
      }
    }
    for await (const _ of readRecords(source(), { batch: 1 })) break;
    expect(closed).toBe(true);
  });
});

describe("lines that are no records", () => {
  test.each([
    ["hello", /line 2 is no header record: Unexpected token/],
    ["[]", /line 2 .*no JSON object/],
    ["null", /line 2 .*no JSON object/],
    ["5", /line 2 .*no JSON object/],
    ["{}", /line 2 .*number is missing/],
    ['{"number":"1"}', /line 2 .*number is missing/],
    ['{"number":1,"subject":[]}', /line 2 .*a text is something else/],
    ['{"number":1,"date":5}', /line 2 .*a text is something else/],
    ['{"number":1,"references":"<a@b>"}', /line 2 .*no list of texts/],
    ['{"number":1,"references":[1]}', /line 2 .*no list of texts/],
  ])("%s", async (line, message) => {
    const text = `{"number":1}\n${line}\n{"number":3}\n`;
    await expect(readText(text)).rejects.toThrow(UsageError);
    await expect(readText(text)).rejects.toThrow(message);
    const malformed: number[] = [];
    const records = await readText(text, { onMalformed: (_, at) => malformed.push(at) });
    expect([records.map(({ number }) => number), malformed]).toEqual([[1, 3], [2]]);
  });

  test("a line beyond the limit", async () => {
    const long = Buffer.alloc(600, "x");
    await expect(read(from(FILE, long, long), { lineLimit: 1000 })).rejects.toThrow(
      "line 4 is longer than 1000 bytes: lineLimit",
    );
  });
});

describe("files that cannot be read", () => {
  test("one that is not there", async () => {
    await expect(read(path.join(folder, "nowhere"))).rejects.toThrow(SinkError);
    await expect(read(path.join(folder, "nowhere"))).rejects.toThrow(/nowhere could not be read: ENOENT/);
  });

  test("gzip that is cut short or damaged", async () => {
    const packed = gzipSync(FILE);
    await expect(read(from(packed.subarray(0, -10)))).rejects.toThrow(SinkError);
    const spoilt = Buffer.from(packed).fill(0, 20, 60);
    await expect(read(from(spoilt))).rejects.toThrow(SinkError);
  });
});

test("the time of a record", () => {
  const [first, second] = [LINES[0]!, LINES[1]!];
  expect(recordTime(first)).toBe(Date.UTC(2026, 1, 3, 9, 11, 12));
  expect(recordTime({ ...first, date: new Date(5) })).toBe(5);
  expect(recordTime(second)).toBeNaN();
  expect(recordTime({ ...first, date: "rubbish" })).toBeNaN();
});
