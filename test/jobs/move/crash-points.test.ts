/** A move is killed at every moment of its way, C0 to C7, and once more while it recovers: the next run ends it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MoveResult } from "../../../src/jobs/index.js";
import type { JournalFile } from "../../../src/jobs/journal/journal.js";
import { Bench, finals, type Moment } from "./bench.js";

const CONTENTS: Record<string, Buffer> = {
  "empty.dat": Buffer.alloc(0),
  "small.dat": Buffer.from("a few bytes"),
  "grüße.dat": Buffer.from("a name that is not ASCII"),
  // Some pieces: so there are moments between them; no two of them are alike.
  "large.dat": Buffer.from(Uint32Array.from({ length: 175_000 }, (_, i) => i).buffer),
};
const names = Object.keys(CONTENTS).map((name) => Buffer.from(name).toString("latin1"));
const contentOf = (name: string) => CONTENTS[Buffer.from(name, "latin1").toString()] as Buffer;
const WHEN = new Date("2026-01-18T10:00:00Z");
/** The file that the moments are told by. */
const NAME = "large.dat";
/** Runs from each point, at most. */
const TIMES = 2;

/** A moment, as to one file. */
interface State {
  readonly row: JournalFile;
  readonly source: boolean;
  /** Bytes under the temporary name of the claim. */
  readonly temp: number | undefined;
  readonly final: boolean;
  readonly command: Moment["command"];
}

const SIZE = contentOf(NAME).length;
/** Bytes behind which it is gone on with; of what is there the 30th part is sent once more. */
const ABOVE = 120_000;
const at = (server: "from" | "to", verb: string, isDone: boolean) => (state: State) =>
  state.command?.server === server && state.command.verb === verb && state.command.isDone === isDone;
const whole = ({ temp, final }: State) => temp === SIZE && !final;
const published = ({ source, temp, final }: State) => source && temp === undefined && final;

/** What the file is like when the process dies; it is always CLAIMED. */
const POINTS: readonly (readonly [name: string, is: (state: State) => boolean, modes?: "delete"])[] = [
  ["C0 behind the claim, nothing on the wire", ({ row, temp }) => row.destBefore === undefined && temp === undefined],
  [
    "C0 behind the look at both sides",
    ({ row, source, temp, final }) => row.destBefore === "absent" && source && temp === undefined && !final,
  ],
  ["C1 the temporary file is a part", ({ temp }) => temp !== undefined && temp < SIZE],
  ["C2 the temporary file is whole", whole],
  ["C3 RNTO was sent, and not done", (state) => whole(state) && at("to", "RNTO", false)(state)],
  ["C3 RNTO was done, its reply lost", (state) => published(state) && at("to", "RNTO", true)(state)],
  ["C4 published, not verified", published],
  ["C5 DELE was sent, and not done", (state) => published(state) && at("from", "DELE", false)(state), "delete"],
  ["C6 DELE was done, its reply lost", (state) => !state.source && at("from", "DELE", true)(state), "delete"],
  ["C7 the source is gone, the journal says CLAIMED", ({ source, final }) => !source && final, "delete"],
];

const JOBS = [
  { source: "delete", resumeAbove: false },
  { source: "delete", resumeAbove: ABOVE },
  { source: "keep", resumeAbove: ABOVE, verify: "hash" },
  { source: "keep", resumeAbove: false },
] as const;

describe.each(JOBS)("$source, resumeAbove: $resumeAbove, killed at", (job) => {
  const { source } = job;
  let bench: Bench;
  let result: MoveResult;
  let moments: Moment[];
  /** The same, as to the one file; undefined where it was not claimed. */
  let states: (State | undefined)[];
  const options = { ...job, lanes: 2 };

  beforeAll(async () => {
    bench = await Bench.start();
    for (const name of names) bench.from.tree.write(`/out/${name}`, contentOf(name), { modified: WHEN });
    ({ result, moments } = await bench.record(options));
    states = moments.map(stateOf);
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  function stateOf(moment: Moment): State | undefined {
    if (!moment.journal.j) return undefined;
    bench.restore(moment);
    let row: JournalFile | undefined;
    try {
      row = bench.rows().get(NAME);
    } catch {
      return undefined; // The journal was just being made.
    }
    if (row?.state !== "CLAIMED") return undefined;
    const temp = moment.in.get(row.temp as string)?.bytes.length;
    return { row, source: moment.out.has(NAME), temp, final: moment.in.has(NAME), command: moment.command };
  }

  /** At any moment: nothing half under a final name, everything somewhere whole. */
  function check(moment: Moment): void {
    for (const name of names) {
      const [here, there] = [moment.out.get(name), moment.in.get(name)];
      if (there) expect(there.bytes.equals(contentOf(name)), name).toBe(true);
      expect(here?.bytes.equals(contentOf(name)) || there !== undefined, name).toBe(true);
    }
    expect(finals(moment.in).every((name) => names.includes(name))).toBe(true);
  }

  async function finish(): Promise<void> {
    const last = await bench.run(options);
    expect(last).toMatchObject({ moved: names.length, skipped: 0, failed: 0, conflicts: 0, gone: 0, left: 0 });
    const after = bench.now();
    check(after);
    expect([...after.in.keys()].sort()).toEqual([...names].sort());
    expect([...after.out.keys()].sort()).toEqual(source === "keep" ? [...names].sort() : []);
    for (const { modified } of after.in.values()) expect(modified).toEqual(WHEN);
  }

  test("no moment: all is moved", () => {
    expect(result).toMatchObject({ moved: names.length, failed: 0 });
    for (const moment of moments) check(moment);
  });

  const points = POINTS.filter(([, , mode]) => mode === undefined || mode === source);
  describe.each(points.map(([name, is]) => [name, is] as const))("%s", (_, is) => {
    const found = () => moments.filter((_, i) => states[i] !== undefined && is(states[i]));

    test("the next run ends it", async () => {
      expect(found().length).toBeGreaterThan(0);
      for (const moment of spread(found(), TIMES)) {
        bench.restore(moment);
        await finish();
      }
    });

    test("killed again while it recovers: the run after that ends it", async () => {
      bench.restore(found()[0] as Moment);
      const again = await bench.record(options);
      for (const moment of again.moments) check(moment);
      for (const moment of spread(again.moments, TIMES)) {
        bench.restore(moment);
        await finish();
      }
    });
  });

  const onlyTheRest = async () => {
    const isPart = ({ temp = 0 }: State) => temp > ABOVE && temp < SIZE;
    const found = moments.filter((_, i) => states[i] !== undefined && isPart(states[i]));
    expect(found.length).toBeGreaterThan(0);
    for (const moment of spread(found, TIMES)) {
      bench.restore(moment);
      const { temp } = states[moments.indexOf(moment)] as State;
      // It was large enough at that moment: what other files there were makes no difference.
      const others = names.filter((name) => name !== NAME && bench.rows().get(name)?.state !== "DONE");
      const most = SIZE - (temp as number) + ABOVE / 16 + others.reduce((sum, name) => sum + contentOf(name).length, 0);
      const result = await bench.run(options);
      expect(result.left).toBe(0);
      expect(result.bytes).toBeLessThanOrEqual(most);
    }
  };
  if (job.resumeAbove !== false) test("in mid file: the next run sends only the rest", onlyTheRest);

  test("any moment: the next run ends it", { timeout: 120_000 }, async () => {
    for (const moment of spread(moments, 30)) {
      bench.restore(moment);
      await finish();
    }
  });
});

/** So many of them, evenly from the first to the last. */
function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))] as T);
}
