/** Servers that lie, stop, or talk at random: every message has its outcome, and nothing hangs. */
import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { failure, listen } from "../net/loopback.js";
import { clientOf, connected, hello, inMemory, raw, talk } from "./dialogue.js";

const WORDS = [
  "250 ok",
  "250-2.1.0 a\r\n250 b",
  "354 go",
  "550 5.1.1 no",
  "450 later",
  "503 what?",
  "554 5.7.1 no",
  "",
  "421 bye",
  "hello",
  "250\u001b[2J",
];

/** A server with these extensions that answers each read with what comes next in `answers`, then hangs up. */
function chatter(extensions: string[], answers: string[]): Promise<number> {
  const ehlo = ["x", ...extensions]
    .map((line, i, { length }) => `250${i === length - 1 ? " " : "-"}${line}\r\n`)
    .join("");
  return listen(
    createServer((socket: Socket) => {
      socket.write("220 x\r\n");
      const left = [...answers];
      let greeted = false;
      socket.on("data", () => {
        const next = greeted ? left.splice(0, 1 + (left.length % 4)) : [ehlo.slice(0, -2)];
        greeted = true;
        if (next.length === 0) socket.end();
        else socket.write(next.map((line) => (line === "" ? "" : `${line}\r\n`)).join(""));
      });
    }),
  );
}

describe.each([
  ["BDAT", ["PIPELINING", "CHUNKING"], false],
  ["DATA", ["PIPELINING"], false],
  ["step by step", [], false],
  ["LMTP", ["PIPELINING"], true],
] as [string, string[], boolean][])("%s", (_, extensions, lmtp) => {
  test("whatever the server answers, each message has one outcome, and what is sent was answered by consent", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...WORDS), { maxLength: 30 }), async (answers) => {
        const port = await chatter(extensions, answers);
        const timeouts = { connect: 1_000, greeting: 1_000, command: 60, idle: 60, quit: 60 };
        const { smtp } = clientOf({ host: "127.0.0.1", port }, { lmtp, timeouts, acceptTimeout: 60 });
        await smtp.connect({ timeout: 3_000 });
        const messages = Array.from({ length: 6 }, (_, i) => raw(`${i}`, ["a@x.org", "b@x.org"]));
        const outcomes = await smtp.sendAll(messages).toArray();
        expect(outcomes.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
        for (const { state, accepted, error, reply } of outcomes) {
          expect(accepted.length > 0).toBe(state === "sent" || (lmtp && state === "unknown" && accepted.length > 0));
          if (state === "sent" && !lmtp) expect(reply?.code).toMatch(/^2/);
          if (state !== "sent") expect(error).toBeDefined();
          expect(error?.message ?? "").not.toContain("\u001b");
        }
        smtp.close();
      }),
      { numRuns: 60 },
    );
  });
});

test("a reply that nobody waits for closes the connection", async () => {
  const { smtp } = await connected([], "C: NOOP\nS: 250 ok\nS: 250 and more\n");
  await smtp.noop();
  expect(await failure(smtp.noop())).toBeInstanceOf(ProtocolError);
});

test("an endless reply, and an endless line, are limited", async () => {
  const limits = { line: 1_000, reply: 10_000 };
  const endless = await talk(`S: 220 x\nC: EHLO client.example.org\n${"S: 250-x\n".repeat(5_000)}`, { limits });
  expect(await failure(endless.smtp.connect())).toBeInstanceOf(ProtocolError);
  const long = await talk(`S: 220 ${"x".repeat(2_000)}\n`, { limits });
  expect(await failure(long.smtp.connect())).toBeInstanceOf(ProtocolError);
});

test("what a server says is shown without what only a terminal reads", async () => {
  const { smtp } = await talk(`${hello()}C: VRFY x\nS: 550 \x1b]0;owned\x07 no\n`);
  await smtp.connect();
  expect((await failure(smtp.vrfy("x"))).message).toMatch(/^the server refused "VRFY x": 550 \\x1b\]0;owned\\x07 no/);
});

test("replies cut at every byte", async () => {
  const { smtp, server } = await inMemory({ faults: { byteByByte: true } });
  const outcomes = await smtp.sendAll([raw("1"), raw("2", "nobody@"), raw("3")]).toArray();
  expect(outcomes.map(({ state }) => state)).toEqual(["sent", "unsent", "sent"]);
  expect(server.messages).toHaveLength(2);
});

test("a server that reads slowly and answers meanwhile does not stop both sides", async () => {
  const { smtp, server } = await inMemory(
    { faults: { slowReader: { bytes: 16_384, delay: 1 } }, keep: "count" },
    { window: 64 },
  );
  const large = { ...raw(), raw: Buffer.alloc(100_000, "a line\r\n") };
  const outcomes = await smtp.sendAll(Array.from({ length: 40 }, () => large)).toArray();
  expect(outcomes.every(({ state }) => state === "sent")).toBe(true);
  expect(server.messageCount).toBe(40);
});
