/** status, retry-failed, verify, clean-temp and report as processes: what is asked of a move while it runs, and afterwards. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { FtpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, polywire, type RunOptions, USERS, urlOf } from "./polywire.js";

afterAll(cleanUp);

const BOTH = { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_TO_PASSWORD: PASSWORD };
const nameOf = (i: number) => `f_${String(i).padStart(3, "0")}.csv`;

/** Two servers, files on the first one, and a journal in a folder of its own. */
async function pair(files: number) {
  const from = await FtpServer.start(USERS);
  const to = await FtpServer.start(USERS);
  for (let i = 0; i < files; i++) from.tree.write(`/out/${nameOf(i)}`, `file ${i}`);
  const cwd = join(folder, `after-${from.port}`);
  mkdirSync(cwd);
  const run = (args: string[], options: RunOptions = {}) => polywire(args, { env: BOTH, cwd, ...options });
  const args = ["move", urlOf(from, "/out"), urlOf(to, "/in"), "--match", "f_{n}.csv", "--journal", "j", "--plain"];
  const move = (more: string[] = [], options: RunOptions = {}) => run([...args, ...more], options);
  const close = async () => {
    await from.close();
    await to.close();
  };
  return { from, to, cwd, run, move, [Symbol.asyncDispose]: close };
}

/** CSV without its header. */
const rows = (text: string) => text.trim().split("\n").slice(1);
const lines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe.concurrent("after a move", () => {
  test("status tells who runs it, how far it is and what is left; and afterwards how it ended", async () => {
    await using job = await pair(60);
    job.to.faults.replyDelay = 20;
    let child: ChildProcess | undefined;
    const moving = job.move(["--lanes", "1", "--route", "x/{name}"], { running: (started) => void (child = started) });
    while (!job.to.tree.exists("/in/x") || job.to.tree.count("/in/x") === 0) await sleep(10);
    const text = await job.run(["status", "j"]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(new RegExp(`^state +moving: process ${child?.pid} on .*, since .* UTC`));
    expect(text.stdout).toMatch(/^files +\d+ of 60 settled/m);
    expect(text.stdout).toMatch(/^rate +.* files\/s, .*\/s, \d+ lanes?/m);
    expect(text.stdout).toMatch(/^CLAIMED +[1-9]/m);
    const [json] = lines((await job.run(["status", "j", "--json"])).stdout);
    expect(json).toMatchObject({
      phase: "moving",
      files: 60,
      owner: { pid: child?.pid },
      settings: { route: "x/{name}" },
    });
    const watched = job.run(["status", "j", "--watch", "--every", "0.2", "--json"]);
    job.to.clearFaults();
    expect((await moving).code).toBe(0);
    const seen = lines((await watched).stdout);
    expect(seen.at(-1)).toMatchObject({ phase: "finished", states: { DONE: 60 }, lastRun: { id: 1 } });
    expect(seen.at(-1).bytes).toBe(410);
    expect((await job.run(["status", "j"])).stdout).toMatch(/^state +finished on /);
  });

  test("status of a move that was killed says so, with exit code 2", async () => {
    await using job = await pair(60);
    job.to.faults.replyDelay = 20;
    let child: ChildProcess | undefined;
    const moving = job.move(["--lanes", "1"], { running: (started) => void (child = started) });
    while (!job.to.tree.exists("/in") || job.to.tree.count("/in") === 0) await sleep(10);
    child?.kill("SIGKILL");
    await moving;
    const { code, stdout } = await job.run(["status", "j"]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/^state +killed: process \d+ did not end in order; run the job again/);
  });

  test("status refuses the journal of another kind of job", async () => {
    await using job = await pair(0);
    const { openDatabase } = await import("../../src/jobs/journal/sqlite.js");
    const db = openDatabase(join(job.cwd, "mail.journal"));
    db.exec(`CREATE TABLE meta(key); PRAGMA application_id=${0x706c796d}`);
    db.close();
    const { code, stderr } = await job.run(["status", "mail.journal"]);
    expect(code).toBe(64);
    expect(stderr).toBe("polywire: mail.journal is a journal of polywire mail, not of a move\n");
  });

  test("retry-failed moves what was in conflict, without listing the source", async () => {
    await using job = await pair(5);
    job.to.tree.write(`/in/${nameOf(2)}`, "another file");
    expect((await job.move()).code).toBe(1);
    job.from.tree.write(`/out/${nameOf(99)}`, "not listed yet");
    const before = job.from.commands.length;
    const again = await job.run(["retry-failed", "j"]);
    expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining(`✗ CONFLICT ${nameOf(2)}`) });
    const { code, stdout } = await job.run(["retry-failed", "j", "--on-exists", "overwrite"]);
    expect(stdout).toMatch(/^5 files moved/);
    expect(code).toBe(0);
    expect(job.to.tree.read(`/in/${nameOf(2)}`).toString()).toBe("file 2");
    expect(job.from.commands.slice(before).filter((line) => /^(MLSD|LIST|NLST)/.test(line))).toEqual([]);
    expect(job.from.tree.list("/out")).toEqual([nameOf(99)]);
  });

  test("verify tells what is missing or differs, and ends with 1", async () => {
    await using job = await pair(6);
    await job.move();
    const fine = await job.run(["verify", "j"]);
    expect(fine).toMatchObject({
      code: 0,
      stdout: "problem,name,target,expected,found\n",
      stderr: "6 files of 6 as moved.\n",
    });
    job.to.tree.remove(`/in/${nameOf(1)}`);
    job.to.tree.write(`/in/${nameOf(3)}`, "shorter");
    const { code, stdout, stderr } = await job.run(["verify", "j", "--lanes", "2"]);
    expect(code).toBe(1);
    expect(rows(stdout)).toEqual([`missing,${nameOf(1)},${nameOf(1)},,`, `size,${nameOf(3)},${nameOf(3)},6,7`]);
    expect(stderr).toBe("4 files of 6 as moved.\n1 file not there.\n1 file of another size.\n");
    expect((await job.run(["verify", "j", "--json"])).stdout).toContain(
      '{"summary":{"files":6,"proven":0,"problems":{"missing":1,"size":1}}}',
    );
    expect(job.to.commands.filter((line) => /^(STOR|RNTO|DELE|RETR)/.test(line)).length).toBeGreaterThan(0);
  });

  test("verify --bytes compares with the kept source, and finds bytes that changed", async () => {
    await using job = await pair(4);
    await job.move(["--copy"]);
    job.to.tree.write(`/in/${nameOf(2)}`, "FILE 2", { modified: new Date(0) });
    const { code, stdout, stderr } = await job.run(["verify", "j", "--bytes"]);
    expect(code).toBe(1);
    expect(rows(stdout)).toEqual([expect.stringMatching(/^bytes,f_002\.csv,f_002\.csv,sha256:[0-9a-f]{64},sha256:/)]);
    expect(stderr).toContain("3 files of 4 as moved (4 compared by their bytes).");
  });

  test("verify --bytes says so where nothing is left to compare with", async () => {
    await using job = await pair(2);
    await job.move();
    const { code, stderr } = await job.run(["verify", "j", "--bytes"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/2 files of 2 as moved \(0 compared by their bytes\)\.\nOf 2 files only the size is known/);
  });

  test("clean-temp removes what no file needs, and nothing that may be the only copy", async () => {
    await using job = await pair(3);
    job.to.tree.write(`/in/${nameOf(2)}`, "another file");
    await job.move();
    const { JournalReader } = await import("../../src/jobs/index.js");
    const id = (() => {
      using reader = JournalReader.read(join(job.cwd, "j"));
      return reader.jobId;
    })();
    const left = {
      done: `${nameOf(0)}.${id}7.part`,
      open: `${nameOf(2)}.${id}7.part`,
      unknown: `nosuch.csv.${id}1.part`,
      foreign: `${nameOf(0)}.abcdefgh1.part`,
    };
    for (const name of Object.values(left)) job.to.tree.write(`/in/${name}`, "part");
    const fates = (text: string) => Object.fromEntries(rows(text).map((row) => row.split(",", 2).reverse()));
    const listed = await job.run(["clean-temp", "j"]);
    expect(listed.code).toBe(0);
    expect(listed.stderr).toContain("Nothing was removed: --delete does so.");
    expect(fates(listed.stdout)).toEqual({
      [left.done]: "useless",
      [left.open]: "useless",
      [left.unknown]: "unsure",
      [left.foreign]: "foreign",
    });
    job.from.tree.remove(`/out/${nameOf(2)}`);
    const removed = await job.run(["clean-temp", urlOf(job.to, "/in"), "--journal", "j", "--plain", "--delete"]);
    expect(fates(removed.stdout)).toEqual({
      [left.done]: "removed",
      [left.open]: "unsure",
      [left.unknown]: "unsure",
      [left.foreign]: "foreign",
    });
    const there = () => job.to.tree.list("/in").filter((name) => name.endsWith(".part"));
    expect(there().sort()).toEqual([left.open, left.unknown, left.foreign].sort());
    const asked = await job.run(["clean-temp", urlOf(job.to, "/"), "--plain", "--job", "abcdefgh", "--delete"]);
    expect(fates(asked.stdout)[`in/${left.foreign}`]).toBe("removed");
    expect(there().sort()).toEqual([left.open, left.unknown].sort());
  });

  test("clean-temp leaves a job that runs alone", async () => {
    await using job = await pair(40);
    job.to.faults.replyDelay = 20;
    const moving = job.move(["--lanes", "1"]);
    while (!job.to.tree.exists("/in") || job.to.tree.count("/in") === 0) await sleep(10);
    expect(await job.run(["clean-temp", "j", "--delete"])).toMatchObject({
      code: 75,
      stdout: expect.not.stringContaining("removed"),
    });
    const listed = await job.run(["clean-temp", "j"]);
    expect(rows(listed.stdout).every((row) => /^needed,.*,the job is running$/.test(row))).toBe(true);
    job.to.clearFaults();
    expect((await moving).code).toBe(0);
    expect(job.to.tree.count("/in")).toBe(40);
  });

  test("clean-temp in a local folder takes those that are old enough", async () => {
    await using job = await pair(0);
    mkdirSync(join(job.cwd, "archive", "deep"), { recursive: true });
    const [old, young] = ["a.csv.abcdefgh1.part", "b.csv.abcdefgh1.part"];
    for (const name of [old, young, "c.csv"]) writeFileSync(join(job.cwd, "archive", "deep", name), "part");
    const { utimesSync } = await import("node:fs");
    utimesSync(join(job.cwd, "archive", "deep", old), 1e9, 1e9);
    const { code, stdout } = await job.run(["clean-temp", "archive", "--older-than", "7d", "--delete"]);
    expect(code).toBe(0);
    expect(
      rows(stdout)
        .map((row) => row.split(",", 2).join(","))
        .sort(),
    ).toEqual([`foreign,deep/${young}`, `removed,deep/${old}`]);
    expect(readdirSync(join(job.cwd, "archive", "deep")).sort()).toEqual([young, "c.csv"]);
  });

  test("report writes four files, from a job file's journal, too", async () => {
    await using job = await pair(4);
    job.to.tree.write(`/in/${nameOf(2)}`, "another file");
    await job.move();
    const { code, stdout } = await job.run(["report", "j", "--out", "deep/report"]);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toEqual(
      ["summary.json", "failed.csv", "moved.ndjson", "report.html"].map((name) => join("deep/report", name)),
    );
    const read = (name: string) => readFileSync(join(job.cwd, "deep/report", name), "utf8");
    expect(JSON.parse(read("summary.json"))).toMatchObject({
      phase: "finished",
      states: { DONE: 3, CONFLICT: 1 },
      bytes: { DONE: 18 },
      failures: [{ state: "CONFLICT", code: "EXISTS", files: 1, class: "another file has the name" }],
    });
    expect(read("failed.csv")).toMatch(
      /^name,target,state,code,kind,tries,updated,error\r\nf_002\.csv,f_002\.csv,CONFLICT,EXISTS,/,
    );
    expect(lines(read("moved.ndjson"))[0]).toEqual({
      name: nameOf(0),
      target: nameOf(0),
      bytes: 6,
      modified: expect.any(String),
    });
    expect(read("report.html")).toContain("f_002.csv");
    for (const name of ["summary.json", "report.html"]) expect(read(name)).not.toContain(PASSWORD);
    expect((await job.run(["report", "nosuch", "--out", "x"])).code).toBe(64);
    expect(existsSync(join(job.cwd, "x"))).toBe(false);
  });
});
