/** The recovery table, row by row: what one run makes of a file that was left under way, and that the next one agrees. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MoveOptions, MoveResult } from "../../../src/jobs/index.js";
import { type DestBefore, Journal, type JournalFile } from "../../../src/jobs/journal/journal.js";
import { resolveMove } from "../../../src/jobs/move/options.js";
import { Bench } from "./bench.js";

const NAME = "a.dat";
const S = "the content of a";
const PART = "the con";
/** As many bytes, but others. */
const TWIN = "THE CONTENT OF A";
const FOREIGN = "somebody else's";
const NEWER = "the content of a, and more";
const WHEN = new Date("2026-01-18T10:00:00Z");
const LATER = new Date("2026-01-19T10:00:00Z");

/** Large enough to be gone on with: of what is there 4 KiB are sent once more. */
const L = Array.from({ length: 2_000 }, (_, i) => `${String(i).padStart(9, "0")},`).join("");
const HALF = L.slice(0, 12_000);
const LARGE = { resumeAbove: 10_000 };
/** Bytes that are sent where it is gone on with. */
const REST = L.length - HALF.length + 4096;
/** As a server leaves it behind a power cut. */
const SPOILED = `${HALF.slice(0, -4_000)}${"\0".repeat(4_000)}`;
/** Wrong where nobody sends it again. */
const ROTTEN = `?${HALF.slice(1)}`;

/** Contents; undefined where nothing is. */
interface Left {
  readonly source?: string;
  readonly temp?: string;
  readonly final?: string;
}

interface Row {
  readonly left: Left;
  /** What was planned. Default: `S`. */
  readonly of?: string;
  readonly options?: Partial<MoveOptions>;
  /** Bytes that are sent. Default: not looked at. */
  readonly sent?: number;
  /** True where it was begun by FXP. */
  readonly fxp?: boolean;
  /** Default: `absent`. */
  readonly before?: DestBefore | "unknown";
  readonly onExists?: MoveOptions["onExists"];
  /** The time of the final file. Default: that of the source. */
  readonly finalTime?: Date;
  /** What is there then; the source is where the job removes it, and `kept` where it does not. */
  readonly after: Left;
  readonly kept?: Left;
  readonly counts: Partial<MoveResult>;
  readonly code?: string;
  readonly warns?: RegExp;
  /** Bytes read from the source: none where what is there is trusted, and nothing compared. */
  readonly reads: number;
}

const moved = { moved: 1, skipped: 0, failed: 0, conflicts: 0, gone: 0, left: 0 };
const skipped = { ...moved, moved: 0, skipped: 1 };
const conflict = { ...moved, moved: 0, conflicts: 1 };
const failed = { ...moved, moved: 0, failed: 1 };
const gone = { ...moved, moved: 0, gone: 1 };
const MOVED = { after: { final: S }, kept: { source: S, final: S }, counts: moved };
const LARGELY = { after: { final: L }, kept: { source: L, final: L }, counts: moved, of: L, options: LARGE };
const stays = (left: Left) => ({ after: left, kept: left, counts: conflict, code: "EXISTS" });

const ROWS: Readonly<Record<string, Row>> = {
  "source ok, nothing else: transferred": { left: { source: S }, ...MOVED, reads: 1 },
  "a part of it in the temporary file: removed, transferred": { left: { source: S, temp: PART }, ...MOVED, reads: 1 },
  "a large part of it in the temporary file: gone on with": {
    ...{ left: { source: L, temp: HALF }, ...LARGELY, reads: 1, sent: REST },
  },
  "a large part of it whose end is rubbish: that is sent once more": {
    ...{ left: { source: L, temp: SPOILED }, ...LARGELY, reads: 1, sent: REST },
  },
  "a part of it that is not larger than the limit: removed, transferred": {
    ...{ left: { source: L, temp: L.slice(0, 10_000) }, ...LARGELY, reads: 1, sent: L.length },
  },
  "a large part of it, and nothing is gone on with: removed, transferred": {
    ...{ left: { source: L, temp: HALF }, ...LARGELY, options: { resumeAbove: false }, reads: 1, sent: L.length },
  },
  "a large part of it, which two servers may still be writing: removed, transferred": {
    ...{ left: { source: L, temp: HALF }, ...LARGELY, fxp: true, reads: 1, sent: L.length },
  },
  "all of a large file, which two servers have written: removed, transferred": {
    ...{ left: { source: L, temp: L }, ...LARGELY, options: { ...LARGE, verify: "hash" }, fxp: true, reads: 1 },
    sent: L.length,
  },
  "all of a small file, published, which two servers sent each other: the source goes": {
    ...{ left: { source: S, final: S }, ...MOVED, fxp: true, reads: 0 },
  },
  "a large part of it, nothing known of before: not ours": {
    ...{ left: { source: L, temp: HALF }, ...LARGELY, before: "unknown", reads: 1, sent: L.length },
  },
  "all of a large file but one byte, as where parts of it are missing: removed, transferred": {
    ...{ left: { source: L, temp: L.slice(0, -1) }, ...LARGELY, reads: 1, sent: L.length },
  },
  "all of a large file: not trusted where nothing compares it": {
    ...{ left: { source: L, temp: L }, ...LARGELY, reads: 1, sent: L.length },
  },
  "all of a large file, compared by its digest: nothing is sent": {
    ...{ left: { source: L, temp: L }, ...LARGELY, options: { ...LARGE, verify: "hash" }, reads: 1, sent: 0 },
  },
  "a large part of it, compared by its digest: the source is read whole, the rest is sent": {
    ...{ left: { source: L, temp: HALF }, ...LARGELY, options: { ...LARGE, verify: "readback" }, reads: 1, sent: REST },
  },
  "a large part of it that is rotten: its digest tells, it is sent again": {
    ...{
      left: { source: L, temp: ROTTEN },
      ...LARGELY,
      options: { ...LARGE, verify: "hash" },
      reads: 2,
      sent: L.length,
    },
  },
  "all of a large file, but other bytes: its digest tells, it is sent again": {
    ...{ left: { source: L, temp: L.toLowerCase().replace("1", "2") }, ...LARGELY },
    ...{ options: { ...LARGE, verify: "readback" }, reads: 2, sent: L.length },
  },
  "a large part, and a foreign final file: conflict": {
    ...{ left: { source: L, temp: HALF, final: FOREIGN }, of: L, options: LARGE, reads: 0 },
    ...stays({ source: L, final: FOREIGN }),
  },
  "a large part, and the final file that it replaces: gone on with": {
    ...{ left: { source: L, temp: HALF, final: FOREIGN }, ...LARGELY, before: "other", onExists: "overwrite" },
    ...{ finalTime: LATER, reads: 1, sent: REST },
  },
  "source gone, temporary file a large part: kept": {
    ...{ left: { temp: HALF }, of: L, options: LARGE, after: { temp: HALF }, counts: failed, code: "PARTIAL" },
    ...{ warns: /was kept/, reads: 0 },
  },
  "source changed, a large part of the old one: removed": {
    ...{ left: { source: NEWER, temp: HALF }, of: L, options: LARGE, counts: moved, reads: 1 },
    ...{ after: { final: NEWER }, kept: { source: NEWER, final: NEWER } },
  },
  "an empty temporary file: removed, transferred": { left: { source: S, temp: "" }, ...MOVED, reads: 1 },
  "a temporary file of its size is not trusted": { left: { source: S, temp: TWIN }, ...MOVED, reads: 1 },
  "published, absent before: the source goes": { left: { source: S, final: S }, ...MOVED, reads: 0 },
  "published, but its time could not be set: its bytes tell": {
    ...{ left: { source: S, final: S }, finalTime: LATER, ...MOVED },
    reads: 1,
  },
  "a final file of its size, absent before, of other bytes: conflict": {
    ...{ left: { source: S, final: TWIN }, finalTime: LATER, ...stays({ source: S, final: TWIN }) },
    reads: 1,
  },
  "a final file that was the same before: passed over by the rule": {
    ...{ left: { source: S, final: S }, before: "same", after: { final: S }, kept: { source: S, final: S } },
    ...{ counts: skipped, reads: 0 },
  },
  "a final file that was the same before, and any is refused: conflict": {
    ...{ left: { source: S, final: S }, before: "same", onExists: "fail", ...stays({ source: S, final: S }) },
    reads: 0,
  },
  "a final file that was another before: conflict": {
    ...{ left: { source: S, final: TWIN }, before: "other", finalTime: LATER, ...stays({ source: S, final: TWIN }) },
    reads: 1,
  },
  "a final file that was another before, and is replaced": {
    ...{ left: { source: S, final: FOREIGN }, before: "other", onExists: "overwrite", ...MOVED, reads: 1 },
  },
  "a final file, nothing known of before: the rule": {
    ...{ left: { source: S, final: FOREIGN }, before: "unknown", ...stays({ source: S, final: FOREIGN }), reads: 0 },
  },
  "temporary and final file: that one is foreign": {
    ...{ left: { source: S, temp: S, final: FOREIGN }, ...stays({ source: S, final: FOREIGN }), reads: 0 },
  },
  "temporary and final file, and such are replaced": {
    ...{ left: { source: S, temp: PART, final: FOREIGN }, onExists: "overwrite", ...MOVED, reads: 1 },
  },
  "a final file of another size, absent before: conflict": {
    ...{ left: { source: S, final: FOREIGN }, ...stays({ source: S, final: FOREIGN }), reads: 0 },
  },
  "source gone, final there: done": { left: { final: S }, after: { final: S }, counts: moved, reads: 0 },
  "source gone, final as it was before: passed over": {
    ...{ left: { final: S }, before: "same", after: { final: S }, counts: skipped, reads: 0 },
  },
  "source gone, final another one from before: gone": {
    ...{ left: { final: TWIN }, before: "other", after: { final: TWIN }, counts: gone, reads: 0 },
  },
  "source gone, and by its size alone the final one is ours: done, and said": {
    ...{ left: { final: S }, before: "other", onExists: "overwrite", finalTime: LATER, after: { final: S } },
    ...{ counts: moved, warns: /taken for moved by its size/, reads: 0 },
  },
  "source gone, temporary file whole: renamed, and said": {
    ...{ left: { temp: S }, after: { final: S }, counts: moved, warns: /was published from what an earlier run left/ },
    reads: 0,
  },
  "source gone, temporary file whole, name taken: both stay": {
    ...{ left: { temp: S, final: FOREIGN }, after: { temp: S, final: FOREIGN }, counts: conflict, code: "KEPT" },
    ...{ warns: /was kept/, reads: 0 },
  },
  "source gone, temporary file a part: kept": {
    ...{ left: { temp: PART }, after: { temp: PART }, counts: failed, code: "PARTIAL", warns: /was kept/, reads: 0 },
  },
  "source gone, temporary file too large: kept": {
    ...{ left: { temp: NEWER }, after: { temp: NEWER }, counts: failed, code: "PARTIAL", warns: /was kept/, reads: 0 },
  },
  "nothing anywhere: gone": { left: {}, after: {}, counts: gone, reads: 0 },
  "nothing but a foreign final file: gone": {
    ...{ left: { final: FOREIGN }, after: { final: FOREIGN }, counts: gone, reads: 0 },
  },
  "source changed: planned again": {
    ...{ left: { source: NEWER }, after: { final: NEWER }, kept: { source: NEWER, final: NEWER } },
    ...{ counts: moved, reads: 1 },
  },
  "source changed, a temporary file of the old one: removed": {
    ...{ left: { source: NEWER, temp: S }, after: { final: NEWER }, kept: { source: NEWER, final: NEWER } },
    ...{ counts: moved, reads: 1 },
  },
  "source changed, the old one published: never removed": {
    ...{ left: { source: NEWER, final: S }, ...stays({ source: NEWER, final: S }), reads: 0 },
  },
  "source of the same size touched, the old one published: never removed on the old plan": {
    ...{ left: { source: TWIN, final: S }, ...stays({ source: TWIN, final: S }), reads: 1 },
  },
};

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

/** As a process leaves it that is killed then. */
function leave(row: Row, options: Partial<MoveOptions>): JournalFile {
  const { left, of = S, before = "absent", fxp, finalTime = WHEN } = row;
  const planned = { size: of.length, mtime: WHEN.getTime() };
  using journal = Journal.open(bench.journal, { settings: resolveMove(bench.options(options)).settings });
  journal.addListed([{ name: NAME, ...planned }]);
  journal.finishListing();
  const [file] = journal.claim(1);
  if (before !== "unknown") journal.probed([{ id: file!.id, destBefore: before, fxp, ...planned }]);
  const { from, to } = bench;
  const modified = left.source === of ? WHEN : LATER;
  if (left.source !== undefined) from.tree.write(`/out/${NAME}`, left.source, { modified });
  if (left.temp !== undefined) to.tree.write(`/in/${file!.temp}`, left.temp);
  if (left.final !== undefined) to.tree.write(`/in/${NAME}`, left.final, { modified: finalTime });
  return file!;
}

/** All that is there, by what it is; whatever else was made has its own name. */
function world(file: JournalFile): Record<string, string> {
  const { out, in: arrived } = bench.now();
  const kinds: Record<string, string> = { [NAME]: "final", [file.temp as string]: "temp" };
  const there = [...arrived].map(([name, { bytes }]) => [kinds[name] ?? name, bytes.toString()]);
  return Object.fromEntries([...[...out].map(([, { bytes }]) => ["source", bytes.toString()]), ...there]);
}

describe.each(["delete", "keep"] as const)("source: %s", (source) => {
  test.each(Object.keys(ROWS))("%s", async (name) => {
    const row = ROWS[name] as Row;
    const options = { source, onExists: row.onExists, ...row.options };
    const file = leave(row, options);
    const expected = source === "keep" ? (row.kept ?? row.after) : row.after;
    const result = await bench.run(options);
    expect(result).toMatchObject(row.counts);
    if (row.sent !== undefined) expect(result.bytes).toBe(row.sent);
    expect(world(file)).toEqual(expected);
    expect(bench.from.commands.filter((line) => line.startsWith("RETR")).length).toBe(row.reads);
    expect(result.failures[0]?.code).toBe(row.code);
    if (row.warns) expect(result.warnings.join()).toMatch(row.warns);
    else expect(result.warnings).toEqual([]);
    expect(await bench.run(options), "the next run agrees").toMatchObject(row.counts);
    expect(world(file), "the next run changes nothing").toEqual(expected);
  });
});

describe("a temporary file that may be the only copy", () => {
  test("gets its name once that is free", async () => {
    const file = leave({ ...(ROWS["source gone, temporary file whole, name taken: both stay"] as Row) }, {});
    expect(await bench.run()).toMatchObject(conflict);
    expect(await bench.run()).toMatchObject(conflict);
    bench.to.tree.remove(`/in/${NAME}`);
    expect(await bench.run()).toMatchObject(moved);
    expect(world(file)).toEqual({ final: S });
  });

  test("goes when the source is back", async () => {
    const file = leave({ ...(ROWS["source gone, temporary file a part: kept"] as Row) }, {});
    expect(await bench.run()).toMatchObject(failed);
    bench.from.tree.write(`/out/${NAME}`, S, { modified: WHEN });
    expect(await bench.run()).toMatchObject(moved);
    expect(world(file)).toEqual({ final: S });
  });

  test("stays as it is without retryFailed", async () => {
    const file = leave({ ...(ROWS["source gone, temporary file a part: kept"] as Row) }, {});
    expect(await bench.run()).toMatchObject(failed);
    expect(await bench.run({ retryFailed: false })).toMatchObject(failed);
    expect(world(file)).toEqual({ temp: PART });
  });

  test("is renamed by a later run where its name was refused", async () => {
    const file = leave({ ...(ROWS["source gone, temporary file whole: renamed, and said"] as Row) }, {});
    bench.to.faults.reply = { RNTO: "553 No." };
    const result = await bench.run();
    expect(result).toMatchObject(failed);
    expect(result.failures[0]).toMatchObject({ state: "FAILED", code: "PARTIAL" });
    expect(world(file)).toEqual({ temp: S });
    bench.to.clearFaults();
    expect(await bench.run()).toMatchObject(moved);
    expect(world(file)).toEqual({ final: S });
  });

  test("stays where the server would not tell of it, and a later run looks again", async () => {
    const file = leave({ ...(ROWS["source gone, temporary file whole: renamed, and said"] as Row) }, {});
    bench.to.faults.reply = { SIZE: "553 No.", MLST: "553 No." };
    expect(await bench.run()).toMatchObject(failed);
    expect(world(file)).toEqual({ temp: S });
    bench.to.clearFaults();
    expect(await bench.run()).toMatchObject(moved);
    expect(world(file)).toEqual({ final: S });
  });

  test("is looked at again where the server was busy", async () => {
    const file = leave({ ...(ROWS["source gone, temporary file whole: renamed, and said"] as Row) }, {});
    bench.to.faults.reply = { SIZE: { reply: "450 Busy.", times: 2 }, MLST: { reply: "450 Busy.", times: 2 } };
    expect(await bench.run()).toMatchObject(moved);
    expect(world(file)).toEqual({ final: S });
  });
});
