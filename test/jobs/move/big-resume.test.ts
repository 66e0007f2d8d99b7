/** Large files are gone on with where they ended: within a run, behind the end of one, on servers that refuse it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { move } from "../../../src/jobs/index.js";
import { JournalReader } from "../../../src/jobs/journal/journal.js";
import { parseTempName } from "../../../src/jobs/move/names/temp-name.js";
import type { FtpServer, FtpServerOptions } from "../../../src/testing/index.js";
import { type Bed, bed, filesBelow, LONG_AGO } from "./bed.js";

const KIB = 1024;
/** No two blocks of it are alike. */
const CONTENT = Buffer.alloc(3_000 * KIB);
for (let at = 0; at < CONTENT.length; at += 4) CONTENT.writeUInt32LE(at, at);
const NAME = "large.dat";
/** Bytes of what is there that are sent once more with this limit: 16 KiB. */
const ABOVE = 256 * KIB;
const BACK = ABOVE / 16;

async function largeBed(source: FtpServerOptions = {}): Promise<Bed> {
  const made = await bed(source);
  made.from.tree.write(`/out/${NAME}`, CONTENT, { modified: LONG_AGO });
  const options = made.options;
  return { ...made, options: (more = {}) => options({ resumeAbove: ABOVE, lanes: 1, journal: made.journal, ...more }) };
}

/**
 * The data connection ends there. That of an upload breaks; a download ends as if all were well: behind a reset its last
 * bytes may or may not be read.
 */
const cut = (at: number | undefined, verb: string) => ({
  ...{ cutDataAt: at, dataFaultsOn: verb, cutDataCleanly: verb === "RETR" },
});

const sent = ({ commands }: FtpServer, verb: string) => commands.filter((line) => line.startsWith(`${verb} `));
const wentOn = (server: FtpServer) => sent(server, "REST").map((line) => Number(line.slice(5)));
const tempNames = ({ commands }: FtpServer) =>
  new Set(commands.flatMap((line) => /^(?:STOR|APPE) (.*)$/.exec(line)?.[1] ?? []));

function expectMoved({ from, to }: Bed): void {
  expect(filesBelow(to, "/in")).toEqual([NAME]);
  expect(to.tree.read(`/in/${NAME}`).equals(CONTENT)).toBe(true);
  expect(to.tree.stat(`/in/${NAME}`)?.modified).toEqual(LONG_AGO);
  expect(filesBelow(from, "/out")).toEqual([]);
}

describe("a file that breaks off in mid transfer", () => {
  test.each(["RETR", "STOR"])("goes on where it was when the data connection of %s was lost", async (verb) => {
    const made = await largeBed();
    const { from, to, options } = made;
    const faults = (verb === "RETR" ? from : to).faults;
    Object.assign(faults, { ...cut(2_000 * KIB, verb), dataFaultsTimes: 1 });
    const result = await move(options());
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: CONTENT.length, warnings: [] });
    expectMoved(made);
    const [at, ...more] = wentOn(to);
    expect(more).toEqual([]);
    expect(at).toBeGreaterThan(ABOVE - BACK);
    expect(at).toBeLessThanOrEqual(2_000 * KIB - BACK);
    expect(wentOn(from), "both sides begin at the same byte").toEqual([at]);
    expect(tempNames(to).size).toBe(1);
  });

  test.each(["from", "to"] as const)("goes on under the same temporary name when %s hangs up", async (side) => {
    const made = await largeBed();
    const { from, to, options } = made;
    let dropped = 0;
    const timer = setInterval(() => {
      const [temp] = filesBelow(to, "/in");
      if (dropped > 0 || temp === undefined || to.tree.stat(`/in/${temp}`)!.size < 1_000 * KIB) return;
      dropped++;
      made[side].dropConnections();
    });
    // So that there is a moment in mid transfer.
    const result = await move(options({ maxBytesPerSecond: 4_000 * KIB })).finally(() => clearInterval(timer));
    expect(dropped).toBe(1);
    expect(result).toMatchObject({ moved: 1, failed: 0, warnings: [] });
    expectMoved(made);
    expect(wentOn(to).length).toBe(1);
    expect(wentOn(from)).toEqual(wentOn(to));
    expect(tempNames(to).size).toBe(1);
  });

  test("is sent again below the limit, and never gone on with where that is off", async () => {
    for (const resumeAbove of [2_500 * KIB, false, Number.POSITIVE_INFINITY] as const) {
      const made = await largeBed();
      const { from, to, options } = made;
      Object.assign(from.faults, { ...cut(2_000 * KIB, "RETR"), dataFaultsTimes: 1 });
      expect(await move(options({ resumeAbove }))).toMatchObject({ moved: 1, bytes: CONTENT.length });
      expectMoved(made);
      expect([...wentOn(from), ...wentOn(to)]).toEqual([]);
      expect(tempNames(to).size).toBe(2);
    }
  });

  test("goes on however often it breaks, as long as it gets on", async () => {
    const made = await largeBed();
    const { from, to, options } = made;
    // Fewer tries would not do.
    Object.assign(from.faults, { ...cut(300 * KIB, "RETR"), dataFaultsTimes: 9 });
    const result = await move(options({ tries: { retry: 2 } }));
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: CONTENT.length });
    expectMoved(made);
    expect(tempNames(to).size).toBe(1);
    const places = wentOn(to);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.length).toBe(9);
  });

  test("is given up where it does not get on: another attempt begins anew", async () => {
    let begun = 0;
    const made = await largeBed({
      onCommand: (line) => {
        if (!line.startsWith("RETR")) return;
        // The first one brings something, the next ones nothing, and the last one all.
        Object.assign(made.from.faults, cut([1_000 * KIB, 1, 1, 1][begun++], "RETR"));
      },
    });
    const { to, options } = made;
    const result = await move(options({ tries: { retry: 3 } }));
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: CONTENT.length });
    expectMoved(made);
    expect(begun).toBe(5);
    expect(wentOn(to).length).toBe(3);
    expect(tempNames(to).size).toBe(2);
  });

  test("a source that changed meanwhile is sent anew", async () => {
    const made = await largeBed();
    const { from, to, options } = made;
    const newer = Buffer.from(CONTENT).fill("newer", 0, 5);
    Object.assign(from.faults, { ...cut(2_000 * KIB, "RETR"), dataFaultsTimes: 1 });
    const timer = setInterval(() => {
      if (
        from.faults.dataFaultsTimes === 0 &&
        from.tree.stat(`/out/${NAME}`)?.modified.getTime() === LONG_AGO.getTime()
      )
        from.tree.write(`/out/${NAME}`, newer, { modified: new Date("2024-01-01T00:00:00Z") });
    });
    const result = await move(options()).finally(() => clearInterval(timer));
    expect(result).toMatchObject({ moved: 1, failed: 0 });
    expect(to.tree.read(`/in/${NAME}`).equals(newer)).toBe(true);
    expect(filesBelow(to, "/in")).toEqual([NAME]);
  });
});

describe("what had arrived before is compared, too", () => {
  test.each(["hash", "readback"] as const)("%s: the digest is that of the whole file", async (verify) => {
    const made = await largeBed();
    const { from, to, options, journal } = made;
    Object.assign(to.faults, { ...cut(2_000 * KIB, "STOR"), dataFaultsTimes: 1 });
    const result = await move(options({ verify }));
    expect(result).toMatchObject({ moved: 1, bytes: CONTENT.length, warnings: [] });
    expectMoved(made);
    expect(wentOn(to).length).toBe(1);
    expect(wentOn(from), "the source is read from its beginning").toEqual([]);
    using reader = JournalReader.read(journal);
    const [row] = reader.files(["DONE"]);
    expect(row?.digest).toBe(`sha256:${createHash("sha256").update(CONTENT).digest("hex")}`);
  });

  test.each(["hash", "readback"] as const)("%s: rubbish in it is found, and the file sent again", async (verify) => {
    const made = await largeBed();
    const { from, to, options } = made;
    Object.assign(from.faults, { ...cut(2_000 * KIB, "RETR"), dataFaultsTimes: 1 });
    let spoiled = 0;
    const timer = setInterval(() => {
      const [temp] = filesBelow(to, "/in");
      if (spoiled > 0 || temp === undefined || parseTempName(temp) === undefined) return;
      const bytes = to.tree.stat(`/in/${temp}`)!.size;
      // A byte that is not sent again.
      if (bytes > 1_000 * KIB && ++spoiled) to.tree.read(`/in/${temp}`)[500 * KIB]! ^= 0xff;
    });
    const result = await move(options({ verify, maxBytesPerSecond: 6_000 * KIB })).finally(() => clearInterval(timer));
    expect(spoiled).toBe(1);
    expect(result).toMatchObject({ moved: 1, failed: 0 });
    expectMoved(made);
    expect(tempNames(to).size).toBe(2);
  });
});

describe("a server that does not begin within a file", () => {
  test("APPE takes the place of REST and STOR, where the end of what is there is the source's", async () => {
    const made = await largeBed();
    const { to, options } = made;
    Object.assign(to.faults, { ...cut(2_000 * KIB, "STOR"), dataFaultsTimes: 1 });
    to.faults.reply = { REST: { reply: "451 Append/Restart not permitted, try again", times: 1 } };
    const result = await move(options());
    expect(result).toMatchObject({ moved: 1, bytes: CONTENT.length, warnings: [] });
    expectMoved(made);
    expect(sent(to, "APPE").length).toBe(1);
    expect(tempNames(to).size).toBe(1);
  });

  test("APPE is not asked for where the end of what is there is rubbish: the file is sent again", async () => {
    const made = await largeBed();
    const { from, to, options } = made;
    Object.assign(from.faults, { ...cut(2_000 * KIB, "RETR"), dataFaultsTimes: 1 });
    to.faults.reply = { REST: { reply: "502 No.", times: 1 } };
    const timer = setInterval(() => {
      // The refusal was given: what is there is compared next.
      const [temp] = filesBelow(to, "/in");
      if (wentOn(to).length === 0 || temp === undefined || sent(to, "STOR").length > 1) return;
      const bytes = to.tree.read(`/in/${temp}`);
      bytes.fill(0xee, bytes.length - 10);
    }, 0);
    const result = await move(options()).finally(() => clearInterval(timer));
    expect(result).toMatchObject({ moved: 1, bytes: CONTENT.length });
    expectMoved(made);
    expect(sent(to, "APPE")).toEqual([]);
  });

  test("with neither, files are sent again, which is told once, and not asked for a second time", async () => {
    const made = await largeBed();
    const { from, to, options } = made;
    from.tree.write("/out/second.dat", CONTENT, { modified: LONG_AGO });
    Object.assign(from.faults, { ...cut(2_000 * KIB, "RETR"), dataFaultsTimes: 2 });
    to.faults.reply = { REST: "502 REST not implemented." };
    const result = await move(options());
    expect(result).toMatchObject({ moved: 2, failed: 0, bytes: 2 * CONTENT.length });
    expect(result.warnings).toEqual([
      `${to.urlOf("/in").replace("test:test@", "test:***@")} takes neither REST nor APPE: large files that were broken off are sent again from their beginning`,
    ]);
    // One for STOR, and one for RETR, to compare what is there.
    expect(wentOn(to).length).toBe(2);
    expect(to.tree.read("/in/second.dat").equals(CONTENT)).toBe(true);
    expect(filesBelow(to, "/in")).toEqual([NAME, "second.dat"]);
  });

  test("a source without it is read from its beginning, and what is there is not sent again", async () => {
    const made = await largeBed();
    const { from, to, options } = made;
    Object.assign(to.faults, { ...cut(2_000 * KIB, "STOR"), dataFaultsTimes: 1 });
    from.faults.reply = { REST: "502 REST not implemented." };
    const result = await move(options());
    expect(result).toMatchObject({ moved: 1, bytes: CONTENT.length });
    expect(result.warnings.length).toBe(1);
    expect(result.warnings[0]).toMatch(/takes no REST: of large files that were broken off all is read again/);
    expectMoved(made);
    expect(tempNames(to).size).toBe(1);
    expect(wentOn(from).length, "asked once").toBe(1);
  });
});

describe("a job that is ended in mid file", () => {
  async function endInMid({ to, options }: Bed, more = {}): Promise<void> {
    const ended = new AbortController();
    const timer = setInterval(() => {
      const [temp] = filesBelow(to, "/in");
      if (temp !== undefined && to.tree.stat(`/in/${temp}`)!.size > 1_000 * KIB) ended.abort();
    });
    const running = move(options({ signal: ended.signal, maxBytesPerSecond: 4_000 * KIB, ...more }));
    await expect(running.finally(() => clearInterval(timer))).rejects.toThrow("the move was cancelled");
  }

  test("leaves what arrived to the next run, which sends only the rest", async () => {
    const made = await largeBed();
    const { to, options } = made;
    await endInMid(made);
    const [temp] = filesBelow(to, "/in");
    const there = to.tree.stat(`/in/${temp}`)!.size;
    expect(parseTempName(temp as string)?.attempt).toBe(1);
    const result = await move(options());
    expect(result).toMatchObject({ moved: 1, failed: 0, left: 0, warnings: [], bytes: CONTENT.length - there + BACK });
    expectMoved(made);
    expect(tempNames(to).size).toBe(1);
  });

  test("removes it where it is not worth going on with", async () => {
    const made = await largeBed();
    await endInMid(made, { resumeAbove: 2_900 * KIB });
    expect(filesBelow(made.to, "/in")).toEqual([]);
    expect(await move(made.options({ resumeAbove: 2_900 * KIB }))).toMatchObject({ moved: 1, bytes: CONTENT.length });
    expectMoved(made);
  });
});

describe("from and to local folders", () => {
  test("a file is gone on with by reading and writing within it", async () => {
    const made = await largeBed();
    const { from, to, folder, journal } = made;
    const options = (more = {}) => made.options({ to: folder, match: "*.dat", journal, ...more });
    const ended = new AbortController();
    const parts = () => readdirSync(folder).filter((name) => parseTempName(name) !== undefined);
    const timer = setInterval(() => {
      const [temp] = parts();
      if (temp !== undefined && statSync(join(folder, temp)).size > 1_000 * KIB) ended.abort();
    });
    const running = move(options({ signal: ended.signal, maxBytesPerSecond: 4_000 * KIB }));
    await expect(running.finally(() => clearInterval(timer))).rejects.toThrow("the move was cancelled");
    const [temp] = parts();
    const there = statSync(join(folder, temp as string)).size;
    // As behind a power cut.
    const spoiled = readFileSync(join(folder, temp as string));
    writeFileSync(join(folder, temp as string), spoiled.fill(0, there - BACK + 1));
    const result = await move(options());
    expect(result).toMatchObject({ moved: 1, bytes: CONTENT.length - there + BACK, warnings: [] });
    expect(readFileSync(join(folder, NAME)).equals(CONTENT)).toBe(true);
    expect(wentOn(from)).toEqual([there - BACK]);
    // And back again.
    await made.from.tree.remove("/out");
    expect(await move({ from: folder, to: to.urlOf("/in"), match: "*.dat", resumeAbove: ABOVE })).toMatchObject({
      moved: 1,
    });
    expect(to.tree.read(`/in/${NAME}`).equals(CONTENT)).toBe(true);
  });
});
