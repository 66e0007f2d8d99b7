/** What a move that cannot begin leaves behind: no journal. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { type Bed, bed } from "./bed.js";

const WRONG: readonly (readonly [string, (bed: Bed) => Partial<MoveOptions>, object])[] = [
  ["a folder that is not there", ({ from }) => ({ from: from.urlOf("/nowhere") }), { name: "ReplyError", code: "550" }],
  ["a local folder that is not there", ({ folder }) => ({ from: join(folder, "no") }), { name: "UsageError" }],
  [
    "a password that is refused",
    ({ from }) => ({ from: from.urlOf("/out").replace(/:[^:@]*@/, ":no@") }),
    { name: "LoginError" },
  ],
  ["a signal that has fired", () => ({ signal: AbortSignal.abort() }), { name: "AbortedError" }],
];

test.each(WRONG)("%s: no journal is made", async (_, wrong, error) => {
  const own = await bed({ users: { alice: "secret" } });
  const { folder, journal, options } = own;
  await expect(move(options({ journal, ...wrong(own) }))).rejects.toMatchObject(error);
  expect(readdirSync(folder)).toEqual([]);
});

test("with a journal that is there, a source that is not there changes nothing in it", async () => {
  const { from, journal, options, put } = await bed();
  put("a.dat");
  await move(options({ journal }));
  from.tree.remove("/out");
  await expect(move(options({ journal }))).rejects.toMatchObject({ code: "550" });
  expect(existsSync(journal)).toBe(true);
  from.tree.mkdir("/out");
  expect(await move(options({ journal }))).toMatchObject({ moved: 1, left: 0 });
});

test("the first look takes no connection besides those that list and move", async () => {
  const { from, journal, options, put } = await bed();
  put("a.dat");
  await move(options({ journal, lanes: 1 }));
  expect(from.commands.filter((line) => line.startsWith("USER"))).toHaveLength(1);
  expect(from.connections).toBe(0);
});

test("a file URL is a local folder, however it is written", async () => {
  const { folder, put, options } = await bed();
  put("a.dat");
  const there = pathToFileURL(join(folder, "there")).href.replace("file:", "FILE:");
  expect(await move(options({ to: there }))).toMatchObject({ moved: 1 });
  expect(readdirSync(join(folder, "there"))).toEqual(["a.dat"]);
});
