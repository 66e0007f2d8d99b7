/** The order of calls on one connection. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AbortedError, ConnectionError, UsageError } from "../../src/client/errors.js";
import { Queue } from "../../src/client/queue.js";

/** A queue whose calls end when they are told to. */
function setUp(depth = 3, limit = 100_000) {
  const log: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const queue = new Queue(() => depth, limit);
  const call = (name: string, exclusive: boolean, signal?: AbortSignal) =>
    queue.run(exclusive, signal, () => {
      log.push(name);
      return new Promise<string>((resolve, reject) => {
        ends.set(name, (error) => {
          log.push(`${name}.`);
          if (error) reject(error);
          else resolve(name);
        });
      });
    });
  const end = async (name: string, error?: Error) => {
    ends.get(name)?.(error);
    await settle();
  };
  return { queue, log, call, end };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const gone = new ConnectionError("gone", { phase: "idle" });

describe("order", () => {
  test("a call starts at once where nothing waits", () => {
    const { call, log } = setUp();
    void call("a", true);
    expect(log).toEqual(["a"]);
  });

  test("shared calls run side by side up to the depth, in order", async () => {
    const { call, end, log } = setUp(2);
    const all = ["a", "b", "c", "d"].map((name) => call(name, false));
    expect(log).toEqual(["a", "b"]);
    await end("b");
    expect(log).toEqual(["a", "b", "b.", "c"]);
    for (const name of ["a", "c", "d"]) await end(name);
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
  });

  test("an exclusive call waits for all before it, and all behind it wait for it", async () => {
    const { call, end, log } = setUp();
    void call("a", false);
    void call("b", false);
    void call("X", true);
    void call("c", false);
    await end("a");
    expect(log).toEqual(["a", "b", "a."]);
    await end("b");
    expect(log.at(-1)).toBe("X");
    await end("X");
    expect(log.at(-1)).toBe("c");
  });

  test("a shared call does not overtake an exclusive one that waits", async () => {
    const { call, log } = setUp();
    void call("a", false);
    void call("X", true);
    void call("b", false);
    await settle();
    expect(log).toEqual(["a"]);
  });

  test("a call that fails, or throws at once, lets the next one go", async () => {
    const { queue, call, end, log } = setUp();
    const failing = call("X", true);
    const throwing = queue.run(true, undefined, () => {
      throw new Error("at once");
    });
    void call("a", true);
    await Promise.all([
      expect(failing).rejects.toThrow("no"),
      expect(throwing).rejects.toThrow("at once"),
      end("X", new Error("no")),
    ]);
    await settle();
    expect(log).toEqual(["X", "X.", "a"]);
  });

  test("a depth that grows is used", async () => {
    let depth = 1;
    const queue = new Queue(() => depth, 10);
    const started: number[] = [];
    const ends: (() => void)[] = [];
    for (const i of [0, 1, 2]) {
      void queue.run(false, undefined, () => {
        started.push(i);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    }
    expect(started).toEqual([0]);
    depth = 5;
    ends[0]?.();
    await settle();
    expect(started).toEqual([0, 1, 2]);
  });

  test("a call made by a running call comes behind those that wait", async () => {
    const { queue, call, end, log } = setUp();
    void call("X", true);
    void call("a", true);
    void queue.run(true, undefined, async () => void log.push("b"));
    await end("X");
    await end("a");
    expect(log).toEqual(["X", "X.", "a", "a.", "b"]);
    expect(queue.idle).toBe(true);
  });
});

describe("dropping", () => {
  test("a signal that fired before is an AbortedError, and nothing runs", async () => {
    const { call, log, queue } = setUp();
    await expect(call("a", false, AbortSignal.abort(new Error("why")))).rejects.toMatchObject({
      name: "AbortedError",
      clientUsable: true,
      cause: new Error("why"),
    });
    expect([log, queue.idle]).toEqual([[], true]);
  });

  test("a signal drops a call that waits, and those behind it move up", async () => {
    const { call, end, log, queue } = setUp();
    const stop = new AbortController();
    void call("a", false);
    const dropped = call("X", true, stop.signal);
    void call("b", false);
    expect(queue.waiting).toBe(2);
    stop.abort();
    await expect(dropped).rejects.toBeInstanceOf(AbortedError);
    expect([log, queue.waiting]).toEqual([["a", "b"], 0]);
    await end("a");
  });

  test("one signal drops all its calls: none of them runs", async () => {
    const { call, log } = setUp();
    const stop = new AbortController();
    void call("a", false);
    const dropped = [call("X", true, stop.signal), call("b", false, stop.signal), call("Y", true, stop.signal)];
    void call("c", false);
    stop.abort();
    for (const each of dropped) await expect(each).rejects.toBeInstanceOf(AbortedError);
    await settle();
    expect(log).toEqual(["a", "c"]);
  });

  test("a signal that fires while the call runs is not the queue's business", async () => {
    const { call, end, log } = setUp();
    const stop = new AbortController();
    const running = call("X", true, stop.signal);
    stop.abort();
    await end("X");
    expect(await running).toBe("X");
    expect(log).toEqual(["X", "X."]);
  });
});

describe("limits and refusal", () => {
  test("more calls than the limit are refused, and the rest goes on", async () => {
    const { call, end } = setUp(1, 2);
    const all = ["X", "a", "b"].map((name) => call(name, true));
    await expect(call("c", true)).rejects.toMatchObject({ name: "UsageError", message: /limits\.queue/ });
    for (const name of ["X", "a", "b"]) await end(name);
    expect(await Promise.all(all)).toEqual(["X", "a", "b"]);
  });

  test("calls that were dropped do not count", async () => {
    const { call } = setUp(1, 1);
    void call("X", true);
    const stop = new AbortController();
    const dropped = call("a", true, stop.signal);
    stop.abort();
    await expect(dropped).rejects.toThrow();
    const waits = call("b", true);
    await expect(Promise.race([waits, settle()])).resolves.toBeUndefined();
  });

  test("refuse rejects what waits, and new calls until the running one is over", async () => {
    const { call, end, queue } = setUp();
    const running = call("X", true);
    const waiting = [call("a", false), call("Y", true)];
    queue.refuse(gone);
    for (const each of waiting) await expect(each).rejects.toBe(gone);
    await expect(call("b", false)).rejects.toBe(gone);
    await end("X");
    expect(await running).toBe("X");
    const next = call("c", false);
    await end("c");
    expect(await next).toBe("c");
  });

  test("refused calls leave no listener on their signal", async () => {
    const { call, queue } = setUp();
    const signal = new AbortController().signal;
    const remove = vi.spyOn(signal, "removeEventListener");
    const add = vi.spyOn(signal, "addEventListener");
    void call("X", true);
    const waiting = [call("a", true, signal), call("b", true, signal)];
    queue.refuse(gone);
    for (const each of waiting) await expect(each).rejects.toBe(gone);
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});

describe("contention", () => {
  test("an exclusive call is told when another waits behind it, and only then", async () => {
    const { queue, call, end } = setUp();
    void call("X", true);
    const told = vi.fn();
    queue.onContended = told;
    expect(told).not.toHaveBeenCalled();
    void call("a", false);
    expect(told).toHaveBeenCalledTimes(1);
    await end("X");
    expect(queue.onContended).toBeUndefined();
  });

  test("an exclusive call that starts in front of others is told, too", async () => {
    const { queue, call, end } = setUp();
    const told = vi.fn();
    void call("a", false);
    const body = () => {
      queue.onContended = told;
      return settle();
    };
    const alone = queue.run(true, undefined, body);
    void call("b", false);
    await end("a");
    expect(told).toHaveBeenCalledTimes(1);
    await alone;
  });
});

describe("a call that releases the connection", () => {
  test("lets the next one begin, also one that needs it alone, and may fail later on", async () => {
    const { queue, log, call, end } = setUp();
    let fail = (_: Error) => {};
    const early = queue.run(true, undefined, (release) => {
      log.push("early");
      queueMicrotask(release);
      return new Promise<void>((_, reject) => (fail = reject));
    });
    const next = call("next", true);
    void call("last", true);
    await settle();
    expect(log).toEqual(["early", "next"]);
    fail(gone);
    await expect(early).rejects.toBe(gone);
    // It is over only once: "last" still waits.
    expect([log, queue.waiting]).toEqual([["early", "next"], 1]);
    await end("next");
    expect(await next).toBe("next");
    expect(log).toEqual(["early", "next", "next.", "last"]);
  });

  test("and goes first is over before those that waited, in the same tick", async () => {
    const { queue, log, call, end } = setUp();
    void call("a", true);
    void call("b", true);
    const along = queue.run(
      true,
      undefined,
      async (release) => {
        log.push("along");
        release();
      },
      true,
    );
    await end("a");
    await along;
    expect(log).toEqual(["a", "a.", "along", "b"]);
  });

  test("and goes first is dropped by its signal, and refused with the others", async () => {
    const { queue, call, end } = setUp();
    void call("a", true);
    const stop = new AbortController();
    const dropped = queue.run(true, stop.signal, async () => "ran", true).catch((error: Error) => error.name);
    const refused = queue.run(true, undefined, async () => "ran", true).catch((error: Error) => error);
    expect(queue.waiting).toBe(2);
    stop.abort();
    expect(await dropped).toBe("AbortedError");
    expect(queue.waiting).toBe(1);
    queue.refuse(gone);
    expect(await refused).toBe(gone);
    await end("a");
    expect([queue.waiting, queue.idle]).toEqual([0, true]);
  });
});

describe("many calls", () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  beforeEach(() => void process.on("warning", onWarning));
  afterEach(() => void process.off("warning", onWarning));

  test("100 000 calls run in order", async () => {
    const queue = new Queue(() => 32, 100_000);
    const order: number[] = [];
    const bodies = Array.from({ length: 100_000 }, (_, i) => async () => void order.push(i));
    await Promise.all(bodies.map((body, i) => queue.run(i % 1000 === 0, undefined, body)));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(queue.idle).toBe(true);
  });

  test("one signal for 50 000 calls drops them all, without a warning", async () => {
    const queue = new Queue(() => 32, 100_000);
    const stop = new AbortController();
    let release = () => {};
    const first = queue.run(true, undefined, () => new Promise<void>((resolve) => (release = resolve)));
    const calls = Array.from({ length: 50_000 }, () => queue.run(false, stop.signal, async () => {}));
    const results = Promise.allSettled(calls);
    stop.abort();
    expect((await results).every((each) => each.status === "rejected")).toBe(true);
    expect(queue.waiting).toBe(0);
    release();
    await first;
    expect([queue.idle, warnings]).toEqual([true, []]);
  });
});

test("a UsageError of the limit leaves the client usable", async () => {
  const { call } = setUp(1, 1);
  void call("X", true);
  void call("a", true);
  const error = await call("b", true).catch((e) => e);
  expect(error).toBeInstanceOf(UsageError);
  expect(error.clientUsable).toBe(true);
});
