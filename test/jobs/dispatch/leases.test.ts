/** Leases: silence counts only while somebody listens. */
import { expect, test } from "vitest";
import { Leases } from "../../../src/jobs/dispatch/leases.js";

/** Ticks a second apart. */
function listen(leases: Leases, from: number, seconds: number): number {
  for (let i = 1; i <= seconds; i++) leases.tick(from + i * 1000);
  return from + seconds * 1000;
}

test("a batch nobody speaks of is quiet, then lost", () => {
  const leases = new Leases(6_000);
  leases.tick(0);
  leases.begin("a");
  expect(leases.quiet()).toEqual([]);
  let now = listen(leases, 0, 1);
  expect(leases.quiet()).toEqual(["a"]);
  now = listen(leases, now, 4);
  expect(leases.expired()).toEqual([]);
  listen(leases, now, 1);
  expect(leases.expired()).toEqual(["a"]);
});

test("a word of it begins the lease anew", () => {
  const leases = new Leases(3_000);
  leases.tick(0);
  leases.begin("a");
  const now = listen(leases, 0, 2);
  leases.hear("a");
  listen(leases, now, 2);
  expect(leases.expired()).toEqual([]);
});

test("an hour without a Redis is no silence of the workers", () => {
  const leases = new Leases(3_000);
  leases.tick(0);
  leases.begin("a");
  leases.tick(3_600_000);
  expect(leases.expired()).toEqual([]);
});

test("a word of a batch that has ended begins nothing", () => {
  const leases = new Leases(3_000);
  leases.begin("a");
  leases.end("a");
  leases.hear("a");
  expect(leases.size).toBe(0);
});
