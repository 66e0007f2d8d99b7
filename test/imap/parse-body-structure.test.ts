/** BODYSTRUCTURE: as the RFC has it, and as servers have it. */
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { type BodyPart, parseBodyStructure } from "../../src/imap/parse-body-structure.js";
import { bothForms, cursorOf } from "./reading.js";

function structure(values: string): BodyPart {
  const read = bothForms(values, (cursor) => {
    const value = parseBodyStructure(cursor);
    expect(cursor.done, "nothing is left").toBe(true);
    return value;
  });
  if (read === undefined) throw new Error("NIL");
  return read;
}

/** The parts by what they are fetched by. */
function sections(part: BodyPart): string[] {
  return [`${part.section} ${part.type}`, ...part.parts.flatMap(sections)];
}

const TEXT = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2279 48)';
const GIF = '("image" "gif" NIL NIL NIL "base64" 99)';
const ENVELOPE = '(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL)';
const MIXED = `(${TEXT}${GIF} "mixed")`;
const message = (body: string) => `("message" "rfc822" NIL NIL NIL "7bit" 400 ${ENVELOPE} ${body} 12)`;

describe("one part", () => {
  test("of RFC 9051 §7.5.2", () => {
    expect(structure(TEXT)).toEqual({
      section: "1",
      type: "text/plain",
      parameters: new Map([["charset", "US-ASCII"]]),
      encoding: "7bit",
      size: 2279,
      lines: 48,
      parts: [],
    });
  });

  test("with all that BODYSTRUCTURE adds", () => {
    const read = structure(
      '("application" "PDF" ("NAME" "a.pdf") "<id@x>" "=?utf-8?q?=C3=A4?=" "BASE64" 100 "md5==" ("ATTACHMENT" ("FILENAME" "b.pdf")) ("en" "de") "http://x" "more" (1 (2)))',
    );
    expect(read).toMatchObject({
      type: "application/pdf",
      id: "<id@x>",
      description: "ä",
      encoding: "base64",
      size: 100,
      md5: "md5==",
      disposition: { type: "attachment", parameters: new Map([["filename", "b.pdf"]]) },
      languages: ["en", "de"],
      location: "http://x",
      filename: "b.pdf",
    });
    expect(read.lines).toBeUndefined();
  });

  test("one language is a string, none is NIL", () => {
    expect(structure('("a" "b" NIL NIL NIL "7bit" 1 NIL NIL "en")').languages).toEqual(["en"]);
    expect(structure('("a" "b" NIL NIL NIL "7bit" 1 NIL NIL NIL NIL)')).not.toHaveProperty("languages");
  });

  test("a file's name comes from the type where the disposition has none", () => {
    expect(structure('("a" "b" ("name" "=?utf-8?b?w6Q=?=.txt") NIL NIL "7bit" 1 NIL ("inline" NIL))').filename).toBe(
      "ä.txt",
    );
  });
});

describe("several parts", () => {
  test("of RFC 9051 §7.5.2", () => {
    const read = structure(
      '(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")',
    );
    expect(sections(read)).toEqual(["TEXT multipart/mixed", "1 text/plain", "2 text/plain"]);
    expect(read.parts[1]).toMatchObject({ filename: "cc.diff", description: "Compiler diff", size: 4554, lines: 73 });
  });

  test("parts within parts, with parameters", () => {
    const read = structure(
      `((${TEXT}(${TEXT}${GIF} "related" ("type" "text/html")) "alternative")${GIF} "mixed" ("boundary" "x") NIL NIL NIL)`,
    );
    expect(sections(read)).toEqual([
      "TEXT multipart/mixed",
      "1 multipart/alternative",
      "1.1 text/plain",
      "1.2 multipart/related",
      "1.2.1 text/plain",
      "1.2.2 image/gif",
      "2 image/gif",
    ]);
    expect(read.parameters.get("boundary")).toBe("x");
    expect(read.parts[0]?.parts[1]?.parameters.get("type")).toBe("text/html");
  });

  test("messages within messages are numbered as RFC 9051 §6.4.5 does", () => {
    const read = structure(`(${TEXT}${message(`(${TEXT}${message(TEXT)} "mixed")`)}${message(GIF)} "mixed")`);
    expect(sections(read)).toEqual([
      "TEXT multipart/mixed",
      "1 text/plain",
      "2 message/rfc822",
      "2.TEXT multipart/mixed",
      "2.1 text/plain",
      "2.2 message/rfc822",
      "2.2.1 text/plain",
      "3 message/rfc822",
      "3.1 image/gif",
    ]);
    expect(read.parts[1]).toMatchObject({ lines: 12, envelope: { rawSubject: "inner" } });
  });

  test("a message that is all of a message", () => {
    expect(sections(structure(message(MIXED)))).toEqual([
      "1 message/rfc822",
      "1.TEXT multipart/mixed",
      "1.1 text/plain",
      "1.2 image/gif",
    ]);
  });
});

describe("what servers get wrong", () => {
  test.each([
    ["a text without lines", '("text" "plain" NIL NIL NIL "7bit" 3)', { size: 3 }],
    [
      "lines that are NIL, or negative",
      '("text" "plain" NIL NIL NIL "7bit" 3 -1 NIL ("inline" NIL))',
      { disposition: { type: "inline" } },
    ],
    ["a size that is NIL", '("text" "plain" NIL NIL NIL NIL NIL 5)', { lines: 5 }],
    ["no type", '(NIL NIL NIL NIL NIL "7bit" 3)', { type: "application/octet-stream", size: 3 }],
    ["no subtype", '("TEXT" NIL NIL NIL NIL "7bit" 3 1)', { type: "text/octet-stream", lines: 1 }],
    ["nothing at all", "()", { type: "application/octet-stream" }],
    ["a message without envelope and body", '("message" "rfc822" NIL NIL NIL "7bit" 3)', { size: 3, parts: [] }],
    ["a message with NIL for its envelope", `("message" "rfc822" NIL NIL NIL "7bit" 3 NIL ${TEXT} 1)`, { lines: 1 }],
    [
      "a disposition that is a word",
      '("a" "b" NIL NIL NIL "7bit" 3 NIL "ATTACHMENT")',
      { disposition: { type: "attachment" } },
    ],
    [
      "a disposition with an empty list",
      '("a" "b" NIL NIL NIL "7bit" 3 NIL ())',
      { disposition: { type: "attachment" } },
    ],
    ["parameters that are no list", '("a" "b" "x" NIL NIL "7bit" 3)', { parameters: new Map(), size: 3 }],
    [
      "parameters of an odd number",
      '("a" "b" ("x" "y" "z") NIL NIL "7bit" 3)',
      { parameters: new Map([["x", "y"]]), size: 3 },
    ],
    ["a parameter that is NIL", '("a" "b" ("x" NIL) NIL NIL "7bit" 3)', { parameters: new Map([["x", ""]]) }],
    ["a multipart without parts", '("mixed" ("boundary" "x") NIL NIL)', { type: "multipart/mixed", parts: [] }],
    [
      "a multipart with NIL for its parts",
      '(NIL "mixed" ("boundary" "x") NIL NIL)',
      { type: "multipart/mixed", parts: [] },
    ],
    ["a multipart without subtype", `(${TEXT})`, { type: "multipart/mixed" }],
    [
      "lists where strings would be",
      '("a" "b" (("x" "y") "z" "k" "v") ("id") ("text") "7bit" 3)',
      { parameters: new Map([["k", "v"]]), size: 3 },
    ],
    ["8-bit in a parameter", '("a" "b" ("name" "\xe4") NIL NIL "7bit" 3)', { filename: "ä" }],
  ])("%s", (_, values, part) => {
    expect(structure(values)).toMatchObject(part);
  });

  test("NIL is none", () => {
    expect(parseBodyStructure(cursorOf("NIL"))).toBeUndefined();
  });

  test.each(["(", `(${TEXT}`, '("text" "plain" (', "((((", '("a" "b" ("x"'])("%j is refused", (text) => {
    expect(() => parseBodyStructure(cursorOf(text))).toThrow(ProtocolError);
  });

  test("depth without end is refused before the stack ends", () => {
    expect(() => parseBodyStructure(cursorOf("(".repeat(500_000)))).toThrow(/parts within parts, more than 100/);
    const messages = '("message" "rfc822" NIL NIL NIL "7bit" 3 NIL '.repeat(20_000);
    expect(() => parseBodyStructure(cursorOf(messages))).toThrow(/parts within parts, more than 100/);
  });

  test("a hundred thousand empty parts are read", () => {
    const parts = parseBodyStructure(cursorOf(`(${'(NIL "x")'.repeat(100_000)} "mixed")`))?.parts;
    expect(parts).toHaveLength(100_000);
  });
});
