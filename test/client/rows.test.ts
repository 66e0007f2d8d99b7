/** Rows as they arrive: back-pressure, leaving early, reading ahead. */
import { describe, expect, test, vi } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { type Feed, Rows } from "../../src/client/rows.js";

const MiB = 1024 * 1024;

/** Rows whose producer the test plays. */
function setUp<T = number>() {
  let feed: Feed<T> | undefined;
  let finish: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const started = vi.fn();
  const rows = new Rows<T>((given) => {
    started();
    feed = given;
    return new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
  });
  return { rows, started, feed: () => feed as Feed<T>, finish: () => finish(), fail: (error: Error) => fail(error) };
}

test("nothing is started before the first row is asked for", async () => {
  const { rows, started, finish } = setUp();
  const batches = rows.batches();
  expect(started).not.toHaveBeenCalled();
  const next = batches.next();
  expect(started).toHaveBeenCalledTimes(1);
  finish();
  expect((await next).done).toBe(true);
});

test("rows come in order, one by one, in batches or all at once", async () => {
  const make = () =>
    new Rows<number>(async (feed) => {
      feed.push([1, 2], 2);
      await null;
      feed.push([], 5);
      feed.push([3], 1);
    });
  const single: number[] = [];
  for await (const row of make()) single.push(row);
  const batches: number[][] = [];
  for await (const batch of make().batches()) batches.push(batch);
  expect([single, batches, await make().toArray()]).toEqual([
    [1, 2, 3],
    [[1, 2], [3]],
    [1, 2, 3],
  ]);
});

test("a second loop over the same rows is a UsageError", async () => {
  const rows = new Rows<number>(async () => {});
  await rows.toArray();
  await expect(rows.toArray()).rejects.toBeInstanceOf(UsageError);
});

describe("failures", () => {
  test("rows that came before a failure are given first", async () => {
    const rows = new Rows<number>(async (feed) => {
      feed.push([1], 1);
      feed.push([2], 1);
      throw new Error("cut");
    });
    const got: number[] = [];
    const loop = async () => {
      for await (const row of rows) got.push(row);
    };
    await expect(loop()).rejects.toThrow("cut");
    expect(got).toEqual([1, 2]);
  });

  test("a failure while a row is awaited rejects at once", async () => {
    const { rows, fail } = setUp();
    const next = rows.toArray();
    fail(new Error("gone"));
    await expect(next).rejects.toThrow("gone");
  });

  test("a producer that throws at once rejects the loop", async () => {
    const rows = new Rows<number>(() => {
      throw new Error("at once");
    });
    await expect(rows.toArray()).rejects.toThrow("at once");
  });

  test("a loop body that throws ends the transfer, and its own error comes through", async () => {
    const { rows, feed, finish } = setUp();
    const loop = (async () => {
      for await (const _ of rows) throw new Error("mine");
    })();
    const cancel = vi.fn(finish);
    feed().cancel = cancel;
    feed().push([1, 2], 2);
    await expect(loop).rejects.toThrow("mine");
    expect(cancel).toHaveBeenCalledTimes(1);
  });
});

describe("leaving early", () => {
  test("the producer is cancelled, and waited for", async () => {
    const { rows, feed, finish } = setUp();
    let left = false;
    const loop = (async () => {
      for await (const _ of rows) break;
      left = true;
    })();
    const cancel = vi.fn();
    feed().cancel = cancel;
    feed().push([1], 1);
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledTimes(1));
    expect(left).toBe(false);
    finish();
    await loop;
    expect(left).toBe(true);
  });

  test("a failure behind the leaving does not disturb", async () => {
    const { rows, feed, fail } = setUp();
    const loop = (async () => {
      for await (const _ of rows) break;
    })();
    feed().cancel = () => fail(new Error("426"));
    feed().push([1], 1);
    await loop;
  });

  test("a producer that begins behind the leaving is told at once", async () => {
    const { rows, feed, finish } = setUp();
    const batches = rows.batches();
    const first = batches.next();
    const left = batches.return();
    const cancel = vi.fn(finish);
    feed().cancel = cancel;
    expect(cancel).toHaveBeenCalledTimes(1);
    await left;
    expect((await first).done).toBe(true);
    feed().cancel = cancel;
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  test("what comes after is thrown away, and a paused producer resumed", async () => {
    const { rows, feed, finish } = setUp();
    const batches = rows.batches();
    const first = batches.next();
    feed().push([1], 1);
    await first;
    const resume = vi.fn();
    feed().resume = resume;
    feed().cancel = finish;
    expect(feed().push([2], 2 * MiB)).toBe(false);
    await batches.return();
    expect(resume).toHaveBeenCalledTimes(1);
    expect(feed().push([3], 2 * MiB)).toBe(true);
  });
});

describe("each and toArray", () => {
  test("a callback may give anything: only a promise is waited for", async () => {
    const make = () => new Rows<number>(async (feed) => void feed.push([1, 2], 2));
    const all: number[] = [];
    const push = (batch: number[]): unknown => all.push(...batch);
    await make().each(push as () => void);
    await make().each(async (batch: number[]) => void push(batch));
    expect(all).toEqual([1, 2, 1, 2]);
  });

  test("what a callback throws is what each rejects with, also where the producer fails because of it", async () => {
    const { rows, feed, fail } = setUp();
    const taken = rows.each(() => {
      throw new Error("mine");
    });
    feed().cancel = () => fail(new Error("the rest was too long to be read"));
    feed().push([1], 1);
    await expect(taken).rejects.toThrow("mine");
  });

  test("toArray holds no more bytes than the producer allows; each is not bounded", async () => {
    const make = () =>
      new Rows<number>(async (feed) => {
        feed.bound(10);
        feed.push([1], 10);
        feed.push([2], 1);
      });
    const error = await make()
      .toArray()
      .catch((reason) => reason as Error);
    expect(error).toMatchObject({ name: "ProtocolError", message: expect.stringContaining("limits.body") });
    const seen: number[] = [];
    await make().each((batch) => void seen.push(...batch));
    for await (const row of make()) seen.push(row);
    expect(seen).toEqual([1, 2, 1, 2]);
  });
});

describe("back-pressure", () => {
  test("a producer ahead by more than 1 MiB is paused, and resumed when half of that is left", async () => {
    const { rows, feed } = setUp();
    const batches = rows.batches();
    const first = batches.next();
    const resume = vi.fn();
    feed().resume = resume;
    const pushed = Array.from({ length: 12 }, (_, i) => feed().push([i], MiB / 8));
    expect(pushed.indexOf(false)).toBe(8);
    await first;
    for (let i = 0; i < 7; i++) await batches.next();
    expect(resume).not.toHaveBeenCalled();
    await batches.next();
    expect(resume).toHaveBeenCalledTimes(1);
  });

  test("reading ahead resumes a paused producer, up to the limit", async () => {
    const { rows, feed } = setUp();
    void rows.batches().next();
    const resume = vi.fn();
    const refuse = vi.fn();
    feed().resume = resume;
    expect(feed().push([1], 2 * MiB)).toBe(false);
    feed().readAhead(4 * MiB, refuse);
    expect(resume).toHaveBeenCalledTimes(1);
    expect(feed().push([2], 2 * MiB)).toBe(true);
    expect(refuse).not.toHaveBeenCalled();
    expect(feed().push([3], 1)).toBe(false);
    expect(refuse).toHaveBeenCalledTimes(1);
    expect(feed().push([4], 1)).toBe(false);
    expect(refuse).toHaveBeenCalledTimes(1);
  });

  test("a limit that is passed already refuses at once, and the producer stays paused", async () => {
    const { rows, feed } = setUp();
    void rows.batches().next();
    const resume = vi.fn();
    const refuse = vi.fn();
    feed().resume = resume;
    feed().push([1], 2 * MiB);
    feed().readAhead(MiB, refuse);
    expect([refuse.mock.calls.length, resume.mock.calls.length]).toEqual([1, 0]);
  });

  test("100 000 batches held are given on quickly", async () => {
    const rows = new Rows<number>(async (feed) => {
      for (let i = 0; i < 100_000; i++) feed.push([i], 1);
    });
    expect(await rows.toArray()).toHaveLength(100_000);
  });
});
