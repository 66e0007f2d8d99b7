/** Sets of messages: what people give, what is sent, what servers name. */
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import { checkFlag } from "../../src/imap/flags.js";
import { formatSet, type MessageSet, parseSet, splitSet } from "../../src/imap/sequence-set.js";

describe("what is sent", () => {
  test.each<[MessageSet, string]>([
    [7, "7"],
    [[3, 1, 2, [7, "*"]], "1:3,7:*"],
    ["1:5,7,9:*", "1:5,7,9:*"],
    ["5:1", "1:5"],
    ["*:4", "4:*"],
    ["*", "*"],
    ["4:*,*", "4:*"],
    ["*,*", "*"],
    ["1,2,3,5,4", "1:5"],
    ["1:10,5:20", "1:20"],
    ["1:*,5", "1:*"],
    [[[1, 3], [2, 9], 11], "1:9,11"],
    [new Set([2, 1]), "1:2"],
    ["$", "$"],
    [parseSet("9:8,1"), "1,8:9"],
    [[4294967295], "4294967295"],
  ])("%j is %s", (set, text) => {
    expect(formatSet(set)).toBe(text);
  });

  test.each([
    [[]],
    [""],
    ["0"],
    [0],
    [-1],
    [1.5],
    [Number.NaN],
    ["1:"],
    [":1"],
    ["a"],
    ["1,,2"],
    [[[5, 1]]],
    [[["1", 2]]],
    [{}],
    [null],
    [undefined],
    ["1\r\n2"],
    [[[1]]],
    ["1:2:3"],
    [" 1"],
    ["9".repeat(30)],
    [2 ** 32],
    ["1:4294967296"],
  ])("%j is refused", (set) => {
    expect(() => formatSet(set as MessageSet)).toThrow(UsageError);
    expect(() => splitSet(set as MessageSet)).toThrow(UsageError);
  });

  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1 });
  test("any numbers come back, each once, in ascending order", () => {
    fc.assert(
      fc.property(numbers, (all) => {
        expect(parseSet(formatSet(all)).toArray()).toEqual([...all].sort((a, b) => a - b));
      }),
    );
  });

  test("in parts of any length, none longer than asked, nothing lost", () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 7, max: 60 }), (all, longest) => {
        const parts = splitSet(all, longest);
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(longest);
        expect(parts.join(",")).toBe(formatSet(all));
      }),
    );
  });

  test("a million numbers in a row are one range", () => {
    expect(formatSet(Array.from({ length: 1_000_000 }, (_, i) => i + 1))).toBe("1:1000000");
  });
});

describe("what servers name", () => {
  test.each([
    ["1", [1]],
    ["3:1,9", [1, 2, 3, 9]],
    ["9,1:2", [9, 1, 2]],
    ["5,5", [5, 5]],
  ])("%s", (text, numbers) => {
    const set = parseSet(text);
    expect(set.toArray()).toEqual(numbers);
    expect(set.size).toBe(numbers.length);
    for (const number of numbers) expect(set.has(number)).toBe(true);
    expect(set.has(100)).toBe(false);
  });

  test("as text and JSON", () => {
    expect(JSON.stringify({ set: parseSet("9,1:2") })).toBe('{"set":"9,1:2"}');
  });

  test.each(["", "*", "1:*", "a", "1,", "1:2:3", "-1", "99999999999999999", "1 2", "NIL"])("%j is refused", (text) => {
    expect(() => parseSet(text)).toThrow(ProtocolError);
  });

  test("a range of billions costs nothing until it is gathered, and then is refused", () => {
    const set = parseSet("1:4294967295");
    expect([set.size, set.has(4_000_000_000)]).toEqual([4294967295, true]);
    expect(() => set.toArray()).toThrow(/more than 10000000/);
    expect(() => parseSet("1:4").toArray(3)).toThrow(ProtocolError);
  });
});

describe("flags", () => {
  test.each(["\\Seen", "\\*", "$MDNSent", "Junk", "a[b", "x-y.z/1", "NonJunk"])("%s is one", (flag) => {
    expect(checkFlag(flag)).toBe(flag);
  });

  test.each([
    "",
    "\\",
    "a b",
    "a\r\nb",
    "a(b",
    "a)b",
    "a{b",
    "a%b",
    "a*b",
    'a"b',
    "a]b",
    "a\\b",
    "\\\\Seen",
    "ä",
    "a\0",
    "\\*x",
    5,
    undefined,
  ])("%j is none", (flag) => {
    expect(() => checkFlag(flag as string)).toThrow(UsageError);
  });
});

test("a person sees the ranges, not the numbers", () => {
  expect(inspect({ uids: parseSet("1:4294967295,7") })).toBe("{ uids: SequenceSet(4294967296) { 1:4294967295,7 } }");
});
