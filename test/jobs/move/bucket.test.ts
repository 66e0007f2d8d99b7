/** The bandwidth limit: no promise while there is room, the order of the calls, the exact rate in the long run. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { Bucket } from "../../../src/jobs/move/lanes/bucket.js";

describe("a bucket", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const now = () => Date.now();

  it("without a rate never waits", () => {
    expect(new Bucket().take(1e12)).toBeUndefined();
  });

  it("lets the burst through without a promise, and makes what is over it wait", async () => {
    const bucket = new Bucket({ bytesPerSecond: 1000, burst: 500, now });
    expect(bucket.take(500)).toBeUndefined();
    const began = Date.now();
    const wait = bucket.take(250);
    expect(wait).toBeInstanceOf(Promise);
    await vi.advanceTimersByTimeAsync(249);
    await expect(Promise.race([wait, Promise.resolve("waiting")])).resolves.toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    await wait;
    expect(Date.now() - began).toBe(250);
  });

  it("never saves up more than the burst", async () => {
    const bucket = new Bucket({ bytesPerSecond: 1000, burst: 100, now });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bucket.take(100)).toBeUndefined();
    expect(bucket.take(1)).toBeInstanceOf(Promise);
  });

  it("serves lanes in the order they came, at the rate", async () => {
    const bucket = new Bucket({ bytesPerSecond: 1000, burst: 0, now });
    const began = Date.now();
    const done: [number, number][] = [];
    for (const lane of [1, 2, 3]) void bucket.take(5000)?.then(() => done.push([lane, Date.now() - began]));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(done).toEqual([
      [1, 5000],
      [2, 10_000],
      [3, 15_000],
    ]);
  });

  it("gives back what an aborted wait had taken", async () => {
    const bucket = new Bucket({ bytesPerSecond: 1000, burst: 0, now });
    const controller = new AbortController();
    const wait = bucket.take(10_000, controller.signal);
    const reason = new Error("stop");
    controller.abort(reason);
    await expect(wait).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
    const began = Date.now();
    const next = bucket.take(1000);
    await vi.advanceTimersByTimeAsync(1000);
    await next;
    expect(Date.now() - began).toBe(1000);
    await expect(bucket.take(1000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("waits longer than a timer can", async () => {
    const bucket = new Bucket({ bytesPerSecond: 1, burst: 0, now });
    let done = false;
    void bucket.take(5_000_000)?.then(() => (done = true));
    await vi.advanceTimersByTimeAsync(4_999_999_000);
    expect(done).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toBe(true);
  });

  it("refuses a rate that is none", () => {
    for (const bytesPerSecond of [0, -1, Number.NaN]) expect(() => new Bucket({ bytesPerSecond })).toThrow(UsageError);
    expect(() => new Bucket({ bytesPerSecond: 1, burst: -1 })).toThrow(UsageError);
  });
});
