/** polywire move as a process: the plan, the move, failures, a full disk, Ctrl-C and going on. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { FtpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, polywire, type RunOptions, USERS, urlOf } from "./polywire.js";

afterAll(cleanUp);

const MATCH = "f_{day:yyyyMMdd}_{n:4d}.dat";
const ROUTE = "{day:yyyy}/{n}.dat";
const BOTH = { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_TO_PASSWORD: PASSWORD };

const nameOf = (i: number) => `f_202${i % 3}0102_${String(i).padStart(4, "0")}.dat`;

/** Two servers, `files` on the first one, and a folder of its own to run in. */
async function pair(files: number) {
  const from = await FtpServer.start(USERS);
  const to = await FtpServer.start(USERS);
  for (let i = 0; i < files; i++) from.tree.write(`/out/${nameOf(i)}`, `file ${i}`);
  from.tree.write("/out/other.txt", "not for us");
  const cwd = join(folder, `${from.port}`);
  mkdirSync(cwd);
  const args = ["move", urlOf(from, "/out"), urlOf(to, "/in"), "--match", MATCH, "--route", ROUTE, "--plain"];
  const run = (more: string[] = [], options: RunOptions = {}) =>
    polywire([...args, ...more], { env: BOTH, cwd, ...options });
  const journals = () => readdirSync(cwd).filter((name) => /journal|^j/.test(name));
  const arrived = () => ["2020", "2021", "2022"].reduce((sum, year) => sum + countIn(to, `/in/${year}`), 0);
  const close = async () => {
    await from.close();
    await to.close();
  };
  return { from, to, run, cwd, journals, arrived, [Symbol.asyncDispose]: close };
}

const countIn = (server: FtpServer, path: string) => (server.tree.exists(path) ? server.tree.count(path) : 0);

describe.concurrent("move", () => {
  test("moves what matches, says what it did, and removes its own journal", async () => {
    await using job = await pair(30);
    const { code, stdout, stderr } = await job.run();
    expect(stderr).toMatch(/^Journal: polywire-move-[0-9a-f]{10}\.journal\. .*the same command goes on/);
    expect(stdout).toMatch(/^30 files moved, .* in .* s/);
    expect(code).toBe(0);
    expect(job.from.tree.list("/out")).toEqual(["other.txt"]);
    expect(job.to.tree.read("/in/2021/0001.dat").toString()).toBe("file 1");
    expect(job.journals()).toEqual([]);
  });

  test("from a folder that does not exist: no journal is left behind", async () => {
    await using job = await pair(0);
    const args = ["move", "./nix", urlOf(job.to, "/in"), "--plain"];
    const { code, stderr } = await polywire(args, { env: { POLYWIRE_PASSWORD: PASSWORD }, cwd: job.cwd });
    expect([code, stderr]).toEqual([64, "polywire: there is no folder ./nix\n"]);
    expect(readdirSync(job.cwd)).toEqual([]);
  });

  test("--copy --json --progress json: one object on stdout, NDJSON on stderr; a named journal is kept", async () => {
    await using job = await pair(10);
    const { code, stdout, stderr } = await job.run(["--copy", "--json", "--progress", "json", "--journal", "j"]);
    expect(JSON.parse(stdout)).toMatchObject({ moved: 10, failed: 0, left: 0, journal: "j" });
    const lines = stderr.trim().split("\n").slice(1);
    expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ phase: "done", settled: 10 });
    expect(code).toBe(0);
    expect(job.from.tree.count("/out")).toBe(11);
    expect(job.journals()).toContain("j.lock");
    const read = await polywire(["status", "j", "--json"], { cwd: job.cwd });
    expect(JSON.parse(read.stdout)).toMatchObject({ settings: { match: MATCH }, states: { DONE: 10 } });
  });

  test("--dry-run: the plan as CSV or NDJSON, collisions counted, nothing changed", async () => {
    await using job = await pair(4);
    job.to.tree.write("/in/2020/0000.dat", "another file");
    const csv = await job.run(["--dry-run"]);
    const rows = csv.stdout.trim().split("\n");
    expect(rows[0]).toBe("action,name,target,size,modified,why");
    expect(rows.slice(1).map((row) => row.split(",", 3).join(","))).toContain(`move,${nameOf(1)},2021/0001.dat`);
    expect(csv.stderr).toMatch(
      /3 files \(18 B\) would be moved\n1 file \(6 B\) would stay: another file has their name/,
    );
    expect(csv.code).toBe(1);
    const json = (await job.run(["--dry-run", "--json"])).stdout
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row));
    expect(json.at(-1)).toEqual({ summary: { conflict: { files: 1, bytes: 6 }, move: { files: 3, bytes: 18 } } });
    expect(job.from.tree.count("/out")).toBe(5);
    expect(job.journals()).toEqual([]);
  });

  test("files that conflict are told, the journal is kept, and lists all of them", async () => {
    await using job = await pair(6);
    job.to.tree.write("/in/2020/0000.dat", "another file");
    const { code, stdout } = await job.run();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^5 files moved/);
    expect(stdout).toContain(`✗ CONFLICT ${nameOf(0)} -> 2020/0000.dat`);
    const [, journal] = /polywire status (\S+) --failed/.exec(stdout) ?? [];
    const failed = await polywire(["status", journal as string, "--failed"], { cwd: job.cwd });
    expect(failed.stdout).toMatch(new RegExp(`^name,target,state,code,error\n${nameOf(0)},2020/0000.dat,CONFLICT,`));
  });

  test("from a local folder, with the one server's password in POLYWIRE_PASSWORD", async () => {
    await using job = await pair(0);
    mkdirSync(join(job.cwd, "spool"));
    writeFileSync(join(job.cwd, "spool", "a.csv"), "1");
    const args = ["move", "spool", urlOf(job.to, "/in"), "--match", "*.csv", "--plain"];
    const ran = await polywire(args, { cwd: job.cwd, env: { POLYWIRE_PASSWORD: PASSWORD } });
    expect(ran.code).toBe(0);
    expect(job.to.tree.read("/in/a.csv").toString()).toBe("1");
    expect(readdirSync(join(job.cwd, "spool"))).toEqual([]);
  });

  test("a full disk stops a job that must not wait with exit code 2; it goes on when there is room", async () => {
    await using job = await pair(20);
    job.to.faults.diskFullAfter = 2;
    const { code, stdout } = await job.run(["--json", "--max-pause", "0"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { name: "ReplyError", code: "552", exitCode: 2 }, states: {} });
    job.to.clearFaults();
    expect(await job.run()).toMatchObject({ code: 0, stderr: expect.stringContaining("Going on with the journal") });
    expect(job.arrived()).toBe(20);
    expect(job.from.tree.list("/out")).toEqual(["other.txt"]);
  });

  test("SIGINT ends it in order, nothing is lost, and the same command goes on", async () => {
    await using job = await pair(150);
    job.to.faults.replyDelay = 5;
    let child: ChildProcess | undefined;
    const running = job.run(["--lanes", "2"], { running: (started) => void (child = started) });
    while (job.arrived() < 5) await sleep(10);
    child?.kill("SIGINT");
    const { code, stderr } = await running;
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /polywire: stopped by SIGINT\n\d+ of 150 files moved, \d+ left\.\nRun the same command again/,
    );
    job.to.clearFaults();
    const before = job.arrived();
    expect(before).toBeLessThan(150);
    const again = await job.run();
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("Going on with the journal") });
    expect(job.arrived()).toBe(150);
    expect(job.to.tree.read(`/in/2020/0147.dat`).toString()).toBe("file 147");
    expect(job.from.tree.list("/out")).toEqual(["other.txt"]);
    expect(job.journals()).toEqual([]);
  });

  test("a second signal ends it at once", async () => {
    await using job = await pair(5);
    job.to.faults.hang = "STOR";
    let child: ChildProcess | undefined;
    const running = job.run([], { running: (started) => void (child = started) });
    while (!job.to.commands.some((line) => line.startsWith("STOR"))) await sleep(10);
    const started = Date.now();
    child?.kill("SIGTERM");
    await sleep(100);
    child?.kill("SIGTERM");
    expect((await running).code).toBe(2);
    expect(Date.now() - started).toBeLessThan(2000);
    expect(job.from.tree.count("/out")).toBe(6);
  });

  test("another route with the same journal is refused: 64", async () => {
    await using job = await pair(3);
    await job.run(["--copy", "--journal", "j"]);
    const { code, stderr } = await job.run(["--copy", "--journal", "j", "--route", "{name}"]);
    expect(code).toBe(64);
    expect(stderr).toContain("belongs to another job: route was");
  });

  test("a server that cannot be reached is told at once, and leaves no journal behind", async () => {
    await using job = await pair(1);
    await job.to.close();
    expect(await job.run()).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/^polywire: cannot connect .*\n$/),
    });
    expect(job.journals()).toEqual([]);
  });

  test("a route that cannot be is refused before anything is dialled", async () => {
    await using job = await pair(1);
    expect((await job.run(["--route", "{nosuch}"])).code).toBe(64);
    expect(job.from.commands).toEqual([]);
  });

  test("--transcript holds both servers and no password", async () => {
    await using job = await pair(3);
    await job.run(["--transcript", "said.txt"]);
    const said = readFileSync(join(job.cwd, "said.txt"), "utf8");
    expect(said).toContain("C: PASS ***");
    expect(said).toMatch(/C: (STOR|RNTO) /);
    expect(said).not.toContain(PASSWORD);
  });
});
