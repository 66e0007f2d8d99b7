/** Who sends a message now, and who gets it: RFC 5322 section 3.6.6. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { isResent, parseHeaders, recipientsOf, senderOf } from "../../src/message/index.js";

const ORIGINAL = ["From: a@x, second@x", "To: b@x", "Cc: c@x", "Bcc: d@x"];
const OLDER = ["Resent-From: o@x", "Resent-To: p@x", "Resent-Cc: q@x"];
const of = (...lines: string[]) => parseHeaders(Buffer.from(`${lines.join("\r\n")}\r\n\r\nbody\r\n`));

describe.each<[string, string[], string | undefined, string[]]>([
  ["an original", ORIGINAL, "a@x", ["b@x", "c@x", "d@x"]],
  ["one with two fields of a name", ["To: e@x", ...ORIGINAL], "a@x", ["e@x", "b@x", "c@x", "d@x"]],
  ["a Sender", ["Sender: s@x", ...ORIGINAL], "s@x", ["b@x", "c@x", "d@x"]],
  ["one that was passed on", [...OLDER, ...ORIGINAL], "o@x", ["p@x", "q@x"]],
  ["… in any case, and with a Resent-Sender", ["RESENT-SENDER: s@x", ...OLDER, ...ORIGINAL], "s@x", ["p@x", "q@x"]],
  ["… by Bcc alone", ["Resent-From: r@x", "Resent-Bcc: n@x", ...ORIGINAL], "r@x", ["n@x"]],
  ["… to nobody", ["Resent-From: r@x", ...ORIGINAL], "r@x", []],
  ["… by nobody", ["Resent-To: n@x", ...ORIGINAL], undefined, ["n@x"]],
  ["… twice, with a trace between", ["Resent-To: n@x", "Received: by y", ...OLDER, ...ORIGINAL], undefined, ["n@x"]],
  ["… twice, without one", ["Resent-To: n@x", "Resent-From: r@x", ...OLDER, ...ORIGINAL], "r@x", ["n@x"]],
  ["… and delivered since", ["Return-Path: <y@x>", "Received: by y", ...OLDER, ...ORIGINAL], "o@x", ["p@x", "q@x"]],
])("%s", (_, lines, from, to) => {
  test("is from and to those who have it now", () => {
    const headers = of(...lines);
    expect([senderOf(headers), recipientsOf(headers)]).toEqual([from, to]);
    expect(isResent(headers)).toBe(lines.some((line) => /^resent-/i.test(line)));
  });
});

test("what is no address is refused, where it counts", () => {
  const broken = of("From: a@x", "To: nonsense");
  expect(senderOf(broken)).toBe("a@x");
  expect(() => recipientsOf(broken)).toThrow(UsageError);
  expect(recipientsOf(of("Resent-To: n@x", "From: a@x", "To: nonsense"))).toEqual(["n@x"]);
});
