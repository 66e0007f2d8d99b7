/** What a move is told of large files: defaults, what is refused, and that other processes are told the same. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../src/index.js";
import { resolveMove, traitsOf } from "../../../src/jobs/move/options.js";

const SIDES = { from: "/tmp/a", to: "/tmp/b" };
const MIB = 1024 * 1024;

describe("options of large files", () => {
  test("by default they are gone on with above 16 MiB, and sent in 4 parts above 256 MiB", () => {
    const { big } = resolveMove(SIDES);
    expect(big).toEqual({ resumeAbove: 16 * MIB, segmentAbove: 256 * MIB, segments: 4 });
  });

  test("false and Infinity are never, and survive the way to another process", () => {
    const move = resolveMove({ ...SIDES, resumeAbove: Number.POSITIVE_INFINITY, segmentAbove: false, segments: 1 });
    const { big } = JSON.parse(JSON.stringify(traitsOf(move)));
    expect(big).toEqual({ resumeAbove: false, segmentAbove: false, segments: 1 });
  });

  test.each([
    { resumeAbove: -1 },
    { resumeAbove: 0.5 },
    { resumeAbove: Number.NaN },
    { resumeAbove: true as unknown as false },
    { segmentAbove: -1 },
    { segmentAbove: "1G" as unknown as number },
    { segments: 0 },
    { segments: 65 },
    { segments: 1.5 },
  ])("%j is refused", (options) => {
    expect(() => resolveMove({ ...SIDES, ...options })).toThrow(UsageError);
  });
});
