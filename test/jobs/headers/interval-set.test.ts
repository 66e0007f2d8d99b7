/** Interval sets: compared with plain sets, and fast with many intervals. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { IntervalSet } from "../../../src/jobs/headers/interval-set.js";

const MAX = Number.MAX_SAFE_INTEGER;
/** Numbers of the model: 0 to this. */
const TOP = 60;

const interval = fc.tuple(fc.nat(TOP), fc.nat(12)).map(([low, length]) => ({ low, high: Math.min(TOP, low + length) }));
const change = fc.record({ add: fc.boolean(), interval });

/** Every number of the model's world that is not in it, as runs within low..high. */
function gapsOf(model: Set<number>, low: number, high: number) {
  const gaps: { low: number; high: number }[] = [];
  for (let n = low; n <= high; n++) {
    if (model.has(n)) continue;
    const last = gaps.at(-1);
    if (last && last.high === n - 1) last.high = n;
    else gaps.push({ low: n, high: n });
  }
  return gaps;
}

describe("an interval set", () => {
  it("holds what a plain set holds, whatever is added and deleted", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), interval, (changes, { low, high }) => {
        const set = new IntervalSet();
        const model = new Set<number>();
        for (const { add, interval } of changes) {
          if (add) set.add(interval.low, interval.high);
          else set.delete(interval.low, interval.high);
          for (let n = interval.low; n <= interval.high; n++) add ? model.add(n) : model.delete(n);
        }
        for (let n = 0; n <= TOP; n++) expect(set.has(n), `${n}`).toBe(model.has(n));
        expect(set.size).toBe(model.size);
        const gaps = gapsOf(model, low, high);
        expect([...set.missing(low, high)]).toEqual(gaps);
        expect(set.firstMissing(low, high)).toEqual(gaps[0]);
        expect(set.lastMissing(low, high)).toEqual(gaps.at(-1));
        const text = set.encode();
        expect(IntervalSet.decode(text).encode()).toBe(text);
        expect(set.copy().encode()).toBe(text);
        const intervals = [...set];
        expect(set.intervals).toBe(intervals.length);
        for (let i = 1; i < intervals.length; i++)
          expect(intervals[i]!.low).toBeGreaterThan(intervals[i - 1]!.high + 1);
      }),
    );
  });

  it("holds what a plain set holds when its intervals fill many chunks", () => {
    const set = new IntervalSet();
    const model = new Set<number>();
    // A fixed sequence that jumps about: 7,919 is coprime to 10,007.
    for (let i = 0; i < 5000; i++) {
      const n = ((i * 7919) % 10_007) * 2;
      set.add(n);
      model.add(n);
    }
    expect(set.intervals).toBe(5000);
    for (let i = 0; i < 400; i++) {
      const low = (i * 4211) % 20_000;
      const high = low + (i % 50) * (i % 7);
      const add = i % 3 !== 0;
      if (add) set.add(low, high);
      else set.delete(low, high);
      for (let n = low; n <= high; n++) add ? model.add(n) : model.delete(n);
    }
    expect([...set.missing(0, 21_000)]).toEqual(gapsOf(model, 0, 21_000));
    expect(set.size).toBe(model.size);
    for (let low = 0; low < 20_000; low += 997) {
      expect(set.firstMissing(low, low + 500)).toEqual(gapsOf(model, low, low + 500)[0]);
      expect(set.lastMissing(low, low + 500)).toEqual(gapsOf(model, low, low + 500).at(-1));
    }
    expect(set.add(0, 30_000).encode()).toBe("0-30000");
    expect(set.delete(0, 30_000).span).toBeUndefined();
  });

  it("reads and writes compact text", () => {
    const set = IntervalSet.of({ low: 510, high: 600 }, { low: 1, high: 500 }, { low: 605, high: 605 });
    expect(set.encode()).toBe("1-500,510-600,605");
    expect(set.span).toEqual({ low: 1, high: 605 });
    expect(IntervalSet.decode("").size).toBe(0);
    for (const text of ["5-4", "1,,2", "a", "1-2-3", "-5", "3-9,9-12", "3-9,10-12", "1-9007199254740993", " 1"]) {
      expect(() => IntervalSet.decode(text), text).toThrow(UsageError);
    }
  });

  it("counts to 2^53-1 without rounding", () => {
    const set = new IntervalSet().add(MAX - 10, MAX).add(0, 4_294_967_296);
    expect(set.size).toBe(4_294_967_297 + 11);
    expect(set.has(MAX)).toBe(true);
    expect(set.has(MAX - 11)).toBe(false);
    expect([...set.missing(4_294_967_290, MAX)]).toEqual([{ low: 4_294_967_297, high: MAX - 11 }]);
    expect(set.lastMissing(0, MAX)).toEqual({ low: 4_294_967_297, high: MAX - 11 });
    expect(IntervalSet.decode(set.encode()).encode()).toBe(`0-4294967296,${MAX - 10}-${MAX}`);
    expect(new IntervalSet().add(0, MAX).size).toBe(2 ** 53);
  });

  it("refuses what is no interval", () => {
    const set = new IntervalSet();
    for (const [low, high] of [
      [2, 1],
      [-1, 3],
      [1.5, 2],
      [1, MAX + 1],
      [Number.NaN, 1],
    ] as const) {
      expect(() => set.add(low, high)).toThrow(UsageError);
      expect(() => set.delete(low, high)).toThrow(UsageError);
    }
    expect(set.size).toBe(0);
  });

  it("takes 300,000 intervals that do not touch in any order", () => {
    const set = new IntervalSet();
    // A list that is moved as a whole with every insert takes minutes.
    for (let i = 0; i < 300_000; i++) set.add(((i * 7_368_787) % 300_007) * 3);
    expect(set.intervals).toBe(300_000);
  });
});
