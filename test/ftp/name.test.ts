/** File names keep every byte, show every control character, and are used locally only when plain. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeName, decoderFor, displayName, encodeName, isPlainName, RepeatedText } from "../../src/ftp/name.js";

const bytes = (max = 64) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));

describe("the names codec", () => {
  test("any bytes come back", () => {
    fc.assert(
      fc.property(bytes(), (name) => {
        expect(encodeName(decodeName(name)).equals(name)).toBe(true);
      }),
    );
  });

  test("bytes near UTF-8 come back: cut, overlong and surrogate forms", () => {
    const piece = fc.constantFrom(
      "ed b2 80",
      "ed a0 80",
      "c3 a9",
      "c3",
      "f0 9f 98 80",
      "f0 9f 98",
      "c0 af",
      "ff",
      "41",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const name = Buffer.from(pieces.join("").replaceAll(" ", ""), "hex");
        expect(encodeName(decodeName(name)).equals(name)).toBe(true);
      }),
    );
  });

  test("any well-formed text comes back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(decodeName(encodeName(name))).toBe(name);
      }),
    );
  });

  test.each([
    ["706c61696e", "plain"],
    ["c3a97420c3a9", "\u00e9t \u00e9"],
    ["ff41c3", "\udcffA\udcc3"],
    ["edb280", "\udced\udcb2\udc80"], // an encoded U+DC80 is not UTF-8
    ["f09f9880fe", "\u{1f600}\udcfe"],
    ["efbbbf41", "\ufeffA"],
  ])("the bytes %s are decoded as Python's surrogateescape does", (hex, text) => {
    expect(decodeName(Buffer.from(hex, "hex"))).toBe(text);
  });

  test("a part of a buffer", () => {
    const row = Buffer.from("a \u00e9t\u00e9 z");
    expect(decodeName(row, 2, 7)).toBe("\u00e9t\u00e9");
    expect(decodeName(row, 8)).toBe("z");
  });

  test("one decoder serves all names of a chunk", () => {
    fc.assert(
      fc.property(fc.array(bytes(12), { minLength: 1 }), (names) => {
        const clean = names.map((name) => Buffer.from(name.filter((byte) => byte !== 10)));
        const chunk = Buffer.concat(clean.flatMap((name) => [name, Buffer.from("\n")]));
        const decode = decoderFor(chunk);
        let at = 0;
        for (const name of clean) {
          expect(encodeName(decode(chunk, at, at + name.length)).equals(name)).toBe(true);
          at += name.length + 1;
        }
      }),
    );
  });

  test("surrogates that stand for no byte become U+FFFD", () => {
    expect(encodeName("a\ud800b\udc00\udcffc").toString("hex")).toBe("61efbfbd62efbfbdff63");
  });

  test("a repeated text is the text of its bytes", () => {
    const repeated = new RepeatedText();
    const row = Buffer.from("root root \u00e9 ");
    const decode = decoderFor(row);
    expect(repeated.read(row, 0, 4, decode)).toBe("root");
    expect(repeated.read(row, 5, 9, decode)).toBe("root");
    expect(repeated.read(row, 5, 8, decode)).toBe("roo");
    expect(repeated.read(row, 10, 12, decode)).toBe("\u00e9");
    expect(repeated.read(row, 0, 0, decode)).toBe("");
  });
});

describe("displayName", () => {
  test.each([
    ["plain \u00e9 \u{1f600} \\ name", "plain \u00e9 \u{1f600} \\ name"],
    ["a\r\nb\tc\0", "a\\r\\nb\\tc\\0"],
    ["\x1b[31mred\x7f\x9b", "\\x1b[31mred\\x7f\\x9b"],
    ["bad\udcff\udc80", "bad\\xff\\x80"],
    ["\ud800 \udc01", "\\ud800 \\udc01"],
    ["exe\u202etxt.\u2028", "exe\\u202etxt.\\u2028"],
  ])("%j is shown as %j", (name, shown) => {
    expect(displayName(name)).toBe(shown);
  });

  test("nothing shown can drive a terminal", () => {
    fc.assert(
      fc.property(bytes(), (name) => {
        expect(displayName(decodeName(name))).toMatch(/^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*$/u);
      }),
    );
  });
});

describe("isPlainName", () => {
  test.each(["a", "a b ", ".profile", "...", "\u00e9", "bad\udcff", "a:b", "back\\slash", "con", "-rf", "*"])(
    "%j is plain on Unix",
    (name) => expect(isPlainName(name, "linux")).toBe(true),
  );
  test.each(["", ".", "..", "/", "a/b", "../a", "/etc/passwd", "a\0b", "a\nb", "a\rb"])(
    "%j is plain nowhere",
    (name) => {
      expect(isPlainName(name, "linux")).toBe(false);
      expect(isPlainName(name, "win32")).toBe(false);
    },
  );
  test.each([
    "a\\b",
    "c:",
    "c:x",
    "a:stream",
    "a*",
    "a?",
    "<a",
    "a|b",
    '"',
    "a\x07",
    "con",
    "NUL.txt",
    "com1",
    "lpt\u00b2",
  ])("%j is not plain on Windows", (name) => expect(isPlainName(name, "win32")).toBe(false));
  test.each(["a.", "a ", "bad\udcff", "Con .txt"])("%j is not plain on Windows either", (name) => {
    expect(isPlainName(name, "win32")).toBe(false);
  });
  test.each(["console", "com", "nullable.txt", "a b", ".git", "comet1"])("%j is plain on Windows", (name) => {
    expect(isPlainName(name, "win32")).toBe(true);
  });
});
