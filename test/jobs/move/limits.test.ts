/** What keeps a move from asking too much: caps of servers, standing still, the circuit breaker; each on a clock of its own. */
import { describe, expect, it } from "vitest";
import { Breaker } from "../../../src/jobs/move/lanes/breaker.js";
import { Cap } from "../../../src/jobs/move/lanes/cap.js";
import { Halt } from "../../../src/jobs/move/lanes/halt.js";
import { Logins } from "../../../src/jobs/move/lanes/logins.js";
import { checkMove, type MoveOptions, resolveMove } from "../../../src/jobs/move/options.js";

const MINUTE = 60_000;

describe("a cap", () => {
  it("is what was connected, and one more is tried every five minutes", () => {
    const cap = new Cap();
    expect(cap.room(0)).toBe(Number.POSITIVE_INFINITY);
    cap.refused(3, 0);
    expect([cap.room(1), cap.room(5 * MINUTE - 1), cap.room(5 * MINUTE)]).toEqual([3, 3, 4]);
    cap.refused(3, 5 * MINUTE);
    expect([cap.room(5 * MINUTE), cap.room(10 * MINUTE)]).toEqual([3, 4]);
  });

  it("is raised one by one as long as connections are taken", () => {
    const cap = new Cap();
    cap.refused(3, 0);
    cap.connected(4, 5 * MINUTE);
    expect([cap.limit, cap.room(5 * MINUTE)]).toEqual([4, 5]);
    cap.connected(5, 5 * MINUTE + 1);
    expect(cap.room(5 * MINUTE + 1)).toBe(6);
    cap.refused(5, 5 * MINUTE + 2);
    expect([cap.room(5 * MINUTE + 3), cap.room(10 * MINUTE + 2)]).toEqual([5, 6]);
  });

  it("is corrected by lanes that were still connecting when one was refused; one is always left", () => {
    const cap = new Cap();
    cap.refused(0, 0);
    expect(cap.limit).toBe(1);
    for (const lanes of [1, 2, 3]) cap.connected(lanes, 10);
    expect(cap.limit).toBe(3);
  });
});

describe("a job that stands still", () => {
  const full = new Error("452 Disk full");

  it("tries again after 30 s, then after twice as long, five minutes at most, until the time is over", () => {
    const halt = new Halt(20 * MINUTE);
    const tries: number[] = [];
    let at = 1_000;
    while (halt.begin(full, at)) {
      at += halt.wait(at);
      expect(halt.probe(at - 1)).toBe(false);
      expect(halt.probe(at)).toBe(true);
      tries.push((at - 1_000) / 1_000);
    }
    // The last one just before it would have been too long.
    expect(tries).toEqual([30, 90, 210, 450, 750, 1_050, 1_200]);
    expect(halt.why).toBe(full);
  });

  it("begins nothing until one lane has the try, and goes on when that went well", () => {
    const halt = new Halt(MINUTE * 60);
    expect(halt.on).toBe(false);
    halt.begin(full, 0);
    // Others say the same a moment later: it is no second failure.
    halt.begin(new Error("552"), 100);
    expect([halt.on, halt.why, halt.wait(0)]).toEqual([true, full, 30_000]);
    expect([halt.probe(30_000), halt.probe(30_000)]).toEqual([true, false]);
    expect([halt.on, halt.probing]).toEqual([false, true]);
    halt.end();
    expect([halt.on, halt.probing, halt.why]).toEqual([false, false, undefined]);
    // The next time begins with 30 s again.
    halt.begin(full, 100_000);
    expect(halt.wait(100_000)).toBe(30_000);
  });

  it("that found out nothing leaves the try to another lane", () => {
    const halt = new Halt(MINUTE * 60);
    halt.begin(full, 0);
    halt.probe(30_000);
    halt.leave();
    expect([halt.on, halt.probe(30_001)]).toEqual([true, true]);
  });

  it("must not where no time is given, and tries once more where there is little", () => {
    expect(new Halt(0).begin(full, 0)).toBe(false);
    const halt = new Halt(10_000);
    expect([halt.begin(full, 0), halt.wait(0), halt.probe(10_000), halt.begin(full, 10_000)]).toEqual([
      true,
      10_000,
      true,
      false,
    ]);
  });
});

describe("the circuit breaker", () => {
  const breaker = () => new Breaker({ files: 50, share: 0.9, within: 10_000 });
  const noteAll = (on: Breaker, codes: readonly (string | undefined)[], every = 1) =>
    codes.map((code, i) => on.note(code, i * every)).find((tripped) => tripped !== undefined);

  it("trips when nearly all of the last files failed alike", () => {
    const codes = [...Array(100).fill(undefined), ...Array(44).fill("550")];
    const on = breaker();
    expect(noteAll(on, codes)).toBeUndefined();
    expect(on.note("550", 200)).toBe("45 of the last 50 files failed alike");
    // It begins anew.
    expect(on.note("550", 201)).toBeUndefined();
  });

  it("does not while some go through, while they fail in different ways, or slowly, or while there are few", () => {
    expect(noteAll(breaker(), Array(500).fill([undefined, "550", "550", "550"]).flat())).toBeUndefined();
    expect(noteAll(breaker(), Array(500).fill(["550", "553"]).flat())).toBeUndefined();
    expect(noteAll(breaker(), Array(500).fill("550"), 250)).toBeUndefined();
    expect(noteAll(breaker(), Array(49).fill("550"))).toBeUndefined();
    expect(noteAll(breaker(), Array(50).fill("550"))).toBe("50 of the last 50 files failed alike");
  });

  it("takes no notice of files that changed, vanished or were there already", () => {
    for (const code of ["CHANGING", "KEPT", "PARTIAL", "EXISTS", "ROUTE"])
      expect(noteAll(breaker(), Array(500).fill(code)), code).toBeUndefined();
    const codes = Array(50).fill(["CHANGING", "550"]).flat();
    expect(noteAll(breaker(), codes)).toBe("50 of the last 50 files failed alike");
  });
});

describe("connections in a second", () => {
  const { signal } = new AbortController();

  it("are as many as one likes without a limit", () => {
    const logins = new Logins();
    expect(Array.from({ length: 100 }, () => logins.take("a:21", signal))).toEqual(Array(100).fill(undefined));
  });

  it("are limited for each server", async () => {
    const logins = new Logins(50);
    expect([logins.take("a:21", signal), logins.take("b:21", signal)]).toEqual([undefined, undefined]);
    const next = logins.take("a:21", signal);
    expect(next).toBeInstanceOf(Promise);
    await next;
  });

  it("end with the job", async () => {
    const abort = new AbortController();
    const logins = new Logins(0.1);
    logins.take("a:21", abort.signal);
    const waits = logins.take("a:21", abort.signal);
    abort.abort(new Error("over"));
    await expect(waits).rejects.toThrow("over");
  });
});

describe("the options", () => {
  const two = { from: "ftp://a@one.example/out", to: "ftp://b@two.example/in" };
  const one = { from: "ftp://a@one.example/out", to: "ftp://b@one.example:21/in" };
  const resolve = (options: Partial<MoveOptions>, sides = two) => resolveMove({ ...sides, ...options });

  it.each<[Partial<MoveOptions>, typeof two, object]>([
    [{}, two, { lanes: 64, adaptive: true, maxPause: 3_600_000, breaker: { files: 200, share: 0.9, within: 300_000 } }],
    [{ lanes: 5 }, two, { lanes: 5, adaptive: false }],
    [{ lanes: "auto", maxConnections: 9 }, two, { lanes: 9, adaptive: true }],
    [{ lanes: 5, maxConnections: 3 }, two, { lanes: 3, adaptive: false }],
    [{ maxConnections: 9 }, one, { lanes: 4, adaptive: true }],
    [{ breaker: false, maxPause: 0 }, two, { breaker: undefined, maxPause: 0 }],
    [{ breaker: { files: 50 } }, two, { breaker: { files: 50, share: 0.9, within: 300_000 } }],
  ])("%j", (options, sides, expected) => {
    expect(resolve(options, sides)).toMatchObject(expected);
  });

  it.each<[Partial<MoveOptions>, typeof two, RegExp]>([
    [{ lanes: 0 }, two, /lanes/],
    [{ lanes: "many" as "auto" }, two, /lanes/],
    [{ maxConnections: 1 }, one, /both sides are on one server, where a lane needs two connections/],
    [{ maxConnections: 0 }, two, /maxConnections/],
    [{ connectionsPerSecond: 0 }, two, /connectionsPerSecond/],
    [{ maxPause: -1 }, two, /maxPause/],
    [{ breaker: { share: 1.5 } }, two, /breaker\.share/],
    [{ breaker: { files: 2 } }, two, /breaker\.files/],
    [{ connectionsPerSecond: 2, dispatch: { redis: "redis://localhost" } }, two, /give a limit to each worker/],
    [{ maxConnections: 3, dispatch: { processes: 4 } }, two, /3 lanes cannot be shared by 4 processes/],
  ])("%j is refused", (options, sides, message) => {
    expect(() => checkMove({ ...sides, ...options })).toThrow(message);
  });
});
