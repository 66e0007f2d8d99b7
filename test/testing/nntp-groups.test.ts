/** Groups of the in-memory NNTP server: generated ones of any size, and what a test may do to them while the server runs. */
import { describe, expect, test } from "vitest";
import { type NntpGroupInput, NntpServer } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

async function start(groups: Record<string, NntpGroupInput>) {
  const server = await NntpServer.start({ groups, now: () => new Date("2026-02-03T10:11:12Z") });
  const raw = await RawLines.open(server.port).play("S: 200 …");
  return { server, raw, [Symbol.asyncDispose]: () => server.close() };
}

/** The overview row that an article, as it is sent, should have. */
function rowOf(number: number, lines: string[]): string {
  const end = lines.indexOf("");
  const header = (name: string) =>
    lines
      .slice(0, end)
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const bytes = lines.reduce((sum, line) => sum + line.length + 2, 0);
  const fields = ["Subject", "From", "Date", "Message-ID", "References"].map((name) => header(name) ?? "");
  return [number, ...fields, bytes, lines.length - end - 1, `Xref: ${header("Xref")}`].join("\t");
}

const MIXED = { encoded: 0.2, eightBit: 0.2, oddDates: 0.3, gaps: 0.1 };

describe("generated groups", () => {
  test.each<[string, NntpGroupInput & { generate: number }, number[]]>([
    ["from 1", { generate: 3000 }, [1, 9, 10, 99, 100, 998, 999, 1000, 1001, 1999, 2000, 3000]],
    ["from the middle of a block", { generate: 2000, low: 777 }, [777, 999, 1000, 2776]],
    ["around a new digit", { generate: 20_000, low: 90_000 }, [90_000, 99_998, 99_999, 100_000, 100_001, 109_999]],
    [
      "beyond 32 bits",
      { generate: 5000, low: 4_294_966_000 },
      [4_294_966_000, 4_294_967_295, 4_294_967_296, 4_294_970_999],
    ],
    ["near 2^53", { generate: 2000, low: 9_007_199_254_738_000 }, [9_007_199_254_738_000, 9_007_199_254_739_999]],
    ["of every kind", { generate: 3000, ...MIXED }, Array.from({ length: 60 }, (_, index) => 970 + index)],
  ])("an article and its row agree, %s", async (_name, group, numbers) => {
    await using all = await start({ "alt.big": group });
    const first = group.low ?? 1;
    await all.raw.play(
      `C: GROUP alt.big\nS: 211 ${all.server.groups.get("alt.big").count} ${first} ${first + group.generate - 1} alt.big`,
    );
    for (const number of numbers) {
      if (!all.server.groups.get("alt.big").has(number)) {
        await all.raw.play(`C: OVER ${number}\nS: 423 …\nC: ARTICLE ${number}\nS: 423 …`);
        continue;
      }
      const [row = ""] = await all.raw.list(`OVER ${number}`);
      expect(row).toBe(rowOf(number, await all.raw.list(`ARTICLE ${number}`)));
      const id = row.split("\t")[4];
      expect(await all.raw.ask(`STAT ${id}`)).toBe(`223 0 ${id}`);
      expect((await all.raw.list(`HDR :bytes ${number}`))[0]).toBe(`${number} ${row.split("\t")[6]}`);
    }
  });

  test("a long OVER is its single rows, one behind the other", async () => {
    await using all = await start({ "alt.big": { generate: 12_000, low: 500, ...MIXED } });
    await all.raw.play("C: GROUP alt.big\nS: 211 …");
    const group = all.server.groups.get("alt.big");
    const rows = await all.raw.list("OVER 500-12499");
    expect(rows).toHaveLength(group.count);
    expect(rows).toEqual([...group.numbers()].map((number) => group.row(number)));
    expect(await all.raw.list("OVER 9995-10003")).toEqual(rows.filter((row) => /^(999[5-9]|1000[0-3])\t/.test(row)));
    expect(await all.raw.list("LISTGROUP")).toEqual(rows.map((row) => row.split("\t")[0]));
  });

  test("the same seed gives the same articles, another seed others", async () => {
    const groups = { a: { generate: 2000 }, b: { generate: 2000 }, c: { generate: 2000, seed: 2 } };
    await using one = await start(groups);
    await using two = await start(groups);
    const row = (all: typeof one, name: string) => all.server.groups.get(name).row(1500)?.replaceAll(name, "");
    expect(row(one, "a")).toBe(row(two, "a"));
    expect(row(one, "c")).not.toBe(row(one, "a"));
  });

  test("threads: references name articles that are there, oldest first, and the subject is the same", async () => {
    await using all = await start({ "alt.big": { generate: 3000, gaps: 0.1 } });
    const group = all.server.groups.get("alt.big");
    const articles = [...group.numbers()].map((number) => group.article(number));
    const replies = articles.filter((article) => article?.header("references"));
    expect(replies.length).toBeGreaterThan(articles.length / 3);
    for (const reply of replies) {
      const ids = reply?.header("references")?.split(" ") ?? [];
      const above = all.server.groups.find(ids.at(-1) ?? "");
      expect((above?.header("references") ?? "").split(" ").filter(Boolean)).toEqual(ids.slice(0, -1));
      expect(reply?.header("subject")).toBe(`Re: ${above?.header("subject")?.replace(/^Re: /, "")}`);
    }
    await using flat = await start({ "alt.flat": { generate: 100, replies: 0 } });
    expect(
      [...flat.server.groups.get("alt.flat").numbers()].some((number) =>
        flat.server.groups.get("alt.flat").article(number)?.header("references"),
      ),
    ).toBe(false);
  });

  test("shares: RFC 2047 words, raw 8-bit in UTF-8 and windows-1252, odd dates, gaps", async () => {
    await using all = await start({ "alt.big": { generate: 10_000, ...MIXED } });
    const group = all.server.groups.get("alt.big");
    const rows = [...group.numbers()].map((number) => group.row(number) ?? "");
    const share = (pattern: RegExp) => rows.filter((row) => pattern.test(row)).length / rows.length;
    expect(group.count).toBe(rows.length);
    expect(rows.length / 10_000).toBeCloseTo(0.9, 1);
    expect(share(/\t(Re: )?=\?UTF-8\?B\?[^\t]*\t=\?UTF-8/)).toBeCloseTo(0.2, 1);
    expect(share(/\xc3\xa9/)).toBeCloseTo(0.1, 1);
    expect(share(/ \xe9\xfc/)).toBeCloseTo(0.1, 1);
    expect(share(/\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\t/)).toBeCloseTo(0.7, 1);
    expect(rows.some((row) => /\t\d\d \w{3} \d\d \d\d\.\d\d\.\d\d MET\t/.test(row))).toBe(true);
    expect(rows.some((row) => row.includes("\tyesterday at noon\t"))).toBe(true);
  });

  test("the date goes on by an hour every thousand numbers, from where it was told", async () => {
    await using all = await start({ "alt.big": { generate: 100_000, begins: new Date("1999-12-31T23:00:00Z") } });
    await all.raw.play("C: GROUP alt.big\nS: 211 …");
    expect(await all.raw.list("HDR Date 1000-1001")).toEqual([
      "1000 Sat, 01 Jan 2000 00:00:00 +0000",
      "1001 Sat, 01 Jan 2000 00:00:03 +0000",
    ]);
    const rows = await all.raw.list("OVER 999-25000");
    expect(rows.at(0)).toContain("\tFri, 31 Dec 1999 23:59:56 +0000\t");
    expect(rows.at(-1)).toContain("\tSun, 02 Jan 2000 00:00:00 +0000\t");
    const late = await all.raw.list("NEWNEWS alt.* 20000105 020000");
    expect(late[0]).toBe("<99000.1@alt.big.example>");
    expect(late).toHaveLength(1001);
  });

  test("ten million rows: two OVERs at a time, memory stays flat, a slow reader holds the server back", async () => {
    await using all = await start({ "alt.big": { generate: 10_000_000 } });
    const before = process.memoryUsage().rss;
    let sum = 0;
    let ends = 0;
    const read = async (range: string) => {
      const raw = await RawLines.open(all.server.port).play("S: 200 …\nC: GROUP alt.big\nS: 211 …");
      raw.socket.removeAllListeners("data");
      await new Promise<void>((done) => {
        let tail = "";
        raw.socket.on("data", (chunk: Buffer) => {
          sum += chunk.length;
          tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 5))).slice(-5);
          if (tail === "\r\n.\r\n") done();
        });
        raw.write(`OVER ${range}\r\n`);
      });
      ends += 1;
      raw.close();
    };
    const slow = await RawLines.open(all.server.port).play("S: 200 …\nC: GROUP alt.big\nS: 211 …");
    slow.socket.pause();
    slow.write("OVER 1-10000000\r\n");
    await Promise.all([read("1000-400000"), read("9700001-10000000")]);
    expect(ends).toBe(2);
    expect(sum).toBeGreaterThan(700_000 * 200);
    expect(all.server.replyBytes - sum).toBeLessThan(64_000_000); // what the slow one's buffers took
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    slow.close();
  });
});

describe("changes while the server runs", () => {
  test("cancel, post, expire and renumber in a generated group", async () => {
    await using all = await start({ "alt.big": { generate: 5000 } });
    const group = all.server.groups.get("alt.big");
    const old = group.messageId(2500);
    group.cancel(2000);
    group.cancel(2000);
    all.server.groups.cancel(group.messageId(3000) ?? "");
    expect(group.add({ subject: "new" })).toBe(5001);
    await all.raw.play("C: GROUP alt.big\nS: 211 4999 1 5001 alt.big\nC: OVER 2000\nS: 423 …\nC: STAT 3000\nS: 423 …");
    expect((await all.raw.list("OVER 1990-3010")).length).toBe(1019);
    expect((await all.raw.list("OVER 4999-"))[2]).toMatch(/^5001\tnew\t/);
    group.expire(2400);
    await all.raw.play("C: GROUP alt.big\nS: 211 2601 2400 5001 alt.big\nC: STAT 2399\nS: 423 …");
    group.renumber(1);
    await all.raw.play(`C: GROUP alt.big\nS: 211 2601 1 2602 alt.big\nC: STAT 101\nS: 223 101 ${old}`);
    await all.raw.play("C: STAT 601\nS: 423 …\nC: STAT 2602\nS: 223 2602 <1@news.example>");
    const rows = await all.raw.list("OVER 1-");
    expect(rows).toHaveLength(2601);
    expect(rows[100]).toBe(group.row(101));
    expect(rows[100]).toMatch(/Xref: news\.example alt\.big:101$/);
    expect(await all.raw.ask(`STAT ${old}`)).toBe(`223 0 ${old}`);
  });

  test("the same in a group of articles that were added", async () => {
    await using all = await start({ a: { articles: [{}, {}, {}, {}], low: 10 } });
    const group = all.server.groups.get("a");
    expect([group.low, group.high, group.count]).toEqual([10, 13, 4]);
    group.cancel(11);
    group.expire(11);
    expect([...group.numbers()]).toEqual([12, 13]);
    group.renumber(100);
    expect([group.low, group.high, group.count, [...group.numbers()]]).toEqual([100, 102, 2, [101, 102]]);
    expect(group.article(102)?.header("xref")).toBe("news.example a:102");
    group.expire(1000);
    expect([group.low, group.high, group.count]).toEqual([1000, 999, 0]);
    expect(group.add("From: a@b\nMessage-ID: <r@b>\n\nraw\n")).toBe(1000);
    expect(group.article(1000)?.body).toBe("raw\r\n");
  });

  test("groups come and go", async () => {
    await using all = await start({ a: { articles: [{ messageId: "<1@a>" }] } });
    all.server.groups.post({ newsgroups: ["a"], messageId: "<2@a>" });
    all.server.groups.add("b", { articles: [{ subject: "x" }] });
    await all.raw.play("C: NEWGROUPS 20260203 000000\nS: 231 …\nS: b 1 1 y\nS: .");
    all.server.groups.delete("a");
    expect(all.server.groups.has("a")).toBe(false);
    await all.raw.play("C: GROUP a\nS: 411 …\nC: STAT <1@a>\nS: 430 …\nC: STAT <2@a>\nS: 430 …");
    expect([...all.server.groups].map(({ name }) => name)).toEqual(["b"]);
  });

  test("mistakes of the test are errors", async () => {
    await using all = await start({ a: { articles: [{ messageId: "<1@a>" }] } });
    const { groups } = all.server;
    expect(() => groups.get("b")).toThrow("no group b");
    expect(() => groups.add("a")).toThrow("there is a group a");
    expect(() => groups.add("a b")).toThrow("not a group's name");
    expect(() => groups.get("a").add({ messageId: "<1@a>" })).toThrow("there is an article <1@a>");
    expect(() => groups.get("a").add({ messageId: "1@a" })).toThrow("not a message-id");
    expect(() => groups.post({ newsgroups: "b" })).toThrow("none of its groups is here");
    await expect(NntpServer.start({ groups: { "a,b": {} } })).rejects.toThrow("not a group's name");
    expect(() => groups.add("b", { generate: 10, low: 0 })).toThrow("article numbers from 0 to 9");
    expect(() => groups.add("b", { generate: 10, low: Number.MAX_SAFE_INTEGER })).toThrow("article numbers");
    expect(() => groups.add("b", { generate: 1e12 })).toThrow("past the year 9999");
  });
});
