/** Searches: queries as they are sent; the answers of SEARCH, ESEARCH, SORT and THREAD. */
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import type { Piece } from "../../src/imap/command.js";
import { parseEsearch, parseSearch } from "../../src/imap/parse-search.js";
import { needsCharset, type SearchQuery, searchPieces } from "../../src/imap/search.js";
import { parseThreads, type SortKey, sortCriteria, type Thread, threadAlgorithm } from "../../src/imap/sort.js";
import { responseOf } from "./reading.js";

/** Pieces as text: a literal's bytes between angle brackets. */
function shown(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (typeof piece === "string" ? piece : `<${Buffer.concat(piece.bytes as Buffer[])}>`))
    .join("");
}

const day = new Date("2026-07-07T12:00:00Z");

describe("queries", () => {
  test.each<[SearchQuery, string]>([
    [{}, "ALL"],
    [{ all: true }, "ALL"],
    [{ seen: false, flagged: true, answered: undefined }, "UNSEEN FLAGGED"],
    [{ deleted: true, draft: false }, "DELETED UNDRAFT"],
    [{ from: "Smith", subject: 'a "b" \\' }, 'FROM "Smith" SUBJECT "a \\"b\\" \\\\"'],
    [{ text: "", body: "x)" }, 'TEXT "" BODY "x)"'],
    [{ since: day, before: day, on: day }, "SINCE 7-Jul-2026 BEFORE 7-Jul-2026 ON 7-Jul-2026"],
    [{ sentSince: day, sentBefore: day, sentOn: day }, "SENTSINCE 7-Jul-2026 SENTBEFORE 7-Jul-2026 SENTON 7-Jul-2026"],
    [{ larger: 1000, smaller: 2000 }, "LARGER 1000 SMALLER 2000"],
    [{ younger: 60, older: 5 }, "YOUNGER 60 OLDER 5"],
    [{ modseq: 9223372036854775807n }, "MODSEQ 9223372036854775807"],
    [{ uid: "1:*", numbers: [3, 1, 2] }, "UID 1:* 1:3"],
    [{ uid: "$" }, "UID $"],
    [{ keyword: ["$Junk", "\\Seen"], unkeyword: "\\Deleted" }, "KEYWORD $Junk SEEN UNDELETED"],
    [{ header: { "List-Id": "x", "X-Spam": true } }, 'HEADER List-Id "x" HEADER X-Spam ""'],
    [{ header: { 'a"%': "x" } }, 'HEADER "a\\"%" "x"'],
    [{ not: { seen: true, from: "x" } }, 'NOT (SEEN FROM "x")'],
    [{ not: [{ seen: true }, { from: "x" }] }, 'NOT (SEEN) NOT (FROM "x")'],
    [{ or: [{ seen: true }] }, "(SEEN)"],
    [{ or: [{ seen: true }, { from: "a", to: "b" }] }, 'OR (SEEN) (FROM "a" TO "b")'],
    [{ or: [{ to: "a" }, { to: "b" }, { to: "c" }], seen: true }, 'OR (TO "a") OR (TO "b") (TO "c") SEEN'],
    [{ or: [{ not: { or: [{ seen: true }, { draft: true }] } }, {}] }, "OR (NOT (OR (SEEN) (DRAFT))) (ALL)"],
    [{ gmailRaw: "has:attachment" }, 'X-GM-RAW "has:attachment"'],
    [{ subject: "Grüße" }, "SUBJECT <Grüße>"],
    [{ body: "a\r\nb" }, "BODY <a\r\nb>"],
  ])("%o is %s", (query, expected) => {
    expect(shown(searchPieces(query))).toBe(expected);
  });

  test("text is sent as it is", () => {
    expect(searchPieces('SUBJECT "x" UNSEEN')).toEqual(['SUBJECT "x" UNSEEN']);
  });

  test("a charset is named where something is not ASCII", () => {
    expect(needsCharset(searchPieces({ subject: "Gruss" }))).toBe(false);
    expect(needsCharset(searchPieces({ or: [{ to: "x" }, { not: { to: "ü" } }] }))).toBe(true);
  });

  test.each<unknown>([
    { foo: 1 },
    { constructor: "x" },
    { from: 5 },
    { from: "a\0" },
    { since: "yesterday" },
    { since: new Date(Number.NaN) },
    { larger: -1 },
    { larger: 1.5 },
    { modseq: -1n },
    { uid: [] },
    { uid: "1 ALL" },
    { keyword: "a b" },
    { keyword: "\\*" },
    { keyword: "\\Unknown" },
    { header: { "a b": "x" } },
    { header: { "a:": "x" } },
    { header: { "": "x" } },
    { or: [] },
    { not: { from: "\0" } },
    "",
    "  ",
    "SUBJECT {5}",
    "SUBJECT {5+}",
  ])("%o is refused", (query) => {
    expect(() => searchPieces(query as SearchQuery)).toThrow(UsageError);
  });
});

describe("answers", () => {
  test.each([
    ["* SEARCH 2 84 882", [2, 84, 882]],
    ["* SEARCH", []],
    ["* SEARCH ", []],
    ["* SEARCH 2 5 (MODSEQ 917162500)", [2, 5]],
    ["* SORT 84 2 882 ", [84, 2, 882]],
  ])("%s", (line, numbers) => {
    expect(parseSearch(responseOf(line))).toEqual(numbers);
  });

  test.each(["* SEARCH x", "* SEARCH 1,2", "* SEARCH 1 -2", "* SEARCH 99999999999999999999"])(
    "%s is refused",
    (line) => {
      expect(() => parseSearch(responseOf(line))).toThrow(ProtocolError);
    },
  );

  test.each([
    ['* ESEARCH (TAG "A282") MIN 2 COUNT 3', { tag: "A282", min: 2, count: 3 }],
    ['* ESEARCH (TAG "A283") ALL 2,10:11', { tag: "A283", all: [2, 10, 11] }],
    [
      "* ESEARCH (TAG a5) UID COUNT 17 ALL 4:7 MODSEQ 917162500",
      { tag: "a5", count: 17, all: [4, 5, 6, 7], modseq: 917162500 },
    ],
    ['* ESEARCH (TAG "A284")', { tag: "A284" }],
    ["* ESEARCH", {}],
    ["* ESEARCH COUNT 0", { count: 0 }],
    ["* ESEARCH (TAG {2}\r\nA1) uid max 5 X-NEW (a (b)) min 1", { tag: "A1", max: 5, min: 1 }],
    ['* ESEARCH (TAG "A01") UID PARTIAL (-1:-100 200:201,3)', { tag: "A01", partial: [200, 201, 3] }],
    ['* ESEARCH (TAG "A02") UID PARTIAL (23500:24000 NIL)', { tag: "A02", partial: [] }],
    ['* ESEARCH (TAG "x" MAILBOX "a" UIDVALIDITY 1) UID ALL 3', { tag: "x", all: [3] }],
  ])("%s", (line, expected) => {
    expect(parseEsearch(responseOf(line))).toEqual(expected);
  });

  test.each([
    "* ESEARCH (TAG",
    "* ESEARCH COUNT",
    "* ESEARCH ALL x",
    "* ESEARCH ALL 1:4294967295",
    "* ESEARCH ()",
    '* ESEARCH PARTIAL (1:2 "x")',
  ])("%s is refused", (line) => {
    expect(() => parseEsearch(responseOf(line))).toThrow(ProtocolError);
  });

  test("a million messages", () => {
    const line = `* SEARCH ${Array.from({ length: 100_000 }, (_, i) => i + 1).join(" ")}`;
    expect(parseSearch(responseOf(line))).toHaveLength(100_000);
    expect(parseEsearch(responseOf("* ESEARCH ALL 1:1000000")).all).toHaveLength(1_000_000);
  });
});

describe("sorting", () => {
  test.each<[SortKey[], string]>([
    [["date"], "(DATE)"],
    [["-size", "subject", "-displayFrom"], "(REVERSE SIZE SUBJECT REVERSE DISPLAYFROM)"],
    [["arrival", "cc", "from", "to", "displayTo"], "(ARRIVAL CC FROM TO DISPLAYTO)"],
  ])("%j is %s", (keys, expected) => {
    expect(sortCriteria(keys)).toBe(expected);
  });

  test.each([[[]], [["x"]], [["--date"]], [["DATE"]], [["toString"]], [["date)\r\nA"]]])("%j is refused", (keys) => {
    expect(() => sortCriteria(keys as SortKey[])).toThrow(UsageError);
  });
});

describe("threads", () => {
  const branch = (...branches: Thread[]) => ({ messages: [], branches });
  const thread = (messages: number[], ...branches: Thread[]) => ({ messages, branches });

  test.each<[string, Thread[]]>([
    ["* THREAD", []],
    ["* THREAD (2)(3 6 (4 23)(44 7 96))", [thread([2]), thread([3, 6], thread([4, 23]), thread([44, 7, 96]))]],
    ["* THREAD ((3)(5))", [branch(thread([3]), thread([5]))]],
    ["* THREAD (1 (2 (3)(4))(5)) (6)", [thread([1], thread([2], thread([3]), thread([4])), thread([5])), thread([6])]],
  ])("%s (RFC 5256 §4)", (line, expected) => {
    expect(parseThreads(responseOf(line))).toEqual(expected);
  });

  test.each([
    "* THREAD (",
    "* THREAD (1",
    "* THREAD 1",
    "* THREAD (1)2",
    "* THREAD (1 (2) 3)",
    "* THREAD (1))",
    "* THREAD (x)",
    "* THREAD NIL",
  ])("%s is refused", (line) => {
    expect(() => parseThreads(responseOf(line))).toThrow(ProtocolError);
  });

  test("a thousand branches within each other are read, without end they are refused", () => {
    let [one] = parseThreads(responseOf(`* THREAD ${"(1 ".repeat(1000)}${")".repeat(1000)}`));
    let depth = 0;
    for (; one; one = one.branches[0]) depth++;
    expect(depth).toBe(1000);
    expect(() => parseThreads(responseOf(`* THREAD ${"(".repeat(500_000)}`))).toThrow(/threads within threads/);
  });

  test("algorithms", () => {
    expect(threadAlgorithm("references")).toBe("REFERENCES");
    expect(() => threadAlgorithm("a b")).toThrow(UsageError);
    expect(() => threadAlgorithm("")).toThrow(UsageError);
  });
});
