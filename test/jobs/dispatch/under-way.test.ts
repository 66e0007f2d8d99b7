/** The coordinator's table of claimed files: who has each, whose word counts, and one file for each final name. */
import { expect, test } from "vitest";
import { UnderWay } from "../../../src/jobs/dispatch/under-way.js";
import { claimed } from "./claimed.js";

test("of two files with one final name, the second waits for the first", () => {
  const table = new UnderWay();
  const [first, second, third] = [1, 2, 3].map((id) => claimed(id, { target: "same" }));
  expect([first!, second!, third!].map((file) => table.add(file))).toEqual([true, false, false]);
  expect(table.parked).toBe(2);
  expect(table.end(1)).toEqual(second);
  expect(table.parked).toBe(1);
  expect(table.end(2)).toEqual(third);
  expect(table.end(3)).toBeUndefined();
  expect(table.size).toBe(0);
});

test("a word of an earlier claim is about nothing", () => {
  const table = new UnderWay();
  const file = claimed(7, { attempt: 3 });
  table.add(file);
  expect(table.find({ id: 7, attempt: 3 })).toEqual(file);
  expect(table.find({ id: 7, attempt: 2 })).toBeUndefined();
  expect(table.find({ id: 8, attempt: 3 })).toBeUndefined();
});

test("only who has a file speaks for it; where nobody has it, anybody", () => {
  const table = new UnderWay();
  table.add(claimed(1));
  expect(table.speaksFor("a", { id: 1, attempt: 1 })).toBe(true);
  table.give("b", [{ id: 1 }]);
  expect(table.speaksFor("a", { id: 1, attempt: 1 })).toBe(false);
  expect(table.speaksFor("b", { id: 1, attempt: 1 })).toBe(true);
});

test("what is left of a lost batch is to be recovered, and keeps its final names", () => {
  const table = new UnderWay();
  const files = [1, 2, 3].map((id) => claimed(id));
  for (const file of files) table.add(file);
  table.give("a", files);
  table.end(2);
  const left = table.forget("a");
  table.suspect(left);
  expect(left.map(({ id }) => id)).toEqual([1, 3]);
  expect(left.every(({ id }) => table.isBegun(id))).toBe(true);
  expect(table.batches).toBe(0);
  expect(table.isFree("1.dat")).toBe(false);
  expect(table.isFree("2.dat")).toBe(true);
});

test("a file that gets another name frees the one it had for who waits", () => {
  const table = new UnderWay();
  table.add(claimed(1, { target: "x" }));
  const waiting = claimed(2, { target: "x" });
  table.add(waiting);
  table.update(claimed(1, { target: "x-1" }));
  expect(table.isFree("x-1")).toBe(false);
  expect(table.wake("x")).toEqual(waiting);
  expect(table.isFree("x")).toBe(false);
});
