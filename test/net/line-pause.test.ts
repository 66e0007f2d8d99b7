/** Consumers that are busy: who holds the socket, and whose silence counts meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { DotReader } from "../../src/wire/index.js";
import { play } from "./line.js";
import { failure } from "./loopback.js";

const MB = 1_000_000;
const busy = {};
const IMPATIENT = { timeouts: { command: 100 } };

describe("a pause", () => {
  test("lasts until the last holder lets go, whoever else resumes", async () => {
    const { line, server } = await play();
    const [one, other] = [{}, {}];
    let bytes = 0;
    const reply = line.send("BODY", { body: () => new DotReader((piece) => (bytes += piece.length)) });
    line.pause(one);
    line.pause(other);
    line.pause(other);
    server.write(`200 body\r\n${`${"y".repeat(998)}\r\n`.repeat(1_000)}.\r\n`);
    line.resume(one);
    line.resume(one);
    line.resume({});
    await sleep(50);
    expect([bytes, line.socket.isPaused()]).toEqual([0, true]);
    line.resume(other);
    await reply;
    expect(bytes).toBe(MB);
  });

  test("is no silence of the server's, also for a command that is sent meanwhile", async () => {
    const { line } = await play((command) => `200 ${command}\r\n`, IMPATIENT);
    line.pause(busy);
    const reply = line.send("A");
    await sleep(300);
    line.resume(busy);
    expect((await reply).text).toBe("A");
  });

  test("is no silence of the server's for the next command in line", async () => {
    const answers = (command: string) => (command === "BODY" ? "200 body\r\na\r\n.\r\n" : undefined);
    const { line, server } = await play(answers, IMPATIENT);
    const first = line.send("BODY", { body: () => new DotReader(() => line.pause(busy)) });
    const next = line.send("NEXT");
    await first;
    server.write("200 next\r\n");
    await sleep(300);
    line.resume(busy);
    expect((await next).text).toBe("next");
  });

  test("once over, the server has its time again, and no more", async () => {
    const { line } = await play(undefined, IMPATIENT);
    line.pause(busy);
    const reply = failure(line.send("A"));
    await sleep(200);
    expect(line.closed).toBeUndefined();
    line.resume(busy);
    expect((await reply).name).toBe("TimeoutError");
  });
});

test("what moves is counted: bytes that leave, bytes that come, and signs of life beside them", async () => {
  const { line, server } = await play();
  const reply = line.send("A");
  const before = line.moved;
  await vi.waitFor(() => expect(line.moved).toBeGreaterThan(before));
  const sent = line.moved;
  line.touch();
  expect(line.moved).toBeGreaterThan(sent);
  const touched = line.moved;
  server.write("200 a\r\n");
  await reply;
  expect(line.moved).toBeGreaterThan(touched);
  const { moved } = line;
  await sleep(20);
  expect(line.moved).toBe(moved);
});
