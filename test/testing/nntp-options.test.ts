/** The options of the in-memory NNTP server: old servers, other servers, limits. */
import { expect, test } from "vitest";
import { type NntpFeatures, NntpServer, type NntpServerOptions } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

const groups = { "comp.test": { articles: [{ subject: "one" }, { subject: "two" }] }, "comp.empty": {} };

async function start(options: NntpServerOptions) {
  const server = await NntpServer.start({ groups, ...options });
  const raw = RawLines.open(server.port);
  expect(await raw.line()).toMatch(/^20[01] /);
  return { server, raw, [Symbol.asyncDispose]: () => server.close() };
}

test.each<[keyof NntpFeatures, string]>([
  ["capabilities", "CAPABILITIES"],
  ["over", "OVER 1"],
  ["xover", "XOVER 1"],
  ["hdr", "HDR Subject 1"],
  ["xhdr", "XHDR Subject 1"],
  ["xpat", "XPAT Subject 1 *"],
  ["listgroup", "LISTGROUP"],
  ["newgroups", "NEWGROUPS 20260101 000000"],
  ["newnews", "NEWNEWS * 20260101 000000"],
  ["date", "DATE"],
  ["ihave", "IHAVE <a@b>"],
  ["streaming", "CHECK <a@b>"],
  ["compress", "COMPRESS DEFLATE"],
])("without %s, %s is 500", async (feature, line) => {
  await using all = await start({ features: { [feature]: false } });
  await all.raw.play(`C: GROUP comp.test\nS: 211 …\nC: ${line}\nS: 500 What?`);
});

test("what is switched off is not announced", async () => {
  const off = { over: false, hdr: false, xpat: false, newnews: false, ihave: false, streaming: false, compress: false };
  await using all = await start({ features: { ...off, post: false, lists: ["ACTIVE"] } });
  expect(await all.raw.list("CAPABILITIES")).toEqual([
    "VERSION 2",
    "IMPLEMENTATION polywire test server",
    "READER",
    "LIST ACTIVE",
  ]);
});

test("overById: false: OVER without MSGID, a message-id is 503", async () => {
  await using all = await start({ features: { overById: false } });
  expect(await all.raw.list("CAPABILITIES")).toContain("OVER");
  await all.raw.play("C: OVER <1@news.example>\nS: 503 …");
});

test("listgroupRange: false: a range is 501", async () => {
  await using all = await start({ features: { listgroupRange: false } });
  await all.raw.play("C: LISTGROUP comp.test 1-\nS: 501 …");
  expect(await all.raw.list("LISTGROUP comp.test")).toEqual(["1", "2"]);
});

test("lists: others are 501", async () => {
  await using all = await start({ features: { lists: ["ACTIVE"] } });
  await all.raw.play("C: LIST OVERVIEW.FMT\nS: 501 …");
});

test("post: false: 201 and 440", async () => {
  await using server = await NntpServer.start({ groups, features: { post: false } });
  const raw = RawLines.open(server.port);
  await raw.play("S: 201 …\nC: MODE READER\nS: 201 …\nC: POST\nS: 440 Posting not permitted");
});

test("modeSwitching: nothing to read before MODE READER", async () => {
  await using all = await start({ features: { modeSwitching: true } });
  const before = await all.raw.list("CAPABILITIES");
  expect(before).toContain("MODE-READER");
  expect(before).not.toContain("READER");
  await all.raw.play("C: GROUP comp.test\nS: 401 MODE-READER\nC: MODE READER\nS: 200 …\nC: GROUP comp.test\nS: 211 …");
  const after = await all.raw.list("CAPABILITIES");
  expect(after).toContain("READER");
  expect(after).not.toContain("MODE-READER");
});

test("modeReader: false: 501", async () => {
  await using all = await start({ features: { modeReader: false } });
  await all.raw.play("C: MODE READER\nS: 501 …");
});

test.each([
  ["standard", "423 …", "420 …"],
  ["420", "420 …", "420 …"],
  ["423", "423 …", "423 …"],
  ["224", "224 …\nS: .", "224 …\nS: ."],
] as const)("emptyRange %s: OVER %s, XOVER %s", async (emptyRange, over, xover) => {
  await using all = await start({ features: { emptyRange } });
  await all.raw.play(`C: GROUP comp.test\nS: 211 …\nC: OVER 3-9\nS: ${over}\nC: XOVER 3-9\nS: ${xover}`);
});

test("emptyGroup: zeros", async () => {
  await using all = await start({ features: { emptyGroup: "zeros" } });
  await all.raw.play("C: GROUP comp.empty\nS: 211 0 0 0 comp.empty\nC: GROUP comp.test\nS: 211 2 1 2 comp.test");
});

test("disabled verbs are 500, in any case", async () => {
  await using all = await start({ disabled: ["stat"] });
  await all.raw.play("C: GROUP comp.test\nS: 211 …\nC: STAT\nS: 500 …");
  expect(await all.raw.list("HELP")).not.toContain("  STAT");
});

test("overview: other headers behind the seven fields", async () => {
  await using all = await start({ overview: ["Newsgroups", "X-None"] });
  await all.raw.play("C: GROUP comp.test\nS: 211 …");
  expect((await all.raw.list("LIST OVERVIEW.FMT")).slice(7)).toEqual(["Newsgroups:full", "X-None:full"]);
  expect((await all.raw.list("OVER 1"))[0]?.split("\t").slice(8)).toEqual(["Newsgroups: comp.test", ""]);
});

test("limits: connections are greeted with 502", async () => {
  await using all = await start({ limits: { connections: 1 } });
  await RawLines.open(all.server.port).play("S: 502 Too many connections, try again later\nS: ");
  expect(all.server.connections).toBe(1);
  await all.raw.play("C: QUIT\nS: 205 …\nS: ");
  await RawLines.open(all.server.port).play("S: 200 …");
});

test("limits: logins are 481", async () => {
  await using all = await start({ users: { a: "b" }, limits: { logins: 1 } });
  const login = "C: AUTHINFO USER a\nC: AUTHINFO PASS b\nS: 381 …\n";
  await all.raw.play(`${login}S: 281 …`);
  const second = await RawLines.open(all.server.port).play(`S: 200 …\n${login}S: 481 Too many connections …`);
  await all.raw.play("C: QUIT\nS: 205 …\nS: ");
  await second.play(`${login}S: 281 …`);
});

test("limits: articleBytes", async () => {
  await using all = await start({ limits: { articleBytes: 1000 } });
  await all.raw.play("C: POST\nS: 340 …");
  all.raw.write(`From: a@b\r\nNewsgroups: comp.test\r\nSubject: s\r\n\r\n${"x\r\n".repeat(400)}.\r\n`);
  await all.raw.play("S: 441 Article too big");
});

test("greeting, hostname, motd, logLimit, onCommand", async () => {
  const heard: string[] = [];
  const onCommand = (line: string) => void heard.push(line);
  await using server = await NntpServer.start({
    greeting: "hi",
    hostname: "h.example",
    motd: ["é"],
    logLimit: 4,
    onCommand,
  });
  const raw = await RawLines.open(server.port).play("S: 200 hi\nC: LIST MOTD\nS: 215 …\nS: \xc3\xa9\nS: .");
  await raw.play("C: DATE\nC: DATE\nC: DATE\nC: STAT\nS: 111 …\nS: 111 …\nS: 111 …\nS: 412 …");
  expect(server.commands).toEqual(["DATE", "DATE", "STAT"]);
  expect(server.commandCount).toBe(5);
  expect(heard).toHaveLength(5);
});

test("urls: with a login, a group, and security=plain where there is no TLS", async () => {
  await using plain = await NntpServer.start();
  expect(plain.url).toBe(`nntp://127.0.0.1:${plain.port}`);
  expect(plain.urlOf()).toBe(`${plain.url}?security=plain`);
  expect(plain.urlOf("a.b+c")).toBe(`${plain.url}/a.b%2Bc?security=plain`);
  await using tls = await NntpServer.start({ tls: "starttls", users: { "a b": "c@d" } });
  expect(tls.urlOf("x.y")).toBe(`nntp://a%20b:c%40d@127.0.0.1:${tls.port}/x.y`);
});

test("dropConnections cuts, and the server goes on; close leaves nothing, twice", async () => {
  await using all = await start({});
  all.server.dropConnections();
  await all.raw.hungUp();
  expect(all.server.connections).toBe(0);
  const raw = await RawLines.open(all.server.port).play("S: 200 …");
  await all.server.close();
  await all.server.close();
  await raw.hungUp();
});
