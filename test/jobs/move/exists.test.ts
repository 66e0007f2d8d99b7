/** The rules for a file that is there already. */
import { describe, expect, test } from "vitest";
import { judgeExisting, ON_EXISTS, type OnExists, replaces, skipsSame } from "../../../src/jobs/move/lanes/exists.js";

const at = (mtime: number | undefined) => ({ size: 5, mtime });
const judge = (rule: OnExists, isSame: boolean, source: number | undefined, final: number | undefined) => {
  const verdict = judgeExisting(rule, isSame, at(source), at(final));
  return typeof verdict === "string" ? verdict : "conflict";
};

describe("what becomes of a file", () => {
  test.each([
    ["same-skip", "skip", "conflict", "conflict"],
    ["fail", "conflict", "conflict", "conflict"],
    ["overwrite", "overwrite", "overwrite", "overwrite"],
    ["newer", "skip", "overwrite", "conflict"],
    ["rename", "rename", "rename", "rename"],
  ] as const)("%s: the same %s, an older one %s, a newer one %s", (rule, same, older, newer) => {
    expect(judge(rule, true, 10_000, 10_000)).toBe(same);
    expect(judge(rule, false, 10_000, 5_000)).toBe(older);
    expect(judge(rule, false, 10_000, 15_000)).toBe(newer);
  });

  test("newer: times that are as good as equal, or not known, replace nothing", () => {
    expect(judge("newer", false, 10_000, 8_001)).toBe("conflict");
    expect(judge("newer", false, 10_000, 8_000)).toBe("overwrite");
    expect(judge("newer", false, undefined, 8_000)).toBe("conflict");
    expect(judge("newer", false, 10_000, undefined)).toBe("conflict");
  });

  test("what a recovery may take for the job's own", () => {
    expect(ON_EXISTS.filter((rule) => replaces(rule, "other"))).toEqual(["overwrite", "newer"]);
    expect(ON_EXISTS.filter((rule) => replaces(rule, "same"))).toEqual(["overwrite"]);
    expect(ON_EXISTS.filter(skipsSame)).toEqual(["same-skip", "newer"]);
  });
});
