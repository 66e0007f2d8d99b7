/** The pieces of a response: words, strings, numbers, lists, in every form servers give them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { Cursor } from "../../src/imap/cursor.js";
import { parseFlags } from "../../src/imap/flags.js";
import { readOrigin, readSection } from "../../src/imap/parse-section.js";
import { bothForms, cursorOf, withLiterals } from "./reading.js";

const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;

describe("strings", () => {
  test.each([
    ['"abc"', "abc"],
    ['""', ""],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['"\xe4 \x01"', "\xe4 \x01"],
    ['"NIL"', "NIL"],
    ["NIL", undefined],
    ["nil", undefined],
    ["NILS", "NILS"],
    ["atom", "atom"],
    ["{3}\r\nabc", "abc"],
    ["~{3+}\r\na\0c", "a\0c"],
    ["{0}\r\n", ""],
    ["{3}", "{3}"],
  ])("%j is read", (text, value) => {
    expect((text.includes("\r\n") ? cursorOf(text) : new Cursor(text)).nstring()).toBe(value);
  });

  test("any text comes back out of quotes and out of literals, with what follows it", () => {
    const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) });
    const line = text.filter((each) => !/[\r\n]/.test(each));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (texts) => {
        const read = (cursor: Cursor) => [cursor.strings(), cursor.atom()];
        expect(bothForms(`(${texts.map(quoted).join(" ")}) end`, read)).toEqual([texts, "end"]);
      }),
    );
  });

  test("an escape far behind, and one within, do not disturb each other", () => {
    const cursor = new Cursor('("a" "b\\\\" "c" "d\\"e" "f")');
    expect(cursor.strings()).toEqual(["a", "b\\", "c", 'd"e', "f"]);
  });

  test("NIL is a word where a word or a string is wanted", () => {
    expect(new Cursor("NIL").astring()).toBe("NIL");
    expect(new Cursor('"NIL"').astring()).toBe("NIL");
  });

  test("a literal that went elsewhere leaves its size", () => {
    expect(new Cursor("{9}\r\n", [9]).bytes()).toBe(9);
    expect(new Cursor("{9}\r\n", [9]).nstring()).toBe("");
  });

  test.each(['"abc', '"abc\\', '"abc\\"', "", "(", ")"])("%j has none", (text) => {
    expect(() => new Cursor(text).nstring()).toThrow(ProtocolError);
  });

  test("a literal whose bytes are not there is an error", () => {
    expect(() => new Cursor("{3}\r\n").nstring()).toThrow(/a literal is missing/);
  });
});

describe("numbers", () => {
  test.each([
    ["0", 0],
    ["007", 7],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("%s", (text, value) => {
    expect(new Cursor(text).number()).toBe(value);
    expect(new Cursor(text).bigNumber()).toBe(value);
  });

  test.each(["", "-1", "1.5", "1x", "x", '"1"', "9007199254740993", "9".repeat(500)])("%j is none", (text) => {
    expect(() => new Cursor(text).number()).toThrow(ProtocolError);
  });

  test("64 bits are exact", () => {
    expect(new Cursor("18446744073709551615").bigNumber()).toBe(18446744073709551615n);
    expect(() => new Cursor("9".repeat(21)).bigNumber()).toThrow(ProtocolError);
  });

  test.each([["NIL"], ["-1"], ["x"], ['"x"'], ["9".repeat(16)]])("%s is stepped over where one is optional", (text) => {
    const cursor = new Cursor(`${text} next`);
    expect(cursor.numberOr()).toBeUndefined();
    expect(cursor.atom()).toBe("next");
  });
});

describe("lists", () => {
  test("values of any depth", () => {
    expect(bothForms('(a ("b" NIL (c)) () "d e")', (cursor) => cursor.value())).toEqual([
      "a",
      ["b", undefined, ["c"]],
      [],
      "d e",
    ]);
  });

  test("blanks between are as many as the server likes", () => {
    expect(new Cursor("  ( a  b ( c ) )").value()).toEqual(["a", "b", ["c"]]);
    expect(new Cursor('(a"b"(c)"d")').value()).toEqual(["a", "b", ["c"], "d"]);
  });

  test("NIL is an empty one", () => {
    expect(new Cursor("NIL").strings()).toEqual([]);
    expect(parseFlags(new Cursor("NIL"))).toEqual([]);
    expect(parseFlags(new Cursor("(\\Seen $MDNSent \\*)"))).toEqual(["\\Seen", "$MDNSent", "\\*"]);
  });

  test.each(["(", "(a", "(a (b)", '(a "b"', "(((("])("%j has no end", (text) => {
    expect(() => new Cursor(text).value()).toThrow(ProtocolError);
    expect(() => new Cursor(text).skip()).toThrow(ProtocolError);
  });

  test("depth without end is refused where values are wanted and stepped over where they are not", () => {
    const deep = `${"(".repeat(300_000)}x${")".repeat(300_000)} next`;
    expect(() => new Cursor(deep).value()).toThrow(/lists within lists, more than 200/);
    const cursor = new Cursor(deep);
    cursor.skip();
    expect(cursor.atom()).toBe("next");
  });

  test("going back reads the same again, literals and escapes included", () => {
    const text = '({1}\r\na "b\\"c" {2}\r\nde) "f" {1}\r\ng';
    const cursor = cursorOf(text);
    const { at } = cursor;
    const first = cursor.value();
    cursor.rewind(at);
    expect(cursor.value()).toEqual(first);
    expect([cursor.nstring(), cursor.nstring(), cursor.done]).toEqual(["f", "g", true]);
  });

  test("skipping steps over exactly what reading takes", () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom("NIL", "a", "1", '"x"', '"(\\""', "{2}\r\n)(", "{0}\r\n", "\\Seen"),
        fc.array(tie("value") as fc.Arbitrary<string>, { maxLength: 4 }).map((all) => `(${all.join(" ")})`),
      ),
    })).value as fc.Arbitrary<string>;
    fc.assert(
      fc.property(value, (text) => {
        const [one, two] = [cursorOf(`${text} end`), cursorOf(`${text} end`)];
        one.value();
        two.skip();
        expect(two.at).toBe(one.at);
        expect(two.atom()).toBe("end");
      }),
    );
  });
});

test("hostile values are read or refused, and fast", () => {
  const part = fc.constantFrom("(", ")", '"', "\\", "{1}", "NIL", " ", "a", "[", "]", "<", "\0", "\xff", "~");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const text = parts.join("");
      const cursor = new Cursor(text);
      try {
        while (!cursor.done) cursor.value();
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});

describe("sections", () => {
  const both = (text: string) => {
    const cursor = cursorOf(`X${text} next`);
    cursor.itemName();
    const section = [readSection(cursor), readOrigin(cursor)];
    expect(cursor.atom()).toBe("next");
    return section;
  };

  test.each([
    ["[]", "", ""],
    ["[]<0>", "", "<0>"],
    ["[1.2.mime]", "1.2.MIME", ""],
    ["[HEADER.FIELDS (Subject From)]<100>", "HEADER.FIELDS (SUBJECT FROM)", "<100>"],
    ['[HEADER.FIELDS ("Subject" "X-]-Y")]', "HEADER.FIELDS (SUBJECT X-]-Y)", ""],
    ["[HEADER.FIELDS ({7}\r\nSubject {1}\r\n])]", "HEADER.FIELDS (SUBJECT ])", ""],
    ["[2.HEADER.FIELDS.NOT (A)]", "2.HEADER.FIELDS.NOT (A)", ""],
  ])("%j", (text, section, origin) => {
    expect(both(text)).toEqual([section, origin]);
  });

  test.each(["[", "[1", '["', "[{", "[(", "[1]<", "[1]<x>", "[1]<>", "x"])("%j is none", (text) => {
    expect(() => {
      const cursor = new Cursor(text);
      readSection(cursor);
      readOrigin(cursor);
    }).toThrow(ProtocolError);
  });
});

test("literals for quoted strings, as these tests write them", () => {
  expect(withLiterals('("a\\"" "")')).toBe('({2}\r\na" {0}\r\n)');
});
