/** Header blocks, in order and not. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { type Headers, parseHeaders } from "../../src/message/headers.js";

const parse = (text: string) => parseHeaders(Buffer.from(text, "latin1"));

const ARTICLE = [
  "Path: news.example!not-for-mail",
  "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>",
  "Received: one",
  "received: two",
  "Subject: a long",
  "\tsubject  ",
  "References: <1@x>",
  " <2@x>",
  "",
  "Body: no header",
  "",
].join("\r\n");

describe("fields", () => {
  test("by name in any case: first, all, raw, has", () => {
    const headers = parse(ARTICLE);
    expect(headers.get("FROM")).toBe("Jürgen <j@example.org>");
    expect(headers.raw("from")).toBe("=?utf-8?Q?J=C3=BCrgen?= <j@example.org>");
    expect(headers.get("Received")).toBe("one");
    expect(headers.all("Received")).toEqual(["one", "two"]);
    expect(headers.has("path")).toBe(true);
    expect([headers.get("body"), headers.raw("body"), headers.has("body"), headers.all("body")]).toEqual([
      undefined,
      undefined,
      false,
      [],
    ]);
    expect(headers.size).toBe(6);
  });

  test("in their order, names as they were written", () => {
    expect([...parse("B: 1\r\na: 2\r\nB: =?utf-8?Q?=C3=BC?=\r\n").entries()]).toEqual([
      ["B", "1"],
      ["a", "2"],
      ["B", "ü"],
    ]);
    expect([...parse("X: \xfc\r\n")]).toEqual([{ name: "X", value: "ü", raw: "\xfc" }]);
    expect(JSON.stringify(parse("B: 1\r\na: 2\r\nb: 3\r\n"))).toBe('{"b":["1","3"],"a":["2"]}');
  });

  test("folded lines are unfolded, the blank behind the fold stays", () => {
    const headers = parse(ARTICLE);
    expect(headers.get("subject")).toBe("a long\tsubject");
    expect(headers.raw("references")).toBe("<1@x> <2@x>");
    expect(parse("A: =?utf-8?Q?a?=\n =?utf-8?Q?b?=\n").get("a")).toBe("ab");
    expect(parse("A:\r\n b\r\n \r\n c\r\n").get("a")).toBe("b  c");
  });

  test("the body begins behind the empty line", () => {
    expect(ARTICLE.slice(parse(ARTICLE).bodyStart)).toBe("Body: no header\r\n");
    expect(parse("A: b\n\nbody").bodyStart).toBe(6);
    expect(parse("\r\nA: b\r\n")).toMatchObject({ bodyStart: 2, size: 0 });
    expect(parse("A: b\r\n").bodyStart).toBe(6);
    expect(parse("A: b").bodyStart).toBe(4);
    expect(parse("").bodyStart).toBe(0);
  });

  test("blanks before the colon and bare LF are accepted", () => {
    const headers = parse("Subject \t: x\nEmpty:\nDate:y\n\n");
    expect(headers.get("subject")).toBe("x");
    expect(headers.get("empty")).toBe("");
    expect(headers.get("date")).toBe("y");
    expect([...headers].map(({ name }) => name)).toEqual(["Subject", "Empty", "Date"]);
  });

  test("bytes of no charset are read by field", () => {
    const headers = parse("A: gr\xfc\xdfe\r\nB: gr\xc3\xbc\xc3\x9fe\r\n");
    expect([headers.get("a"), headers.get("b")]).toEqual(["grüße", "grüße"]);
  });
});

describe("without()", () => {
  const text = "Bcc: a@x\r\nTo: b@x\r\nbCC : c@x,\r\n\td@x\r\nX: bcc\r\n\r\nBcc: body\r\n";

  test("gives the header block less some fields, folded lines with them", () => {
    const headers = parse(text);
    expect(headers.without("bcc").toString()).toBe("To: b@x\r\nX: bcc\r\n\r\n");
    expect(headers.without("BCC", "x").toString()).toBe("To: b@x\r\n\r\n");
    expect(headers.without("none").toString()).toBe(text.slice(0, headers.bodyStart));
    expect(headers.allRaw("bcc")).toEqual(["a@x", "c@x,\td@x"]);
  });

  test("leaves all other fields of any header", () => {
    const line = fc.constantFrom("A: 1\n", "B: 2\r\n", "b:3\n", " folded\n", "no field\n", "C: 4");
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const headers = parse(lines.join(""));
        const fields = (of: Headers) => [...of].filter(({ name }) => !/^b$/i.test(name));
        expect([...parseHeaders(headers.without("b"))]).toEqual(fields(headers));
      }),
    );
  });
});

describe("what is no field", () => {
  test("is kept as broken", () => {
    const headers = parse(
      "From me Tue Feb  3 10:11:12 2026\r\nA: 1\r\nno colon\r\n folded\r\nB: 2\r\n: no name\r\nM\xfc: x\r\nC: 3\r\n\r\n",
    );
    expect(headers.broken).toEqual(["From me Tue Feb  3 10:11:12 2026", "no colon folded", ": no name", "M\xfc: x"]);
    expect([...headers.entries()]).toEqual([
      ["A", "1"],
      ["B", "2"],
      ["C", "3"],
    ]);
  });

  test("a continuation line with nothing before it is broken", () => {
    expect(parse(" folded\r\nA: 1\r\n")).toMatchObject({ broken: ["folded"], size: 1 });
  });
});

describe("limits", () => {
  test("10 000 fields, or as many as allowed", () => {
    expect(parse("A: b\r\n".repeat(10_000)).size).toBe(10_000);
    expect(() => parse("A: b\r\n".repeat(10_001))).toThrow(ProtocolError);
    expect(() => parse("broken\r\n".repeat(10_001))).toThrow(ProtocolError);
    expect(() => parseHeaders(Buffer.from("A: b\r\nB: c\r\n"), { maxFields: 1 })).toThrow(/more than 1 header/);
  });
});

describe("anything", () => {
  const name = fc.stringMatching(/^[!-9;-~]{1,20}$/);
  const value = fc.stringMatching(/^[!-~]{1,20}( [!-~]{1,20})*$/).filter((text) => !text.includes("=?"));

  test("fields that are written are found, folded or not", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value, fc.boolean())), fc.constantFrom("\r\n", "\n"), (fields, end) => {
        const lines = fields.map(([n, v, fold]) => `${n}: ${fold ? v.replaceAll(" ", `${end} `) : v}${end}`);
        const headers = parse(`${lines.join("")}${end}body`);
        expect([...headers.entries()]).toEqual(fields.map(([n, v]) => [n, v]));
        for (const [n] of fields) {
          const same = fields.filter(([other]) => other.toLowerCase() === n.toLowerCase());
          expect(headers.all(n.toUpperCase())).toEqual(same.map(([, v]) => v));
        }
      }),
    );
  });

  test("nothing else throws, and no byte of the header is lost", () => {
    const piece = fc.oneof(
      fc.constantFrom("\r\n", "\n", "\r", ":", " ", "\t", "A"),
      fc.string({ unit: "binary-ascii" }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join("");
        const headers = parse(text);
        const found = [...headers].map(({ name: n, raw }) => `${n}:${raw}`).concat(headers.broken);
        const squeeze = (s: string) => [...s.replace(/[\s\r\n]/g, "")].sort().join("");
        expect(squeeze(found.join(""))).toBe(squeeze(text.slice(0, headers.bodyStart)));
      }),
    );
  });
});
