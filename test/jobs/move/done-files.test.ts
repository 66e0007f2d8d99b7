/** Done files that are to be moved themselves: what is left of that when a job is stopped is done by the next run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as breath } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { Crew } from "../../../src/jobs/move/lanes/crew.js";
import { JournalDesk } from "../../../src/jobs/move/lanes/desk.js";
import { laneContext } from "../../../src/jobs/move/lanes/ledger.js";
import { Gatherer } from "../../../src/jobs/move/listing/gather.js";
import { resolveMove } from "../../../src/jobs/move/options.js";

/** So many that they come in several groups. */
const FILES = 12_000;
const names = Array.from({ length: FILES }, (_, i) => `f${String(i).padStart(5, "0")}`);
const done = (name: string) => `${name}.done`;

/** A journal whose files have all been moved, and their done files not yet. */
function moved(): { journal: Journal; gatherer: (signal: AbortSignal) => Gatherer } {
  const folder = mkdtempSync(join(tmpdir(), "polywire-done-"));
  const move = resolveMove({ from: folder, to: "/tmp/in", doneFile: { name: "{name}.done", after: "move" } });
  const journal = Journal.open(join(folder, "journal"), { settings: move.settings });
  onTestFinished(() => {
    journal.close();
    rmSync(folder, { recursive: true });
  });
  journal.addListed(names.map((name) => ({ name, size: 1 })));
  journal.finishListing();
  journal.arrivals.pair(names.map((file) => ({ file, done: done(file) })));
  journal.settle(journal.claim(FILES).map(({ id }) => ({ id, state: "DONE" })));
  const gatherer = (signal: AbortSignal) => {
    const warn = () => {};
    const meter = { bytes: 0, lanes: 0, paused: undefined };
    const context = laneContext({ move, desk: new JournalDesk(journal, move), meter, signal, warn });
    return new Gatherer({ move, journal, crew: new Crew(context, warn), signal, warn });
  };
  return { journal, gatherer };
}

const planned = (journal: Journal) => [...journal.files(["PLANNED"])].map(({ name }) => name);

test.each([1, 2, 3, 4, 5, 6])(
  "a stop after %i turns leaves no done file that is promoted and not planned",
  async (turns) => {
    const { journal, gatherer } = moved();
    const abort = new AbortController();
    const reason = new Error("enough");
    const settled = gatherer(abort.signal).settleDoneFiles();
    const outcome = settled.catch((error: unknown) => error);
    for (let i = 0; i < turns; i++) await breath();
    abort.abort(reason);
    expect([true, reason]).toContain(await outcome);
    const promoted = names.map(done).filter((name) => journal.arrivals.targetOf(name) !== undefined);
    expect(planned(journal)).toEqual(promoted);
    // In a process of its own it would be the same.
    expect(await gatherer(new AbortController().signal).settleDoneFiles()).toBe(promoted.length < FILES);
    expect(planned(journal)).toEqual(names.map(done));
  },
);
