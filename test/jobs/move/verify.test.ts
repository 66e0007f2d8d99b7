/** Verification: what is not what was sent never gets its final name, and its source stays. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { JournalReader } from "../../../src/jobs/journal/journal.js";
import type { FtpFeatures } from "../../../src/testing/ftp/options.js";
import { FtpServer } from "../../../src/testing/index.js";

let folder: string;
let from: FtpServer;
let to: FtpServer;
let lines: string[];

async function start(features: Partial<FtpFeatures> = {}): Promise<void> {
  await to?.close();
  lines = [];
  to = await FtpServer.start({ features, onCommand: (line) => lines.push(line) });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "polywire-test-"));
  from = await FtpServer.start();
  await start();
});
afterEach(async () => {
  await Promise.all([from.close(), to.close()]);
  rmSync(folder, { recursive: true });
});

const contentOf = (i: number) => `content of ${i}\n`.repeat(i % 40);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function fill(count: number): void {
  from.tree.fill(count, (i) => `/out/f${i}.dat`, contentOf);
}

function options(more: Partial<MoveOptions> = {}): MoveOptions {
  const journal = join(folder, "journal");
  return { from: from.urlOf("/out"), to: to.urlOf("/in"), lanes: 2, journal, ...more };
}

function digests(): Map<string, string | undefined> {
  using reader = JournalReader.read(join(folder, "journal"));
  return new Map([...reader.files(["DONE"])].map(({ name, digest }) => [name, digest]));
}

const names = (server: FtpServer, path: string) => server.tree.list(path).map(String).sort();

describe("every way passes what is right", () => {
  test.each(["size", "mtime", "hash", "readback"] as const)("%s", async (verify) => {
    fill(45);
    from.tree.write("/out/large.bin", Buffer.alloc(300_000, "x"));
    expect(await move(options({ verify }))).toMatchObject({ moved: 46, failed: 0, untimed: 0, warnings: [] });
    for (let i = 0; i < 45; i++) expect(to.tree.read(`/in/f${i}.dat`).toString()).toBe(contentOf(i));
    expect(from.tree.count("/out")).toBe(0);
    const told = digests();
    const compared = verify === "hash" || verify === "readback";
    for (let i = 0; i < 45; i++)
      expect(told.get(`f${i}.dat`)).toBe(compared ? `sha256:${sha256(contentOf(i))}` : undefined);
    expect(told.get("large.bin")).toBe(compared ? `sha256:${sha256("x".repeat(300_000))}` : undefined);
  });

  test("nothing is hashed or read back where that was not asked for", async () => {
    fill(3);
    await move(options());
    expect(lines.filter((line) => /^(HASH|OPTS HASH|RETR|X)/.test(line))).toEqual([]);
  });

  test.each(["hash", "readback"] as const)("%s: from and to a local folder", async (verify) => {
    fill(5);
    const there = join(folder, "there");
    expect(await move(options({ to: there, verify }))).toMatchObject({ moved: 5 });
    expect(readFileSync(join(there, "f3.dat"), "utf8")).toBe(contentOf(3));
    expect(digests().get("f3.dat")).toBe(`sha256:${sha256(contentOf(3))}`);
    expect(await move({ from: there, to: to.urlOf("/in"), verify })).toMatchObject({ moved: 5 });
  });
});

describe("a byte that was damaged on the way, behind a 226 and at the right size", () => {
  const tries = { fail: 1, retry: 1 };

  test.each(["hash", "readback"] as const)("%s: it fails, has no name, and its source stays", async (verify) => {
    fill(8);
    to.faults.damageDataAt = 50;
    const result = await move(options({ verify, tries }));
    // The others are shorter.
    const long = Array.from({ length: 8 }, (_, i) => i).filter((i) => contentOf(i).length > 50);
    expect(result).toMatchObject({ moved: 8 - long.length, failed: long.length });
    expect(long.length).toBeGreaterThan(0);
    expect(result.failures.map(({ code }) => code)).toEqual(long.map(() => "VERIFY"));
    expect(result.failures[0]?.error).toMatch(/sha256 of what arrived is [0-9a-f]{64}, of what was sent [0-9a-f]{64}$/);
    expect(names(from, "/out")).toEqual(long.map((i) => `f${i}.dat`).sort());
    expect(names(to, "/in")).not.toContain(`f${long[0]}.dat`);
    expect(names(to, "/in").filter((name) => name.endsWith(".part"))).toEqual([]);
    expect(lines.filter((line) => line.startsWith("RNTO") && long.some((i) => line.endsWith(` f${i}.dat`)))).toEqual(
      [],
    );
  });

  test("by the size alone nobody notices", async () => {
    fill(8);
    to.faults.damageDataAt = 0;
    expect(await move(options({ tries }))).toMatchObject({ moved: 8, failed: 0 });
    expect(to.tree.read("/in/f7.dat").toString()).not.toBe(contentOf(7));
  });

  test("damaged once, it is sent again and arrives", async () => {
    fill(1);
    from.tree.write("/out/f0.dat", "zero");
    Object.assign(to.faults, { damageDataAt: 2, dataFaultsOn: "STOR", dataFaultsTimes: 1 });
    expect(await move(options({ verify: "hash" }))).toMatchObject({ moved: 1, failed: 0 });
    expect(to.tree.read("/in/f0.dat").toString()).toBe("zero");
    expect(lines.filter((line) => line.startsWith("STOR"))).toHaveLength(2);
  });

  test("where the source is gone meanwhile, what arrived is kept all the same", async () => {
    from.tree.write("/out/f0.dat", "zero");
    to.faults.damageDataAt = 2;
    await to.close();
    to = await FtpServer.start({
      faults: { damageDataAt: 2 },
      onCommand: (line) => void (line.startsWith("HASH") && from.tree.remove("/out/f0.dat")),
    });
    const result = await move(options({ verify: "hash", tries }));
    expect(result).toMatchObject({ moved: 0, failed: 1 });
    expect(names(to, "/in")).toEqual([expect.stringMatching(/^f0\.dat\.\w+\.part$/)]);
  });
});

describe("what the destination says of its files", () => {
  test("one that lies about its digests gets no file past them", async () => {
    fill(3);
    to.faults.wrongDigests = true;
    const result = await move(options({ verify: "hash", tries: { retry: 1 } }));
    expect(result).toMatchObject({ moved: 0, failed: 3 });
    expect([from.tree.count("/out"), to.tree.count("/in")]).toEqual([3, 0]);
  });

  test("one that computes no digests is refused before anything is listed, and what to do instead is told", async () => {
    await start({ hash: false });
    fill(2);
    const said: string[] = [];
    await from.close();
    from = await FtpServer.start({ onCommand: (line) => said.push(line) });
    from.tree.write("/out/a.dat", "a");
    const refused = move(options({ verify: "hash" }));
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(/computes no digests.*readback/);
    expect(said.filter((line) => /^(MLSD|LIST|NLST|STAT)/.test(line))).toEqual([]);
    expect(said).toContain("QUIT");
  });

  test("it is asked for SHA-256 where it has several, once for a group of files", async () => {
    fill(5);
    await move(options({ verify: "hash", lanes: 1 }));
    const asked = lines.filter((line) => /^(OPTS HASH|HASH|X)/.test(line));
    expect(asked[0]).toBe("OPTS HASH SHA-256");
    expect(asked.slice(1)).toEqual(Array(5).fill(expect.stringMatching(/^HASH f\d\.dat\.\w+\.part$/)));
  });

  test("mtime: one that says it set the time, and did not, gets no file past it", async () => {
    from.tree.write("/out/a.dat", "abc", { modified: new Date("2020-01-01T00:00:00Z") });
    to.faults.ignoreTimes = true;
    const result = await move(options({ verify: "mtime", tries: { retry: 1 } }));
    expect(result).toMatchObject({ moved: 0, failed: 1 });
    expect(result.failures[0]).toMatchObject({ code: "VERIFY", error: expect.stringContaining("2020-01-01T00:00:00") });
    expect(names(from, "/out")).toEqual(["a.dat"]);
    expect(to.tree.count("/in")).toBe(0);
  });

  test("mtime: one that cannot set times ends the job, and nothing is left there", async () => {
    await start({ mfmt: false, mff: false, site: false });
    fill(6);
    await expect(move(options({ verify: "mtime" }))).rejects.toThrow(/no command that sets a file's time/);
    expect([from.tree.count("/out"), to.tree.count("/in")]).toEqual([6, 0]);
  });

  test("mtime: a source that tells no times ends the job", async () => {
    await from.close();
    from = await FtpServer.start({ features: { mdtm: false, mlsd: false } });
    from.tree.write("/out/a.dat", "abc");
    await expect(move(options({ verify: "mtime" }))).rejects.toThrow(/the source tells no times/);
    expect([from.tree.count("/out"), to.tree.count("/in")]).toEqual([1, 0]);
  });

  test("mtime does not go with keepTimes: false", async () => {
    await expect(move(options({ verify: "mtime", keepTimes: false }))).rejects.toThrow(/keepTimes/);
    await expect(move(options({ verify: "sha" as "hash" }))).rejects.toThrow(/verify is one of/);
  });
});

describe("a file that is there already", () => {
  const time = new Date("2024-05-06T07:08:09Z");

  test("the same in size and time, with other bytes: with hash its source is not removed", async () => {
    from.tree.write("/out/a.dat", "abc", { modified: time });
    to.tree.write("/in/a.dat", "abd", { modified: time });
    expect(await move(options({ verify: "hash" }))).toMatchObject({ moved: 0, skipped: 0, conflicts: 1 });
    expect(names(from, "/out")).toEqual(["a.dat"]);
  });

  test("the same, byte for byte: its source is removed", async () => {
    from.tree.write("/out/a.dat", "abc", { modified: time });
    to.tree.write("/in/a.dat", "abc", { modified: time });
    expect(await move(options({ verify: "readback" }))).toMatchObject({ skipped: 1, conflicts: 0 });
    expect(names(from, "/out")).toEqual([]);
  });
});

describe("newer", () => {
  const at = (time: string) => ({ modified: new Date(time) });

  test("an older file is replaced once, whatever reply is lost; a newer one stays", async () => {
    for (const name of ["a.dat", "b.dat"]) from.tree.write(`/out/${name}`, "source", at("2024-05-06T07:08:09Z"));
    to.tree.write("/in/a.dat", "older!", at("2023-05-06T07:08:09Z"));
    to.tree.write("/in/b.dat", "newer!", at("2025-05-06T07:08:09Z"));
    to.faults.loseReply = { command: "RNTO", times: 1 };
    const result = await move(options({ onExists: "newer" }));
    expect(result).toMatchObject({ conflicts: 1, failed: 0, gone: 0, left: 0 });
    expect(result.moved + result.skipped).toBe(1);
    expect(result.failures[0]).toMatchObject({ name: "b.dat", error: "the file that is there is not older" });
    expect(to.tree.read("/in/a.dat").toString()).toBe("source");
    expect(to.tree.read("/in/b.dat").toString()).toBe("newer!");
    expect(names(from, "/out")).toEqual(["b.dat"]);
  });
});

describe("the ladder of times", () => {
  const time = new Date("2001-02-03T04:05:06Z");
  const set = () =>
    lines
      .filter((line) => /^(MFMT|MFF|MDTM \d{14} |SITE UTIME)/.test(line))
      .map((line) => line.replace(/f\d+\.\w+\.\w+/, "T"));

  test.each([
    [{}, /^MFMT 20010203040506 T/],
    [{ mfmt: false }, /^MFF Modify=20010203040506; T/],
    [{ mfmt: false, mff: false, mdtmSet: true }, /^MDTM 20010203040506 T/],
    [
      { mfmt: false, mff: false },
      /^(MDTM 20010203040506 T|SITE UTIME T\S* 20010203040506 20010203040506 20010203040506 UTC)/,
    ],
  ] as const)("with the features %j", async (features, command) => {
    await start(features);
    for (let i = 0; i < 5; i++) from.tree.write(`/out/f${i}.dat`, "x", { modified: time });
    expect(await move(options({ lanes: 1 }))).toMatchObject({ moved: 5, untimed: 0, warnings: [] });
    for (let i = 0; i < 5; i++) expect(to.tree.stat(`/in/f${i}.dat`)?.modified).toEqual(time);
    expect(set().filter((line) => !command.test(line))).toEqual([]);
    expect(set().length).toBeGreaterThanOrEqual(5);
  });

  test("none at all: the result counts the files with the time of the move, and the next run knows it", async () => {
    await start({ mfmt: false, mff: false, site: false });
    for (let i = 0; i < 5; i++) from.tree.write(`/out/f${i}.dat`, "x", { modified: time });
    const result = await move(options());
    expect(result).toMatchObject({ moved: 5, untimed: 5 });
    expect(result.warnings).toEqual([expect.stringContaining("does not set the times")]);
    expect(await move(options())).toMatchObject({ moved: 5, untimed: 5 });
  });

  test("times with fractions are cut to the second, those before 1970 and behind 2038 are kept", async () => {
    const source = join(folder, "source");
    const times = ["1960-01-02T03:04:05.678Z", "2026-01-02T03:04:05.999Z", "2050-01-02T03:04:05.001Z"];
    mkdirSync(source);
    for (const [i, each] of times.entries()) {
      writeFileSync(join(source, `f${i}.dat`), "x");
      utimesSync(join(source, `f${i}.dat`), new Date(), new Date(each));
    }
    expect(await move(options({ from: source, verify: "mtime" }))).toMatchObject({ moved: 3, untimed: 0 });
    for (const [i, each] of times.entries())
      expect(to.tree.stat(`/in/f${i}.dat`)?.modified.toISOString()).toBe(each.replace(/\.\d+Z/, ".000Z"));
  });
});
