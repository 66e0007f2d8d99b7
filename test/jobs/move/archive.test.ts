/** Sources that are put away: each in its place in the archive, none lost, none replaced. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jobOfJournal, type MoveOptions, move, planMove } from "../../../src/jobs/index.js";
import { JournalReader } from "../../../src/jobs/journal/journal.js";
import { archiveOf, resolveArchive } from "../../../src/jobs/move/lanes/archive.js";
import { FtpServer } from "../../../src/testing/index.js";

let folder: string;
let from: FtpServer;
let to: FtpServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "polywire-test-"));
  from = await FtpServer.start();
  to = await FtpServer.start();
});
afterEach(async () => {
  await Promise.all([from.close(), to.close()]);
  rmSync(folder, { recursive: true });
});

function options(more: Partial<MoveOptions> = {}): MoveOptions {
  const { from: source, to: target } = { from: from.urlOf("/out"), to: to.urlOf("/in") };
  return { from: source, to: target, source: "archive", archiveTo: "done", lanes: 3, ...more };
}

/** Every file below a folder with its content. */
function all(server: FtpServer, path: string, prefix = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of server.tree.list(path).map(String)) {
    const each = `${path}/${name}`;
    if (server.tree.stat(each)?.type === "directory") Object.assign(found, all(server, each, `${prefix}${name}/`));
    else found[prefix + name] = server.tree.read(each).toString();
  }
  return found;
}

describe("putting away", () => {
  test("sources go into folders by their fields, made as needed; nothing is deleted", async () => {
    const said: string[] = [];
    await from.close();
    from = await FtpServer.start({ onCommand: (line) => said.push(line) });
    for (let i = 0; i < 70; i++) from.tree.write(`/out/s_${i}_20260${(i % 9) + 1}01.dat`, `content ${i}`);
    from.tree.write("/out/README", "stays");
    const job = options({ match: "s_{id:d}_{date:yyyyMMdd}.dat", archiveTo: "done/{date:yyyy}/{date:MM}" });
    expect(await move(job)).toMatchObject({ moved: 70, failed: 0, left: 0 });
    const put = Array.from({ length: 70 }, (_, i) => [
      `done/2026/0${(i % 9) + 1}/s_${i}_20260${(i % 9) + 1}01.dat`,
      `content ${i}`,
    ]);
    expect(all(from, "/out")).toEqual({ ...Object.fromEntries(put), README: "stays" });
    expect(to.tree.count("/in")).toBe(70);
    expect(said.filter((line) => line.startsWith("DELE"))).toEqual([]);
    expect(await move(job)).toMatchObject({ moved: 0, failed: 0 });
  });

  test("a name that is taken in the archive is numbered, past those of other sources; nothing is replaced", async () => {
    from.tree.write("/out/a.dat", "new a");
    from.tree.write("/out/a-1.dat", "new a-1");
    from.tree.write("/out/done/a.dat", "old a");
    from.tree.write("/out/done/a-2.dat", "old a-2");
    expect(await move(options())).toMatchObject({ moved: 2, failed: 0 });
    const put = all(from, "/out");
    expect(put).toMatchObject({ "done/a.dat": "old a", "done/a-2.dat": "old a-2", "done/a-1.dat": "new a-1" });
    expect(Object.values(put).sort()).toEqual(["new a", "new a-1", "old a", "old a-2"]);
    expect(put["done/a-3.dat"]).toBe("new a");
  });

  test("what comes again under the same name is put beside the first one", async () => {
    const journal = join(folder, "journal");
    for (const text of ["one", "two", "three"]) {
      from.tree.write("/out/a.dat", text);
      expect(await move(options({ journal, onExists: "overwrite" }))).toMatchObject({ failed: 0 });
    }
    expect(all(from, "/out/done")).toEqual({ "a.dat": "one", "a-1.dat": "two", "a-2.dat": "three" });
    expect(to.tree.read("/in/a.dat").toString()).toBe("three");
  });

  test("with recursive every file keeps its folder, and the archive is not listed again", async () => {
    for (const name of ["a.dat", "x/a.dat", "x/y/a.dat", "donex/b.dat"]) from.tree.write(`/out/${name}`, name);
    expect(await move(options({ recursive: true, removeEmptyFolders: true }))).toMatchObject({
      moved: 4,
      failed: 0,
      foldersRemoved: 3,
    });
    const names = ["a.dat", "donex/b.dat", "x/a.dat", "x/y/a.dat"];
    expect(all(from, "/out")).toEqual(Object.fromEntries(names.map((name) => [`done/${name}`, name])));
    expect(Object.keys(all(to, "/in")).sort()).toEqual(names);
    expect(await move(options({ recursive: true }))).toMatchObject({ moved: 0, skipped: 0 });
    const planned = [];
    for await (const file of planMove(options({ recursive: true }))) planned.push(file);
    expect(planned).toEqual([]);
  });

  test("of several sources each has an archive of its own", async () => {
    from.tree.write("/one/a.dat", "1");
    from.tree.write("/two/b.dat", "2");
    const sources = [from.urlOf("/one"), from.urlOf("/two")];
    expect(await move(options({ from: sources }))).toMatchObject({ moved: 2 });
    expect(all(from, "/one")).toEqual({ "done/a.dat": "1" });
    expect(all(from, "/two")).toEqual({ "done/b.dat": "2" });
  });

  test("in a local folder, too", async () => {
    const source = join(folder, "out");
    mkdirSync(join(source, "done"), { recursive: true });
    writeFileSync(join(source, "a.dat"), "new");
    writeFileSync(join(source, "done", "a.dat"), "old");
    expect(await move(options({ from: source }))).toMatchObject({ moved: 1 });
    expect(readdirSync(source)).toEqual(["done"]);
    expect(readFileSync(join(source, "done", "a.dat"), "utf8")).toBe("old");
    expect(readFileSync(join(source, "done", "a-1.dat"), "utf8")).toBe("new");
  });

  test("what is the same at the destination already is put away as well", async () => {
    const modified = new Date("2024-01-02T03:04:05Z");
    from.tree.write("/out/a.dat", "abc", { modified });
    to.tree.write("/in/a.dat", "abc", { modified });
    expect(await move(options())).toMatchObject({ moved: 0, skipped: 1 });
    expect(all(from, "/out")).toEqual({ "done/a.dat": "abc" });
  });
});

describe("what goes wrong", () => {
  test("a folder that cannot be made leaves the source, and says why; the next run puts it away", async () => {
    from.tree.write("/out/a.dat", "abc");
    from.tree.write("/out/done", "a file");
    const journal = join(folder, "journal");
    const result = await move(options({ journal, match: "*.dat" }));
    expect(result).toMatchObject({ failed: 1 });
    expect(result.failures[0]?.error).toMatch(/it arrived, but the source stays/);
    expect(from.tree.read("/out/a.dat").toString()).toBe("abc");
    expect(to.tree.read("/in/a.dat").toString()).toBe("abc");
    from.tree.remove("/out/done");
    expect(await move(options({ journal, match: "*.dat" }))).toMatchObject({ failed: 0, left: 0 });
    expect(all(from, "/out/done")).toMatchObject({ "a.dat": "abc" });
  });

  test.each([
    ["before the rename", { closeBeforeCommand: { command: "RNTO", times: 1 } }],
    ["behind it, its reply lost", { loseReply: { command: "RNTO", times: 1 } }],
  ])("a connection that dies %s: the file is put away once", async (_, faults) => {
    for (let i = 0; i < 10; i++) from.tree.write(`/out/f${i}.dat`, `content ${i}`);
    Object.assign(from.faults, faults);
    expect(await move(options({ lanes: 1 }))).toMatchObject({ failed: 0, left: 0, conflicts: 0, gone: 0 });
    const put = all(from, "/out");
    expect(put).toEqual(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`done/f${i}.dat`, `content ${i}`])));
    expect(to.tree.count("/in")).toBe(10);
  });

  test.each([
    [{ archiveTo: undefined }, /needs archiveTo/],
    [{ source: "delete" as const }, /goes with source: "archive"/],
    [{ archiveTo: "" }, /archiveTo is empty/],
    [{ archiveTo: "/" }, /archiveTo is empty/],
    [{ archiveTo: "../done" }, /has the part "\.\."/],
    [{ archiveTo: "done/{name}" }, /archiveTo is a folder/],
    [{ archiveTo: "done/{folder}" }, /archiveTo is a folder/],
    [{ archiveTo: "done/{year}" }, /no field \{year\}/],
    [{ archiveTo: "{id}/done", match: "{id}.dat", recursive: true }, /begins with a field/],
  ] as const)("%j is refused before anything is dialled", async (more, why) => {
    await expect(move(options(more as Partial<MoveOptions>))).rejects.toThrow(why);
    expect([...from.commands, ...to.commands]).toEqual([]);
  });

  test("a source in the archive of another one is refused", async () => {
    const sources = [from.urlOf("/out"), from.urlOf("/out/done/x")];
    await expect(move(options({ from: sources, recursive: true }))).rejects.toThrow(/lies in the archive/);
  });

  test("an archive that is one of the sources is refused file by file, before anything is sent", async () => {
    from.tree.write("/out/a.dat", "abc");
    from.tree.write("/out/done/b.dat", "b");
    const result = await move(options({ from: [from.urlOf("/out"), from.urlOf("/out/done")] }));
    expect(result.failures[0]).toMatchObject({ code: "ROUTE", error: expect.stringContaining("into the source") });
    expect(to.tree.exists("/in/a.dat")).toBe(false);
    expect(from.tree.read("/out/a.dat").toString()).toBe("abc");
  });
});

test("the journal remembers the archive: the job goes on without its options", async () => {
  const journal = join(folder, "journal");
  from.tree.write("/out/a.dat", "abc");
  await move(options({ journal }));
  using reader = JournalReader.read(journal);
  expect(jobOfJournal(reader)).toMatchObject({ source: "archive", archiveTo: "done" });
});

test("what lanes elsewhere are told of it is plain data, whatever the match was", () => {
  const sources = [{ path: "", name: "out", shown: "out" }];
  const more = { syntax: undefined, aboutPath: false, recursive: false, sources };
  for (const pattern of ["s_{x}_{y}.dat", /^S_(?<x>\w)_(?<y>.)\.DAT$/i]) {
    const traits = resolveArchive({ to: "done/{y}", pattern, ...more });
    const archive = archiveOf(JSON.parse(JSON.stringify(traits)) as typeof traits);
    expect(archive.pathOf("s_1_2.dat")).toBe("done/2/s_1_2.dat");
  }
  const byFunction = { to: "done", pattern: () => true, ...more };
  expect(archiveOf(resolveArchive(byFunction)).pathOf("a")).toBe("done/a");
  expect(() => resolveArchive({ ...byFunction, to: "done/{y}" })).toThrow(/no field \{y\}/);
});

test("a field with a slash in it has no place: two files could have one", () => {
  const sources = [{ path: "", name: "out", shown: "out" }];
  const more = { syntax: undefined, aboutPath: true, recursive: true, sources };
  const archive = archiveOf(resolveArchive({ to: "done/{x}", pattern: /^(?<x>.*)-\d$/, ...more }));
  expect(archive.pathOf("a-1")).toBe("done/a/a-1");
  expect(() => archive.pathOf("b/a-1")).toThrow(/holds a slash/);
});
