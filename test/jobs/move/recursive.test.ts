/** Moves of whole trees, and of several source folders: what is found, where it goes, what is never touched. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { type MoveOptions, move, planMove } from "../../../src/jobs/index.js";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { resolveMove } from "../../../src/jobs/move/options.js";
import { bed, filesBelow, foldersBelow } from "./bed.js";
import { hostileServer } from "./hostile-server.js";

const TREE = ["a.dat", "x/b.dat", "x/y/c.dat", "x/y/d.txt", "x y/[e].dat", "-z/f.dat", "caf\xe9/g.dat", "x/.h/i.dat"];

describe("a tree", () => {
  test.each([
    ["MLSD", {}],
    ["LIST", { features: { mlsd: false } }],
    ["LIST as DOS", { features: { mlsd: false }, listStyle: "dos" }],
  ] as const)("arrives with its folders, whatever their names, by %s", async (_, server) => {
    const { from, to, put, options } = await bed(server);
    for (const path of TREE) put(path);
    from.tree.mkdir("/out/empty");
    expect(await move(options({ recursive: true }))).toMatchObject({ moved: 8, left: 0, passedOver: 0, unlisted: [] });
    expect(filesBelow(to, "/in")).toEqual([...TREE].sort());
    for (const path of TREE) expect(to.tree.read(`/in/${path}`).toString()).toBe(`content of ${path}`);
    expect(filesBelow(from, "/out")).toEqual([]);
    expect(foldersBelow(from, "/out")).toContain("empty");
  });

  test("is passed over without recursive", async () => {
    const { from, put, options } = await bed();
    for (const path of TREE) put(path);
    expect(await move(options())).toMatchObject({ moved: 1, passedOver: 4 });
    expect(filesBelow(from, "/out")).toHaveLength(7);
  });

  test("match looks at the last part; with a slash, or matchPath, at the path", async () => {
    const { put, options } = await bed();
    for (const path of TREE) put(path);
    const planned = async (more: Partial<MoveOptions>) => {
      const names: string[] = [];
      for await (const { name } of planMove(options({ recursive: true, ...more }))) names.push(name);
      return names.sort();
    };
    expect(await planned({ match: "*.txt" })).toEqual(["x/y/d.txt"]);
    expect(await planned({ match: "x/*.dat" })).toEqual(["x/b.dat"]);
    expect(await planned({ match: "x/**/*.dat" })).toEqual(["x/b.dat", "x/y/c.dat"]);
    expect(await planned({ match: "{top}/{sub}/{rest}.dat" })).toEqual(["x/.h/i.dat", "x/y/c.dat"]);
    expect(await planned({ match: /^x/, matchPath: true })).toHaveLength(5);
    expect(await planned({ match: /^x/ })).toEqual([]);
    expect(await planned({ match: (name) => name === "c.dat" })).toEqual(["x/y/c.dat"]);
  });

  test("a route may flatten it, or write its folders anew", async () => {
    const { to, put, options } = await bed();
    for (const path of ["a.dat", "x/b.dat", "x/y/c.dat"]) put(path);
    const keep = { recursive: true, source: "keep" } as const;
    await move(options({ ...keep, route: "flat/{name}" }));
    await move(options({ ...keep, route: "new/{folder}/{stem}{ext}.old" }));
    await move(options({ ...keep, route: ({ folder, name, path }) => `f/${folder.length}${path.length}${name}` }));
    expect(filesBelow(to, "/in")).toEqual([
      ...["f/05a.dat", "f/17b.dat", "f/39c.dat", "flat/a.dat", "flat/b.dat", "flat/c.dat"],
      ...["new/a.dat.old", "new/x/b.dat.old", "new/x/y/c.dat.old"],
    ]);
  });

  test("flattened, files of one name are found before anything moves", async () => {
    const { to, put, options } = await bed();
    for (const path of ["a.dat", "x/a.dat", "x/y/c.dat"]) put(path, "same");
    const result = await move(options({ recursive: true, route: "{name}" }));
    expect(result).toMatchObject({ moved: 1, conflicts: 2 });
    expect(to.tree.list("/in").map(String)).toEqual(["c.dat"]);
  });

  test("of a local folder: links are not followed, names may be any bytes", async () => {
    const { to, folder, options } = await bed();
    mkdirSync(join(folder, "s/x/y"), { recursive: true });
    mkdirSync(join(folder, "other"));
    writeFileSync(join(folder, "other", "o.dat"), "other");
    writeFileSync(Buffer.concat([Buffer.from(join(folder, "s/x/y/")), Buffer.from("caf\xe9", "latin1")]), "latin1");
    writeFileSync(join(folder, "s", "a"), "a");
    symlinkSync(join(folder, "other"), join(folder, "s", "link"));
    symlinkSync("..", join(folder, "s", "x", "up"));
    expect(await move(options({ from: join(folder, "s"), recursive: true }))).toMatchObject({
      moved: 2,
      passedOver: 2,
    });
    expect(filesBelow(to, "/in")).toEqual(["a", "x/y/caf\xe9"]);
    expect(readFileSync(join(folder, "other", "o.dat"), "utf8")).toBe("other");
    expect(readdirSync(join(folder, "s", "x")).sort()).toEqual(["up", "y"]);
  });

  test("many folders, many at a level, one below the other", async () => {
    const { from, to, options } = await bed();
    const deep = Array.from({ length: 30 }, (_, i) => `d${i}`).join("/");
    from.tree.write(`/out/${deep}/bottom`, "bottom");
    for (let i = 0; i < 90; i++) from.tree.write(`/out/f${i}/file`, `${i}`);
    const result = await move(options({ recursive: true, removeEmptyFolders: true, match: "{n:w}" }));
    expect(result).toMatchObject({ moved: 91, foldersRemoved: 120, unlisted: [] });
    expect(to.tree.read(`/in/${deep}/bottom`).toString()).toBe("bottom");
    expect(foldersBelow(from, "/out")).toEqual([]);
  });
});

describe("the queue of folders", () => {
  test("gives each folder once, those above first; and from the deepest on, however many", async () => {
    const { journal: path } = await bed();
    using journal = Journal.open(path, { settings: { from: "a" } });
    const queue = journal.folders;
    queue.begin(["", "s"]);
    const order: string[] = [];
    for (let folder = queue.next(); folder; folder = queue.next()) {
      order.push(folder.path);
      expect(queue.next()).toEqual(folder);
      const names =
        folder.depth === 0 ? Array.from({ length: 600 }, (_, i) => `f${i}`) : folder.depth === 1 ? ["g"] : [];
      const found = names.map((name) => ({ path: `${folder.path}/${name}`, unique: `${folder.path}${name}` }));
      queue.add(found, folder.depth + 1);
      queue.add(found.slice(0, 1), folder.depth + 1);
      queue.done(folder);
    }
    expect(order).toHaveLength(2 + 2 * 1200);
    expect(new Set(order).size).toBe(order.length);
    const upwards = [...queue.upwards()].flat();
    expect(upwards).toEqual(order.slice(2).reverse());
    expect(queue.sameAbove({ path: "s/f1/g/x", unique: "sf1" })).toMatchObject({ path: "s/f1", depth: 1 });
    expect(queue.sameAbove({ path: "s/f1/g/x", unique: "sf2" })).toBeUndefined();
    queue.begin(["t"]);
    expect(queue.next()).toMatchObject({ path: "t", depth: 0 });
    expect([...queue.upwards()]).toEqual([]);
  });
});

describe("folders that are empty in the end", () => {
  test("are removed when that is asked for: no other, and never the source itself", async () => {
    const { from, put, options } = await bed();
    for (const path of ["x/b.dat", "x/y/c.dat", "x/z/stays.txt", "w/v/a.dat"]) put(path);
    from.tree.mkdir("/out/was/empty");
    const result = await move(options({ recursive: true, match: "*.dat", removeEmptyFolders: true }));
    expect(result).toMatchObject({ moved: 3, foldersRemoved: 5 });
    expect(foldersBelow(from, "/out")).toEqual(["x", "x/z"]);
    expect(from.tree.exists("/out")).toBe(true);
  });

  test("are removed locally, too", async () => {
    const { folder, options } = await bed();
    mkdirSync(join(folder, "s/x/y"), { recursive: true });
    writeFileSync(join(folder, "s/x/y/a"), "");
    writeFileSync(join(folder, "s/x/b.txt"), "");
    const from = join(folder, "s");
    const result = await move(options({ from, recursive: true, match: "{n:w}", removeEmptyFolders: true }));
    expect(result).toMatchObject({ moved: 1, foldersRemoved: 1 });
    expect(readdirSync(join(folder, "s/x"))).toEqual(["b.txt"]);
  });
});

describe("a server that is not to be trusted", () => {
  test("names that lead out of their folder are passed over", async () => {
    const { folder } = await bed();
    const rows = ["..", ".", "../up", "/etc/passwd", "a/b", "sub/../x", ""];
    const listing = rows.flatMap((name) => [`type=dir;size=1; ${name}`, `type=file;size=4; ${name}`]);
    const server = await hostileServer(() => [...listing, "type=file;size=4;modify=20200229120000; good"]);
    try {
      const names: string[] = [];
      for await (const { name } of planMove({ from: server.url, to: join(folder, "t"), recursive: true }))
        names.push(name);
      expect(names).toEqual(["good"]);
      expect(server.listed).toEqual(["MLSD"]);
    } finally {
      await server.close();
    }
  });

  test("a folder that is the one above it again is not entered twice, and is told", async () => {
    const { folder } = await bed();
    const server = await hostileServer((path) =>
      path === "" ? ["type=dir;unique=1U1; loop"] : [`type=dir;unique=1U1; loop`, `type=file;size=1; f${path.length}`],
    );
    try {
      const result = await move({
        from: server.url,
        to: join(folder, "t"),
        recursive: true,
        match: "nothing",
        source: "keep",
      });
      expect(server.listed).toEqual(["MLSD", "MLSD loop"]);
      expect(result.unlisted).toMatchObject([{ folder: "loop/loop", certain: true }]);
      expect(result.warnings.join()).toContain("once more");
    } finally {
      await server.close();
    }
  });

  test("one that tells no such thing is left at a depth that no tree has", async () => {
    const { folder } = await bed();
    const server = await hostileServer(() => ["type=dir; d"]);
    try {
      const result = await move({ from: server.url, to: join(folder, "t"), recursive: true, source: "keep" });
      expect(result.unlisted).toHaveLength(1);
      expect(result.unlisted[0]?.why).toContain("256 folders");
    } finally {
      await server.close();
    }
  });
});

describe("what goes wrong on the way", () => {
  test("a folder that is refused is told, and the others move", async () => {
    const { from, to, put, options } = await bed();
    for (const path of ["a/1", "b/2", "c/3"]) put(path);
    from.faults.reply = { "MLSD b": "550 Permission denied" };
    const result = await move(options({ recursive: true }));
    expect(result).toMatchObject({ moved: 2, failed: 0, unlisted: [{ folder: "b", certain: true }] });
    expect(result.warnings.join()).toMatch(/folder b was cut short: .*Permission denied/);
    expect(filesBelow(to, "/in")).toEqual(["a/1", "c/3"]);
  });

  test("a source that is refused stops the job", async () => {
    const { from, options } = await bed();
    const sources = [from.urlOf("/out"), from.urlOf("/nowhere")];
    await expect(move(options({ from: sources, recursive: true }))).rejects.toThrow(/550/);
  });

  test("a connection lost in the middle of the tree goes on with the folder it was at", async () => {
    const { from, to, options } = await bed();
    for (let i = 0; i < 40; i++) from.tree.write(`/out/f${String(i).padStart(2, "0")}/file`, `${i}`);
    from.faults.loseReply = { command: "MLSD f20", times: 1 };
    expect(await move(options({ recursive: true, source: "keep" }))).toMatchObject({
      moved: 40,
      left: 0,
      unlisted: [],
    });
    expect(filesBelow(to, "/in")).toHaveLength(40);
    const asked = (folder: string) => from.commands.filter((line) => line === `MLSD ${folder}`).length;
    expect([asked("f00"), asked("f19"), asked("f20"), asked("f21")]).toEqual([1, 1, 2, 1]);
  });

  test("a process that dies in the middle of the first listing begins it anew: nothing of it is left", async () => {
    const { from, to, journal, options } = await bed();
    for (let i = 0; i < 20; i++) from.tree.write(`/out/f${String(i).padStart(2, "0")}/file`, `${i}`);
    const job = options({ recursive: true, journal });
    {
      // What a listing that got as far as the third folder leaves in the journal.
      using half = Journal.open(journal, { settings: resolveMove(job).settings });
      half.folders.begin([""]);
      const root = half.folders.next()!;
      half.folders.add(
        [
          { path: "f00", unique: undefined },
          { path: "gone", unique: undefined },
        ],
        1,
      );
      half.folders.done(root);
      half.addListed([
        { name: "f00/file", size: 1 },
        { name: "gone/file", size: 1 },
      ]);
    }
    expect(await move(job)).toMatchObject({ moved: 20, gone: 0, left: 0, unlisted: [] });
    expect(filesBelow(to, "/in")).toHaveLength(20);
  });

  test("a second run of a journal finds what is new in the tree", async () => {
    const { to, put, journal, options } = await bed();
    put("x/1");
    expect(await move(options({ recursive: true, journal }))).toMatchObject({ moved: 1 });
    put("x/2");
    put("z/y/3");
    expect(await move(options({ recursive: true, journal }))).toMatchObject({ moved: 3, left: 0 });
    expect(filesBelow(to, "/in")).toEqual(["x/1", "x/2", "z/y/3"]);
    await expect(move(options({ journal }))).rejects.toThrow(/belongs to another job: recursive/);
  });
});

describe("several sources", () => {
  test("on one server move into one target", async () => {
    const { from, to, options } = await bed();
    for (const path of ["a/1", "a/sub/2", "b/3", "c/4", "a/b/5"]) from.tree.write(`/data/${path}`, path);
    const sources = ["a", "b"].map((name) => from.urlOf(`/data/${name}`));
    expect(await move(options({ from: sources }))).toMatchObject({ moved: 2, passedOver: 2 });
    expect(filesBelow(to, "/in")).toEqual(["1", "3"]);
    const result = await move(options({ from: sources, recursive: true, route: "{source}/{folder}/{name}" }));
    expect(result).toMatchObject({ moved: 2 });
    expect(filesBelow(to, "/in")).toEqual(["1", "3", "a/b/5", "a/sub/2"]);
    expect(filesBelow(from, "/data")).toEqual(["c/4"]);
  });

  test("of this machine, one in the other, and files of one name", async () => {
    const { to, folder, options } = await bed();
    mkdirSync(join(folder, "s/x"), { recursive: true });
    for (const name of ["s/1", "s/x/2", "s/x/1"]) writeFileSync(join(folder, name), name);
    const result = await move(options({ from: [join(folder, "s"), join(folder, "s/x")] }));
    expect(result).toMatchObject({ moved: 1, conflicts: 2 });
    expect(filesBelow(to, "/in")).toEqual(["2"]);
    expect(result.failures.map(({ name, code }) => [name, code])).toEqual([
      ["1", "COLLISION"],
      ["x/1", "COLLISION"],
    ]);
  });

  test("a path match and a function route see the path in its own source", async () => {
    const { from, to, options } = await bed();
    for (const path of ["a/x/1", "b/x/2", "b/y/3"]) from.tree.write(`/data/${path}`, path);
    const route: MoveOptions["route"] = ({ source, path }) => `${source}-${path.replace("/", "-")}`;
    const sources = ["a", "b"].map((name) => from.urlOf(`/data/${name}/`));
    await move(options({ from: sources, recursive: true, match: "x/*", route }));
    expect(filesBelow(to, "/in")).toEqual(["a-x-1", "b-x-2"]);
  });

  test("with a common folder of odd bytes, or none but the folder after login", async () => {
    const { from, to, options } = await bed();
    from.tree.write("/caf\xe9 %/a/1", "1");
    from.tree.write("/caf\xe9 %/b/2", "2");
    from.tree.write("/c/3", "3");
    const relative = (path: string) => from.urlOf(path).replace(/(:\d+)\/+/, "$1/");
    await move(options({ from: [from.urlOf("/caf\xe9 %/a"), from.urlOf("/caf\xe9 %/b")] }));
    await move(options({ from: [relative("/c"), relative("/caf\xe9 %/a")] }));
    expect(filesBelow(to, "/in")).toEqual(["1", "2", "3"]);
  });

  test("the journal of several is that of no other several", async () => {
    const { from, options, journal } = await bed();
    for (const path of ["a", "b", "c"]) from.tree.mkdir(`/data/${path}`);
    const url = (name: string) => from.urlOf(`/data/${name}`);
    await move(options({ from: [url("a"), url("b")], journal }));
    await move(options({ from: [url("a"), url("b")], journal }));
    await expect(move(options({ from: [url("a"), url("c")], journal }))).rejects.toThrow(
      /belongs to another job: from/,
    );
  });
});

describe("refused before anything is dialled", () => {
  const to = "ftp://h/in";
  test.each([
    ["no source", { from: [], to }, "from names no folder"],
    ["a source twice", { from: ["/a/b", "/a/b/"], to }, "twice"],
    ["two servers", { from: ["ftp://h/a", "ftp://g/b"], to }, "not on one server"],
    ["two accounts", { from: ["ftp://x@h/a", "ftp://y@h/b"], to }, "not on one server"],
    ["two passwords", { from: ["ftp://x:1@h/a", "ftp://x:2@h/b"], to }, "not on one server"],
    ["a server and a folder", { from: ["ftp://h/a", "/b"], to }, "not on one server"],
    ["from the root and not", { from: ["ftp://h/a", "ftp://h//b"], to }, "begins at the root"],
    ["a path up", { from: ["ftp://h/a/../b", "ftp://h/c"], to }, 'must not hold ".."'],
    ["a target in the tree", { from: "ftp://h/a", to: "ftp://h/a/b/c", recursive: true }, "find its own files"],
    ["a local target in the tree", { from: "/tmp", to: "/tmp/polywire/x", recursive: true }, "find its own files"],
    ["a tree onto itself", { from: "/tmp", to: "/tmp/.", recursive: true }, "the same folder"],
    ["one of the sources as target", { from: ["/a/b", "/a/c"], to: "/a/c" }, "the same folder"],
    ["a path match without recursive", { from: "/a", to, match: "x/*" }, "with recursive only"],
    ["empty folders of no tree", { from: "/a", to, removeEmptyFolders: true }, "goes with recursive"],
    ["empty folders of a copy", { from: "/a", to, recursive: true, removeEmptyFolders: true, source: "keep" }, "kept"],
    ["no time", { from: "/a", to, stableFor: -1 }, "stableFor"],
    ["a done file that is the file", { from: "/a", to, doneFile: "{name}" }, "needs text of its own"],
    ["a done file of all", { from: "/a", to, doneFile: "READY" }, "needs {name} or {stem}"],
    ["a done file elsewhere", { from: "/a", to, doneFile: "done/{name}" }, "lies in the folder of its file"],
    [
      "a done file by a field",
      { from: "/a", to, match: "{id}.x", doneFile: "{id}.done" },
      "{name}, {stem} and {ext} only",
    ],
    [
      "done files of a copy removed",
      { from: "/a", to, source: "keep", doneFile: { name: "{name}.d", after: "remove" } },
      "kept",
    ],
  ] as const)("%s", (_, options, message) => {
    expect(() => resolveMove(options as MoveOptions)).toThrow(UsageError);
    expect(() => resolveMove(options as MoveOptions)).toThrow(message);
  });

  test("a tree may be written into a part of itself that the match leaves out", () => {
    const options = { from: "ftp://h/a", to: "ftp://h/a/done", recursive: true, match: "in/*.dat" };
    const { route } = resolveMove(options);
    expect(route.apply({ name: "in/1.dat" })).toBe("in/1.dat");
    const onto = resolveMove({ ...options, to: "ftp://h/a/in", route: "{name}" });
    expect(() => onto.route.apply({ name: "in/1.dat" })).toThrow("would be taken for another one");
  });
});
