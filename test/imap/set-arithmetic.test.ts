/** Sets of UIDs put together and taken apart: as Sets of numbers would be. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSet, type SequenceSet } from "../../src/imap/sequence-set.js";
import { difference, intersection, NOTHING, setOf, union } from "../../src/imap/set-arithmetic.js";

const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 }));
const sets = fc
  .array(range, { maxLength: 8 })
  .map((ranges) => setOrNothing(ranges.map(([low, more]) => `${low}:${low + more}`).join(",")));

/** Ranges as a server may send them: in any order, one in another. */
function setOrNothing(text: string): SequenceSet {
  return text === "" ? NOTHING : parseSet(text);
}

const numbers = (set: SequenceSet) => [...new Set(set)].sort((a, b) => a - b);

test("two sets give what Sets of numbers give, in the shortest form", () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const [one, other] = [numbers(a), new Set(b)];
      const forms = [union(a, b), intersection(a, b), difference(a, b)];
      expect(forms.map((set) => [...set])).toEqual([
        numbers(setOrNothing([a, b].map(String).filter(Boolean).join(","))),
        one.filter((each) => other.has(each)),
        one.filter((each) => !other.has(each)),
      ]);
      for (const set of forms) {
        const ranges = [...set.ranges()];
        for (const [i, [low]] of ranges.entries()) if (i > 0) expect(low).toBeGreaterThan(ranges[i - 1]![1] + 1);
      }
    }),
  );
});

test("numbers in any order make a set", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 99 })), (some) => {
      expect([...setOf(some)]).toEqual([...new Set(some)].sort((a, b) => a - b));
    }),
  );
});

test("billions cost no more than their ranges", () => {
  const all = parseSet("1:4294967295");
  expect(difference(all, parseSet("7")).toString()).toBe("1:6,8:4294967295");
  expect(intersection(all, parseSet("5,9:4294967295")).toString()).toBe("5,9:4294967295");
  expect(union(all, parseSet("7")).size).toBe(4294967295);
});
