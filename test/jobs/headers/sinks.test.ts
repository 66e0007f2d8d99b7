/** Sinks: what they write, that it can be read by others, and what they say when it goes wrong. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SinkError, UsageError } from "../../../src/client/errors.js";
import type { HeaderBatch, HeaderRow, HeaderSink, KeptId } from "../../../src/jobs/headers/sink.js";
import { kindOf, openArticleSink, openHeaderSink } from "../../../src/jobs/headers/sinks/open.js";
import { CsvReader } from "../../../src/jobs/headers/sinks/read-back.js";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { ENGINES } from "../journal/engines.js";
import { folder } from "./folder.js";

const NONE = new Map<string, string>();
const row = (number: number, more: Partial<HeaderRow> = {}): HeaderRow => ({
  number,
  subject: `Subject ${number}`,
  from: '"Some Body" <s@example.org>',
  date: new Date(Date.UTC(2026, 1, 3, 9, 11, 12)),
  rawDate: "Tue, 3 Feb 2026 10:11:12 +0100",
  messageId: `<${number}@example.org>`,
  references: [],
  bytes: 1234,
  lines: 5,
  broken: undefined,
  extra: NONE,
  ...more,
});
const batch = (group: string, ...rows: HeaderRow[]) => ({ group, rows });
const open = (path: string, options: Parameters<typeof openHeaderSink>[1] = {}) =>
  openHeaderSink<HeaderRow>(path, { fsync: false, ...options });
const linesOf = (path: string) => readFileSync(path, "utf8").split("\n").slice(0, -1);
const idsOf = async (sink: HeaderSink<HeaderRow>) => {
  const all: KeptId[] = [];
  for await (const kept of sink.messageIds!()) all.push(...kept.map(({ group, messageId }) => ({ group, messageId })));
  return all;
};
/** Text with everything that is special somewhere. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom('"', "\\", "\n", "\r", ",", "a", " ", "é", "\u2028", "\ud83d", "\ude00", "\0", "\x7f"),
  }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((c) => String.fromCharCode(c)), maxLength: 300 }),
);
const anyRow = fc.record({
  number: fc.oneof(fc.nat(), fc.maxSafeNat()),
  subject: text,
  from: text,
  date: fc.oneof(fc.constant(undefined), fc.date({ noInvalidDate: false })),
  rawDate: text,
  messageId: text,
  references: fc.array(text, { maxLength: 3 }),
  bytes: fc.oneof(fc.constant(undefined), fc.maxSafeNat()),
  lines: fc.oneof(fc.constant(undefined), fc.nat()),
  broken: fc.oneof(fc.constant(undefined), text),
  extra: fc.array(fc.tuple(fc.string({ minLength: 1 }), text), { maxLength: 2 }).map((entries) => new Map(entries)),
});
/** What text is after UTF-8: lone surrogates do not survive it. */
const utf8 = (text: string) => Buffer.from(text).toString();

describe("an NDJSON file", () => {
  it("has a line for each row, in the documented form", async () => {
    const path = join(folder(), "deep", "er", "out.ndjson");
    const sink = await open(path);
    sink.write(
      batch(
        "comp.lang",
        row(1, { references: ["<a@b>", "<c@d>"], extra: new Map([["xref", "news.example comp.lang:1"]]) }),
        row(2, {
          date: undefined,
          rawDate: "yesterday",
          bytes: undefined,
          lines: undefined,
          broken: "fewer than 8 fields",
        }),
        row(2 ** 53 - 1, { extra: new Map([["lines", "7"]]) }),
      ),
    );
    await sink.close();
    expect(linesOf(path)).toEqual([
      '{"group":"comp.lang","number":1,"subject":"Subject 1","from":"\\"Some Body\\" <s@example.org>","date":"2026-02-03T09:11:12.000Z","rawDate":"Tue, 3 Feb 2026 10:11:12 +0100","messageId":"<1@example.org>","references":["<a@b>","<c@d>"],"bytes":1234,"lines":5,"xref":"news.example comp.lang:1"}',
      '{"group":"comp.lang","number":2,"subject":"Subject 2","from":"\\"Some Body\\" <s@example.org>","date":null,"rawDate":"yesterday","messageId":"<2@example.org>","references":[],"broken":"fewer than 8 fields"}',
      '{"group":"comp.lang","number":9007199254740991,"subject":"Subject 9007199254740991","from":"\\"Some Body\\" <s@example.org>","date":"2026-02-03T09:11:12.000Z","rawDate":"Tue, 3 Feb 2026 10:11:12 +0100","messageId":"<9007199254740991@example.org>","references":[],"bytes":1234,"lines":5,"header:lines":"7"}',
    ]);
  });

  it("is valid JSON in valid UTF-8 for any text, lone surrogates included", async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.array(anyRow, { maxLength: 5 }), async (group, rows) => {
        const path = join(folder(), "out.ndjson");
        const sink = await open(path);
        sink.write(batch(group, ...rows));
        await sink.close();
        new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
        const read = linesOf(path).map((line) => JSON.parse(line));
        for (const [i, { extra, date, ...fields }] of rows.entries()) {
          const { broken, bytes, lines, ...always } = fields;
          const time = date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString();
          expect(read[i]).toMatchObject({ group, ...always, date: time });
          expect([read[i].bytes, read[i].lines, read[i].broken]).toEqual([bytes, lines, broken]);
          for (const [name, value] of extra) expect(read[i][name] ?? read[i][`header:${name}`]).toBe(value);
        }
        expect(read).toHaveLength(rows.length);
      }),
      { numRuns: 60 },
    );
  });

  it("takes a row that is larger than a block", async () => {
    const path = join(folder(), "out.ndjson");
    const sink = await open(path);
    const subject = `"${"x".repeat(3_000_000)}\u{1f600}`;
    await sink.write(batch("g", row(1), row(2, { subject }), row(3)));
    await sink.close();
    expect(linesOf(path).map((line) => JSON.parse(line).subject)).toEqual(["Subject 1", subject, "Subject 3"]);
  });

  it("keeps the order of its rows over many blocks, and asks to wait when much is under way", async () => {
    for (const name of ["out.ndjson", "out.ndjson.gz"]) {
      const path = join(folder(), name);
      const sink = await open(path);
      let waited = 0;
      for (let n = 0; n < 60_000; n += 1000) {
        const wait = sink.write(batch("g", ...Array.from({ length: 1000 }, (_, i) => row(n + i))));
        if (wait) waited++;
        await wait;
      }
      await sink.close();
      const bytes = readFileSync(path);
      const lines = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().split("\n").slice(0, -1);
      expect(lines.map((line) => JSON.parse(line).number)).toEqual(Array.from({ length: 60_000 }, (_, i) => i));
      expect(waited).toBeGreaterThan(0);
    }
  });
});

describe("a CSV file", () => {
  it("has a header row and quotes what must be quoted (RFC 4180)", async () => {
    const path = join(folder(), "out.csv");
    const sink = await open(path);
    sink.write(batch("g", row(1, { subject: 'a, "b"\r\nc', references: ["<a@b>", "<c@d>"] })));
    sink.write(batch("g", row(2, { subject: "=1+1", date: undefined, bytes: undefined, broken: "why" })));
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe(
      "group,number,subject,from,date,rawDate,messageId,references,bytes,lines,broken\r\n" +
        'g,1,"a, ""b""\r\nc","""Some Body"" <s@example.org>",2026-02-03T09:11:12.000Z,"Tue, 3 Feb 2026 10:11:12 +0100",<1@example.org>,<a@b> <c@d>,1234,5,\r\n' +
        'g,2,=1+1,"""Some Body"" <s@example.org>",,"Tue, 3 Feb 2026 10:11:12 +0100",<2@example.org>,,,5,why\r\n',
    );
  });

  it("gives every text back, however it is cut when it is read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 4 }), fc.integer({ min: 1, max: 50 }), async (rows, step) => {
        const path = join(folder(), "out.csv");
        const sink = await open(path);
        sink.write(batch("a,b", ...rows));
        await sink.close();
        const reader = new CsvReader();
        const bytes = readFileSync(path);
        const read: string[][] = [];
        for (let at = 0; at < bytes.length; at += step) read.push(...reader.push(bytes.subarray(at, at + step)));
        expect(
          read.slice(1).map((fields) => [fields[0], fields[2], fields[3], fields[5], fields[6], fields[10]]),
        ).toEqual(
          rows.map(({ subject, from, rawDate, messageId, broken }) =>
            ["a,b", subject, from, rawDate, messageId, broken ?? ""].map(utf8),
          ),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("without rows is its header", async () => {
    const path = join(folder(), "out.csv");
    const sink = await open(path);
    expect(await sink.flush()).toEqual({ [path]: 0 });
    await sink.close();
    expect(readFileSync(path, "utf8")).toMatch(/^group,.*\r\n$/);
  });
});

describe.each(["ndjson", "ndjson.gz", "csv", "csv.gz", "sqlite"])("a .%s output", (extension) => {
  const rowsIn = async (path: string) => {
    const sink = await open(path, { existing: "append" });
    await sink.flush();
    const ids = await idsOf(sink);
    await sink.close();
    return ids.map(({ messageId }) => Number(/\d+/.exec(messageId)![0]));
  };

  it("goes on at the committed position: what lies beyond is taken off", async () => {
    const path = join(folder(), `out.${extension}`);
    const first = await open(path);
    const empty = await first.flush();
    expect(empty).toEqual({ [path]: 0 });
    first.write(batch("g", row(1), row(2)));
    const position = await first.flush();
    first.write(batch("g", row(3), row(4)));
    await first.flush();
    first.write(batch("g", row(5)));
    await first.close({ complete: false });
    const second = await open(path, { position: position! });
    second.write(batch("g", row(6)));
    await second.close();
    expect(await rowsIn(path)).toEqual([1, 2, 6]);
  });

  it("flushes exactly what was written before, though more is written meanwhile", async () => {
    const path = join(folder(), `out.${extension}`);
    const sink = await open(path, { fsync: true });
    sink.write(batch("g", row(1)));
    const flushed = sink.flush();
    sink.write(batch("g", row(2)));
    const later = sink.flush();
    const position = await flushed;
    await later;
    await sink.close();
    const again = await open(path, { position: position! });
    await again.close();
    expect(await rowsIn(path)).toEqual([1]);
  });

  it("that holds something is not touched by a new job unless that was said", async () => {
    const path = join(folder(), `out.${extension}`);
    const first = await open(path);
    first.write(batch("g", row(1)));
    await first.close();
    const before = readFileSync(path);
    await expect(open(path)).rejects.toThrow(/existing: "replace" or existing: "append"/);
    expect(readFileSync(path).equals(before)).toBe(true);
    const appended = await open(path, { existing: "append" });
    appended.write(batch("g", row(2)));
    await appended.close();
    expect(await rowsIn(path)).toEqual([1, 2]);
    const replaced = await open(path, { existing: "replace" });
    replaced.write(batch("g", row(3)));
    await replaced.close();
    expect(await rowsIn(path)).toEqual([3]);
  });

  it("that is shorter than was committed is refused, with advice", async () => {
    const path = join(folder(), `out.${extension}`);
    const sink = await open(path);
    sink.write(batch("g", row(1), row(2)));
    const position = await sink.flush();
    await sink.close();
    const beyond = { [path]: position![path]! + 1 };
    await expect(open(path, { position: beyond })).rejects.toThrow(/journal says .* put the file back, or begin anew/);
    const gone = join(folder(), `gone.${extension}`);
    await expect(open(gone, { position: { [gone]: 5 } })).rejects.toThrow(SinkError);
  });

  it("tells which message-ids it holds", async () => {
    const path = join(folder(), `out.${extension}`);
    const sink = await open(path);
    const odd = '<"a,\\b\r\n\u{1f600}"@x>';
    sink.write(batch("a", ...Array.from({ length: 5000 }, (_, i) => row(i))));
    sink.write(batch('b"c', row(1, { messageId: odd })));
    await sink.flush();
    const ids = await idsOf(sink);
    expect(ids).toHaveLength(5001);
    expect(ids[4999]).toEqual({ group: "a", messageId: "<4999@example.org>" });
    expect(ids[5000]).toEqual({ group: 'b"c', messageId: odd });
    await sink.close();
    await sink.close();
  });

  it("says which file could not be opened", async () => {
    const path = join(folder(), `out.${extension}`);
    mkdirSync(path);
    await expect(open(path)).rejects.toThrow(path);
  });
});

describe("a gzip file", () => {
  it("of many flushes is read by gzip", async () => {
    const path = join(folder(), "out.ndjson.gz");
    const sink = await open(path);
    for (let n = 1; n <= 20; n++) {
      sink.write(batch("g", row(n)));
      await sink.flush();
    }
    await sink.close();
    const text = execFileSync("gzip", ["-dc", path], { encoding: "utf8" });
    expect(
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line).number),
    ).toHaveLength(20);
  });
});

describe.each(ENGINES)("an SQLite output on %s", (engine) => {
  it("has a table to be asked, with indexes once the job is complete", async () => {
    const path = join(folder(), "out.db");
    const sink = await open(path, { engine });
    sink.write(batch("a.b", row(7, { references: ["<a@b>", "<c@d>"], extra: new Map([["xref", "x"]]) })));
    sink.write(batch("a.b", row(0, { date: undefined, bytes: undefined, broken: "not a number" }), row(2 ** 53 - 1)));
    await sink.flush();
    await sink.close({ complete: false });
    const indexes = () => {
      const db = openDatabase(path, engine);
      const names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name").all();
      const rows = db.prepare("SELECT * FROM headers ORDER BY id").all();
      db.close();
      return { names: names.map(({ name }) => name), rows };
    };
    expect(indexes().names).toEqual([]);
    await (await open(path, { engine, position: { [path]: 3 } })).close();
    const { names, rows } = indexes();
    expect(names).toEqual(["headers_date", "headers_message_id", "headers_number"]);
    expect(rows).toMatchObject([
      {
        id: 1,
        group_name: "a.b",
        number: 7,
        subject: "Subject 7",
        sender: '"Some Body" <s@example.org>',
        date: "2026-02-03T09:11:12.000Z",
        raw_date: "Tue, 3 Feb 2026 10:11:12 +0100",
        message_id: "<7@example.org>",
        refs: "<a@b> <c@d>",
        bytes: 1234,
        lines: 5,
        extra: '{"xref":"x"}',
        broken: null,
      },
      { id: 2, number: 0, date: null, bytes: null, extra: null, broken: "not a number" },
      { id: 3, number: 2 ** 53 - 1 },
    ]);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("says what is wrong with a file that is no database", async () => {
    const path = join(folder(), "out.db");
    writeFileSync(path, "this is not a database, but long enough to be looked at as one".repeat(30));
    await expect(open(path, { engine })).rejects.toThrow(/no SQLite database/);
  });
});

describe("a function", () => {
  it("gets one batch at a time, and a flush waits for it", async () => {
    const seen: string[] = [];
    const sink = await openHeaderSink<HeaderRow>(async ({ group }) => {
      seen.push(`begin ${group}`);
      await sleep(5);
      seen.push(`end ${group}`);
    });
    void sink.write(batch("a", row(1)));
    void sink.write(batch("b", row(2)));
    expect(await sink.flush()).toBeUndefined();
    expect(seen).toEqual(["begin a", "end a", "begin b", "end b"]);
    await sink.close();
  });

  it("may be done at once, whatever it returns", async () => {
    const all: HeaderBatch<HeaderRow>[] = [];
    const sink = await openHeaderSink<HeaderRow>((batch) => void all.push(batch));
    expect(sink.write(batch("a", row(1)))).toBeUndefined();
    const count: unknown = (batch: HeaderBatch<HeaderRow>) => all.push(batch);
    const counting = await openHeaderSink<HeaderRow>(count as () => void);
    expect(counting.write(batch("a", row(1)))).toBeUndefined();
    await counting.flush();
    expect(all).toHaveLength(2);
  });

  it("that fails, fails every call after it, with its error as the cause", async () => {
    const cause = new Error("no space");
    let calls = 0;
    const raise = () => {
      throw cause;
    };
    for (const fail of [() => Promise.reject(cause), raise]) {
      calls = 0;
      const sink = await openHeaderSink<HeaderRow>(() => {
        calls++;
        return fail();
      });
      const first = sink.write(batch("a", row(1)));
      const second = sink.write(batch("a", row(2)));
      await expect(first).rejects.toThrow(/function that takes the rows failed: no space/);
      await expect(second).rejects.toMatchObject({ name: "SinkError", cause });
      await expect(sink.flush()).rejects.toThrow(SinkError);
      await expect(Promise.resolve(sink.write(batch("a", row(3))))).rejects.toThrow(SinkError);
      expect(calls).toBe(1);
    }
  });
});

describe("a file that cannot be written any more", () => {
  // A device that is always full.
  it.runIf(existsSync("/dev/full"))("fails the flush and every write after it", async () => {
    const path = join(folder(), "out.ndjson");
    symlinkSync("/dev/full", path);
    const sink = await open(path);
    sink.write(batch("g", row(1)));
    await expect(sink.flush()).rejects.toMatchObject({ name: "SinkError", cause: { code: "ENOSPC" } });
    const large = Array.from({ length: 5000 }, (_, i) => row(i));
    await expect(Promise.resolve(sink.write(batch("g", ...large)))).rejects.toThrow(/could not be written/);
    await expect(sink.flush()).rejects.toThrow(SinkError);
    await expect(sink.close()).rejects.toThrow(SinkError);
  });
});

describe("where a path leads", () => {
  it("is told by its extension", () => {
    expect(kindOf("a.b/c.NDJSON")).toEqual({ holds: "headers", format: "ndjson", gzip: false });
    expect(kindOf("x.jsonl.gz")).toEqual({ holds: "headers", format: "ndjson", gzip: true });
    expect(kindOf("x.csv.gz")).toEqual({ holds: "headers", format: "csv", gzip: true });
    expect(kindOf("x.sqlite")).toEqual({ holds: "headers", format: "sqlite", gzip: false });
    expect(kindOf("x.mbox")).toEqual({ holds: "articles", format: "mbox", gzip: false });
    for (const path of ["x", "x.txt", "x.gz", "x.sqlite.gz", "x.json"])
      expect(() => kindOf(path), path).toThrow(/\.ndjson, \.jsonl, \.csv/);
  });

  it("headers do not go into an mbox, articles into nothing else", async () => {
    await expect(openHeaderSink(join(folder(), "x.mbox"))).rejects.toThrow(UsageError);
    await expect(openArticleSink(join(folder(), "x.ndjson"))).rejects.toThrow(UsageError);
  });

  it("a sink of one's own is taken as it is", async () => {
    const own: HeaderSink<HeaderRow> = { write() {}, flush: async () => undefined, async close() {} };
    expect(await openHeaderSink(own)).toBe(own);
  });
});

describe("an mbox", () => {
  const article = (number: number, body: string, date = "Tue, 3 Feb 2026 10:11:12 +0100") => ({
    number,
    messageId: `<${number}@x>`,
    content: Buffer.from(`From: a@example.org\r\nDate: ${date}\r\nSubject: ${number}\r\n\r\n${body}`),
  });

  it("has whole articles, quoted so that they can be told apart, and goes on where it was committed", async () => {
    const path = join(folder(), "out.mbox");
    const sink = await openArticleSink(path, { fsync: false });
    sink.write({ group: "g", rows: [article(1, "From here\r\n>From there\r\n")] });
    const position = await sink.flush();
    sink.write({ group: "g", rows: [article(2, "lost\r\n")] });
    await sink.close();
    const again = await openArticleSink(path, { fsync: false, position: position! });
    again.write({ group: "g", rows: [article(3, "last\r\n", "Tue, 3 Feb 12026 10:11:12 +0100")] });
    await again.close();
    const text = readFileSync(path, "latin1");
    expect(text).toContain("\n>From here\n>>From there\n");
    expect(text.match(/^From .*$/gm)).toHaveLength(2);
    expect(text.match(/^Subject: .*$/gm)).toEqual(["Subject: 1", "Subject: 3"]);
    expect(again.messageIds).toBeUndefined();
  });

  it("can be compressed", async () => {
    const path = join(folder(), "out.mbox.gz");
    const sink = await openArticleSink(path, { fsync: false });
    sink.write({ group: "g", rows: [article(1, "x\r\n")] });
    await sink.close();
    expect(gunzipSync(readFileSync(path)).toString()).toContain("Subject: 1\n");
    truncateSync(path, statSync(path).size - 1);
    expect(() => gunzipSync(readFileSync(path))).toThrow();
  });
});
