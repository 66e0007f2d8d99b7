/** Many messages on one connection: pipelined, in order, each with its outcome, whatever happens. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AbortedError, UsageError } from "../../src/client/errors.js";
import type { SendState } from "../../src/smtp/result.js";
import type { Faults } from "../../src/testing/smtp/faults.js";
import { failure } from "../net/loopback.js";
import { connected, inMemory, memory, raw } from "./dialogue.js";

const MANY = Array.from({ length: 200 }, (_, i) => raw(`number ${i}`));

/** The manners in which a server takes messages. */
const MANNERS = [
  ["BDAT in a window", { features: {} }],
  ["DATA in a chain", { features: { chunking: false } }],
  ["DATA, given away where nobody is left", { features: { chunking: false, eagerData: true } }],
  ["step by step", { features: { chunking: false, pipelining: false } }],
  ["BDAT step by step", { features: { pipelining: false } }],
  ["HELO only", { features: { ehlo: false } }],
  ["LMTP", { lmtp: true, features: {} }],
] as const;

const message = (from: string, ...to: string[]) => ({
  envelope: { from, to },
  raw: Buffer.from(`${from} to ${to}\r\n`),
});
const reject = { "nobody@*": "550 5.1.1 no such user", "later@*": "450 4.2.1 later" };

describe.each(MANNERS)("%s", (_, { features, ...rest }) => {
  const lmtp = "lmtp" in rest;

  test("every message arrives, in order, and the server has nothing to complain about", async () => {
    const { smtp, server } = await inMemory({ features, ...rest }, { lmtp });
    const outcomes = await smtp.sendAll(MANY).toArray();
    expect(outcomes.map(({ index, state }) => [index, state])).toEqual(MANY.map((_, i) => [i, "sent"]));
    expect(server.messages.map(({ content }) => content.toString())).toEqual(MANY.map(({ raw }) => raw.toString()));
    expect(server.violations).toEqual([]);
  });

  test("refusals hit their own message only, and no recipient comes under another sender", async () => {
    const people = fc.constantFrom("bob@x.org", "carol@x.org", "nobody@x.org", "later@x.org");
    const senders = fc.constantFrom("a@x.org", "b@x.org", "bad@x.org");
    const letters = fc.array(fc.tuple(senders, fc.uniqueArray(people, { minLength: 1, maxLength: 3 })), {
      maxLength: 12,
    });
    const rejectFrom = { "bad@*": "553 5.1.8 not you" };
    const { smtp, server } = await inMemory({ features, ...rest, reject, rejectFrom }, { lmtp });
    await fc.assert(
      fc.asyncProperty(letters, async (all) => {
        server.messages.length = 0;
        const outcomes = await smtp.sendAll(all.map(([from, to]) => message(from, ...to))).toArray();
        const taken = all.map(([from, to]) =>
          from === "bad@x.org" ? [] : to.filter((each) => !/^(nobody|later)/.test(each)),
        );
        expect(outcomes.map(({ accepted }) => accepted.map(({ recipient }) => recipient))).toEqual(taken);
        expect(outcomes.map(({ state }) => state)).toEqual(taken.map((to) => (to.length > 0 ? "sent" : "refused")));
        const expected = all.flatMap(([from, to], i) =>
          taken[i]!.length > 0 ? [[from, taken[i], `${from} to ${to}\r\n`]] : [],
        );
        expect(server.messages.map(({ from, to, content }) => [from, to, content.toString()])).toEqual(expected);
      }),
      { numRuns: 40 },
    );
    expect(server.violations).toEqual([]);
  });

  test.each([
    ["the connection is lost before the 5th message is taken", { closeBeforeCommand: { command: "." } }],
    ["the connection is lost behind the 5th message, before its answer", { loseReply: { command: "." } }],
    ["421 in mid window", { goingAwayAfter: 22 }],
    ["421 in place of the answer to the 5th message", { refuse: { command: ".", reply: "421 4.3.2 down" } }],
    ["the connection is cut in the middle of the 5th message", { cutData: { at: 7 } }],
    ["the connection is cut in the middle of a reply", { closeAtByte: 900 }],
  ] as [string, Faults][])("%s: what is said to be sent arrived, what is said not to be did not", async (_, faults) => {
    let taken = 0;
    const onMessage = () => {
      // From the fifth message on, whatever is in flight behind the fourth.
      if (++taken === 4) Object.assign(server.faults, faults);
      return undefined;
    };
    const { smtp, server } = await inMemory({ features, ...rest, onMessage }, { lmtp });
    const outcomes = await smtp.sendAll(MANY.slice(0, 60)).toArray();
    expect(outcomes.map(({ index }) => index)).toEqual(MANY.slice(0, 60).map((_, i) => i));
    const arrived = new Set(server.messages.map(({ content }) => content.toString()));
    for (const { index, state, error } of outcomes) {
      const came = arrived.has(MANY[index]!.raw.toString());
      if (state !== "unknown") expect(came, `message ${index} is ${state}`).toBe(state === "sent");
      expect(error === undefined, `message ${index} is ${state}`).toBe(state === "sent");
      if (error) expect(error.retryable).toBe(state !== "unknown");
    }
    // A window of 16 at most may be in doubt, never all that was not begun.
    expect(outcomes.filter(({ state }) => state === "unknown").length).toBeLessThanOrEqual(16);
    expect(outcomes.at(-1)?.state).toBe("unsent");
    expect(smtp.state).toBe("closed");
  });
});

test.each(MANNERS)("%s: cut off at every byte of the answers, the outcomes are true", async (_, given) => {
  const { features } = given;
  const lmtp = "lmtp" in given;
  const whole = await inMemory({ features, lmtp }, { lmtp });
  await whole.smtp.sendAll(MANY.slice(0, 4)).toArray();
  const answers = whole.transcript.script().match(/^S: .*$/gm) ?? [];
  const length = answers.join("\r\n").length;
  for (let at = 1; at < length; at += 1) {
    const { smtp, server } = await memory({ features, lmtp, faults: { closeAtByte: at } }, { lmtp });
    const connecting = await smtp.connect().catch((error) => error);
    if (connecting instanceof Error) {
      expect(connecting).toMatchObject({ clientUsable: false });
      continue;
    }
    const outcomes = await smtp.sendAll(MANY.slice(0, 4)).toArray();
    const arrived = new Set(server.messages.map(({ content }) => content.toString()));
    for (const { index, state } of outcomes) {
      const came = arrived.has(MANY[index]!.raw.toString());
      if (state !== "unknown") expect(came, `cut at ${at}: message ${index} is ${state}`).toBe(state === "sent");
    }
    await server.close();
  }
});

describe("what goes over the wire", () => {
  test("several messages in flight by BDAT, with RSET where the one before may fail", async () => {
    const commands = "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\n";
    const content = (text: string) => `C: BDAT 19 LAST\nC: Subject: ${text}\nC:\nC: ${text}\n`;
    const group = (text: string) => `${commands}${content(text)}`;
    const yes = (count: number) => "S: 250 ok\n".repeat(count);
    const { smtp, server } = await connected(
      ["PIPELINING", "CHUNKING"],
      `${commands}${yes(2)}${content("aa")}${yes(1)}${group("bb")}C: RSET\n${group("cc")}C: RSET\n${group("dd")}${yes(11)}`,
    );
    const outcomes = await smtp.sendAll(["aa", "bb", "cc", "dd"].map((text) => raw(text))).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(["sent", "sent", "sent", "sent"]);
    await server.done;
  });

  test("with a window of one, no RSET and one message at a time", async () => {
    const { smtp, server } = await inMemory({}, { window: 1 });
    await smtp.sendAll(MANY.slice(0, 10)).toArray();
    expect(server.commands).not.toContain("RSET");
    expect(server.messages).toHaveLength(10);
  });

  test("messages of all kinds, one behind the other", async () => {
    const { smtp, server } = await inMemory();
    const large = Buffer.from(`Subject: large\r\n\r\n${"x\r\n".repeat(200_000)}`);
    const kinds = [
      raw("1"),
      { ...raw(), raw: large },
      raw("2"),
      { ...raw(), raw: [Buffer.from("in "), Buffer.from("pieces")] },
      raw("3"),
    ];
    const outcomes = await smtp.sendAll(kinds).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(Array(5).fill("sent"));
    expect(server.messages.map(({ size }) => size)).toEqual([17, large.length, 17, 11, 17]);
    expect(server.violations).toEqual([]);
  });
});

describe("the iterable", () => {
  test("may be slow: what is there is sent meanwhile", async () => {
    const { smtp, server } = await inMemory();
    const seen: number[] = [];
    async function* slowly() {
      for (let i = 0; i < 4; i++) {
        yield raw(`${i}`);
        // The next one comes when this one has arrived, and its outcome was seen.
        while (server.messages.length <= i) await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
    for await (const { index } of smtp.sendAll(slowly())) seen.push(index);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  test("that fails rejects the loop, behind the outcomes of what it gave", async () => {
    const { smtp, server } = await inMemory();
    function* failing() {
      yield raw("1");
      yield raw("2");
      throw new RangeError("no more");
    }
    const seen: SendState[] = [];
    const loop = (async () => {
      for await (const { state } of smtp.sendAll(failing())) seen.push(state);
    })();
    expect(await failure(loop)).toBeInstanceOf(RangeError);
    expect(seen).toEqual(["sent", "sent"]);
    expect(server.messages).toHaveLength(2);
    await smtp.noop();
  });

  test("is let go of where the loop is left, though it would never give another message", async () => {
    const { smtp } = await inMemory();
    async function* stuck() {
      yield raw("1");
      await new Promise(() => {});
    }
    for await (const { state } of smtp.sendAll(stuck())) {
      expect(state).toBe("sent");
      break;
    }
    await smtp.noop();
  });

  test("is not run through where the loop is slow", async () => {
    const { smtp } = await inMemory();
    let given = 0;
    function* endless() {
      for (;;) {
        given++;
        yield raw("x");
      }
    }
    let seen = 0;
    for await (const _ of smtp.sendAll(endless())) {
      if (++seen === 2) await new Promise((resolve) => setTimeout(resolve, 300));
      if (seen === 3) break;
    }
    expect(given).toBeLessThan(1_000);
    await smtp.noop();
  });

  test("of nothing, and of what is no message", async () => {
    const { smtp } = await inMemory();
    expect(await smtp.sendAll([]).toArray()).toEqual([]);
    const outcomes = await smtp.sendAll([raw("1"), undefined as never, raw("2", "a b"), raw("3")]).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(["sent", "unsent", "unsent", "sent"]);
    expect(outcomes[1]?.error).toBeInstanceOf(UsageError);
  });
});

describe("with other calls", () => {
  test("a call inside the loop waits, and is answered", async () => {
    const { smtp, server } = await inMemory();
    let seen = 0;
    for await (const _ of smtp.sendAll(MANY)) if (seen++ === 3) await smtp.noop();
    expect(seen).toBe(MANY.length);
    expect(server.violations).toEqual([]);
  });

  test("a signal ends it: the loop rejects", async () => {
    const { smtp, server } = await inMemory();
    const controller = new AbortController();
    async function* stuck() {
      yield raw("1");
      await new Promise(() => {});
    }
    const loop = (async () => {
      for await (const _ of smtp.sendAll(stuck(), { signal: controller.signal })) controller.abort();
    })();
    expect(await failure(loop)).toBeInstanceOf(AbortedError);
    expect(smtp.state).toBe("closed");
    expect(server.messages).toHaveLength(1);
  });

  test("close() ends it as well, and quit() does where nothing moves", async () => {
    async function* stuck() {
      yield raw("1");
      await new Promise(() => {});
    }
    for (const end of ["close", "quit"] as const) {
      const { smtp } = await inMemory();
      const loop = smtp.sendAll(stuck()).toArray();
      const failed = failure(loop);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await smtp[end]();
      expect(await failed).toBeInstanceOf(AbortedError);
    }
  });
});
