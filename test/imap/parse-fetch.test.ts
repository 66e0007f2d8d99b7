/** FETCH responses: every item, in every order, cut everywhere; what cannot be read does not take the rest with it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import type { FetchData } from "../../src/imap/fetch-data.js";
import { parseFetch } from "../../src/imap/parse-fetch.js";
import { Response } from "../../src/imap/response.js";
import { ResponseReader } from "../../src/imap/response-reader.js";
import { bytesOf, hearEverywhere, LIMITS, responseOf } from "./reading.js";

/** What an answer tells about message 12. */
function fetched(items: string): FetchData {
  return parseFetch(responseOf(`* 12 FETCH (${items})`));
}

const bodies = (map: ReadonlyMap<string, Buffer>) =>
  Object.fromEntries([...map].map(([key, bytes]) => [key, bytes.toString("latin1")]));

describe("items", () => {
  test("of RFC 9051 §8", () => {
    const data = fetched(
      'FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 ENVELOPE (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL) BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)',
    );
    expect(data).toMatchObject({ number: 12, flags: ["\\Seen"], size: 4286, uid: undefined, broken: undefined });
    expect(data.internalDate?.toISOString()).toBe("1996-07-17T09:44:25.000Z");
    expect(data.envelope?.subject).toBe("x");
    expect(data.bodyStructure).toMatchObject({ type: "text/plain", lines: 92 });
  });

  test.each<[string, Partial<FetchData>]>([
    ["UID 4294967295", { uid: 4294967295 }],
    ["uid 7 flags ()", { uid: 7, flags: [] }],
    ["MODSEQ (12121231000)", { modseq: 12121231000 }],
    ["MODSEQ (9223372036854775807)", { modseq: 9223372036854775807n }],
    [
      "EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9)",
      { emailId: "M6d99ac3275bb4e", threadId: "T64b478a75b7ea9" },
    ],
    ["THREADID NIL", { threadId: undefined }],
    ['PREVIEW "caf\xc3\xa9 \\"x\\""', { preview: 'café "x"' }],
    ["PREVIEW {3}\r\na\r\n", { preview: "a\r\n" }],
    ["PREVIEW NIL", { preview: undefined }],
    ['PREVIEW (FUZZY "hi")', { preview: "hi" }],
    [
      "X-GM-MSGID 1278455344230334865 X-GM-THRID 1266894439832287888",
      { gmailMessageId: "1278455344230334865", gmailThreadId: "1266894439832287888" },
    ],
    [
      'X-GM-LABELS (\\Inbox \\Sent Important "Muy &AOQ-" NIL)',
      { gmailLabels: ["\\Inbox", "\\Sent", "Important", "Muy ä", "NIL"] },
    ],
    ["BINARY.SIZE[1.2] 50", { binarySizes: new Map([["1.2", 50]]) }],
    [
      "X-NEW (a (b)) OTHER[1] NIL",
      {
        other: new Map<string, never>([
          ["X-NEW", ["a", ["b"]] as never],
          ["OTHER[1]", undefined as never],
        ]),
      },
    ],
    ["", { uid: undefined, broken: undefined }],
  ])("%s", (items, expected) => {
    const data = fetched(items);
    expect(data).toMatchObject(expected);
    expect(data.broken).toBeUndefined();
  });

  test("SAVEDATE (RFC 8514)", () => {
    expect(fetched('SAVEDATE "23-Aug-2018 14:43:41 +0200"').saveDate?.toISOString()).toBe("2018-08-23T12:43:41.000Z");
    expect(fetched("SAVEDATE NIL").saveDate).toBeUndefined();
    expect(fetched('INTERNALDATE "never"')).toMatchObject({ internalDate: undefined, rawInternalDate: "never" });
  });

  test("sections by their names in upper case", () => {
    const data = fetched(
      'BODY[] {2}\r\nab BODY[TEXT]<100> "cd" body[1.2.mime] "" BODY[HEADER.FIELDS (Subject)] {3}\r\n\r\n\0 RFC822.HEADER h RFC822.TEXT {1}\r\nt BODY[3] NIL',
    );
    expect(bodies(data.body)).toEqual({
      "": "ab",
      "TEXT<100>": "cd",
      "1.2.MIME": "",
      "HEADER.FIELDS (SUBJECT)": "\r\n\0",
      HEADER: "h",
      TEXT: "t",
    });
    expect(bodies(fetched("RFC822 {1}\r\nx").body)).toEqual({ "": "x" });
    expect(bodies(fetched("BINARY[1] ~{3}\r\na\0b BINARY[2]<0> {0}\r\n").binary)).toEqual({ "1": "a\0b", "2<0>": "" });
  });

  test("sections that went to a sink leave their sizes", () => {
    const data = parseFetch(
      new Response("* 1 FETCH (BODY[] {5000}\r\n UID 3 BODY[1] {2}\r\n)", [5000, Buffer.from("ab")]),
    );
    expect([data.streamed, bodies(data.body), data.uid]).toEqual([new Map([["", 5000]]), { "1": "ab" }, 3]);
  });

  test("two messages do not share their maps", () => {
    const [one, two] = [fetched('BODY[1] "a"'), fetched('BODY[2] "b"')];
    expect([bodies(one.body), bodies(two.body)]).toEqual([{ "1": "a" }, { "2": "b" }]);
    expect(fetched("UID 1").body.size).toBe(0);
  });
});

describe("what cannot be read", () => {
  test.each([
    ["UID x", "UID"],
    ["MODSEQ (x)", "MODSEQ"],
    ["RFC822.SIZE -1", "RFC822.SIZE"],
    ["FLAGS x", "FLAGS"],
    ['BINARY.SIZE["a b" x] (y)', "BINARY.SIZE"],
    [`X-DEEP ${"(".repeat(1000)}${")".repeat(1000)}`, "X-DEEP"],
    [`BODYSTRUCTURE ${"(".repeat(1000)}${")".repeat(1000)}`, "BODYSTRUCTURE"],
    ["MODSEQ ({2}\r\n)) {1}\r\nx)", "MODSEQ"],
  ])("is stepped over and named: %s", (item, name) => {
    const data = fetched(`SIZE 1 ${item} UID 5 BODY[] {2}\r\nab`);
    expect(data.broken).toMatch(new RegExp(`^${name}: `));
    expect([data.uid, bodies(data.body)]).toEqual([5, { "": "ab" }]);
  });

  test.each([
    "* 1 FETCH (UID 5 BODY[",
    "* 1 FETCH (UID 5 BODY[1",
    '* 1 FETCH (UID 5 BODY["',
    "* 1 FETCH (UID 5 FLAGS (",
    '* 1 FETCH (UID 5 ENVELOPE ("x',
    "* 1 FETCH (UID 5",
    "* 1 FETCH (UID 5 BODY[]",
  ])("a response without end gives what stood before: %s", (line) => {
    const data = parseFetch(new Response(line));
    expect(data.uid).toBe(5);
    expect(data.broken).toEqual(expect.any(String));
  });

  test("a response to something else is refused", () => {
    expect(() => parseFetch(responseOf("* 12 EXISTS"))).toThrow(ProtocolError);
    expect(() => parseFetch(responseOf("* FETCH (UID 1)"))).toThrow(ProtocolError);
  });

  test("whatever comes, it is read to its end or named, and never takes long", () => {
    const token = fc.constantFrom(
      "UID",
      "BODY",
      "BODY[",
      "]",
      "[",
      "<",
      ">",
      "(",
      ")",
      '"',
      "\\",
      " ",
      "1",
      "NIL",
      "FLAGS",
      "ENVELOPE",
      "BODYSTRUCTURE",
      "{1}",
      "{2}\r\n",
      "\0",
      "X-GM-LABELS",
      "BINARY.SIZE",
      "PREVIEW",
      "MODSEQ",
      "\xff",
      "HEADER.FIELDS",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), fc.nat(3), (tokens, literals) => {
        const raw = `* 1 FETCH (${tokens.join("")}`;
        const data = parseFetch(
          new Response(
            raw,
            Array.from({ length: literals }, () => Buffer.from("ab")),
          ),
        );
        expect(data.number).toBe(1);
      }),
      { numRuns: 3000 },
    );
  });

  test("what stands behind a few broken items is read, behind a hundred of them it is not", () => {
    const behind = (count: number) => fetched(`${'UID "x" '.repeat(count)}UID 7`).uid;
    expect([behind(99), behind(100), behind(100_000)]).toEqual([7, undefined, undefined]);
  });
});

test("20,000 responses with envelopes, in pieces of any size", () => {
  const envelope =
    '("Wed, 17 Jul 1996 02:23:25 -0700" {9}\r\nsubject\r\n (("A" NIL "a" "x")) NIL NIL NIL NIL NIL NIL "<@>")';
  const all = bytesOf(
    Array.from({ length: 20_000 }, (_, i) => `* ${i + 1} FETCH (UID ${i + 7} ENVELOPE ${envelope})\r\n`).join(""),
  );
  const reader = new ResponseReader(LIMITS);
  let sum = 0;
  const events = {
    response: (response: Response) => {
      const data = parseFetch(response);
      if (data.envelope?.subject === "subject\r\n" && data.envelope.from[0]?.address === "a@x")
        sum += (data.uid ?? 0) - data.number;
    },
  };
  for (let at = 0, size = 1; at < all.length; at += size, size = (size % 4099) + 1)
    reader.push(all.subarray(at, at + size), events);
  expect(sum).toBe(20_000 * 6);
});

test("a FETCH with literals is the same however it is cut", () => {
  const heard = hearEverywhere(
    "* 3 FETCH (UID 9 BODY[HEADER] {6}\r\nA: b\r\n FLAGS (\\Seen) BODY[TEXT] {2}\r\n)( )\r\n",
  );
  const [read] = heard.events;
  expect(read).toMatchObject({ name: "FETCH", number: 3, literals: ["A: b\r\n", ")("] });
});
