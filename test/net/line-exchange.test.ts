/** Exchanges: commands and bytes in one write, replies one by one, room to write, and whose turn it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type ConnectionError, ProtocolError, TimeoutError, UsageError } from "../../src/client/errors.js";
import type { Exchange, LineSession } from "../../src/net/line-session.js";
import { play } from "./line.js";
import { failure } from "./loopback.js";

const NOTHING: Exchange = { replies: 0, take: () => {}, fail: () => {} };

/** What came of an exchange: the texts of replies, and errors by name. */
function exchange(line: LineSession, commands: readonly string[], bytes: readonly Buffer[] = [], timeout?: number) {
  const heard: string[] = [];
  const done = new Promise<void>((resolve) => {
    const hear = (text: string) => {
      if (heard.push(text) === commands.length) resolve();
    };
    line.exchange(commands, bytes, {
      replies: commands.length,
      timeout,
      take: ({ text }) => hear(text),
      fail: ({ name }) => hear(name),
    });
  });
  return { heard, done };
}

describe("an exchange", () => {
  test("leaves in one write with all of its tick, and its replies come one by one", async () => {
    const { line, got } = await play((command) => (/^[A-D]$/.test(command) ? `200 ${command}\r\n` : undefined));
    const first = exchange(line, ["A", "B"], [Buffer.from("bytes"), Buffer.from(" of it\r\n")]);
    const second = exchange(line, ["C"]);
    const sent = line.sendBytes([Buffer.from("D\r\n")]);
    await Promise.all([first.done, second.done, sent]);
    expect([first.heard, second.heard]).toEqual([["A", "B"], ["C"]]);
    expect(got).toEqual(["A\r\nB\r\nbytes of it\r\nC\r\nD\r\n"]);
  });

  test("may wait longer for its last reply than for those before it", async () => {
    const { line } = await play((command, socket) => {
      if (command === "A") return "200 A\r\n";
      if (command === "B") void sleep(300).then(() => socket.write("200 B\r\n"));
      return undefined;
    });
    const outcome = (command: string) =>
      new Promise<string[]>((resolve) => {
        const heard: string[] = [];
        const hear = (text: string) => void (heard.push(text) === 2 && resolve(heard));
        line.exchange([command, "B"], [], {
          replies: 2,
          timeout: 100,
          lastTimeout: 2_000,
          take: ({ text }) => hear(text),
          fail: ({ name }) => hear(name),
        });
      });
    expect(await outcome("A")).toEqual(["A", "B"]);
    expect(await outcome("silence")).toEqual(["TimeoutError", "TimeoutError"]);
  });

  test("is not sent at all where one command is unsendable", async () => {
    const { line, got } = await play((command) => `200 ${command}\r\n`);
    expect(() => line.exchange(["A", "B\r\nC"], [], NOTHING)).toThrow(UsageError);
    await line.send("D");
    expect(got).toEqual(["D\r\n"]);
  });

  test("fails once for each reply that does not come", async () => {
    const { line } = await play((command, socket) => {
      if (command === "A") socket.end("200 A\r\n");
      return undefined;
    });
    const { heard, done } = exchange(line, ["A", "B", "C"]);
    await done;
    expect(heard).toEqual(["A", "ConnectionError", "ConnectionError"]);
    const late = exchange(line, ["D"]);
    await late.done;
    expect(late.heard).toEqual(["ConnectionError"]);
  });

  test("whose taker throws closes the connection, and is told so", async () => {
    const { line, closed } = await play((command) => `200 ${command}\r\n`);
    const failed = await new Promise<Error>((resolve) => {
      const take = () => {
        throw new ProtocolError("out of step");
      };
      line.exchange(["A"], [], { replies: 1, take, fail: resolve });
    });
    expect(failed).toBe(closed[0]);
    expect(failed.message).toBe("out of step");
  });
});

describe("room", () => {
  const large = Buffer.alloc(64 * 1024 * 1024);

  test("there is, until the connection takes no more; then it is waited for", async () => {
    const { line, server } = await play();
    expect(line.room()).toBeUndefined();
    server.pause();
    line.exchange([], [large], NOTHING);
    const room = line.room();
    expect(room).toBeInstanceOf(Promise);
    expect(line.room()).toBe(room);
    server.resume();
    await room;
    expect(line.room()).toBeUndefined();
  });

  test("that never comes is a time-out", async () => {
    const { line, server, closed } = await play(undefined, { timeouts: { idle: 200 } });
    server.pause();
    line.exchange([], [large], NOTHING);
    await expect(line.room()).rejects.toBeInstanceOf(TimeoutError);
    expect((closed[0] as ConnectionError).phase).toBe("data");
    await expect(line.room()).rejects.toBe(closed[0]);
  });
});

describe("a large body, to a server that reads slowly", () => {
  const large = Buffer.alloc(40_000_000, "x");

  /** A server that takes two seconds to read it, and then says so. */
  async function slow() {
    const { line, server } = await play(undefined, { timeouts: { command: 700 } });
    let bytes = 0;
    server.removeAllListeners("data").on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      server.pause();
      setTimeout(() => server.resume(), chunk.length / 20_000);
      if (bytes === large.length) server.write("200 all of it\r\n");
    });
    return line;
  }

  test("the command's time-out does not run as long as bytes leave", async () => {
    const line = await slow();
    expect((await line.sendBytes([large])).text).toBe("all of it");
  });

  test("that stops reading: it is a time-out", async () => {
    const { line, server } = await play(undefined, { timeouts: { command: 100 } });
    server.pause();
    const error = await failure(line.sendBytes([large]));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toMatch(/takes no more bytes: .* timeouts\.command or the timeout of the call can be raised/);
  });
});

describe("our turn", () => {
  test("the server's silence is not its fault, until it is its turn again", async () => {
    const { line, closed } = await play(undefined, { timeouts: { command: 100 } });
    const { heard, done } = exchange(line, ["A"]);
    line.ourTurn = true;
    await sleep(300);
    expect(heard).toEqual([]);
    line.ourTurn = false;
    await done;
    expect(heard).toEqual(["TimeoutError"]);
    expect(closed[0]?.message).toMatch(/within 100 ms: timeouts\.command or the timeout of the call/);
  });

  test("an answer that comes early is taken", async () => {
    const { line } = await play((command) => `200 ${command}\r\n`);
    line.ourTurn = true;
    const { heard, done } = exchange(line, ["A"]);
    await done;
    expect(heard).toEqual(["A"]);
  });
});
