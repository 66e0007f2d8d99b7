/** The report's parts that need no browser: curves, escaping, what may be loaded. */
import { expect, test } from "vitest";
import type { JobSample } from "../../../src/jobs/journal/journal.js";
import { failureClass } from "../../../src/jobs/move/look/failure-class.js";
import { curveOf } from "../../../src/jobs/move/report/curve.js";
import { bytes, span } from "../../../src/jobs/move/report/page-format.js";
import { escapeHtml } from "../../../src/jobs/move/report/page-parts.js";

const sample = (run: number, at: number, settled: number, lanes = 2): JobSample => ({
  run,
  at,
  settled,
  moved: settled,
  failed: 0,
  bytes: settled * 1e6,
  lanes,
});

test("a curve has rates between samples, and a gap between runs", () => {
  const curve = curveOf([
    sample(1, 0, 0, 0),
    sample(1, 2000, 10),
    sample(1, 4000, 10),
    sample(2, 10_000, 10),
    sample(2, 12_000, 14),
  ]);
  expect(curve).toEqual({
    at: [0, 2, 4, 7, 10, 12],
    filesPerSecond: [5, 5, 0, null, 2, 2],
    megabytesPerSecond: [5, 5, 0, null, 2, 2],
    lanes: [2, 2, 2, null, 2, 2],
  });
});

test("what is settled within a moment makes no peak; a run that is one moment long has a rate all the same", () => {
  expect(curveOf([sample(1, 0, 0), sample(1, 2000, 10), sample(1, 2010, 74)]).filesPerSecond).toEqual([5, 5]);
  expect(curveOf([sample(1, 0, 0), sample(1, 100, 10)]).filesPerSecond).toEqual([100, 100]);
  expect(curveOf([sample(1, 0, 0)])).toMatchObject({ at: [] });
  expect(curveOf([])).toMatchObject({ at: [] });
});

test("files planned again make no rate below zero", () => {
  expect(curveOf([sample(1, 0, 50), sample(1, 2000, 20)]).filesPerSecond).toEqual([0, 0]);
});

test("text is escaped, and what a page or an eye would obey is shown", () => {
  expect(escapeHtml(`</script><img onerror="x" a='&'>`)).toBe(
    "&lt;/script&gt;&lt;img onerror=&quot;x&quot; a=&#39;&amp;&#39;&gt;",
  );
  expect(escapeHtml("a\u202eb\0\x07")).toBe("a\\u202eb\\0\\x07");
});

test("sizes and spans", () => {
  expect([0, 999, 1000, 1.25e6, 999_950_000, 3e15].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.3 MB",
    "1.0 GB",
    "3.0 PB",
  ]);
  expect([1, 59.96, 3600, 90_000].map(span)).toEqual(["1.0 s", "1 min 0 s", "1 h 0 min", "1 d 1 h"]);
});

test.each([
  ["FAILED", "552", "the disk is full"],
  ["FAILED", "ECONNRESET", "the connection broke"],
  ["FAILED", "504", "refused"],
  ["FAILED", "431", "refused for now"],
  ["FAILED", "EIO", "an error of this machine"],
  ["FAILED", "???", "other"],
  ["FAILED", undefined, "other"],
  ["GONE", undefined, "it vanished from the source"],
] as const)("%s %s: %s", (state, code, words) => {
  expect(failureClass(state, code)).toBe(words);
});
