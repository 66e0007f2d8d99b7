/** ls, get, put, rm, mkdir, rename, cat and request, each as a process against one server in memory. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FtpServer, utf8Name } from "../../src/testing/index.js";
import { cleanUp, folder, PLAIN, polywire, USERS, urlOf } from "./polywire.js";

let server: FtpServer;

beforeAll(async () => {
  server = await FtpServer.start(USERS);
  const modified = new Date("2026-03-04T05:06:07Z");
  server.tree.write("/in/a.txt", "hello\n", { modified });
  server.tree.write(`/in/${utf8Name("größe.txt")}`, "x", { modified });
  server.tree.write("/in/evil\x1b[31m.txt", "x", { modified });
  server.tree.write("/in/sub/b.txt", "b", { modified });
  server.tree.write("/big", Buffer.alloc(3_000_000, "0123456789"));
});
afterAll(async () => {
  await server.close();
  await cleanUp();
});

const run = (...args: string[]) => polywire([...args, "--plain"], PLAIN);

describe.concurrent("ls", () => {
  test("names, folders with a slash, control characters made visible", async () => {
    const { stdout, code } = await run("ls", urlOf(server, "/in"));
    expect(stdout.split("\n").sort().filter(Boolean)).toEqual(["a.txt", "evil\\x1b[31m.txt", "größe.txt", "sub/"]);
    expect(code).toBe(0);
  });

  test("-l: mode, bytes, time, name", async () => {
    const { stdout } = await run("ls", "-l", urlOf(server, "/in"));
    expect(stdout).toMatch(/^-rw-r--r--\s+6 {2}2026-03-04 05:06 {2}a\.txt$/m);
    expect(stdout).toMatch(/^drwxr-xr-x .* sub\/$/m);
  });

  test("-R --json: everything below, one object per line", async () => {
    const { stdout } = await run("ls", "-R", "--json", urlOf(server, "/in"));
    const entries = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(entries.find((entry) => entry.name === "sub/b.txt")).toMatchObject({ type: "file", size: 1 });
    expect(entries.map((entry) => entry.name)).toContain("evil\x1b[31m.txt");
  });

  test("a file is listed as itself", async () => {
    expect((await run("ls", urlOf(server, "//in/a.txt"))).stdout).toBe("/in/a.txt\n");
  });
});

describe.concurrent("get", () => {
  test("a file into a folder that is there, with its time", async () => {
    const cwd = join(folder, "get");
    await mkdir(cwd);
    const { code } = await polywire(["get", urlOf(server, "/in/a.txt"), ".", "--plain"], { ...PLAIN, cwd });
    expect(code).toBe(0);
    expect(await readFile(join(cwd, "a.txt"), "utf8")).toBe("hello\n");
  });

  test("a folder only with -r; the result as JSON", async () => {
    const local = join(folder, "tree");
    const refused = await run("get", urlOf(server, "/in"), local);
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining("add -r") });
    const { stdout, code } = await run("get", "-r", "--json", urlOf(server, "/in"), local);
    expect(JSON.parse(stdout)).toMatchObject({ files: 4, bytes: 9, failed: [] });
    expect(code).toBe(0);
    expect(await readFile(join(local, "sub/b.txt"), "utf8")).toBe("b");
  });

  test("a local folder that is not there is exit code 74", async () => {
    const { code, stderr } = await run("get", urlOf(server, "/in/a.txt"), join(folder, "no/such/a.txt"));
    expect(code).toBe(74);
    expect(stderr).toMatch(/^polywire: .*ENOENT.*\n$/);
  });
});

describe.concurrent("put", () => {
  test("into a folder of the URL, made by -p", async () => {
    await writeFile(join(folder, "report.csv"), "1;2\n");
    expect(await run("put", "-p", "report.csv", urlOf(server, "/new/deep/"))).toMatchObject({ code: 0 });
    expect(server.tree.read("/new/deep/report.csv").toString()).toBe("1;2\n");
  });

  test("a folder with -r", async () => {
    await mkdir(join(folder, "site/css"), { recursive: true });
    await writeFile(join(folder, "site/css/a.css"), "a{}");
    expect((await run("put", "site", urlOf(server, "/www"))).code).toBe(64);
    expect((await run("put", "-r", "site", urlOf(server, "/www"))).code).toBe(0);
    expect(server.tree.read("/www/css/a.css").toString()).toBe("a{}");
  });

  test("- is stdin", async () => {
    const { code } = await polywire(["put", "-", urlOf(server, "/stdin.txt"), "--plain"], { ...PLAIN, input: "piped" });
    expect(code).toBe(0);
    expect(server.tree.read("/stdin.txt").toString()).toBe("piped");
  });

  test("a local file that is not there is exit code 74", async () => {
    expect((await run("put", "nosuch", urlOf(server, "/"))).code).toBe(74);
  });
});

describe.concurrent("rm, mkdir, rename", () => {
  test("mkdir, rename inside the folder and to another one, rm -r", async () => {
    expect((await run("mkdir", urlOf(server, "/work"))).code).toBe(0);
    server.tree.write("/work/a", "a");
    expect((await run("rename", urlOf(server, "/work/a"), "b$&")).code).toBe(0);
    expect(server.tree.list("/work")).toEqual(["b$&"]);
    expect((await run("rename", urlOf(server, "/work/b$%26"), "/work2")).code).toBe(0);
    expect((await run("rm", urlOf(server, "/work2"))).code).toBe(0);
    expect(server.tree.exists("/work2")).toBe(false);
    expect((await run("rm", urlOf(server, "/work"))).code).toBe(1);
    expect((await run("rm", "-r", urlOf(server, "/work"))).code).toBe(0);
    expect(server.tree.exists("/work")).toBe(false);
  });

  test("a # or ? in a name is not taken for the end of it", async () => {
    server.tree.write("/keep", "k");
    for (const url of ["/keep#1", "/keep?1"]) {
      const { code, stderr } = await run("rm", urlOf(server, url));
      expect(code).toBe(64);
      expect(stderr).toMatch(/written %(23|3F)/);
    }
    expect(server.tree.exists("/keep")).toBe(true);
  });

  test("the root is not removed", async () => {
    expect((await run("rm", "-r", urlOf(server, "//"))).code).toBe(64);
  });
});

describe.concurrent("cat", () => {
  test("the bytes of a file", async () => {
    expect((await run("cat", urlOf(server, "/in/a.txt"))).stdout).toBe("hello\n");
    expect((await run("cat", urlOf(server, "/big"))).stdout).toHaveLength(3_000_000);
  });

  test("a reader that leaves is no error", async () => {
    const args = ["cat", urlOf(server, "/big"), "--plain"];
    const running = (child: import("node:child_process").ChildProcess) => {
      child.stdout?.once("data", () => child.stdout?.destroy());
    };
    expect(await polywire(args, { ...PLAIN, running })).toMatchObject({ code: 0, stderr: "" });
  });
});

describe.concurrent("request", () => {
  test("the reply as it came; 1 where it is a refusal", async () => {
    expect(await run("request", urlOf(server), "PWD")).toMatchObject({
      code: 0,
      stdout: '257 "/" is the current directory\n',
    });
    const { code, stdout } = await run("request", "--json", urlOf(server), "SITE", "NONSENSE");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: expect.stringMatching(/^5/) });
  });

  test("a line break is refused and nothing is sent", async () => {
    const { code, stderr } = await run("request", urlOf(server), "NOOP\r\nDELE big");
    expect(code).toBe(64);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(server.tree.exists("/big")).toBe(true);
  });
});

test("a transcript is saved without the password", async () => {
  const file = join(folder, "said.txt");
  await run("ls", urlOf(server, "/in"), "--transcript", file);
  expect(existsSync(file)).toBe(true);
  const said = await readFile(file, "utf8");
  expect(said).toContain("C: PASS ***");
  expect(said).toContain("S: 230");
});
