/** What a process remembers of files over which the job stood still, or which do not get on: until their fate is known. */
import { describe, expect, test } from "vitest";
import { Roster } from "../../../src/jobs/move/lanes/roster.js";
import { Stuck } from "../../../src/jobs/move/lanes/stuck.js";

const file = (id: number, attempt = 1) => ({ id, temp: `f${id}.${attempt}.part` });
const roster = () => new Roster({ lanes: 1, adaptive: false, maxPause: 0, breaker: undefined });

describe("a file that is gone on with", () => {
  test("is stuck when nothing came of it as often as it is tried", () => {
    const stuck = new Stuck();
    expect([100, 100, 90, 100].map((there) => stuck.is(file(1), there, 3))).toEqual([false, false, false, true]);
  });

  test("is not as long as it gets on, and others do not count for it", () => {
    const stuck = new Stuck();
    for (const there of [0, 0, 1, 1, 2, 2]) {
      expect(stuck.is(file(1), there, 2)).toBe(false);
      stuck.is(file(2), 0, 2);
    }
    expect(stuck.is(file(1), 2, 2)).toBe(true);
  });

  test("begins anew with another attempt, of which less is there", () => {
    const stuck = new Stuck();
    for (const there of [100, 100]) stuck.is(file(1), there, 2);
    expect([50, 50, 50].map((there) => stuck.is(file(1, 2), there, 2))).toEqual([false, false, true]);
  });

  test("begins anew when it was forgotten", () => {
    const stuck = new Stuck();
    for (const there of [100, 100]) stuck.is(file(1), there, 2);
    stuck.forget(1);
    expect([100, 100, 100].map((there) => stuck.is(file(1), there, 2))).toEqual([false, false, true]);
  });
});

describe("a file over which the job stood still", () => {
  test("waits longer each time, and as at first when it was forgotten", () => {
    const crew = roster();
    const [first = 0, second = 0] = [crew.waitFor(1), crew.waitFor(1)];
    expect(second).toBeGreaterThan(first);
    crew.forget(2);
    expect(crew.waitFor(1)).toBeGreaterThan(second);
    crew.forget(1);
    expect(crew.waitFor(1)).toBe(first);
  });
});

test("of no more than ten thousand files is anything remembered: of the latest", () => {
  const crew = roster();
  const first = crew.waitFor(0);
  for (let id = 0; id < 10_001; id++) {
    crew.waitFor(id);
    crew.stuck.is(file(id), 100, 1);
  }
  // Asking notes anew: so the one that is remembered is asked for first.
  expect([1, 0].map((id) => crew.waitFor(id) > first)).toEqual([true, false]);
  expect([1, 0].map((id) => crew.stuck.is(file(id), 100, 1))).toEqual([true, false]);
});
