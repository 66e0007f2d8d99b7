/** What a worker keeps from one batch to the next: its connections, and what it learned of the servers. */
import { expect, onTestFinished, test } from "vitest";
import { BatchWork, rosterFor, type Workshop } from "../../../src/jobs/dispatch/batch-work.js";
import type { Batch, JobHeader, Piece } from "../../../src/jobs/dispatch/dispatcher.js";
import { Bucket } from "../../../src/jobs/move/lanes/bucket.js";
import { resolveMove, traitsOf } from "../../../src/jobs/move/options.js";
import { bed, LONG_AGO } from "../move/bed.js";
import { claimed } from "./claimed.js";

const FILES = 40;
const CONTENT = "the content";

/** A worker over two servers, and batches for it. */
async function worker({ hangUp = false } = {}) {
  const { from, to, options, put } = await bed();
  const move = resolveMove(options({ lanes: 3 }));
  const own = { lanesEach: 3, hangUp, bytesPerSecond: undefined };
  const header: JobHeader = { job: "abcdefgh", traits: traitsOf(move), lanes: 3, lease: 60_000, ...own };
  const roster = rosterFor(header, 3);
  const pieces: Piece[] = [];
  const shop: Workshop = {
    ...{ name: "w", lanes: 3, roster, bucket: new Bucket(), ending: new AbortController().signal },
    send: async (piece) => void pieces.push(piece),
  };
  onTestFinished(() => roster.close());
  let batches = 0;
  const work = async () => {
    const first = batches++ * FILES;
    const mtime = LONG_AGO.getTime();
    const files = Array.from({ length: FILES }, (_, i) => claimed(first + i + 1, { size: CONTENT.length, mtime }));
    for (const { name } of files) put(name, CONTENT);
    const batch: Batch = { key: `b${batches}`, files: files.map((file) => ({ file, recover: false })) };
    return new BatchWork(batch, header, move, shop).run();
  };
  const settled = () => pieces.flatMap((piece) => piece.settled).filter(({ state }) => state === "DONE").length;
  const logins = () => [from, to].map(({ commands }) => commands.filter((line) => line.startsWith("PASS")).length);
  const released = () => pieces.flatMap((piece) => piece.released);
  return { from, to, roster, work, settled, released, logins };
}

test("connections outlive a batch: the next one has them", async () => {
  const { from, to, roster, work, settled, logins } = await worker();
  expect(await work()).toBeUndefined();
  expect([from.connections, to.connections]).toEqual([3, 3]);
  for (let i = 0; i < 3; i++) expect(await work()).toBeUndefined();
  expect(settled()).toBe(4 * FILES);
  expect(logins()).toEqual([3, 3]);
  await roster.close();
  await expect.poll(() => [from.connections, to.connections]).toEqual([0, 0]);
});

test("connections that a server ended meanwhile are made anew, and no file is the worse for it", async () => {
  const { from, work, settled, released, logins } = await worker();
  await work();
  from.dropConnections();
  await work();
  // What was on its way to be read is tried again: that is the coordinator's, and no try was counted.
  expect(settled() + released().length).toBe(2 * FILES);
  expect(released().every(({ counts }) => counts === false)).toBe(true);
  expect(logins()[0]).toBe(6);
});

test("connections are hung up with a batch where other workers may need them", async () => {
  const { from, to, work, logins } = await worker({ hangUp: true });
  await work();
  await expect.poll(() => [from.connections, to.connections]).toEqual([0, 0]);
  await work();
  expect(logins()).toEqual([6, 6]);
});

test("what a server takes is known to the next batch", async () => {
  const { to, roster, work, settled, logins } = await worker();
  roster.refused(1);
  await work();
  await work();
  expect(settled()).toBe(2 * FILES);
  expect(logins()).toEqual([1, 1]);
  expect(to.connections).toBe(1);
});

test("a worker that waits gives its files back, and goes on with the next batch when it may", async () => {
  const { to, roster, work, settled } = await worker();
  to.faults.diskFullAfter = 3;
  expect(await work()).toBeUndefined();
  expect(roster.halt.why?.message).toContain("552");
  expect(settled()).toBe(0);
  to.clearFaults();
  const working = work();
  // As it will in thirty seconds.
  expect(roster.halt.probe(performance.now() + 60_000)).toBe(true);
  expect(await working).toBeUndefined();
  expect(roster.halt.why).toBeUndefined();
  expect(settled()).toBe(FILES);
});
