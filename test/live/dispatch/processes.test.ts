/** Processes of this machine that move the files of one job: killed ones are replaced, and what they had is recovered. */
import { expect, test } from "vitest";
import { describeLive } from "../available.js";
import { Bed } from "./bed.js";
import { childrenOf } from "./children.js";

const FILES = 1_500;

describeLive(["vsftpd", "proftpd", "redis"], "processes of one machine", () => {
  test("two processes and the coordinator are killed: every file arrives once", { timeout: 300_000 }, async () => {
    await using bed = await Bed.make(FILES);
    const options = { dispatch: { processes: 3 }, lanes: 6, maxBytesPerSecond: 1_200_000 };
    const first = bed.move(options);
    await bed.until(100);
    await bed.lookAtRedis();
    const processes = childrenOf(first.process.pid as number);
    expect(processes).toHaveLength(3);
    for (const pid of processes.slice(0, 2)) process.kill(pid, "SIGKILL");
    await bed.until(bed.arrived() + 200);
    expect(childrenOf(first.process.pid as number)).toHaveLength(3);
    await first.kill("SIGKILL");
    expect(bed.arrived()).toBeLessThan(FILES);
    const last = bed.move(options);
    expect(await last.result()).toMatchObject({ moved: FILES, failed: 0, conflicts: 0, gone: 0, skipped: 0, left: 0 });
    bed.check();
  });

  test("Ctrl-C at the coordinator ends it in order: nothing is left half", { timeout: 120_000 }, async () => {
    await using bed = await Bed.make(600);
    const options = { dispatch: { processes: 2 }, maxBytesPerSecond: 400_000 };
    const first = bed.move(options);
    await bed.until(50);
    const processes = childrenOf(first.process.pid as number);
    await first.kill("SIGINT");
    expect(first.process.exitCode).not.toBe(0);
    for (const pid of processes) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    expect(bed.states()).toMatchObject({ CLAIMED: 0, FAILED: 0 });
    expect(bed.temporary()).toEqual([]);
    expect(await bed.move({ dispatch: { processes: 2 } }).result()).toMatchObject({ moved: 600, left: 0 });
    bed.check();
  });
});
