/** What a headers job has written, read back from each kind of output, and compared with what was posted. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { numbersOf, seeded } from "../nntp/bed.js";
import { articleOf, idOf } from "../servers/news-seed.js";

/** A row, whatever it was kept in. */
export interface Kept {
  readonly group: string;
  readonly number: number;
  readonly subject: string;
  readonly from: string;
  /** ISO 8601. */
  readonly date: string | null;
  readonly messageId: string;
  readonly references: readonly string[];
}

/** All rows of an output, in their order. Fails where it holds anything else. */
export function readOutput(path: string): Kept[] {
  if (path.endsWith(".sqlite")) return fromSqlite(path);
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  return path.includes(".csv") ? fromCsv(text) : fromNdjson(text);
}

function fromNdjson(text: string): Kept[] {
  expect(text.endsWith("\n"), "the last line is whole").toBe(true);
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as Kept);
}

const COLUMNS = "group,number,subject,from,date,rawDate,messageId,references,bytes,lines,broken";

function fromCsv(text: string): Kept[] {
  const [header, ...rows] = csvRows(text);
  expect(header!.join()).toBe(COLUMNS);
  return rows.map((row) => {
    expect(row).toHaveLength(COLUMNS.split(",").length);
    const [group, number, subject, from, date, , messageId, references] = row as [string, ...string[]];
    return {
      ...{ group, number: Number(number), subject: subject!, from: from!, date: date === "" ? null : date! },
      ...{ messageId: messageId!, references: references === "" ? [] : references!.split(" ") },
    };
  });
}

/** Rows of RFC 4180. What is not written that way fails. */
function csvRows(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (!found) throw new Error(`no CSV at ${at}: ${JSON.stringify(text.slice(at, at + 100))}`);
    rows.at(-1)!.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
    if (found[3] !== ",") rows.push([]);
  }
  expect(rows.pop(), "the last row is whole").toEqual([]);
  return rows;
}

function fromSqlite(path: string): Kept[] {
  const db = openDatabase(path);
  try {
    expect(db.prepare("PRAGMA integrity_check").get()).toMatchObject({ integrity_check: "ok" });
    const columns = 'group_name "group", number, subject, sender "from", date, message_id messageId, refs';
    const rows = db.prepare(`SELECT ${columns} FROM headers ORDER BY id`).all() as unknown as (Kept & {
      refs: string;
    })[];
    return rows.map(({ refs, ...row }) => ({ ...row, references: refs === "" ? [] : refs.split(" ") }));
  } finally {
    db.close();
  }
}

/** Of these rows the whole content is compared; of all others group, number and message-id. */
const SAMPLE = 97;

/** Every article of a seeded group in a range is there exactly once, as it was posted, and nothing else is. */
export function expectAll(rows: readonly Kept[], group: string, low = 1, high = Number.POSITIVE_INFINITY): void {
  const numbers = numbersOf(seeded(group.replace("polywire.", ""))).filter((each) => each >= low && each <= high);
  const byNumber = new Map(rows.map((row) => [row.number, row]));
  const twice = rows.length - byNumber.size;
  const missing = numbers.filter((number) => !byNumber.has(number));
  expect({ twice, missing: missing.slice(0, 10), rows: rows.length }).toEqual({
    ...{ twice: 0, missing: [], rows: numbers.length },
  });
  const wrong = rows.filter((row) => row.group !== group || row.messageId !== idsOf(group, row.number));
  expect(wrong.slice(0, 3)).toEqual([]);
  for (const number of numbers.filter((_, index) => index % SAMPLE === 0)) {
    const { subject, from, date, references } = articleOf(group, number);
    expect(byNumber.get(number)).toMatchObject({
      ...{ subject, from, references },
      ...(date === undefined ? {} : { date: date.toISOString() }),
    });
  }
}

const idsOf = (group: string, number: number) =>
  group === "polywire.cross" ? articleOf(group, number).id : idOf(group, number);
