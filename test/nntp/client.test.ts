/** The named methods: what they send, what they make of the answer; cancelling, overlapping, dead servers. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError, ProtocolError, ReplyError, SinkError, UsageError } from "../../src/client/errors.js";
import { parseArticleName, parseGroup, parseServerDate } from "../../src/nntp/parse-reply.js";
import { failure } from "../net/loopback.js";
import { connected, HELLO, hello, memory, talk } from "./dialogue.js";

describe("groups", () => {
  test("group() gives name and numbers", async () => {
    const { nntp } = await connected("C: GROUP misc.test\nS: 211 1234 3000234 3002322 misc.test\n");
    expect(await nntp.group("misc.test")).toEqual({ name: "misc.test", count: 1234, low: 3000234, high: 3002322 });
  });

  test("a server that leaves the name out", () => {
    expect(parseGroup("5 1 5", "a.b")).toEqual({ name: "a.b", count: 5, low: 1, high: 5 });
    expect(parseGroup("5 1 99999999999999999999 a.b")).toBeUndefined();
    expect(parseGroup("group selected")).toBeUndefined();
  });

  test("a missing group is a ReplyError", async () => {
    const { nntp } = await connected("C: GROUP no.such\nS: 411 no\n");
    const error = await failure(nntp.group("no.such"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error.message).toContain("no such newsgroup");
  });

  test("an answer without numbers is a ProtocolError, and the end", async () => {
    const { nntp } = await connected("C: GROUP a\nS: 211 fine\n");
    expect(await failure(nntp.group("a"))).toBeInstanceOf(ProtocolError);
    expect(nntp.state).toBe("closed");
  });

  test.each(["", "a b", "a\r\nQUIT", "a\0"])("the name %j is refused before anything is sent", async (name) => {
    const { nntp, server } = await connected("");
    expect(await failure(nntp.group(name))).toBeInstanceOf(UsageError);
    await server.done;
  });

  test("listgroup() gives numbers, of a range too", async () => {
    const { nntp } = await connected(
      "C: LISTGROUP misc.test\nS: 211 3 1 5 misc.test\nS: 1\nS: 3\nS: 5\nS: .\nC: LISTGROUP misc.test 2-4\nS: 211 3 1 5 misc.test\nS: 3\nS: .\nC: LISTGROUP\nS: 412 none\n",
    );
    expect(await nntp.listgroup("misc.test").toArray()).toEqual([1, 3, 5]);
    expect(await nntp.listgroup("misc.test", [2, 4]).toArray()).toEqual([3]);
    await expect(nntp.listgroup().toArray()).rejects.toMatchObject({ code: "412" });
    expect(() => nntp.listgroup(undefined, "1-2")).toThrow(UsageError);
  });
});

describe("articles", () => {
  const ARTICLE = "S: 220 5 <a@b> article\nS: Subject: x\nS:\nS: ..dot\nS: .\n";

  test("as a Buffer, dots single again", async () => {
    const { nntp } = await connected(`C: ARTICLE 5\n${ARTICLE}`);
    const article = await nntp.article(5);
    expect(article).toEqual({ number: 5, messageId: "<a@b>", content: Buffer.from("Subject: x\r\n\r\n.dot\r\n") });
  });

  test("by message-id, and the current one", async () => {
    const { nntp } = await connected(
      "C: HEAD <a@b>\nS: 221 0 <a@b>\nS: Subject: x\nS: .\nC: BODY\nS: 222 5 <a@b>\nS: .\nC: STAT\nS: 223 5 <a@b> x\nC: NEXT\nS: 223 6 <c@d>\nC: LAST\nS: 422 none\n",
    );
    expect(await nntp.head("<a@b>")).toMatchObject({ number: 0, content: Buffer.from("Subject: x\r\n") });
    expect(await nntp.body()).toMatchObject({ number: 5, content: Buffer.alloc(0) });
    expect(await nntp.stat()).toEqual({ number: 5, messageId: "<a@b>" });
    expect(await nntp.next()).toEqual({ number: 6, messageId: "<c@d>" });
    expect(await failure(nntp.last())).toMatchObject({ code: "422" });
  });

  test("to a file, to a stream, to a function", async () => {
    const folder = await mkdtemp(join(tmpdir(), "polywire-nntp-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { nntp } = await connected(`C: ARTICLE 5\n${ARTICLE}C: ARTICLE 5\n${ARTICLE}C: ARTICLE 5\n${ARTICLE}`);
    const file = join(folder, "a.eml");
    expect(await nntp.article(5, { to: file })).toEqual({ number: 5, messageId: "<a@b>", bytes: 20 });
    expect(await readFile(file, "utf8")).toBe("Subject: x\r\n\r\n.dot\r\n");
    const chunks: Buffer[] = [];
    await nntp.article(5, {
      to: new Writable({ write: (chunk, _, done) => void (chunks.push(chunk) && setTimeout(done, 5)) }),
    });
    await nntp.article(5, { to: async (chunk) => void chunks.push(Buffer.from(chunk)) });
    expect(Buffer.concat(chunks).toString()).toBe("Subject: x\r\n\r\n.dot\r\n".repeat(2));
  });

  test("a refused article leaves no file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "polywire-nntp-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { nntp } = await connected("C: ARTICLE 5\nS: 423 none\n");
    const file = join(folder, "a.eml");
    expect(await failure(nntp.article(5, { to: file }))).toMatchObject({ code: "423" });
    await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("to a sink: a later call does not overtake it", async () => {
    const { nntp, server } = await connected(`C: ARTICLE 5\n${ARTICLE}C: GROUP b.b\nS: 211 1 5 5 b.b\n`);
    const chunks: Buffer[] = [];
    const take = (chunk: Buffer) => void chunks.push(Buffer.from(chunk));
    await Promise.all([nntp.article(5, { to: take }), nntp.group("b.b")]);
    expect(Buffer.concat(chunks).toString()).toBe("Subject: x\r\n\r\n.dot\r\n");
    await server.done;
  });

  test("what is no sink rejects, and the client goes on", async () => {
    const { nntp } = await connected(`C: ARTICLE 5\n${ARTICLE}C: STAT 5\nS: 223 5 <a@b>\n`);
    expect(await failure(nntp.article(5, { to: 17 as unknown as string }))).toBeInstanceOf(UsageError);
    expect((await nntp.stat(5)).number).toBe(5);
  });

  test("a stream whose article was dropped before its turn is destroyed", async () => {
    const { nntp } = await talk(`${HELLO}C: STAT 1\nWAIT 50\nS: 223 1 <1@x>\n`, { pipelining: 1 });
    await nntp.connect();
    const first = nntp.stat(1);
    const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
    const controller = new AbortController();
    const dropped = failure(nntp.article(5, { to: stream, signal: controller.signal }));
    controller.abort();
    expect(await dropped).toBeInstanceOf(AbortedError);
    expect(stream.destroyed).toBe(true);
    await first;
  });

  test("a sink that fails is a SinkError; the client goes on", async () => {
    const { nntp } = await memory({ groups: { big: { generate: 10 } } });
    await nntp.connect();
    await nntp.group("big");
    const failing = () => Promise.reject(new Error("disk full"));
    const error = await failure(nntp.article(1, { to: failing }));
    expect(error).toBeInstanceOf(SinkError);
    expect(error.message).toContain("disk full");
    expect((await nntp.stat(2)).number).toBe(2);
  });

  test("a slow sink holds the server back, and every byte arrives in order", async () => {
    const body = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i}\r\n`).join(""));
    const raw = Buffer.concat([
      Buffer.from(
        "From: a@b\r\nNewsgroups: big\r\nSubject: s\r\nMessage-ID: <1@x>\r\nDate: Tue, 3 Feb 2026 10:11:12 +0000\r\nPath: x\r\n\r\n",
      ),
      body,
    ]);
    const { nntp } = await memory({ groups: { big: { articles: [raw] } } }, { compress: false });
    await nntp.connect();
    await nntp.group("big");
    const chunks: Buffer[] = [];
    const slow = async (chunk: Buffer) => {
      chunks.push(Buffer.from(chunk));
      await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const { bytes } = await nntp.body(1, { to: slow });
    expect(bytes).toBe(body.length);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });

  test("a body beyond limits.body does not go into memory", async () => {
    const { nntp } = await talk(`${HELLO}C: BODY 1\nS: 222 1 <a@b>\nS: ${"x".repeat(3000)}\nS: .\n`, {
      limits: { body: 1000 },
    });
    await nntp.connect();
    expect(await failure(nntp.body(1))).toBeInstanceOf(ProtocolError);
  });

  test.each(["a@b", "<a@b", "<a b>", "<a\r\n>", "<>", "5-6"])(
    "the id %j is refused before anything is sent",
    async (id) => {
      const { nntp, server } = await connected("");
      expect(await failure(nntp.article(id))).toBeInstanceOf(UsageError);
      await server.done;
    },
  );

  test("overlapping calls are sent in one write, and settle in order", async () => {
    const { nntp, server } = await connected(
      "C: HEAD 1\nC: HEAD 2\nC: STAT 3\nS: 221 1 <1@x>\nS: a\nS: .\nS: 423 none\nS: 223 3 <3@x>\n",
    );
    const [one, two, three] = await Promise.allSettled([nntp.head(1), nntp.head(2), nntp.stat(3)]);
    expect([one.status, two.status, three.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await server.done;
  });

  test("articles to sinks and rows are sent along with them", async () => {
    const { nntp, server } = await connected(
      `C: HEAD 1\nC: ARTICLE 5\nC: STAT 3\nC: LIST OVERVIEW.FMT\nC: OVER 4\nC: BODY 6\nS: 423 none\n${ARTICLE}S: 223 3 <3@x>\nS: 503 none\nS: 423 none\nS: 222 6 <6@x>\nS: .\n`,
    );
    const first = nntp.head(1);
    const to = () => {};
    const calls = [nntp.article(5, { to }), nntp.stat(3), nntp.over(4).toArray(), nntp.body(6, { to })];
    await Promise.all([failure(first), ...calls]);
    await server.done;
  });

  test("pipelining: 1 sends one after the other", async () => {
    const { nntp } = await talk(`${HELLO}C: STAT 1\nWAIT 20\nS: 223 1 <1@x>\nC: STAT 2\nS: 223 2 <2@x>\n`, {
      pipelining: 1,
    });
    await nntp.connect();
    expect((await Promise.all([nntp.stat(1), nntp.stat(2)])).map(({ number }) => number)).toEqual([1, 2]);
  });

  test("names of articles", () => {
    expect(parseArticleName(" 5 <a@b> retrieved")).toEqual({ number: 5, messageId: "<a@b>" });
    expect(parseArticleName("5")).toBeUndefined();
  });
});

describe("headers", () => {
  test("hdr() gives values decoded and raw", async () => {
    const { nntp } = await connected("C: HDR Subject 1-3\nS: 225 list\nS: 1 =?utf-8?Q?=C3=BC?=\nS: 3 \nS: .\n");
    expect(await nntp.hdr("Subject", "1-3").toArray()).toEqual([
      { number: 1, value: "ü", rawValue: "=?utf-8?Q?=C3=BC?=" },
      { number: 3, value: "", rawValue: "" },
    ]);
  });

  test("XHDR where HDR is not announced", async () => {
    const { nntp, server } = await talk(
      `${hello("OVER")}C: XHDR Subject 1-3\nS: 221 list\nS: 1 a\nS: .\nC: XHDR Lines <a@b>\nS: 221 list\nS: <a@b> 17\nS: .\n`,
    );
    await nntp.connect();
    expect(await nntp.hdr("Subject", [1, 3]).toArray()).toHaveLength(1);
    expect(await nntp.hdr("Lines", "<a@b>").toArray()).toEqual([{ number: 0, value: "17", rawValue: "17" }]);
    await server.done;
  });

  test("xpat() asks by pattern", async () => {
    const { nntp, server } = await connected("C: XPAT Subject 1- *cats*\nS: 221 list\nS: 7 about cats\nS: .\n");
    expect(await nntp.xpat("Subject", [1], "*cats*").toArray()).toMatchObject([{ number: 7, value: "about cats" }]);
    await server.done;
  });

  test.each(["two words", "a\r\nb", ""])("the header %j is refused before anything is sent", async (field) => {
    const { nntp } = await connected("");
    expect(() => nntp.hdr(field, 1)).toThrow(UsageError);
    await expect(nntp.xpat("Subject", 1, "a\nb").toArray()).rejects.toBeInstanceOf(UsageError);
  });
});

describe("what the server knows", () => {
  test("date() is in UTC", () => {
    expect(parseServerDate("20260118213145")?.toISOString()).toBe("2026-01-18T21:31:45.000Z");
    expect(parseServerDate("20261318213145")).toBeUndefined();
    expect(parseServerDate("now")).toBeUndefined();
  });

  test("help() is text", async () => {
    const { nntp } = await connected("C: HELP\nS: 100 help\nS: ask\nS:\nS: nicely\nS: .\n");
    expect(await nntp.help()).toBe("ask\n\nnicely");
  });

  test("newgroups() and newnews() ask in UTC", async () => {
    const { nntp, server } = await connected(
      "C: NEWGROUPS 20260118 213145 GMT\nS: 231 list\nS: a.b 5 1 y\nS: .\nC: NEWNEWS a.*,!a.c 20260118 213145 GMT\nS: 230 list\nS: <1@x>\nS: .\n",
    );
    const since = new Date("2026-01-18T21:31:45.678Z");
    expect(await nntp.newgroups(since).toArray()).toEqual([{ name: "a.b", high: 5, low: 1, status: "y" }]);
    expect(await nntp.newnews("a.*,!a.c", since).toArray()).toEqual(["<1@x>"]);
    await server.done;
  });

  test.each([
    ["ACTIVE", "a.b 0000000005 0000000001 y", { name: "a.b", high: 5, low: 1, status: "y" }],
    ["COUNTS", "a.b 5 1 4 m", { name: "a.b", high: 5, low: 1, count: 4, status: "m" }],
    ["NEWSGROUPS", "a.b\t\tAll about  b", { name: "a.b", description: "All about  b" }],
    ["ACTIVE.TIMES", "a.b 930445408 <me@x>", { name: "a.b", created: new Date(930445408_000), creator: "<me@x>" }],
    ["DISTRIB.PATS", "10:local.*:local", { weight: 10, wildmat: "local.*", distribution: "local" }],
    ["MODERATORS", "a.*:%s@mod.example", { wildmat: "a.*", address: "%s@mod.example" }],
    ["OVERVIEW.FMT", "Xref:full", "Xref:full"],
    ["HEADERS", ":bytes", ":bytes"],
    ["SUBSCRIPTIONS", "a.b", "a.b"],
    ["MOTD", "hello", "hello"],
  ] as const)("LIST %s", async (keyword, line, row) => {
    const { nntp } = await connected(`C: LIST ${keyword}\nS: 215 list\nS: ${line}\nS: .\n`);
    expect(await nntp.list(keyword).toArray()).toEqual([row]);
  });

  test("group names and descriptions are UTF-8", async () => {
    const { nntp } = await connected("C: LIST NEWSGROUPS\nS: 215 list\nS~ YS7DvAnDnGJlcg0K\nS: .\n");
    expect(await nntp.list("NEWSGROUPS").toArray()).toEqual([{ name: "a.ü", description: "Über" }]);
  });

  test("lines that are no rows are left out", async () => {
    const { nntp } = await connected("C: LIST ACTIVE a.*\nS: 215 list\nS: rubbish\nS: a.b 5 1 y\nS: a.c x 1 y\nS: .\n");
    expect(await nntp.list("ACTIVE", "a.*").toArray()).toEqual([{ name: "a.b", high: 5, low: 1, status: "y" }]);
  });

  test("the bare LIST, and what is no list", async () => {
    const { nntp } = await connected("C: LIST\nS: 215 list\nS: .\n");
    expect(await nntp.list().toArray()).toEqual([]);
    expect(() => nntp.list("NOTHING" as "ACTIVE")).toThrow(UsageError);
    expect(() => nntp.list("ACTIVE", "a b")).toThrow(UsageError);
  });
});

describe("the end of a call", () => {
  test("a queued call is dropped by its signal, one in flight hangs up", async () => {
    const { nntp } = await talk(`${HELLO}C: STAT 1\n`, { pipelining: 1 });
    await nntp.connect();
    const flying = new AbortController();
    const queued = new AbortController();
    const first = failure(nntp.stat(1, { signal: flying.signal }));
    const second = failure(nntp.stat(2, { signal: queued.signal }));
    queued.abort();
    expect(await second).toMatchObject({ name: "AbortedError", clientUsable: true });
    flying.abort();
    expect(await first).toBeInstanceOf(AbortedError);
    expect(nntp.state).toBe("closed");
  });

  test("a server that dies at any byte gives a ConnectionError, never a whole answer", async () => {
    const { server, nntp } = await memory({ groups: { "a.b": { generate: 3 } } }, { compress: false });
    const visit = async () => {
      const client = nntp.clone();
      try {
        await client.connect();
        await client.group("a.b");
        return await client.over("1-3").toArray();
      } finally {
        client.close();
      }
    };
    expect(await visit()).toHaveLength(3);
    const whole = server.replyBytes;
    for (let at = 0; at < whole; at += 7) {
      server.faults.closeAtByte = server.replyBytes + at;
      expect(await failure(visit())).toMatchObject({ name: "ConnectionError" });
      delete server.faults.closeAtByte;
    }
  });

  test("one byte per segment", async () => {
    const { nntp } = await memory(
      { groups: { "a.b": { generate: 20 } }, faults: { byteByByte: true } },
      { compress: false },
    );
    await nntp.connect();
    await nntp.group("a.b");
    expect(await nntp.over("1-20").toArray()).toHaveLength(20);
    expect((await nntp.article(3)).number).toBe(3);
  });
});
