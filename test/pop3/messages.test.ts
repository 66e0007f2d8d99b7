/** The mailbox and its messages: STAT, LIST, UIDL, RETR, TOP, to memory and to sinks, one by one and overlapping. */
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError, ReplyError, SinkError, UsageError } from "../../src/client/errors.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, enter, mailbox, PIPELINES, ready } from "./dialogue.js";

const message = (n: number) => `Subject: message ${n}\r\n\r\nline\r\n.dot\r\n..dots\r\n${"x".repeat(n)}\r\n`;
const MESSAGES = Array.from({ length: 20 }, (_, i) => message(i + 1));

describe("what there is", () => {
  test("stat, list and uidl, of all and of one", async () => {
    const { pop3 } = await mailbox([
      { content: "a\r\n", uid: "one" },
      { content: "bb\r\n", uid: "two" },
    ]);
    expect(await pop3.stat()).toEqual({ count: 2, bytes: 7 });
    expect(await pop3.list().toArray()).toEqual([
      { number: 1, bytes: 3 },
      { number: 2, bytes: 4 },
    ]);
    expect(await pop3.list(2)).toEqual({ number: 2, bytes: 4 });
    expect(await pop3.uidl().toArray()).toEqual([
      { number: 1, uid: "one" },
      { number: 2, uid: "two" },
    ]);
    expect(await pop3.uidl(1)).toEqual({ number: 1, uid: "one" });
  });

  test("what was deleted is left out", async () => {
    const { pop3 } = await mailbox(["a\r\n", "b\r\n", "c\r\n"]);
    await pop3.dele(2);
    const numbers = [];
    for await (const { number } of pop3.list()) numbers.push(number);
    expect(numbers).toEqual([1, 3]);
    expect(await failure(pop3.retr(2))).toBeInstanceOf(ReplyError);
    expect((await pop3.stat()).count).toBe(2);
  });

  test("a mailbox of many, in batches", async () => {
    const users = { alice: { password: "s3cret", messages: { generate: 20_000 } } };
    const { pop3 } = await mailbox([], { users });
    let count = 0;
    for await (const batch of pop3.uidl().batches()) count += batch.length;
    expect(count).toBe(20_000);
  });

  test.each(["+OK", "+OK 2", "+OK many 320", "+OK -1 5"])("%s is no answer to STAT", async (line) => {
    const { pop3 } = await ready(`C: STAT\nS: ${line}\n`);
    expect(await failure(pop3.stat())).toBeInstanceOf(ProtocolError);
    expect(pop3.state).toBe("closed");
  });

  test.each([0, -1, 1.5, Number.NaN, "1\r\nDELE 2"])("%j is no number of a message", async (number) => {
    const { pop3, server } = await ready("C: NOOP\nS: +OK\n");
    for (const call of [pop3.retr, pop3.dele, pop3.top, pop3.list, pop3.uidl] as ((
      n: number,
      m: number,
    ) => unknown)[]) {
      expect(await failure(call.call(pop3, number as number, 0) as Promise<unknown>)).toBeInstanceOf(UsageError);
    }
    await pop3.noop();
    await server.done;
  });
});

describe("retr and top", () => {
  test("every byte, dots single, lines as sent", async () => {
    const { pop3 } = await mailbox(MESSAGES);
    for (const number of [1, 7, 20]) {
      expect((await pop3.retr(number)).content.toString()).toBe(message(number));
    }
    expect((await pop3.top(3, 1)).content.toString()).toBe("Subject: message 3\r\n\r\nline\r\n");
    expect((await pop3.top(3, 0)).content.toString()).toBe("Subject: message 3\r\n\r\n");
  });

  test("a message that was read", async () => {
    const { pop3 } = await mailbox(["From: a@b\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"]);
    expect(await pop3.message(1)).toMatchObject({ subject: "Grüße", text: "hello\n" });
  });

  test("a message without a byte", async () => {
    const { pop3 } = await ready("C: RETR 1\nS: +OK\nS: .\nC: STAT\nS: +OK 1 0\n");
    expect((await pop3.retr(1)).content).toEqual(Buffer.alloc(0));
    await pop3.stat();
  });

  test("any bytes come as they are", async () => {
    const line = fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => Buffer.from(bytes.filter((b) => b !== 10 && b !== 13)));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 10 }), async (lines) => {
        const content = Buffer.concat(lines.flatMap((each) => [each, Buffer.from("\r\n")]));
        const { pop3 } = await mailbox([content]);
        expect((await pop3.retr(1)).content.equals(content)).toBe(true);
        pop3.close();
      }),
      { numRuns: 30 },
    );
  });

  test("to a file, a stream and a function", async () => {
    const { pop3 } = await mailbox(MESSAGES);
    const path = join(tmpdir(), `polywire-${process.pid}-${Date.now()}.eml`);
    const chunks: Buffer[] = [];
    const stream = new Writable({ write: (chunk, _, done) => done(void chunks.push(chunk)) });
    const stored = await Promise.all([
      pop3.retr(1, { to: path }),
      pop3.retr(2, { to: stream }),
      pop3.top(3, 0, { to: (chunk) => void chunks.push(Buffer.from(chunk)) }),
    ]);
    expect(stored.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(stored[0]?.bytes).toBe(message(1).length);
    expect(await readFile(path, "utf8")).toBe(message(1));
    expect(Buffer.concat(chunks).toString()).toBe(`${message(2)}Subject: message 3\r\n\r\n`);
  });

  test("a refused message makes no file, and a sink that fails leaves the client usable", async () => {
    const { pop3 } = await mailbox(MESSAGES);
    const path = join(tmpdir(), `polywire-${process.pid}-none.eml`);
    expect(await failure(pop3.retr(99, { to: path }))).toBeInstanceOf(ReplyError);
    await expect(readFile(path)).rejects.toThrow("ENOENT");
    const failing = () => Promise.reject(new Error("full"));
    const [lost, kept] = await Promise.allSettled([pop3.retr(1, { to: failing }), pop3.retr(2)]);
    expect(lost).toMatchObject({ reason: expect.any(SinkError) });
    expect(kept).toMatchObject({ value: { number: 2 } });
    expect(await failure(pop3.retr(1, { to: 5 as never }))).toBeInstanceOf(UsageError);
    expect((await pop3.stat()).count).toBe(20);
  });

  test("a slow sink holds the server back", async () => {
    const big = `${"y".repeat(998)}\r\n`.repeat(20_000);
    const { pop3 } = await mailbox([big, "small\r\n"]);
    let got = 0;
    const slow = async (chunk: Buffer) => {
      got += chunk.length;
      if (got < 300_000) await sleep(5);
    };
    const [stored, small] = await Promise.all([pop3.retr(1, { to: slow }), pop3.retr(2)]);
    expect([stored.bytes, small.content.toString()]).toEqual([big.length, "small\r\n"]);
  });

  test("more than limits.body does not go into memory, but to a sink", async () => {
    const { pop3 } = await mailbox(["x\r\n".repeat(1_000)], {}, { limits: { body: 1_000 } });
    expect(await pop3.retr(1, { to: () => {} })).toEqual({ number: 1, bytes: 3_000 });
    const error = await failure(pop3.retr(1));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toContain("limits.body");
    expect(pop3.state).toBe("closed");
  });
});

describe("calls that overlap", () => {
  test("go out together where the server pipelines, and each gets its own answer", async () => {
    const { pop3, server } = await ready(
      "C: RETR 1\nC: RETR 2\nC: STAT\nC: DELE 2\nC: UIDL 2\nS: +OK\nS: one\nS: .\nS: -ERR no\nS: +OK 2 20\nS: +OK\nS: -ERR gone\n",
      {},
      PIPELINES,
    );
    const all = await Promise.allSettled([pop3.retr(1), pop3.retr(2), pop3.stat(), pop3.dele(2), pop3.uidl(2)]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "rejected"]);
    expect((all[0] as PromiseFulfilledResult<{ content: Buffer }>).value.content.toString()).toBe("one\r\n");
    expect((all[2] as PromiseFulfilledResult<unknown>).value).toEqual({ count: 2, bytes: 20 });
    await server.done;
  });

  test("go out one by one where it does not", async () => {
    const { pop3, server } = await ready(
      "C: RETR 1\nS: +OK\nS: one\nS: .\nC: RETR 2\nS: -ERR no\nC: STAT\nS: +OK 2 20\n",
    );
    await Promise.allSettled([pop3.retr(1), pop3.retr(2), pop3.stat()]);
    await server.done;
  });

  test("no more than `pipelining` of them are in flight", async () => {
    const { pop3, server } = await ready(
      "C: RETR 1\nC: RETR 2\nWAIT 50\nS: -ERR no\nC: RETR 3\nS: -ERR no\nS: -ERR no\n",
      { pipelining: 2 },
      PIPELINES,
    );
    await Promise.allSettled([pop3.retr(1), pop3.retr(2), pop3.retr(3)]);
    await server.done;
  });

  test("thousands of messages, in order", async () => {
    const users = { alice: { password: "s3cret", messages: { generate: 3_000 } } };
    const { pop3, server } = await mailbox([], { users });
    const all = await Promise.all(Array.from({ length: 3_000 }, (_, i) => pop3.retr(i + 1)));
    const { uids } = server.maildrop("alice");
    for (const [i, { number, content }] of all.entries()) {
      if (number !== i + 1 || !content.equals(server.maildrop("alice").content(uids[i] as string))) {
        expect.unreachable(`message ${i + 1} is another one`);
      }
    }
  });

  test("a cancelled one closes the connection, and a queued one is dropped", async () => {
    const { pop3 } = await ready("C: RETR 1\nWAIT 3000\n");
    const cancel = new AbortController();
    const queued = failure(pop3.retr(2, { signal: cancel.signal }));
    const rest = failure(pop3.retr(1));
    cancel.abort();
    expect(await queued).toMatchObject({ name: "AbortedError" });
    pop3.close();
    expect(await rest).toMatchObject({ name: "AbortedError" });
  });
});

describe("pipelining is tried before it is used", () => {
  const announced = { features: { pipelining: true } } as const;

  test("NOOP twice in one write, behind the login", async () => {
    const { pop3, server } = await mailbox(MESSAGES, announced);
    await Promise.all([pop3.retr(1), pop3.retr(2)]);
    expect(server.commands.filter((line) => line === "NOOP")).toHaveLength(2);
  });

  test("not where it was turned off, or is not announced", async () => {
    for (const [features, pipelining] of [
      [{ pipelining: true }, 1],
      [{ pipelining: false }, undefined],
    ] as const) {
      const { pop3, server } = await mailbox(MESSAGES, { features }, { pipelining });
      await Promise.all([pop3.retr(1), pop3.retr(2)]);
      expect(server.commands).not.toContain("NOOP");
    }
  });

  test("a server that refuses the second command is asked one at a time", async () => {
    const { pop3 } = await mailbox(MESSAGES, { features: { pipelining: true, early: "refused" } });
    const all = await Promise.all([pop3.retr(1), pop3.retr(2), pop3.retr(3)]);
    expect(all.map(({ content }) => content.toString())).toEqual([message(1), message(2), message(3)]);
  });

  test("a server that drops the second command is brought in step, and asked one at a time", async () => {
    const features = { pipelining: true, early: "dropped", apop: false, auth: false } as const;
    const { pop3 } = await mailbox(MESSAGES, { features }, { timeouts: { command: 300 } });
    const all = await Promise.all([pop3.retr(1), pop3.retr(2), pop3.retr(3)]);
    expect(all.map(({ content }) => content.toString())).toEqual([message(1), message(2), message(3)]);
  });

  test("late answers to the trial are not taken for those of later commands", async () => {
    const { pop3, server } = await ready(
      "WAIT 900\nS: +OK late\nS: +OK late, too\nC: NOOP\nS: +OK\nC: RETR\nS: -ERR what?\nC: STAT\nS: +OK 7 70\n",
      { timeouts: { command: 600, quit: 300 } },
      PIPELINES.replace("S: .\nS: +OK\nS: +OK\n", "S: .\n"),
    ).catch(() => expect.unreachable("it can be brought in step"));
    expect(await pop3.stat()).toEqual({ count: 7, bytes: 70 });
    await server.done;
  });

  test("a server that falls silent for good is a TimeoutError that says what to try", async () => {
    const port = await tcpServer((socket) => {
      socket.write("+OK\r\n");
      socket.on("data", (chunk) => {
        const lines = chunk.toString().split("\r\n");
        if (lines[0] === "CAPA") socket.write("+OK\r\nPIPELINING\r\n.\r\n");
        else if (/^(?:USER|PASS)/.test(lines[0] ?? "")) socket.write("+OK\r\n");
      });
    });
    const { pop3 } = clientOf({ host: "127.0.0.1", port }, { timeouts: { command: 200 } });
    const error = await failure(enter(pop3));
    expect(error).toMatchObject({ name: "TimeoutError", message: expect.stringContaining("pipelining: 1") });
    expect(pop3.state).toBe("closed");
  });
});
