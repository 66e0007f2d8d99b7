/** Many processes and a real Redis: workers, the coordinator and the Redis itself are killed; every file arrives once. */
import { expect, test } from "vitest";
import { describeLive } from "../available.js";
import { Bed } from "./bed.js";

const FILES = 2_000;
const MB = 1024 * 1024;

describeLive(["vsftpd", "proftpd", "redis"], "workers on a Redis", () => {
  test("two workers, the Redis and the coordinator are killed: every file arrives once", {
    timeout: 300_000,
  }, async () => {
    await using bed = await Bed.make(FILES);
    const dispatch = { redis: bed.redis.url, lease: 3_000 };
    // Slow enough that every kill is in the middle of a batch.
    const worker = { maxBytesPerSecond: 400_000 };
    const doomed = [bed.worker(worker), bed.worker(worker)];
    bed.worker(worker);
    const first = bed.move({ dispatch });
    await bed.until(100);
    expect(await bed.lookAtRedis()).toBeGreaterThan(3);
    await Promise.all(doomed.map((child) => child.kill("SIGKILL")));
    // One that does not reach its Redis ends: that is for whoever starts it to know.
    await bed.worker(worker).working();
    await bed.until(bed.arrived() + 100);
    await bed.loseRedis();
    await bed.until(bed.arrived() + 200);
    await first.kill("SIGKILL");
    const before = bed.arrived();
    expect(before).toBeLessThan(FILES);
    const last = bed.move({ dispatch });
    await bed.until(before + 50);
    await bed.lookAtRedis();
    expect(await last.result()).toMatchObject({ moved: FILES, failed: 0, conflicts: 0, gone: 0, skipped: 0, left: 0 });
    bed.check();
    await bed.lookAtRedis();
    console.log(`Redis held ${(bed.redisPeak / MB).toFixed(1)} MB at most`);
    expect(bed.redisPeak).toBeLessThan(50 * MB);
  });
});
