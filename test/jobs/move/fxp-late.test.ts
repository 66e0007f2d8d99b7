/** A destination that makes the file of an FXP transfer when that was given up already: what it leaves goes. */
import { expect, test, vi } from "vitest";
import type { MoveOptions } from "../../../src/jobs/index.js";
import { cleanTemp } from "../../../src/jobs/move/look/clean-temp.js";
import { filesBelow, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

const CONTENT = "x".repeat(100_000);

/** One large file. The destination hangs up over its first STOR, and makes the file at the first command of this kind. */
async function late(command: string) {
  let temp: string | undefined;
  const onCommand = (line: string) => {
    if (line.startsWith("STOR ")) temp ??= line.slice(5);
    if (!line.startsWith(command) || temp === undefined || line.endsWith(temp)) return;
    made ||= job.to.tree.write(`/in/${temp}`, "late") === undefined;
  };
  let made = false;
  const job = await oneLane(0, { to: { onCommand } });
  job.put("large", CONTENT);
  job.to.faults.closeBeforeCommand = { command: "STOR", times: 1 };
  const options: Partial<MoveOptions> = { fxp: true, journal: job.journal };
  const result = await job.run(options);
  expect(job.to.commands.filter((line) => line.startsWith("STOR")).length).toBeGreaterThan(1);
  expect(result).toMatchObject({ moved: 1, failed: 0, left: 0 });
  return { ...job, temp: temp as unknown as string, made, job: job.options(options) };
}

test("when the file is sent again: it is gone when that has arrived", async () => {
  const { to, made } = await late("STOR");
  expect(made).toBe(true);
  expect(filesBelow(to, "/in")).toEqual(["large"]);
});

test("when the job is over: clean-temp removes it", async () => {
  const { to, made, temp, job } = await late("QUIT");
  expect(made).toBe(true);
  expect(filesBelow(to, "/in")).toEqual(["large", temp]);
  const found = [];
  for await (const each of cleanTemp({ job, remove: true })) found.push(each);
  expect(found).toMatchObject([{ path: temp, fate: "removed", why: "the file has arrived" }]);
  expect(filesBelow(to, "/in")).toEqual(["large"]);
  expect(to.tree.read("/in/large").toString()).toBe(CONTENT);
});
