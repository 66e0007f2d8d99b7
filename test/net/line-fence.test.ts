/** The fence: replies brought back in step after a command was broken off. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError } from "../../src/client/errors.js";
import { play } from "./line.js";
import { failure } from "./loopback.js";

/** What servers say to ABOR in mid transfer, and then to PWD. */
const SERVERS: readonly (readonly [string, string, string, string])[] = [
  ["426 for the transfer, 226 for ABOR (RFC 959)", "426 broken\r\n226 aborted\r\n", '257 "/"\r\n', "426"],
  ["426 for the transfer, 225 for ABOR", "426 broken\r\n225 aborted\r\n", '257 "/"\r\n', "426"],
  ["226 first, 426 second", "226 aborted\r\n426 broken\r\n", '257 "/"\r\n', "226"],
  ["one 226 for both", "226 aborted\r\n", '257 "/"\r\n', "226"],
  ["one 426 for both", "426 broken\r\n", '257 "/"\r\n', "426"],
  ["the second reply only behind PWD", "426 broken\r\n", '226 aborted\r\n257 "/"\r\n', "426"],
  ["three replies", "426 broken\r\n226 done\r\n225 idle\r\n", '257 "/"\r\n', "426"],
  ["the transfer ended in time: 226, and 225 for ABOR", "226 done\r\n225 nothing to abort\r\n", '257 "/"\r\n', "226"],
  ["200 for everything", "200 ok\r\n200 ok\r\n", '257 "/"\r\n', "200"],
  ["500: ABOR is not known", "226 done\r\n500 ABOR?\r\n", '257 "/"\r\n', "226"],
  ["450, as ProFTPD in mid upload", "450 busy\r\n426 broken\r\n226 aborted\r\n", '257 "/"\r\n', "450"],
  ["a second 1xx", "150 still\r\n426 broken\r\n226 aborted\r\n", '257 "/"\r\n', "426"],
  ["several lines", "426-broken\r\n257 no end\r\n426 really\r\n226 aborted\r\n", '257-"/"\r\n257 end\r\n', "426"],
];

describe("servers answer an aborted transfer as they like", () => {
  test.each(SERVERS)("%s", async (_name, toAbor, toPwd, transfer) => {
    const { line, transcript } = await play((command) => {
      if (command === "ABOR") return toAbor;
      if (command === "PWD") return toPwd;
      return command === "RETR x" ? "150 opening\r\n" : "250 next\r\n";
    });
    const retr = line.send("RETR x");
    expect(await line.fence("ABOR", "PWD", "257", 2_000)).toBe(true);
    expect((await retr).code).toBe(transfer);
    expect((await line.send("CWD /")).code).toBe("250");
    expect(line.closed).toBeUndefined();
    expect(transcript.lines.filter((each) => each.who === "C").map((each) => each.text)).toEqual([
      "RETR x",
      "ABOR",
      "PWD",
      "CWD /",
    ]);
  });

  test("a server that answers ABOR without end is not listened to for ever", async () => {
    const { line, server } = await play();
    const endless = setInterval(() => server.write("226 aborted\r\n".repeat(10)), 1);
    onTestFinished(() => clearInterval(endless));
    const retr = line.send("RETR x");
    expect(await line.fence("ABOR", "PWD", "257", 2_000)).toBe(false);
    expect((await retr).code).toBe("226");
  });

  test("a command that was sent along with the transfer gets its own reply, not the fence's", async () => {
    const { line } = await play((command) => {
      if (command === "ABOR") return "426 broken\r\n200 noop\r\n226 aborted\r\n";
      return command === "PWD" ? '257 "/"\r\n' : undefined;
    });
    const [retr, noop] = [line.send("RETR x"), line.send("NOOP")];
    expect(await line.fence("ABOR", "PWD", "257", 2_000)).toBe(true);
    expect([(await retr).code, (await noop).code]).toEqual(["426", "200"]);
  });

  test("a command sent while the fence is out is answered behind it", async () => {
    const { line } = await play((command) => {
      if (command === "ABOR") return "426 broken\r\n226 aborted\r\n";
      return command === "PWD" ? '257 "/"\r\n' : undefined;
    });
    const retr = line.send("RETR x");
    const fence = line.fence("ABOR", "PWD", "257", 2_000);
    expect(await fence).toBe(true);
    expect((await retr).code).toBe("426");
  });
});

describe("a fence that does not come", () => {
  test.each([
    ["ABOR is not answered", "", ""],
    ["PWD is not answered", "426 broken\r\n226 aborted\r\n", ""],
    ["PWD is refused", "426 broken\r\n226 aborted\r\n", "550 no\r\n"],
  ])("%s: false after silence, and nothing stays pending", async (_name, toAbor, toPwd) => {
    const { line } = await play((command) => ({ ABOR: toAbor, PWD: toPwd })[command]);
    const retr = line.send("RETR x").then(
      (reply) => reply.code,
      (error) => error.name,
    );
    expect(await line.fence("ABOR", "PWD", "257", 40)).toBe(false);
    expect(await retr).toBe(toAbor ? "426" : "AbortedError");
    expect(line.inFlight).toBe(0);
  });

  test("hanging up meanwhile: false, and what was pending rejects with the reason", async () => {
    const { line } = await play();
    const retr = failure(line.send("RETR x"));
    const fence = line.fence("ABOR", "PWD", "257", 2_000);
    const reason = line.fail(new AbortedError("enough"));
    expect([await fence, await retr]).toEqual([false, reason]);
  });

  test("the server hanging up meanwhile: false", async () => {
    const { line } = await play((command, socket) => void (command === "ABOR" && socket.destroy()));
    const retr = failure(line.send("RETR x"));
    expect(await line.fence("ABOR", "PWD", "257", 2_000)).toBe(false);
    expect(await retr).toBe(line.closed);
  });

  test("a fence on a closed session is false", async () => {
    const { line } = await play();
    line.fail(new AbortedError("enough"));
    expect(await line.fence("ABOR", "PWD", "257", 10)).toBe(false);
  });
});

describe("a command that is broken off before its turn", () => {
  /** A server that answers by hand; `waits` resolves when this line is the last that it was told. */
  const byHand = async (window?: number) => {
    const bed = await play();
    if (window !== undefined) bed.line.window = window;
    const said = () => bed.got.join("").split("\r\n").slice(0, -1);
    const waits = (line: string) => expect.poll(() => said().at(-1)).toBe(line);
    const says = (text: string) => void bed.server.write(text);
    return { ...bed, said, waits, says };
  };
  const outcome = (call: Promise<{ code: string }>) =>
    call.then(
      ({ code }) => code,
      (error: Error) => error.name,
    );

  test("those before it have their own replies, and nothing is said before its turn", async () => {
    const { line, said, waits, says } = await byHand();
    const [dele, epsv, stor] = ["DELE a", "EPSV", "STOR x"].map((command) => outcome(line.send(command)));
    const broken = line.asked;
    const behind = outcome(line.send("NOOP"));
    const fence = line.fence("ABOR", "PWD", "257", 2_000, broken);
    await waits("NOOP");
    says("250 gone\r\n");
    expect(await dele).toBe("250");
    says("229 ok\r\n");
    expect(await epsv).toBe("229");
    await waits("ABOR");
    says("150 go on\r\n");
    says("426 broken\r\n");
    await waits("PWD");
    says('257 "/"\r\n');
    expect(await fence).toBe(true);
    expect([await stor, await behind]).toEqual(["426", "AbortedError"]);
    expect(said()).toEqual(["DELE a", "EPSV", "STOR x", "NOOP", "ABOR", "PWD"]);
  });

  test("one that has its reply when its turn is seen is not broken off", async () => {
    const { line, said, waits, says } = await byHand();
    const [epsv, stor] = ["EPSV", "STOR x"].map((command) => outcome(line.send(command)));
    const fence = line.fence("ABOR", "PWD", "257", 2_000, line.asked);
    await waits("STOR x");
    says("229 ok\r\n150 go on\r\n226 done\r\n");
    expect([await epsv, await stor, await fence]).toEqual(["229", "226", true]);
    expect(await line.fence("ABOR", "PWD", "257", 2_000, line.asked)).toBe(true);
    const next = outcome(line.send("CWD /"));
    await waits("CWD /");
    says("250 ok\r\n");
    expect(await next).toBe("250");
    expect(said()).toEqual(["EPSV", "STOR x", "CWD /"]);
  });

  test("one that was not sent yet is not sent any more, and those before it are", async () => {
    const { line, said, waits, says } = await byHand(20);
    const [dele, epsv, stor] = ["DELE a-long-name", "EPSV", "STOR x"].map((command) => outcome(line.send(command)));
    expect(await line.fence("ABOR", "PWD", "257", 2_000, line.asked)).toBe(true);
    expect(await stor).toBe("AbortedError");
    says("250 gone\r\n");
    await waits("EPSV");
    says("229 ok\r\n");
    expect([await dele, await epsv]).toEqual(["250", "229"]);
    expect(said()).toEqual(["DELE a-long-name", "EPSV"]);
  });

  test("one that was withdrawn is not counted where another one before it is broken off", async () => {
    const { line, said, waits, says } = await byHand(20);
    const retr = outcome(line.send("RETR a-long-name"));
    const first = line.asked;
    const noop = outcome(line.send("NOOP"));
    const stor = outcome(line.send("STOR x"));
    const second = line.asked;
    expect(await line.fence("ABOR", "PWD", "257", 2_000, second)).toBe(true);
    // Nothing is left to be said of it.
    expect(await line.fence("ABOR", "PWD", "257", 2_000, second)).toBe(true);
    expect(line.inFlight).toBe(2);
    const fence = line.fence("ABOR", "PWD", "257", 2_000, first);
    await waits("ABOR");
    says("426 broken\r\n");
    await waits("PWD");
    says('257 "/"\r\n');
    expect([await fence, await retr, await noop, await stor]).toEqual([true, "426", "AbortedError", "AbortedError"]);
    expect(said()).toEqual(["RETR a-long-name", "ABOR", "PWD"]);
  });

  test("those before it have their time, the one right before it has no more than the fence", async () => {
    const { line, waits, says } = await byHand();
    const [dele, epsv, stor] = ["DELE a", "EPSV", "STOR x"].map((command) => outcome(line.send(command)));
    const fence = line.fence("ABOR", "PWD", "257", 40, line.asked);
    await waits("STOR x");
    await sleep(200);
    expect(line.closed).toBeUndefined();
    says("250 gone\r\n");
    expect(await fence).toBe(false);
    expect([await dele, await epsv, await stor]).toEqual(["250", "TimeoutError", "TimeoutError"]);
    expect(line.closed?.message).toContain("within 40 ms");
  });

  test("hanging up meanwhile: false", async () => {
    const { line } = await byHand();
    const [epsv, stor] = ["EPSV", "STOR x"].map((command) => failure(line.send(command)));
    const fence = line.fence("ABOR", "PWD", "257", 2_000, line.asked);
    const reason = line.fail(new AbortedError("enough"));
    expect([await fence, await epsv, await stor]).toEqual([false, reason, reason]);
  });
});
