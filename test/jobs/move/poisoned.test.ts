/** Files that end every connection they go over, and servers that end every session: which of the two stops a job. */
import { expect, test, vi } from "vitest";
import { JournalReader } from "../../../src/jobs/journal/journal.js";
import type { CommandFaults } from "../../../src/testing/command-faults.js";
import { filesBelow, names, type OneLane, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

const ALWAYS = Number.POSITIVE_INFINITY;
const POISONED = Array.from({ length: 10 }, (_, i) => `bad ${i}`);

/** Twenty files, and ten that end their connections; a job that would stand still ends. */
async function poisoned(side: "from" | "to", fault: keyof CommandFaults, command: string) {
  const job = await oneLane(20);
  for (const name of POISONED) job.put(name);
  job[side].faults[fault] = { command: `${command} bad`, times: ALWAYS } as never;
  return { ...job, result: await job.run({ maxPause: 0 }) };
}

test.each([
  ["from", "RETR", "BROKEN"],
  ["to", "STOR", "BROKEN"],
  ["to", "RNTO", "BROKEN"],
  // They have arrived: a later run looks at them again.
  ["from", "DELE", "PARTIAL"],
] as const)("ten files that end their connections fail, and stop no others: %s %s", async (side, command, code) => {
  const { from, to, result } = await poisoned(side, "closeBeforeCommand", command);
  expect(result).toMatchObject({ moved: 20, failed: 10, left: 0 });
  expect(new Set(result.failures.map(({ code }) => code))).toEqual(new Set([code]));
  expect(filesBelow(from, "/out")).toEqual(POISONED);
  expect(filesBelow(to, "/in")).toEqual([...(command === "DELE" ? POISONED : []), ...names(20)]);
});

const failures = ({ journal }: OneLane) => {
  using reader = JournalReader.read(journal);
  return [...reader.files(["FAILED"])].length;
};

test.each([
  ["from", "SIZE"],
  ["from", "RETR"],
  ["to", "STOR"],
  ["to", "RNTO"],
] as const)("a server that ends every session holds the job: %s %s", async (side, command) => {
  const job = await oneLane(100);
  job[side].faults.closeBeforeCommand = { command, times: ALWAYS };
  await expect(job.run({ maxPause: 0, journal: job.journal })).rejects.toThrow(/connection|closed/);
  expect(failures(job)).toBeLessThan(25);
  expect(filesBelow(job.from, "/out")).toHaveLength(100);
});
