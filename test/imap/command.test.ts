/** Arguments, literals and the lines of commands: pure. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { astring, commandLines, literal, shownCommand, string } from "../../src/imap/command.js";

const bytes = (piece: unknown) => (piece as { bytes: Buffer[] }).bytes[0];

describe("arguments", () => {
  test.each([
    ["INBOX", "INBOX"],
    ["a/b-c.d", "a/b-c.d"],
    ["", '""'],
    ["a b", '"a b"'],
    ['say "hi" \\o/', '"say \\"hi\\" \\\\o/"'],
    ["NIL", '"NIL"'],
    ["nil", '"nil"'],
    ["100%", '"100%"'],
    ["a*", '"a*"'],
    ["(x)", '"(x)"'],
    ["]", '"]"'],
    ["{3}", '"{3}"'],
  ])("%j is %s", (text, sent) => {
    expect(astring(text)).toBe(sent);
  });

  test.each(["ü", "a\r\nb", "a\nb", "x".repeat(2000)])("what cannot be quoted is a literal", (text) => {
    expect(bytes(string(text))?.toString()).toBe(text);
  });

  test("raw text is one byte per character", () => {
    expect(bytes(astring("\xfc", true))).toEqual(Buffer.from([0xfc]));
  });

  test("NUL goes nowhere", () => {
    expect(() => astring("a\0")).toThrow(UsageError);
  });
});

describe("lines", () => {
  const sent = (...args: Parameters<typeof commandLines>) =>
    commandLines(...args).map(({ line, waits }) => [line, waits]);
  const big = literal(Buffer.alloc(4097));

  test("a literal ends a line; whether it waits is the server's word", () => {
    const text = ["LOGIN ", literal(Buffer.from("ab")), " ", big];
    expect(sent("A1", text, undefined, "synchronizing")).toEqual([
      ["A1 LOGIN {2}\r\n", true],
      [" {4097}\r\n", true],
      ["\r\n", false],
    ]);
    expect(sent("A1", text, undefined, "LITERAL-").map(([line]) => line)).toEqual([
      "A1 LOGIN {2+}\r\n",
      " {4097}\r\n",
      "\r\n",
    ]);
    expect(sent("A1", text, undefined, "LITERAL+").map(([line]) => line)).toEqual([
      "A1 LOGIN {2+}\r\n",
      " {4097+}\r\n",
      "\r\n",
    ]);
  });

  test("a binary literal says so", () => {
    expect(sent("A1", ["X ", { ...big, binary: true }], undefined, "LITERAL+")[0]).toEqual([
      "A1 X ~{4097+}\r\n",
      false,
    ]);
  });

  test("behind what is shown in place of a secret, nothing is", () => {
    const lines = commandLines("A1", ["LOGIN ", literal(Buffer.from("ü")), ' "secret"'], "LOGIN ü ***", "LITERAL+");
    expect(lines.map(({ shown }) => shown)).toEqual(["A1 LOGIN ü ***", "***"]);
  });

  test.each(["NOOP\r\nA2 LOGOUT", "NOOP\n", "NO\0OP"])("%j is not sent", (text) => {
    expect(() => commandLines("A1", text, undefined, "LITERAL+")).toThrow(UsageError);
    expect(() => commandLines("A1", [text, literal(Buffer.alloc(1))], undefined, "LITERAL+")).toThrow(UsageError);
  });

  test.each(["XA {5}", "XA {5+}", "XA {5-}", "XA ~{5}", "{0}"])(
    "%j, which a literal would follow, is not sent",
    (text) => {
      expect(() => commandLines("A1", text, undefined, "LITERAL+")).toThrow(UsageError);
      expect(() => commandLines("A1", ["X ", literal(Buffer.alloc(1)), ` ${text}`], undefined, "LITERAL+")).toThrow(
        UsageError,
      );
    },
  );

  test.each(["XA {5} ", 'XA "{5}"', "XA {x}", "XA {5}b"])("%j is no such thing", (text) => {
    expect(commandLines("A1", text, undefined, "LITERAL+")).toHaveLength(1);
  });

  test("a person sees the sizes of literals", () => {
    expect(shownCommand(["APPEND a ", big])).toBe("APPEND a {4097}");
  });
});
