/** The recovery table: every row, and what must never happen whatever is found. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changed, type Found, recovery, same } from "../../src/jobs/move/lanes/recover.js";

const PLANNED = { size: 100, mtime: 1_700_000_000_000 };
const OK = { ...PLANNED };
const PART = { size: 60, mtime: undefined };
const OTHER = { size: 77, mtime: undefined };

function found(more: Partial<Found>): Found {
  return {
    planned: PLANNED,
    before: "absent",
    replaces: false,
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
    source: stat,
    temp: stat,
    final: stat,
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
