/** Large files in parts at once: into a local folder, where the destination takes none, and what breaks on the way. */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { Journal, JournalReader } from "../../../src/jobs/journal/journal.js";
import { runMove } from "../../../src/jobs/move/move.js";
import { parseTempName } from "../../../src/jobs/move/names/temp-name.js";
import { resolveMove } from "../../../src/jobs/move/options.js";
import type { FtpServerOptions } from "../../../src/testing/index.js";
import { type Bed, bed, filesBelow, LONG_AGO } from "./bed.js";

const KIB = 1024;
const SIZE = 4_000 * KIB + 1;
const CONTENT = Buffer.alloc(SIZE);
for (let at = 0; at < SIZE - 4; at += 4) CONTENT.writeUInt32LE(at, at);
const NAME = "large.dat";
/** The parts share all but the last byte. */
const PLACES = [1_000 * KIB, 2_000 * KIB, 3_000 * KIB];

interface Large extends Bed {
  readonly target: string;
}

/** From the server to a local folder, if not told otherwise. */
async function largeBed(source: FtpServerOptions = {}): Promise<Large> {
  const made = await bed(source);
  made.from.tree.write(`/out/${NAME}`, CONTENT, { modified: LONG_AGO });
  const target = join(made.folder, "in");
  mkdirSync(target);
  const { journal } = made;
  const options = (more: Partial<MoveOptions> = {}) =>
    made.options({ to: target, segmentAbove: 1_000 * KIB, lanes: 4, journal, ...more });
  return { ...made, target, options };
}

const places = ({ from }: Bed) =>
  from.commands
    .flatMap((line) => (/^REST (\d+)$/.exec(line)?.[1] ? [Number(line.slice(5))] : []))
    .sort((a, b) => a - b);
const logins = ({ from }: Bed) => from.commands.filter((line) => line.startsWith("USER ")).length;

function expectMoved({ from, target }: Large): void {
  expect(readdirSync(target)).toEqual([NAME]);
  expect(readFileSync(join(target, NAME)).equals(CONTENT)).toBe(true);
  expect(statSync(join(target, NAME)).mtime).toEqual(LONG_AGO);
  expect(filesBelow(from, "/out")).toEqual([]);
}

describe("a file in parts", () => {
  test("each comes over a connection of its own, and the last byte when all are there", async () => {
    const made = await largeBed();
    const result = await move(made.options());
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: SIZE, warnings: [] });
    expectMoved(made);
    expect(places(made)).toEqual([...PLACES, SIZE - 1]);
    expect(logins(made)).toBe(4);
  });

  test("every byte is rationed, over all parts", async () => {
    const made = await largeBed();
    let taken = 0;
    const bucket = {
      take(bytes: number) {
        taken += bytes;
        return undefined;
      },
    };
    const result = await runMove({ ...resolveMove(made.options()), bucket });
    expect(result).toMatchObject({ moved: 1, bytes: SIZE });
    // All but the last one.
    expect(taken).toBe(SIZE - 1);
  });

  test.each(["hash", "readback"] as const)(
    "%s: what arrived is compared part by part, and digested as a whole",
    async (verify) => {
      const made = await largeBed();
      expect(await move(made.options({ verify }))).toMatchObject({ moved: 1, failed: 0 });
      expectMoved(made);
      expect(places(made)).toEqual([...PLACES, SIZE - 1]);
      using reader = JournalReader.read(made.journal);
      expect([...reader.files(["DONE"])][0]?.digest).toBe(
        `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`,
      );
    },
  );

  test.each<[string, Partial<MoveOptions>]>([
    ["there is one lane", { lanes: 1 }],
    ["there is one connection", { maxConnections: 1 }],
    ["one part is asked for", { segments: 1 }],
    ["it is not larger than the limit", { segmentAbove: SIZE }],
    ["they are off", { segmentAbove: false }],
  ])("there are none where %s", async (_, more) => {
    const made = await largeBed();
    expect(await move(made.options(more))).toMatchObject({ moved: 1, bytes: SIZE, warnings: [] });
    expectMoved(made);
    expect(places(made)).toEqual([]);
    expect(logins(made)).toBe(1);
  });

  test("what is found to be wrong stays where its source is gone by then", async () => {
    let isLast = false;
    const onCommand = (line: string) => {
      if (line === `REST ${SIZE - 1}`) isLast = true;
      if (!isLast || !line.startsWith("RETR")) return;
      const [temp = ""] = readdirSync(made.target);
      const handle = openSync(join(made.target, temp), "r+");
      writeSync(handle, "damaged", 5);
      closeSync(handle);
      setImmediate(() => made.from.tree.remove(`/out/${NAME}`));
    };
    const made = await largeBed({ onCommand });
    const result = await move(made.options({ verify: "readback", tries: { retry: 1 } }));
    expect(result).toMatchObject({ moved: 0, failed: 1, failures: [{ name: NAME, code: "PARTIAL" }] });
    expect(readdirSync(made.target).map((name) => statSync(join(made.target, name)).size)).toEqual([SIZE]);
  });

  test("there are as many as lanes may be", async () => {
    const made = await largeBed();
    await move(made.options({ lanes: 2 }));
    expectMoved(made);
    expect(logins(made)).toBe(2);
    expect(places(made)).toEqual([...PLACES, SIZE - 1]);
  });

  test("a server that takes fewer connections has fewer of them at work", async () => {
    const made = await largeBed({ limits: { maxClients: 2 } });
    expect(await move(made.options())).toMatchObject({ moved: 1, failed: 0 });
    expectMoved(made);
    expect(places(made)).toEqual([...PLACES, SIZE - 1]);
  });
});

describe("where there can be no parts", () => {
  test("an FTP server that refuses a place behind the end gets one stream, which is told once", async () => {
    const made = await largeBed();
    made.put("second.dat", "x".repeat(2_000 * KIB));
    const result = await move(made.options({ to: made.to.urlOf("/in"), lanes: 4 }));
    expect(result).toMatchObject({ moved: 2, failed: 0, bytes: SIZE + 2_000 * KIB });
    expect(result.warnings).toEqual([expect.stringMatching(/does not take several parts of a file at once/)]);
    expect(made.to.tree.read(`/in/${NAME}`).equals(CONTENT)).toBe(true);
    expect(filesBelow(made.to, "/in")).toEqual([NAME, "second.dat"]);
    expect(places(made)).toEqual([]);
  });

  test("a source that does not begin within a file gives it in one stream", async () => {
    const made = await largeBed();
    made.from.faults.reply = { REST: "502 REST not implemented." };
    const result = await move(made.options());
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: SIZE });
    expect(result.warnings).toEqual([expect.stringMatching(/takes no REST: large files go in one stream/)]);
    expectMoved(made);
  });
});

describe("a part that breaks", () => {
  test("is sent again, by whoever is there", async () => {
    const made = await largeBed();
    Object.assign(made.from.faults, { cutDataAt: 500 * KIB, dataFaultsOn: "RETR", dataFaultsTimes: 3 });
    expect(await move(made.options())).toMatchObject({ moved: 1, failed: 0, bytes: SIZE });
    expectMoved(made);
    expect(places(made).length).toBeGreaterThan(PLACES.length + 1);
  });

  test("and its connection with it: the others do what is left", async () => {
    let dropped = 0;
    const made = await largeBed({
      onCommand: (line) => {
        // Three helpers and the lane itself are at work by then; all are cut off but for what begins anew.
        if (line === `REST ${PLACES[2]}` && dropped++ === 0) setTimeout(() => made.from.dropConnections(), 20);
      },
    });
    const result = await move(made.options({ maxBytesPerSecond: 8_000 * KIB }));
    expect(dropped).toBeGreaterThan(0);
    expect(result).toMatchObject({ moved: 1, failed: 0, left: 0 });
    expectMoved(made);
  });

  test("a part that is shorter than it should be is never taken for all of it", async () => {
    const made = await largeBed();
    Object.assign(made.from.faults, {
      cutDataAt: 500 * KIB,
      cutDataCleanly: true,
      dataFaultsOn: "RETR",
      dataFaultsTimes: 2,
    });
    expect(await move(made.options())).toMatchObject({ moved: 1, failed: 0, bytes: SIZE });
    expectMoved(made);
  });

  test("at the end of the job nothing with holes is left to be gone on with", async () => {
    const made = await largeBed();
    const ended = new AbortController();
    const timer = setInterval(() => {
      if (places(made).length === 3) ended.abort();
    });
    const options = made.options({ signal: ended.signal, maxBytesPerSecond: 4_000 * KIB, resumeAbove: 0 });
    await expect(move(options).finally(() => clearInterval(timer))).rejects.toThrow("the move was cancelled");
    expect(readdirSync(made.target)).toEqual([]);
    expect(await move(made.options())).toMatchObject({ moved: 1, left: 0, bytes: SIZE });
    expectMoved(made);
  });
});

describe("what a process leaves that is killed in mid parts", () => {
  const size = SIZE;
  /** A claim whose temporary file lacks its last byte, as all do that are written in parts, and has holes. */
  function leave(made: Large): string {
    const { settings } = resolveMove(made.options());
    using journal = Journal.open(made.journal, { settings });
    const planned = { size, mtime: LONG_AGO.getTime() };
    journal.addListed([{ name: NAME, ...planned }]);
    journal.finishListing();
    const [file] = journal.claim(1);
    journal.probed([{ id: file!.id, destBefore: "absent", ...planned }]);
    return file!.temp as string;
  }

  test.each(["size", "hash"] as const)("verify %s: it is not gone on with", async (verify) => {
    const made = await largeBed();
    const to = made.to.urlOf("/in");
    const temp = (() => {
      using journal = Journal.open(made.journal, { settings: resolveMove(made.options({ to })).settings });
      const planned = { size, mtime: LONG_AGO.getTime() };
      journal.addListed([{ name: NAME, ...planned }]);
      journal.finishListing();
      const [file] = journal.claim(1);
      journal.probed([{ id: file!.id, destBefore: "absent", ...planned }]);
      return file!.temp as string;
    })();
    made.to.tree.write(`/in/${temp}`, Buffer.alloc(size - 1));
    expect(await move(made.options({ to, verify, resumeAbove: 0, segmentAbove: false }))).toMatchObject({
      moved: 1,
      bytes: size,
    });
    expect(made.to.tree.read(`/in/${NAME}`).equals(CONTENT)).toBe(true);
  });

  test("where the source is gone, it is kept, and never gets the final name", async () => {
    const made = await largeBed();
    const temp = leave(made);
    made.from.tree.remove(`/out/${NAME}`);
    const path = join(made.target, temp);
    const { truncateSync, writeFileSync } = await import("node:fs");
    writeFileSync(path, "");
    truncateSync(path, size - 1);
    expect(await move(made.options())).toMatchObject({ moved: 0, failed: 1 });
    expect(readdirSync(made.target)).toEqual([temp]);
    expect(parseTempName(temp)).toBeDefined();
  });
});
