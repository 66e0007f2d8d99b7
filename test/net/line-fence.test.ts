/** The fence: replies brought back in step after a command was broken off. */
import { describe, expect, test } from "vitest";
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
