/** Any state of source, temporary and final file, any rule, killed once more while it recovers: what must always hold. */
import { rmSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MoveOptions } from "../../../src/jobs/index.js";
import { Journal, type JournalFile } from "../../../src/jobs/journal/journal.js";
import { parseTempName } from "../../../src/jobs/move/names/temp-name.js";
import { resolveMove } from "../../../src/jobs/move/options.js";
import { Bench, type Moment } from "./bench.js";

/** More: RECOVERY_RUNS=2000. The same again: RECOVERY_SEED=1234. */
const RUNS = Number(process.env.RECOVERY_RUNS ?? 60);
const SEED = Number(process.env.RECOVERY_SEED ?? Math.trunc(Math.random() * 2 ** 31));

const NAME = "a.dat";
const WHEN = Date.UTC(2026, 0, 18, 10);
const HOUR = 3_600_000;

interface Scene {
  /** Bytes of the source as planned. */
  readonly size: number;
  /** Whether the listing told size and time. */
  readonly told: { readonly size: boolean; readonly mtime: boolean };
  /** What became of the source: its bytes are others where it changed. */
  readonly source: "ok" | "grown" | "touched" | "gone";
  /** Bytes of the temporary file more, or fewer, than planned. */
  readonly temp: number | undefined;
  /** `ours`: the source's bytes; `twin`: as many others; `foreign`: more. */
  readonly final: "absent" | "ours" | "twin" | "foreign";
  readonly finalHours: number;
  readonly before: "absent" | "same" | "other" | undefined;
  readonly onExists: NonNullable<MoveOptions["onExists"]>;
  readonly keeps: boolean;
  readonly verify: NonNullable<MoveOptions["verify"]>;
  readonly resumeAbove: number | false;
  /** Bytes at the end of the temporary file that are rubbish, as behind a power cut. */
  readonly rubbish: number;
  /** When the recovery is killed: a share of its moments. */
  readonly crash: number;
}

const scenes: fc.Arbitrary<Scene> = fc.record({
  size: fc.constantFrom(0, 1, 40, 20_000, 20_000),
  told: fc.record({ size: fc.boolean(), mtime: fc.boolean() }),
  source: fc.constantFrom("ok", "ok", "gone", "gone", "grown", "touched"),
  temp: fc.constantFrom(undefined, undefined, 0, 0, -1, -20, 3, -8_000, -8_000, -2_000),
  final: fc.constantFrom("absent", "absent", "ours", "twin", "foreign"),
  finalHours: fc.constantFrom(0, 0, 1, -1),
  before: fc.constantFrom("absent", "absent", "same", "other", undefined),
  onExists: fc.constantFrom("same-skip", "fail", "overwrite", "rename"),
  keeps: fc.boolean(),
  verify: fc.constantFrom("size", "size", "mtime", "hash", "readback"),
  resumeAbove: fc.constantFrom<number | false>(false, 0, 10_000, 10_000),
  rubbish: fc.constantFrom(0, 0, 30, 4_096),
  crash: fc.double({ min: 0, max: 1, noNaN: true }),
});

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
  process.stderr.write(`RECOVERY_SEED=${SEED}\n`);
});
afterAll(() => bench[Symbol.asyncDispose]());

const planned = ({ size }: Scene) => Buffer.alloc(size, "planned ");
const FINALS: Record<Scene["final"], (scene: Scene) => Buffer | undefined> = {
  absent: () => undefined,
  ours: planned,
  twin: ({ size }) => Buffer.alloc(size, "other "),
  foreign: ({ size }) => Buffer.alloc(size + 7, "other "),
};

/** As a process leaves it that is killed. */
function leave(scene: Scene): Moment {
  const { source, temp, before, size } = scene;
  bench.restore({ out: new Map(), in: new Map(), journal: {}, command: undefined });
  const file = claim(scene);
  const known = before !== undefined;
  const modified = new Date(WHEN + (source === "touched" ? HOUR : 0));
  const bytes = source === "grown" ? Buffer.alloc(size + 9, "planned ") : planned(scene);
  if (source !== "gone") bench.from.tree.write(`/out/${NAME}`, bytes, { modified });
  // Without a look before there was no transfer.
  if (temp !== undefined && known) {
    const data = temp === 0 ? planned(scene) : Buffer.alloc(Math.max(0, size + temp), "planned ");
    // Where the source is gone, what looks whole is taken for whole.
    if (temp < 0 && data.length > scene.rubbish) data.fill("rubbish!!", data.length - scene.rubbish);
    bench.to.tree.write(`/in/${file.temp}`, data);
  }
  const there = FINALS[scene.final](scene);
  const time = new Date(WHEN + scene.finalHours * HOUR);
  if (there) bench.to.tree.write(`/in/${NAME}`, there, { modified: time });
  return bench.now();
}

function claim({ size, told, before, ...scene }: Scene): JournalFile {
  const { settings } = resolveMove(bench.options(optionsOf(scene)));
  for (const name of ["j", "j-wal", "j-shm"]) rmSync(`${bench.folder}/${name}`, { force: true });
  using journal = Journal.open(bench.journal, { settings });
  const listed = { ...(told.size && { size }), ...(told.mtime && { mtime: WHEN }) };
  journal.addListed([{ name: NAME, ...listed }]);
  journal.finishListing();
  const [file] = journal.claim(1);
  if (before) journal.probed([{ id: file!.id, destBefore: before, size, mtime: WHEN }]);
  return file!;
}

type Rules = Pick<Scene, "onExists" | "keeps" | "verify" | "resumeAbove">;

function optionsOf({ onExists, keeps, verify, resumeAbove }: Rules): Partial<MoveOptions> {
  return { onExists, source: keeps ? "keep" : "delete", verify, resumeAbove, lanes: 1 };
}

/** What somebody has, wherever it is, and must have for ever. */
interface Held {
  readonly scene: Scene;
  readonly start: Moment;
}

const has = (files: Moment["in"], bytes: Buffer, is: (name: string) => boolean) =>
  [...files].some(([name, file]) => is(name) && file.bytes.equals(bytes));
const isFinal = (name: string) => parseTempName(name) === undefined;

/** At any moment, also in the middle of it. */
function checkSafety({ scene, start }: Held, now: Moment): void {
  const source = start.out.get(NAME)?.bytes;
  const temp = [...start.in].find(([name]) => !isFinal(name));
  const final = start.in.get(NAME)?.bytes;
  const left = now.out.get(NAME)?.bytes;
  // A source is as it was, or gone; and then its bytes, or a file taken for the same, have a final name.
  if (source && left) expect(left.equals(source), "the source as it was").toBe(true);
  if (source && !left) {
    expect(scene.keeps, "a source that is to be kept").toBe(false);
    // Where nothing was there before, it is ours by size and time, whatever the rule for other people's files.
    const mayBeTaken = scene.onExists !== "rename" || scene.before === "absent";
    const sameTime = scene.finalHours === (scene.source === "touched" ? 1 : 0);
    const taken = final?.length === source.length && sameTime && mayBeTaken;
    expect(has(now.in, source, isFinal) || (taken && now.in.get(NAME)?.bytes.equals(final)), "a copy").toBe(true);
  }
  // What may be the only copy stays, under whichever name.
  if (!source && temp)
    expect(
      has(now.in, temp[1].bytes, () => true),
      "the only copy",
    ).toBe(true);
  // What somebody else has stays, unless such files are replaced: and then by the whole source.
  const there = now.in.get(NAME)?.bytes;
  if (final && !(source && scene.onExists === "overwrite" && there?.equals(source)))
    expect(there?.equals(final), "what somebody else has").toBe(true);
  // Nothing half has a final name.
  for (const [name, { bytes }] of now.in) {
    if (!isFinal(name)) continue;
    const whole = [source, final, planned(scene)].some((each) => each?.equals(bytes));
    expect(whole, `${name} is whole`).toBe(true);
  }
}

/** What is said of it is true. */
function checkVerdict({ scene, start }: Held, now: Moment): void {
  const row = bench.rows().get(NAME) as JournalFile;
  const final = now.in.get(row.target)?.bytes;
  const [hadSource, hasSource] = [start.out.has(NAME), now.out.has(NAME)];
  const hadTemp = [...start.in.keys()].some((name) => !isFinal(name));
  const temps = [...now.in.keys()].filter((name) => !isFinal(name));
  switch (row.state) {
    case "DONE":
    case "SKIPPED_SAME":
      expect(final?.length).toBe((start.out.get(NAME)?.bytes ?? planned(scene)).length);
      expect(hasSource).toBe(hadSource && scene.keeps);
      expect(temps).toEqual([]);
      break;
    case "CONFLICT":
      expect(final, "what is in the way").toBeDefined();
      expect(scene.onExists === "overwrite" && hadSource, "the rule lets nothing be in the way").toBe(false);
      expect(hasSource || temps.length > 0).toBe(true);
      expect(temps.length > 0).toBe(!hasSource);
      break;
    case "FAILED":
      expect([hadSource, hadTemp, temps.length]).toEqual([false, true, 1]);
      break;
    case "GONE":
      expect([hadSource, hadTemp]).toEqual([false, false]);
      if (start.in.get(NAME)?.bytes.length === scene.size && scene.told.size)
        expect(scene.before, "it was there before").toBe("other");
      break;
    default:
      expect.unreachable(`${row.state} is no end`);
  }
}

/** To be compared: an octet at a time takes long. */
const shown = (files: Moment["in"]) =>
  [...files].map(([name, { bytes, ...others }]) => ({ name, ...others, bytes: bytes.toString("latin1") }));

/** Two runs end it; a third one changes nothing. */
async function playOn(held: Held): Promise<void> {
  const options = optionsOf(held.scene);
  await bench.run(options);
  checkSafety(held, bench.now());
  await bench.run(options);
  const after = bench.now();
  checkSafety(held, after);
  checkVerdict(held, after);
  const state = bench.rows().get(NAME)?.state;
  await bench.run(options);
  const last = bench.now();
  expect([shown(last.out), shown(last.in), bench.rows().get(NAME)?.state]).toEqual([
    shown(after.out),
    shown(after.in),
    state,
  ]);
}

test("nothing is lost, replaced, removed or half; what is said of it is true; a crash on the way changes nothing", {
  timeout: 60_000 + RUNS * 5_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const held = { scene, start: leave(scene) };
      const { moments } = await bench.record(optionsOf(scene));
      for (const moment of moments) checkSafety(held, moment);
      bench.restore(moments[Math.round(scene.crash * (moments.length - 1))] as Moment);
      await playOn(held);
      bench.restore(held.start);
      await playOn(held);
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: process.env.CI !== undefined },
  );
});
