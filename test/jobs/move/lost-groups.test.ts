/** A connection that is lost over several files at once: whose try counts, and whether the job comes to an end. */
import { expect, onTestFinished, test, vi } from "vitest";
import { Suspects } from "../../../src/jobs/move/lanes/suspects.js";
import { filesBelow, LONG_AGO, nameOf, names, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

const ALWAYS = Number.POSITIVE_INFINITY;

test.each([
  ["to", "RNFR"],
  ["to", "RNTO"],
  ["from", "DELE"],
] as const)("no file of a group has its try counted: %s %s", async (side, command) => {
  const { run, ...both } = await oneLane(16);
  both[side].faults.closeBeforeCommand = { command, times: 2 };
  expect(await run({ tries: { retry: 2 } })).toMatchObject({ moved: 16, failed: 0, left: 0 });
  expect(filesBelow(both.to, "/in")).toEqual(names(16));
});

test.each([
  ["to", "RNTO"],
  ["from", "DELE"],
] as const)("nor that of one that was on its way beside it: %s %s", async (side, command) => {
  const { run, ...both } = await oneLane(60);
  both[side].faults.closeBeforeCommand = { command };
  expect(await run({ tries: { retry: 1 } })).toMatchObject({ moved: 60, failed: 0, left: 0 });
});

const BAD = nameOf(5);

test.each([
  ["RNTO", "closeBeforeCommand"],
  ["RNTO", "loseReply"],
] as const)("a file whose %s always ends the connection fails, and no other: %s", async (command, fault) => {
  const { run, from, to } = await oneLane(20);
  to.faults[fault] = { command: `${command} ${BAD}`, times: ALWAYS };
  const isLost = fault === "loseReply";
  const result = await run({ tries: { retry: 3 } });
  expect(result).toMatchObject({ moved: isLost ? 20 : 19, failed: isLost ? 0 : 1, left: 0 });
  expect(filesBelow(to, "/in")).toEqual(names(20, isLost ? undefined : BAD));
  expect(filesBelow(from, "/out")).toEqual(isLost ? [] : [BAD]);
  if (!isLost) expect(result.failures).toMatchObject([{ name: BAD, code: "BROKEN" }]);
});

test("a file whose removal always ends the connection fails, and no other", async () => {
  const { run, from, to } = await oneLane(20);
  from.faults.closeBeforeCommand = { command: `DELE ${BAD}`, times: ALWAYS };
  const result = await run({ tries: { retry: 3 } });
  expect(result).toMatchObject({ moved: 19, failed: 1, left: 0 });
  expect(filesBelow(to, "/in")).toEqual(names(20));
  expect(filesBelow(from, "/out")).toEqual([BAD]);
  expect(result.failures).toMatchObject([{ name: BAD, error: expect.stringContaining("broke 3 times") }]);
});

test("so it does where its copy was there before", async () => {
  const { run, from, to } = await oneLane(20);
  for (const name of names(20)) to.tree.write(`/in/${name}`, `content of ${name}`, { modified: LONG_AGO });
  from.faults.closeBeforeCommand = { command: `DELE ${BAD}`, times: ALWAYS };
  expect(await run({ tries: { retry: 3 } })).toMatchObject({ skipped: 19, failed: 1, left: 0 });
  expect(filesBelow(from, "/out")).toEqual([BAD]);
});

test("a disk that is full stays the reason where the connection is lost over what had arrived", async () => {
  const onCommand = (line: string) => {
    if (!line.startsWith(`STOR ${nameOf(4)}`) || isFull) return;
    isFull = true;
    Object.assign(to.faults, { diskFullAfter: 3, dataFaultsOn: "STOR", dataFaultsTimes: 1 });
    to.faults.closeBeforeCommand = { command: "RNFR" };
  };
  let isFull = false;
  const { run, from, to } = await oneLane(5, { to: { onCommand } });
  await expect(run({ maxPause: 0 })).rejects.toMatchObject({ code: "552" });
  expect(filesBelow(from, "/out")).toEqual(names(5));
});

test("a suspect is not published beside others: a connection that is lost over them would be laid to it", async () => {
  const { from, to, run } = await oneLane(17);
  vi.spyOn(Suspects.prototype, "none", "get").mockReturnValue(false);
  vi.spyOn(Suspects.prototype, "has").mockImplementation((id) => id === 17);
  const blame = vi.spyOn(Suspects.prototype, "blame");
  onTestFinished(() => void vi.restoreAllMocks());
  // The others are being published still when it has arrived.
  from.faults.replyDelay = 4;
  from.faults.closeBeforeCommand = { command: `DELE ${nameOf(0)}` };
  expect(await run()).toMatchObject({ moved: 17, failed: 0, left: 0 });
  expect(filesBelow(to, "/in")).toEqual(names(17));
  expect(blame).not.toHaveBeenCalled();
});
