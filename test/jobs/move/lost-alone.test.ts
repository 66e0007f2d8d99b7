/** A connection that is lost over one file again and again: no other one pays for it, and its only copy stays. */
import { expect, test, vi } from "vitest";
import { filesBelow, LONG_AGO, nameOf, names, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

const ALWAYS = Number.POSITIVE_INFINITY;

const LARGE = "x".repeat(300_000);

test("with no tries for lost connections files are moved all the same", async () => {
  const { run, to } = await oneLane(20);
  expect(await run({ tries: { retry: 0 } })).toMatchObject({ moved: 20, failed: 0, left: 0 });
  expect(filesBelow(to, "/in")).toEqual(names(20));
});

test("what is on its way is not to blame for the removal of files that were there already", async () => {
  const { from, to, run } = await oneLane(18);
  for (const i of [0, 16, 17]) to.tree.write(`/in/${nameOf(i)}`, `content of ${nameOf(i)}`, { modified: LONG_AGO });
  // Files are asked for behind the removal, which is not answered yet.
  from.faults.replyDelay = 4;
  from.faults.closeBeforeCommand = { command: `DELE ${nameOf(16)}` };
  expect(await run({ tries: { retry: 1 } })).toMatchObject({ moved: 15, skipped: 3, failed: 0, left: 0 });
});

test("a file whose bytes cannot be compared with what is there fails, and no other", async () => {
  const { from, to, run } = await oneLane(20);
  to.tree.write(`/in/${nameOf(5)}`, `kontent of ${nameOf(5)}`, { modified: LONG_AGO });
  from.faults.closeBeforeCommand = { command: `RETR ${nameOf(5)}`, times: ALWAYS };
  const result = await run({ verify: "readback", tries: { retry: 3 } });
  expect(result).toMatchObject({ moved: 19, failed: 1, left: 0 });
});

test("what arrived is kept where its source vanishes before the file is given up", async () => {
  let reads = 0;
  const onCommand = (line: string) => {
    // Whole and read for the last time: from now on nobody asks for it.
    if (line.startsWith("RETR") && ++reads === 3) setImmediate(() => from.tree.remove("/out/large"));
  };
  const { from, to, put, run } = await oneLane(0, { from: { onCommand } });
  put("large", LARGE);
  to.faults.closeBeforeCommand = { command: "RNTO", times: ALWAYS };
  const result = await run({ verify: "readback", resumeAbove: 64 * 1024, tries: { retry: 2 } });
  expect(reads).toBe(3);
  expect(result).toMatchObject({ moved: 0, failed: 1, left: 0, failures: [{ name: "large", code: "PARTIAL" }] });
  const [left] = filesBelow(to, "/in");
  expect(to.tree.read(`/in/${left}`)?.toString()).toBe(LARGE);
});
