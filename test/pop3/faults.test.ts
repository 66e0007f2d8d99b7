/** The server in memory with its faults: late, rude, full, lying, gone. */
import { describe, expect, test } from "vitest";
import { ConnectionError, PolywireError, ReplyError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { enter, mailbox, memory, QUICK } from "./dialogue.js";

const MESSAGES = ["one\r\n", ".two\r\n", "three\r\n", "four\r\n"];

describe("greetings", () => {
  test("one that comes late is waited for, as long as it may take", async () => {
    const { pop3 } = await memory({ faults: { greetingDelay: 150 } });
    await enter(pop3);
    expect(pop3.state).toBe("ready");
    const other = await memory({ faults: { greetingDelay: 5_000 } }, { timeouts: { ...QUICK, greeting: 100 } });
    expect(await failure(other.pop3.connect())).toMatchObject({ name: "TimeoutError", phase: "greeting" });
    expect(other.pop3.state).toBe("closed");
  });

  test("one that does not come, under every security", async () => {
    for (const security of ["plain", "starttls", "tls"] as const) {
      const tls = security === "tls" ? "implicit" : "starttls";
      const { pop3 } = await memory(
        { tls, faults: { silent: true } },
        { security, timeouts: { ...QUICK, connect: 200, greeting: 200 } },
      );
      expect(await failure(pop3.connect())).toMatchObject({ name: "TimeoutError", retryable: true });
    }
  });

  test("too many connections: the one refused may come again, and does", async () => {
    const { pop3, server } = await memory({ faults: { tooManyConnections: 1 } });
    expect(await failure(pop3.connect())).toMatchObject({ name: "ReplyError", enhanced: "SYS/TEMP", retryable: true });
    const again = pop3.clone();
    await enter(again);
    expect(again.state).toBe("ready");
    again.close();
    expect(server.commands).toContain("CAPA");
  });
});

describe("in the middle of a pipeline", () => {
  test("a refusal is that of its own call", async () => {
    const { pop3 } = await mailbox(MESSAGES);
    const numbers = [1, 99, 2, 98, 3, 4, 97];
    const all = await Promise.allSettled(numbers.map((number) => pop3.retr(number)));
    const outcomes = all.map((each) =>
      each.status === "fulfilled" ? each.value.content.toString() : (each.reason as ReplyError).command,
    );
    expect(outcomes).toEqual(["one\r\n", "RETR 99", ".two\r\n", "RETR 98", "three\r\n", "four\r\n", "RETR 97"]);
    expect((await pop3.stat()).count).toBe(4);
  });

  test("a server that goes away answers one with the reason; what waits behind it is told of the end", async () => {
    const { pop3, server } = await mailbox(MESSAGES, { mechanisms: ["PLAIN"], features: { apop: false } });
    server.faults.goingAwayAfter = server.commands.length + 2;
    const all = await Promise.allSettled([1, 2, 3, 4].map((number) => pop3.retr(number)));
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
    expect(all[2]).toMatchObject({ reason: { name: "ReplyError", enhanced: "SYS/TEMP", retryable: true } });
    expect(all[3]).toMatchObject({ reason: { name: "ConnectionError", retryable: true, clientUsable: false } });
    expect(pop3.state).toBe("closed");
  });

  test("a message that is cut: it and all behind it fail, what came before it is given", async () => {
    const { pop3, server } = await mailbox(MESSAGES);
    server.faults.cutBody = { command: "RETR 2", at: 3 };
    const all = await Promise.allSettled([1, 2, 3].map((number) => pop3.retr(number)));
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    for (const each of all.slice(1)) expect(each).toMatchObject({ reason: expect.any(ConnectionError) });
    expect(pop3.state).toBe("closed");
  });
});

describe("deletions", () => {
  test("wherever the connection ends: all that commit() said is gone, or all is there", async () => {
    const users = { alice: { password: "s3cret", messages: MESSAGES } };
    const options = { users, mechanisms: ["PLAIN"], features: { apop: false } };
    const session = async ({ pop3 }: Awaited<ReturnType<typeof memory>>) => {
      await enter(pop3);
      await Promise.all([pop3.dele(1), pop3.dele(3)]);
      await pop3.commit();
    };
    const whole = await memory(options);
    await session(whole);
    expect(whole.server.maildrop("alice").count).toBe(2);
    const total = whole.server.replyBytes;
    const left = new Set<number>();
    for (let closeAtByte = 0; closeAtByte < total; closeAtByte++) {
      const all = await memory({ ...options, faults: { closeAtByte } });
      const error = await session(all).then(
        () => undefined,
        (reason) => reason,
      );
      const where = `cut at byte ${closeAtByte} of ${total}`;
      expect(error, where).toBeInstanceOf(PolywireError);
      expect([error.clientUsable, all.pop3.state], where).toEqual([false, "closed"]);
      await expect.poll(() => all.server.maildrop("alice").locked).toBe(false);
      left.add(all.server.maildrop("alice").count);
      await all.server.close();
    }
    // Where only the answer to QUIT was lost, they are gone: the error says that nobody knows.
    expect([...left].sort()).toEqual([2, 4]);
  });
});

describe("what is told of messages", () => {
  test("ids that several messages share: fetchNew gives them all", async () => {
    const { pop3, server } = await mailbox(MESSAGES);
    server.faults.duplicateUids = 2;
    const got: string[] = [];
    for await (const { content } of pop3.fetchNew(new Set())) got.push(content.toString());
    expect(got).toEqual(MESSAGES);
  });

  test.each([-3, 1_000, 1_000_000_000])("sizes that are %i octets wrong change no content", async (wrongSizes) => {
    const { pop3, server } = await mailbox(MESSAGES);
    server.faults.wrongSizes = wrongSizes;
    const got: string[] = [];
    for await (const { content } of pop3.fetchNew(new Set())) got.push(content.toString());
    expect(got).toEqual(MESSAGES);
  });

  test("more ids than messages: what is not there is refused, and told", async () => {
    const { pop3, server } = await mailbox(MESSAGES);
    server.faults.uidlRows = 2;
    const refused: number[] = [];
    const got: string[] = [];
    const options = { refused: ({ number }: { number: number }) => refused.push(number) };
    for await (const { content } of pop3.fetchNew(new Set(), options)) got.push(content.toString());
    expect([got, refused]).toEqual([MESSAGES, [5, 6]]);
    expect(await failure(all(pop3.fetchNew(new Set())))).toBeInstanceOf(ReplyError);
    expect((await pop3.stat()).count).toBe(4);
  });

  test("status lines of 10,000 characters", async () => {
    const { pop3, server } = await mailbox(MESSAGES);
    server.faults.longReply = 10_000;
    expect((await pop3.retr(2)).content.toString()).toBe(".two\r\n");
    await pop3.noop();
    expect((await pop3.request("NOOP")).text.length).toBeGreaterThan(9_000);
  });
});

async function all(loop: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of loop);
}
