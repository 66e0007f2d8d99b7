/** What statuses say: codes, text, capabilities; and the dates of IMAP. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCapabilities } from "../../src/imap/parse-capability.js";
import { parseStatusText } from "../../src/imap/parse-code.js";
import { formatDay, formatInternalDate, parseInternalDate } from "../../src/imap/parse-date.js";
import { responseOf, responsesOf } from "./reading.js";

describe("status responses", () => {
  const said = (line: string) => {
    const { code, text } = responseOf(line);
    return [code, text];
  };

  test.each([
    ["* OK [UIDVALIDITY 3857529045] UIDs valid", { name: "UIDVALIDITY", text: "3857529045", number: 3857529045 }],
    ["* OK [UIDNEXT 4392] Predicted next UID", { name: "UIDNEXT", text: "4392", number: 4392 }],
    ["* OK [UNSEEN 12] first", { name: "UNSEEN", text: "12", number: 12 }],
    ["* OK [HIGHESTMODSEQ 18446744073709551615] ok", { name: "HIGHESTMODSEQ", number: 18446744073709551615n }],
    ["* OK [PERMANENTFLAGS (\\Deleted \\*)] Limited", { name: "PERMANENTFLAGS", flags: ["\\Deleted", "\\*"] }],
    ["* OK [permanentflags ()] none", { name: "PERMANENTFLAGS", flags: [] }],
    ["A1 NO [TRYCREATE] no such mailbox", { name: "TRYCREATE", text: "" }],
    ["A1 OK [APPENDUID 38505 3955] done", { uidValidity: 38505, uids: expect.objectContaining({ size: 1 }) }],
    ["A1 NO [BADCHARSET (UTF-8 US-ASCII)] no", { charsets: ["UTF-8", "US-ASCII"] }],
    ["A1 NO [BADCHARSET] no", { name: "BADCHARSET", text: "" }],
    ["* OK [MAILBOXID (F2212ea87-6097)] ok", { mailboxId: "F2212ea87-6097" }],
    ["* OK [MAILBOXID ()] ok", { name: "MAILBOXID" }],
    ["A1 NO [X-THING a b] no", { name: "X-THING", text: "a b" }],
    ['A1 NO [REFERRAL imap://a@h/"x]y"] no', { name: "REFERRAL", text: 'imap://a@h/"x]y"' }],
    ["A1 NO [constructor x] no", { name: "CONSTRUCTOR", text: "x" }],
  ])("%s", (line, code) => {
    expect(said(line)[0]).toMatchObject(code);
  });

  test("COPYUID tells where each message went (RFC 4315)", () => {
    const { code } = responseOf("A003 OK [COPYUID 38505 304,319:320 3956:3958] Done");
    expect([code?.uidValidity, [...code!.source!], [...code!.uids!]]).toEqual([
      38505,
      [304, 319, 320],
      [3956, 3957, 3958],
    ]);
  });

  test("MODIFIED names those that somebody else changed (RFC 7162)", () => {
    expect([...responseOf("d105 OK [MODIFIED 7,9] Conditional STORE failed").code!.modified!]).toEqual([7, 9]);
  });

  test.each([
    "[UIDVALIDITY x]",
    "[UIDNEXT 1.5]",
    "[COPYUID 1 2]",
    "[APPENDUID 1 *]",
    "[PERMANENTFLAGS (]",
    "[MODIFIED 0x]",
  ])("a code that cannot be read leaves its text: %s", (code) => {
    const name = /\w+/.exec(code)![0];
    expect(said(`A1 OK ${code} done`)).toEqual([{ name, text: code.slice(name.length + 2, -1) }, "done"]);
  });

  test("text without a code, with one alone, and without an end", () => {
    expect(said("* OK hi [there]")).toEqual([undefined, "hi [there]"]);
    expect(said("* OK")).toEqual([undefined, ""]);
    expect(said("* OK [ALERT]")).toEqual([{ name: "ALERT", text: "" }, ""]);
    expect(said("* OK [ALERT]no blank")).toEqual([{ name: "ALERT", text: "" }, "no blank"]);
    expect(said("* OK [ALERT no end")).toEqual([undefined, "[ALERT no end"]);
    expect(said('* OK [X "] y')).toEqual([{ name: "X", text: '"' }, "y"]);
  });

  test("what is UTF-8 is decoded; other bytes are kept", () => {
    expect(said("* OK \xc3\xa4")).toEqual([undefined, "ä"]);
    expect(said("* OK \xe4")).toEqual([undefined, "\udce4"]);
  });

  test("a continuation has text and no code", () => {
    expect(said("+ [x] go")).toEqual([undefined, "[x] go"]);
    expect(said("+")).toEqual([undefined, ""]);
    expect(said("+ ")).toEqual([undefined, ""]);
    expect(parseStatusText("[A] b", false)).toEqual({ code: undefined, text: "[A] b" });
  });

  test("verdicts are read in any case", () => {
    expect(responsesOf("* ok a\r\na1 No b\r\n* 5 exists\r\n").map(({ name, status }) => [name, status])).toEqual([
      ["OK", "OK"],
      ["NO", "NO"],
      ["EXISTS", undefined],
    ]);
  });
});

describe("capabilities", () => {
  test("words with their arguments, in upper case", () => {
    expect(parseCapabilities("IMAP4rev1  auth=PLAIN AUTH=scram-sha-1 LITERAL+ =x UTF8=ACCEPT APPENDLIMIT=5 ")).toEqual(
      new Map([
        ["IMAP4REV1", []],
        ["AUTH", ["PLAIN", "SCRAM-SHA-1"]],
        ["LITERAL+", []],
        ["=X", []],
        ["UTF8", ["ACCEPT"]],
        ["APPENDLIMIT", ["5"]],
      ]),
    );
    expect(parseCapabilities("").size).toBe(0);
  });

  test("in a greeting", () => {
    expect(responseOf("* OK [CAPABILITY IMAP4rev2 IDLE] hi").code?.capabilities).toEqual(
      new Map([
        ["IMAP4REV2", []],
        ["IDLE", []],
      ]),
    );
  });
});

describe("dates", () => {
  test.each([
    ["17-Jul-2026 02:44:25 +0200", "2026-07-17T00:44:25.000Z"],
    [" 7-Jul-1996 02:44:25 -0730", "1996-07-07T10:14:25.000Z"],
    ["7-jUL-1996 00:00:60 +0000", "1996-07-07T00:01:00.000Z"],
    ["29-Feb-2024 00:00:00 +0000", "2024-02-29T00:00:00.000Z"],
  ])("%s", (text, iso) => {
    expect(parseInternalDate(text)?.toISOString()).toBe(iso);
  });

  test.each([
    "",
    "31-Feb-2026 00:00:00 +0000",
    "1-Foo-2026 00:00:00 +0000",
    "1-Jan-2026",
    "1-Jan-2026 24:00:00 +0000",
    "1-Jan-0000 00:00:00 +0000",
  ])("%j is none", (text) => {
    expect(parseInternalDate(text)).toBeUndefined();
  });

  test("a moment comes back as it was sent, to the second", () => {
    const date = fc.date({
      min: new Date("1601-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (moment) => {
        const text = formatInternalDate(moment);
        expect(text).toMatch(/^[ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d \+0000$/);
        expect(parseInternalDate(text)?.getTime()).toBe(Math.floor(moment.getTime() / 1000) * 1000);
      }),
    );
  });

  test("a day has no blank in front; what is no date is refused", () => {
    expect(formatDay(new Date("2026-07-07T23:59:59Z"))).toBe("7-Jul-2026");
    expect(() => formatDay(new Date(Number.NaN))).toThrow(/a date of the years/);
    expect(() => formatInternalDate(new Date("0999-01-01"))).toThrow(/a date of the years/);
  });
});
