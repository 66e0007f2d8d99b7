/** The machine does the rows of most articles, and does them as the format itself would. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Bytes } from "../../../src/jobs/headers/sinks/bytes.js";
import { NdjsonFormat } from "../../../src/jobs/headers/sinks/ndjson.js";
import { MOST_INPUT, RowMachine } from "../../../src/jobs/headers/sinks/row-machine.js";
import { OverParser } from "../../../src/nntp/parse-over.js";
import { compiled } from "../../wasm.js";

function lines(rows: readonly string[], fast: boolean, group = "misc.test"): string {
  const bytes = new Bytes();
  const format = new NdjsonFormat(fast);
  format.begin(group);
  const text = Buffer.from(rows.map((row) => `${row}\r\n`).join(""), "latin1");
  for (const row of new OverParser(1 << 20, { names: ["xref"] }).push(text)) format.put(bytes, row);
  format.settle(bytes);
  return bytes.take().toString("utf8");
}

const USUAL =
  '7\tRe: a=b "c"\tA <a@b.c>\tTue, 3 Feb 2026 10:11:12 +0100\t<m@x>\t<a@b> <c@d>\t100\t10\tXref: news.example misc.test:7';

test("the module in the source is what its source compiles to", { timeout: 60_000 }, async () => {
  const path = join(import.meta.dirname, "../../../src/jobs/headers/sinks/ndjson-rows.ts");
  expect(await readFile(path, "utf8")).toBe(await compiled());
});

test.each([
  ["a usual row", USUAL],
  ["no references, no Xref", "1\ts\tf\t3 Feb 2026 10:11:12 GMT\t<m@x>\t\t1\t2"],
  ["a comment behind the zone", "1\ts\tf\tTue, 03 Feb 2026 23:59:59 -0800 (PST)\t<m@x>\t\t\t"],
  ["no counts", "1\ts\tf\t3 Feb 2026 10:11:12 GMT\t<m@x>"],
])("the machine does it itself: %s", (_, row) => {
  const machine = RowMachine.make() as RowMachine;
  machine.begin('{"group":"misc.test","number":');
  machine.load(`${row}\n`);
  expect(machine.run()).toBe(1);
  expect(machine.refused).toBe(false);
  expect(machine.isLeft).toBe(false);
  expect(machine.lines.toString()).toBe(lines([row], false));
});

test.each([
  ["an encoded word", USUAL.replace("a=b", "=?utf-8?q?a?=")],
  ["8-bit octets", USUAL.replace("a=b", "\xe4")],
  ["a backslash", USUAL.replace("a=b", "\\")],
  ["a control character", USUAL.replace("a=b", "\x01")],
  ["an unusual date", USUAL.replace("+0100", "CET")],
  ["a day that does not exist", USUAL.replace("3 Feb", "30 Feb")],
  ["two further fields", `${USUAL}\tX-A: b`],
  ["a number of 16 digits", `1234567890123456${USUAL.slice(1)}`],
])("the machine leaves it to the format: %s", (_, row) => {
  const machine = RowMachine.make() as RowMachine;
  machine.begin('{"group":"misc.test","number":');
  machine.load(`${USUAL}\n${row}\n${USUAL}\n`);
  expect([machine.run(), machine.refused]).toEqual([1, true]);
  machine.skip(row.length);
  expect([machine.run(), machine.refused, machine.isLeft]).toEqual([1, false, false]);
});

test("a group's name too long for the machine, and one with quotes and umlauts", () => {
  expect(lines([USUAL], true, "x".repeat(2000))).toBe(lines([USUAL], false, "x".repeat(2000)));
  expect(lines([USUAL], true, 'ü"\\.x')).toBe(lines([USUAL], false, 'ü"\\.x'));
});

test("rows of every length up to the most that the machine takes, and beyond", () => {
  for (const length of [...Array.from({ length: 80 }, (_, i) => i), 16_000, 32_000, 33_000, MOST_INPUT, 100_000]) {
    const row = USUAL.replace("a=b", '"'.repeat(length));
    const references = USUAL.replace("<a@b> <c@d>", "<a>".repeat(length));
    expect(lines([USUAL, row, references, USUAL], true)).toBe(lines([USUAL, row, references, USUAL], false));
  }
});

test("more rows than fit into its output", () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i}\t\t\t1 Jan 2026 00:00:00 GMT\t<\t\t\t`);
  expect(lines(rows, true, "g".repeat(900))).toBe(lines(rows, false, "g".repeat(900)));
});

const or = (usual: fc.Arbitrary<string>, odd: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: odd });
const octets = (most: number) =>
  fc
    .array(fc.constantFrom(...'abcZ09 .,-+<>@"=?:()', "\x00", "\x7f", "\\", "\xfc", "\r"), { maxLength: most })
    .map((all) => all.join(""));
const plain = fc.array(fc.constantFrom(...'abc  Z<>@"=:('), { maxLength: 40 }).map((all) => all.join(""));
const two = (most: number) => fc.nat(most).map((n) => String(n).padStart(2, "0"));
const date = fc
  .tuple(
    fc.constantFrom("", "Tue, ", "xyz, ", "Tue,"),
    fc.oneof(two(32), fc.nat(9).map(String)),
    fc.constantFrom(..."Jan feb MAR Apr May Jun Jul Aug Sep Oct Nov Dec Foo".split(" ")),
    fc.oneof(fc.integer({ min: 1890, max: 2100 }).map(String), fc.constantFrom("9999", "0000", "26", "1901", "9998")),
    two(24),
    two(60),
    two(61),
    or(
      fc.tuple(fc.constantFrom("+", "-"), two(99), two(60)).map((all) => all.join("")),
      fc.constantFrom("GMT", "UT", "", "GMT+1", "+010", "gmt"),
    ),
    fc.constantFrom("", "", " (PST)", " (a) b", " (a", " ()", " ", " ((x)"),
  )
  .map(([weekday, day, month, year, hour, minute, second, zone, comment]) => {
    return `${weekday}${day} ${month} ${year} ${hour}:${minute}:${second} ${zone}${comment}`;
  });
const count = or(
  fc.nat(1e9).map(String),
  fc.constantFrom("", "007", "0", "00", "-1", "12a", "9".repeat(15), "9".repeat(16), "9".repeat(40)),
);
const references = fc
  .array(fc.constantFrom("<a@b>", "<c@d>", " ", "  ", "<>", "<", ">", "x", '<"q"@x>', "<a b>"), { maxLength: 12 })
  .map((all) => all.join(""));
const row = fc
  .tuple(
    or(fc.nat(1e9).map(String), fc.constantFrom("0", "00012", "x", "", "9".repeat(15), "9007199254740991")),
    or(plain, octets(30)),
    or(plain, octets(30)),
    or(date, octets(30)),
    or(fc.constantFrom("<m@x>", '<"m"@x>'), octets(10)),
    or(references, octets(20)),
    count,
    count,
    or(fc.constantFrom("", "Xref: a b:1", 'Xref:  "', "Xref:", "xref: a"), octets(20)),
  )
  .chain((fields) => fc.integer({ min: 1, max: 12 }).map((n) => fields.slice(0, n > 9 ? 9 : n).join("\t")));

test("whatever the rows are, with and without the machine", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      expect(lines(rows, true)).toBe(lines(rows, false));
    }),
    { numRuns: 3000 },
  );
});
