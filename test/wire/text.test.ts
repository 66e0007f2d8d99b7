/** Text as it travels: any bytes in and out, and commands that stay one line. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { decodeText, encodeLine, encodeText } from "../../src/wire/index.js";

/** Bytes that are nearly UTF-8: whole sequences, halves of them, surrogates, overlong forms. */
const nearly = fc
  .array(
    fc.oneof(
      fc.constantFrom("ü", "日", "😀", "a", "\ufeff").map((text) => Buffer.from(text)),
      fc
        .constantFrom("c3", "a0", "eda080", "edb2bf", "c080", "f4908080", "e697", "f09f98", "ff", "00")
        .map((hex) => Buffer.from(hex, "hex")),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts));

describe("decodeText and encodeText", () => {
  test("any bytes survive the way in and out", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
          nearly,
        ),
        (bytes) => {
          expect(encodeText(decodeText(bytes))).toEqual(bytes);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("any well-formed text survives the way out and in", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
        (text) => {
          expect(decodeText(encodeText(text))).toBe(text);
        },
      ),
    );
  });

  test("every single byte, and every byte behind each lead byte", () => {
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) {
        const bytes = Buffer.from([a, b]);
        if (!encodeText(decodeText(bytes)).equals(bytes)) expect.fail(`${a} ${b}`);
      }
    }
  });

  test("UTF-8 is that text; what is not UTF-8 is one lone surrogate a byte", () => {
    expect(decodeText(Buffer.from("Zürich 日本 😀"))).toBe("Zürich 日本 😀");
    expect(decodeText(Buffer.from([0x5a, 0xfc, 0x72]))).toBe("Z\udcfcr");
    expect(decodeText(Buffer.from([0xed, 0xa0, 0x80]))).toBe("\udced\udca0\udc80");
    expect(decodeText(Buffer.from("abcdef"), 2, 4)).toBe("cd");
  });
});

describe("encodeLine", () => {
  test("a command ends in CR LF, and has one character a byte", () => {
    expect(encodeLine("NOOP")).toBe("NOOP\r\n");
    expect(Buffer.from(encodeLine("CWD ü\udcff"), "latin1")).toEqual(
      Buffer.concat([Buffer.from("CWD ü"), Buffer.from([0xff, 13, 10])]),
    );
  });

  test.each(["\r", "\n", "\0", "\r\n"])("%j is refused at every place", (bad) => {
    const command = "CWD /a/ü/b";
    for (let at = 0; at <= command.length; at++) {
      expect(() => encodeLine(command.slice(0, at) + bad + command.slice(at)), `at ${at}`).toThrow(UsageError);
    }
  });

  test.each(["\ud800", "\udfff", "\udc00", "\udc7f", "\udd00", "a\ud83d", "\ud83d\ud83d\ude00"])(
    "half a surrogate pair is refused, not replaced: %j",
    (bad) => expect(() => encodeLine(`DELE ${bad}`)).toThrow(UsageError),
  );

  test("bytes that are no UTF-8, and whole pairs, are sent", () => {
    expect(encodeLine("DELE \udc80\udcff😀\udc80")).toHaveLength(5 + 2 + 4 + 1 + 2);
  });

  test("the refusal shows what may be shown, not the secret", () => {
    const refuse = () => encodeLine("PASS s3cret\r\nDELE x", "PASS ***");
    expect(refuse).toThrow("PASS ***");
    expect(refuse).not.toThrow("s3cret");
  });

  test("a command longer than the limit is refused, in bytes", () => {
    expect(encodeLine("x".repeat(10), "", 10)).toHaveLength(12);
    expect(() => encodeLine("ü".repeat(6), "", 10)).toThrow("12 bytes");
  });
});
