/** On generated Unix and DOS listings we and basic-ftp agree about name, type and size. */
import { type FileInfo, FileType, parseList } from "basic-ftp";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FtpEntry } from "../../src/ftp/entry.js";
import { ListParser } from "../../src/ftp/parse-list.js";

const pick = (text: string) => fc.constantFrom(...text.split("|"));
const blanks = fc.integer({ min: 1, max: 9 }).map((count) => " ".repeat(count));
const size = fc.maxSafeNat().map(String);
const clock = fc.tuple(fc.nat(23), fc.nat(59)).map((time) => time.map((n) => String(n).padStart(2, "0")).join(":"));
const owner = pick("root|1000|alice|www-data|S-1-5|a.b");
/** basic-ftp ends a name at U+2028, and swallows blanks before a DOS name. */
const name = fc
  .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
  .filter((text) => !/[\p{Cc}\u2028\u2029]/u.test(text) && !/^\.\.?$|^\s|\s$/.test(text));

const month = pick("Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec");
const day = fc.integer({ min: 1, max: 28 }).map(String);
const year = fc.integer({ min: 1970, max: 2030 }).map(String);
const unixDate = fc.oneof(
  fc.tuple(month, blanks, day, blanks, fc.oneof(clock, year)).map((parts) => parts.join("")),
  fc.tuple(day, fc.constant(" "), month, blanks, fc.oneof(clock, year)).map((parts) => parts.join("")),
  fc.tuple(year, clock).map(([y, time]) => `${y}-01-18 ${time}`),
);
const permissions = fc.array(pick("rwx|r-x|rw-|r--|---|rws|r-S"), { minLength: 3, maxLength: 3 });
const unixRow = fc
  .tuple(pick("-|d|l"), permissions, blanks, day, blanks, owner, blanks, owner, blanks, size, blanks, unixDate, name)
  .map((parts) => `${parts[0]}${parts[1].join("")}${parts.slice(2, -1).join("")} ${parts.at(-1)}`);

const dosDate = fc
  .tuple(day, pick("26|2026|1999"), pick("-|/"))
  .map(([d, y, dash]) => `01${dash}${d.padStart(2, "0")}${dash}${y}`);
const dosTime = fc.oneof(
  clock,
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(59), pick("AM|PM")).map(([h, m, half]) => {
    return `${String(h).padStart(2, "0")}:${String(m).padStart(2, "0")}${half}`;
  }),
);
const dosRow = fc
  .tuple(dosDate, blanks, dosTime, blanks, fc.oneof(size, fc.constant("<DIR>         ")), name)
  .map((parts) => `${parts.slice(0, -1).join("")} ${parts.at(-1)}`);

const TYPES = { [FileType.File]: "file", [FileType.Directory]: "directory", [FileType.SymbolicLink]: "symlink" };
const theirs = ({ name, type, size, link }: FileInfo) => [name, TYPES[type as keyof typeof TYPES], size, link];
const ours = ({ name, type, size, target }: FtpEntry) => [name, type, size ?? 0, target];

function agree(rows: string[], style: string): void {
  const listing = rows.map((row) => `${row}\r\n`).join("");
  const parser = new ListParser();
  const entries = [...parser.push(Buffer.from(listing)), ...parser.end()];
  expect(entries.map(ours)).toEqual(parseList(listing).map(theirs));
  expect(parser.style).toBe(style);
  for (const entry of entries) expect(entry.modified).toBeInstanceOf(Date); // so it was not basic-ftp that read it
}

test("Unix", () => {
  fc.assert(
    fc.property(fc.array(unixRow, { minLength: 1, maxLength: 30 }), (rows) => agree(rows, "unix")),
    { numRuns: 300 },
  );
});

test("DOS", () => {
  fc.assert(
    fc.property(fc.array(dosRow, { minLength: 1, maxLength: 30 }), (rows) => agree(rows, "dos")),
    { numRuns: 300 },
  );
});
