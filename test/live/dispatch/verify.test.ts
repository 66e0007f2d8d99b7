/** Workers on a real Redis verify what they send, and put its source away: killed in the middle, they prove and lose nothing. */
import { expect, test } from "vitest";
import type { MoveOptions } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { Bed } from "./bed.js";

const FILES = 500;
const ARCHIVE = "done";

const JOBS: readonly (readonly [string, Partial<MoveOptions>])[] = [
  ["the digests of the server are compared", { verify: "hash" }],
  ["what arrived is read back, its source put away", { verify: "readback", source: "archive", archiveTo: ARCHIVE }],
];

describeLive(["vsftpd", "proftpd", "redis"], "workers that verify", () => {
  test.each(JOBS)("%s; a worker and the coordinator are killed", { timeout: 240_000 }, async (_, options) => {
    await using bed = await Bed.make(FILES);
    const dispatch = { redis: bed.redis.url, lease: 3_000 };
    // Slow enough that every kill is in the middle of a batch.
    const worker = { maxBytesPerSecond: 400_000 };
    const doomed = bed.worker(worker);
    bed.worker(worker);
    const first = bed.move({ dispatch, ...options });
    await bed.until(60);
    await doomed.kill("SIGKILL");
    await bed.until(bed.arrived() + 60);
    await first.kill("SIGKILL");
    expect(bed.arrived()).toBeLessThan(FILES);
    const last = bed.move({ dispatch, ...options });
    expect(await last.result()).toMatchObject({ moved: FILES, failed: 0, conflicts: 0, gone: 0, skipped: 0, left: 0 });
    bed.check(options.source === "archive" ? { archive: ARCHIVE } : {});
    const proved = [...bed.proved()].filter(([, digest]) => digest !== undefined);
    for (const [name, digest] of proved) expect(digest, name).toBe(`sha256:${bed.digests.get(name)}`);
    // What was found whole after a kill has its name without one; everything else was compared.
    expect(proved.length).toBeGreaterThan(FILES / 2);
  });
});
