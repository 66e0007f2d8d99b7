/** Moved files looked at again: on a server that computes digests, one that does not, and a folder; lost connections. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Journal, JournalReader } from "../../../src/jobs/journal/journal.js";
import { type VerifiedFile, type VerifyMoveOptions, verifyMove } from "../../../src/jobs/move/look/verify-job.js";
import { move } from "../../../src/jobs/move/move.js";
import type { MoveOptions } from "../../../src/jobs/move/options.js";
import { FtpServer, type FtpServerOptions } from "../../../src/testing/index.js";
import { journalPath } from "../journal/engines.js";

async function moved(files: number, options: FtpServerOptions = {}, more: Partial<MoveOptions> = {}) {
  const from = await FtpServer.start();
  const to = await FtpServer.start(options);
  for (let i = 0; i < files; i++) from.tree.write(`/out/f${i}`, `file ${i}`);
  const job = { from: from.urlOf("/out"), to: to.urlOf("/in"), lanes: 2, ...more, journal: journalPath() };
  expect(await move(job)).toMatchObject({ moved: files });
  const close = async () => {
    await Promise.all([from.close(), to.close()]);
  };
  return { from, to, job, [Symbol.asyncDispose]: close };
}

async function found(job: MoveOptions, look: VerifyMoveOptions = {}): Promise<VerifiedFile[]> {
  const files: VerifiedFile[] = [];
  for await (const file of verifyMove(job, look)) files.push(file);
  return files;
}

const wrong = async (job: MoveOptions, look: VerifyMoveOptions = {}) =>
  (await found(job, look)).flatMap(({ target, problem }) => (problem === undefined ? [] : [`${target}: ${problem}`]));

test("finds what is missing, of another size, and with another time", async () => {
  await using bed = await moved(5);
  expect(await wrong(bed.job)).toEqual([]);
  bed.to.tree.remove("/in/f0");
  bed.to.tree.write("/in/f1", "another size");
  bed.to.tree.write("/in/f2", "file 2", { modified: new Date(0) });
  expect(await wrong(bed.job)).toEqual(["f0: missing", "f1: size", "f2: time"]);
  expect(await wrong(bed.job, { times: false })).toEqual(["f0: missing", "f1: size"]);
});

test("files are told in the order of the journal, over several pages and connections", async () => {
  await using bed = await moved(1);
  {
    using journal = Journal.open(bed.job.journal);
    journal.addListed(Array.from({ length: 1700 }, (_, i) => ({ name: `g${i}`, size: 1 })));
    journal.finishListing();
    for (let files = journal.claim(512); files.length > 0; files = journal.claim(512))
      journal.settle(files.map(({ id }) => ({ id, state: "DONE" })));
  }
  const files = await found(bed.job);
  {
    using reader = JournalReader.read(bed.job.journal);
    const names = [...reader.files(["DONE"])].map(({ name }) => name);
    expect(names).toHaveLength(1701);
    expect(files.map(({ name }) => name)).toEqual(names);
  }
  expect(files.filter(({ problem }) => problem === "missing")).toHaveLength(1700);
});

test("bytes are compared with the source that is kept, and with digests of the journal", async () => {
  await using bed = await moved(3, {}, { source: "keep" });
  bed.to.tree.write("/in/f0", "file 0", { modified: new Date(0) });
  bed.to.tree.write("/in/f1", "FILE 1", { modified: new Date(0) });
  expect(await wrong(bed.job, { bytes: true })).toEqual(["f0: time", "f1: bytes"]);
  bed.from.tree.remove("/out/f2");
  const proven = (files: VerifiedFile[]) => files.filter((file) => file.proven).map(({ name }) => name);
  expect(proven(await found(bed.job, { bytes: true, times: false }))).toEqual(["f0", "f1"]);
  {
    using journal = Journal.open(bed.job.journal);
    journal.retryFailed(["FAILED"]);
    journal.addListed([{ name: "known", size: 3 }]);
    journal.finishListing();
    // crc32 and sha256 of "abc".
    journal.settle(journal.claim(1).map(({ id }) => ({ id, state: "DONE", digest: "crc32:352441c2" })));
  }
  bed.to.tree.write("/in/known", "abc");
  expect(await wrong(bed.job, { bytes: true, times: false })).toEqual(["f1: bytes"]);
  bed.to.tree.write("/in/known", "abd");
  expect(await wrong(bed.job, { bytes: true, times: false })).toEqual(["f1: bytes", "known: bytes"]);
});

test("a connection that is lost is made anew", async () => {
  await using bed = await moved(4);
  bed.to.faults.closeBeforeCommand = { command: "SIZE" };
  expect(await wrong(bed.job)).toEqual([]);
});

test("a local folder is looked at the same way", async () => {
  const folder = `${journalPath()}.in`;
  const from = await FtpServer.start({ files: { "/out/a": "a", "/out/b": "b" } });
  const job = { from: from.urlOf("/out"), to: folder, journal: journalPath() };
  expect(await move(job)).toMatchObject({ moved: 2 });
  await from.close();
  expect(await wrong(job)).toEqual([]);
  rmSync(join(folder, "a"));
  writeFileSync(join(folder, "b"), "bb");
  expect(await wrong(job)).toEqual(["a: missing", "b: size"]);
});

test("without a journal there is nothing to compare with", async () => {
  await expect(found({ from: "/a", to: "/b" })).rejects.toThrow("needs its journal");
});
