/** A large file in parts at once, sent by one of several processes or workers, which is killed in the middle of it. */
import { expect, test } from "vitest";
import { describeLive } from "../available.js";
import { Bed } from "./bed.js";
import { childrenOf } from "./children.js";

const MIB = 1024 * 1024;
const SIZE = 24 * MIB + 4_321;
const NAME = "sensor_00000_20260118_00000000.dat";
const DONE = { moved: 1, failed: 0, conflicts: 0, gone: 0, skipped: 0, left: 0 };
const PARTS = { segmentAbove: 4 * MIB, segments: 4 };

/** One file, from a server that gives each connection so much a second, to one that has several write a file at once. */
function bed(): Promise<Bed> {
  return Bed.make(1, {
    from: ["vsftpd", { rate: 4 * MIB }],
    to: ["vsftpd", { sharedUploads: true, quiet: true }],
    size: () => SIZE,
  });
}

function inMidFile(made: Bed): Promise<void> {
  return made.when(() => made.underWay().some((bytes) => bytes > SIZE / 8 && bytes < SIZE / 2));
}

/** The most downloads of the file that the source had at a time, and the places from which they were asked for. */
function downloads(made: Bed): { together: number; places: Set<number> } {
  const events = made.from.log().matchAll(/\[pid (\d+)\].*?(?:"(REST \d+|RETR [^"]+)"|(OK|FAIL) DOWNLOAD)/g);
  const places = new Set<number>();
  const running = new Set<string>();
  const rest = new Map<string, number>();
  let together = 0;
  for (const [, pid, command, ended] of events as Iterable<[string, string, string | undefined, string | undefined]>) {
    if (ended) running.delete(pid);
    else if (command?.startsWith("REST")) rest.set(pid, Number(command.slice(5)));
    else if (command === `RETR ${NAME}`) {
      running.add(pid);
      places.add(rest.get(pid) ?? 0);
      rest.delete(pid);
    }
    together = Math.max(together, running.size);
  }
  return { together, places };
}

function check(made: Bed, result: Record<string, unknown>): void {
  expect(result).toMatchObject({ ...DONE, warnings: [expect.stringContaining("a batch was lost")] });
  made.check();
  const { together, places } = downloads(made);
  expect(together).toBeGreaterThan(1);
  // Each part, and the last byte.
  expect([...places].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4].map((part) => Math.floor(((SIZE - 1) * part) / 4)));
}

describeLive(["vsftpd", "redis"], "a large file in parts", () => {
  test("by one of two processes, which is killed: the other sends it anew", { timeout: 120_000 }, async () => {
    await using made = await bed();
    const job = made.move({ ...PARTS, lanes: 8, dispatch: { processes: 2 } });
    await inMidFile(made);
    process.kill(childrenOf(job.process.pid as number)[0] as number, "SIGKILL");
    check(made, await job.result());
  });

  test("by a worker on Redis, which is killed: another one sends it anew", { timeout: 120_000 }, async () => {
    await using made = await bed();
    const doomed = made.worker();
    await doomed.working();
    const job = made.move({ ...PARTS, dispatch: { redis: made.redis.url, lease: 3_000 } });
    await inMidFile(made);
    await doomed.kill("SIGKILL");
    made.worker();
    check(made, await job.result());
  });
});
