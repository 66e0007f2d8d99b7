/** The tree, and directories whose entries are computed. */
import { expect, test } from "vitest";
import { FtpServer, FtpTree, utf8Name } from "../../src/testing/index.js";
import { RawClient } from "./raw-client.js";

test("write, read, list, stat, remove", () => {
  const tree = new FtpTree();
  const modified = new Date("2020-01-01");
  tree.write("/a/b/c.txt", "größe", { modified });
  expect(tree.read("a//b/../b/./c.txt").toString()).toBe("größe");
  expect(tree.stat("/a/b/c.txt")).toEqual({ type: "file", size: 7, modified, mode: 0o644 });
  expect(tree.stat("/a/b")?.type).toBe("directory");
  expect([tree.list(), tree.list("/a/b"), tree.count("/a")]).toEqual([["a"], ["c.txt"], 1]);
  expect(tree.bytes).toBe(7);
  tree.remove("/a");
  tree.remove("/a/nothing");
  expect([tree.exists("/a"), tree.bytes]).toEqual([false, 0]);
  expect(() => tree.read("/a")).toThrow("no file /a");
  expect(() => tree.list("/a")).toThrow("no directory /a");
});

test("names are bytes", () => {
  const tree = new FtpTree();
  expect(() => tree.write("/€", "")).toThrow("utf8Name");
  tree.write(`/${utf8Name("€")}`, "");
  expect(tree.list()).toEqual(["\xe2\x82\xac"]);
});

test("fill", () => {
  const tree = new FtpTree();
  tree.fill(
    3,
    (i) => `/in/${i}`,
    (i) => "x".repeat(i),
  );
  expect(tree.bytes).toBe(3);
  expect(tree.list("/in")).toEqual(["0", "1", "2"]);
});

test("computed files are read, deleted, renamed, written over and touched", () => {
  const tree = new FtpTree();
  tree.generate(
    "/g",
    5,
    (i) => `f${i}`,
    (i) => i,
    { modifiedOf: (i) => new Date(i * 1000) },
  );
  expect(tree.list("/g")).toEqual(["f0", "f1", "f2", "f3", "f4"]);
  expect(tree.read("/g/f4").toString()).toBe("f4\nf");
  expect(tree.stat("/g/f3")).toMatchObject({ size: 3, modified: new Date(3000) });
  expect(tree.bytes).toBe(0);
  tree.remove("/g/f0");
  tree.write("/g/f1", "own");
  tree.write("/g/new", "new");
  expect([tree.list("/g"), tree.count("/g"), tree.bytes]).toEqual([["f1", "f2", "f3", "f4", "new"], 5, 6]);
  tree.remove("/g/f1");
  expect([tree.exists("/g/f1"), tree.exists("/g/f9"), tree.count("/g"), tree.bytes]).toEqual([false, false, 4, 3]);
});

test("contents of computed files may be given", () => {
  const tree = new FtpTree();
  tree.generate(
    "/g",
    2,
    (i) => `f${i}`,
    () => 2,
    { contentOf: (i) => `${i}!` },
  );
  expect(tree.read("/g/f1").toString()).toBe("1!");
});

test("a rename out of a computed directory keeps the content, a change of time stays", async () => {
  await using server = await FtpServer.start();
  server.tree.generate(
    "/in",
    3,
    (i) => `f${i}`,
    () => 3,
  );
  const raw = await RawClient.open(server.port).login();
  await raw.pack("RNFR in/f1", "RNTO moved", "MFMT 20200101000000 in/f2", "DELE in/f0");
  expect(server.tree.read("/moved").toString()).toBe("f1\n");
  expect(server.tree.list("/in")).toEqual(["f2"]);
  expect(server.tree.stat("/in/f2")).toMatchObject({ size: 3, modified: new Date("2020-01-01") });
  await raw.send("APPE in/f2", "more");
  expect(server.tree.read("/in/f2").toString()).toBe("f2\nmore");
  raw.close();
});

test("a directory of 1,000,000 is streamed in flat memory", async () => {
  await using server = await FtpServer.start();
  server.tree.generate(
    "/in",
    1_000_000,
    (i) => `row-${i}.bin`,
    (i) => i % 1000,
  );
  const raw = await RawClient.open(server.port).login();
  const socket = await raw.passive();
  let rows = 0;
  let highest = 0;
  const before = process.memoryUsage();
  socket.on("data", (chunk: Buffer) => {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) rows += 1;
    const { heapUsed, external } = process.memoryUsage();
    highest = Math.max(highest, heapUsed + external - before.heapUsed - before.external);
  });
  await raw.ask("MLSD in");
  expect(await raw.reply()).toBe("226 Transfer complete");
  await new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
  expect(rows).toBe(1_000_002); // with . and ..
  expect(highest).toBeLessThan(100_000_000); // the listing is 90 MB, and 250 MB as strings
  raw.close();
});

test("one name of 1,000,000 is found at once", () => {
  const tree = new FtpTree();
  tree.generate("/in", 1_000_000, (i) => `row-${i}.bin`);
  expect(tree.exists("/in/row-0.bin")).toBe(true);
  // Looked for one after the other, each would take milliseconds.
  for (let i = 0; i < 100_000; i++)
    if (!tree.exists(`/in/row-${i * 10}.bin`) || tree.exists(`/in/none-${i}`)) throw new Error();
});
