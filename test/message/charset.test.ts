/** Bytes whose charset is declared, declared wrongly, or not at all. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBytes } from "../../src/message/words.js";

const bytes = (text: string) => Buffer.from(text, "latin1");

describe("the order of the guesses", () => {
  test("valid UTF-8 is UTF-8, whatever is declared", () => {
    expect(decodeBytes(Buffer.from("Grüße"))).toBe("Grüße");
    expect(decodeBytes(Buffer.from("Grüße"), "iso-8859-1")).toBe("Grüße");
    expect(decodeBytes(new Uint8Array([0xc3, 0xbc]), "koi8-r")).toBe("ü");
  });

  test("then the declared charset", () => {
    expect(decodeBytes(bytes("\xf0\xd2\xc9"), "KOI8-R")).toBe("При");
    expect(decodeBytes(bytes("\xa4"), "ISO-8859-15")).toBe("€");
  });

  test("then windows-1252", () => {
    expect(decodeBytes(bytes("5 \x80 f\xfcr"))).toBe("5 € für");
    expect(decodeBytes(bytes("f\xfcr"), "no-such-charset")).toBe("für");
    expect(decodeBytes(bytes("f\xfcr"), "utf-8")).toBe("für");
    expect(decodeBytes(bytes("f\xfcr"), "us-ascii")).toBe("für");
  });

  test("a charset that is not a superset of ASCII comes first", () => {
    expect(decodeBytes(bytes("\x1b$BF|K\\\x1b(B"), "ISO-2022-JP")).toBe("日本");
    expect(decodeBytes(bytes("+APw-"), "utf-7")).toBe("ü");
    expect(decodeBytes(bytes("a\0b\0"), "utf-16le")).toBe("ab");
  });
});

test("anything decodes to something", () => {
  const charset = fc.oneof(fc.string(), fc.constantFrom("utf-8", "utf-7", "big5", "iso-2022-jp", "gb18030", "cp850"));
  fc.assert(
    fc.property(fc.uint8Array(), charset, (anything, name) => {
      expect(typeof decodeBytes(anything, name)).toBe("string");
    }),
  );
});
