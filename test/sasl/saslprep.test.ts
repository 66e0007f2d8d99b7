/** SASLprep: the examples of RFC 4013, and what it refuses. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { prepare, saslprep } from "../../src/sasl/saslprep.js";

describe("the examples of RFC 4013 §3", () => {
  test.each([
    ["a soft hyphen is mapped to nothing", "I\u00adX", "IX"],
    ["nothing is changed", "user", "user"],
    ["case is kept", "USER", "USER"],
    ["NFKC of a letter in ISO 8859-1", "\u00aa", "a"],
    ["NFKC of a Roman numeral", "\u2168", "IX"],
  ])("%s", (_what, text, form) => expect(saslprep(text)).toBe(form));

  test("a control character is prohibited", () => expect(() => saslprep("\u0007")).toThrow(UsageError));

  test("a text from right to left ends as it begins", () => {
    expect(() => saslprep("\u06271")).toThrow(UsageError);
  });
});

test.each([
  ["a space of another width is a space", "a\u00a0b\u2003c\u3000", "a b c "],
  ["what joins and selects is nothing", "a\u200cb\u200dc\ufe0f\u2060\ufeff", "abc"],
  ["letter and accent become one", "e\u0301", "\u00e9"],
  ["nothing but soft hyphens is nothing", "\u00ad\u00ad", ""],
  ["Hebrew alone", "\u05d0\u05d1", "\u05d0\u05d1"],
  ["digits between Arabic letters", "\u062712\u0628", "\u062712\u0628"],
  ["what is younger than Unicode 3.2", "pa\u{1f642}ss", "pa\u{1f642}ss"],
])("%s", (_what, text, form) => expect(saslprep(text)).toBe(form));

test.each([
  ["NUL", "a\0"],
  ["DEL", "a\x7f"],
  ["a C1 control", "a\x85"],
  ["a line separator", "a\u2028"],
  ["private use", "\ue000"],
  ["private use of plane 16", "\u{100000}"],
  ["no character", "a\ufdd0"],
  ["no character of a higher plane", "a\u{fffff}"],
  ["the replacement character", "\ufffd"],
  ["half of a pair", "a\ud800"],
  ["a mark of direction", "a\u200e"],
  ["a tag", "a\u{e0041}"],
  ["ideographic description", "\u2ff0"],
  ["Hebrew behind Latin", "a\u05d0"],
  ["Latin within Hebrew", "\u05d0a\u05d0"],
])("prohibited: %s", (_what, text) => expect(() => saslprep(text)).toThrow(UsageError));

test("a form is its own form", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      let form: string;
      try {
        form = saslprep(text);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        return;
      }
      expect(saslprep(form)).toBe(form);
    }),
  );
});

describe("for SCRAM", () => {
  test.each([
    ["what is prohibited is used as it is", "a\u0007\u05d0", Buffer.from("a\u0007\u05d0")],
    ["bytes that are no UTF-8 stay those bytes", "caf\udce9", Buffer.from("caf\xe9", "latin1")],
    ["the rest is prepared", "\u2168", Buffer.from("IX")],
  ])("%s", (_what, text, bytes) => expect(prepare(text)).toEqual(bytes));
});
