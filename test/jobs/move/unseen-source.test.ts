/** A source that its server does not tell of may be gone: then what arrived is the only copy, and nobody removes it. */
import { expect, test, vi } from "vitest";
import type { MoveOptions } from "../../../src/jobs/index.js";
import type { FtpServerOptions } from "../../../src/testing/index.js";
import { filesBelow, type OneLane, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

const UNTOLD = { SIZE: "553 No.", MLST: "553 No." };
const kept = [expect.stringMatching(/^a\.dat\.[a-z]{8}1\.part$/)];

/** One file. When the destination is first sent this command, the source vanishes, and `then` happens. */
async function vanishing(
  command: string,
  then: (made: OneLane) => void,
  to: FtpServerOptions = {},
  from: FtpServerOptions = {},
) {
  const onCommand = (line: string) => {
    if (!line.startsWith(command) || !made.from.tree.exists("/out/a.dat")) return;
    made.from.tree.remove("/out/a.dat");
    then(made);
  };
  const made: OneLane = await oneLane(0, { from, to: { ...to, onCommand } });
  made.put("a.dat", "the only copy");
  const run = (more: Partial<MoveOptions> = {}) => made.run({ journal: made.journal, ...more });
  const again = () => {
    for (const server of [made.from, made.to]) server.clearFaults();
    return run();
  };
  return { ...made, run, again };
}

const only = ({ to }: OneLane) => filesBelow(to, "/in").map((name) => to.tree.read(`/in/${name}`)?.toString());

test("what is whole stays, and the next run gives it its name", async () => {
  const job = await vanishing("STOR", ({ from }) => void (from.faults.reply = UNTOLD));
  expect(await job.run()).toMatchObject({ moved: 0, failed: 1, left: 0, failures: [{ code: "PARTIAL" }] });
  expect(filesBelow(job.to, "/in")).toEqual(kept);
  expect(only(job)).toEqual(["the only copy"]);
  expect(await job.again()).toMatchObject({ moved: 1, failed: 0 });
  expect(filesBelow(job.to, "/in")).toEqual(["a.dat"]);
});

test("it is looked at again where the server was busy", async () => {
  const reply = { SIZE: { reply: "450 Busy.", times: 2 } };
  const job = await vanishing("STOR", ({ from }) => void (from.faults.reply = reply));
  expect(await job.run()).toMatchObject({ moved: 1, failed: 0 });
  expect(filesBelow(job.to, "/in")).toEqual(["a.dat"]);
});

test("it is not sent again where the source is there after all", async () => {
  const onCommand = (line: string) => {
    if (line.startsWith("STOR f0001")) from.faults.reply = { "SIZE f0001": { reply: "450 Busy.", times: 2 } };
  };
  const { from, to, run } = await oneLane(3, { to: { onCommand } });
  expect(await run()).toMatchObject({ moved: 3, failed: 0 });
  expect(to.commands.filter((line) => line.startsWith("STOR"))).toHaveLength(3);
  expect(filesBelow(from, "/out")).toEqual([]);
});

test("what is whole stays where its own server does not tell of it", async () => {
  const job = await vanishing("STOR", ({ to }) => void (to.faults.reply = UNTOLD));
  expect(await job.run()).toMatchObject({ moved: 0, failed: 1, failures: [{ code: "PARTIAL" }] });
  expect(only(job)).toEqual(["the only copy"]);
  expect(await job.again()).toMatchObject({ moved: 1, failed: 0 });
});

test("what differs from what was sent stays", async () => {
  const faults = { damageDataAt: 2, dataFaultsOn: "STOR" };
  const job = await vanishing("HASH", ({ from }) => void (from.faults.reply = UNTOLD), { faults });
  expect(await job.run({ verify: "hash" })).toMatchObject({ moved: 0, failed: 1, failures: [{ code: "PARTIAL" }] });
  expect(filesBelow(job.to, "/in")).toEqual(kept);
});

test.each([
  ["is gone", {}],
  ["is not told of", UNTOLD],
])("what cannot be compared stays where its source %s, and the next run gives it its name", async (_, reply) => {
  const features = { mfmt: false, mff: false, site: false };
  const job = await vanishing("STOR", ({ from }) => void (from.faults.reply = reply), { features });
  await expect(job.run({ verify: "mtime" })).rejects.toThrow(/sets a file's time/);
  expect(only(job)).toEqual(["the only copy"]);
  expect(await job.again()).toMatchObject({ moved: 1, failed: 0 });
});

test("what has another size than was listed stays", async () => {
  const job = await vanishing("STOR", ({ from }) => void (from.faults.reply = UNTOLD));
  Object.assign(job.from.faults, { cutDataAt: 5, cutDataCleanly: true, dataFaultsOn: "RETR" });
  expect(await job.run()).toMatchObject({ moved: 0, failed: 1, failures: [{ code: "PARTIAL" }] });
  expect(only(job)).toEqual(["the o"]);
});

test("where the job is ended meanwhile, the next run looks", async () => {
  const abort = new AbortController();
  const onCommand = (line: string) => {
    if (line.startsWith("SIZE") && !job.from.tree.exists("/out/a.dat")) abort.abort();
  };
  const busy = { SIZE: "450 Busy." };
  const job = await vanishing("STOR", ({ from }) => void (from.faults.reply = busy), {}, { onCommand });
  await expect(job.run({ signal: abort.signal })).rejects.toThrow("cancelled");
  expect(only(job)).toEqual(["the only copy"]);
  expect(await job.again()).toMatchObject({ moved: 1, failed: 0, left: 0 });
});
