/** Header text as newsreaders send it (RFC 2047, and what they made of it). */
import fc from "fast-check";
import { encodeWord, encodeWords } from "nodemailer/lib/mime-funcs";
import { describe, expect, test } from "vitest";
import { decodeWords } from "../../src/message/words.js";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

describe("plain text", () => {
  test("ASCII comes back as it is", () => {
    const raw = "Re: [a.b] how to = ? and = ?= a header";
    expect(decodeWords(raw)).toBe(raw);
    expect(decodeWords("")).toBe("");
  });

  test("control characters stay", () => {
    expect(decodeWords("a\tb\x00c\x1b[31m\x7f")).toBe("a\tb\x00c\x1b[31m\x7f");
  });

  test("bare UTF-8 is read as UTF-8", () => {
    expect(decodeWords(latin1("Grüße, 世界 🙂"))).toBe("Grüße, 世界 🙂");
  });

  test("other 8-bit text is read as windows-1252", () => {
    expect(decodeWords("Gr\xfc\xdfe f\xfcr 5 \x80 \x93so\x94")).toBe("Grüße für 5 € “so”");
    expect(decodeWords("\x81\x8d\x8f\x90\x9d")).toBe("\x81\x8d\x8f\x90\x9d");
  });

  test("text that was decoded already stays", () => {
    expect(decodeWords("Grüße, 世界")).toBe("Grüße, 世界");
    expect(decodeWords("世界 =?utf-8?Q?=C3=BC?=")).toBe("世界 ü");
    expect(decodeWords("=?utf-8?Q?世?=")).toBe("=?utf-8?Q?世?=");
  });
});

describe("encoded words", () => {
  // The examples of RFC 2047 section 8.
  test.each([
    ["(=?ISO-8859-1?Q?a?=)", "(a)"],
    ["(=?ISO-8859-1?Q?a?= b)", "(a b)"],
    ["(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"],
    ["(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"],
    ["(=?ISO-8859-1?Q?a?=\r\n   =?ISO-8859-1?Q?b?=)", "(ab)"],
    ["(=?ISO-8859-1?Q?a_b?=)", "(a b)"],
    ["(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"],
    ["=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>", "André Pirard <PIRARD@vm1.ulg.ac.be>"],
    [
      "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
      "If you can read this you understand the example.",
    ],
  ])("%j is %j", (raw, text) => expect(decodeWords(raw)).toBe(text));

  test.each([
    ["lower-case q and hex", "=?utf-8?q?gr=c3=bc=c3=9fe?=", "grüße"],
    ["lower-case b", "=?UTF-8?b?R3LDvMOfZQ==?=", "Grüße"],
    ["no padding", "=?utf-8?B?R3LDvMOfZQ?=", "Grüße"],
    ["padding in the middle", "=?utf-8?B?YQ==Yg==?=", "ab"],
    ["blanks in base64", "=?utf-8?B?R3LD vMOf ZQ==?=", "Grüße"],
    ["the alphabet for URLs", "=?utf-8?B?8J-Zgg?=", "🙂"],
    ["blanks in Q", "=?utf-8?Q?Gr=C3=BC=C3=9Fe aus Bonn?=", "Grüße aus Bonn"],
    ["a bare ? in Q", "=?utf-8?Q?Was=3F Wie??=", "Was? Wie?"],
    ["an = that encodes nothing", "=?utf-8?Q?a=b=ZZ=?=", "a=b=ZZ="],
    ["a language (RFC 2231)", "=?us-ascii*en-US?Q?hello?= =?utf-8*de?Q?=C3=BC?=", "helloü"],
    ["an empty word", "a =?utf-8?Q??= b", "a  b"],
    ["within a word", "foo=?utf-8?Q?b=C3=A4r?=baz", "foobärbaz"],
    ["between quotes", '"=?utf-8?Q?J=C3=BC?=" <j@x>', '"Jü" <j@x>'],
    ["side by side without a blank", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"],
    ["raw 8-bit bytes in Q", `=?utf-8?Q?${latin1("ü")}?=`, "ü"],
    ["bare 8-bit bytes beside it", `=?utf-8?Q?=C3=BC?= Gr\xfc\xdfe`, "ü Grüße"],
  ])("%s", (_, raw, text) => expect(decodeWords(raw)).toBe(text));

  test("a character split over two words of one charset is whole", () => {
    expect(decodeWords("=?utf-8?Q?=C3?= =?UTF-8?Q?=BC?=")).toBe("ü");
    expect(decodeWords("=?utf-8?B?8J+Z?=\r\n =?utf-8?Q?=82?=")).toBe("🙂");
    expect(decodeWords("=?shift_jis?B?g2WDWINn?= =?shift_jis?B?gw==?= =?shift_jis?B?ZQ==?=")).toBe("テストテ");
  });

  test.each([
    ["an unfinished one", "a =?utf-8?Q?abc"],
    ["no charset", "=??Q?abc?="],
    ["another encoding", "=?utf-8?X?abc?="],
    ["no base64", "=?utf-8?B?a!b?="],
    ["a blank in the charset", "=?utf 8?Q?abc?="],
    ["only its beginning", "=?"],
    ["=? at the end", "a=?b?=?"],
  ])("what only resembles one stays: %s", (_, raw) => expect(decodeWords(raw)).toBe(raw));

  test("an unfinished one does not swallow the next", () => {
    expect(decodeWords("=?utf-8?Q?abc =?utf-8?Q?=C3=BC?=")).toBe("=?utf-8?Q?abc ü");
    expect(decodeWords("=?utf-8?B?! =?utf-8?Q?=C3=BC?=")).toBe("=?utf-8?B?! ü");
  });
});

describe("charsets", () => {
  test.each([
    ["koi8-r", "=?koi8-r?B?8NLJ18XU?=", "Привет"],
    ["windows-1251", "=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=", "Привет"],
    ["iso-8859-15", "=?iso-8859-15?Q?5_=A4?=", "5 €"],
    ["iso-8859-1 is read as windows-1252", "=?iso-8859-1?Q?5_=80?=", "5 €"],
    ["iso-2022-jp", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"],
    ["gb2312", "=?gb2312?B?1tDOxA==?=", "中文"],
    ["big5", "=?big5?B?pKSk5Q==?=", "中文"],
    ["ks_c_5601-1987", "=?ks_c_5601-1987?B?x9Gx2w==?=", "한글"],
    ["cp932", "=?cp932?B?k/qWew==?=", "日本"],
    ["cp850", "=?cp850?Q?Gr=81=E1e?=", "Grüße"],
    ["IBM437", "=?IBM437?Q?Gr=81=E1e?=", "Grüße"],
    ["utf-7", "=?utf-7?Q?Gr+APwA3w-e_+-_1?=", "Grüße + 1"],
    ["an unknown one holding UTF-8", "=?x-unknown?Q?gr=C3=BC=C3=9Fe?=", "grüße"],
    ["an unknown one holding anything", "=?foo?Q?gr=FC=DFe?=", "grüße"],
    ["us-ascii holding 8-bit bytes", "=?us-ascii?Q?gr=FC=DFe?=", "grüße"],
    ["utf-8 that is none", "=?utf-8?Q?gr=FC=DFe?=", "grüße"],
    ["utf-8 with a character cut off", "=?utf-8?Q?gr=C3=BC=C3?=", "grü\ufffd"],
    ["__proto__", "=?__proto__?Q?gr=FC=DFe?=", "grüße"],
  ])("%s", (_, raw, text) => expect(decodeWords(raw)).toBe(text));
});

describe("anything", () => {
  test("what nodemailer encodes comes back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom("Q", "B"), (text, encoding) => {
        expect(decodeWords(encodeWord(text, encoding, 52))).toBe(text);
        const words = encodeWords(text, encoding, 52, true);
        if (!text.includes("=?")) expect(decodeWords(words).trim()).toBe(text.replace(/\r?\n/g, " ").trim());
      }),
    );
  });

  test("words cut anywhere, between bytes of a character too, are joined again", () => {
    const cuts = fc.array(fc.nat(20), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), cuts, fc.boolean(), (text, lengths, isQ) => {
        const bytes = Buffer.from(text);
        const words: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const piece = bytes.subarray(at, (at += 1 + lengths[i % lengths.length]!));
          const hex = piece.toString("hex").replace(/../g, "=$&");
          words.push(isQ ? `=?utf-8?Q?${hex}?=` : `=?UTF-8?B?${piece.toString("base64")}?=`);
        }
        expect(decodeWords(words.join("\r\n "))).toBe(text);
      }),
    );
  });

  test("nothing throws, and text around stays", () => {
    const piece = fc.oneof(
      fc.constantFrom("=?", "?=", "?Q?", "?B?", "utf-8", "iso-2022-jp", "utf-16", "=C3", "==", "\x1b$B", "\r\n ", "?"),
      fc.string({ unit: "binary" }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("latin1")),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = decodeWords(`<${pieces.join("")}>`);
        expect(text.startsWith("<") && text.endsWith(">")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(["=?x?q?", "=?", "=?utf-8?Q?=?", "?=?x?q", "=?utf-8?B?a=?= "])(
    "a megabyte of %j is decoded within a test's time",
    (piece) => {
      const raw = piece.repeat(1_000_000 / piece.length);
      expect(decodeWords(raw).length).toBeGreaterThan(0);
    },
  );
});
