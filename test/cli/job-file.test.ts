/** polywire move with a job file, as cron runs it: silent, one at a time, and honest about what is wrong. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { FtpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, polywire, type RunOptions, USERS, urlOf } from "./polywire.js";

afterAll(cleanUp);

/** Two servers, files on the first one, and a folder with a job file and two files of passwords. */
async function setUp(files: number, more: object = {}) {
  const from = await FtpServer.start(USERS);
  const to = await FtpServer.start(USERS);
  for (let i = 0; i < files; i++) from.tree.write(`/out/f${i}.csv`, `file ${i}`);
  const cwd = join(folder, `job-${from.port}`);
  mkdirSync(cwd);
  for (const name of ["old.password", "new.password"]) writeFileSync(join(cwd, name), `${PASSWORD}\n`, { mode: 0o600 });
  const job = {
    from: { url: `${urlOf(from, "/out")}?security=plain`, passwordFile: "old.password" },
    to: { url: `${urlOf(to, "/in")}?security=plain`, passwordFile: "new.password" },
    match: "*.csv",
    ...more,
  };
  const path = join(cwd, "night.json");
  const write = (options: object) => writeFileSync(path, JSON.stringify(options, undefined, 2));
  write(job);
  // Not the folder of the job file: paths in it are relative to itself.
  const run = (args: string[] = [], options: RunOptions = {}) => polywire(["move", path, ...args], options);
  const close = async () => {
    await from.close();
    await to.close();
  };
  return { from, to, cwd, path, job, write, run, [Symbol.asyncDispose]: close };
}

describe.concurrent("a job file", () => {
  test("moves, says nothing where nothing is wrong, and keeps its journal beside it", async () => {
    await using job = await setUp(5);
    expect(await job.run()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(job.to.tree.count("/in")).toBe(5);
    expect(job.from.tree.count("/out")).toBe(0);
    expect(existsSync(join(job.cwd, "night.journal"))).toBe(true);
    expect(await job.run()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await job.run(["--no-quiet"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^5 files moved/) });
  });

  test("prints what went wrong, and ends with 1", async () => {
    await using job = await setUp(3);
    job.to.tree.write("/in/f1.csv", "another file");
    const { code, stdout } = await job.run();
    expect(code).toBe(1);
    expect(stdout).toContain("✗ CONFLICT f1.csv");
    expect(stdout).toContain(`polywire status ${join(job.cwd, "night.journal")} --failed`);
  });

  test("options of the command line come before its own", async () => {
    await using job = await setUp(2, { source: "delete", journal: "not-this.journal" });
    const { code } = await job.run(["--copy", "--journal", join(job.cwd, "this.journal"), "--match", "f1.*"]);
    expect(code).toBe(0);
    expect(job.from.tree.count("/out")).toBe(2);
    expect(job.to.tree.list("/in")).toEqual(["f1.csv"]);
    expect(readdirSync(job.cwd).filter((name) => name.endsWith(".journal"))).toEqual(["this.journal"]);
  });

  test("--dry-run prints the plan", async () => {
    await using job = await setUp(2);
    job.to.tree.write("/in/f1.csv", "another file");
    const { code, stdout, stderr } = await job.run(["--dry-run"]);
    expect(code).toBe(1);
    expect(stdout.split("\n").slice(0, 3).sort()).toEqual([
      "action,name,target,size,modified,why",
      expect.stringMatching(/^conflict,f1\.csv,f1\.csv,6,/),
      expect.stringMatching(/^move,f0\.csv,f0\.csv,6,/),
    ]);
    expect(stderr).toContain("Nothing was changed.");
    expect(job.from.tree.count("/out")).toBe(2);
    expect(existsSync(join(job.cwd, "night.journal"))).toBe(false);
  });

  test("job.mjs may compute its options, and read passwords from the environment", async () => {
    await using job = await setUp(2);
    const path = join(job.cwd, "night.mjs");
    const sides = { from: { ...job.job.from, passwordFile: undefined, passwordEnv: "OLD_PW" }, to: job.job.to };
    writeFileSync(
      path,
      `export default async () => ({ ...${JSON.stringify(sides)}, match: /^f(?<n>\\d)/, route: ({ name }) => "x/" + name });`,
    );
    expect(await polywire(["move", path], { env: { OLD_PW: PASSWORD } })).toMatchObject({ code: 0, stdout: "" });
    expect(job.to.tree.list("/in/x")).toEqual(["f0.csv", "f1.csv"]);
    const unset = await polywire(["move", path]);
    expect(unset.code).toBe(64);
    expect(unset.stderr).toContain("the variable OLD_PW of the environment holds no password");
    // What was a function cannot be gone on with from the journal alone.
    const again = await polywire(["retry-failed", join(job.cwd, "night.journal")]);
    expect(again).toMatchObject({ code: 64, stderr: expect.stringContaining("name the job file, which has it") });
  });

  test("a password that others can read is refused", async () => {
    await using job = await setUp(1);
    chmodSync(join(job.cwd, "old.password"), 0o644);
    const { code, stderr } = await job.run();
    expect(code).toBe(64);
    expect(stderr).toContain(`others can read the password in ${join(job.cwd, "old.password")}: run: chmod 600`);
    expect(job.from.commands.filter((line) => line.startsWith("PASS"))).toEqual([]);
  });

  test.each([
    [
      "an unknown name, with the nearest one",
      { lane: 4 },
      /has an option "lane" that is not known: did you mean lanes\?/,
    ],
    [
      "an unknown name of a side",
      { to: { url: "ftp://h/", pasword: 1 } },
      /"to\.pasword" that is not known: did you mean/,
    ],
    ["a value of another kind", { segments: "4" }, /has segments: it is a number, not string/],
    ["lanes that are no number", { lanes: "4" }, /lanes is a whole number or "auto", not "4"/],
    ["a side without a URL", { to: { passwordFile: "x" } }, /has to: it says no "url"/],
    [
      "two passwords",
      { to: { url: "ftp://h/", passwordFile: "x", passwordEnv: "X" } },
      /one of passwordFile, passwordEnv/,
    ],
    ["no target", { to: undefined }, /says no "to"/],
  ])("is refused with %s", async (_, change, says) => {
    await using job = await setUp(1);
    job.write({ ...job.job, ...change });
    expect(await job.run()).toMatchObject({ code: 64, stdout: "", stderr: expect.stringMatching(says) });
    expect(job.from.commands).toEqual([]);
  });

  test("text that is no JSON is refused without being quoted: a password may be in it", async () => {
    await using job = await setUp(0);
    writeFileSync(job.path, `{ "from": "ftp://alice:${PASSWORD}@h/" "to" }`);
    const { code, stderr } = await job.run();
    expect(code).toBe(64);
    expect(stderr).toMatch(/night\.json is no JSON/);
  });

  test("a second run while the first one works ends with 75 and does nothing", async () => {
    await using job = await setUp(40);
    job.to.faults.replyDelay = 20;
    const first = job.run(["--lanes", "1"]);
    while (!job.to.tree.exists("/in") || job.to.tree.count("/in") === 0) await sleep(10);
    const before = job.from.commands.filter((line) => line.startsWith("USER")).length;
    const second = await job.run();
    expect(second).toMatchObject({ code: 75, stdout: "" });
    expect(second.stderr).toMatch(/another run of this job is at work \(journal .*night\.journal\): process \d+ on /);
    expect(job.from.commands.filter((line) => line.startsWith("USER"))).toHaveLength(before);
    job.to.clearFaults();
    expect((await first).code).toBe(0);
    expect(job.to.tree.count("/in")).toBe(40);
  });

  test("its journal and its transcript hold no password", async () => {
    await using job = await setUp(1);
    await job.run(["--transcript", join(job.cwd, "said.txt")]);
    for (const name of ["said.txt", "night.journal"])
      expect(readFileSync(join(job.cwd, name), "latin1")).not.toContain(PASSWORD);
  });
});

test("FROM without TO that is no job file is refused", async () => {
  expect(await polywire(["move", "ftp://h/out"])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("TO is missing"),
  });
});
