/** Who is suspected, blamed and excused where a connection is lost over files: nobody whose fate is known. */
import { expect, test } from "vitest";
import type { ClaimedFile, SettledFile } from "../../../src/jobs/journal/journal.js";
import { Lane } from "../../../src/jobs/move/lanes/lane.js";
import { laneContext } from "../../../src/jobs/move/lanes/ledger.js";
import { Suspects, together } from "../../../src/jobs/move/lanes/suspects.js";
import { resolveMove } from "../../../src/jobs/move/options.js";

const BROKEN = new Error("the connection is gone");

/** A lane without connections, which has these files in hand. */
function lane(ids: readonly number[]) {
  const move = resolveMove({ from: "ftp://127.0.0.1/out", to: "/tmp/in" });
  const nothing = () => {};
  const desk = { take: () => [], open: 0, nextDue: nothing, probed: nothing, retarget: nothing } as const;
  const context = laneContext({
    move,
    desk: { ...desk, nextDue: () => undefined, retarget: () => undefined, settle: nothing, release: nothing },
    meter: { bytes: 0, lanes: 0, paused: undefined },
    signal: new AbortController().signal,
    warn: nothing,
  });
  const lane = new Lane(context);
  const files = ids.map((id): ClaimedFile => file(id));
  lane.ledger.take(files);
  return { context, lane, files };
}

function file(id: number): ClaimedFile {
  const none = { mtime: undefined, notBefore: undefined, code: undefined, error: undefined, digest: undefined };
  const counts = { size: 1, attempt: 1, tries: 1, updated: 0 };
  return {
    id,
    name: `f${id}`,
    target: `f${id}`,
    temp: `f${id}.part`,
    state: "CLAIMED",
    destBefore: undefined,
    ...none,
    ...counts,
  };
}

test("files whose fate is known are not excused when a connection is lost over others", async () => {
  const { context, lane: mine, files } = lane([1, 2, 3]);
  const suspects = new Suspects();
  suspects.suspect(3);
  const all = files.map((each) => ({ file: each }));
  const deed = together(mine, all, {
    suspects,
    do: async (group) => {
      if (group.length === 1) throw BROKEN;
      mine.ledger.release(files[0] as ClaimedFile);
    },
    excuse: (each) => mine.ledger.excuse(each),
    giveUp: () => {},
  });
  await expect(deed).rejects.toBe(BROKEN);
  expect([...context.excused]).toEqual([2]);
  expect(suspects.losses(3)).toBe(1);
});

test("a connection that is lost over a file that is given up is nobody else's fault", async () => {
  const { context, lane: mine, files } = lane([1, 2]);
  const suspects = new Suspects();
  for (let i = 0; i < 10; i++) suspects.blame(1);
  const all = files.map((each) => ({ file: each }));
  const deed = together(mine, all, {
    suspects,
    do: async () => {},
    excuse: (each) => mine.ledger.excuse(each),
    giveUp: () => Promise.reject(BROKEN),
  });
  await expect(deed).rejects.toBe(BROKEN);
  expect([...context.excused]).toEqual([2]);
});

test("no more than ten thousand suspects are remembered: the latest", () => {
  const suspects = new Suspects();
  for (let id = 0; id < 20_000; id++) suspects.suspect(id);
  expect([suspects.has(9_999), suspects.has(10_000), suspects.has(19_999)]).toEqual([false, true, true]);
});

test.each<SettledFile["state"]>(["DONE", "SKIPPED_SAME", "CONFLICT", "FAILED", "GONE"])(
  "nothing is remembered of a file that is %s, and of others as much as before",
  (state) => {
    const { context, lane: mine, files } = lane([1, 2]);
    const { roster } = context;
    const { publish, recover } = roster.suspects;
    const first = roster.waitFor(1);
    roster.waitFor(2);
    for (const each of files) {
      publish.blame(each.id);
      recover.blame(each.id);
      roster.stuck.is(each, 100, 1);
    }
    mine.ledger.settle({ id: 1, state });
    const remembered = [1, 2].map((id) => [publish.has(id), recover.has(id), roster.waitFor(id) > first]);
    expect(remembered).toEqual([Array(3).fill(false), Array(3).fill(true)]);
    expect(files.map((each) => roster.stuck.is(each, 100, 1))).toEqual([false, true]);
  },
);

test("a file that is given back to be tried again is remembered", () => {
  const { context, lane: mine, files } = lane([1]);
  const { roster } = context;
  const [first] = files as [ClaimedFile];
  const wait = roster.waitFor(1);
  roster.suspects.publish.suspect(1);
  mine.ledger.release(first);
  expect(roster.suspects.publish.has(1)).toBe(true);
  expect(roster.waitFor(1)).toBeGreaterThan(wait);
});
