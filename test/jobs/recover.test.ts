/** The recovery table: every row, and what must never happen whatever is found. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Begun,
  changed,
  type Found,
  isLarge,
  recovery,
  same,
  stepBack,
} from "../../src/jobs/move/lanes/recover.js";

const PLANNED = { size: 100, mtime: 1_700_000_000_000 };
const OK = { ...PLANNED };
const PART = { size: 60, mtime: undefined };
const OTHER = { size: 77, mtime: undefined };
const NEVER: Begun = { above: Number.POSITIVE_INFINITY, proves: false, overwrites: false };
const BEGUN: Begun = { above: 59, proves: false, overwrites: false };

function found(more: Partial<Found>): Found {
  return {
    planned: PLANNED,
    before: "absent",
    replaces: false,
    begun: NEVER,
    source: OK,
    temp: undefined,
    final: undefined,
    ...more,
  };
}

describe("the recovery table", () => {
  test.each<[string, Partial<Found>, string]>([
    ["nothing arrived", {}, "again"],
    ["part of it arrived", { temp: PART }, "again"],
    ["all of it arrived, not renamed: not trusted without a digest", { temp: OK }, "again"],
    ["a large part of it arrived", { begun: BEGUN, temp: PART }, "go-on"],
    ["a part of it arrived that is not worth it", { begun: { ...BEGUN, above: 60 }, temp: PART }, "again"],
    [
      "a part of it, and nothing is known of before: it is not ours",
      { begun: BEGUN, before: undefined, temp: PART },
      "again",
    ],
    [
      "a part of it, of a size that was not told",
      { begun: BEGUN, planned: { ...PLANNED, size: undefined }, temp: PART },
      "again",
    ],
    ["all of it arrived, and nothing compares it", { begun: BEGUN, temp: OK }, "again"],
    ["all of it arrived, and every byte is compared", { begun: { ...BEGUN, proves: true }, temp: OK }, "go-on"],
    [
      "all but one byte: it was written in parts",
      { begun: { ...BEGUN, proves: true }, temp: { ...OK, size: 99 } },
      "again",
    ],
    ["more than all of it", { begun: { ...BEGUN, proves: true }, temp: { ...OK, size: 101 } }, "again"],
    ["a large part of it, a foreign file came meanwhile", { begun: BEGUN, temp: PART, final: OTHER }, "policy"],
    [
      "a large part of it, a foreign file came meanwhile that is overwritten as any is",
      { begun: { ...BEGUN, overwrites: true }, replaces: true, temp: PART, final: OTHER },
      "policy",
    ],
    [
      "a large part of what is to replace the file that is there",
      { begun: { ...BEGUN, overwrites: true }, before: "other", replaces: true, temp: PART, final: OTHER },
      "go-on",
    ],
    [
      "a large part of a source that has changed",
      { begun: BEGUN, source: { ...OK, size: 101 }, temp: PART },
      "changed",
    ],
    ["a large part of a source that is gone", { begun: BEGUN, source: undefined, temp: PART }, "keep-partial"],
    ["published, the source not yet removed", { final: OK }, "finish"],
    ["the same file was there before", { before: "same", final: OK }, "policy"],
    ["another file was there before, of the same size", { before: "other", final: OK }, "policy"],
    ["another file was there before", { before: "other", final: OTHER }, "policy"],
    ["a foreign file came meanwhile", { temp: OK, final: OK }, "policy"],
    ["a foreign file of another size came meanwhile", { final: OTHER }, "conflict"],
    ["the destination had not been looked at", { before: undefined, final: OK }, "policy"],
    ["source removed, published", { source: undefined, final: OK }, "done"],
    ["source removed, the same file was there before", { before: "same", source: undefined, final: OK }, "skipped"],
    [
      "source removed by somebody, another file was there before",
      { before: "other", source: undefined, final: OK },
      "gone",
    ],
    [
      "source removed, what was there was replaced",
      { before: "other", replaces: true, source: undefined, final: OK },
      "done",
    ],
    ["source removed by somebody, another file is there", { source: undefined, final: OTHER }, "gone"],
    ["source removed by somebody, another file is there, too", { source: undefined, temp: OK, final: OTHER }, "rename"],
    ["source removed by somebody, all of it arrived", { source: undefined, temp: OK }, "rename"],
    ["source removed by somebody, part of it arrived", { source: undefined, temp: PART }, "keep-partial"],
    ["source removed, consumed downstream or never there", { source: undefined }, "gone"],
    ["the source has grown", { source: { ...OK, size: 101 } }, "changed"],
    ["the source was touched", { source: { ...OK, mtime: OK.mtime + 5_000 }, temp: OK, final: OTHER }, "changed"],
    ["the server does not tell times", { source: { size: 100, mtime: undefined }, final: OK }, "finish"],
  ])("%s", (_, more, action) => {
    expect(recovery(found(more))).toBe(action);
  });

  const stat = fc.option(
    fc.record({ size: fc.constantFrom(60, 77, 100), mtime: fc.constantFrom(undefined, PLANNED.mtime, 5) }),
    {
      nil: undefined,
    },
  );
  const anything = fc.record({
    planned: fc.constant(PLANNED),
    before: fc.constantFrom("absent", "same", "other", undefined),
    replaces: fc.boolean(),
    begun: fc.record({
      above: fc.constantFrom(0, 60, 99, NEVER.above),
      proves: fc.boolean(),
      overwrites: fc.boolean(),
    }),
    source: stat,
    temp: stat,
    final: stat,
  });

  test("a file is gone on with only where its source is as planned, and its size is no proof of anything", () => {
    fc.assert(
      fc.property(anything, (each) => {
        if (recovery(each as Found) !== "go-on") return;
        expect(changed(PLANNED, each.source!)).toBe(false);
        expect(each.before).toBeDefined();
        expect(each.temp!.size).toBeGreaterThan(each.begun.above);
        if (!each.begun.proves) expect(each.temp!.size).toBeLessThan(PLANNED.size - 1);
        if (!each.begun.overwrites || each.before === "absent") expect(each.final).toBeUndefined();
      }),
    );
  });

  test("a source is removed only where a whole file of ours has the final name", () => {
    fc.assert(
      fc.property(anything, (each) => {
        if (recovery(each as Found) !== "finish") return;
        expect(each.final?.size).toBe(PLANNED.size);
        expect(each.before).toBe("absent");
        expect(each.temp).toBeUndefined();
      }),
    );
  });

  test("what may be the only copy is never given up", () => {
    fc.assert(
      fc.property(anything, (each) => {
        const action = recovery(each as Found);
        if (each.source === undefined && each.temp !== undefined) expect(["rename", "keep-partial"]).toContain(action);
      }),
    );
  });
});

test("times are compared in whole seconds, sizes exactly", () => {
  expect(changed(PLANNED, { size: 100, mtime: PLANNED.mtime + 999 })).toBe(false);
  expect(changed(PLANNED, { size: 100, mtime: PLANNED.mtime + 1000 })).toBe(true);
  expect(changed({ size: undefined, mtime: undefined }, OK)).toBe(false);
  expect(same(OK, { ...OK, size: 99 })).toBe(false);
  expect(same(OK, { size: 100, mtime: undefined })).toBe(false);
  expect(same(OK, { size: 100, mtime: OK.mtime - 1_999 })).toBe(true);
});

test("of what is there the last part is sent once more: a MiB by default, a page at least", () => {
  const MIB = 1024 * 1024;
  expect(stepBack(100 * MIB, 16 * MIB)).toBe(99 * MIB);
  expect(stepBack(100 * MIB, 1024 * MIB)).toBe(99 * MIB);
  expect(stepBack(100_000, 80_000)).toBe(95_000);
  expect(stepBack(100_000, 0)).toBe(100_000 - 4096);
  expect(stepBack(3, 0)).toBe(0);
});

test("a file is large enough above the limit alone", () => {
  expect(isLarge(60, PLANNED, { ...BEGUN, above: 60 })).toBe(false);
  expect(isLarge(61, PLANNED, { ...BEGUN, above: 60 })).toBe(true);
  expect(isLarge(98, PLANNED, NEVER)).toBe(false);
});
