/** Each fault of the in-memory NNTP server, in raw lines. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type NntpFaults, NntpServer } from "../../src/testing/index.js";
import { quiet, RawLines } from "./raw-lines.js";

let server: NntpServer;
let raw: RawLines;

const open = () => RawLines.open(server.port).play("S: 200 …\nC: GROUP alt.test\nS: 211 …");

beforeEach(async () => {
  server = await NntpServer.start({
    groups: { "alt.test": { generate: 3000 } },
    users: { alice: "secret" },
    requireLogin: "never",
  });
  raw = await open();
});
afterEach(async () => {
  raw.close();
  await server.close();
});

const fault = (faults: NntpFaults) => Object.assign(server.faults, faults);

describe("replies as bytes", () => {
  test("replyDelay, for each of the pipelined replies", async () => {
    fault({ replyDelay: 30 });
    const started = performance.now();
    await raw.play("C: DATE\nC: DATE\nS: 111 …\nS: 111 …");
    expect(performance.now() - started).toBeGreaterThan(55);
  });

  test("byteByByte, also of overviews", async () => {
    fault({ byteByByte: true });
    raw.segments = [];
    await raw.play("C: STAT 1\nC: STAT 2\nS: 223 1 …\nS: 223 2 …");
    expect(await raw.list("OVER 1-3")).toHaveLength(3);
    expect(raw.segments.every((segment) => segment.length === 1)).toBe(true);
  });

  test("closeAtByte cuts there, once", async () => {
    fault({ closeAtByte: server.replyBytes + 30 });
    raw.write("STAT 1\r\nSTAT 1\r\n");
    expect(await raw.rest()).toBe("223 1 <1.1@alt.test.example>\r\n");
    expect(server.faults.closeAtByte).toBeUndefined();
    raw = await open();
    fault({ closeAtByte: server.replyBytes + 100_000 });
    raw.write("OVER 1-3000\r\n");
    expect((await raw.rest()).length).toBe(100_000);
    raw = await open();
    fault({ closeAtByte: 0 });
    await raw.play("C: DATE\nS: 111 …"); // that byte has passed
  });

  test("closeAtByte 0 of a new server: not even a greeting", async () => {
    await using other = await NntpServer.start({ faults: { closeAtByte: 0 } });
    expect(await RawLines.open(other.port).line()).toBe("");
  });

  test("stallAtByte: silence from there on, and no end; other connections go on", async () => {
    fault({ stallAtByte: server.replyBytes + 1000 });
    raw.write("OVER 1-3000\r\nDATE\r\n");
    expect((await raw.bytes(1000)).length).toBe(1000);
    expect(await quiet(raw)).toBe("silence");
    expect(raw.closed).toBe(false);
    (await open()).close();
    await server.close();
  });

  test("injectAfterStartTls, in one segment with the 382", async () => {
    await using other = await NntpServer.start({
      tls: "starttls",
      faults: { injectAfterStartTls: "111 20200101000000\r\n" },
    });
    const client = await RawLines.open(other.port).play("S: 200 …");
    client.segments = [];
    await client.play("C: STARTTLS\nS: 382 …\nS: 111 20200101000000");
    expect(client.segments).toHaveLength(1);
  });
});

describe("replies", () => {
  test("silent and greetingDelay", async () => {
    fault({ silent: 1, greetingDelay: 10 });
    expect(await quiet(RawLines.open(server.port))).toBe("silence");
    (await open()).close();
  });

  test("tooManyConnections: so many times, or always", async () => {
    fault({ tooManyConnections: 1 });
    await RawLines.open(server.port).play("S: 502 Too many connections, try again later\nS: ");
    (await open()).close();
  });

  test("tooManyLogins: 481 to the right password", async () => {
    fault({ tooManyLogins: 1 });
    const login = "C: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 381 …\n";
    await raw.play(`${login}S: 481 Too many connections for your user\n${login}S: 281 …`);
  });

  test("goingAwayAfter that many commands: 400 and the end", async () => {
    fault({ goingAwayAfter: 2 });
    await raw.play("C: DATE\nC: DATE\nC: DATE\nS: 111 …\nS: 400 Going away, come back later\nS: ");
  });

  test("loginAgainAfter that many commands: 480 until a login, once", async () => {
    await raw.play("C: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 381 …\nS: 281 …");
    fault({ loginAgainAfter: 4 });
    await raw.play(`
      C: STAT 1
      C: STAT 2
      C: STAT 3
      S: 223 1 …
      S: 480 Authentication required
      S: 480 Authentication required
      C: AUTHINFO USER alice
      C: AUTHINFO PASS secret
      S: 381 …
      S: 281 …
      C: STAT 2
      S: 223 2 …
    `);
    expect(server.faults.loginAgainAfter).toBeUndefined();
  });

  test("reply: always, or a number of times, and the command is not done", async () => {
    fault({ reply: { STAT: "503 odd", OVER: { reply: "224 x\r\nrow\r\n.", times: 1 }, "LIST ACTIVE": "503 no" } });
    await raw.play(`
      C: STAT 7
      S: 503 odd
      C: OVER 1
      S: 224 x
      S: row
      S: .
      C: LIST ACTIVE
      S: 503 no
      C: LIST MOTD
      S: 215 …
      S: This is a server for tests.
      S: .
    `);
    expect(await raw.list("OVER 1-2")).toHaveLength(2);
    server.clearFaults();
    await raw.play("C: STAT\nS: 223 1 …");
  });

  test("hang", async () => {
    fault({ hang: "OVER" });
    raw.write("DATE\r\nOVER 1\r\nDATE\r\n");
    await raw.play("S: 111 …");
    expect(await quiet(raw)).toBe("silence");
    await server.close();
  });

  test("closeBeforeCommand: not done; closeAfterCommand: answered", async () => {
    fault({ closeBeforeCommand: { command: "STAT" } });
    await raw.play("C: DATE\nC: STAT\nS: 111 …\nS: ");
    raw = await open();
    fault({ closeAfterCommand: { command: "over" } });
    await raw.play("C: OVER 1\nC: DATE\nS: 224 …\nS: 1\t…\nS: .\nS: ");
    (await open()).close();
  });

  const article = "From: a@b\r\nNewsgroups: alt.test\r\nSubject: s\r\nMessage-ID: <p@b>\r\n\r\nx\r\n.\r\n";

  test("loseReply of POST: the article is stored, its 240 never comes", async () => {
    fault({ loseReply: { command: "POST" } });
    await raw.play("C: POST\nS: 340 …");
    raw.write(article);
    expect(await raw.rest()).toBe("");
    expect(server.groups.get("alt.test").article(3001)?.messageId).toBe("<p@b>");
    raw = await open();
    await raw.play("C: POST\nS: 340 …");
    raw.write(article);
    await raw.play("S: 441 Duplicate message-id");
  });
});

test("cannotStore: for now; 441, 436, 431, 400", async () => {
  const article = "C: From: a@b\nC: Newsgroups: alt.test\nC: Subject: s\nC: \nC: x\nC: .\n";
  fault({ cannotStore: 4 });
  await raw.play(`
    C: POST
    S: 340 …
    ${article}
    S: 441 Cannot store it now, try again later
    C: IHAVE <a@b>
    S: 335 …
    ${article}
    S: 436 Cannot store it now, try again later
    C: CHECK <a@b>
    S: 431 <a@b>
    C: TAKETHIS <a@b>
    ${article}
    S: 400 Cannot store it now, try again later
    S: 
  `);
  raw = await open();
  await raw.play(`C: CHECK <a@b>\nS: 238 <a@b>\nC: POST\nS: 340 …\n${article}\nS: 240 …`);
});

describe("overviews", () => {
  test("cutOver: in the middle of a row of the n-th OVER", async () => {
    fault({ cutOver: { row: 3, bytes: 5, over: 2 } });
    expect(await raw.list("OVER 1-5")).toHaveLength(5);
    raw.write("OVER 11-15\r\nDATE\r\n");
    const lines = (await raw.rest()).split("\r\n");
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatch(/^12\t/);
    expect(lines[3]).toBe("13\tHo".slice(0, 3) + (server.groups.get("alt.test").row(13) ?? "").slice(3, 5));
    raw = await open();
    expect(await raw.list("OVER 1-5")).toHaveLength(5);
  });

  test("cutOver under DEFLATE: what came can be inflated", async () => {
    await raw.play("C: COMPRESS DEFLATE\nS: 206 …");
    raw.deflate();
    fault({ cutOver: { row: 1000 } });
    raw.write("OVER 1-3000\r\n");
    const lines = (await raw.rest()).split("\r\n");
    // How much of the last block an inflater gives differs between zlib's versions.
    expect(lines.length).toBeGreaterThan(900);
    expect(lines.length).toBeLessThanOrEqual(1001);
    for (const [i, line] of lines.slice(1, -1).entries()) expect(line.startsWith(`${i + 1}\t`)).toBe(true);
  });

  test("emptyOver: 224 and no row", async () => {
    fault({ emptyOver: 1 });
    await raw.play("C: OVER 1-100\nS: 224 …\nS: .");
    expect(await raw.list("XOVER 1-100")).toHaveLength(100);
  });

  test("overviewFormat lies; the rows stay as they are", async () => {
    fault({ overviewFormat: ["Date:", "From:", "Subject:"] });
    const [row] = await raw.list("OVER 1");
    expect(await raw.list("LIST OVERVIEW.FMT")).toEqual(["Date:", "From:", "Subject:"]);
    expect(row).toBe(server.groups.get("alt.test").row(1));
  });

  test("rowsOutside: as many below and above as there are", async () => {
    fault({ rowsOutside: 2 });
    const numbers = (rows: string[]) => rows.map((row) => Number(row.split("\t")[0]));
    expect(numbers(await raw.list("OVER 10-11"))).toEqual([8, 9, 10, 11, 12, 13]);
    expect(numbers(await raw.list("OVER 1-2"))).toEqual([1, 2, 3, 4]);
  });

  const row = (number: number) => server.groups.get("alt.test").row(number) as string;
  const fields = (number: number) => row(number).split("\t");

  test("rows: duplicate, fewFields, manyFields, shortTail", async () => {
    fault({ rows: { duplicate: 2 } });
    expect(await raw.list("OVER 1-3")).toEqual([row(1), row(2), row(2), row(3)]);
    fault({ rows: { fewFields: 3 } });
    expect(await raw.list("OVER 1-3")).toEqual([row(1), row(2), fields(3).slice(0, 3).join("\t")]);
    fault({ rows: { manyFields: 1 } });
    expect(await raw.list("OVER 2")).toEqual([`${row(2)}\tone\ttwo\tthree`]);
    fault({ rows: { shortTail: 1 } });
    expect(await raw.list("OVER 1")).toEqual([fields(1).slice(0, 5).join("\t")]);
  });

  test("rows: badNumber and badCounts", async () => {
    fault({ rows: { badNumber: 2 } });
    const numbers = (await raw.list("OVER 1-8")).map((line) => line.split("\t")[0]);
    expect(numbers).toEqual(["1", "12x", "3", "", "5", "-7", "7", "99999999999999999999"]);
    fault({ rows: { badCounts: 1 } });
    expect((await raw.list("OVER 1"))[0]?.split("\t").slice(6, 8)).toEqual(["many", "-"]);
  });

  test("rows: rubbish, nul, bareCr, bareLf, all in one", async () => {
    fault({ rows: { rubbish: 1 } });
    expect((await raw.list("OVER 1"))[0]).toContain("\t\x80\xff\xfe ");
    fault({ rows: { nul: 1 } });
    expect((await raw.list("OVER 1"))[0]).toContain("1\t\0");
    fault({ rows: { bareCr: 1 } });
    expect((await raw.list("OVER 1"))[0]).toContain("1\t\r");
    fault({ rows: { bareLf: 1 } });
    expect((await raw.list("OVER 1"))[0]).toContain("1\tbare\n");
    fault({ rows: { nul: 0 } });
    expect(await raw.list("OVER 1")).toEqual([row(1)]);
  });

  test("lateArticles: missing while they are listed, there afterwards", async () => {
    fault({ lateArticles: [2, 2500] });
    expect(await raw.list("OVER 1-3")).toHaveLength(2);
    expect(await raw.list("OVER 2400-2600")).toHaveLength(200);
    await raw.play("C: STAT 2\nS: 423 …\nC: STAT <2.1@alt.test.example>\nS: 430 …\nC: OVER 2\nS: 423 …");
    fault({ lateArticles: (number, group) => group === "alt.test" && number > 2990 });
    expect(await raw.list("OVER 2000-3000")).toHaveLength(991);
    server.clearFaults();
    expect(await raw.list("OVER 2000-3000")).toHaveLength(1001);
    await raw.play("C: STAT 2\nS: 223 2 …");
  });
});
