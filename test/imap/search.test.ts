/** Searching: parts of results, counts, what is saved; Gmail's own words; with and without the server's help. */
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { ImapClient } from "../../src/imap/client.js";
import { type PartialRange, partialArgument, partOf } from "../../src/imap/partial.js";
import type { SearchQuery } from "../../src/imap/search.js";
import type { ImapFeatures } from "../../src/testing/imap/options.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { failure } from "../net/loopback.js";
import { ALICE, course, inbox, QUICK, ready, selected } from "./dialogue.js";

async function mailbox(features: Partial<ImapFeatures> = {}, messages = 30) {
  const users = { alice: { password: ALICE.password, mailboxes: { INBOX: { messages: { generate: messages } } } } };
  const server = await ImapServer.start({ users, features });
  onTestFinished(() => server.close());
  const { host, port } = server;
  const imap = new ImapClient({ host, port, security: "plain", timeouts: QUICK, credentials: ALICE });
  onTestFinished(() => imap.close());
  await imap.connect();
  await imap.login();
  await imap.select("INBOX");
  return { server, imap };
}

const OLD = { imap4rev2: false, esearch: false, searchres: false, partial: false } as const;

describe("a part of a result", () => {
  test.each<[PartialRange, string, number[]]>([
    [[1, 3], "1:3", [10, 20, 30]],
    [[3, 1], "3:1", [10, 20, 30]],
    [[2, 2], "2:2", [20]],
    [[4, 99], "4:99", [40, 50]],
    [[6, 9], "6:9", []],
    [[-1, -2], "-1:-2", [40, 50]],
    [[-2, -2], "-2:-2", [40]],
    [[-4, -99], "-4:-99", [10, 20]],
    [[-6, -9], "-6:-9", []],
  ])("%j", (range, text, part) => {
    expect([partialArgument(range), partOf([10, 20, 30, 40, 50], range)]).toEqual([text, part]);
  });

  test.each([[[0, 1]], [[1, -1]], [[1, 1.5]], [[1]], [[1, 2, 3]], [[1, 2 ** 32]], [["1", "2"]]])(
    "%j is none",
    (range) => {
      expect(() => partialArgument(range as unknown as PartialRange)).toThrow(UsageError);
    },
  );

  test("is the same wherever it is cut off: by the server, or here", async () => {
    const [{ imap, server }, old] = await Promise.all([mailbox(), mailbox(OLD)]);
    const place = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(place, place, fc.boolean(), async (from, to, end) => {
        const partial: PartialRange = end ? [-from, -to] : [from, to];
        const found = await imap.search({ all: true }, { partial });
        expect(await old.imap.search({ all: true }, { partial })).toEqual(found);
        const rows = await imap.fetch("1:*", ["RFC822.SIZE"], { partial }).toArray();
        expect(rows.map(({ uid }) => uid)).toEqual(found);
      }),
      { numRuns: 20 },
    );
    expect(server.violations).toEqual([]);
    expect(server.commands.some((line) => line.includes("RETURN (PARTIAL -"))).toBe(true);
    expect(old.server.violations).toEqual([]);
  });

  test("… where the server has CONTEXT=SEARCH alone, of the beginning", async () => {
    const script =
      'C: A3 UID SEARCH RETURN (PARTIAL 1:2) ALL\nS: * ESEARCH (TAG "A3") UID PARTIAL (1:2 5,7)\nS: A3 OK\nC: A4 UID SEARCH RETURN (ALL) ALL\nS: * ESEARCH (TAG "A4") UID ALL 5,7,9\nS: A4 OK\n';
    const { imap, server } = await inbox(script, ["ESEARCH", "CONTEXT=SEARCH"]);
    expect(await imap.search({ all: true }, { partial: [1, 2] })).toEqual([5, 7]);
    expect(await imap.search({ all: true }, { partial: [-1, -2] })).toEqual([7, 9]);
    await server.done;
  });
});

describe("esearch", () => {
  test.each([
    ["ESEARCH", {}],
    ["none", OLD],
  ] as const)("counts, with %s", async (_, features) => {
    const { imap, server } = await mailbox(features);
    await imap.store("3:5", "+FLAGS.SILENT", ["\\Flagged"]);
    expect(await imap.esearch(["COUNT", "MIN", "MAX"], { flagged: true })).toEqual({ count: 3, min: 3, max: 5 });
    expect(await imap.esearch(["COUNT"], { flagged: true, seen: true })).toEqual({ count: 0 });
    expect(await imap.esearch(["ALL"], { flagged: true })).toEqual({ all: [3, 4, 5] });
    expect(await imap.esearch(["MIN", "MAX"], { draft: true })).toEqual({});
    expect(server.violations).toEqual([]);
  });

  test("what is saved is $", async () => {
    const { imap, server } = await mailbox();
    expect(await imap.esearch(["SAVE"], "3:5")).toEqual({});
    expect((await imap.fetch("$", ["FLAGS"]).toArray()).map(({ uid }) => uid)).toEqual([3, 4, 5]);
    expect(await imap.esearch(["SAVE", "COUNT"], { uid: "7:9" })).toEqual({ count: 3 });
    expect(await imap.search({ uid: "$" })).toEqual([7, 8, 9]);
    expect(server.violations).toEqual([]);
    const old = await mailbox(OLD);
    expect(await failure(old.imap.esearch(["SAVE"]))).toBeInstanceOf(UsageError);
  });

  test.each([[[]], [["NONE"]], [["count"]], [["toString"]]])("%j cannot be asked", async (returns) => {
    const { imap, server } = await inbox("");
    expect(await failure(imap.esearch(returns as never))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

test("a query that names numbers, or may, has the connection alone", async () => {
  const script =
    'C: A3 UID COPY 9 b\nS: * 1 EXPUNGE\nS: A3 OK\nC: A4 UID SEARCH RETURN (ALL) NOT (OR (3) (SEEN))\nS: * ESEARCH (TAG "A4") UID\nS: A4 OK\nC: A5 UID COPY 9 b\nS: A5 OK\nC: A6 UID SEARCH RETURN (ALL) 3\nS: * ESEARCH (TAG "A6") UID\nS: A6 OK\n';
  const { imap, server, transcript } = await inbox(script, ["ESEARCH"]);
  const query: SearchQuery = { not: { or: [{ numbers: 3 }, { seen: true }] } };
  await Promise.all([imap.copy(9, "b"), imap.search(query), imap.copy(9, "b"), imap.search("3")]);
  await server.done;
  expect(course(transcript)).toEqual(["C A3", "S A3", "C A4", "S A4", "C A5", "S A5", "C A6", "S A6"]);
});

describe("Gmail", () => {
  const gmail = ["X-GM-EXT-1"];
  const ids = { gmailMessageId: "1278455344230334865", gmailThreadId: "1266894439832287888" };

  test("messages have ids, conversations and labels", async () => {
    const script =
      'C: A3 UID FETCH 1 (X-GM-MSGID X-GM-THRID X-GM-LABELS)\nS: * 1 FETCH (X-GM-THRID 1266894439832287888 X-GM-MSGID 1278455344230334865 X-GM-LABELS (\\Inbox \\Sent Important "Muy Importante" &APw-) UID 1)\nS: A3 OK\n';
    const { imap, server } = await inbox(script, gmail);
    const [row] = await imap.fetch(1, ["X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS"]).toArray();
    expect(row).toMatchObject({ ...ids, gmailLabels: ["\\Inbox", "\\Sent", "Important", "Muy Importante", "ü"] });
    await server.done;
  });

  test("labels are UTF-8 where names are", async () => {
    const b64 = (text: string) => Buffer.from(text).toString("base64");
    const script = `C: A4 UID FETCH 1 (X-GM-LABELS)\nS~ ${b64('* 1 FETCH (UID 1 X-GM-LABELS ("Entwürfe" "a&-b"))\r\nA4 OK\r\n')}\nC: A5 UID SEARCH X-GM-LABELS {2+}\nC~ ${b64("ü\r\n")}\nS: * SEARCH 1\nS: A5 OK\n`;
    const before = `C: A2 ENABLE UTF8=ACCEPT\nS: * ENABLED UTF8=ACCEPT\nS: A2 OK\n${selected("A3")}`;
    const { imap, server } = await ready(before + script, [...gmail, "LITERAL+"]);
    await imap.enable(["UTF8=ACCEPT"]);
    await imap.select("INBOX");
    const [row] = await imap.fetch(1, ["X-GM-LABELS"]).toArray();
    expect(row?.gmailLabels).toEqual(["Entwürfe", "a&-b"]);
    expect(await imap.search({ gmailLabels: "ü" })).toEqual([1]);
    await server.done;
  });

  test.each<[SearchQuery, string]>([
    [{ gmailMessageId: ids.gmailMessageId }, "X-GM-MSGID 1278455344230334865"],
    [{ gmailThreadId: 1266894439832287888n }, "X-GM-THRID 1266894439832287888"],
    [{ gmailLabels: ["\\Inbox", "a b", "ü"] }, 'X-GM-LABELS \\Inbox X-GM-LABELS "a b" X-GM-LABELS &APw-'],
    [{ gmailRaw: 'has:attachment "x"' }, 'X-GM-RAW "has:attachment \\"x\\""'],
  ])("%o is %s", async (query, words) => {
    const { imap, server } = await inbox(`C: A3 UID SEARCH ${words}\nS: * SEARCH 7\nS: A3 OK\n`, gmail);
    expect(await imap.search(query)).toEqual([7]);
    await server.done;
  });

  test.each([{ gmailMessageId: "0x1" }, { gmailThreadId: -1n }, { gmailThreadId: 2n ** 64n }, { gmailLabels: "a\nb" }])(
    "%o is no search",
    async (query) => {
      const { imap } = await inbox("", gmail);
      expect(await failure(imap.search(query))).toBeInstanceOf(UsageError);
    },
  );

  test("labels are put on and taken off, and the answer tells those that are there", async () => {
    const script =
      "C: A3 UID STORE 1 +X-GM-LABELS (foo)\nS: * 1 FETCH (UID 1 X-GM-LABELS (\\Inbox foo))\nS: A3 OK\nC: A4 UID STORE 1 -X-GM-LABELS.SILENT (\\Inbox)\nS: A4 OK\n";
    const { imap, server } = await inbox(script, gmail);
    const { messages } = await imap.store(1, "+X-GM-LABELS", ["foo"]);
    expect(messages[0]?.gmailLabels).toEqual(["\\Inbox", "foo"]);
    await imap.store(1, "-X-GM-LABELS.SILENT", ["\\Inbox"]);
    await server.done;
  });
});
