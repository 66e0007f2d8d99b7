/** Searching, marking, copying, moving, removing and adding messages. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { ReplyError, SinkError, UsageError } from "../../src/client/errors.js";
import { ImapClient } from "../../src/imap/client.js";
import type { SearchQuery } from "../../src/imap/search.js";
import { failure } from "../net/loopback.js";
import { ALICE, course, inbox, QUICK, ready } from "./dialogue.js";

describe("search", () => {
  test.each([
    [{}, "ALL"],
    [{ seen: false, flagged: true }, "UNSEEN FLAGGED"],
    [{ keyword: ["$Work", "\\Seen"], unkeyword: "\\Draft" }, "KEYWORD $Work SEEN UNDRAFT"],
    [{ from: 'a "b"', subject: "" }, 'FROM "a \\"b\\"" SUBJECT ""'],
    [{ header: { "X-A": true, List: "x" } }, 'HEADER X-A "" HEADER List "x"'],
    [
      { since: new Date(Date.UTC(2026, 6, 7)), sentBefore: new Date(Date.UTC(2026, 0, 31)) },
      "SINCE 7-Jul-2026 SENTBEFORE 31-Jan-2026",
    ],
    [{ larger: 1000, younger: 60, modseq: 9 }, "LARGER 1000 YOUNGER 60 MODSEQ 9"],
    [{ uid: [3, 1, 2], numbers: "5:*" }, "UID 1:3 5:*"],
    [{ not: { seen: true } }, "NOT (SEEN)"],
    [{ not: [{ from: "a" }, { to: "b" }] }, 'NOT (FROM "a") NOT (TO "b")'],
    [{ or: [{ from: "a" }, { to: "a" }, { cc: "a", seen: true }] }, 'OR (FROM "a") OR (TO "a") (CC "a" SEEN)'],
    ["OR SEEN DRAFT", "OR SEEN DRAFT"],
  ] as [SearchQuery | string, string][])("%j is %s", async (query, words) => {
    const { imap, server } = await inbox(`C: A3 UID SEARCH ${words}\nS: * SEARCH 3 1 2\nS: A3 OK\n`);
    expect(await imap.search(query)).toEqual([3, 1, 2]);
    await server.done;
  });

  test("text that is not ASCII is a literal of UTF-8, and says so", async () => {
    const script = `C: A3 UID SEARCH CHARSET UTF-8 SUBJECT {2+}\nC~ ${Buffer.from("ü\r\n").toString("base64")}\nS: * SEARCH\nS: A3 OK\n`;
    const { imap, server } = await inbox(script, ["LITERAL+"]);
    expect(await imap.search({ subject: "ü" })).toEqual([]);
    await server.done;
  });

  test("several at once are told apart by ESEARCH", async () => {
    const script =
      'C: A3 UID SEARCH RETURN (ALL) SEEN\nC: A4 UID SEARCH RETURN (ALL) UNSEEN\nS: * ESEARCH (TAG "A4") UID ALL 4:5,9\nS: * ESEARCH (TAG "A3") UID\nS: A4 OK\nS: A3 OK\n';
    const { imap, server, transcript } = await inbox(script, ["ESEARCH"]);
    expect(await Promise.all([imap.search({ seen: true }), imap.search({ seen: false })])).toEqual([[], [4, 5, 9]]);
    await server.done;
    expect(course(transcript)).toEqual(["C A3", "C A4", "S A4", "S A3"]);
  });

  test("… or go one behind the other", async () => {
    const script =
      "C: A3 UID SEARCH SEEN\nS: * SEARCH 1\nS: A3 OK\nC: A4 SEARCH UNSEEN\nS: * SEARCH 2 (MODSEQ 8)\nS: A4 OK\n";
    const { imap, transcript } = await inbox(script);
    const all = [imap.search({ seen: true }), imap.search({ seen: false }, { by: "number" })];
    expect(await Promise.all(all)).toEqual([[1], [2]]);
    expect(course(transcript)).toEqual(["C A3", "S A3", "C A4", "S A4"]);
  });

  test.each([
    { from: "a\0" },
    { header: { "a b": "x" } },
    { keyword: "a b" },
    { larger: -1 },
    { nonsense: 1 },
    { or: [] },
    "",
    'SUBJECT "a"\r\nA9 LOGOUT',
    "SUBJECT {3}",
  ])("%j is none", async (query) => {
    const { imap, server } = await inbox("");
    expect(await failure(imap.search(query as string))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

describe("store", () => {
  test("gives the new flags, and the mailbox's events are not theirs", async () => {
    const script =
      "C: A3 UID STORE 1:2 +FLAGS (\\Seen $Work)\nS: * 1 FETCH (UID 1 FLAGS (\\Seen $Work))\nS: * 3 FETCH (UID 3 FLAGS ())\nS: * 2 FETCH (UID 2 FLAGS (\\Seen $Work))\nS: A3 OK\n";
    const { imap, server } = await inbox(script);
    const { messages, modified } = await imap.store("1:2", "+FLAGS", ["\\Seen", "$Work"]);
    expect(messages.map(({ uid }) => uid)).toEqual([1, 2]);
    expect(modified).toBeUndefined();
    await server.done;
  });

  test.each(["OK", "NO"])("tells with %s which messages somebody else has changed", async (status) => {
    const script = `C: A3 UID STORE 1:9 (UNCHANGEDSINCE 12) FLAGS.SILENT ()\nS: A3 ${status} [MODIFIED 7,9] some\n`;
    const { imap } = await inbox(script);
    const { modified } = await imap.store("1:9", "FLAGS.SILENT", [], { unchangedSince: 12 });
    expect([...(modified ?? [])]).toEqual([7, 9]);
  });

  test("labels of Gmail are named like mailboxes", async () => {
    const { imap, server } = await inbox('C: A3 UID STORE 1 +X-GM-LABELS (\\Inbox "a b" &APw-)\nS: A3 OK\n');
    await imap.store(1, "+X-GM-LABELS", ["\\Inbox", "a b", "ü"]);
    await server.done;
  });

  test("what is no flag and no action is not sent", async () => {
    const { imap, server } = await inbox("");
    expect(await failure(imap.store(1, "+FLAGS", ["a) b"]))).toBeInstanceOf(UsageError);
    expect(await failure(imap.store(1, "FLAGS) x" as "FLAGS", []))).toBeInstanceOf(UsageError);
    expect(await failure(imap.store([], "FLAGS", []))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

describe("thousands of scattered UIDs", () => {
  const uids = Array.from({ length: 3000 }, (_, i) => 2 * i + 1);

  test("go in several commands, and what they tell is put together", async () => {
    const script =
      "C: /^A3 UID STORE 1,3,[0-9,]+ \\+FLAGS \\(a\\)$/\nS: * 1 FETCH (UID 1 FLAGS (a))\nS: A3 OK [MODIFIED 3] some\nC: /^A4 UID STORE [0-9,]+,5999 \\+FLAGS/\nS: A4 OK [MODIFIED 5999] some\nC: /^A5 UID COPY 1,/\nS: A5 OK [COPYUID 7 1,3 11,10]\nC: /^A6 UID COPY .*5999 b$/\nS: A6 OK [COPYUID 7 5999 12]\nC: /^A7 UID EXPUNGE 1,/\nS: A7 OK\nC: /^A8 UID EXPUNGE .*5999$/\nS: A8 OK\n";
    const { imap, server } = await inbox(script);
    const { messages, modified } = await imap.store(uids, "+FLAGS", ["a"]);
    expect([messages.length, modified?.toString()]).toEqual([1, "3,5999"]);
    const copied = await imap.copy(uids, "b");
    expect([copied?.source.toString(), copied?.uids.toString()]).toEqual(["1,3,5999", "11,10,12"]);
    await imap.expunge(uids);
    await server.done;
  });

  test("… but not by number, which could change in between", async () => {
    const { imap, server } = await inbox("C: /^A3 STORE [0-9,]{10000,} FLAGS/\nS: A3 OK\n");
    await imap.store(uids, "FLAGS", [], { by: "number" });
    await server.done;
  });
});

test("messages are named by UID or by number, and by nothing else", async () => {
  const { imap, server } = await inbox("");
  const by = "foo" as "uid";
  expect(() => imap.fetch(1, "FLAGS", { by })).toThrow(UsageError);
  const calls = [
    () => imap.store(1, "FLAGS", [], { by }),
    () => imap.copy(1, "box", { by }),
    () => imap.search({ all: true }, { by }),
    () => imap.sort(["date"], { all: true }, { by }),
    () => imap.thread("REFERENCES", { all: true }, { by }),
  ];
  for (const call of calls) expect(await failure(call())).toBeInstanceOf(UsageError);
  await server.done;
});

test("a call that waits for another one's answer is dropped by its signal: nothing was sent", async () => {
  const script =
    "C: A3 UID FETCH 1 (RFC822.SIZE)\nWAIT 60\nS: * 1 FETCH (UID 1 RFC822.SIZE 9)\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n";
  const { imap, server } = await inbox(script);
  const fetched = imap.fetch(1, ["RFC822.SIZE"]).toArray();
  const abort = new AbortController();
  const { signal } = abort;
  const waiting = [
    imap.store(1, "+FLAGS", ["a"], { signal }),
    imap.retrieve(1, { signal }),
    imap.retrieve(1, { signal }),
  ];
  const ended = Promise.all(waiting.map((each) => failure(each)));
  setTimeout(() => abort.abort(), 20);
  for (const error of await ended) expect(error).toMatchObject({ name: "AbortedError", clientUsable: true });
  expect((await fetched).map(({ size }) => size)).toEqual([9]);
  await imap.noop();
  await server.done;
});

describe("copy and move", () => {
  test("COPYUID comes with the OK", async () => {
    const { imap } = await inbox("C: A3 UID COPY 1:2 box\nS: A3 OK [COPYUID 38 1:2 304,306] done\n");
    const copied = await imap.copy("1:2", "box");
    expect([copied?.uidValidity, [...copied!.source], [...copied!.uids]]).toEqual([38, [1, 2], [304, 306]]);
  });

  test("… or, for a move, before it", async () => {
    const script =
      "C: A3 MOVE 1 box\nS: * OK [COPYUID 38 1 304] there\nS: * 1 EXPUNGE\nS: A3 OK done\nC: A4 UID MOVE 2 box\nS: * 1 EXPUNGE\nS: A4 OK\n";
    const { imap } = await inbox(script);
    expect(await imap.move(1, "box", { by: "number" })).toMatchObject({ uidValidity: 38 });
    expect(await imap.move(2, "box")).toBeUndefined();
    expect(imap.mailbox?.exists).toBe(1);
  });

  test("a mailbox that could be made says so", async () => {
    const { imap } = await inbox("C: A3 UID COPY 1 box\nS: A3 NO [TRYCREATE] no\n");
    expect(await failure(imap.copy(1, "box"))).toMatchObject({ enhanced: "TRYCREATE", clientUsable: true });
  });
});

test("expunge takes all, or some", async () => {
  const { imap, server } = await inbox("C: A3 EXPUNGE\nS: * 1 EXPUNGE\nS: A3 OK\nC: A4 UID EXPUNGE 7:9\nS: A4 OK\n");
  await imap.expunge();
  await imap.expunge([7, 8, 9]);
  expect(imap.mailbox?.exists).toBe(2);
  await server.done;
});

/** More than is read whole. */
const BIG = "0123456789\r\n".repeat(150_000);
const LF_BIG = "0123456789\n".repeat(150_000);

function bigFile(content: string | Buffer = LF_BIG): string {
  const work = mkdtempSync(join(tmpdir(), "polywire-imap-"));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  const path = join(work, "big.eml");
  writeFileSync(path, content);
  return path;
}

describe("append", () => {
  const b64 = (text: string) => Buffer.from(text).toString("base64");

  test("asks for leave where literals need it, and sets line ends right", async () => {
    const script = `C: A2 APPEND box (\\Seen) " 7-Jul-2026 00:00:00 +0000" {8}\nS: + go on\nC~ ${b64("a\r\nb\r\nc\n\r\n".replace("c\n", "cd"))}\nS: A2 OK [APPENDUID 38 7] in\n`;
    const { imap, server } = await ready(script);
    const options = { flags: ["\\Seen"], date: new Date(Date.UTC(2026, 6, 7)) };
    expect(await imap.append("box", { text: "a\nb\r\ncd" }, options)).toEqual({ uid: 7, uidValidity: 38 });
    await server.done;
  });

  test("… and does not ask where they do not: several go in one write", async () => {
    const script = `C: A2 APPEND box {2+}\nC~ ${b64("hi\r\n")}\nC: A3 APPEND box {2+}\nC~ ${b64("ho\r\n")}\nS: A2 OK\nS: A3 NO [OVERQUOTA] full\n`;
    const { imap, server } = await ready(script, ["LITERAL+"]);
    const all = await Promise.allSettled(["hi", "ho"].map((text) => imap.append("box", { text })));
    expect(all[0]).toEqual({ status: "fulfilled", value: { uid: undefined, uidValidity: undefined } });
    expect(all[1]).toMatchObject({ reason: { name: "ReplyError", enhanced: "OVERQUOTA" } });
    await server.done;
  });

  test("a refusal in place of the leave: nothing more is sent, and others go on", async () => {
    const script = `C: A2 APPEND box {2}\nS: A2 NO [TRYCREATE] no\nC: A3 APPEND inbox2 {2}\nS: + ok\nC~ ${b64("ho\r\n")}\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await ready(script);
    const first = failure(imap.append("box", { text: "hi" }));
    const second = imap.append("inbox2", { text: "ho" });
    const third = imap.noop();
    expect(await first).toMatchObject({ name: "ReplyError", enhanced: "TRYCREATE" });
    await Promise.all([second, third]);
    await server.done;
  });

  test("a file is streamed, however its lines end", async () => {
    const path = bigFile();
    const script = `C: A2 APPEND box {1800000}\nS: + go\nC~ ${b64(`${BIG}\r\n`)}\nS: A2 OK\nC: A3 NOOP\nS: A3 OK\n`;
    const { imap, server } = await ready(script);
    await Promise.all([imap.append("box", path), imap.noop()]);
    await server.done;
  });

  test("a stream is read first, as its size must be told", async () => {
    const { imap, server } = await ready(`C: A2 APPEND box {4+}\nC~ ${b64("a\r\nb\r\n")}\nS: A2 OK\n`, ["LITERAL+"]);
    await imap.append("box", Readable.from([Buffer.from("a\n"), Buffer.from("b")]));
    await server.done;
  });

  test("a source that cannot be read is a SinkError, and nothing is sent", async () => {
    const { imap, server } = await ready("C: A2 NOOP\nS: A2 OK\n");
    expect(await failure(imap.append("box", "/nowhere/at/all.eml"))).toBeInstanceOf(SinkError);
    await imap.noop();
    await server.done;
  });

  test("a message that is larger than the server says it takes is not sent", async () => {
    const { imap, server } = await ready("", ["APPENDLIMIT=3"]);
    expect(await failure(imap.append("box", { text: "four" }))).toBeInstanceOf(UsageError);
    await server.done;
  });

  describe("NUL in a message", () => {
    const NUL = Buffer.from("Subject: x\n\na\0b");

    test("is not sent to a server without BINARY: the error says where it stands", async () => {
      const path = bigFile(Buffer.concat([Buffer.from(LF_BIG), NUL]));
      const { imap, server } = await ready("C: A2 NOOP\nS: A2 OK\n", ["LITERAL+", "MULTIAPPEND"]);
      const messages = [{ content: { text: "one" } }, { content: NUL }];
      const errors = [
        [await failure(imap.append("box", NUL)), 13],
        [await failure(imap.append("box", Readable.from([NUL.subarray(0, 7), NUL.subarray(7)]))), 13],
        [await failure(imap.append("box", path)), LF_BIG.length + 13],
        [await failure(imap.appendAll("box", messages).toArray()), 13],
        [await failure(imap.submit(NUL, { mailbox: "box" })), 13],
      ] as const;
      for (const [error, at] of errors) {
        expect(error).toBeInstanceOf(UsageError);
        expect(error.message).toContain(`byte ${at} of a message is NUL`);
      }
      await imap.noop();
      await server.done;
    });

    test("makes it a literal8 where the server has BINARY (RFC 3516 §4.4)", async () => {
      const script = `C: A2 APPEND box ~{17+}\nC~ ${b64("Subject: x\r\n\r\na\0b\r\n")}\nS: A2 OK\n`;
      const { imap, server } = await ready(script, ["LITERAL+", "BINARY"]);
      await imap.append("box", NUL);
      await server.done;
    });
  });

  describe("headers in UTF-8", () => {
    const enabled = "C: A2 ENABLE UTF8=ACCEPT\nS: * ENABLED UTF8=ACCEPT\nS: A2 OK\n";
    const utf8 = Buffer.from("Subject: gr\u00fc\u00dfe\r\n\r\n");
    const inBody = Buffer.from("Subject: x\r\n\r\n\u00fc");
    const can = ["LITERAL+", "MULTIAPPEND", "ENABLE", "UTF8=ACCEPT"];

    test("are marked where UTF8=ACCEPT is on, and those that have none are not (RFC 6855 §4)", async () => {
      const first = `C: A3 APPEND box (\\Seen) UTF8 (~{20+}\nC~ ${utf8.toString("base64")}\nC: ) {16+}\n`;
      const script = `${enabled}${first}C~ ${inBody.toString("base64")}\nC: \nS: A3 OK\n`;
      const { imap, server } = await ready(script, [...can, "BINARY"]);
      await imap.enable(["UTF8=ACCEPT"]);
      await imap.appendAll("box", [{ content: utf8, flags: ["\\Seen"] }, { content: inBody }]).toArray();
      await server.done;
    });

    test("are asked for where nothing says that a literal8 may come unasked", async () => {
      const bytes = Buffer.concat([utf8, Buffer.from(BIG)]);
      const path = bigFile(bytes);
      const script = `${enabled}C: A3 APPEND box UTF8 (~{${bytes.length}}\nS: + go\nC~ ${bytes.toString("base64")}\nC: )\nS: A3 OK\n`;
      const { imap, server } = await ready(script, can);
      await imap.enable(["UTF8=ACCEPT"]);
      await imap.append("box", path);
      await server.done;
    });

    test("are sent as they are where it is not on", async () => {
      const { imap, server } = await ready(
        `C: A2 APPEND box {20+}\nC~ ${utf8.toString("base64")}\nC: \nS: A2 OK\n`,
        can,
      );
      await imap.append("box", utf8);
      await server.done;
    });
  });

  test("a signal ends the reading of a source: nothing was sent, and the client goes on", async () => {
    const { imap, server } = await ready("C: A2 NOOP\nS: A2 OK\n");
    const source = new Readable({ read() {} });
    source.push("Subject: x\n");
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    const error = await failure(imap.append("box", source, { signal: abort.signal }));
    expect(error).toMatchObject({ name: "AbortedError", clientUsable: true });
    expect(source.destroyed).toBe(true);
    await imap.noop();
    await server.done;
  });

  test("a large message in memory may take longer than a command: its bytes are signs of life", async () => {
    const size = 24 * 1024 * 1024;
    const slow = createServer((socket) => {
      socket.on("error", () => {});
      socket.write("* OK [CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN SASL-IR] hi\r\n");
      let came = 0;
      socket.on("data", (chunk: Buffer) => {
        came += chunk.length;
        if (came < 100) socket.write("A1 OK [CAPABILITY IMAP4rev1 LITERAL+] in\r\n");
        if (came > size) socket.write("A2 OK done\r\n");
        socket.pause();
        setTimeout(() => socket.resume(), 4);
      });
    });
    onTestFinished(() => void slow.close());
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const { port } = slow.address() as AddressInfo;
    const timeouts = { ...QUICK, command: 1000 };
    const imap = new ImapClient({ host: "127.0.0.1", port, security: "plain", credentials: ALICE, timeouts });
    onTestFinished(() => imap.close());
    await imap.connect();
    await imap.login();
    await imap.append("box", Buffer.alloc(size, "0123456789abcdef\r\n"));
  });

  test("silence in mid literal is the server's fault only when it is its turn", async () => {
    const { imap } = await ready("C: A2 APPEND box {2}\nWAIT 1000\n");
    const error = await failure(imap.append("box", { text: "hi" }, { timeout: 50 }));
    expect(error).toMatchObject({ name: "TimeoutError" });
    expect(error).not.toBeInstanceOf(ReplyError);
  });
});

describe("many messages", () => {
  const b64 = (text: string) => Buffer.from(text).toString("base64");
  const two = [{ content: { text: "hi" }, flags: ["\\Seen"] }, { content: Buffer.from("ho") }];

  test("a loop that is left does not wait for a source that is silent", async () => {
    const { imap, server } = await ready(
      `C: A2 APPEND box {2}\nS: + go\nC~ ${b64("hi\r\n")}\nS: A2 OK\nC: A3 NOOP\nS: A3 OK\n`,
    );
    async function* messages() {
      yield { content: { text: "hi" } };
      // It does not go into the same batch: the first one is sent.
      yield { content: Buffer.alloc(5 * 1024 * 1024) };
      await new Promise(() => {});
    }
    for await (const { index } of imap.appendAll("box", messages())) {
      expect(index).toBe(0);
      break;
    }
    await imap.noop();
    await server.done;
  });

  test("go in one command where the server takes that", async () => {
    const script = `C: A2 APPEND box (\\Seen) {2+}\nC~ ${b64("hi {2+}\r\nho\r\n")}\nS: A2 OK [APPENDUID 38 7:8] in\n`;
    const { imap, server } = await ready(script, ["LITERAL+", "MULTIAPPEND"]);
    expect(await imap.appendAll("box", two).toArray()).toEqual([
      { index: 0, uid: 7, uidValidity: 38 },
      { index: 1, uid: 8, uidValidity: 38 },
    ]);
    await server.done;
  });

  test("… or in one write, each by its own", async () => {
    const script = `C: A2 APPEND box (\\Seen) {2+}\nC~ ${b64("hi\r\n")}\nC: A3 APPEND box {2+}\nC~ ${b64("ho\r\n")}\nS: A2 OK [APPENDUID 38 7] in\nS: A3 OK\n`;
    const { imap, server } = await ready(script, ["LITERAL+"]);
    expect((await imap.appendAll("box", two).toArray()).map(({ uid }) => uid)).toEqual([7, undefined]);
    await server.done;
  });

  test("a refusal rejects, and what was in before it is told", async () => {
    const script = `C: A2 APPEND box {2}\nS: + go\nC~ ${b64("hi\r\n")}\nS: A2 OK\nC: A3 APPEND box {5000000}\nS: A3 NO [OVERQUOTA] full\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await ready(script);
    const messages = [{ content: { text: "hi" } }, { content: Buffer.alloc(5_000_000, "x") }];
    let rows = 0;
    const error = await failure(
      (async () => {
        for await (const _ of imap.appendAll("box", messages)) rows++;
      })(),
    );
    expect(error).toMatchObject({ name: "ReplyError", enhanced: "OVERQUOTA" });
    expect(rows).toBe(1);
    await imap.noop();
    await server.done;
  });

  test("one by one, those behind a refused message are told, too: which is missing is seen by the index", async () => {
    const say = (tag: string, text: string) => `C: ${tag} APPEND box {2+}\nC~ ${b64(`${text}\r\n`)}\n`;
    const answers = "S: A2 OK [APPENDUID 38 7] in\nS: A3 NO [TOOBIG] no\nS: A4 OK [APPENDUID 38 8] in\n";
    const { imap, server } = await ready(`${say("A2", "m0")}${say("A3", "m1")}${say("A4", "m2")}${answers}`, [
      "LITERAL+",
    ]);
    const told: unknown[] = [];
    const messages = ["m0", "m1", "m2"].map((text) => ({ content: { text } }));
    const all = imap.appendAll("box", messages).each((rows) => void told.push(...rows));
    expect(await failure(all)).toMatchObject({ name: "ReplyError", enhanced: "TOOBIG" });
    expect(told).toEqual([
      { index: 0, uid: 7, uidValidity: 38 },
      { index: 2, uid: 8, uidValidity: 38 },
    ]);
    await server.done;
  });

  test("one that is larger than the server says it takes keeps back all that would go with it", async () => {
    const { imap, server } = await ready("", ["LITERAL+", "APPENDLIMIT=3"]);
    const messages = ["ok", "four", "ok"].map((text) => ({ content: { text } }));
    expect(await failure(imap.appendAll("box", messages).toArray())).toBeInstanceOf(UsageError);
    await server.done;
  });

  test("a refusal in the middle of a large literal ends the command, and the client goes on", async () => {
    const path = bigFile();
    // The refusal comes along with the leave: the file is on its way then.
    const script = `C: A2 APPEND box {1800000}\nS: + go\nS: A2 NO [OVERQUOTA] full\nC~ ${b64(BIG)}\nC: \nC: A3 NOOP\nS: A3 OK\n`;
    const { imap, server } = await ready(script, ["MULTIAPPEND"]);
    const messages = [{ content: path }, { content: { text: "ho" } }];
    expect(await failure(imap.appendAll("box", messages).toArray())).toMatchObject({ enhanced: "OVERQUOTA" });
    await imap.noop();
    await server.done;
  });

  test("refused files are not left open", async () => {
    const path = bigFile();
    const refusals = Array.from({ length: 20 }, (_, i) => `C: A${i + 2} APPEND box {1800000}\nS: A${i + 2} NO no\n`);
    const { imap, server } = await ready(refusals.join(""));
    const before = readdirSync("/proc/self/fd").length;
    for (const _ of refusals) await failure(imap.append("box", path));
    expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 10);
    await server.done;
  });

  test("none are no command", async () => {
    const { imap, server } = await ready("");
    expect(await imap.appendAll("box", []).toArray()).toEqual([]);
    await server.done;
  });
});
