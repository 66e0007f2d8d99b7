/** Real servers: trees, listings that are cut short, files still being written, done files. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

const KINDS = ["vsftpd", "proftpd", "pureftpd", "pyftpdlib"] as const satisfies readonly Kind[];
/** It lists what a link points to: only one that leads back into the tree can be told from a folder. */
const HIDES_LINKS: Kind = "pyftpdlib";
const TREE = ["a.dat", "x/b.dat", "x/y/c.dat", "x y/[e]*.dat", "-z/f.dat", " lead/g.dat", "ü/h?.dat"];

function write(server: LiveFtp, paths: readonly string[], content = (path: string) => `content of ${path}`): void {
  for (const path of paths) {
    mkdirSync(dirname(join(server.home, path)), { recursive: true });
    writeFileSync(join(server.home, path), content(path));
  }
  server.handOver();
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
}

/** A move from one server's `out` to a local folder beside it. */
async function withServer(kind: Kind, run: (server: LiveFtp, job: MoveOptions & { to: string }) => Promise<void>) {
  const server = await start(kind);
  try {
    mkdirSync(join(server.home, "out"));
    server.handOver();
    await run(server, { from: url(server, "out"), to: join(dirname(server.home), "in"), lanes: 4 });
  } finally {
    await server.stop();
  }
}

describeLive([...KINDS], "a move of what real servers list", () => {
  test.each(KINDS)("a tree of odd names from %s, links left alone, empty folders removed", async (kind) => {
    await withServer(kind, async (server, job) => {
      write(
        server,
        TREE.map((path) => `out/${path}`),
      );
      mkdirSync(join(server.home, "other"));
      writeFileSync(join(server.home, "other", "o.dat"), "other");
      if (kind !== HIDES_LINKS) symlinkSync("../other", join(server.home, "out", "link"));
      symlinkSync("..", join(server.home, "out", "x", "up"));
      server.handOver();
      const result = await move({ ...job, recursive: true, removeEmptyFolders: true });
      expect(result).toMatchObject({ moved: TREE.length, failed: 0, conflicts: 0, gone: 0, left: 0 });
      expect(result.unlisted.map(({ folder }) => folder)).toEqual(kind === HIDES_LINKS ? ["x/up"] : []);
      expect(filesBelow(job.to)).toEqual([...TREE].sort());
      expect(existsSync(join(server.home, "out", "x", "up"))).toBe(true);
      expect(readdirSync(join(server.home, "out")).sort()).toEqual(kind === HIDES_LINKS ? ["x"] : ["link", "x"]);
      expect(existsSync(join(server.home, "other", "o.dat"))).toBe(true);
    });
  });

  test("links that pyftpdlib lists as folders, each in the other's: the listing ends, and no file is lost", async () => {
    await withServer(HIDES_LINKS, async (server, job) => {
      write(server, ["out/a/f.dat", "out/b/g.dat"]);
      symlinkSync("../b", join(server.home, "out", "a", "to-b"));
      symlinkSync("../a", join(server.home, "out", "b", "to-a"));
      server.handOver();
      const { unlisted, moved, failed, conflicts, left } = await move({ ...job, recursive: true });
      expect({ failed, conflicts, left }).toEqual({ failed: 0, conflicts: 0, left: 0 });
      expect(unlisted.map(({ folder }) => folder).sort()).toEqual(["a/to-b/to-a", "b/to-a/to-b"]);
      // Each is found in two folders: it arrives in one of them at least.
      const there = filesBelow(job.to);
      expect(there).toHaveLength(moved);
      for (const paths of [
        ["a/f.dat", "b/to-a/f.dat"],
        ["b/g.dat", "a/to-b/g.dat"],
      ])
        expect(there.some((path) => paths.includes(path))).toBe(true);
      expect(readdirSync(join(server.home, "out", "a"))).toEqual(["to-b"]);
      expect(readdirSync(join(server.home, "out", "b"))).toEqual(["to-a"]);
    });
  });

  test.each(KINDS)("done files and stableFor at %s", async (kind) => {
    await withServer(kind, async (server, job) => {
      write(server, ["out/a.csv", "out/a.csv.done", "out/b.csv", "out/c.csv", "out/c.csv.done"]);
      const busy = setInterval(() => appendFileSync(join(server.home, "out/c.csv"), "more"), 100);
      try {
        const result = await move({ ...job, doneFile: "{name}.done", stableFor: 1500 });
        expect(result).toMatchObject({ moved: 1, waiting: 2, left: 0, failed: 0 });
      } finally {
        clearInterval(busy);
      }
      expect(filesBelow(job.to)).toEqual(["a.csv"]);
      expect(filesBelow(join(server.home, "out"))).toEqual(["b.csv", "c.csv", "c.csv.done"]);
    });
  });

  test("25,000 files from Pure-FTPd, which lists 10,000", { timeout: 240_000 }, async () => {
    await withServer("pureftpd", async (server, job) => {
      const names = Array.from({ length: 25_000 }, (_, i) => `out/f${String(i).padStart(5, "0")}.dat`);
      write(server, names, (path) => path.slice(4));
      const result = await move({ ...job, lanes: 8 });
      expect(result).toMatchObject({ moved: 25_000, left: 0, failed: 0, unlisted: [] });
      expect(readdirSync(job.to)).toHaveLength(25_000);
      expect(readdirSync(join(server.home, "out"))).toEqual([]);
    });
  });

  test("a copy from Pure-FTPd tells that it is not whole", { timeout: 240_000 }, async () => {
    await withServer("pureftpd", async (server, job) => {
      const names = Array.from({ length: 10_050 }, (_, i) => `out/f${i}`);
      write(server, names, () => "");
      const result = await move({ ...job, lanes: 8, source: "keep", match: "f7*" });
      expect(result.unlisted).toMatchObject([{ folder: "", certain: true }]);
      expect(result.unlisted[0]?.why).toContain("truncated");
    });
  });
});
