/** fetchNew: what was not seen, in order, ahead and bounded; left early, broken off and repeated. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { ReplyError, UsageError } from "../../src/client/errors.js";
import type { NewMessage } from "../../src/pop3/fetch-new.js";
import { failure } from "../net/loopback.js";
import { clientOf, enter, mailbox, ready } from "./dialogue.js";

const some = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ uid: `u${i + 1}`, content: `message ${i + 1}\r\n` }));

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const message of messages) out.push(message);
  return out;
}

const shown = ({ number, uid, content }: NewMessage) => `${number} ${uid} ${content.toString().trim()}`;

describe("what is new", () => {
  test("everything, where nothing was seen; in order", async () => {
    const { pop3, server } = await mailbox(some(500));
    const got = (await all(pop3.fetchNew(new Set()))).map(shown);
    expect(got).toEqual(some(500).map(({ uid, content }, i) => `${i + 1} ${uid} ${content.trim()}`));
    expect(server.commands.filter((line) => line === "UIDL")).toHaveLength(1);
  });

  test("what was seen is not asked for", async () => {
    const { pop3, server } = await mailbox(some(5));
    expect((await all(pop3.fetchNew(new Set(["u2", "u4", "other"])))).map(({ uid }) => uid)).toEqual([
      "u1",
      "u3",
      "u5",
    ]);
    expect(server.commands.filter((line) => line.startsWith("RETR"))).toEqual(["RETR 1", "RETR 3", "RETR 5"]);
  });

  test("where all was seen, nothing but UIDL is said", async () => {
    const { pop3, server } = await mailbox(some(5));
    const before = server.commands.length;
    expect(await all(pop3.fetchNew({ has: () => true }))).toEqual([]);
    expect(server.commands.slice(before)).toEqual(["UIDL"]);
  });

  test("an empty mailbox", async () => {
    const { pop3 } = await mailbox([]);
    expect(await all(pop3.fetchNew(new Set()))).toEqual([]);
  });

  test("messages that share an id are all given, and all skipped where it was seen", async () => {
    const doubled = [...some(2), { uid: "u1", content: "another\r\n" }];
    const { pop3 } = await mailbox(doubled);
    const seen = new Set<string>();
    const got: string[] = [];
    for await (const message of pop3.fetchNew(seen)) {
      got.push(shown(message));
      seen.add(message.uid);
    }
    expect(got).toEqual(["1 u1 message 1", "2 u2 message 2", "3 u1 another"]);
    expect(await all(pop3.fetchNew(seen))).toEqual([]);
  });

  test("a message without an id is given each time", async () => {
    const script =
      "C: UIDL\nS: +OK\nS: 1\nS: 2 b\nS: .\nC: LIST\nS: +OK\nS: 1 3\nS: 2 3\nS: .\nC: RETR 1\nS: +OK\nS: x\nS: .\n";
    const { pop3 } = await ready(script);
    expect((await all(pop3.fetchNew(new Set(["", "b"])))).map(shown)).toEqual(["1  x"]);
  });

  test("any part of any mailbox", async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(some(12)), fc.integer({ min: 1, max: 20 }), async (known, ahead) => {
        const { pop3 } = await mailbox(some(12));
        const seen = new Set(known.map(({ uid }) => uid));
        const expected = some(12).filter(({ uid }) => !seen.has(uid));
        expect((await all(pop3.fetchNew(seen, { ahead }))).map(({ uid }) => uid)).toEqual(
          expected.map(({ uid }) => uid),
        );
        pop3.close();
      }),
      { numRuns: 30 },
    );
  });

  test.each([undefined, [], "u1"])("%j cannot tell what was seen", async (seen) => {
    const { pop3 } = await mailbox(some(1));
    expect(await failure(all(pop3.fetchNew(seen as never)))).toBeInstanceOf(UsageError);
  });

  test("a server without UIDL is a UsageError that says what to do, and the client goes on", async () => {
    const { pop3 } = await mailbox(some(1), { features: { uidl: false } });
    const error = await failure(all(pop3.fetchNew(new Set())));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain("top(number, 0)");
    expect((await pop3.stat()).count).toBe(1);
  });

  test("a refusal of UIDL for now is what it is", async () => {
    const { pop3 } = await ready("C: UIDL\nS: -ERR [SYS/TEMP] later\n");
    expect(await failure(all(pop3.fetchNew(new Set())))).toMatchObject({ name: "ReplyError", transient: true });
  });

  test("nothing is sent before the loop begins, nor for a wrong option", async () => {
    const { pop3, server } = await mailbox(some(1));
    const before = server.commands.length;
    pop3.fetchNew(new Set());
    expect(() => pop3.fetchNew(new Set(), { ahead: 0 })).toThrow(UsageError);
    await pop3.noop();
    expect(server.commands.slice(before)).toEqual(["NOOP"]);
  });
});

describe("ahead", () => {
  test("no more are asked for than `ahead` says", async () => {
    const { pop3, server } = await mailbox(some(50));
    for await (const _ of pop3.fetchNew(new Set(), { ahead: 10 })) break;
    expect(server.commands.filter((line) => line.startsWith("RETR")).length).toBeLessThanOrEqual(11);
  });

  test("no more bytes than limits.readAhead, and a larger one alone", async () => {
    const big = Array.from({ length: 5 }, (_, i) => ({
      uid: `u${i}`,
      content: `${"x".repeat(98)}\r\n`.repeat(10 + i),
    }));
    const { pop3, server } = await mailbox(big, {}, { limits: { readAhead: 500 } });
    const retrs = () => server.commands.filter((line) => line.startsWith("RETR")).length;
    let taken = 0;
    for await (const { content } of pop3.fetchNew(new Set())) {
      expect(content.length).toBe(1_000 + 100 * taken);
      expect(retrs()).toBeLessThanOrEqual(++taken + 1);
    }
    expect(taken).toBe(5);
  });

  test("calls inside the loop wait for what was asked for, and go on", async () => {
    for (const pipelining of [1, 256]) {
      const { pop3, drop } = await mailbox(some(40), {}, { pipelining });
      for await (const { number } of pop3.fetchNew(new Set())) await pop3.dele(number);
      await pop3.commit();
      expect(drop.count).toBe(0);
    }
  });

  test("two loops at a time on one connection", async () => {
    const { pop3 } = await mailbox(some(40));
    const [one, two] = await Promise.all([all(pop3.fetchNew(new Set())), all(pop3.fetchNew(new Set(["u1"])))]);
    expect([one?.length, two?.length]).toEqual([40, 39]);
  });
});

describe("leaving early, and repeating", () => {
  test("a loop that was left leaves the connection in order; the next one goes on", async () => {
    const { pop3, drop } = await mailbox(some(30));
    const seen = new Set<string>();
    for (const stop of [3, 10, 100]) {
      let taken = 0;
      for await (const { uid } of pop3.fetchNew(seen)) {
        expect(seen.has(uid)).toBe(false);
        seen.add(uid);
        if (++taken === stop) break;
      }
      expect((await pop3.stat()).count).toBe(30);
    }
    expect([...seen]).toEqual(some(30).map(({ uid }) => uid));
    await pop3.quit();
    expect(drop.count).toBe(30);
  });

  test("an error of the loop's body comes out, and the connection is in order", async () => {
    const { pop3 } = await mailbox(some(30));
    const loop = async () => {
      for await (const _ of pop3.fetchNew(new Set())) throw new Error("full");
    };
    expect(await failure(loop())).toMatchObject({ message: "full" });
    expect((await pop3.stat()).count).toBe(30);
  });

  test.each(["RETR 1", "RETR 17", "RETR 30"])(
    "a connection that is lost in %s: what came before is given, once",
    async (command) => {
      const { pop3, server } = await mailbox(some(30));
      const seen: string[] = [];
      server.faults.cutBody = { command, at: 4, times: 1 } as never;
      const take = async (client: typeof pop3) => {
        for await (const { uid } of client.fetchNew(new Set(seen))) seen.push(uid);
      };
      expect(await failure(take(pop3))).toMatchObject({ name: "ConnectionError" });
      expect(seen).toHaveLength(Number(command.slice(5)) - 1);
      server.faults.cutBody = undefined;
      const { pop3: again } = clientOf(server);
      await enter(again);
      await take(again);
      expect(seen).toEqual(some(30).map(({ uid }) => uid));
    },
  );

  test("close() in the loop rejects what follows", async () => {
    const { pop3 } = await mailbox(some(300));
    const loop = async () => {
      for await (const { number } of pop3.fetchNew(new Set(), { ahead: 4 })) if (number === 3) pop3.close();
    };
    expect(await failure(loop())).toMatchObject({ clientUsable: false });
  });
});

describe("messages that are refused", () => {
  const script =
    "C: UIDL\nS: +OK\nS: 1 a\nS: 2 b\nS: .\nC: LIST\nS: +OK\nS: 1 3\nS: .\nC: RETR 1\nS: -ERR broken\nC: RETR 2\nS: +OK\nS: x\nS: .\n";

  test("end the loop", async () => {
    const { pop3 } = await ready(script);
    expect(await failure(all(pop3.fetchNew(new Set())))).toBeInstanceOf(ReplyError);
    expect(pop3.state).toBe("ready");
  });

  test("are passed over where somebody is told", async () => {
    const { pop3 } = await ready(script);
    const told: unknown[] = [];
    const refused = (message: object, error: ReplyError) => void told.push([message, error.message]);
    expect((await all(pop3.fetchNew(new Set(), { refused }))).map(shown)).toEqual(["2 b x"]);
    expect(told).toEqual([[{ number: 1, uid: "a", size: 3 }, expect.stringContaining("broken")]]);
  });
});

describe("to sinks", () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "polywire-new-"));
    onTestFinished(() => rm(path, { recursive: true }));
    return path;
  }

  test("each message to its own, with what is known of it", async () => {
    const path = await folder();
    const { pop3 } = await mailbox(some(40));
    const announced: unknown[] = [];
    const to = (message: { uid: string }) => {
      announced.push(message);
      return join(path, message.uid);
    };
    const got = await all(pop3.fetchNew(new Set(["u1"]), { to }));
    expect(got[0]).toEqual({ number: 2, uid: "u2", bytes: 11 });
    expect(announced[0]).toEqual({ number: 2, uid: "u2", size: 11 });
    expect([got.length, (await readdir(path)).length]).toEqual([39, 39]);
    expect(await readFile(join(path, "u40"), "utf8")).toBe("message 40\r\n");
  });

  test("a loop that is left leaves no half file", async () => {
    const path = await folder();
    const { pop3 } = await mailbox(some(40));
    for await (const _ of pop3.fetchNew(new Set(), { to: ({ uid }) => join(path, uid) })) break;
    for (const name of await readdir(path)) {
      expect(await readFile(join(path, name), "utf8")).toBe(`message ${name.slice(1)}\r\n`);
    }
  });

  test("a sink that cannot be had ends the loop, and the client goes on", async () => {
    const { pop3 } = await mailbox(some(10));
    const to = ({ number }: { number: number }) => {
      if (number === 3) throw new Error("no room");
      return () => {};
    };
    const got: number[] = [];
    const loop = async () => {
      for await (const { number } of pop3.fetchNew(new Set(), { to })) got.push(number);
    };
    expect(await failure(loop())).toMatchObject({ message: "no room" });
    expect([got, (await pop3.stat()).count]).toEqual([[1, 2], 10]);
  });
});
