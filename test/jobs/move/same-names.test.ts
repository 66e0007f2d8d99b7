/** A destination that takes two names for one, as Windows and macOS do: no file is lost in another one's place. */
import { describe, expect, test, vi } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { type ClaimedFile, type DestBefore, Journal, KEPT } from "../../../src/jobs/journal/journal.js";
import { nameKey } from "../../../src/jobs/move/names/name-key.js";
import { resolveMove } from "../../../src/jobs/move/options.js";
import type { FtpServer } from "../../../src/testing/index.js";
import { type Bed, bed, filesBelow, LONG_AGO, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

/** Makes a folder of a server in memory one whose names differ by more than their case. */
function foldCase({ tree }: FtpServer, path: string): void {
  const folder = tree.directory(path);
  const { get, ownNode, set } = folder;
  const own = (name: string) => [...folder.entries()].find((each) => each.name.toLowerCase() === name.toLowerCase());
  const nameOf = (name: string) => own(name)?.name ?? name;
  const remove = folder.delete;
  Object.assign(folder, {
    get: (name: string) => get.call(folder, nameOf(name)),
    ownNode: (name: string) => ownNode.call(folder, nameOf(name)),
    set: (name: string, node: Parameters<typeof set>[1]) => set.call(folder, nameOf(name), node),
    delete: (name: string) => remove.call(folder, nameOf(name)),
  });
}

test.each([1, 4])("two files whose names differ by case: one is moved, one stays (lanes: %i)", async (lanes) => {
  const { from, to, put, options } = await bed();
  foldCase(to, "/in");
  // Of one size, not of one time: that would be the same file.
  const pair = (i: number) => [`f${i}.dat`, `F${i}.dat`];
  const names = Array.from({ length: 40 }, (_, i) => pair(i)).flat();
  for (const [i, name] of names.entries()) put(name, `content of ${name}`, new Date(LONG_AGO.getTime() + i * 60_000));
  const all = filesBelow(from, "/out").map((name) => from.tree.read(`/out/${name}`).toString());
  const result = await move(options({ lanes }));
  const there = [to, from].flatMap((server) => {
    const folder = server === to ? "/in" : "/out";
    return filesBelow(server, folder).map((name) => server.tree.read(`${folder}/${name}`).toString());
  });
  expect(there.sort()).toEqual(all.sort());
  expect(result).toMatchObject({ moved: 40, conflicts: 40, failed: 0, gone: 0, left: 0 });
});

test("two files whose names differ by case alone, of one size and time: their bytes tell that they are two", async () => {
  const { from, to, put, options } = await bed();
  foldCase(to, "/in");
  for (const name of ["aB.dat", "Ab.dat"]) put(name, `content of ${name}`);
  put("same.dat", "the same");
  put("SAME.dat", "the same");
  const result = await move(options({ lanes: 1 }));
  expect(result).toMatchObject({ moved: 2, conflicts: 1, skipped: 1, failed: 0 });
  expect(filesBelow(from, "/out")).toEqual(["Ab.dat"]);
  expect(to.tree.read("/in/aB.dat").toString()).toBe("content of aB.dat");
});

test("a destination that tells names apart is asked that once", async () => {
  const { to, put, options } = await bed();
  for (let i = 0; i < 10; i++) {
    put(`f${i}.dat`, `content of ${i}`);
    to.tree.write(`/in/f${i}.dat`, `content of ${i}`, { modified: LONG_AGO });
  }
  expect(await move(options({ lanes: 1 }))).toMatchObject({ skipped: 10 });
  expect(to.commands.filter((line) => / F\d\.DAT/.test(line))).toHaveLength(1);
});

test("what is taken away while that is asked tells nothing", async () => {
  const onCommand = (line: string) => {
    if (line === "SIZE F0.DAT") to.tree.remove("/in/f0.dat");
  };
  const { from, to, put, run } = await oneLane(0, { to: { onCommand } });
  foldCase(to, "/in");
  put("f0.dat");
  to.tree.write("/in/f0.dat", "content of f0.dat", { modified: LONG_AGO });
  for (const name of ["z.dat", "Z.dat"]) put(name, `content of ${name}`);
  expect(await run()).toMatchObject({ moved: 2, conflicts: 1, skipped: 0, failed: 0, left: 0 });
  expect(filesBelow(from, "/out")).toHaveLength(1);
});

test("which names are one", () => {
  const one = (...names: string[]) => new Set(names.map(nameKey)).size;
  expect(one("A/Ü.DAT", "a/u\u0308.dat", "a./ü.dat .", "A /ü.Dat")).toBe(1);
  expect(one("straße", "STRASSE", "stra\u1e9ee")).toBe(1);
  expect(one("a.dat", "a-dat", "a/dat", ".a.dat", " a.dat", "a", "\udce9", "\udcc9")).toBe(8);
});

const LOWER = "small.dat";
const UPPER = "SMALL.DAT";
const contentOf = (name: string) => `${name} `.repeat(3_000);

/** What is there, by the names of those whose content it is. */
function there({ to }: Bed, folder = "/in"): Record<string, string | undefined> {
  const whose = (content: string) => [LOWER, UPPER].find((name) => contentOf(name).startsWith(content));
  const each = filesBelow(to, folder).map((name) => [name, whose(to.tree.read(`${folder}/${name}`).toString())]);
  return Object.fromEntries(each);
}

/** A process was killed that had these files claimed. `before`: what was noted of each. */
async function killed(before: Record<string, DestBefore | undefined>, more: Partial<MoveOptions> = {}) {
  const made = await bed();
  foldCase(made.to, "/in");
  for (const name of Object.keys(before)) made.put(name, contentOf(name));
  const options = made.options({ journal: made.journal, lanes: 1, ...more });
  using journal = Journal.open(made.journal, { settings: resolveMove(options).settings });
  const planned = { size: contentOf(LOWER).length, mtime: LONG_AGO.getTime() };
  journal.addListed(Object.keys(before).map((name) => ({ name, ...planned })));
  journal.finishListing();
  const files = new Map(journal.claim(100).map((file) => [file.name, file]));
  for (const [name, file] of files)
    if (before[name]) journal.probed([{ id: file.id, destBefore: before[name], ...planned }]);
  return { ...made, fileOf: (name: string) => files.get(name) as ClaimedFile, run: () => move(options) };
}

const ORDERS = [
  [LOWER, UPPER],
  [UPPER, LOWER],
] as const;

describe.each(ORDERS)("two such files under way when a process was killed: %s, then %s", (...order) => {
  const both = (lower: DestBefore | undefined, upper: DestBefore | undefined) =>
    Object.fromEntries(order.map((name) => [name, name === LOWER ? lower : upper]));

  test("what the one has sent never gets the name of the other, whose source is gone", async () => {
    const job = await killed(both(undefined, "absent"));
    job.to.tree.write(`/in/${job.fileOf(UPPER).temp}`, contentOf(UPPER));
    job.from.tree.remove(`/out/${LOWER}`);
    expect(await job.run()).toMatchObject({ moved: 1, gone: 1, failed: 0, left: 0, failures: [{ name: LOWER }] });
    expect(there(job)).toEqual({ [UPPER]: UPPER });
  });

  test("what is left of the one whose source is gone outlives the other, which has sent nothing", async () => {
    const job = await killed(both(undefined, "absent"));
    job.to.tree.write(`/in/${job.fileOf(UPPER).temp}`, contentOf(UPPER));
    job.from.tree.remove(`/out/${UPPER}`);
    // The same in size and time would be the same file.
    job.put(LOWER, contentOf(LOWER), new Date());
    expect(await job.run()).toMatchObject({ moved: 1, conflicts: 1, failures: [{ name: LOWER }] });
    expect(there(job)).toEqual({ [UPPER]: UPPER });
    expect(filesBelow(job.from, "/out")).toEqual([LOWER]);
  });

  test("what the one has published is not taken for the other, whose source is gone", async () => {
    const job = await killed(both(undefined, "absent"));
    job.to.tree.write(`/in/${UPPER}`, contentOf(UPPER), { modified: LONG_AGO });
    job.from.tree.remove(`/out/${LOWER}`);
    expect(await job.run()).toMatchObject({ moved: 1, gone: 1, failures: [{ name: LOWER, state: "GONE" }] });
    expect(there(job)).toEqual({ [UPPER]: UPPER });
  });

  test("where both may have sent it, as from two machines, neither trusts it, and it stays", async () => {
    const job = await killed(both("absent", "absent"));
    const { temp } = job.fileOf(UPPER);
    job.to.tree.write(`/in/${temp}`, contentOf(UPPER));
    job.from.tree.remove(`/out/${UPPER}`);
    const result = await job.run();
    expect(result).toMatchObject({ moved: 1, conflicts: 1, failures: [{ name: UPPER, code: "KEPT" }] });
    expect(there(job)).toEqual({ [LOWER]: LOWER, [temp]: UPPER });
    expect(result.warnings.join()).toMatch(/was left: another file under way may have written it/);
  });

  test("nor is a part of it gone on with", async () => {
    const job = await killed(both("absent", "absent"), { resumeAbove: 1_000 });
    job.to.tree.write(`/in/${job.fileOf(UPPER).temp}`, contentOf(UPPER).slice(0, 20_000));
    job.from.tree.remove(`/out/${UPPER}`);
    expect(await job.run()).toMatchObject({ moved: 1, failed: 1, failures: [{ name: UPPER, code: "PARTIAL" }] });
    expect(there(job)[LOWER]).toBe(LOWER);
  });

  test("what has the final name is compared, byte by byte", async () => {
    const job = await killed(both("absent", "absent"));
    job.to.tree.write(`/in/${UPPER}`, contentOf(UPPER), { modified: LONG_AGO });
    expect(await job.run()).toMatchObject({ moved: 1, conflicts: 1, failures: [{ name: LOWER }] });
    expect(there(job)).toEqual({ [UPPER]: UPPER });
    expect(filesBelow(job.from, "/out")).toEqual([LOWER]);
  });
});

/** So many that what comes behind them is looked at later. */
const OTHERS = Array.from({ length: 64 }, (_, i) => `f${String(i).padStart(4, "0")}.dat`);

test("what was kept of one is not taken for what the other left, when that is looked at later", async () => {
  const others = Object.fromEntries(OTHERS.map((name) => [name, undefined]));
  const job = await killed({ [UPPER]: "absent", ...others, [LOWER]: undefined });
  const { temp } = job.fileOf(UPPER);
  job.to.tree.write(`/in/${temp}`, contentOf(UPPER).slice(0, 20_000));
  job.from.tree.remove(`/out/${UPPER}`);
  const failures = [{ name: UPPER, code: "PARTIAL" }];
  expect(await job.run()).toMatchObject({ moved: 65, failed: 1, gone: 0, left: 0, failures });
  expect(there(job)).toMatchObject({ [temp]: UPPER, [LOWER]: LOWER });
});

test("what an earlier run has kept of one, and this one leaves alone, is not written over by the other", async () => {
  const made = await bed();
  foldCase(made.to, "/in");
  made.put(LOWER, contentOf(LOWER));
  const options = made.options({ journal: made.journal, lanes: 1, retryFailed: false });
  const keep = () => {
    using journal = Journal.open(made.journal, { settings: resolveMove(options).settings });
    const planned = { size: contentOf(LOWER).length, mtime: LONG_AGO.getTime() };
    journal.addListed([UPPER, LOWER].map((name) => ({ name, ...planned })));
    journal.finishListing();
    const [{ id, temp }] = journal.claim(1) as [ClaimedFile];
    journal.probed([{ id, destBefore: "absent", ...planned }]);
    journal.settle([{ id, state: "FAILED", code: KEPT.part, error: "its source could not be seen" }]);
    return temp;
  };
  const temp = keep();
  made.to.tree.write(`/in/${temp}`, contentOf(UPPER));
  expect(await move(options)).toMatchObject({ moved: 1, failed: 1, left: 0 });
  expect(there(made)).toEqual({ [temp]: UPPER, [LOWER]: LOWER });
});

test("what is kept as the only copy of one is not written over by the other", async () => {
  const onCommand = (line: string) => {
    if (!line.startsWith("STOR") || job.from.tree.list("/out").length < 2) return;
    const [first] = /small\.dat/i.exec(line) as RegExpExecArray;
    kept = first;
    job.from.tree.remove(`/out/${first}`);
    job.from.faults.reply = { SIZE: { reply: "553 No.", times: 3 } };
  };
  let kept = "";
  const job = await oneLane(0, { to: { onCommand } });
  foldCase(job.to, "/in");
  for (const [i, name] of [LOWER, UPPER].entries())
    job.put(name, contentOf(name), new Date(LONG_AGO.getTime() + i * 60_000));
  expect(await job.run()).toMatchObject({ moved: 1, failed: 1, failures: [{ name: kept, code: "PARTIAL" }] });
  const other = kept === LOWER ? UPPER : LOWER;
  expect(Object.values(there(job)).sort()).toEqual([LOWER, UPPER].sort());
  expect(there(job)[other]).toBe(other);
});
