/** Calls that share a connection: a consumer that is slow, greedy, gone or stuck does no harm to the others. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import type { NntpOptions } from "../../src/nntp/options.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, connected, QUICK } from "./dialogue.js";

const SMALL = "220 1 <a@b>\r\nSubject: x\r\n\r\nbody\r\n.\r\n";
const LINE = `${"y".repeat(998)}\r\n`;
const ROW = `1\tsubject ${"x".repeat(900)}\tf <f@x>\tMon, 1 Jan 2024 00:00:00 +0000\t<1@x>\t\t10\t1\r\n`;
const never = () => new Promise<void>(() => {});

/** A client, connected to a server that gives these answers: pieces to be written, as often as they are taken. */
async function served(answers: (command: string) => Iterable<string>, given: Partial<NntpOptions> = {}) {
  const port = await tcpServer((socket) => {
    let turn = Promise.resolve();
    const closed = new Promise((go) => socket.once("close", go));
    const answer = async (command: string) => {
      for (const piece of answers(command)) {
        if (socket.destroyed) return;
        if (!socket.write(piece)) await Promise.race([new Promise((go) => socket.once("drain", go)), closed]);
      }
    };
    socket.write("200 hi\r\n");
    socket.on("end", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (const command of chunk.toString().split("\r\n").slice(0, -1)) {
        turn = turn.then(() => answer(command));
      }
    });
  });
  const all = clientOf({ host: "127.0.0.1", port }, given);
  await all.nntp.connect();
  return all;
}

function* repeated(head: string, piece: string, times: number) {
  yield head;
  for (let i = 0; i < times; i++) yield piece.repeat(64);
  yield ".\r\n";
}

/** ARTICLE 1 and OVER 1 are short, all others of them have 64 MB; DATE is a date. */
function* news(command: string): Iterable<string> {
  if (command === "ARTICLE 1") yield SMALL;
  else if (command.startsWith("ARTICLE")) yield* repeated("220 2 <a@b>\r\n\r\n", LINE, 1_000);
  else if (command === "OVER 1") yield `224 rows\r\n${ROW}.\r\n`;
  else if (/^X?OVER/.test(command)) yield* repeated("224 rows\r\n", ROW, 1_000);
  else if (command === "DATE") yield "111 20260118213145\r\n";
  else if (command === "QUIT") yield "205 bye\r\n";
  else if (command === "CAPABILITIES") yield "101 list\r\nVERSION 2\r\nREADER\r\nOVER\r\n.\r\n";
  else yield "503 no\r\n";
}

describe("slow sinks side by side", () => {
  test("the server's silence counts for nothing while one of them is busy", async () => {
    const { nntp } = await served(news, { timeouts: { ...QUICK, command: 300 } });
    const [slow, next] = await Promise.all([
      nntp.article(1, { to: () => sleep(700) }),
      nntp.article(1, { to: () => {} }),
    ]);
    expect([slow.bytes, next.bytes]).toEqual([20, 20]);
  });

  test.each([
    ["an article", (nntp: Served) => nntp.article(1, { to: () => sleep(50) })],
    ["rows", (nntp: Served) => nntp.over("1").each(() => sleep(50))],
  ])("the end of %s does not let the bytes of a stuck one in", async (_, other) => {
    const { nntp } = await served(news);
    const first = other(nntp);
    let got = 0;
    const to = (chunk: Buffer) => {
      got += chunk.length;
      return never();
    };
    nntp.article(2, { to }).catch(() => {});
    await first;
    await sleep(300);
    // 64 MB would come.
    expect(got).toBeGreaterThan(0);
    expect(bytesRead(nntp)).toBeLessThan(2_000_000);
  });
});

describe("rows in memory", () => {
  test("toArray() of more than limits.body is a ProtocolError that says so", async () => {
    const { nntp } = await served(news, { limits: { body: 1_000_000 } });
    const error = await failure(nntp.over("2-").toArray());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ message: expect.stringContaining("limits.body"), clientUsable: false });
    expect(nntp.state).toBe("closed");
  });

  test("each() takes as many as there are", async () => {
    const { nntp } = await served(news, { limits: { body: 1_000_000 } });
    let count = 0;
    await nntp.over("2-").each((batch) => void (count += batch.length));
    expect(count).toBe(64_000);
  });

  test("a callback of each() may give anything", async () => {
    const { nntp } = await served(news);
    const all: unknown[] = [];
    const take = (batch: unknown[]): unknown => all.push(...batch);
    await nntp.over("1").each(take as () => void);
    expect([all.length, (await nntp.date()).getUTCFullYear()]).toEqual([1, 2026]);
  });
});

test("a loop that is left before its first row hangs up where too much comes behind it", async () => {
  const { nntp, transcript } = await served(news, { limits: { readAhead: 1_000_000 } });
  const batches = nntp.over("2-").batches();
  batches.next().catch(() => {});
  await batches.return();
  expect(nntp.state).toBe("closed");
  expect(transcript.lines.at(-1)?.text).toContain("ask for a smaller range, or raise limits.readAhead");
});

describe("quit", () => {
  test("ends within its time-out behind a sink that never answers", async () => {
    const { nntp } = await served(news, { timeouts: { ...QUICK, quit: 200 } });
    const article = failure(nntp.article(2, { to: never }));
    await sleep(50);
    await nntp.quit();
    expect([nntp.state, (await article).name]).toEqual(["closed", "AbortedError"]);
  });

  test("ends within its time-out behind credentials that never come", async () => {
    const { nntp } = await connected("", {
      credentials: () => new Promise(() => {}),
      timeouts: { ...QUICK, quit: 200 },
    });
    nntp.login().catch(() => {});
    await nntp.quit();
    expect(nntp.state).toBe("closed");
  });

  test("lets a long answer finish that goes on", async () => {
    const { nntp } = await served(news, { timeouts: { ...QUICK, quit: 300 } });
    let chunks = 0;
    const article = nntp.article(2, { to: () => (chunks++ % 100 === 0 ? sleep(50) : undefined) });
    await nntp.quit();
    expect((await article).bytes).toBe(64_000_002);
  });
});

type Served = Awaited<ReturnType<typeof served>>["nntp"];

/** What the client took off its socket. */
function bytesRead(nntp: Served): number {
  return (nntp as unknown as { session: { line: { socket: { bytesRead: number } } } }).session.line.socket.bytesRead;
}
