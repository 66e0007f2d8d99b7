/** Whose a FETCH response is, where several commands are in flight. */
import { describe, expect, test } from "vitest";
import { parseFetch } from "../../src/imap/parse-fetch.js";
import { Response } from "../../src/imap/response.js";
import { Wanted } from "../../src/imap/wanted.js";

const answers = (wanted: Wanted, raw: string, exists = 9) =>
  wanted.answeredBy(raw, parseFetch(new Response(raw)), exists);

describe("an answer", () => {
  test.each([
    ["5", "* 1 FETCH (UID 5)", true],
    ["5", "* 5 FETCH (UID 4)", false],
    ["5", "* 5 FETCH (FLAGS ())", false],
    ["2:4,8,10:*", "* 1 FETCH (UID 3)", true],
    ["2:4,8,10:*", "* 1 FETCH (UID 8)", true],
    ["2:4,8,10:*", "* 1 FETCH (UID 5)", false],
    ["2:4,8,10:*", "* 1 FETCH (UID 1)", false],
    ["2:4,8,10:*", "* 1 FETCH (UID 99)", true],
    // All are below 10: the last message is in the set.
    ["2:4,8,10:*", "* 9 FETCH (UID 9)", true],
    ["*", "* 9 FETCH (UID 700)", true],
    ["*", "* 8 FETCH (UID 600)", false],
    ["$", "* 8 FETCH (UID 600)", true],
  ])("UIDs %s: %s is %s", (set, raw, expected) => {
    expect(answers(new Wanted(set, true, undefined), raw)).toBe(expected);
  });

  test("goes by the number where numbers were asked for", () => {
    expect(answers(new Wanted("5", false, undefined), "* 5 FETCH (FLAGS ())")).toBe(true);
    expect(answers(new Wanted("5", false, undefined), "* 4 FETCH (UID 5)")).toBe(false);
  });

  test("has what was asked for: flags alone are told unasked, too", () => {
    const wanted = new Wanted("5", true, "ENVELOPE");
    expect(answers(wanted, "* 1 FETCH (UID 5 FLAGS (\\Seen))")).toBe(false);
    expect(answers(wanted, "* 1 FETCH (UID 5 ENVELOPE NIL)")).toBe(true);
    expect(answers(wanted, "* 1 fetch (uid 5 envelope NIL)")).toBe(true);
  });
});

describe("two commands", () => {
  const confuses = (a: string, b: string) => new Wanted(a, true, "BODY").confuses(new Wanted(b, true, "BODY"));

  test.each([
    ["5", "5", true],
    ["5", "6", false],
    ["1:5,9", "6:8", false],
    ["1:5,9", "6:8,9:12", true],
    ["1:*", "7", true],
    ["9:*", "7", false],
    ["9:*", "70:*", true],
    ["*", "3:*", true],
    ["$", "3", true],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(confuses(a, b)).toBe(expected);
    expect(confuses(b, a)).toBe(expected);
  });

  test("that ask for different things are told apart, unless one asks for what is told unasked", () => {
    const [body, envelope, flags] = ["BODY", "ENVELOPE", undefined].map((mark) => new Wanted("5", true, mark));
    expect([body!.confuses(envelope!), body!.confuses(flags!), flags!.confuses(body!)]).toEqual([false, true, true]);
  });

  test("by UID and by number may mean the same message", () => {
    expect(new Wanted("5", true, "BODY").confuses(new Wanted("9", false, "BODY"))).toBe(true);
  });
});
