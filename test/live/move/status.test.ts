/** What is asked of a move between two real servers: while it runs, when it was killed, and afterwards. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type JobPhase, JournalReader, type MoveStatus, readStatus } from "../../../src/jobs/index.js";
import { cleanTemp, type TempFile } from "../../../src/jobs/move/look/clean-temp.js";
import { type VerifiedFile, verifyMove } from "../../../src/jobs/move/look/verify-job.js";
import { writeReport } from "../../../src/jobs/move/report/report.js";
import { describeLive } from "../available.js";
import { type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

const FILES = 400;
const SIZE = 4096;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const nameOf = (i: number) => `f_${String(i).padStart(4, "0")}.dat`;

function statusOf(journal: string): MoveStatus {
  using reader = JournalReader.read(journal);
  return readStatus(reader);
}

/** Waits until the status is as it is to be, and gives it. */
async function waitFor(journal: string, wanted: (status: MoveStatus) => boolean): Promise<MoveStatus> {
  let status: MoveStatus | undefined;
  const look = () => {
    try {
      status = statusOf(journal);
    } catch {
      // It is just being made.
      return false;
    }
    return wanted(status);
  };
  await expect.poll(look, { timeout: 60_000, interval: 100 }).toBe(true);
  return status as unknown as MoveStatus;
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

function seed(from: LiveFtp, to: LiveFtp): void {
  mkdirSync(join(from.home, "out"));
  mkdirSync(join(to.home, "in"));
  for (let i = 0; i < FILES; i++) writeFileSync(join(from.home, "out", nameOf(i)), Buffer.alloc(SIZE, `${i},`));
  from.handOver();
  to.handOver();
}

const exited = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve));

describeLive("vsftpd", "a move between two vsftpd", () => {
  test("is told while it runs, when it was killed, and when it is done", { timeout: 180_000 }, async () => {
    const [from, to] = await Promise.all([start("vsftpd"), start("vsftpd")]);
    const scratch = mkdtempSync(join(tmpdir(), "polywire-status-"));
    const journal = join(scratch, "move.journal");
    const slow = { from: url(from, "out"), to: url(to, "in"), match: "f_{n:4d}.dat", journal, lanes: 3 };
    const run = (options: object) =>
      spawn(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(options)], { stdio: "ignore" });
    try {
      seed(from, to);
      const child = run({ ...slow, maxBytesPerSecond: 100_000 });
      const gone = exited(child);
      const moving = await waitFor(journal, ({ filesPerSecond }) => filesPerSecond > 0);
      expect(moving).toMatchObject({ phase: "moving", files: FILES, owner: { pid: child.pid }, lastRun: { id: 1 } });
      expect(moving.lanes).toBeGreaterThan(0);
      expect(moving.bytesPerSecond).toBeGreaterThan(0);
      expect(moving.secondsLeft).toBeGreaterThan(0);
      expect(JSON.stringify(moving)).not.toContain(from.password);
      // The mover is not kept from its work by those who look.
      await waitFor(journal, ({ settled }) => settled > moving.settled);
      child.kill("SIGKILL");
      await gone;
      expect(statusOf(journal)).toMatchObject({ phase: "killed", owner: { pid: child.pid }, filesPerSecond: 0 });

      await exited(run(slow));
      const done = statusOf(journal);
      expect(done).toMatchObject({ phase: "finished" satisfies JobPhase, settled: FILES, states: { DONE: FILES } });
      expect(done).toMatchObject({ owner: undefined, lastRun: { id: 2, error: undefined } });
      await checkVerify(slow, to);
      await checkCleanTemp(slow, to);
      const { summary } = await writeReport(journal, join(scratch, "report"));
      expect(summary).toMatchObject({ files: FILES, bytes: { DONE: FILES * SIZE }, runs: [{ id: 1 }, { id: 2 }] });
      expect(summary.mostLanes).toBeGreaterThan(0);
      expect(
        readFileSync(join(scratch, "report", "moved.ndjson"), "utf8")
          .trim()
          .split("\n"),
      ).toHaveLength(FILES);
    } finally {
      await Promise.all([from.stop(), to.stop()]);
      rmSync(scratch, { recursive: true });
    }
  });
});

async function checkVerify(job: Parameters<typeof verifyMove>[0], to: LiveFtp): Promise<void> {
  const wrong = (files: VerifiedFile[]) => files.filter(({ problem }) => problem !== undefined);
  const first = await all(verifyMove(job));
  expect(first).toHaveLength(FILES);
  expect(wrong(first)).toEqual([]);
  rmSync(join(to.home, "in", nameOf(7)));
  writeFileSync(join(to.home, "in", nameOf(300)), "short");
  expect(wrong(await all(verifyMove(job)))).toMatchObject([
    { target: nameOf(7), problem: "missing" },
    { target: nameOf(300), problem: "size", expected: String(SIZE), found: "5" },
  ]);
}

async function checkCleanTemp(job: Parameters<typeof verifyMove>[0] & { journal: string }, to: LiveFtp): Promise<void> {
  let id: string;
  {
    using reader = JournalReader.read(job.journal);
    id = reader.jobId;
  }
  const [own, foreign] = [`${nameOf(1)}.${id}900.part`, `${nameOf(1)}.abcdefgh1.part`];
  for (const name of [own, foreign]) writeFileSync(join(to.home, "in", name), "part");
  to.handOver();
  const fates = (files: TempFile[]) => Object.fromEntries(files.map(({ path, fate }) => [path, fate]));
  expect(fates(await all(cleanTemp({ job })))).toEqual({ [own]: "useless", [foreign]: "foreign" });
  expect(fates(await all(cleanTemp({ job, remove: true })))).toEqual({ [own]: "removed", [foreign]: "foreign" });
  expect(fates(await all(cleanTemp({ job, remove: true })))).toEqual({ [foreign]: "foreign" });
}
