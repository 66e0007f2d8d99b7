/** Whose a FETCH response is, where several commands are in flight. */
import { describe, expect, test } from "vitest";
import { ANYTHING, kindsOf, SECTION } from "../../src/imap/fetch-kind.js";
import { parseFetch } from "../../src/imap/parse-fetch.js";
import { Response } from "../../src/imap/response.js";
import { Wanted, Wants } from "../../src/imap/wanted.js";

const answers = (wanted: Wanted, raw: string, exists = 9) => wanted.answeredBy(parseFetch(new Response(raw)), exists);

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
    expect(answers(new Wanted(set, true, ANYTHING), raw)).toBe(expected);
  });

  test("goes by the number where numbers were asked for", () => {
    expect(answers(new Wanted("5", false, ANYTHING), "* 5 FETCH (FLAGS ())")).toBe(true);
    expect(answers(new Wanted("5", false, ANYTHING), "* 4 FETCH (UID 5)")).toBe(false);
  });

  test("has what was asked for: flags alone are told unasked, too", () => {
    const wanted = new Wanted("5", true, kindsOf(["FLAGS", "ENVELOPE", "PREVIEW (LAZY)"]));
    expect(answers(wanted, "* 1 FETCH (UID 5 FLAGS (\\Seen))")).toBe(false);
    expect(answers(wanted, "* 1 FETCH (UID 5 ENVELOPE NIL)")).toBe(true);
    expect(answers(wanted, "* 1 fetch (uid 5 envelope NIL)")).toBe(true);
    expect(answers(wanted, "* 1 fetch (modseq (7) uid 5 flags (x))")).toBe(false);
    expect(answers(wanted, "* 1 FETCH (PREVIEW NIL UID 5)")).toBe(true);
    expect(answers(wanted, "* 1 FETCH (UID 5 X-NEW (1 2) RFC822.SIZE 3)")).toBe(false);
  });

  test.each([
    ["FLAGS", "FLAGS ()", true],
    ["FLAGS", "MODSEQ (7)", false],
    ["FLAGS", "X-NEW 1", false],
    ["X-NEW", "X-NEW 1", true],
    ["UID", "FLAGS ()", true],
    ["FAST", "INTERNALDATE NIL", true],
    ["FAST", "ENVELOPE NIL", false],
    ["FULL", "BODY NIL", true],
    ["BODY", "BODYSTRUCTURE NIL", true],
    ["BODY", 'BODY[] ""', false],
    ["BODY.PEEK[HEADER.FIELDS (TO)]<0.9>", 'BODY[HEADER.FIELDS (TO)]<0> ""', true],
    ["body.peek[]", 'BODY[] ""', true],
    // What was asked for is the same, whatever its name.
    ["RFC822", 'BODY[] ""', true],
    ["BINARY.PEEK[1]", 'BINARY[1] ""', true],
    ["BINARY.SIZE[1]", "BINARY.SIZE[1] 5", true],
    ["BINARY.SIZE[1]", 'BINARY[1] ""', false],
    ["X-GM-LABELS", "X-GM-MSGID 5", false],
  ])("to %s: %s is %s", (item, told, expected) => {
    expect(answers(new Wanted("5", true, kindsOf([item])), `* 1 FETCH (UID 5 ${told})`)).toBe(expected);
  });
});

describe("two commands", () => {
  const confuses = (a: string, b: string) => new Wanted(a, true, SECTION).confuses(new Wanted(b, true, ANYTHING));

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

  test("by UID and by number may mean the same message", () => {
    expect(new Wanted("5", true, SECTION).confuses(new Wanted("9", false, SECTION))).toBe(true);
  });
});

describe("commands in flight", () => {
  const byUid = (set: string) => new Wanted(set, true, SECTION);

  // What is kept by its UID, and what is not, wait for each other as any two do.
  test.each([
    ["5", "5"],
    ["5", "3:7"],
    ["3:7", "5"],
    ["3:7", "7:9"],
    ["$", "5"],
  ])("%s is waited for by %s, as long as it is there", (first, second) => {
    const wants = new Wants();
    const [wanted, over] = [byUid(first), Promise.resolve()];
    wants.add(byUid("1"), Promise.resolve());
    wants.add(byUid("90:91"), Promise.resolve());
    expect(wants.before(byUid(second))).toBeUndefined();
    wants.add(wanted, over);
    expect(wants.size).toBe(3);
    expect(wants.before(byUid(second))).toBe(over);
    wants.delete(wanted);
    expect(wants.size).toBe(2);
    expect(wants.before(byUid(second))).toBeUndefined();
  });

  test("that are apart do not wait", () => {
    const wants = new Wants();
    for (const set of ["5", "7", "10:20"]) wants.add(byUid(set), Promise.resolve());
    for (const set of ["6", "8:9", "21:*"]) expect(wants.before(byUid(set))).toBeUndefined();
  });

  test("of which one goes by numbers are waited for by all", () => {
    const [wants, over] = [new Wants(), Promise.resolve()];
    wants.add(new Wanted("5", false, SECTION), over);
    expect(wants.before(byUid("9"))).toBe(over);
  });
});
