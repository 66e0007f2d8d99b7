/** Counts per day and author, and the chart of days. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Counts, type CountsOptions, type CountsResult } from "../../../src/jobs/headers/counts.js";
import { dayChart } from "../../../src/jobs/headers/day-chart.js";
import type { HeaderRecord } from "../../../src/jobs/headers/records.js";
import { columns } from "../../../src/jobs/headers/text-width.js";

const record = (from: string, date: HeaderRecord["date"] = null): HeaderRecord => ({
  number: 1,
  subject: "s",
  from,
  date,
  messageId: "<a@x>",
  references: [],
});

function count(records: readonly HeaderRecord[], options?: CountsOptions): CountsResult {
  const counts = new Counts(options);
  for (const each of records) counts.add(each);
  return counts.result();
}

describe("counting", () => {
  test("days in UTC, in order, whatever form the date has", () => {
    const dates = [
      "2026-02-03T23:59:59.999Z",
      "2026-02-04T00:30:00+01:00",
      new Date("2026-02-04T00:00:00Z"),
      "1969-12-31T12:00:00Z",
    ];
    expect(count(dates.map((date) => record("a", date))).days).toEqual([
      { day: "1969-12-31", count: 1 },
      { day: "2026-02-03", count: 2 },
      { day: "2026-02-04", count: 1 },
    ]);
  });

  test("articles without a date are counted in no day", () => {
    const result = count([
      record("a"),
      record("a", undefined),
      record("a", "rubbish"),
      record("a", new Date(Number.NaN)),
    ]);
    expect(result).toMatchObject({ total: 4, undated: 4, days: [] });
    expect(count([])).toEqual({ total: 0, undated: 0, days: [], authors: [], authorsError: 0 });
  });

  test("an author is an address in any case, named as last seen", () => {
    const from = [
      "Alice <Alice@Example.org>",
      "bob@x",
      "alice@example.org (Alice Example)",
      "Carol",
      "bob@x",
      "alice@example.org",
    ];
    expect(count(from.map((each) => record(each))).authors).toEqual([
      { from: "alice@example.org", address: "alice@example.org", count: 3 },
      { from: "bob@x", address: "bob@x", count: 2 },
      { from: "Carol", address: "carol", count: 1 },
    ]);
  });

  test("the result is that of the moment", () => {
    const counts = new Counts();
    counts.add(record("a"));
    const before = counts.result();
    counts.add(record("a"));
    expect([before.total, before.authors[0]?.count, counts.result().authors[0]?.count]).toEqual([1, 1, 2]);
  });

  test("with more authors than are remembered, the error is within what is said", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 30 }), { maxLength: 300 }),
        fc.integer({ min: 1, max: 10 }),
        (authors, maxAuthors) => {
          const records = authors.map((author) => record(`a${author}@x`));
          const [exact, bounded] = [count(records), count(records, { maxAuthors })];
          expect(bounded.authors.length).toBeLessThanOrEqual(maxAuthors);
          expect(bounded.total).toBe(exact.total);
          if (exact.authors.length <= maxAuthors) expect(bounded).toEqual(exact);
          for (const { address, count: truth } of exact.authors) {
            const found = bounded.authors.find((each) => each.address === address)?.count ?? 0;
            expect(found).toBeLessThanOrEqual(truth);
            expect(found).toBeGreaterThanOrEqual(truth - bounded.authorsError);
          }
        },
      ),
    );
  });
});

describe("the chart", () => {
  const days = (...list: [string, number][]) => list.map(([day, each]) => ({ day, count: each }));

  test("a bar for each day, a mark for days without articles", () => {
    const chart = dayChart(days(["2026-02-03", 16], ["2026-02-04", 8], ["2026-02-09", 1]), { width: 32 });
    expect(chart).toEqual(["2026-02-03  ████████████████  16", "2026-02-04  ████████  8", "⋮", "2026-02-09  █  1"]);
  });

  test("eighths of a block, and never nothing", () => {
    const chart = dayChart(days(["2026-02-03", 1000], ["2026-02-04", 30], ["2026-02-05", 1]), { width: 34 });
    expect(chart.map((line) => line.split("  ")[1])).toEqual(["████████████████", "▌", "▏"]);
  });

  test.each([
    [41, "2026-01-01", 7, ["2025-12-29", "2026-01-05"]],
    [300, "2026-01-01", 12, ["2026-01", "2026-02"]],
    [2000, "2020-01-01", 12, ["2020", "2021"]],
  ])("%i days are drawn by weeks, months or years", (length, first, rows, names) => {
    const start = Date.parse(first);
    const each = Array.from({ length }, (_, i) => ({
      day: new Date(start + i * 86_400_000).toISOString().slice(0, 10),
      count: 1,
    }));
    const chart = dayChart(each, { rows });
    expect(chart.length).toBeLessThanOrEqual(rows);
    expect(chart.slice(0, 2).map((line) => line.split(/\s/)[0])).toEqual(names);
    const sum = chart.reduce((total, line) => total + Number(line.split(/\s+/).at(-1)), 0);
    expect(sum).toBe(length);
  });

  test("dates that lie by centuries do not fill the screen", () => {
    const chart = dayChart(days(["1970-01-01", 1], ["2026-02-03", 5], ["2106-02-07", 1]));
    expect(chart.map((line) => line.slice(0, 10))).toEqual(["1970-01-01", "⋮", "2026-02-03", "⋮", "2106-02-07"]);
    const far = ["0001-01-01", "2026-02-03", "9999-12-31"].map((date) => record("a", date));
    expect(dayChart(count(far).days, { rows: 2 }), "the newest two").toHaveLength(4);
    const many = Array.from({ length: 100 }, (_, i) => ({ day: `${1900 + i}-01-01`, count: 1 }));
    expect(dayChart(many, { rows: 10 })[0], "the newest are shown").toBe("⋮");
    expect(dayChart(many, { rows: 10 })).toHaveLength(11);
  });

  test("no days, and one", () => {
    expect(dayChart([])).toEqual([]);
    expect(dayChart(days(["2026-02-03", 1]), { width: 1 })).toEqual([`2026-02-03  ${"█".repeat(15)}  1`]);
  });

  test("no line is wider than asked for", () => {
    const some = fc.array(fc.record({ day: fc.date({ noInvalidDate: true }), count: fc.integer({ min: 1 }) }));
    fc.assert(
      fc.property(some, fc.integer({ min: 30, max: 200 }), fc.integer({ min: 1, max: 50 }), (list, width, rows) => {
        const counts = new Counts();
        for (const { day } of list) counts.add(record("a", day));
        const each = counts.result().days.map((one, i) => ({ ...one, count: list[i]?.count ?? 1 }));
        const chart = dayChart(each, { width, rows });
        for (const line of chart) expect(columns(line)).toBeLessThanOrEqual(width);
        expect(chart.filter((line) => line !== "⋮").length).toBeLessThanOrEqual(rows);
      }),
    );
  });
});
