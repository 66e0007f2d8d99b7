/** The coordinator with a dispatcher made up: how much it hands out at a time, and what it makes of what comes back. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Batch, BatchFile, Dispatcher, Handed, Piece, Report } from "../../../src/jobs/dispatch/dispatcher.js";
import { Feeder } from "../../../src/jobs/dispatch/feeder.js";
import { ReportQueue } from "../../../src/jobs/dispatch/report-queue.js";
import { type ClaimedFile, Journal } from "../../../src/jobs/journal/journal.js";
import { compileMatch } from "../../../src/jobs/move/names/match.js";
import { compileRoute } from "../../../src/jobs/move/names/route.js";
import { ProgressMeter } from "../../../src/jobs/move/progress.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "polywire-feeder-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Keeps what it is offered, and says what the test has it say. */
class FakeDispatcher implements Dispatcher {
  readonly queue = new ReportQueue();
  readonly batches: Batch[] = [];
  readonly open = new Map<string, Batch>();
  /** Batches that were with workers at a time, at most. */
  most = 0;
  left: Handed[] = [];

  constructor(
    readonly window: number,
    readonly workers = 1,
  ) {}

  async recall(): Promise<Handed[]> {
    return this.left;
  }
  get room(): number {
    return this.window - this.open.size;
  }
  async offer(batch: Batch): Promise<void> {
    this.batches.push(batch);
    this.open.set(batch.key, batch);
    this.most = Math.max(this.most, this.open.size);
  }
  results(): AsyncIterable<Report> {
    return this.queue;
  }
  async close(): Promise<void> {
    for (const batch of this.open.keys()) this.queue.push({ kind: "returned", batch });
    this.queue.end();
  }

  say(piece: Partial<Piece> & { batch: string }): void {
    if (piece.ended) this.open.delete(piece.batch);
    const none = { probed: [], settled: [], released: [], retargeted: [], warnings: [] };
    this.queue.push({ kind: "piece", piece: { worker: "w", bytes: 0, lanes: 1, ended: false, ...none, ...piece } });
  }
  lose(batch: string): void {
    this.open.delete(batch);
    this.queue.push({ kind: "lost", batch, why: "it is a test" });
  }
  /** Everything in a batch is done. */
  finish({ key, files }: Batch): void {
    this.say({ batch: key, ended: true, settled: files.map(({ file }) => ({ ...of(file), state: "DONE" as const })) });
  }
}

const of = ({ id, attempt }: ClaimedFile) => ({ id, attempt });

function planned(names: readonly string[]): Journal {
  const journal = Journal.open(join(folder, "j"), { settings: { test: true } });
  journal.addListed(names.map((name) => ({ name, size: 10, mtime: 1_000_000 })));
  journal.finishListing();
  return journal;
}

function feed(journal: Journal, dispatcher: Dispatcher, route = "{name}") {
  const match = compileMatch("{n:d}.dat");
  const abort = new AbortController();
  const warnings: string[] = [];
  const stopped: unknown[] = [];
  const context = {
    move: { route: compileRoute(route, match) },
    ...{ journal, meter: new ProgressMeter(), signal: abort.signal, kept: new Set<string>() },
    warn: (message: string) => void warnings.push(message),
    stop: (reason: unknown) => {
      stopped.push(reason);
      abort.abort(reason);
    },
  };
  return { feeder: new Feeder(context, dispatcher), abort, warnings, stopped };
}

/** Until everything that can happen has. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}.dat`);
const sizes = ({ batches }: FakeDispatcher) => batches.map(({ files }) => files.length);

describe("how much is handed out", () => {
  test("no more batches than there is room for, however many files there are", async () => {
    using journal = planned(names(20_000));
    const dispatcher = new FakeDispatcher(3);
    const { feeder } = feed(journal, dispatcher);
    await feeder.adopt([]);
    const working = feeder.work();
    await settle();
    expect(sizes(dispatcher)).toEqual([1000, 1000, 1000]);
    expect(journal.counts()).toMatchObject({ CLAIMED: 3_000, PLANNED: 17_000 });
    for (let at = 0; dispatcher.open.size > 0; at++) {
      dispatcher.finish(dispatcher.batches[at] as Batch);
      await settle();
    }
    await working;
    await feeder.close();
    expect(dispatcher.most).toBe(3);
    expect(journal.counts()).toMatchObject({ DONE: 20_000, CLAIMED: 0, PLANNED: 0 });
    expect(new Set(dispatcher.batches.flatMap(({ files }) => files.map(({ file }) => file.id))).size).toBe(20_000);
  });

  test("a hundred workers have no more files at a time than memory is there for, and each its share", async () => {
    using journal = planned(names(60_000));
    const dispatcher = new FakeDispatcher(40, 100);
    const { feeder, abort } = feed(journal, dispatcher);
    await feeder.adopt([]);
    const working = feeder.work();
    await settle();
    expect(journal.counts()).toMatchObject({ CLAIMED: 5_000 });
    expect(sizes(dispatcher)).toEqual(Array(40).fill(125));
    abort.abort();
    await Promise.all([working, feeder.close()]);
    expect(journal.counts()).toMatchObject({ PLANNED: 60_000 });
  });

  test("the last files are shared out among the workers", async () => {
    using journal = planned(names(800));
    const dispatcher = new FakeDispatcher(100, 4);
    const { feeder } = feed(journal, dispatcher);
    await feeder.adopt([]);
    const working = feeder.work();
    await settle();
    expect(sizes(dispatcher).slice(0, 4)).toEqual([50, 47, 44, 42]);
    expect(Math.min(...sizes(dispatcher).slice(0, -1))).toBe(32);
    for (const batch of dispatcher.batches) dispatcher.finish(batch);
    await working;
    await feeder.close();
  });

  test("two files with one final name are never with workers at the same time", async () => {
    using journal = planned(names(6));
    const dispatcher = new FakeDispatcher(10);
    const { feeder } = feed(journal, dispatcher, "all.dat");
    await feeder.adopt([]);
    const working = feeder.work();
    for (let i = 0; i < 6; i++) {
      await settle();
      expect(dispatcher.open.size).toBe(1);
      expect(dispatcher.batches[i]?.files).toHaveLength(1);
      dispatcher.finish(dispatcher.batches[i] as Batch);
    }
    await working;
    await feeder.close();
    expect(journal.counts().DONE).toBe(6);
  });

  test.each(["KEPT", "PARTIAL"])("what was kept of one (%s) is not the other's to write over", async (code) => {
    using journal = planned(names(2));
    const dispatcher = new FakeDispatcher(10);
    const { feeder } = feed(journal, dispatcher, "all.dat");
    await feeder.adopt([]);
    const working = feeder.work();
    await settle();
    const [{ key, files }] = dispatcher.batches as [Batch];
    const [{ file: first }] = files as [BatchFile];
    dispatcher.say({ batch: key, ended: true, settled: [{ ...of(first), state: "FAILED", code }] });
    await settle();
    const [, next] = dispatcher.batches as [Batch, Batch];
    const [{ file: second, recover }] = next.files as [BatchFile];
    expect([second.target, recover, second.tries]).toEqual([first.target, false, 1]);
    expect(second.temp).not.toBe(first.temp);
    dispatcher.finish(next);
    await working;
    await feeder.close();
    expect(journal.counts()).toMatchObject({ DONE: 1, FAILED: 1 });
  });
});

describe("what comes back", () => {
  /** Ten files in a batch. */
  async function begun(route?: string) {
    const journal = planned(names(10));
    const dispatcher = new FakeDispatcher(10);
    const job = feed(journal, dispatcher, route);
    await job.feeder.adopt([]);
    const working = job.feeder.work();
    await settle();
    const batch = dispatcher.batches[0] as Batch;
    return { ...job, journal, dispatcher, working, batch, files: batch.files.map(({ file }) => file) };
  }

  test("results that come twice, or of an earlier claim, change nothing", async () => {
    const { journal, dispatcher, working, feeder, batch, files } = await begun();
    const [first] = files as [ClaimedFile];
    const done = { batch: batch.key, settled: [{ ...of(first), state: "DONE" as const }] };
    dispatcher.say(done);
    dispatcher.say(done);
    dispatcher.say({ batch: batch.key, settled: [{ ...of(first), state: "FAILED" }] });
    dispatcher.say({ batch: batch.key, settled: [{ id: files[1]!.id, attempt: 7, state: "DONE" }] });
    dispatcher.say({ batch: batch.key, released: [{ id: files[1]!.id, attempt: 0 }] });
    await settle();
    expect(journal.counts()).toMatchObject({ DONE: 1, CLAIMED: 9, FAILED: 0, PLANNED: 0 });
    dispatcher.finish(batch);
    await working;
    await feeder.close();
    expect(journal.counts()).toMatchObject({ DONE: 10, CLAIMED: 0 });
    journal.close();
  });

  test("a lost batch is handed out once more, to be recovered under the same claims; given back, it is claimed anew", async () => {
    const { journal, dispatcher, working, feeder, batch, files, warnings } = await begun();
    dispatcher.say({ batch: batch.key, probed: [{ ...of(files[0]!), destBefore: "absent", fxp: true, size: 12 }] });
    dispatcher.lose(batch.key);
    await settle();
    const again = dispatcher.batches[1] as Batch;
    expect(again.files.every(({ recover }) => recover)).toBe(true);
    expect(again.files.map(({ file }) => of(file))).toEqual(files.map(of));
    expect(again.files[0]?.file).toMatchObject({ destBefore: "absent", fxp: true, size: 12, temp: files[0]?.temp });
    dispatcher.say({ batch: again.key, ended: true, released: files.map((file) => ({ ...of(file), counts: false })) });
    await settle();
    const third = dispatcher.batches[2] as Batch;
    expect(third.files.every(({ recover, file }) => !recover && file.attempt === 2 && file.tries === 1)).toBe(true);
    expect(warnings).toEqual(["a batch was lost and is looked at by another worker: it is a test"]);
    dispatcher.finish(third);
    await working;
    await feeder.close();
    journal.close();
  });

  test("who was given up is believed that a file is there, and nothing else", async () => {
    const { journal, dispatcher, working, feeder, batch, files } = await begun();
    dispatcher.lose(batch.key);
    await settle();
    const [one, two, three] = files as [ClaimedFile, ClaimedFile, ClaimedFile];
    dispatcher.say({
      batch: batch.key,
      settled: [
        { ...of(one), state: "DONE" },
        { ...of(two), state: "FAILED" },
      ],
      released: [of(three)],
    });
    await settle();
    expect(journal.counts()).toMatchObject({ DONE: 1, CLAIMED: 9, FAILED: 0, PLANNED: 0 });
    dispatcher.finish(dispatcher.batches[1] as Batch);
    await working;
    await feeder.close();
    journal.close();
  });

  test("what a worker ends without a word on is looked at by another one", async () => {
    const { dispatcher, working, feeder, batch, files, journal } = await begun();
    const settled = files.slice(0, 8).map((file) => ({ ...of(file), state: "DONE" as const }));
    dispatcher.say({ batch: batch.key, ended: true, settled });
    await settle();
    expect(dispatcher.batches[1]?.files.map(({ file, recover }) => [file.id, recover])).toEqual(
      files.slice(8).map(({ id }) => [id, true]),
    );
    dispatcher.finish(dispatcher.batches[1] as Batch);
    await working;
    await feeder.close();
    journal.close();
  });

  test("a new name is in the journal before a worker may write it; one that another file has is not given", async () => {
    const { dispatcher, working, feeder, batch, files, journal } = await begun();
    const [one, two] = files as [ClaimedFile, ClaimedFile];
    dispatcher.say({
      batch: batch.key,
      retargeted: [
        { ...of(one), target: "free.dat" },
        { ...of(two), target: "5.dat" },
      ],
    });
    await settle();
    const renamed = dispatcher.batches[1] as Batch;
    expect(renamed.files).toMatchObject([
      { recover: false, file: { ...of(one), target: "free.dat", destBefore: "absent" } },
    ]);
    expect(journal.claimed().find(({ id }) => id === one.id)).toMatchObject({ target: "free.dat" });
    expect(journal.counts()).toMatchObject({ PLANNED: 1, CLAIMED: 9 });
    dispatcher.finish(renamed);
    dispatcher.finish({ key: batch.key, files: batch.files.slice(2) });
    while (dispatcher.batches.length < 3) await settle();
    dispatcher.finish(dispatcher.batches[2] as Batch);
    await working;
    await feeder.close();
    expect(journal.counts()).toMatchObject({ DONE: 10 });
    journal.close();
  });

  test("a new name from a worker that was given up: the file is handed out once, with that name", async () => {
    const { dispatcher, working, feeder, batch, files, journal } = await begun();
    const one = files[0] as ClaimedFile;
    // No room: what was lost waits in line.
    Object.defineProperty(dispatcher, "room", { value: 0, configurable: true });
    dispatcher.lose(batch.key);
    dispatcher.say({ batch: batch.key, retargeted: [{ ...of(one), target: "free.dat" }] });
    await settle();
    Reflect.deleteProperty(dispatcher, "room");
    while (dispatcher.batches.length < 2) await settle();
    const handed = dispatcher.batches.slice(1).flatMap((each) => each.files.map(({ file }) => file));
    expect(handed.map(({ id }) => id).sort()).toEqual(files.map(({ id }) => id).sort());
    expect(handed.find(({ id }) => id === one.id)).toMatchObject({ target: "free.dat" });
    dispatcher.finish(dispatcher.batches[1] as Batch);
    await working;
    await feeder.close();
    expect(journal.counts()).toMatchObject({ DONE: 10 });
    journal.close();
  });

  test("a full disk at one worker ends the job; a worker without its server does not", async () => {
    const { dispatcher, working, feeder, batch, stopped, warnings, journal } = await begun();
    dispatcher.say({ batch: batch.key, stopped: { name: "ConnectionError", message: "no route", everywhere: false } });
    await settle();
    expect(stopped).toEqual([]);
    expect(warnings).toEqual(["worker w: no route; it gave its files back"]);
    dispatcher.say({
      batch: batch.key,
      stopped: { name: "ReplyError", message: "disk full", code: "452", everywhere: true },
    });
    await working;
    expect(stopped).toMatchObject([{ name: "ReplyError", message: "worker w: disk full", code: "452" }]);
    await feeder.close();
    journal.close();
  });

  test("the end of the job gives back what nobody began, without a try", async () => {
    const { feeder, working, abort, journal } = await begun();
    abort.abort();
    await working;
    await feeder.close();
    expect(journal.counts()).toMatchObject({ PLANNED: 10, CLAIMED: 0 });
    expect(journal.claim(1)).toMatchObject([{ tries: 1, attempt: 2 }]);
    journal.close();
  });
});

test("a coordinator that is started again leaves with workers what they have, and has the rest recovered", async () => {
  using journal = planned(names(10));
  const left = journal.claim(10);
  const dispatcher = new FakeDispatcher(10);
  dispatcher.left = [{ key: "old", files: [...left.slice(0, 4).map(of), { id: left[4]!.id, attempt: 9 }] }];
  dispatcher.open.set("old", { key: "old", files: [] });
  const { feeder } = feed(journal, dispatcher);
  await feeder.adopt(left);
  const working = feeder.work();
  await settle();
  const ids = dispatcher.batches.flatMap(({ files }) => files.map(({ file, recover }) => [file.id, recover]));
  expect(ids).toEqual(left.slice(4).map(({ id }) => [id, true]));
  dispatcher.finish({ key: "old", files: left.slice(0, 4).map((file) => ({ file, recover: false })) });
  for (const batch of dispatcher.batches) dispatcher.finish(batch);
  await working;
  await feeder.close();
  expect(journal.counts().DONE).toBe(10);
});
