/** Unix rows in all their forms, and how a listing is read whose rows are odd. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FtpEntry } from "../../src/ftp/entry.js";
import { decodeName } from "../../src/ftp/name.js";
import { type ListOptions, ListParser } from "../../src/ftp/parse-list.js";

const now = new Date("2026-01-20T12:00:00Z");

function parse(listing: string | Buffer, options: ListOptions = {}): FtpEntry[] {
  const parser = new ListParser({ now, ...options });
  return [...parser.push(Buffer.from(listing)), ...parser.end()];
}
const one = (row: string, options?: ListOptions) => parse(`${row}\r\n`, options)[0];

describe("Unix rows", () => {
  test("everything in its place", () => {
    const raw = "-rwsr-xr-t    3 alice    staff        1057 Jan 18 21:31 report.txt";
    expect(one(raw)).toEqual({
      name: "report.txt",
      type: "file",
      size: 1057,
      modified: new Date("2026-01-18T21:31:00Z"),
      precision: "minute",
      mode: 0o5755,
      owner: "alice",
      group: "staff",
      links: 3,
      raw,
    });
  });

  test.each([
    ["-rw-r--r-- 1 al st 12 Jan 18 21:31 n", "2026-01-18T21:31:00.000Z", "minute"],
    ["-rw-r--r-- 1 al st 12 Jan 25 21:31 n", "2025-01-25T21:31:00.000Z", "minute"],
    ["-rw-r--r-- 1 al st 12 Jan  8  2024 n", "2024-01-08T00:00:00.000Z", "day"],
    ["-rw-r--r-- 1 al st 12 Jan 8 2024 n", "2024-01-08T00:00:00.000Z", "day"],
    ["-rw-r--r-- 1 al st 12 8 Jan 9:31 n", "2026-01-08T09:31:00.000Z", "minute"],
    ["-rw-r--r-- 1 al st 12 08 Jan 2024 n", "2024-01-08T00:00:00.000Z", "day"],
    ["-rw-r--r-- 1 al st 12 2024-01-08 09:31 n", "2024-01-08T09:31:00.000Z", "minute"],
    ["-rw-r--r-- 1 al st 12 2024-01-08 09:31:05 n", "2024-01-08T09:31:05.000Z", "second"],
    ["-rw-r--r-- 1 al st 12 2024-01-08 09:31:05.123456789 +0130 n", "2024-01-08T08:01:05.000Z", "second"],
    ["-rw-r--r-- 1 al st 12 2024-01-08 09:31:05 -0500 n", "2024-01-08T14:31:05.000Z", "second"],
    ["-rw-r--r-- 1 al st 12 Jan 18 21:31:05 2024 n", "2024-01-18T21:31:05.000Z", "second"],
  ])("%s", (row, expected, precision) => {
    const entry = one(row);
    expect([entry?.name, entry?.size, entry?.links, entry?.owner, entry?.group]).toEqual(["n", 12, 1, "al", "st"]);
    expect([entry?.modified?.toISOString(), entry?.precision]).toEqual([expected, precision]);
  });

  test("the server's time zone", () => {
    const row = "-rw-r--r-- 1 al st 12 Jul 18 21:31 n";
    expect(one(row, { timeZone: "Europe/Berlin" })?.modified?.toISOString()).toBe("2025-07-18T19:31:00.000Z");
    const zoned = "-rw-r--r-- 1 al st 12 2024-01-08 09:31:05 +0000 n";
    expect(one(zoned, { timeZone: "Asia/Tokyo" })?.modified?.toISOString()).toBe("2024-01-08T09:31:05.000Z");
  });

  test.each([
    ["-rw-r--r--+ 1 1000 1000 12 Jan 18 21:31 n", 1, "1000", "1000"],
    ["-rw-r--r--. 1 root root 12 Jan 18 21:31 n", 1, "root", "root"],
    ["-rw-r--r--@ 1 al st 5 Jan 18 2024 n", 1, "al", "st"],
    ["-rw-r--r-- 1 al 12 Jan 18 21:31 n", 1, "al", undefined],
    ["-rw-r--r-- al st 12 Jan 18 21:31 n", undefined, "al", "st"],
    ["-rw-r--r-- 1 12 Jan 18 21:31 n", 1, undefined, undefined],
    ["-rw-r--r-- 12 Jan 18 21:31 n", undefined, undefined, undefined],
    ["-rw-r--r-- 1 al Domain Users 12 Jan 18 21:31 n", 1, "al", "Domain Users"],
    ["-rw-r--r-- 1 5 Jan 12 Jan 18 21:31 n", 1, "5", "Jan"],
    ["-rw-r--r-- 1 7 8 12 31 Jan 2024 n", 1, "7", "8"],
  ])("%s", (row, links, owner, group) => {
    const entry = one(row);
    expect([entry?.name, entry?.links, entry?.owner, entry?.group]).toEqual(["n", links, owner, group]);
  });

  test.each([
    ["d", "directory"],
    ["-", "file"],
    ["f", "file"],
    ["l", "symlink"],
    ["e", "symlink"],
    ["b", "other"],
    ["c", "other"],
    ["p", "other"],
    ["s", "other"],
    ["D", "other"],
  ])("the letter %s is a %s", (letter, type) => {
    expect(one(`${letter}rwxrwxrwx 1 al st 12 Jan 18 21:31 n`)?.type).toBe(type);
  });

  test.each([
    ["---------", 0],
    ["rwSr-Sr-T", 0o7644],
    ["rwsrwsrwt", 0o7777],
    ["rw-r-lr--", 0o2644],
  ])("%s is its mode", (permissions, mode) => {
    expect(one(`-${permissions} 1 al st 12 Jan 18 21:31 n`)?.mode).toBe(mode);
  });

  test("devices have two numbers and no size", () => {
    for (const row of ["crw-rw---- 1 root tty 4, 64 Jan 18 21:31 n", "brw-rw---- 1 root tty 8,64 Jan 18 21:31 n"]) {
      const entry = one(row);
      expect([entry?.type, entry?.size, entry?.owner, entry?.group]).toEqual(["other", undefined, "root", "tty"]);
    }
  });

  test.each([" leading", "trailing ", "  ", "a -> b", "12:30 x", "2024 x", "+0100", "total 12"])(
    "the name %j",
    (name) => {
      for (const date of ["Jan 18 21:31", "Jan 18  2024", "2024-01-18 21:31"]) {
        expect(one(`-rw-r--r-- 1 al st 12 ${date} ${name}`)?.name).toBe(name);
      }
    },
  );

  test("a day that does not exist leaves only the date out", () => {
    const entry = one("-rw-r--r-- 1 al st 12 Feb 31 21:31 n");
    expect(entry).toMatchObject({ name: "n", size: 12, owner: "al" });
    expect(entry).not.toHaveProperty("modified");
    expect(entry).not.toHaveProperty("precision");
  });

  test("any bytes of a name come through", () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 30 })
      .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 10 || byte === 13 ? 0x20 : byte))))
      .filter((bytes) => !/^\.\.?$/.test(bytes.toString("latin1")));
    const prefix = Buffer.from("-rw-r--r--    1 1000     1000         1057 Jan 18 21:31 ");
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 40 }), (names) => {
        const rows = names.flatMap((part) => [prefix, part, Buffer.from("\r\n")]);
        expect(parse(Buffer.concat(rows)).map((entry) => entry.name)).toEqual(names.map((part) => decodeName(part)));
      }),
    );
  });
});

describe("dots and totals", () => {
  const listing = ["total 8", ".", "..", ".a"].map((n) =>
    n.startsWith("t") ? n : `drwxr-xr-x 2 a b 1 Jan 18 21:31 ${n}`,
  );

  test("are left out", () => {
    expect(parse(listing.join("\r\n")).map((entry) => entry.name)).toEqual([".a"]);
    expect(parse(listing.join("\n"), { keepDots: true }).map((entry) => entry.name)).toEqual([".", "..", ".a"]);
  });

  test("an empty directory is empty", () => {
    for (const empty of ["", "\r\n", "total 0\r\n", "total 0"]) expect(parse(empty)).toEqual([]);
  });
});

describe("odd rows", () => {
  const good = "-rw-r--r-- 1 al st 12 Jan 18 21:31 n";

  test("are given and told, in their place", () => {
    const told: string[] = [];
    const entries = parse(["ls: x: denied", good, "?", good].join("\r\n"), { onUnparsed: (raw) => told.push(raw) });
    expect(entries.map((entry) => [entry.type, entry.name])).toEqual([
      ["unparsed", ""],
      ["file", "n"],
      ["unparsed", ""],
      ["file", "n"],
    ]);
    expect(told).toEqual(["ls: x: denied", "?"]);
    expect(entries[0]?.raw).toBe("ls: x: denied");
  });

  test("what basic-ftp can read is read by it", () => {
    const rows = [
      "  131 -rw-r--r-- 1 al st 12 Jan 18 21:31 inode.txt",
      "-rw-r--r-- 1 al st 12 Mär 18 21:31 märz.txt",
      "-rw-r--r-- 1 al st 12 1月 18日 2024年 年.txt",
    ];
    const expected = ["inode.txt", "märz.txt", "年.txt"];
    for (const listing of [rows, [good, ...rows]]) {
      const entries = parse(listing.join("\r\n")).slice(-3);
      expect(entries.map((entry) => entry.name)).toEqual(expected);
      expect(entries[1]).toMatchObject({ type: "file", size: 12, links: 1, owner: "al", group: "st", mode: 0o644 });
    }
    expect(parse("01-18-26  noon  <DIR>  x\r\n")[0]).toMatchObject({ name: "x", type: "directory" });
  });

  test("a listing that nobody can read is given row by row, before its end", () => {
    const parser = new ListParser();
    const rows = Array.from({ length: 100 }, (_, index) => `what is ${index}?`);
    const early = parser.push(Buffer.from(`${rows.join("\n")}\n`));
    expect(early.length).toBeGreaterThan(80);
    const entries = [...early, ...parser.end()];
    expect(entries.map((entry) => entry.raw)).toEqual(rows);
    expect(parser.style).toBeUndefined();
  });

  test("a style found late is used from then on", () => {
    const rows = [
      ...Array.from({ length: 40 }, () => "welcome to this server"),
      ...Array.from({ length: 40 }, () => good),
    ];
    expect(parse(rows.join("\n")).filter((entry) => entry.type === "file")).toHaveLength(40);
  });

  test("anything at all throws nothing and loses no row", () => {
    const word = fc.constantFrom(
      ..."-rw-r--r-- drwxr-xr-x 1 al 12, 12 Jan 18 21:31 2024 2024-01-18 a;1 *FILE <DIR> 01-18-26 09:31PM + [RWCEAFMS] d - PS".split(
        " ",
      ),
      "18-JAN-2026",
      "+r,\t",
      "\udcff",
    );
    const row = fc.array(word, { minLength: 1, maxLength: 9 }).map((parts) => parts.join(" "));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
        const entries = parse(rows.map((text) => `${text}\n`).join(""), { keepDots: true });
        // VMS joins two rows to one entry; every row is found in the raws, in order.
        const raws = entries.flatMap((entry) => entry.raw.split("\n"));
        expect(raws).toEqual(rows.map((text) => decodeName(Buffer.from(text))));
      }),
      { numRuns: 500 },
    );
  });
});
