/** A destination that takes two names for one, as Windows and macOS do: no file is lost in another one's place. */
import { expect, test } from "vitest";
import { move } from "../../../src/jobs/index.js";
import { nameKey } from "../../../src/jobs/move/names/name-key.js";
import type { FtpServer } from "../../../src/testing/index.js";
import { bed, filesBelow, LONG_AGO } from "./bed.js";

/** Makes a folder of a server in memory one whose names differ by more than their case. */
function foldCase({ tree }: FtpServer, path: string): void {
  const folder = tree.directory(path);
  const { get, ownNode, set } = folder;
  const own = (name: string) => [...folder.entries()].find((each) => each.name.toLowerCase() === name.toLowerCase());
  const nameOf = (name: string) => own(name)?.name ?? name;
  const remove = folder.delete;
  Object.assign(folder, {
    get: (name: string) => get.call(folder, nameOf(name)),
    ownNode: (name: string) => ownNode.call(folder, nameOf(name)),
    set: (name: string, node: Parameters<typeof set>[1]) => set.call(folder, nameOf(name), node),
    delete: (name: string) => remove.call(folder, nameOf(name)),
  });
}

test.each([1, 4])("two files whose names differ by case: one is moved, one stays (lanes: %i)", async (lanes) => {
  const { from, to, put, options } = await bed();
  foldCase(to, "/in");
  // Of one size, not of one time: that would be the same file.
  const pair = (i: number) => [`f${i}.dat`, `F${i}.dat`];
  const names = Array.from({ length: 40 }, (_, i) => pair(i)).flat();
  for (const [i, name] of names.entries()) put(name, `content of ${name}`, new Date(LONG_AGO.getTime() + i * 60_000));
  const all = filesBelow(from, "/out").map((name) => from.tree.read(`/out/${name}`).toString());
  const result = await move(options({ lanes }));
  const there = [to, from].flatMap((server) => {
    const folder = server === to ? "/in" : "/out";
    return filesBelow(server, folder).map((name) => server.tree.read(`${folder}/${name}`).toString());
  });
  expect(there.sort()).toEqual(all.sort());
  expect(result).toMatchObject({ moved: 40, conflicts: 40, failed: 0, gone: 0, left: 0 });
});

test("which names are one", () => {
  const one = (...names: string[]) => new Set(names.map(nameKey)).size;
  expect(one("A/Ü.DAT", "a/u\u0308.dat", "a./ü.dat .", "A /ü.Dat")).toBe(1);
  expect(one("straße", "STRASSE", "stra\u1e9ee")).toBe(1);
  expect(one("a.dat", "a-dat", "a/dat", ".a.dat", " a.dat", "a", "\udce9", "\udcc9")).toBe(8);
});
