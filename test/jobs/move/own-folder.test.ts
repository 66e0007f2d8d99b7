/** A destination that lies in the source under another name: found out before a file is moved into it. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import type { FtpServer } from "../../../src/testing/index.js";
import { bed, filesBelow } from "./bed.js";

/** The same server by another name. */
const alias = (server: FtpServer, path: string) => server.urlOf(path).replace("127.0.0.1", "localhost");
const lies = /lies in the source/;

const REFUSED: readonly (readonly [string, string, Partial<MoveOptions>, RegExp])[] = [
  ["a folder in a tree", "/out/sub", { recursive: true }, lies],
  ["a folder in a folder in a tree", "/out/x/y", { recursive: true, route: "{name}" }, lies],
  ["the tree itself", "/out", { recursive: true }, /same folder/],
  ["several sources, one of which has it", "/out/x/y", { recursive: true }, lies],
];

test.each(REFUSED)("%s: nothing is moved", async (name, target, more, message) => {
  const { from, put, options } = await bed();
  for (const path of ["a.dat", "x/b.dat", "z/c.dat"]) put(path);
  const sources = name.startsWith("several") ? [from.urlOf("/out/x"), from.urlOf("/out/z")] : from.urlOf("/out");
  const job = options({ from: sources, to: alias(from, target), signal: AbortSignal.timeout(10_000), ...more });
  await expect(move(job)).rejects.toThrow(message);
  expect(filesBelow(from, "/out")).toEqual(["a.dat", "x/b.dat", "z/c.dat"]);
});

test("files whose targets would be found again are refused one by one", async () => {
  const { from, put, options } = await bed();
  for (const path of ["a.dat", "b.dat"]) put(path);
  const signal = AbortSignal.timeout(10_000);
  const result = await move(options({ to: alias(from, "/out"), match: "*", route: "{name}.moved", signal }));
  expect(result).toMatchObject({ moved: 0, failed: 2 });
  expect(result.failures[0]).toMatchObject({ code: "ROUTE", error: expect.stringContaining("taken for another one") });
  expect(filesBelow(from, "/out")).toEqual(["a.dat", "b.dat"]);
});

test("targets that are not found again are moved, and so is a folder beside the tree", async () => {
  const { from, put, options } = await bed();
  for (const path of ["a.dat", "b.dat"]) put(path);
  const own = options({ to: alias(from, "/out"), match: "*.dat", route: "{name}.moved" });
  expect(await move(own)).toMatchObject({ moved: 2, failed: 0 });
  const into = options({ to: alias(from, "/out/new"), recursive: true, match: "*.moved", matchPath: true });
  expect(await move(into)).toMatchObject({ moved: 2, failed: 0 });
  const beside = options({ to: alias(from, "/out2"), recursive: true });
  expect(await move(beside)).toMatchObject({ moved: 2, failed: 0 });
  expect(filesBelow(from, "/")).toEqual(["out2/new/a.dat.moved", "out2/new/b.dat.moved"]);
});

test("a server that serves the local source", async () => {
  const { folder, options } = await bed();
  mkdirSync(join(folder, "tree"));
  writeFileSync(join(folder, "tree", "a.dat"), "a");
  symlinkSync("tree", join(folder, "link"));
  const job = options({ from: join(folder, "tree"), to: join(folder, "link", "in"), recursive: true });
  await expect(move(job)).rejects.toThrow(lies);
});

test("where the destination refuses to be tried, the files tell why", async () => {
  const { to, put, options } = await bed();
  put("x/a.dat");
  to.faults.reply = { STOR: "553 no" };
  const result = await move(options({ recursive: true, tries: { fail: 1 } }));
  expect(result).toMatchObject({ moved: 0, failed: 1 });
});
