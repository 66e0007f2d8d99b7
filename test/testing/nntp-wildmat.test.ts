/** Wildmats and dates of NEWNEWS: texts to values. */
import { expect, test } from "vitest";
import { parseStamp } from "../../src/testing/nntp/times.js";
import { toRegExp, wildmat } from "../../src/testing/nntp/wildmat.js";

test.each([
  ["*", "comp.lang.c", true],
  ["comp.*", "comp.lang.c", true],
  ["comp.*", "compute", false],
  ["comp.?ang.c", "comp.lang.c", true],
  ["comp.lang", "comp.lang.c", false],
  ["comp.lang.c", "xcomp.lang.c", false],
  ["comp.lang.c++", "comp.lang.c++", true],
  ["a*,!*b,*c*", "ab", false],
  ["a*,!*b,*c*", "acb", true],
  ["a*,!*b,*c*", "ba", false],
  ["!a*", "b", false],
  ["*,!a*", "b", true],
  ["[a-c]x", "bx", true],
  ["[^a-c]x", "bx", false],
  ["[]]x", "]x", true],
  ["[x", "[x", true],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
])("%s and %s: %s", (pattern, name, expected) => {
  expect(wildmat(pattern)(name)).toBe(expected);
});

test("a pattern of XPAT knows no commas, and matches line breaks, too", () => {
  expect(toRegExp("a,b").test("a,b")).toBe(true);
  expect(toRegExp("a*b").test("a\nb")).toBe(true);
});

test.each([
  ["20260203", "101112", "2026-02-03T10:11:12.000Z"],
  ["260203", "101112", "2026-02-03T10:11:12.000Z"],
  ["270203", "101112", "1927-02-03T10:11:12.000Z"],
  ["991231", "235959", "1999-12-31T23:59:59.000Z"],
])("%s %s is %s", (date, time, expected) => {
  const at = parseStamp(date, time, new Date("2026-06-01T00:00:00Z"));
  expect(new Date(at ?? 0).toISOString()).toBe(expected);
});

test.each([
  ["20261301", "000000"],
  ["2026", "000000"],
  ["20260101", "240100"],
  ["20260101", "0000"],
])("%s %s is no date", (date, time) => {
  expect(parseStamp(date, time, new Date())).toBeUndefined();
});
