/** What a journal does in steps: others get their turn between them, and whoever leaves or dies there loses nothing. */
import { execFile } from "node:child_process";
import { setImmediate as breath } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { Journal, type JournalFile, type ListedFile } from "../../../src/jobs/journal/journal.js";
import { Listing } from "../../../src/jobs/journal/listing.js";
import { FILE_STATES } from "../../../src/jobs/journal/schema.js";
import { openDatabase, type SqlEngine } from "../../../src/jobs/journal/sqlite.js";
import { inTurns } from "../../../src/jobs/move/in-turns.js";
import { ENGINES, journalPath } from "./engines.js";

const CHILD = fileURLToPath(new URL("./child-merge.ts", import.meta.url));
const SETTINGS = { from: "a" };
/** Rows in a step: so few that there are many steps. */
const SLICE = 7;
const never = new AbortController().signal;
const ENDS = ["DONE", "FAILED", "GONE", "CONFLICT", "SKIPPED_SAME"] as const;

const named = (count: number, size = 1, from = 0): ListedFile[] =>
  Array.from({ length: count }, (_, i) => ({ name: `f${(i + from) * 7}`, size, mtime: 1000 }));
const open = (engine: SqlEngine, slice = SLICE, path = journalPath()) =>
  Journal.open(path, { settings: SETTINGS, engine, slice });
const list = (journal: Journal, files: readonly ListedFile[]) => {
  // In parts, as a server's listing comes.
  for (let at = 0; at < files.length; at += 5) journal.addListed(files.slice(at, at + 5));
};
const filesOf = (journal: Journal): JournalFile[] => [...journal.files(FILE_STATES)];
/** What is in a journal, but when it was written. */
const rowsOf = (journal: Journal) => filesOf(journal).map(({ updated, temp, ...file }) => file);

/** The counts kept are those of the rows, and no name is there twice. */
function expectSound(journal: Journal): void {
  const files = filesOf(journal);
  for (const [state, count] of Object.entries(journal.counts()))
    expect(files.filter((file) => file.state === state).length, state).toBe(count);
  expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
}

/** Turns of the event loop that others got while the steps were taken. */
async function turnsOf(steps: Generator<unknown, unknown, undefined>): Promise<number> {
  let [turns, isOver] = [0, false];
  const others = (async () => {
    for (; !isOver; turns++) await breath();
  })();
  await inTurns(steps, never);
  isOver = true;
  await others;
  return turns;
}

/** A listing as a server may give it: names that are known or not, some of them twice, of every kind. */
const listing = fc.array(
  fc.record({
    name: fc.oneof(
      fc.nat(40).map((n) => `f${n}`),
      fc.constantFrom("", "é", "\u{1f480}", "caf\udce9", "\udcff", "A", "\0", "\0a", "\0b").map((end) => `x${end}`),
    ),
    size: fc.constantFrom(1, 2, undefined),
    mtime: fc.constantFrom(60_000, 61_000, undefined),
    coarse: fc.constantFrom(60_000, undefined),
  }),
  { maxLength: 60 },
);
/** How claimed files end, by turns. */
const ends = fc.array(fc.constantFrom(...ENDS, "CLAIMED" as const), { minLength: 1, maxLength: 7 });
const passes = fc.array(fc.record({ listing, ends, again: fc.boolean() }), { minLength: 2, maxLength: 4 });

function settle(journal: Journal, how: readonly ((typeof ENDS)[number] | "CLAIMED")[]): void {
  const ended = journal.claim(50).flatMap(({ id }, i) => {
    const state = how[i % how.length] as (typeof how)[number];
    return state === "CLAIMED" ? [] : [{ id, state, code: "550", error: "why" }];
  });
  journal.settle(ended);
}

describe.each(ENGINES)("in steps, on %s", (engine) => {
  it("listings give others their turns, however many names there are", async () => {
    using journal = open(engine);
    list(journal, named(300));
    journal.finishListing();
    settle(journal, ["DONE"]);
    list(journal, named(300));
    // One for each slice of the names, and one for each of the files.
    expect(await turnsOf(journal.finishing())).toBeGreaterThan(40);
    list(journal, named(300, 2, 100));
    expect(await turnsOf(journal.finishing({ again: true }))).toBeGreaterThan(40);
    // But for the fifty that were moved, and are not there any more.
    expect(journal.counts()).toMatchObject({ DONE: 50, PLANNED: 350 });
  });

  it("a first listing with names in it twice does, too", async () => {
    using journal = open(engine);
    list(journal, [...named(200), ...named(100, 2)]);
    expect(await turnsOf(journal.finishing())).toBeGreaterThan(40);
    expect(rowsOf(journal).map(({ size }) => size)).toEqual([...Array(100).fill(1), ...Array(100).fill(2)]);
    expectSound(journal);
  });

  it("so do searches and changes of all files", async () => {
    using journal = open(engine);
    list(journal, named(300));
    journal.finishListing();
    const target = ({ name }: { name: string }) => `same${Number(name.slice(1)) % 2}`;
    expect(await turnsOf(journal.collisions(target))).toBeGreaterThan(2);
    expect(journal.counts()).toMatchObject({ CONFLICT: 300 });
    expect(await turnsOf(journal.retrying(["CONFLICT"]))).toBeGreaterThan(40);
    expect(journal.counts()).toMatchObject({ PLANNED: 300 });
    await inTurns(journal.collisions(target), never);
    expect(await turnsOf(journal.forgettingCollisions())).toBeGreaterThan(40);
    expect(filesOf(journal)).toEqual([]);
    expectSound(journal);
  });

  it("the outcome is that of one go", () => {
    fc.assert(
      fc.property(passes, fc.integer({ min: 1, max: 9 }), (all, slice) => {
        using inSteps = open(engine, slice);
        using atOnce = open(engine, 100_000);
        for (const { listing, ends, again } of all) {
          const results = [inSteps, atOnce].map((journal) => {
            list(journal, listing);
            return journal.finishListing({ again });
          });
          expect(results[0]).toEqual(results[1]);
          for (const journal of [inSteps, atOnce]) settle(journal, ends);
          expect(rowsOf(inSteps)).toEqual(rowsOf(atOnce));
          expect(inSteps.counts()).toEqual(atOnce.counts());
          expectSound(inSteps);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("collisions are those of one go", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (targets, slice) => {
        using journal = open(engine, slice);
        list(journal, named(targets.length));
        journal.finishListing();
        const steps = journal.collisions(({ name }) => `t${targets[Number(name.slice(1)) / 7]}`);
        while (!steps.next().done) {}
        const isTwin = (target: number) => targets.filter((each) => each === target).length > 1;
        expect(filesOf(journal).map(({ state }) => state === "CONFLICT")).toEqual(targets.map(isTwin));
        expectSound(journal);
      }),
      { numRuns: 40 },
    );
  });

  it("a listing that is left between two steps, in this process or with it, is done by the next one", () => {
    fc.assert(
      fc.property(
        listing,
        listing,
        ends,
        fc.nat(60),
        fc.constantFrom("go on", "open again"),
        (one, two, how, at, then) => {
          const path = journalPath();
          let journal = open(engine, 3, path);
          list(journal, one);
          journal.finishListing();
          settle(journal, how);
          list(journal, two);
          const steps = journal.finishing();
          for (let i = 0; i < at; i++) steps.next();
          expectSound(journal);
          if (then === "go on") steps.return({ added: 0, replanned: 0 });
          else {
            journal.close();
            journal = open(engine, 3, path);
            expectSound(journal);
            list(journal, two);
          }
          journal.finishListing();
          expectSound(journal);
          using whole = open(engine, 100_000);
          list(whole, one);
          whole.finishListing();
          settle(whole, how);
          list(whole, two);
          whole.finishListing();
          const brief = (of: Journal) =>
            rowsOf(of).map(({ name, size, mtime, state, attempt }) => ({ name, size, mtime, state, attempt }));
          expect(brief(journal)).toEqual(brief(whole));
          journal.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("what a listing brought is told as a whole, also where it was left and begun again", () => {
    using journal = open(engine);
    list(journal, named(100));
    journal.finishListing();
    settle(journal, ["DONE"]);
    list(journal, named(150, 2));
    const steps = journal.finishing();
    for (let i = 0; i < 30; i++) steps.next();
    steps.return({ added: 0, replanned: 0 });
    expect(journal.finishListing()).toEqual({ added: 50, replanned: 50 });
  });

  it("files are claimed and settled between two, each once", async () => {
    using journal = open(engine);
    list(journal, named(100));
    journal.finishListing();
    settle(journal, ["DONE", "FAILED"]);
    list(journal, named(200));
    const moved: string[] = [];
    for (const _ of journal.finishing()) {
      const some = journal.claim(9);
      moved.push(...some.map(({ name }) => name));
      journal.settle(some.map(({ id }) => ({ id, state: "DONE" })));
      expectSound(journal);
    }
    for (let some = journal.claim(50); some.length > 0; some = journal.claim(50)) {
      moved.push(...some.map(({ name }) => name));
      journal.settle(some.map(({ id }) => ({ id, state: "DONE" })));
    }
    expect(new Set(moved).size).toBe(moved.length);
    expect(journal.counts()).toMatchObject({ DONE: 175, FAILED: 25 });
  });

  it("nothing is listed and no file forgotten while a listing is being finished", () => {
    using journal = open(engine);
    list(journal, named(50));
    journal.finishListing();
    list(journal, named(50));
    const steps = journal.finishing();
    steps.next();
    for (const call of [
      () => journal.addListed(named(1)),
      () => journal.finishListing(),
      () => journal.forgetCollisions(),
    ])
      expect(call).toThrow(UsageError);
    steps.return({ added: 0, replanned: 0 });
    journal.forgetCollisions();
  });

  it("an abort is heard between two, and the next run does the rest", async () => {
    using journal = open(engine);
    list(journal, named(100));
    journal.finishListing();
    list(journal, named(200));
    const abort = new AbortController();
    const reason = new Error("enough");
    let steps = 0;
    const counted = (function* () {
      for (const _ of journal.finishing()) {
        if (++steps === 5) abort.abort(reason);
        yield;
      }
    })();
    await expect(inTurns(counted, abort.signal)).rejects.toBe(reason);
    expect(steps).toBe(5);
    expectSound(journal);
    expect(await inTurns(journal.finishing(), never)).toEqual({ added: 100, replanned: 0 });
    expect(journal.counts()).toMatchObject({ PLANNED: 200 });
  });

  it("a disk that is full ends the listing for good, and spoils nothing; a journal opened anew can list again", () => {
    const path = journalPath();
    open(engine, SLICE, path).close();
    const db = openDatabase(path, engine);
    onTestFinished(() => db.close());
    const listing = new Listing(db, 0, { shift: () => {}, onNews: () => {} }, SLICE);
    const add = (files: readonly ListedFile[]) => db.transaction(() => listing.add(files, 1));
    const finish = () => Array.from(listing.finish(1, false));
    add(named(20));
    finish();
    db.exec("PRAGMA names.max_page_count=5");
    const full = /full/;
    expect(() => add(named(2000, 2))).toThrow(full);
    // There is room again: but what was to be noted is lost.
    db.exec("PRAGMA names.max_page_count=100000");
    expect(() => add(named(1, 2))).toThrow(full);
    expect(finish).toThrow(full);
    db.close();
    using journal = open(engine, SLICE, path);
    expect(rowsOf(journal).map(({ size }) => size)).toEqual(Array(20).fill(1));
    list(journal, named(2000, 2));
    expect(journal.finishListing()).toMatchObject({ added: 1980 });
  });

  it.each([1, 3, 10, 20, 30, 40])("a process that is killed after step %i leaves a sound journal", async (step) => {
    const path = journalPath();
    const run = promisify(execFile)(process.execPath, ["--import", "tsx", CHILD, path, engine, String(step)]);
    await expect(run).rejects.toMatchObject({ signal: "SIGKILL" });
    using journal = open(engine, SLICE, path);
    expectSound(journal);
    // The first half of the files was DONE, and is there again with another size; the other half was never seen.
    list(journal, named(200, 2));
    journal.finishListing();
    expectSound(journal);
    expect(journal.counts()).toMatchObject({ PLANNED: 200 });
    expect(new Set(filesOf(journal).map(({ size }) => size))).toEqual(new Set([2]));
    const claimed = journal.claim(1000);
    expect(claimed.map(({ attempt }) => attempt).sort()).toEqual([...Array(100).fill(1), ...Array(100).fill(2)]);
  });
});
