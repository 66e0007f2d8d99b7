/** Large files that two servers send each other, told to by several processes or workers, one of which is killed in mid file. */
import { expect, test } from "vitest";
import { describeLive } from "../available.js";
import { Bed } from "./bed.js";
import { childrenOf } from "./children.js";

/** Two batches: each has 32 files at least. */
const FILES = 64;
const LARGE = 2_000_000;
const isLarge = (i: number) => i % 16 === 0;
const DONE = { moved: FILES, failed: 0, conflicts: 0, gone: 0, skipped: 0, left: 0 };

/** Servers that are foreign to each other; a large file takes a second. */
function bed(): Promise<Bed> {
  return Bed.make(FILES, {
    from: ["vsftpd", { allowFxp: true, host: "127.0.1.1", rate: LARGE }],
    to: ["proftpd", { allowFxp: true, host: "127.0.1.2" }],
    size: (i) => (isLarge(i) ? LARGE : i * 100),
  });
}

/** Resolves when two large files are under way: with one lane each, both processes are in mid file, and not near its end. */
function bothInMidFile(made: Bed): Promise<void> {
  return made.when(() => made.underWay().filter((bytes) => bytes > LARGE / 100 && bytes < LARGE / 2).length === 2);
}

/** How often the source was asked for each large file; each time it was to send it to the other server. */
function askedFor(made: Bed): Map<number, number> {
  const commands = made.from.log().matchAll(/\[pid (\d+)\].* FTP command: .*"(PORT [\d,]+|EPSV|PASV|RETR [^"]+)"/g);
  const asked = new Map<number, number>();
  const before = new Map<string, string>();
  for (const [, pid, command] of commands as Iterable<[string, string, string]>) {
    const number = Number(/^RETR sensor_.*_(\d+)\.dat$/.exec(command)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) before.set(pid, command);
    else if (!isLarge(number)) expect(before.get(pid)).toMatch(/^EPSV|^PASV/);
    else {
      expect(before.get(pid)).toMatch(/^PORT 127,0,1,2,/);
      asked.set(number, (asked.get(number) ?? 0) + 1);
    }
  }
  return asked;
}

/** All is as it should be, and the file that was broken off was sent again. */
function check(made: Bed, result: Record<string, unknown>): void {
  expect(result).toMatchObject({ ...DONE, warnings: [expect.stringContaining("a batch was lost")] });
  made.check();
  const times = [...askedFor(made).values()];
  expect(times).toHaveLength(FILES / 16);
  expect(times.filter((each) => each > 1).length).toBeGreaterThan(0);
}

describeLive(["vsftpd", "proftpd", "redis"], "servers that send each other files", () => {
  test("told to by two processes, one of which is killed: every file arrives once", { timeout: 120_000 }, async () => {
    await using made = await bed();
    const job = made.move({ fxp: true, lanes: 2, dispatch: { processes: 2 } });
    await bothInMidFile(made);
    process.kill(childrenOf(job.process.pid as number)[0] as number, "SIGKILL");
    check(made, await job.result());
  });

  test("told to by two workers on Redis, one of which is killed: every file arrives once", {
    timeout: 120_000,
  }, async () => {
    await using made = await bed();
    const doomed = made.worker({ lanes: 1 });
    const other = made.worker({ lanes: 1 });
    await Promise.all([doomed.working(), other.working()]);
    const job = made.move({ fxp: true, dispatch: { redis: made.redis.url, lease: 3_000 } });
    await bothInMidFile(made);
    await doomed.kill("SIGKILL");
    check(made, await job.result());
  });
});
