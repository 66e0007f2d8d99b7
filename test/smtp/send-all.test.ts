/** Many messages on one connection: pipelined, in order, each with its outcome. */
import { describe, expect, test } from "vitest";
import { inMemory, raw } from "./dialogue.js";

const MANY = Array.from({ length: 200 }, (_, i) => raw(`number ${i}`));

/** The manners in which a server takes messages. */
const MANNERS = [
  ["BDAT in a window", { features: {} }],
  ["DATA in a chain", { features: { chunking: false } }],
  ["step by step", { features: { chunking: false, pipelining: false } }],
  ["BDAT step by step", { features: { pipelining: false } }],
  ["HELO only", { features: { ehlo: false } }],
  ["LMTP", { lmtp: true, features: {} }],
] as const;

describe.each(MANNERS)("%s", (_, { features, ...rest }) => {
  const lmtp = "lmtp" in rest;

  test("every message arrives, in order, and the server has nothing to complain about", async () => {
    const { smtp, server } = await inMemory({ features, ...rest }, { lmtp });
    const outcomes = await smtp.sendAll(MANY).toArray();
    expect(outcomes.map(({ index, state }) => [index, state])).toEqual(MANY.map((_, i) => [i, "sent"]));
    expect(server.messages.map(({ content }) => content?.toString())).toEqual(MANY.map(({ raw }) => raw.toString()));
    expect(server.violations).toEqual([]);
  });

  test("refusals hit their own message only", async () => {
    const reject = { "nobody@*": "550 5.1.1 no such user", "later@*": "450 4.2.1 later" };
    const { smtp, server } = await inMemory(
      { features, ...rest, reject, rejectFrom: { "bad@*": "553 5.1.8 not you" } },
      { lmtp },
    );
    const message = (from: string, ...to: string[]) => ({
      envelope: { from, to },
      raw: Buffer.from(`${from} ${to}\r\n`),
    });
    const outcomes = await smtp
      .sendAll([
        message("a@x.org", "bob@x.org"),
        message("bad@x.org", "bob@x.org"),
        message("b@x.org", "nobody@x.org", "later@x.org"),
        message("c@x.org", "nobody@x.org", "carol@x.org"),
        message("bad@x.org", "nobody@x.org"),
        message("d@x.org", "bob@x.org"),
        message("e@x.org", "nobody@x.org"),
        message("f@x.org", "nobody@x.org"),
      ])
      .toArray();
    expect(outcomes.map(({ state }) => state)).toEqual([
      "sent",
      "refused",
      "refused",
      "sent",
      "refused",
      "sent",
      "refused",
      "refused",
    ]);
    expect(server.messages.map(({ from, to }) => [from, ...to])).toEqual([
      ["a@x.org", "bob@x.org"],
      ["c@x.org", "carol@x.org"],
      ["d@x.org", "bob@x.org"],
    ]);
    expect(outcomes[3]?.rejected).toEqual([
      { recipient: "nobody@x.org", code: "550", enhanced: expect.anything(), text: expect.anything() },
    ]);
    expect(outcomes[1]?.error).toMatchObject({ name: "SendError", code: "553" });
    await smtp.send(message("g@x.org", "bob@x.org"));
    expect(server.messages.at(-1)).toMatchObject({ from: "g@x.org", to: ["bob@x.org"] });
    expect(server.violations).toEqual([]);
  });
});
