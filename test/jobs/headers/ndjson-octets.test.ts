/** A row of the overview goes into NDJSON by the machine: the same line as by way of its decoded fields. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { HeaderRow } from "../../../src/jobs/headers/sink.js";
import { Bytes } from "../../../src/jobs/headers/sinks/bytes.js";
import { NdjsonFormat } from "../../../src/jobs/headers/sinks/ndjson.js";
import { OverParser } from "../../../src/nntp/parse-over.js";

function line(row: HeaderRow): string {
  const bytes = new Bytes();
  const format = new NdjsonFormat();
  format.begin('a."b');
  format.put(bytes, row);
  format.settle(bytes);
  return bytes.take().toString("utf8");
}

const FIELDS = [
  "number",
  "subject",
  "from",
  "date",
  "rawDate",
  "messageId",
  "references",
  "bytes",
  "lines",
  "broken",
  "extra",
] as const;

function both(text: string, names: readonly string[] = []) {
  const rows = new OverParser(1 << 20, { names }).push(Buffer.from(`${text}\r\n`, "latin1"));
  // A plain object with the same fields is not an Overview: it takes the long way.
  return rows.map((row) => [line(row), line(Object.fromEntries(FIELDS.map((name) => [name, row[name]])) as never)]);
}

test.each([
  ["plain", "5\tRe: hello\tA <a@b.c>\tTue, 3 Feb 2026 10:11:12 +0100\t<m@x>\t<a@b> <c@d>\t100\t10\tXref: n.x a.b:5"],
  [
    "quotes, blanks and encoded words",
    '5\ta "quoted" \\ subject\t=?utf-8?q?J=C3=BC?= <a@b>\tnever\t<m"x@y>\t junk <a@b> <> <c d> <e<f@g>\t100\t10\tXref: "q"',
  ],
  ["8-bit, control characters and DEL", "5\tJ\xfcrgen\x01\x7f\tJ\xc3\xbc\t\t<m@\xff>\t<\xe4@b>\t1\t2\tXref: \xfc"],
  ["missing fields", "5\ts\tf\td\t<m@x>"],
  ["empty fields", "5\t\t\t\t<m@x>\t\t\t\t\t"],
  ["further fields of one's own names", "5\ts\tf\td\t<m@x>\t\t1\t2\tLines: 7\tBroken: no\tX-A:b\t\tX-B:  c "],
  ["a field without a name", "5\ts\tf\td\t<m@x>\t\t1\t2\tno name here\t:odd"],
  ["many fields", `5\ts\tf\td\t<m@x>\t\t1\t2\t${Array.from({ length: 40 }, (_, i) => `X-${i}: ${i}`).join("\t")}`],
  ["an equals sign without a question mark", "5\ta=b =x? ?=\tf=?\td\t<m@x>\t\t1\t2"],
])("%s", (_, text) => {
  for (const [octets, decoded] of both(text)) expect(octets).toBe(decoded);
});

test("metadata behind the seventh field", () => {
  for (const [octets, decoded] of both("5\ts\tf\td\t<m@x>\t\t1\t2\t17: of 20\tXref: a", [":spam", "xref"])) {
    expect(octets).toBe(decoded);
  }
});

test("whatever the octets are", () => {
  const octet = fc.constantFrom(...'ab <>@:=?"\\\t\t\t_', "\xfc", "\xc3", "\x00", "\x1f", "\x7f");
  const row = fc.tuple(fc.nat(1e6), fc.array(octet, { maxLength: 60 })).map(([n, rest]) => `${n}\t${rest.join("")}`);
  fc.assert(
    fc.property(row, (text) => {
      for (const [octets, decoded] of both(text))
        expect(JSON.parse(octets as string)).toEqual(JSON.parse(decoded as string));
    }),
    { numRuns: 500 },
  );
});
