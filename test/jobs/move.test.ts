/** The move, between FTP servers in memory and local folders: what arrives, what stays, what is said. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LoginError, type PolywireError } from "../../src/client/errors.js";
import { type MoveOptions, move, planMove } from "../../src/jobs/index.js";
import { JournalReader } from "../../src/jobs/journal/journal.js";
import { FtpServer } from "../../src/testing/index.js";

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

const MATCH = "sensor_{id:5d}_{date:yyyyMMdd}_{seq:4d}.dat";
const nameOf = (i: number) =>
  `sensor_0000${i % 10}_202602${String((i % 28) + 1).padStart(2, "0")}_${String(i).padStart(4, "0")}.dat`;
const contentOf = (i: number) => `content of ${i}\n`.repeat(i % 40);

function fill(count: number): void {
  from.tree.fill(count, (i) => `/out/${nameOf(i)}`, contentOf);
}

function options(more: Partial<MoveOptions> = {}): MoveOptions {
  return { from: from.urlOf("/out"), to: to.urlOf("/in"), match: MATCH, lanes: 4, ...more };
}

/** Files below a folder. */
function countAll(server: FtpServer, path: string): number {
  return server.tree
    .list(path)
    .map((name) => `${path}/${name}`)
    .reduce((sum, each) => sum + (server.tree.stat(each)?.type === "directory" ? countAll(server, each) : 1), 0);
}

function arrived(i: number, path = `/in/${nameOf(i)}`): string {
  return to.tree.read(path).toString();
}

describe("what a move does", () => {
  test("files that match arrive byte for byte with their times, and leave the source", async () => {
    fill(200);
    from.tree.write("/out/README", "stays");
    const { modified } = from.tree.stat(`/out/${nameOf(7)}`)!;
    const result = await move(options());
    expect(result).toMatchObject({ moved: 200, failed: 0, conflicts: 0, left: 0, passedOver: 1 });
    for (let i = 0; i < 200; i++) expect(arrived(i)).toBe(contentOf(i));
    expect(from.tree.list("/out").map(String)).toEqual(["README"]);
    expect(to.tree.count("/in")).toBe(200);
    expect(Math.abs(to.tree.stat(`/in/${nameOf(7)}`)!.modified.getTime() - modified.getTime())).toBeLessThan(1000);
  });

  test("a route sends them into folders that are made", async () => {
    fill(60);
    await move(options({ route: "{date:yyyy}/{date:MM}/{date:dd}/{name}" }));
    expect(arrived(3, `/in/2026/02/04/${nameOf(3)}`)).toBe(contentOf(3));
    expect(countAll(to, "/in")).toBe(60);
  });

  test("keep copies, and a second run skips what is the same", async () => {
    fill(30);
    expect(await move(options({ source: "keep" }))).toMatchObject({ moved: 30 });
    expect(from.tree.count("/out")).toBe(30);
    expect(await move(options({ source: "keep" }))).toMatchObject({ moved: 0, skipped: 30 });
  });

  test("a folder is a source and a destination, too", async () => {
    for (let i = 0; i < 25; i++) writeFileSync(join(folder, nameOf(i)), contentOf(i));
    utimesSync(join(folder, nameOf(3)), new Date(), new Date("2020-02-29T12:00:00Z"));
    expect(await move(options({ from: folder }))).toMatchObject({ moved: 25 });
    expect(readdirSync(folder)).toEqual([]);
    const back = join(folder, "back");
    expect(await move(options({ from: to.urlOf("/in"), to: back }))).toMatchObject({ moved: 25 });
    expect(readFileSync(join(back, nameOf(7)), "utf8")).toBe(contentOf(7));
    expect(statSync(join(back, nameOf(3))).mtime.toISOString()).toBe("2020-02-29T12:00:00.000Z");
    expect(readdirSync(back)).toHaveLength(25);
  });

  test("names that are not UTF-8 arrive as the same bytes", async () => {
    from.tree.write("/out/caf\xe9.dat", "latin1");
    from.tree.write("/out/caf\xc3\xa9.dat", "utf8");
    from.tree.write("/out/ blank .dat", "blank");
    expect(await move(options({ match: "*.dat" }))).toMatchObject({ moved: 3, failed: 0 });
    expect(to.tree.list("/in").map(String).sort()).toEqual([" blank .dat", "caf\xc3\xa9.dat", "caf\xe9.dat"]);
  });

  test("a dry run touches nothing and finds collisions", async () => {
    fill(20);
    to.tree.write(`/in/${nameOf(1)}`, "something else");
    const plan = [];
    for await (const file of planMove(options({ route: "x_{id:5d}.dat" }))) plan.push(file);
    expect(plan.map(({ action }) => action)).toEqual(Array(20).fill("conflict"));
    const flat = [];
    for await (const file of planMove(options())) flat.push(file);
    expect(flat.find(({ action }) => action === "conflict")).toMatchObject({ name: nameOf(1), target: nameOf(1) });
    expect([from.tree.count("/out"), to.tree.count("/in")]).toEqual([20, 1]);
  });
});

describe("what is in the way", () => {
  test("another file of the final name is a conflict, and both stay", async () => {
    fill(5);
    to.tree.write(`/in/${nameOf(2)}`, "foreign");
    const result = await move(options());
    expect(result).toMatchObject({ moved: 4, conflicts: 1 });
    expect(result.failures[0]).toMatchObject({ name: nameOf(2), state: "CONFLICT" });
    expect(arrived(2)).toBe("foreign");
    expect(from.tree.list("/out").map(String)).toEqual([nameOf(2)]);
  });

  test("the same file is taken for moved, and its source goes", async () => {
    fill(5);
    const { modified } = from.tree.stat(`/out/${nameOf(2)}`)!;
    to.tree.write(`/in/${nameOf(2)}`, contentOf(2), { modified });
    expect(await move(options())).toMatchObject({ moved: 4, skipped: 1 });
    expect(from.tree.count("/out")).toBe(0);
  });

  test("the same size at another time is a conflict: size alone proves nothing", async () => {
    fill(3);
    to.tree.write(`/in/${nameOf(2)}`, contentOf(2).replaceAll("o", "0"), { modified: new Date("2001-01-01") });
    expect(await move(options())).toMatchObject({ moved: 2, conflicts: 1 });
    expect(from.tree.count("/out")).toBe(1);
  });

  test("overwrite replaces, rename finds a free name, fail refuses even the same file", async () => {
    fill(3);
    to.tree.write(`/in/${nameOf(1)}`, "old");
    expect(await move(options({ onExists: "overwrite", source: "keep" }))).toMatchObject({ moved: 3 });
    expect(arrived(1)).toBe(contentOf(1));
    expect(await move(options({ onExists: "fail", source: "keep" }))).toMatchObject({ conflicts: 3 });
    expect(await move(options({ onExists: "rename" }))).toMatchObject({ moved: 3 });
    expect(arrived(1, `/in/${nameOf(1).replace(".dat", "-1.dat")}`)).toBe(contentOf(1));
    expect(to.tree.count("/in")).toBe(6);
  });

  test("sources of one final name are found before anything moves: they are conflicts, and others go on", async () => {
    fill(40);
    from.tree.write(`/out/${nameOf(7).replace("_0000", "_9999")}`, "alone");
    const result = await move(options({ route: "one-{id:5d}.dat", lanes: 8 }));
    expect(result).toMatchObject({ moved: 1, conflicts: 40, failed: 0 });
    expect(result.failures[0]).toMatchObject({ code: "COLLISION", target: "one-00000.dat" });
    expect(to.tree.list("/in").map(String)).toEqual(["one-99997.dat"]);
    expect(from.commands).not.toContain(`RETR ${nameOf(0)}`);
  });
});

describe("what goes wrong", () => {
  const left = () =>
    to.tree
      .list("/in")
      .map(String)
      .filter((name) => name.endsWith(".part"));

  test("a refused login stops the job with one clear error", async () => {
    fill(3);
    const failed = move(options({ from: from.urlOf("/out").replace("test:test", "test:wrong") }));
    await expect(failed).rejects.toBeInstanceOf(LoginError);
    expect(from.tree.count("/out")).toBe(3);
  });

  test("a source folder that is not there stops the job", async () => {
    await expect(move(options({ from: from.urlOf("/nowhere") }))).rejects.toThrow(/nowhere.*550|550/);
  });

  test("a full disk stops a job that must not wait, nothing half is left, and a second run finishes", async () => {
    fill(100);
    const journal = join(folder, "j");
    to.faults.diskFullAfter = 300;
    await expect(move(options({ journal, maxPause: 0 }))).rejects.toThrow(/disk|full|space|452|552/i);
    expect(left()).toEqual([]);
    to.clearFaults();
    expect(await move(options({ journal }))).toMatchObject({ moved: 100, left: 0 });
    for (let i = 0; i < 100; i++) expect(arrived(i)).toBe(contentOf(i));
  });

  test("data cut short is never published", async () => {
    fill(30);
    from.faults.cutDataAt = 100;
    from.faults.cutDataCleanly = true;
    from.faults.dataFaultsOn = "RETR";
    from.faults.dataFaultsTimes = 5;
    const result = await move(options());
    expect(result).toMatchObject({ moved: 30, left: 0 });
    for (let i = 0; i < 30; i++) expect(arrived(i)).toBe(contentOf(i));
    expect(left()).toEqual([]);
  });

  test.each(["RNTO", "DELE", "STOR", "SIZE", "RNFR", "EPSV"])(
    "a connection lost at %s costs nothing",
    async (command) => {
      fill(60);
      to.faults.loseReply = { command, times: 2 };
      from.faults.loseReply = { command, times: 2 };
      const result = await move(options());
      expect(result).toMatchObject({ failed: 0, conflicts: 0, gone: 0, left: 0, moved: 60 });
      for (let i = 0; i < 60; i++) expect(arrived(i)).toBe(contentOf(i));
      expect([from.tree.count("/out"), to.tree.count("/in")]).toEqual([0, 60]);
    },
  );

  test("a server that takes fewer connections gets fewer lanes", async () => {
    await to.close();
    to = await FtpServer.start({ limits: { maxClients: 3 } });
    fill(500);
    to.faults.replyDelay = 4;
    const result = await move(options({ lanes: 8 }));
    expect(result).toMatchObject({ moved: 500, failed: 0 });
    expect(result.warnings.join()).toContain("no more than");
  });

  test("a file that its server refuses fails alone, and the journal names it", async () => {
    fill(20);
    from.faults.reply = { [`RETR ${nameOf(4)}`]: "550 Permission denied" };
    const journal = join(folder, "j");
    const result = await move(options({ journal, tries: { fail: 1 } }));
    expect(result).toMatchObject({ moved: 19, failed: 1 });
    expect(result.failures[0]).toMatchObject({ name: nameOf(4), state: "FAILED", code: "550" });
    using reader = JournalReader.read(journal);
    expect([...reader.failed()].map(({ name }) => name)).toEqual([nameOf(4)]);
    expect(left()).toEqual([]);
  });

  test("another run of the journal tries again what failed, unless told not to", async () => {
    fill(6);
    to.tree.write(`/in/${nameOf(2)}`, "foreign");
    const journal = join(folder, "j");
    expect(await move(options({ journal }))).toMatchObject({ moved: 5, conflicts: 1 });
    to.tree.remove(`/in/${nameOf(2)}`);
    expect(await move(options({ journal, retryFailed: false }))).toMatchObject({ moved: 5, conflicts: 1 });
    expect(await move(options({ journal }))).toMatchObject({ moved: 6, conflicts: 0 });
  });

  test("an abort ends in order: what is under way is finished or given back", async () => {
    fill(300);
    const abort = new AbortController();
    const journal = join(folder, "j");
    from.faults.replyDelay = 2;
    to.tree.write("/in/x", "");
    setTimeout(() => abort.abort(), 150);
    const error = (await move(options({ journal, signal: abort.signal })).catch((e) => e)) as PolywireError;
    expect(error.name).toBe("AbortedError");
    expect(left()).toEqual([]);
    const done = to.tree.count("/in") - 1;
    expect(done + from.tree.count("/out")).toBe(300);
    from.clearFaults();
    expect(await move(options({ journal }))).toMatchObject({ moved: 300, left: 0 });
  });

  test("a silently cut listing is defeated by listing again", async () => {
    fill(120);
    from.faults.truncateListingAt = 50;
    expect(await move(options())).toMatchObject({ moved: 120 });
  });

  test("a source that changes while it is moved is moved as it is then", async () => {
    fill(10);
    const journal = join(folder, "j");
    from.faults.replyDelay = 1;
    const moving = move(options({ journal, lanes: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 60));
    const victim = from.tree.list("/out").map(String).at(-1);
    if (victim !== undefined)
      from.tree.write(`/out/${victim}`, "changed while moving, and longer than it was before".repeat(60));
    const result = await moving;
    expect(result.moved + result.conflicts).toBe(10);
    const all = [...to.tree.list("/in"), ...from.tree.list("/out")].map(String);
    expect(new Set(all).size).toBe(10);
  });

  test("the bandwidth limit holds", async () => {
    from.tree.write("/out/big.dat", Buffer.alloc(300_000, "x"));
    const started = performance.now();
    await move(options({ match: "*", maxBytesPerSecond: 400_000 }));
    expect(performance.now() - started).toBeGreaterThan(400);
    expect(to.tree.read("/in/big.dat")).toHaveLength(300_000);
  });
});
