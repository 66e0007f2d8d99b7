/** What servers, and senders of mail through them, may say to do harm. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import type { Pop3Options } from "../../src/pop3/options.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, enter, mailbox, PIPELINES, QUICK, ready, talk } from "./dialogue.js";

/** A client that is logged in at a server that pipelines and gives these answers, as often as they are taken. */
async function served(answers: (command: string) => Iterable<string>, given: Partial<Pop3Options> = {}) {
  const port = await tcpServer((socket) => {
    let turn = Promise.resolve();
    const closed = new Promise((go) => socket.once("close", go));
    const answer = async (command: string) => {
      for (const piece of usual[command.split(" ")[0] as string] ?? answers(command)) {
        if (socket.destroyed) return;
        if (!socket.write(piece)) await Promise.race([new Promise((go) => socket.once("drain", go)), closed]);
      }
    };
    socket.write("+OK hi\r\n");
    socket.on("end", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (const command of chunk.toString().split("\r\n").slice(0, -1)) turn = turn.then(() => answer(command));
    });
  });
  const all = clientOf({ host: "127.0.0.1", port }, given);
  await enter(all.pop3);
  return all;
}

const usual: Record<string, readonly string[]> = {
  CAPA: ["+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n"],
  USER: ["+OK\r\n"],
  PASS: ["+OK\r\n"],
  NOOP: ["+OK\r\n"],
};

function* repeated(head: string, piece: string, times: number) {
  yield head;
  for (let i = 0; i < times; i++) yield piece.repeat(64);
  yield ".\r\n";
}

describe("a message cannot end itself and forge what follows", () => {
  test("by a bare LF in front of its dot", async () => {
    const forged = "a\r\nb\n.\n+OK 9 9\n.\r\nend\r\n";
    const { pop3 } = await ready(
      `C: RETR 1\nS~ ${Buffer.from(`+OK\r\n${forged.replace("\n.\r\n", "\n..\r\n")}.\r\n`).toString("base64")}\nC: STAT\nS: +OK 1 30\n`,
    );
    expect((await pop3.retr(1)).content.toString()).toContain("b\n.\n+OK 9 9\n");
    expect(await pop3.stat()).toEqual({ count: 1, bytes: 30 });
  });
});

describe("more than was asked for", () => {
  test("a second end of a message closes the connection", async () => {
    const { pop3, server } = await mailbox(["one\r\n"]);
    server.faults.duplicateTerminator = true;
    await pop3.retr(1).catch(() => {});
    await expect.poll(() => pop3.state).toBe("closed");
    expect(await failure(pop3.stat())).toBeInstanceOf(ProtocolError);
  });

  test("lines behind an answer that has one", async () => {
    const { pop3 } = await ready("C: LIST 1\nS: +OK 1 10\nS: 2 20\nS: .\n");
    await pop3.list(1);
    await expect.poll(() => pop3.state).toBe("closed");
    expect(await failure(pop3.noop())).toBeInstanceOf(ProtocolError);
  });

  test.each(["LIST", "UIDL"])("an answer to %s about another message than the one that was asked for", async (verb) => {
    const { pop3 } = await ready(`C: ${verb} 1\nS: +OK 2 20\n`);
    expect(await failure(verb === "LIST" ? pop3.list(1) : pop3.uidl(1))).toBeInstanceOf(ProtocolError);
    expect(pop3.state).toBe("closed");
  });

  test("agreement without lines where lines must follow: the next answer is not taken for one", async () => {
    const { pop3 } = await ready("C: UIDL\nS: +OK\n", { timeouts: { ...QUICK, command: 200 } });
    expect(await failure(pop3.uidl().toArray())).toMatchObject({ name: "TimeoutError" });
    expect(pop3.state).toBe("closed");
  });
});

describe("more than fits", () => {
  test.each([
    ["a greeting", `S: +OK ${"x".repeat(3_000)}\n`],
    ["capabilities", `S: +OK\nC: CAPA\nS: +OK\n${`S: ${"x".repeat(900)}\n`.repeat(3)}S: .\n`],
  ])("%s beyond the limits", async (_, script) => {
    const { pop3 } = await talk(script, { limits: { line: 2_000, reply: 2_000 } });
    expect(await failure(pop3.connect())).toBeInstanceOf(ProtocolError);
  });

  test("a list without an end, in memory and in a loop that is left", async () => {
    const rows = () => repeated("+OK\r\n", "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 1_000_000);
    const { pop3 } = await served(rows, { limits: { body: 1_000_000 } });
    expect(await failure(pop3.uidl().toArray())).toMatchObject({ message: expect.stringContaining("limits.body") });
    const other = await served(rows, { limits: { readAhead: 1_000_000 } });
    for await (const _ of other.pop3.uidl()) break;
    expect(other.pop3.state).toBe("closed");
    expect(other.transcript.lines.at(-1)?.text).toContain("a loop over rows was left");
  });

  test("a message without an end", async () => {
    const answers = () => repeated("+OK\r\n", `${"y".repeat(998)}\r\n`, 1_000_000);
    const { pop3 } = await served(answers, { limits: { body: 1_000_000 } });
    expect(await failure(pop3.retr(1))).toMatchObject({ message: expect.stringContaining("limits.body") });
  });

  test("messages far larger than LIST said, asked for ahead", async () => {
    const line = `${"y".repeat(998)}\r\n`;
    function* answers(command: string): Iterable<string> {
      if (command === "UIDL")
        yield `+OK\r\n${Array.from({ length: 100 }, (_, i) => `${i + 1} u${i}\r\n`).join("")}.\r\n`;
      else if (command === "LIST")
        yield `+OK\r\n${Array.from({ length: 100 }, (_, i) => `${i + 1} 5\r\n`).join("")}.\r\n`;
      else yield* repeated("+OK\r\n", line, 10);
    }
    const { pop3 } = await served(answers, { limits: { body: 1_000_000, readAhead: 1_000_000 } });
    const loop = async () => {
      for await (const _ of pop3.fetchNew(new Set())) await sleep(100);
    };
    expect(await failure(loop())).toMatchObject({ name: "ProtocolError", message: expect.stringContaining("LIST") });
    expect(pop3.state).toBe("closed");
  });
});

describe("control characters do not reach an error's message", () => {
  test.each([
    ["a refusal", "C: RETR 1\nS: -ERR \x1b]0;owned\x07\x9b2m\n"],
    ["an answer that cannot be read", "C: RETR 1\nS: + \x1b]0;owned\x07\n"],
  ])("of %s", async (_, script) => {
    const { pop3 } = await ready(script);
    const error = await failure(pop3.retr(1));
    expect(error.message).toContain("\\x1b]0;owned\\x07");
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });
});

describe("nothing can be smuggled into a command", () => {
  test.each(["es\r\nDELE 1", "es\nQUIT", "es\0"])("lang(%j)", async (tag) => {
    const { pop3, server } = await ready("C: STAT\nS: +OK 0 0\n", {}, PIPELINES);
    expect(await failure(pop3.lang(tag))).toBeInstanceOf(UsageError);
    await pop3.stat();
    await server.done;
  });
});
