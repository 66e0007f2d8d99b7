/** What a line session never shows, and how long it waits. */
import { describe, expect, test, vi } from "vitest";
import { type PolywireError, TimeoutError } from "../../src/client/errors.js";
import type { Reply } from "../../src/client/session.js";
import { play } from "./line.js";
import { failure } from "./loopback.js";

const echo = (command: string) => `200 ${command}\r\n`;
const texts = (replies: readonly Reply[]) => replies.map((reply) => reply.text);

describe("secrets", () => {
  test("a hidden value is in no transcript and no error, whoever says it", async () => {
    const { line, server, transcript, closed } = await play((command) => `331 you said ${command}\r\n`);
    line.hide("s3cret");
    line.hide("s3cret-and-more");
    await line.send("PASS s3cret", { shown: "PASS ***" });
    await line.send("SITE s3cret-and-more");
    server.write("what is s3cret?\r\n");
    await vi.waitFor(() => expect(closed).toHaveLength(1));
    const error = closed[0] as PolywireError;
    expect(transcript.script() + error.message + String(error.stack) + JSON.stringify(error)).not.toMatch(
      /s3cret|and-more/,
    );
    expect(transcript.lines.map((each) => each.text)).toContain("PASS ***");
    expect(error.message).toContain("what is ***?");
  });

  test("a stray reply that repeats a secret is redacted", async () => {
    const { line, server, closed } = await play();
    line.hide("s3cret");
    server.write("530 s3cret is wrong\r\n");
    await vi.waitFor(() => expect(closed[0]?.message).toContain("530 *** is wrong"));
  });

  test("what a login is asked by is left out of the transcript, and what is said behind it is not", async () => {
    const { line, transcript } = await play((command) =>
      command === "AUTH X" ? "334 cj1hYmMscz1kZWY=\r\n" : echo(command),
    );
    expect((await line.send("AUTH X", { veiled: true })).text).toBe("cj1hYmMscz1kZWY=");
    await line.send("2.7.0 welcome", { shown: "***", veiled: true });
    await line.send("abcd");
    expect(transcript.lines.filter(({ who }) => who === "S").map(({ text }) => text)).toEqual([
      "334 ***",
      "200 2.7.0 welcome",
      "200 abcd",
    ]);
  });

  test("what a server says to a person has no control characters in errors", async () => {
    const { server, closed } = await play();
    server.write("530 \x1b]0;owned\x07\r\n");
    await vi.waitFor(() => expect(closed[0]?.message).toContain("530 \\x1b]0;owned\\x07"));
  });

  test("values too short to be found safely are not hidden; an empty one hides nothing", async () => {
    const { line } = await play();
    for (const value of ["", "ab", undefined]) line.hide(value);
    expect(line.redact("ab cd")).toBe("ab cd");
  });
});

describe("silence", () => {
  test("no reply in time is a TimeoutError that closes the session", async () => {
    const { line, closed } = await play(undefined, { timeouts: { command: 30 } });
    const sends = [line.send("A"), line.send("B")].map(failure);
    const error = await sends[0];
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ phase: "command", retryable: true, clientUsable: false });
    expect(error?.message).toContain("within 30 ms");
    expect([await sends[1], closed]).toEqual([error, [error]]);
  });

  test("a silent greeting says what to look at", async () => {
    const { line } = await play();
    expect((await failure(line.receive("greeting", { timeout: 20 }))).message).toContain("right port");
  });

  test("every byte is a sign of life", async () => {
    const { line, server } = await play();
    const send = line.send("A", { timeout: 400 });
    for (const byte of "200 slow\r\n") {
      server.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect((await send).text).toBe("slow");
  });

  test("an idle session is not timed out, and each command has its own time", async () => {
    const { line } = await play(echo, { timeouts: { command: 40 } });
    await line.send("A");
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(line.closed).toBeUndefined();
    expect((await line.send("B")).text).toBe("B");
  });

  test("a lenient probe gives up without closing: what came is given, the rest is undefined", async () => {
    const { line } = await play((command) => (command === "A" ? echo(command) : undefined));
    expect((await line.probe(["A", "B", "C"], 30)).map((reply) => reply?.text)).toEqual(["A", undefined, undefined]);
    expect(line.closed).toBeUndefined();
    expect((await line.send("A")).text).toBe("A");
  });

  test("a probe that is answered is a pack", async () => {
    const { line } = await play(echo);
    expect(texts((await line.probe(["A", "B"], 1_000)) as Reply[])).toEqual(["A", "B"]);
  });
});
