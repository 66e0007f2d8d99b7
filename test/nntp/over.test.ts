/** Overview rows: bytes → rows, however they are cut; rows that break the format; fields behind the seventh. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import { parseFormat } from "../../src/nntp/ask-overview.js";
import type { Overview } from "../../src/nntp/overview.js";
import { OverParser } from "../../src/nntp/parse-over.js";
import { connected, memory } from "./dialogue.js";

const ROW =
  '3000234\tI am just a test article\t"Demo User" <nobody@example.com>\t6 Oct 1998 04:38:40 -0500\t<45223423@example.com>\t<45454@example.net> <1@x>\t1234\t17\tXref: news.example.com misc.test:3000363';

function parse(text: string, options: { names?: readonly string[]; cut?: number; limit?: number } = {}) {
  const bytes = Buffer.from(text, "latin1");
  const parser = new OverParser(options.limit ?? 1 << 20, { names: options.names ?? [] });
  const { cut = bytes.length } = options;
  return [...parser.push(bytes.subarray(0, cut)), ...parser.push(bytes.subarray(cut)), ...parser.end()];
}

const plain = (row: Overview | undefined) => JSON.parse(JSON.stringify(row)) as Record<string, unknown>;

describe("a row", () => {
  test("has its fields typed and decoded", () => {
    const [row] = parse(`${ROW}\r\n`);
    expect(plain(row)).toEqual({
      number: 3000234,
      subject: "I am just a test article",
      from: '"Demo User" <nobody@example.com>',
      date: "1998-10-06T09:38:40.000Z",
      rawDate: "6 Oct 1998 04:38:40 -0500",
      messageId: "<45223423@example.com>",
      references: ["<45454@example.net>", "<1@x>"],
      bytes: 1234,
      lines: 17,
      xref: "news.example.com misc.test:3000363",
    });
  });

  test("is read the same wherever the bytes are cut", () => {
    const text = `${ROW}\r\n5\ta\tb\tc\t<d@e>\t\t\t\r\n${ROW}\n`;
    const whole = parse(text).map(plain);
    expect(whole).toHaveLength(3);
    for (let cut = 0; cut <= text.length; cut++) expect(parse(text, { cut }).map(plain)).toEqual(whole);
  });

  test("comes byte by byte", () => {
    const parser = new OverParser(1 << 20);
    const rows: Overview[] = [];
    for (const byte of Buffer.from(`${ROW}\r\n${ROW}\r\n`)) rows.push(...parser.push(Buffer.of(byte)));
    expect(rows.map(plain)).toEqual(parse(`${ROW}\r\n${ROW}\r\n`).map(plain));
  });

  test("keeps its bytes", () => {
    const [row] = parse("1\tJ\xfcrgen\tb\tc\t<d@e>\t\t5\t6\r\n");
    expect(row?.raw).toEqual(Buffer.from("1\tJ\xfcrgen\tb\tc\t<d@e>\t\t5\t6", "latin1"));
    expect(row?.subject).toBe("Jürgen");
    expect(row?.rawSubject).toBe("J\xfcrgen");
  });

  test("has text from RFC 2047 words and from bare UTF-8", () => {
    const [row] = parse(
      Buffer.from("1\t=?iso-8859-1?Q?Gr=FC=DFe?=\tJürgen <j@x>\tc\t<d@e>\t\t\t\r\n").toString("latin1"),
    );
    expect([row?.subject, row?.from]).toEqual(["Grüße", "Jürgen <j@x>"]);
  });

  test("may have a number beyond 2^31 and 2^32, up to 2^53 - 1", () => {
    const numbers = [2 ** 31, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER];
    expect(
      parse(numbers.map((n) => `${n}\ta\tb\tc\t<d@e>\t\t${n}\t1\r\n`).join("")).map((row) => [row.number, row.bytes]),
    ).toEqual(numbers.map((n) => [n, n]));
  });

  test("may lack the TABs at its end, and its counts", () => {
    const [row] = parse("7\ts\tf\td\t<m@x>\r\n");
    expect(row).toMatchObject({ number: 7, messageId: "<m@x>", rawReferences: "", bytes: undefined, lines: undefined });
    expect(row?.broken).toBeUndefined();
  });

  test("keeps a date that is none as text", () => {
    const [row] = parse("7\ts\tf\tsometime\t<m@x>\t\t1\t2\r\n");
    expect([row?.date, row?.rawDate]).toEqual([undefined, "sometime"]);
  });

  test("of 14,672 octets of References is read", () => {
    const ids = Array.from({ length: 200 }, (_, i) => `<${"x".repeat(60)}${i}@example.org>`);
    const [row] = parse(`1\ts\tf\td\t<m@x>\t${ids.join(" ")}\t1\t2\r\n`);
    expect(row?.references).toEqual(ids);
  });
});

describe("a row that breaks the format is given, and says so", () => {
  test.each([
    ["no number", "abc\ts\tf\td\t<m@x>\t\t1\t2", { number: 0, messageId: "<m@x>", bytes: 1 }],
    ["a number too large", `${"9".repeat(20)}\ts\tf\td\t<m@x>\t\t1\t2`, { number: 0, rawSubject: "s" }],
    ["text behind the number", "12a\ts\tf\td\t<m@x>", { number: 0, rawSubject: "s" }],
    ["no field at all", "rubbish", { number: 0, rawSubject: "" }],
    ["no message-id", "5\ts\tf\td\t\t\t1\t2", { number: 5, rawSubject: "s" }],
    ["a number alone", "5", { number: 0 }],
    ["a number and a subject", "5\ts", { number: 5, rawSubject: "s", rawFrom: "" }],
  ])("%s", (_, line, fields) => {
    const rows = parse(`${ROW}\r\n${line}\r\n${ROW}\r\n`);
    expect(rows).toHaveLength(3);
    expect(rows[1]).toMatchObject(fields);
    expect(rows[1]?.broken).toEqual(expect.any(String));
    expect([rows[0]?.broken, rows[2]?.broken]).toEqual([undefined, undefined]);
  });

  test("counts that are none are left out, and break nothing", () => {
    const [row] = parse("5\ts\tf\td\t<m@x>\t\tmany\t-3\r\n");
    expect(row).toMatchObject({ bytes: undefined, lines: undefined, broken: undefined });
  });

  test("any bytes give a row for each line that is not empty, and never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
        const text = Buffer.from(bytes).toString("latin1");
        const rows = parse(text, { cut: Math.min(at, text.length) });
        const lines = text
          .split("\n")
          .map((line) => line.replace(/\r$/, ""))
          .filter((line) => line !== "");
        expect(rows.map((row) => row.raw?.toString("latin1"))).toEqual(lines);
        for (const row of rows) JSON.stringify(row);
      }),
    );
  });

  test("a line without end is an error, not a full memory", () => {
    const parser = new OverParser(1000);
    expect(() => {
      for (let i = 0; i < 20; i++) parser.push(Buffer.alloc(100, "x"));
    }).toThrow(ProtocolError);
  });
});

describe("fields behind the seventh", () => {
  const FMT = "Subject:\r\nFrom:\r\nDate:\r\nMessage-ID:\r\nReferences:\r\n:bytes\r\n:lines\r\n";

  test("go by the names of LIST OVERVIEW.FMT", () => {
    expect(parseFormat(`${FMT}Xref:full\r\nDistribution:full\r\n`)).toEqual(["xref", "distribution"]);
    expect(parseFormat(`${FMT}:x-spam\r\n`)).toEqual([":x-spam"]);
    expect(parseFormat("Subject:\nFrom:\nDate:\nMessage-ID:\nReferences:\nBytes:\nLines:\nXref:full\n")).toEqual([
      "xref",
    ]);
  });

  test("full ones carry their name, which is believed before the format", () => {
    const [row] = parse("1\ts\tf\td\t<m@x>\t\t1\t2\tDistribution: world\tXref: a b:1\r\n", {
      names: ["xref", "distribution"],
    });
    expect([...(row?.extra ?? [])]).toEqual([
      ["distribution", "world"],
      ["xref", "a b:1"],
    ]);
  });

  test("metadata have no name in the row", () => {
    const [row] = parse("1\ts\tf\td\t<m@x>\t\t1\t2\t17: of 20\r\n", { names: [":x-spam"] });
    expect(row?.extra.get(":x-spam")).toBe("17: of 20");
  });

  test("without a format they go by their place", () => {
    const [row] = parse("1\ts\tf\td\t<m@x>\t\t1\t2\tvalue one\t\tvalue two\r\n");
    expect([...(row?.extra ?? [])]).toEqual([
      ["field 8", "value one"],
      ["field 10", "value two"],
    ]);
  });
});

describe("over()", () => {
  const FMT = "C: LIST OVERVIEW.FMT\nS: 215 order\nS: Subject:\nS: .\n";

  test("asks for the format once, in one write with the first OVER", async () => {
    const { nntp, server } = await connected(
      `C: LIST OVERVIEW.FMT\nC: OVER 1-2\nS: 503 none\nS: 224 rows\nS: 1\ts\tf\td\t<m@x>\t\t1\t2\nS: .\nC: OVER 3\nS: 224 rows\nS: .\n`,
    );
    expect(await nntp.over("1-2").toArray()).toHaveLength(1);
    expect(await nntp.over(3).toArray()).toEqual([]);
    await server.done;
  });

  test("XOVER where OVER is not known, learned once", async () => {
    const { nntp, server } = await connected(
      `${FMT.replace("\nS: 215", "\nC: OVER 1-2\nS: 215")}S: 500 what?\nC: XOVER 1-2\nS: 224 rows\nS: 1\ts\tf\td\t<m@x>\t\t1\t2\nS: .\nC: XOVER 3-\nS: 420 none\n`,
    );
    expect(await nntp.over([1, 2]).toArray()).toHaveLength(1);
    expect(await nntp.over([3]).toArray()).toEqual([]);
    await server.done;
  });

  test.each(["423 no article", "420 none"])("a range without articles is empty: %s", async (line) => {
    const { nntp } = await connected(`C: LIST OVERVIEW.FMT\nC: OVER 1-2\nS: 503 none\nS: ${line}\n`);
    expect(await nntp.over("1-2").toArray()).toEqual([]);
  });

  test("no current article is an error", async () => {
    const { nntp } = await connected("C: LIST OVERVIEW.FMT\nC: OVER\nS: 503 none\nS: 420 none\n");
    await expect(nntp.over().toArray()).rejects.toMatchObject({ code: "420" });
  });

  test("dots that begin a row are single again", async () => {
    const { nntp } = await connected("C: LIST OVERVIEW.FMT\nC: OVER 1\nS: 503 none\nS: 224 rows\nS: ..x\ts\nS: .\n");
    const [row] = await nntp.over(1).toArray();
    expect(row?.raw?.toString()).toBe(".x\ts");
  });

  test.each(["5-3", "a", "1-2-3", "<a b>", "", "-5", "1,2"])(
    "the range %j is refused before anything is sent",
    async (range) => {
      const { nntp, server } = await connected("");
      expect(() => nntp.over(range)).toThrow(UsageError);
      await server.done;
    },
  );

  test("many rows in flat order, and every one of them", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 50_000, low: 2 ** 40 } } });
    await nntp.connect();
    const { low, high } = await nntp.group("big");
    let next = low;
    for await (const batch of nntp.over([low, high]).batches())
      for (const { number } of batch) expect(number).toBe(next++);
    expect(next).toBe(high + 1);
  });

  test("a call made inside the loop waits while the rest is read ahead", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 20_000 } } });
    await nntp.connect();
    await nntp.group("big");
    let rows = 0;
    for await (const row of nntp.over("1-20000")) {
      if (rows++ % 5_000 === 0) expect((await nntp.stat(row.number)).number).toBe(row.number);
    }
    expect(rows).toBe(20_000);
  });

  test("past the limit of the read-ahead such a call rejects and says why; the loop goes on", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 50_000 } } }, { limits: { readAhead: 1_000_000 } });
    await nntp.connect();
    await nntp.group("big");
    let rows = 0;
    let told: Error | undefined;
    for await (const _ of nntp.over("1-50000")) {
      if (rows++ === 0)
        told = await nntp.date().then(
          () => undefined,
          (error) => error as Error,
        );
    }
    expect(told?.message).toContain("limits.readAhead");
    expect(rows).toBe(50_000);
    await nntp.date();
  });

  test("a loop that is left early leaves the client usable", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 20_000 } } });
    await nntp.connect();
    await nntp.group("big");
    for await (const row of nntp.over("1-20000")) if (row.number === 10) break;
    expect((await nntp.stat(11)).number).toBe(11);
  });

  test("a loop left with too much behind it hangs up, and says so", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 100_000 } } }, { limits: { readAhead: 1_000_000 } });
    await nntp.connect();
    await nntp.group("big");
    for await (const row of nntp.over("1-100000")) if (row.number === 10) break;
    expect(nntp.state).toBe("closed");
    await expect(nntp.stat(11)).rejects.toThrow(/closed|smaller range/);
  });

  test("a slow consumer holds the server back, and is not taken for its silence", async () => {
    const { nntp, server } = await memory(
      { groups: { big: { generate: 60_000 } } },
      { compress: false, timeouts: { command: 150 } },
    );
    await nntp.connect();
    await nntp.group("big");
    let rows = 0;
    for await (const batch of nntp.over("1-60000").batches()) {
      if (rows === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      rows += batch.length;
    }
    expect(rows).toBe(60_000);
    expect((await nntp.stat(1)).number).toBe(1);
    expect(server.connections).toBe(1);
  });

  test("an answer whose last piece filled the memory holds up nothing behind it", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 20_000 } } }, { compress: false });
    await nntp.connect();
    await nntp.group("big");
    // More than what is held before a pause is asked for, at any size.
    for (const rows of [4_000, 5_000, 6_000, 8_000]) {
      const loop = nntp.over([1, rows]).batches();
      await loop.next();
      await new Promise((resolve) => setTimeout(resolve, 30));
      let count = 0;
      for await (const batch of loop) count += batch.length;
      expect(count).toBeGreaterThan(0);
      await nntp.stat(1);
    }
  });

  test("overlapping calls share the connection", async () => {
    const { nntp, server } = await memory({ groups: { big: { generate: 1_000 } } });
    await nntp.connect();
    await nntp.group("big");
    const before = server.commandCount;
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, i) => nntp.over([i * 100 + 1, i * 100 + 100]).toArray()),
    );
    expect(all.flat().map(({ number }) => number)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(server.commandCount - before).toBe(11);
  });

  test("each() rejects with what its callback throws, and the client goes on", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 5_000 } } });
    await nntp.connect();
    await nntp.group("big");
    const boom = new Error("boom");
    await expect(
      nntp.over("1-5000").each(() => {
        throw boom;
      }),
    ).rejects.toBe(boom);
    expect((await nntp.stat(1)).number).toBe(1);
  });

  test("a connection cut in mid row rejects behind the rows that were whole", async () => {
    const { nntp, server } = await memory({ groups: { big: { generate: 5_000 } } }, { compress: false });
    await nntp.connect();
    await nntp.group("big");
    server.faults.cutOver = { row: 500 };
    const rows: number[] = [];
    const loop = async () => {
      for await (const { number } of nntp.over("1-5000")) rows.push(number);
    };
    await expect(loop()).rejects.toMatchObject({ name: "ConnectionError" });
    expect(rows).toEqual(Array.from({ length: rows.length }, (_, i) => i + 1));
    expect(rows.length).toBeGreaterThanOrEqual(498);
    expect(rows.length).toBeLessThanOrEqual(500);
  });
});

describe("each()", () => {
  test("a promise of the callback holds the server back, and all is waited for", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 60_000 } } }, { compress: false });
    await nntp.connect();
    await nntp.group("big");
    let busy = 0;
    let most = 0;
    let rows = 0;
    await nntp.over("1-60000").each(async (batch) => {
      most = Math.max(most, ++busy);
      await new Promise((resolve) => setTimeout(resolve, 1));
      rows += batch.length;
      busy--;
    });
    expect([rows, busy]).toEqual([60_000, 0]);
    expect((await nntp.stat(1)).number).toBe(1);
    // What came in one piece with the row that asked for the pause comes still.
    expect(most).toBeLessThan(4);
  });

  test("rejects with what the callback's promise rejects with, and the client goes on", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 5_000 } } });
    await nntp.connect();
    await nntp.group("big");
    const boom = new Error("boom");
    await expect(nntp.over("1-5000").each(() => Promise.reject(boom))).rejects.toBe(boom);
    expect((await nntp.stat(1)).number).toBe(1);
  });
});
