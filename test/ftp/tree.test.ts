/** Whole folders: up, down and away; hostile names, links, many files, several connections, what fails and goes on. */
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, ReplyError, SinkError, UsageError } from "../../src/client/errors.js";
import type { FileEvent } from "../../src/ftp/copy.js";
import { utf8Name } from "../../src/testing/index.js";
import { copying, errorOf, TIME } from "./copying.js";

const bed = copying();
const at = (...names: string[]) => join(bed.here, ...names);
const here = (path: string) => readFileSync(at(path), "utf8");
const paths = (list: readonly { path: string }[]) => list.map(({ path }) => path).sort();

/** Files of this machine, below a folder. */
function local(folder: string, files: Record<string, string>): string {
  mkdirSync(at(folder), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(at(folder), path, ".."), { recursive: true });
    writeFileSync(join(at(folder), path), content);
    utimesSync(join(at(folder), path), TIME, TIME);
  }
  return at(folder);
}

/** A folder of the server whose names are taken as they are. */
function hostile(path: string, names: readonly string[]): void {
  bed.server.tree.generate(
    path,
    names.length,
    (i) => utf8Name(names[i] as string),
    () => 1,
  );
}

function all(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe("upload", () => {
  test("a tree of 1,000 files, by one connection and by four", async () => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`d${i % 10}/e/f${i}`, `${i}`]));
    const folder = local("up", files);
    for (const connections of [1, 4]) {
      const result = await bed.ftp.upload(folder, `/to${connections}`, { connections });
      expect(result).toMatchObject({ files: 1000, folders: 21, bytes: 2890, skipped: [], failed: [] });
      for (const [path, content] of Object.entries(files)) {
        expect(bed.server.tree.read(`/to${connections}/${path}`).toString()).toBe(content);
      }
    }
    expect(bed.server.tree.stat("/to4/d7/e/f7")?.modified).toEqual(TIME);
    await expect.poll(() => bed.server.connections).toBe(1);
  });

  test("relative to the working directory, also by several connections; into folders that are there", async () => {
    bed.server.tree.write("/in/to/sub/old", "stays");
    await bed.ftp.cwd("/in");
    await bed.ftp.upload(local("up", { "sub/new": "x" }), "to", { connections: 2 });
    await bed.ftp.upload(local("up2", { other: "y" }), ".");
    expect(bed.server.tree.list("/in/to/sub")).toEqual(["new", "old"]);
    expect(bed.server.tree.list("/in")).toEqual(["other", "to"]);
  });

  test("the folder itself is made, those above it only with makePath", async () => {
    const folder = local("up", { a: "x" });
    expect(await errorOf(bed.ftp.upload(folder, "/x/y/z"))).toBeInstanceOf(ReplyError);
    await bed.ftp.upload(folder, "/x/y/z", { makePath: true });
    expect(bed.server.tree.list("/x/y/z")).toEqual(["a"]);
  });

  test("names that cannot be sent fail one by one, the rest arrives", async () => {
    const folder = local("up", { "a\r\nDELE b": "1", "c\nd": "2", "x\ny/below": "3", good: "4" });
    const result = await bed.ftp.upload(folder, "/to");
    expect(result.files).toBe(1);
    expect(paths(result.failed)).toEqual(["a\r\nDELE b", "c\nd", "x\ny"]);
    for (const { error } of result.failed) {
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toMatch(/must not hold (CR|LF)/);
    }
    expect(bed.server.tree.list("/to")).toEqual(["good"]);
  });

  test("names that are not UTF-8 keep their bytes", async () => {
    mkdirSync(at("up"));
    writeFileSync(Buffer.concat([Buffer.from(`${at("up")}/caf`), Buffer.of(0xe9, 0xff)]), "x");
    writeFileSync(at("up", "größe"), "y");
    expect(await bed.ftp.upload(at("up"), "/to")).toMatchObject({ files: 2, failed: [] });
    expect(bed.server.tree.list("/to")).toEqual(["caf\xe9\xff", utf8Name("größe")]);
  });

  test("links are skipped, or followed with loops noticed", async () => {
    const folder = local("up", { "sub/a": "x" });
    local("outside", { b: "y" });
    symlinkSync(at("outside"), join(folder, "out"));
    symlinkSync("..", join(folder, "sub/loop"));
    symlinkSync("sub/a", join(folder, "link"));
    symlinkSync("nowhere", join(folder, "dangling"));
    const skipping = await bed.ftp.upload(folder, "/one");
    expect(skipping).toMatchObject({ files: 1, failed: [] });
    expect(paths(skipping.skipped)).toEqual(["dangling", "link", "out", "sub/loop"]);
    const following = await bed.ftp.upload(folder, "/two", { followLinks: true });
    expect(following.skipped).toEqual([{ path: "sub/loop", why: "a loop: the same folder as the root" }]);
    expect(paths(following.failed)).toEqual(["dangling"]);
    expect(bed.server.tree.read("/two/out/b").toString()).toBe("y");
    expect(bed.server.tree.read("/two/link").toString()).toBe("x");
  });

  test("filter leaves out files, and folders unseen", async () => {
    const folder = local("up", { a: "1", "b.tmp": "2", "sub/c": "3", "skip/d": "4" });
    const seen: string[] = [];
    const filter = (entry: { name: string; type: string; size?: number | undefined }, path: string) => {
      seen.push(`${entry.type} ${path} ${entry.type === "file" ? entry.size : ""}`.trim());
      return !entry.name.endsWith(".tmp") && path !== "skip";
    };
    expect(await bed.ftp.upload(folder, "/to", { filter })).toMatchObject({ files: 2, skipped: [], failed: [] });
    expect(seen.sort()).toEqual(["directory skip", "directory sub", "file a 1", "file b.tmp 1", "file sub/c 1"]);
    expect(bed.server.tree.list("/to")).toEqual(["a", "sub"]);
  });

  test("a file that fails does not end the tree, unless stopOnError", async () => {
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, `${i}`]));
    const folder = local("up", files);
    bed.server.faults.reply = { STOR: { reply: "553 No", times: 1 } };
    const events: FileEvent[] = [];
    const result = await bed.ftp.upload(folder, "/to", { onFile: (event) => events.push(event) });
    expect(result).toMatchObject({ files: 19, failed: [{ error: { code: "553" } }] });
    expect(events.map(({ outcome }) => outcome).filter((outcome) => outcome === "failed")).toHaveLength(1);
    expect(events).toHaveLength(20);
    bed.server.faults.reply = { STOR: "553 No" };
    bed.verbs();
    const error = await errorOf(bed.ftp.upload(folder, "/to", { stopOnError: true }));
    expect(error).toMatchObject({ code: "553" });
    expect(bed.verbs().filter((verb) => verb === "STOR").length).toBeLessThan(5);
    await bed.ftp.noop();
  });

  test("onExists and resume count file by file", async () => {
    const folder = local("up", { a: "1", b: "22" });
    bed.server.tree.write("/to/a", "old");
    expect(await bed.ftp.upload(folder, "/to", { onExists: "skip" })).toMatchObject({
      files: 1,
      skipped: [{ path: "a", why: "it exists" }],
    });
    expect(await bed.ftp.upload(folder, "/to", { resume: true })).toMatchObject({ files: 1, skipped: [{ path: "b" }] });
    expect(bed.server.tree.read("/to/a").toString()).toBe("1");
  });

  test("a callback that throws ends the run with its error", async () => {
    const onFile = () => {
      throw new Error("enough");
    };
    const folder = local("up", { a: "1", b: "2", c: "3", d: "4" });
    await expect(bed.ftp.upload(folder, "/to", { onFile })).rejects.toThrow("enough");
    await bed.ftp.noop();
  });
});

describe("download", () => {
  test("a tree of 1,000 files, by one connection and by four", async () => {
    for (let i = 0; i < 1000; i++) bed.server.tree.write(`/in/d${i % 10}/e/f${i}`, `${i}`, { modified: TIME });
    for (const connections of [1, 4]) {
      const to = at(`to${connections}`);
      const result = await bed.ftp.download("/in", to, { connections });
      expect(result).toMatchObject({ files: 1000, folders: 21, bytes: 2890, skipped: [], failed: [] });
      expect(all(to)).toHaveLength(1000);
      expect(readFileSync(join(to, "d7/e/f937"), "utf8")).toBe("937");
      expect(statSync(join(to, "d7/e/f937")).mtime).toEqual(TIME);
    }
  });

  test.each(["unix", "dos"] as const)("by LIST, %s style: exact times are asked for", async (listStyle) => {
    await bed.serve({ listStyle, features: { mlsd: false } });
    bed.server.tree.write("/in/sub/a", "x", { modified: TIME });
    expect(await bed.ftp.download("/in", at("to"))).toMatchObject({ files: 1, failed: [] });
    expect(statSync(at("to/sub/a")).mtime).toEqual(TIME);
  });

  test("hostile names are told, and never written", async () => {
    const names = ["../x", "/etc/x", "a/b", "..\\x", "good", "a\rb", "sub/../../x"];
    hostile("/in", names);
    hostile("/in2", ["../../y"]);
    const result = await bed.ftp.download("/in", at("deep/to"), { makePath: true });
    const bad = process.platform === "win32" ? names.length - 1 : names.length - 2;
    expect(result.skipped).toHaveLength(bad);
    for (const { why } of result.skipped) expect(why).toBe("not a name that is safe to use here");
    expect(result.files).toBe(names.length - bad);
    expect(all(bed.here)).toEqual(["deep/to/..\\x", "deep/to/good"]);
  });

  test("names that are not UTF-8 keep their bytes", async () => {
    bed.server.tree.write("/in/caf\xe9\xff", "x");
    bed.server.tree.write(`/in/${utf8Name("größe")}/a`, "y");
    expect(await bed.ftp.download("/in", at("to"))).toMatchObject({ files: 2, failed: [] });
    const names = readdirSync(at("to"), { encoding: "buffer" }).map((name) => name.toString("latin1"));
    expect(names.sort()).toEqual(["caf\xe9\xff", utf8Name("größe")]);
  });

  test("a link in the target does not lead out", async () => {
    bed.server.tree.write("/in/sub/a", "theirs");
    bed.server.tree.write("/in/file", "theirs");
    mkdirSync(at("outside"));
    mkdirSync(at("to"));
    writeFileSync(at("precious"), "kept");
    symlinkSync(at("outside"), at("to/sub"));
    symlinkSync(at("precious"), at("to/file"));
    const result = await bed.ftp.download("/in", at("to"));
    expect(result.failed).toEqual([{ path: "sub", error: expect.any(SinkError) }]);
    expect(readdirSync(at("outside"))).toEqual([]);
    expect([here("precious"), here("to/file")]).toEqual(["kept", "theirs"]);
  });

  test("the root of the target may be a link: it is your own word", async () => {
    bed.server.tree.write("/in/a", "x");
    mkdirSync(at("real"));
    symlinkSync(at("real"), at("to"));
    await bed.ftp.download("/in", at("to"));
    expect(here("real/a")).toBe("x");
  });

  test("what cannot be read, and what is no file, is told", async () => {
    const rows = ["-rw-r--r-- 1 u g 3 Jan 01 2020 a", "lrwxrwxrwx 1 u g 3 Jan 01 2020 l -> a", "what is this", ""];
    await bed.serve({ features: { mlsd: false }, disabled: [] });
    bed.server.tree.mkdir("/in");
    const { entries } = bed.ftp;
    // The rows of a server that the one in memory is not.
    const { ListParser } = await import("../../src/ftp/parse-list.js");
    const parsed = new ListParser({ timeZone: "UTC" });
    const found = [...parsed.push(Buffer.from(rows.join("\r\n"))), ...parsed.end()];
    bed.ftp.entries = (...args: Parameters<typeof entries>) =>
      Object.assign(entries.apply(bed.ftp, args), {
        async *batches() {
          yield found;
        },
      });
    const result = await bed.ftp.download("/in", at("to"));
    expect(result.skipped).toEqual([
      { path: "l", why: "a symbolic link" },
      { path: "what is this", why: "a row of the listing that cannot be read" },
    ]);
    expect(paths(result.failed)).toEqual(["a"]);
  });

  test("a listing that was cut short is a failure, beside what came", async () => {
    await bed.serve({ limits: { maxEntriesListed: 3, announceTruncation: true } });
    for (let i = 0; i < 5; i++) bed.server.tree.write(`/in/f${i}`, "x");
    const result = await bed.ftp.download("/in", at("to"));
    expect(result.failed).toEqual([{ path: "", error: expect.objectContaining({ name: "ProtocolError" }) }]);
    expect(String(result.failed[0]?.error)).toContain("truncated");
    expect(result.files).toBeGreaterThan(0);
    await bed.ftp.noop();
  });

  test("a file and a folder that fail do not end the tree", async () => {
    for (const path of ["/in/a", "/in/b", "/in/no/c", "/in/yes/d"]) bed.server.tree.write(path, "x");
    bed.server.faults.reply = { "RETR /in/b": "550 Not this one", "MLSD /in/no": "550 Nor this" };
    const result = await bed.ftp.download("/in", at("to"));
    expect(result.files).toBe(2);
    expect(paths(result.failed)).toEqual(["b", "no"]);
  });

  test("a folder that cannot be listed at all rejects; one that is not there, too", async () => {
    bed.server.tree.mkdir("/in");
    bed.server.faults.reply = { MLSD: "550 No" };
    expect(await errorOf(bed.ftp.download("/in", at("to")))).toMatchObject({ code: "550" });
    expect(await errorOf(bed.ftp.download("/none", at("none")))).toMatchObject({ code: "550" });
  });

  test("a folder that holds itself is noticed", async () => {
    bed.server.tree.write("/in/sub/a", "x");
    const { directory, node } = { directory: bed.server.tree.directory("/in/sub"), node: bed.server.tree.node("/in") };
    if (node) directory.set("loop", node);
    const result = await bed.ftp.download("/in", at("to"));
    expect(result).toMatchObject({ files: 1, failed: [] });
    expect(result.skipped).toEqual([{ path: "sub/loop", why: "a loop: the same folder as the root" }]);
  });

  test("a signal ends it, and leaves no half file", async () => {
    for (let i = 0; i < 50; i++) bed.server.tree.write(`/in/f${i}`, "x".repeat(50_000));
    const abort = new AbortController();
    let files = 0;
    const onFile = () => ++files === 10 && abort.abort();
    const call = bed.ftp.download("/in", at("to"), { signal: abort.signal, onFile, connections: 3 });
    expect(await errorOf(call)).toBeInstanceOf(AbortedError);
    expect(all(at("to")).length).toBeLessThan(50);
    expect(all(at("to")).filter((name) => name.endsWith(".part"))).toEqual([]);
    await bed.ftp.noop();
    await expect.poll(() => bed.server.connections).toBe(1);
  });

  test("the client's own connection lost ends it; one of several is replaced", async () => {
    for (let i = 0; i < 40; i++) bed.server.tree.write(`/in/f${i}`, "x");
    bed.server.faults.closeBeforeCommand = { command: "RETR /in/f20" };
    const result = await bed.ftp.download("/in", at("several"), { connections: 2 });
    expect(result).toMatchObject({ files: 39, failed: [{ path: "f20" }] });
    bed.server.faults.closeBeforeCommand = { command: "RETR /in/f20" };
    expect(await errorOf(bed.ftp.download("/in", at("one")))).toBeInstanceOf(ConnectionError);
    expect(bed.ftp.state).toBe("closed");
  });

  test("a server that allows one connection only is content with one", async () => {
    await bed.serve({ limits: { maxClients: 1 } });
    for (let i = 0; i < 20; i++) bed.server.tree.write(`/in/f${i}`, "x");
    expect(await bed.ftp.download("/in", at("to"), { connections: 4 })).toMatchObject({ files: 20, failed: [] });
  });

  test("memory does not grow with the files of one result: what is skipped is counted", async () => {
    bed.server.tree.generate("/in", 10_005, (i) => `../${i}`);
    const result = await bed.ftp.download("/in", at("to"));
    expect(result.skipped).toHaveLength(10_000);
    expect(result.unlisted).toBe(5);
  });
});

describe("removeTree", () => {
  test("files in packs of 50, folders bottom-up", async () => {
    for (let i = 0; i < 1000; i++) bed.server.tree.write(`/x/d${i % 10}/e/f${i}`, "x");
    bed.server.tree.write("/y", "stays");
    const result = await bed.ftp.removeTree("/x");
    expect(result).toEqual({ files: 1000, folders: 21, bytes: 0, skipped: [], failed: [], unlisted: 0 });
    expect(bed.server.tree.list()).toEqual(["y"]);
  });

  test("one file", async () => {
    bed.server.tree.write("/y", "x");
    expect(await bed.ftp.removeTree("/y")).toMatchObject({ files: 1, folders: 0 });
    expect(bed.server.tree.list()).toEqual([]);
  });

  test("what is not there is refused", async () => {
    expect(await errorOf(bed.ftp.removeTree("/none"))).toMatchObject({ code: "550" });
    await bed.serve({ features: { mlsd: false } });
    expect(await errorOf(bed.ftp.removeTree("/none"))).toBeInstanceOf(ReplyError);
  });

  test.each(["/", "", ".", "//", "./", "/.", "..", "../..", "a/..", "/a/..", "../b", "a/../.."])(
    "%j is refused, and with force only emptied",
    async (path) => {
      bed.server.tree.write("/work/a/b", "x");
      await bed.ftp.cwd("/work");
      bed.verbs();
      expect(await errorOf(bed.ftp.removeTree(path))).toBeInstanceOf(UsageError);
      expect(bed.verbs()).toEqual([]);
    },
  );

  test("force empties the root, and the working directory", async () => {
    bed.server.tree.write("/work/a/b", "x");
    bed.server.tree.write("/c", "x");
    await bed.ftp.cwd("/work");
    expect(await bed.ftp.removeTree("", { force: true })).toMatchObject({ files: 1, folders: 1, failed: [] });
    expect(bed.server.tree.list()).toEqual(["c", "work"]);
    expect(await bed.ftp.removeTree("/", { force: true })).toMatchObject({ files: 1, folders: 1, failed: [] });
    expect(bed.server.tree.list()).toEqual([]);
  });

  test("what fails stays, and what holds it; the rest goes", async () => {
    for (const path of ["/x/a", "/x/keep/b", "/x/go/c"]) bed.server.tree.write(path, "x");
    bed.server.faults.reply = { "DELE /x/keep/b": "550 No" };
    const result = await bed.ftp.removeTree("/x");
    expect(result).toMatchObject({ files: 2, folders: 1 });
    expect(paths(result.failed)).toEqual(["keep/b"]);
    expect(bed.server.tree.list("/x")).toEqual(["keep"]);
    const error = await errorOf(bed.ftp.removeTree("/x", { stopOnError: true }));
    expect(error).toMatchObject({ code: "550" });
  });

  test("a folder that cannot be removed is told once", async () => {
    bed.server.tree.write("/x/sub/a", "x");
    bed.server.faults.reply = { "RMD /x/sub": "550 Not empty" };
    const result = await bed.ftp.removeTree("/x");
    expect(result).toMatchObject({ files: 1, folders: 0 });
    expect(paths(result.failed)).toEqual(["sub"]);
  });

  test("a listing that is cut short is asked for again", async () => {
    await bed.serve({ limits: { maxEntriesListed: 7 } });
    for (let i = 0; i < 40; i++) bed.server.tree.write(`/x/f${i}`, "x");
    expect(await bed.ftp.removeTree("/x")).toMatchObject({ files: 40, folders: 1, failed: [] });
    expect(bed.server.tree.list()).toEqual([]);
  });

  test("hostile names are not sent", async () => {
    hostile("/x", ["../y", "good"]);
    bed.server.tree.write("/y", "stays");
    const result = await bed.ftp.removeTree("/x");
    expect(result.files).toBe(1);
    expect(result.failed).toHaveLength(1);
    expect(bed.server.tree.exists("/y")).toBe(true);
    expect(bed.server.commands.some((line) => line.includes("../y"))).toBe(false);
  });

  test("a connection that dies rejects", async () => {
    bed.server.tree.write("/x/a/b", "x");
    bed.server.faults.closeBeforeCommand = { command: "DELE /x/a/b" };
    expect(await errorOf(bed.ftp.removeTree("/x"))).toBeInstanceOf(ConnectionError);
  });
});
