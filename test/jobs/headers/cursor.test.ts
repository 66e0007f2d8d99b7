/** Cursors: what is done, late articles, renumbered groups, and rows put in order. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Answered, checkNumbering, GroupCursor } from "../../../src/jobs/headers/cursor.js";
import { IntervalSet } from "../../../src/jobs/headers/interval-set.js";
import { Ordered } from "../../../src/jobs/headers/sinks/ordered.js";

const row = (number: number, messageId = `<${number}@x>`) => ({ number, messageId });
const answered = (low: number, high: number, ...rows: { number: number; messageId: string }[]) => ({ low, high, rows });
const marks = (low: number, high: number, count = high - low + 1) => ({ low, high, count });
/** A cursor that has all of 1 to `high`. */
const full = (high: number) => {
  const cursor = new GroupCursor("g");
  cursor.see(marks(1, high));
  for (let n = 1; n <= high; n += 10) {
    const end = Math.min(high, n + 9);
    cursor.advance(answered(n, end, ...Array.from({ length: end - n + 1 }, (_, i) => row(n + i))));
  }
  return cursor;
};

describe("a cursor", () => {
  it("is the same after it was stored", () => {
    const cursor = full(95);
    cursor.settle([{ low: 90, high: 91 }]);
    const again = GroupCursor.restore(cursor.store());
    expect(again).toEqual(cursor);
    expect(again.store()).toEqual(cursor.store());
    expect(cursor.store()).toMatchObject({ group: "g", epoch: 1, low: 1, high: 95, done: "1-95", late: "90-91" });
  });

  it("is stored as it was at that moment", () => {
    const cursor = full(20);
    const stored = cursor.store();
    cursor.advance(answered(21, 30, row(30)));
    expect(stored.done).toBe("1-20");
  });

  it("is not moved by rows that answer for no number", () => {
    const cursor = full(20);
    cursor.advance(answered(31, 30, row(0, "")));
    expect(cursor.done.encode()).toBe("1-20");
    expect(cursor.anchors[0]).toEqual(row(20));
  });

  it("keeps few anchors, the newest row first, at growing distances", () => {
    const cursor = full(20_000);
    expect(cursor.anchors[0]).toEqual(row(20_000));
    expect(cursor.anchors.length).toBeLessThan(8);
    const distances = cursor.anchors.map(({ number }) => 20_000 - number);
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(distances.at(-1)).toBeGreaterThan(5000);
    // Newest first, the ranges below add theirs.
    const descending = new GroupCursor("g");
    for (let n = 1000; n > 0; n -= 100) descending.advance(answered(n - 99, n, row(n)));
    expect(descending.anchors.map(({ number }) => number)).toEqual([1000, 100]);
    expect(new GroupCursor("g").anchors).toEqual([]);
  });

  it("takes no anchor from rows that have no number or no message-id", () => {
    const cursor = new GroupCursor("g");
    cursor.advance(answered(1, 9, row(7), row(8, ""), row(0, "<x>")));
    expect(cursor.anchors).toEqual([row(7)]);
  });
});

describe("late articles", () => {
  it("are what was missing among the newest thousand, asked again once more", () => {
    const cursor = full(5000);
    cursor.settle([
      { low: 100, high: 110 },
      { low: 3990, high: 4005 },
      { low: 4900, high: 4900 },
    ]);
    expect(cursor.late.encode()).toBe("4001-4005,4900");
    expect(cursor.done.encode()).toBe("1-5000");
    expect(cursor.reopen().encode()).toBe("4001-4005,4900");
    expect(cursor.done.encode()).toBe("1-4000,4006-4899,4901-5000");
    expect(cursor.late.size).toBe(0);
    // One came, the others are too old by now to be waited for.
    cursor.see(marks(1, 5950));
    cursor.advance(answered(4001, 4005, row(4002)));
    cursor.settle([
      { low: 4001, high: 4001 },
      { low: 4003, high: 4005 },
    ]);
    cursor.advance(answered(4900, 4900));
    cursor.settle([{ low: 4900, high: 4900 }], 2000);
    expect(cursor.done.encode()).toBe("1-5000");
    expect(cursor.late.encode()).toBe("4900");
  });

  it("are asked again after a crash at any moment, and never delivered twice", () => {
    const cursor = full(100);
    cursor.settle([{ low: 50, high: 52 }]);
    cursor.reopen();
    cursor.advance(answered(50, 51, row(51)));
    // Committed here, killed, read back.
    const again = GroupCursor.restore(cursor.store());
    again.reopen();
    expect([...again.done.missing(1, 100)]).toEqual([{ low: 52, high: 52 }]);
  });
});

describe("whether a group was renumbered", () => {
  it("is not asked of a cursor that has nothing, nor of an empty group", () => {
    expect(checkNumbering(new GroupCursor("g"), marks(1, 100))).toBe("same");
    // Empty groups are told as 0 0 0, or with any marks (RFC 3977 §6.1.1.2).
    expect(checkNumbering(full(100), { count: 0, low: 0, high: 0 })).toBe("same");
    expect(checkNumbering(full(100), { count: 0, low: 5, high: 4 })).toBe("same");
  });

  it("is settled by the newest article, whatever the marks say", () => {
    const cursor = full(100);
    expect(checkNumbering(cursor, marks(1, 200))).toEqual({ ask: row(100) });
    expect(checkNumbering(cursor, marks(1, 200), ["<100@x>"])).toBe("same");
    expect(checkNumbering(cursor, marks(1, 200), ["<other@x>"])).toBe("renumbered");
    // A machine of a server farm that lags behind.
    expect(checkNumbering(cursor, marks(1, 100), ["<100@x>"])).toBe("same");
  });

  it("is settled by an older one where the newest is gone", () => {
    const cursor = full(1000);
    const answers: undefined[] = [];
    let next = checkNumbering(cursor, marks(1, 990), answers);
    const asked: number[] = [];
    while (typeof next === "object" && asked.length < 2) {
      asked.push(next.ask.number);
      answers.push(undefined);
      next = checkNumbering(cursor, marks(1, 990), answers);
    }
    expect(asked[0]).toBe(1000);
    expect(next).toHaveProperty("ask");
    const older = (next as { ask: { number: number } }).ask.number;
    expect(older).toBeLessThan(asked[1]!);
    expect(checkNumbering(cursor, marks(1, 990), [...answers, `<${older}@x>`])).toBe("same");
    expect(checkNumbering(cursor, marks(1, 990), [...answers, "<other@x>"])).toBe("renumbered");
  });

  it("is told by the high mark where no article that was seen is left", () => {
    const cursor = full(1000);
    // All expired.
    expect(checkNumbering(cursor, marks(2001, 3000))).toBe("same");
    const none = cursor.anchors.map(() => undefined);
    expect(checkNumbering(cursor, marks(1, 1000), none)).toBe("same");
    expect(checkNumbering(cursor, marks(1, 999), none)).toBe("renumbered");
  });

  it("a new epoch asks for everything again, and knows up to where rows may be old ones", () => {
    const cursor = full(1000);
    cursor.settle([{ low: 990, high: 990 }]);
    cursor.renumber(marks(1, 600));
    expect(cursor.store()).toEqual({
      group: "g",
      epoch: 2,
      low: 1,
      high: 600,
      known: 600,
      done: "",
      late: "",
      anchors: "[]",
    });
    expect(checkNumbering(cursor, marks(1, 600))).toBe("same");
  });
});

describe("rows in order", () => {
  type Row = { number: number };
  const part = (low: number, high: number, ...rows: number[]): Answered<Row> => ({
    low,
    high,
    rows: rows.map((number) => ({ number })),
  });
  const numbers = (answers: Answered<Row>[]) => answers.flatMap(({ rows }) => rows.map(({ number }) => number));

  it("wait for what comes before them", () => {
    const ordered = new Ordered<Row>(1, IntervalSet.decode("11-20"));
    expect(ordered.push(part(21, 30, 21, 30))).toEqual([]);
    expect(ordered.push(part(31, 35, 33))).toEqual([]);
    expect(ordered.held).toBe(3);
    expect(numbers(ordered.push(part(1, 5, 2, 4)))).toEqual([2, 4]);
    const released = ordered.push(part(6, 10));
    expect(released.map(({ low, high }) => [low, high])).toEqual([
      [6, 10],
      [21, 30],
      [31, 35],
    ]);
    expect(numbers(released)).toEqual([21, 30, 33]);
    expect(ordered.held).toBe(0);
  });

  it("go at once where they answer for no number", () => {
    const ordered = new Ordered<Row>(1, new IntervalSet());
    expect(numbers(ordered.push(part(9, 8, 3)))).toEqual([3]);
    expect(ordered.push(part(9, 8))).toEqual([]);
  });

  it("come out sorted and complete, however the answers to ranges interleave", () => {
    const cut = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 });
    const picks = fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 });
    const before = fc.array(fc.tuple(fc.nat(200), fc.nat(30)), { maxLength: 4 });
    fc.assert(
      fc.property(cut, picks, before, (cuts, picks, doneBefore) => {
        const done = IntervalSet.of(...doneBefore.map(([low, length]) => ({ low, high: low + length })));
        const ordered = new Ordered<Row>(1, done);
        // Ranges of what is not done, each answered in parts, in order; the ranges side by side.
        const ranges: Answered<Row>[][] = [];
        const expected: number[] = [];
        let turn = 0;
        for (const gap of done.missing(1, 150)) {
          for (let low = gap.low; low <= gap.high; ) {
            const high = Math.min(gap.high, low + cuts[turn++ % cuts.length]! - 1);
            const middle = Math.floor((low + high) / 2);
            const rows = [low, middle + 1].filter((n) => n <= high);
            expected.push(...rows);
            ranges.push(
              middle < high ? [part(low, middle, low), part(middle + 1, high, middle + 1)] : [part(low, high, low)],
            );
            low = high + 1;
          }
        }
        const got: number[] = [];
        for (let i = 0; ranges.length > 0; i++) {
          const at = picks[i % picks.length]! % Math.min(4, ranges.length);
          got.push(...numbers(ordered.push(ranges[at]!.shift()!)));
          if (ranges[at]!.length === 0) ranges.splice(at, 1);
        }
        expect(got).toEqual(expected);
        expect(ordered.held).toBe(0);
      }),
    );
  });
});
