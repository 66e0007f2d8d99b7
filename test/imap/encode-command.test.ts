/** Arguments of commands as a server reads them: whatever text, whatever mailbox; literals at the border of LITERAL-. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { astring, commandLines, literal, type Piece, string } from "../../src/imap/command.js";
import { mailboxArgument, patternArgument } from "../../src/imap/mailbox-argument.js";
import { cursorOf } from "./reading.js";

/** A piece as a server reads it. */
function asRead(piece: Piece): string {
  if (typeof piece === "string") return cursorOf(piece).astring();
  if (!Array.isArray(piece.bytes)) throw new Error("bytes in memory were expected");
  return cursorOf(`{${piece.size}}\r\n${Buffer.concat(piece.bytes).toString("latin1")}`).astring();
}

test("any bytes are read as they were written", () => {
  const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
  const text = fc.oneof(fc.string({ unit: byte, maxLength: 30 }), fc.constantFrom("NIL", "nil", "{5}", "~{5}", "a{5}"));
  fc.assert(
    fc.property(text, (raw) => {
      expect(asRead(astring(raw, true))).toBe(raw);
      expect(asRead(string(raw, true))).toBe(raw);
    }),
  );
});

test("any text is read as its UTF-8", () => {
  const text = fc.string({ unit: "binary" }).filter((each) => !each.includes("\0"));
  fc.assert(
    fc.property(text, (each) => {
      expect(Buffer.from(asRead(astring(each)), "latin1").toString()).toBe(each);
    }),
  );
});

test.each([
  ["LITERAL-", 4096, false],
  ["LITERAL-", 4097, true],
  ["LITERAL+", 1_000_000, false],
  ["synchronizing", 0, true],
] as const)("with %s a literal of %d bytes waits: %s (RFC 7888)", (style, size, waits) => {
  const [line] = commandLines("A1", ["X ", literal(Buffer.alloc(size))], undefined, style);
  expect(line).toMatchObject({ line: `A1 X {${size}${waits ? "" : "+"}}\r\n`, waits });
});

test("the bytes of a stream are not touched", () => {
  const bytes = (async function* () {})();
  const [line] = commandLines("A1", ["APPEND x ", { size: 5_000_000_000, bytes }], undefined, "LITERAL+");
  expect(line).toMatchObject({ line: "A1 APPEND x {5000000000+}\r\n", literal: { bytes } });
});

test("a refused command does not show its secret", () => {
  expect(() => commandLines("A1", 'LOGIN fred "s3cret\n"', "LOGIN fred ***", "LITERAL+")).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("s3cret") }),
  );
});

test("mailboxes travel in modified UTF-7, or in UTF-8", () => {
  expect(mailboxArgument("Entwürfe", false)).toBe("Entw&APw-rfe");
  expect(mailboxArgument("inbox", false)).toBe("INBOX");
  expect(mailboxArgument("", false)).toBe('""');
  expect(asRead(mailboxArgument("Entwürfe", true))).toBe("Entw\xc3\xbcrfe");
  expect(() => mailboxArgument("a\r\nb", true)).toThrow(UsageError);
});

test("a name with wildcards is one mailbox, a pattern stands for many", () => {
  expect(mailboxArgument("a*", false)).toBe('"a*"');
  expect(patternArgument("ä/%", false)).toBe('"&AOQ-/%"');
});
