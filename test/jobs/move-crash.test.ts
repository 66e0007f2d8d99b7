/** A process that died between any two steps of a file: the state each leaves, and what the next run makes of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MoveOptions, move } from "../../src/jobs/index.js";
import { type ClaimedFile, type DestBefore, Journal } from "../../src/jobs/journal/journal.js";
import { resolveMove } from "../../src/jobs/move/options.js";
import { FtpServer } from "../../src/testing/index.js";

const NAME = "a.dat";
const CONTENT = "the content of a";
const WHEN = new Date("2026-01-18T10:00:00Z");
/** As many bytes as the content, but others. */
const TWIN = "THE CONTENT OF A";

let folder: string;
let from: FtpServer;
let to: FtpServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "polywire-crash-"));
  from = await FtpServer.start();
  to = await FtpServer.start();
  from.tree.write(`/out/${NAME}`, CONTENT, { modified: WHEN });
  to.tree.mkdir("/in");
});
afterEach(async () => {
  await Promise.all([from.close(), to.close()]);
  rmSync(folder, { recursive: true });
});

function options(more: Partial<MoveOptions> = {}): MoveOptions {
  return { from: from.urlOf("/out"), to: to.urlOf("/in"), match: "*.dat", journal: join(folder, "j"), ...more };
}

/** A journal in which the file is claimed, as a process leaves it that is killed then. */
function claim(before: DestBefore | undefined, more: Partial<MoveOptions> = {}): ClaimedFile {
  using journal = Journal.open(join(folder, "j"), { settings: resolveMove(options(more)).settings });
  journal.addListed([{ name: NAME, size: CONTENT.length, mtime: WHEN.getTime() }]);
  journal.finishListing();
  const [file] = journal.claim(1);
  if (before) journal.probed([{ id: file!.id, destBefore: before, size: CONTENT.length, mtime: WHEN.getTime() }]);
  return file!;
}

interface World {
  /** Contents; undefined where nothing is. */
  source?: string | undefined;
  temp?: string | undefined;
  final?: string | undefined;
}

function build(file: ClaimedFile, { source, temp, final }: World): void {
  if (source === undefined) from.tree.remove(`/out/${NAME}`);
  else from.tree.write(`/out/${NAME}`, source, { modified: WHEN });
  if (temp !== undefined) to.tree.write(`/in/${file.temp}`, temp);
  // Another file of the same size has another time: size and time together are taken for "the same".
  const modified = final === TWIN ? new Date("2020-01-01T00:00:00Z") : WHEN;
  if (final !== undefined) to.tree.write(`/in/${NAME}`, final, { modified });
}

function world(file: ClaimedFile): World {
  const read = (server: FtpServer, path: string) =>
    server.tree.exists(path) ? server.tree.read(path).toString() : undefined;
  return {
    source: read(from, `/out/${NAME}`),
    temp: read(to, `/in/${file.temp}`),
    final: read(to, `/in/${NAME}`),
  };
}

const S = CONTENT;
const PART = CONTENT.slice(0, 5);
const MOVED = { source: undefined, temp: undefined, final: CONTENT };

describe("the process died", () => {
  test.each<[string, DestBefore | undefined, World]>([
    ["C0 behind the claim, before anything was sent", undefined, { source: S }],
    ["C0 behind the look at both sides", "absent", { source: S }],
    ["C1 in mid transfer", "absent", { source: S, temp: PART }],
    ["C1 before the first byte", "absent", { source: S, temp: "" }],
    ["C2 before the rename", "absent", { source: S, temp: S }],
    ["C3 in the rename, which was done", "absent", { source: S, final: S }],
    ["C4, C5 before the source was removed", "absent", { source: S, final: S }],
    ["C6, C7 when the source was removed, and nobody noted it", "absent", { final: S }],
  ])("%s: it is moved", async (_, before, left) => {
    const file = claim(before);
    build(file, left);
    expect(await move(options())).toMatchObject({ moved: 1, left: 0, failed: 0, conflicts: 0, gone: 0 });
    expect(world(file)).toEqual(MOVED);
    expect(to.tree.count("/in")).toBe(1);
  });

  test("copies never lose a source, wherever they died", async () => {
    for (const left of [{ source: S }, { source: S, temp: S }, { source: S, final: S }] as World[]) {
      rmSync(folder, { recursive: true });
      folder = mkdtempSync(join(tmpdir(), "polywire-crash-"));
      to.tree.remove("/in");
      to.tree.mkdir("/in");
      const file = claim("absent", { source: "keep" });
      build(file, left);
      expect(await move(options({ source: "keep" }))).toMatchObject({ moved: 1, left: 0 });
      expect(world(file)).toEqual({ source: S, temp: undefined, final: S });
    }
  });

  test.each<[string, World]>([
    ["before the rename", { source: S, temp: S, final: "old" }],
    ["behind the rename", { source: S, final: S }],
    ["when the source was removed", { final: S }],
  ])("overwriting, %s: the new content is there, once", async (_, left) => {
    const file = claim("other", { onExists: "overwrite" });
    build(file, left);
    expect(await move(options({ onExists: "overwrite" }))).toMatchObject({ moved: 1, left: 0 });
    expect(world(file)).toEqual(MOVED);
  });

  test.each<[string, World]>([
    ["before the rename", { source: S, temp: S }],
    ["behind the rename", { source: S, final: S }],
    ["when the source was removed", { final: S }],
  ])("with a free name, %s: the file of the first name stays, and one copy is made", async (_, left) => {
    const file = claim("other", { onExists: "rename" });
    to.tree.write(`/in/${NAME}`, "foreign");
    let renamed: ClaimedFile;
    {
      using journal = Journal.open(join(folder, "j"));
      renamed = journal.retarget(file, "a-1.dat");
    }
    if (left.source === undefined) from.tree.remove(`/out/${NAME}`);
    if (left.temp !== undefined) to.tree.write(`/in/${renamed.temp}`, left.temp);
    if (left.final !== undefined) to.tree.write("/in/a-1.dat", left.final);
    expect(await move(options({ onExists: "rename" }))).toMatchObject({ moved: 1, left: 0 });
    expect(to.tree.list("/in")).toEqual(["a-1.dat", NAME]);
    expect(to.tree.read("/in/a-1.dat").toString()).toBe(S);
    expect(to.tree.read(`/in/${NAME}`).toString()).toBe("foreign");
    expect(from.tree.count("/out")).toBe(0);
  });
});

describe("every state of source, temporary and final file", () => {
  const sources: Record<string, string | undefined> = { whole: S, grown: `${S} and more`, gone: undefined };
  const temps: Record<string, string | undefined> = { none: undefined, part: PART, whole: S };
  const finals: Record<string, string | undefined> = { none: undefined, ours: S, twin: TWIN, foreign: "foreign" };
  const befores = [undefined, "absent", "same", "other"] as const;
  const cases = Object.keys(sources).flatMap((source) =>
    Object.keys(temps).flatMap((temp) =>
      Object.keys(finals).flatMap((final) => befores.map((before) => [source, temp, final, before] as const)),
    ),
  );

  test.each(cases)("source %s, temporary %s, final %s, before %s: nothing is lost", async (s, t, f, before) => {
    const file = claim(before);
    const left = { source: sources[s], temp: temps[t], final: finals[f] };
    build(file, left);
    const result = await move(options());
    const after = world(file);
    const { moved, skipped, conflicts, failed, gone } = result;
    expect(moved + skipped + conflicts + failed + gone).toBe(1);
    expect(result.left).toBe(0);
    // Somebody else's file is never replaced.
    if (left.final !== undefined && left.final !== S) expect(after.final).toBe(left.final);
    // What there was of the content is still there.
    if (left.source !== undefined) expect([after.source, after.final]).toContain(left.source);
    else if (left.temp !== undefined) expect([after.temp, after.final]).toContain(left.temp);
    // What has the final name is whole.
    if (after.final !== undefined) expect([left.source, left.final, S]).toContain(after.final);
    // "Moved" is true.
    if (moved + skipped > 0) expect({ ...after, temp: undefined }).toMatchObject({ source: undefined });
    if (moved > 0) expect([left.source ?? S, left.final]).toContain(after.final);
    // A temporary file stays only where the source is gone.
    if (left.source !== undefined) expect(after.temp).toBeUndefined();
  });
});
