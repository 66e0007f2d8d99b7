/** What POP3's answers say: numbers, ids, timestamps, capabilities, refusals. Pure. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoginError } from "../../src/client/errors.js";
import { SizeParser, UidParser } from "../../src/pop3/parse-list.js";
import {
  parseCapabilities,
  parseLanguages,
  parseSize,
  parseStat,
  parseTimestamp,
  parseUid,
} from "../../src/pop3/parse-reply.js";
import { refusal } from "../../src/pop3/refusal.js";

const reply = (text: string, enhanced?: string) => ({
  ...{ ok: false, code: "-ERR", text, lines: [`-ERR ${text}`] },
  ...(enhanced === undefined ? {} : { enhanced }),
});

describe("STAT and LIST", () => {
  test.each([
    ["2 320", { count: 2, bytes: 320 }],
    ["0 0", { count: 0, bytes: 0 }],
    ["  2\t320 octets", { count: 2, bytes: 320 }],
    ["2 320\r", { count: 2, bytes: 320 }],
    ["3 5000000000", { count: 3, bytes: 5_000_000_000 }],
    ["2 320octets", undefined],
    ["2", undefined],
    ["", undefined],
    ["two 320", undefined],
    ["-2 320", undefined],
    ["2 9999999999999999", undefined],
    ["99999999999999999999 1", undefined],
  ])("%j", (text, stat) => {
    expect(parseStat(text)).toEqual(stat);
    // There is no message 0.
    expect(parseSize(text)).toEqual(stat?.count ? { number: stat.count, bytes: stat.bytes } : undefined);
  });
});

describe("UIDL", () => {
  test.each([
    ["1 whqtswO00WBw418f9t5JxYwZ", { number: 1, uid: "whqtswO00WBw418f9t5JxYwZ" }],
    ["2 a b  ", { number: 2, uid: "a b" }],
    ["3", { number: 3, uid: "" }],
    ["3 ", { number: 3, uid: "" }],
    ["4 ~!{|}\r", { number: 4, uid: "~!{|}" }],
    ["x 1", undefined],
    ["5x 1", undefined],
    ["0 a", undefined],
    ["", undefined],
  ])("%j", (text, row) => {
    expect(parseUid(text)).toEqual(row);
  });

  test("an id is the same in a list and asked for alone, whatever bytes it has", () => {
    const bytes = Buffer.from([0x31, 0x20, 0x61, 0xff, 0xc3, 0xa4, 0x0d, 0x0a]);
    expect(new UidParser({ line: 100, body: 1_000 }).push(bytes)).toEqual([{ number: 1, uid: "a\udcffä" }]);
  });

  test("any list of rows survives, cut anywhere", () => {
    const uid = fc.stringMatching(/^[\x21-\x7e]{1,70}$/);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1 }), uid)),
        fc.array(fc.nat(200)),
        fc.boolean(),
        (rows, cuts, crlf) => {
          const text = rows.map(([number, id]) => `${number} ${id}${crlf ? "\r\n" : "\n"}`).join("");
          const parser = new UidParser({ line: 200, body: 1_000 });
          const got = [];
          let at = 0;
          for (const cut of [...cuts, text.length]) {
            got.push(...parser.push(Buffer.from(text.slice(at, at + cut))));
            at += cut;
          }
          expect([...got, ...parser.end()]).toEqual(rows.map(([number, id]) => ({ number, uid: id })));
        },
      ),
    );
  });

  test("lines that are no rows are left out", () => {
    const sizes = new SizeParser({ line: 100, body: 1_000 });
    expect([...sizes.push(Buffer.from("1 10\r\n\r\nhm\r\n2 x\r\n3 30 more\r\n4 40")), ...sizes.end()]).toEqual([
      { number: 1, bytes: 10 },
      { number: 3, bytes: 30 },
      { number: 4, bytes: 40 },
    ]);
  });

  test("a line beyond the limit is refused", () => {
    expect(() => new UidParser({ line: 100, body: 1_000 }).push(Buffer.from(`1 ${"x".repeat(200)}`))).toThrow(
      /limits.line/,
    );
  });

  test("a list without an end is given up before its rows, many times larger than on the wire, fill the memory", () => {
    const rows = Buffer.from("1 1\r\n".repeat(10_000));
    for (const [body, most] of [
      [1_000, 1_000_000],
      [64 * 1_200_000, 1_200_000],
    ] as const) {
      const parser = new SizeParser({ line: 100, body });
      let count = 0;
      const readOn = () => {
        for (;;) count += parser.push(rows).length;
      };
      expect(readOn).toThrow(/limits\.body/);
      expect(count).toBe(most);
    }
  });
});

describe("the timestamp of APOP", () => {
  test.each([
    ["POP3 server ready <1896.697170952@dbc.mtview.ca.us>", "<1896.697170952@dbc.mtview.ca.us>"],
    ["<a@b> <c@d>", "<a@b>"],
    ["<not one> <c@[127.0.0.1]>", "<c@[127.0.0.1]>"],
    ["<<a@b>", "<a@b>"],
    ["<a@b\u0007>", undefined],
    ["<\u00e4@b>", undefined],
    ["<a@b@c>", undefined],
    [`<${"a".repeat(300)}@b>`, undefined],
  ])("%j", (greeting, timestamp) => {
    expect(parseTimestamp(greeting)).toBe(timestamp);
  });
});

test("capabilities: words in any case, arguments as they stand, one on two lines", () => {
  expect([...parseCapabilities(Buffer.from("top\r\nSASL PLAIN  login\n\r\nSasl CRAM-MD5\r\n EXPIRE 60\r\n"))]).toEqual([
    ["TOP", []],
    ["SASL", ["PLAIN", "login", "CRAM-MD5"]],
    ["EXPIRE", ["60"]],
  ]);
});

test("languages: what is no tag is left out", () => {
  expect(parseLanguages(Buffer.from("en English\r\n\r\n(none)\r\nde-1996 Deutsch (neu)\r\n*\r\n"))).toEqual([
    { tag: "en", name: "English" },
    { tag: "de-1996", name: "Deutsch (neu)" },
    { tag: "*", name: "" },
  ]);
});

describe("refusals", () => {
  test("a code below a known one means what that one means; an unknown one nothing", () => {
    expect(refusal(reply("[SYS/TEMP/DISK] x", "SYS/TEMP/DISK"), "RETR 1").transient).toBe(true);
    expect(refusal(reply("[SYS/X] x", "SYS/X"), "RETR 1").transient).toBe(false);
    expect(refusal(reply("[__proto__] x", "__PROTO__"), "RETR 1").transient).toBe(false);
    expect(refusal(reply("[toString/x] x", "toString/x"), "RETR 1").transient).toBe(false);
  });

  test("words about locks count at a login, and nowhere else", () => {
    expect(refusal(reply("maildrop is locked"), "PASS ***").transient).toBe(true);
    expect(refusal(reply("maildrop is locked"), "RETR 1").transient).toBe(false);
  });

  test("an unknown code at a login is still about the login", () => {
    expect(refusal(reply("[X] x", "X"), "PASS ***")).toBeInstanceOf(LoginError);
  });
});

test("time grows with the length of what comes, not with its square", () => {
  const size = 500_000;
  for (const piece of ["<", "<a", "a@", "<a@", "maildrop ", "lock ", "too many ", "x ", " ", "1 ", "[a", "\t"]) {
    const text = piece.repeat(size / piece.length);
    for (const parse of [parseTimestamp, parseStat, parseUid]) parse(text);
    refusal(reply(text), "PASS ***");
    parseLanguages(Buffer.from(text));
    parseCapabilities(Buffer.from(`${text}\r\nA B\r\nA C`));
  }
  parseCapabilities(Buffer.from("A B\r\n".repeat(100_000)));
  // The square of half a million would take minutes.
}, 15_000);
