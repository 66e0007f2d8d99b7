/** Chunks cut anywhere give the same rows; no row and no memory grows without limit. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ListingParser, NameParser } from "../../src/ftp/listing-parser.js";
import { ListParser } from "../../src/ftp/parse-list.js";
import { MlsdParser } from "../../src/ftp/parse-mlsd.js";

function feed<T>(parser: ListingParser<T>, chunks: readonly Buffer[]): T[] {
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
}

const NLST = Buffer.from("one\r\ndir/two\r\n.\r\n..\n three \n\r\nf\u00fcnf\nsix");
const MLSD = Buffer.from("type=cdir; .\r\ntype=file;size=3; \u00fc.txt\r\ntype=dir; sub dir \nbroken\r\n");
const LIST = Buffer.from(
  "total 1\r\n-rw-r--r-- 1 a b 12 Jan 18  2024 \u00fc.txt\r\n-rw-r--r-- 1 a b 12 Jan 18  2024 z ",
);

test("NLST gives names as they come", () => {
  expect(feed(new NameParser(), [NLST])).toEqual(["one", "dir/two", " three ", "f\u00fcnf", "six"]);
  expect(feed(new NameParser({ keepDots: true }), [NLST])).toContain("..");
});

describe("the same bytes cut at every position", () => {
  const cases: [string, Buffer, () => ListingParser<unknown>][] = [
    ["NLST", NLST, () => new NameParser()],
    ["MLSD", MLSD, () => new MlsdParser()],
    ["LIST", LIST, () => new ListParser()],
  ];
  test.each(cases)("%s", (_name, bytes, make) => {
    const whole = feed(make(), [bytes]);
    for (let at = 0; at <= bytes.length; at++) {
      expect(feed(make(), [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    expect(
      feed(
        make(),
        Array.from(bytes, (byte) => Buffer.of(byte)),
      ),
    ).toEqual(whole);
  });

  test("names of any bytes, in any pieces", () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => bytes.filter((byte) => byte !== 10));
    fc.assert(
      fc.property(fc.array(name), fc.array(fc.nat(200)), (names, cuts) => {
        const bytes = Buffer.concat(names.flatMap((part) => [part, Buffer.from("\r\n")]));
        const sorted = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = sorted.slice(1).map((cut, index) => bytes.subarray(sorted[index], cut));
        expect(feed(new NameParser(), chunks)).toEqual(feed(new NameParser(), [bytes]));
      }),
    );
  });
});

describe("limits", () => {
  test("a row as long as allowed passes, with any line end", () => {
    for (const lineEnd of ["\n", "\r\n", ""]) {
      expect(feed(new NameParser({ maxRowBytes: 4 }), [Buffer.from(`abcd${lineEnd}`)])).toEqual(["abcd"]);
      const bytes = Array.from(Buffer.from(`abcd${lineEnd}ef`), (byte) => Buffer.of(byte));
      expect(feed(new NameParser({ maxRowBytes: 6 }), bytes)).toEqual(lineEnd ? ["abcd", "ef"] : ["abcdef"]);
    }
  });

  test("a longer one is refused, whole or in pieces", () => {
    expect(() => new NameParser({ maxRowBytes: 4 }).push(Buffer.from("abcde\r\n"))).toThrow(RangeError);
    const parser = new NameParser();
    expect(() => {
      for (;;) parser.push(Buffer.alloc(10_000, "x"));
    }).toThrow("longer than 65536 octets");
  });

  test("a chunk may be used again by its owner", () => {
    const chunk = Buffer.from("abc");
    const parser = new NameParser();
    parser.push(chunk);
    chunk.fill("x");
    expect(parser.push(Buffer.from("d\n"))).toEqual(["abcd"]);
  });
});
