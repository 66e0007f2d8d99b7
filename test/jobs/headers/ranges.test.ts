/** What is asked for: nothing twice, nothing left out, in ranges that fit the answers. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { IntervalSet } from "../../../src/jobs/headers/interval-set.js";
import { RangeRows } from "../../../src/jobs/headers/range-rows.js";
import { type Range, RangePlan, wantedInterval } from "../../../src/jobs/headers/ranges.js";
import { SinceSearch } from "../../../src/jobs/headers/since.js";

const GROUP = { count: 900, low: 101, high: 1100 };
const MAX = Number.MAX_SAFE_INTEGER;
const at = ({ low, high }: { low: number; high: number }) => `${low}-${high}`;
const drain = (plan: RangePlan) => {
  const ranges: Range[] = [];
  for (let range = plan.next(); range; range = plan.next()) ranges.push(range);
  return ranges;
};

describe("what is wanted of a group", () => {
  it("is within its marks, whatever is asked for", () => {
    expect(wantedInterval(GROUP, "everything")).toEqual({ low: 101, high: 1100 });
    expect(wantedInterval(GROUP, { newest: 10 })).toEqual({ low: 1091, high: 1100 });
    expect(wantedInterval(GROUP, { newest: 5000 })).toEqual({ low: 101, high: 1100 });
    expect(wantedInterval(GROUP, { range: [50, 200] })).toEqual({ low: 101, high: 200 });
    // Numbers past the high mark are articles that are yet to come: to ask for them now would mark them as done.
    expect(wantedInterval(GROUP, { range: [1000, 9999] })).toEqual({ low: 1000, high: 1100 });
    expect(wantedInterval(GROUP, { range: [1000] })).toEqual({ low: 1000, high: 1100 });
    expect(wantedInterval(GROUP, { from: 600 })).toEqual({ low: 600, high: 1100 });
  });

  it("is nothing where the group has none of it", () => {
    expect(wantedInterval(GROUP, { range: [1, 100] })).toBeUndefined();
    expect(wantedInterval(GROUP, { from: 1101 })).toBeUndefined();
    expect(wantedInterval(GROUP, { newest: 0 })).toBeUndefined();
    for (const marks of [
      { count: 0, low: 0, high: 0 },
      { count: 0, low: 5, high: 4 },
      { count: 0, low: 5, high: 9 },
    ]) {
      expect(wantedInterval(marks, "everything")).toBeUndefined();
    }
  });

  it("never begins below 1, and takes numbers to 2^53-1", () => {
    expect(wantedInterval({ count: 5, low: 0, high: 5 }, "everything")).toEqual({ low: 1, high: 5 });
    const far = { count: 5, low: MAX - 10, high: MAX };
    expect(wantedInterval(far, { newest: 3 })).toEqual({ low: MAX - 2, high: MAX });
    expect(() => wantedInterval(GROUP, { newest: -1 })).toThrow(UsageError);
    expect(() => wantedInterval(GROUP, { range: [1, 2.5] })).toThrow(UsageError);
  });
});

describe("a plan", () => {
  it("hands out what is not done, from below or from above", () => {
    const done = IntervalSet.decode("1-500,2000-2500");
    const up = drain(new RangePlan({ low: 1, high: 3000 }, done, { size: 1000 }));
    expect(up.map(at)).toEqual(["501-1500", "1501-1999", "2501-3000"]);
    const down = drain(new RangePlan({ low: 1, high: 3000 }, done, { size: 1000, order: "newest-first" }));
    expect(down.map(at)).toEqual(["2501-3000", "1000-1999", "501-999"]);
  });

  it("asks over a few numbers that are done rather than around each of them", () => {
    const done = IntervalSet.decode("11-20,25-30,500-2000");
    for (const order of ["ascending", "newest-first"] as const) {
      const ranges = drain(new RangePlan({ low: 1, high: 2100 }, done, { order }));
      expect(ranges.map((range) => [at(range), range.joined]).sort()).toEqual([
        ["1-499", true],
        ["2001-2100", false],
      ]);
    }
  });

  it("never asks over numbers that another connection is asking for", () => {
    const done = IntervalSet.decode("11-20");
    const plan = new RangePlan({ low: 1, high: 40 }, done, { smallest: 5, size: 10 });
    const [first, second, third] = [plan.next()!, plan.next()!, plan.next()!];
    expect([first, second, third].map(at)).toEqual(["1-10", "21-30", "31-40"]);
    plan.broke(first, 6);
    // 11-20 are done, 21-30 are not yet.
    expect(plan.next()).toMatchObject({ low: 6, high: 10, joined: false });
  });

  it("covers each wanted number once, whatever breaks where", () => {
    const breaks = fc.array(fc.record({ part: fc.nat(100), broke: fc.boolean() }), { maxLength: 60 });
    const shape = fc.array(fc.tuple(fc.nat(400), fc.nat(60)), { maxLength: 8 });
    const order = fc.constantFrom("ascending" as const, "newest-first" as const);
    fc.assert(
      fc.property(shape, breaks, order, fc.integer({ min: 1, max: 50 }), (before, fates, order, size) => {
        const done = IntervalSet.of(...before.map(([low, length]) => ({ low, high: low + length })));
        const counted = new IntervalSet();
        const plan = new RangePlan({ low: 1, high: 400 }, done, { order, size, smallest: 1, largest: 80 });
        const todo = [...done.missing(1, 400)].reduce((sum, { low, high }) => sum + high - low + 1, 0);
        expect(plan.left).toBe(todo);
        const flying: Range[] = [];
        for (let i = 0; ; i++) {
          const range = plan.next();
          if (range) flying.push(range);
          if (flying.length === 0) break;
          if (range && flying.length < 3) continue;
          const { part, broke } = fates[i] ?? { part: 0, broke: false };
          const next = flying.splice(part % flying.length, 1)[0]!;
          const upto = broke ? next.low - 1 + Math.floor(((next.high - next.low + 1) * part) / 101) : next.high;
          for (let n = next.low; n <= upto; n++) {
            if (done.has(n)) continue;
            expect(counted.has(n), `${n}`).toBe(false);
            counted.add(n);
            done.add(n);
          }
          if (broke) plan.broke(next, upto + 1);
          else plan.finished(next, { rows: upto - next.low });
        }
        expect(counted.size).toBe(todo);
        expect(plan.left).toBe(0);
      }),
    );
  });

  it("begins a broken range after its last row, in smaller ranges, and says how often it broke there", () => {
    const plan = new RangePlan({ low: 1, high: 100_000 }, new IntervalSet());
    const range = plan.next()!;
    expect([at(range), range.breaks]).toEqual(["1-20000", 0]);
    plan.broke(range, 7001);
    expect(plan.size).toBe(10_000);
    const again = plan.next()!;
    expect([at(again), again.breaks]).toEqual(["7001-17000", 1]);
    plan.broke(again, 7001);
    const third = plan.next()!;
    expect([at(third), third.breaks]).toEqual(["7001-12000", 2]);
    plan.finished(third, { rows: 5000 });
    expect(plan.next()).toMatchObject({ low: 12_001, breaks: 0 });
  });

  it("gives nothing back where a range broke after its last number", () => {
    const plan = new RangePlan({ low: 1, high: 300 }, new IntervalSet(), { size: 100 });
    const [first, second] = [plan.next()!, plan.next()!];
    plan.broke(first, 101);
    expect(plan.next()).toMatchObject({ low: 201, high: 300 });
    plan.giveBack(second);
    expect(plan.size).toBe(100);
    expect(plan.next()).toMatchObject({ low: 101, high: 200, breaks: 0 });
    expect(plan.next()).toBeUndefined();
  });

  it("doubles ranges where there is little, up to a million", () => {
    const plan = new RangePlan({ low: 1, high: 1e12 }, new IntervalSet());
    const sizes: number[] = [];
    for (let i = 0; i < 8; i++) {
      const range = plan.next()!;
      sizes.push(range.high - range.low + 1);
      plan.finished(range, { rows: 3, bytes: 900 });
    }
    expect(sizes).toEqual([20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_000_000, 1_000_000]);
  });

  it("grows by what ranges of the present size bring, not once for each that was under way", () => {
    const plan = new RangePlan({ low: 1, high: 1e12 }, new IntervalSet());
    const flying = Array.from({ length: 16 }, () => plan.next()!);
    for (const range of flying) plan.finished(range, { rows: 0 });
    expect(plan.size).toBe(40_000);
  });

  it("aims at answers of 2 to 5 MB", () => {
    for (const perRow of [20, 300, 3000]) {
      const plan = new RangePlan({ low: 1, high: 1e12 }, new IntervalSet());
      for (let i = 0; i < 20; i++) {
        const range = plan.next()!;
        const rows = range.high - range.low + 1;
        plan.finished(range, { rows, bytes: rows * perRow });
      }
      expect(plan.size * perRow).toBeGreaterThanOrEqual(2e6);
      expect(plan.size * perRow).toBeLessThanOrEqual(5e6);
    }
  });

  it("halves ranges that break down to a hundred, and lets them grow again only after a while", () => {
    const plan = new RangePlan({ low: 1, high: 1e9 }, new IntervalSet());
    for (let i = 0; i < 12; i++) {
      const range = plan.next()!;
      plan.broke(range, range.low);
    }
    expect(plan.size).toBe(100);
    for (let i = 0; i < 15; i++) plan.finished(plan.next()!, { rows: 1 });
    expect(plan.size).toBe(100);
    for (let i = 0; i < 3; i++) plan.finished(plan.next()!, { rows: 1 });
    expect(plan.size).toBe(800);
  });

  it("halves once where all connections break together", () => {
    const plan = new RangePlan({ low: 1, high: 1e9 }, new IntervalSet());
    const flying = Array.from({ length: 16 }, () => plan.next()!);
    for (const range of flying) plan.broke(range, range.low);
    expect(plan.size).toBe(10_000);
  });

  it("wants more when the group has grown", () => {
    const plan = new RangePlan({ low: 11, high: 20 }, new IntervalSet());
    expect(drain(plan).map(at)).toEqual(["11-20"]);
    plan.extend({ low: 11, high: 30 });
    expect(drain(plan).map(at)).toEqual(["21-30"]);
    plan.extend({ low: 1, high: 5 });
    expect(drain(plan).map(at)).toEqual(["1-10"]);
    const empty = new RangePlan(undefined, new IntervalSet());
    expect(empty.next()).toBeUndefined();
    empty.extend({ low: 3, high: 4 });
    expect(drain(empty).map(at)).toEqual(["3-4"]);
  });

  it("keeps no list of a group of 2^53 numbers", () => {
    const plan = new RangePlan({ low: 1, high: MAX }, new IntervalSet(), { order: "newest-first" });
    expect(plan.next()).toMatchObject({ low: MAX - 19_999, high: MAX });
    expect(plan.left).toBe(MAX - 20_000);
  });

  it("refuses sizes that are none", () => {
    expect(() => new RangePlan(undefined, new IntervalSet(), { smallest: 0 })).toThrow(UsageError);
    expect(() => new RangePlan(undefined, new IntervalSet(), { smallest: 9, largest: 8 })).toThrow(UsageError);
  });
});

describe("the rows of a range", () => {
  const range = (low: number, high: number, joined = false): Range => ({ low, high, joined, breaks: 0 });
  const row = (number: number, messageId = `<${number}@x>`) => ({ number, messageId });
  const numbers = (rows: readonly { number: number }[]) => rows.map(({ number }) => number);

  it("answer for all numbers up to their own, and at the end for the rest", () => {
    const rows = new RangeRows(range(10, 30), new IntervalSet());
    expect(rows.take([])).toEqual({ low: 10, high: 9, rows: [] });
    expect(rows.take([row(12), row(13)])).toMatchObject({ low: 10, high: 13 });
    expect(rows.from).toBe(14);
    expect(rows.take([row(20)])).toMatchObject({ low: 14, high: 20 });
    expect(rows.end()).toEqual({ low: 21, high: 30, rows: [] });
    expect(rows.missing.map(at)).toEqual(["10-11", "14-19", "21-30"]);
  });

  it("that were not asked for are passed over and move nothing", () => {
    const rows = new RangeRows(range(10, 30), new IntervalSet());
    const answer = rows.take([row(9), row(31), row(2 ** 40), row(10), row(10), row(11)]);
    expect(numbers(answer.rows)).toEqual([10, 11]);
    expect(rows.passedOver).toBe(4);
    expect(rows.from).toBe(12);
  });

  it("that come out of order are delivered once all the same", () => {
    const rows = new RangeRows(range(10, 30), new IntervalSet());
    expect(numbers(rows.take([row(15), row(12), row(12), row(20)]).rows)).toEqual([15, 12, 20]);
    const late = rows.take([row(17)]);
    expect(late).toEqual({ low: 21, high: 20, rows: [row(17)] });
    expect(rows.missing.map(at)).toEqual(["10-11", "13-14", "16-16", "18-19"]);
    expect(rows.passedOver).toBe(1);
  });

  it("without a number go with the next one that has one, or at the end", () => {
    const broken = row(0, "");
    const rows = new RangeRows(range(10, 30), new IntervalSet());
    expect(rows.take([row(10), broken])).toMatchObject({ high: 10, rows: [row(10)] });
    expect(rows.take([broken])).toEqual({ low: 11, high: 10, rows: [] });
    expect(rows.take([row(11), broken])).toMatchObject({ low: 11, high: 11, rows: [broken, broken, row(11)] });
    expect(rows.end()).toEqual({ low: 12, high: 30, rows: [broken] });
  });

  it("that were delivered before are passed over where a range was joined, while the cursor moves on", () => {
    const done = IntervalSet.decode("12-14,20");
    const rows = new RangeRows(range(10, 30, true), done);
    const first = rows.take([row(10), row(12), row(13), row(16)]);
    expect(numbers(first.rows)).toEqual([10, 16]);
    done.add(first.low, first.high);
    expect(numbers(rows.take([row(15), row(20), row(21)]).rows)).toEqual([15, 21]);
    rows.end();
    done.add(10, 30);
    expect(rows.missing.map(at)).toEqual(["11-11", "17-19", "22-30"]);
  });
});

describe("the search for a date", () => {
  const HOUR = 3_600_000;
  const START = Date.UTC(2020, 0, 1);
  type Article = { number: number; date: Date | undefined };
  /** Looks until it is found. */
  const search = (articles: Article[], group: { low: number; high: number }, since: Date, margin = 0) => {
    const found = new SinceSearch({ ...group, count: articles.length }, since, { margin });
    let looks = 0;
    for (; found.next; looks++) {
      const { low, high } = found.next;
      expect(low).toBeGreaterThanOrEqual(group.low);
      expect(high).toBeLessThanOrEqual(group.high);
      expect(looks).toBeLessThan(200);
      found.answer(articles.filter(({ number }) => number >= low && number <= high));
    }
    return { from: found.from, looks };
  };
  /** One article an hour, numbered from `low`. */
  const hourly = (count: number, low = 1): Article[] =>
    Array.from({ length: count }, (_, i) => ({ number: low + i, date: new Date(START + i * HOUR) }));

  it("finds where it begins, a few numbers early at most", () => {
    const articles = hourly(5000, 100);
    for (const hour of [0, 1, 24, 2500, 4990, 4999]) {
      const { from, looks } = search(articles, { low: 100, high: 5099 }, new Date(START + hour * HOUR));
      expect(from).toBeLessThanOrEqual(100 + hour);
      expect(from).toBeGreaterThan(100 + hour - 50);
      expect(looks).toBeLessThan(15);
    }
  });

  it("begins a margin earlier: a day where nothing is said", () => {
    const articles = hourly(5000);
    const since = new Date(START + 2500 * HOUR);
    expect(search(articles, { low: 1, high: 5000 }, since, 100 * HOUR).from).toBeLessThanOrEqual(2401);
    const group = { count: 5000, low: 1, high: 5000 };
    const found = new SinceSearch(group, since);
    while (found.next) found.answer(articles.slice(found.next.low - 1, found.next.high));
    expect(found.from).toBeLessThanOrEqual(2501 - 24);
    expect(found.from).toBeGreaterThan(2501 - 24 - 50);
  });

  it("is not led astray by missing articles, wrong clocks and dates that are none", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.array(fc.tuple(fc.nat(2999), fc.nat(600)), { maxLength: 4 }),
        fc.nat(3000),
        (count, holes, hour) => {
          const there = hourly(count).filter(({ number }) =>
            holes.every(([low, length]) => number < low || number > low + length),
          );
          const articles = there.map(({ number, date }) => ({
            number,
            date: number % 9 === 0 ? undefined : number % 7 === 0 ? new Date(number % 2 ? 0 : 4e12) : date,
          }));
          const { from } = search(articles, { low: 1, high: count }, new Date(START + hour * HOUR));
          // No article in order that is as new lies before.
          for (const { number } of there) if (number > hour + 1 + 25) expect(from).toBeLessThanOrEqual(number);
          const before = there.filter(({ number }) => number >= from && number <= hour - 50);
          // A look that went on over a hole is wider.
          expect(before.length).toBeLessThanOrEqual(30 + holes.reduce((sum, [, length]) => sum + length, 0));
        },
      ),
    );
  });

  it("takes some 30 looks in a group of a billion", () => {
    const found = new SinceSearch({ count: 1e9, low: 1, high: 1e9 }, new Date(START), { margin: 0 });
    let looks = 0;
    for (; found.next; looks++) {
      const { low, high } = found.next;
      const numbers = Array.from({ length: high - low + 1 }, (_, i) => low + i);
      found.answer(numbers.map((number) => ({ number, date: new Date(START + (number - 654_321_987) * 1000) })));
    }
    expect(looks).toBeLessThan(32);
    expect(654_321_987 - found.from).toBeLessThan(50);
  });

  it("takes in the end of a group where too few articles are left to be sure", () => {
    const sparse = [1, 900_000, 1_800_000, 2_700_000].map((number) => ({ number, date: new Date(START + number) }));
    expect(search(sparse, { low: 1, high: 3_000_000 }, new Date(START + 2_000_000)).from).toBe(1);
  });

  it("finds nothing in an empty group, and everything in a small one", () => {
    expect(search([], { low: 5, high: 4 }, new Date()).from).toBe(5);
    expect(search(hourly(20), { low: 1, high: 20 }, new Date(START + 5 * HOUR))).toEqual({ from: 1, looks: 0 });
    const old = search(hourly(5000), { low: 1, high: 5000 }, new Date(START + 9000 * HOUR)).from;
    expect(old).toBeGreaterThan(4950);
  });
});
