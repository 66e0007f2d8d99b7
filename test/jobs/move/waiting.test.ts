/** Files that may not be taken yet: those still being written, those without their done file; and listings cut short. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { move, planMove } from "../../../src/jobs/index.js";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { compileDoneFile } from "../../../src/jobs/move/listing/done-file.js";
import type { FtpServer } from "../../../src/testing/index.js";
import { bed, filesBelow, LONG_AGO } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: (attempt: number) => Math.min(100, 5 * 2 ** attempt),
}));

const now = () => new Date();

describe("stableFor", () => {
  test("files of long ago move at once; a new one is seen twice", async () => {
    const { from, to, put, options } = await bed();
    put("old");
    put("new", "new", now());
    const started = Date.now();
    expect(await move(options({ stableFor: 300 }))).toMatchObject({ moved: 2, waiting: 0, left: 0 });
    expect(Date.now() - started).toBeGreaterThanOrEqual(300);
    expect(filesBelow(to, "/in")).toEqual(["new", "old"]);
    // The old one did not wait for the new one.
    const lines = from.commands;
    expect(lines.indexOf("DELE old")).toBeLessThan(lines.lastIndexOf("MLSD"));
  });

  test("a file that is still being written is left, and told; a next run takes it when it rests", async () => {
    const { from, to, put, journal, options } = await bed();
    put("quiet", "quiet", now());
    put("busy", "1", now());
    let growing = "1";
    const writer = setInterval(() => from.tree.write("/out/busy", (growing += "1")), 40);
    try {
      const result = await move(options({ stableFor: 300, journal }));
      expect(result).toMatchObject({ moved: 1, waiting: 1, left: 0, failed: 0 });
      expect(filesBelow(to, "/in")).toEqual(["quiet"]);
    } finally {
      clearInterval(writer);
    }
    expect(await move(options({ stableFor: 300, journal }))).toMatchObject({ moved: 2, waiting: 0 });
    expect(to.tree.read("/in/busy").toString()).toBe(growing);
  });

  test("what an earlier run of the journal saw counts: nothing is waited for", async () => {
    const { from, put, journal, options } = await bed();
    put("a", "a", now());
    const stableFor = 100_000;
    const abort = new AbortController();
    const first = move(options({ stableFor, journal, signal: abort.signal }));
    await vi.waitFor(() => expect(from.commands.filter((line) => line === "MLSD")).toHaveLength(1));
    setTimeout(() => abort.abort(), 100);
    await expect(first).rejects.toThrow("cancelled");
    vi.useFakeTimers({ now: Date.now() + stableFor + 1, toFake: ["Date"] });
    try {
      expect(await move(options({ stableFor, journal }))).toMatchObject({ moved: 1, waiting: 0 });
    } finally {
      vi.useRealTimers();
    }
  });

  test("clocks that differ by hours are not believed", async () => {
    const { to, put, options } = await bed();
    put("behind", "1", new Date(Date.now() - 5 * 3_600_000));
    put("ahead", "1", new Date(Date.now() + 5 * 3_600_000));
    const plan: unknown[] = [];
    for await (const { name, action, why } of planMove(options({ stableFor: 60_000 }))) plan.push([name, action, why]);
    const why = "it was not seen unchanged for 60000 ms yet";
    expect(plan).toEqual([
      ["behind", "wait", why],
      ["ahead", "wait", why],
    ]);
    expect(to.tree.count("/in")).toBe(0);
  });

  test("a file that changes after it was planned waits again, and one that never rests fails in the end", async () => {
    const { from, to, put, options } = await bed();
    put("a", "old");
    from.faults.replyDelay = 5;
    const changing = setInterval(() => put("a", `${Math.random()}`, new Date(Date.now() - Math.random() * 1e9)), 10);
    try {
      const result = await move(options({ stableFor: 30, tries: { retry: 3 } }));
      expect(result).toMatchObject({ moved: 0, failed: 1 });
      expect(result.failures[0]).toMatchObject({ code: "CHANGING" });
    } finally {
      clearInterval(changing);
    }
    expect(to.tree.count("/in")).toBe(0);
  });

  test("where LIST tells no seconds, the times are asked for", async () => {
    const { from, to, put, options } = await bed({ features: { mlsd: false } });
    put("a", "a", now());
    put("old", "old");
    expect(await move(options({ stableFor: 50 }))).toMatchObject({ moved: 2, waiting: 0, left: 0 });
    expect(from.commands.slice(0, from.commands.indexOf("RETR a"))).toContain("MDTM a");
    expect(filesBelow(to, "/in")).toEqual(["a", "old"]);
  });

  test("of a local folder", async () => {
    const { folder, to, options } = await bed();
    writeFileSync(join(folder, "a"), "a");
    expect(await move(options({ from: folder, match: "a", stableFor: 50 }))).toMatchObject({ moved: 1, waiting: 0 });
    expect(filesBelow(to, "/in")).toEqual(["a"]);
  });

  test("a copy of what was copied already takes nothing again", async () => {
    const { put, journal, options } = await bed();
    put("a", "a", now());
    const copy = options({ stableFor: 50, source: "keep", journal });
    expect(await move(copy)).toMatchObject({ moved: 1, waiting: 0, bytes: 1 });
    expect(await move(copy)).toMatchObject({ moved: 1, waiting: 0, bytes: 0 });
  });
});

describe("a done file", () => {
  test("lets its file go, and goes after it", async () => {
    const { from, to, put, options } = await bed();
    for (const path of ["a.csv", "a.csv.done", "b.csv", "c.csv.done", "x/d.csv", "x/d.csv.done", "e.csv.DONE"])
      put(path);
    const result = await move(options({ doneFile: "{name}.done", recursive: true }));
    expect(result).toMatchObject({ moved: 2, waiting: 2, left: 0, failed: 0 });
    expect(filesBelow(to, "/in")).toEqual(["a.csv", "x/d.csv"]);
    expect(filesBelow(from, "/out")).toEqual(["b.csv", "c.csv.done", "e.csv.DONE"]);
    const lines = from.commands;
    expect(lines.indexOf("DELE a.csv")).toBeLessThan(lines.indexOf("DELE a.csv.done"));
    expect(lines).not.toContain("DELE c.csv.done");
  });

  test("that comes while the job runs is found by its next pass", async () => {
    const onCommand = (line: string) => {
      if (line === "RETR a.csv") put("b.ok");
    };
    const { from, to, put, options } = await bed({ onCommand });
    for (const path of ["a.csv", "a.ok", "b.csv"]) put(path);
    const result = await move(options({ match: "*.csv", doneFile: "{stem}.ok" }));
    expect(result).toMatchObject({ moved: 2, waiting: 0 });
    expect(filesBelow(from, "/out")).toEqual([]);
    expect(filesBelow(to, "/in")).toEqual(["a.csv", "b.csv"]);
  });

  test("moves after its file, beside it, whatever name that got", async () => {
    const { from, to, put, options, journal } = await bed();
    for (const path of ["1_a.csv", "1_a.csv.done", "2_a.csv", "2_a.csv.done"]) put(path);
    to.tree.write("/in/a/a.csv", "there");
    const job = options({
      ...{ doneFile: { name: "{name}.done", after: "move" }, route: "{kind}/{kind}.csv", onExists: "rename" },
      ...{ match: "{n:d}_{kind}.csv", journal },
    });
    expect(await move(job)).toMatchObject({ moved: 4, failed: 0, conflicts: 0, left: 0 });
    expect(filesBelow(to, "/in")).toEqual(["a/a-1.csv", "a/a-1.csv.done", "a/a-2.csv", "a/a-2.csv.done", "a/a.csv"]);
    expect(filesBelow(from, "/out")).toEqual([]);
    const lines = to.commands;
    const end = (name: string) => lines.indexOf(`RNTO a/${name}`);
    expect(end("a-1.csv")).toBeLessThan(end("a-1.csv.done"));
    // The same names once more, in a later run of the journal.
    for (const path of ["1_a.csv", "1_a.csv.done"]) put(path, "again");
    expect(await move(job)).toMatchObject({ failed: 0, conflicts: 0, left: 0 });
    expect(filesBelow(to, "/in")).toContain("a/a-3.csv.done");
    expect(filesBelow(from, "/out")).toEqual([]);
  });

  test("stays with a file that did not go through", async () => {
    const { from, to, put, options } = await bed();
    for (const path of ["a.csv", "a.csv.done", "b.csv", "b.csv.done"]) put(path);
    to.tree.write("/in/a.csv", "foreign");
    expect(await move(options({ doneFile: "{name}.done" }))).toMatchObject({ moved: 1, conflicts: 1 });
    expect(filesBelow(from, "/out")).toEqual(["a.csv", "a.csv.done"]);
  });

  test("is still removed when the process died between its file and it", async () => {
    const { from, put, options, journal } = await bed();
    for (const path of ["a.csv", "a.csv.done"]) put(path);
    const job = options({ doneFile: "{name}.done", journal });
    from.faults.reply = { "DELE a.csv.done": "450 not now" };
    expect((await move(job)).warnings.join()).toContain("a.csv.done could not be removed");
    expect(filesBelow(from, "/out")).toEqual(["a.csv.done"]);
    from.clearFaults();
    expect(await move(job)).toMatchObject({ moved: 1, waiting: 0 });
    expect(filesBelow(from, "/out")).toEqual([]);
  });

  test("of a copy stays; a dry run tells what waits for one", async () => {
    const { from, put, options } = await bed();
    for (const path of ["a.csv", "a.csv.done", "b.csv"]) put(path);
    const copy = options({ doneFile: "{name}.done", source: "keep" });
    const plan: unknown[] = [];
    for await (const { name, action, why } of planMove(copy)) plan.push([name, action, why]);
    expect(plan).toEqual([
      ["a.csv", "move", undefined],
      ["b.csv", "wait", "there is no b.csv.done"],
    ]);
    expect(await move(copy)).toMatchObject({ moved: 1, waiting: 1 });
    expect(filesBelow(from, "/out")).toHaveLength(3);
  });

  test("and stableFor must both be content", async () => {
    const { to, put, options } = await bed();
    for (const path of ["a.csv", "a.csv.done", "b.csv"]) put(path, path, now());
    const result = await move(options({ doneFile: "{name}.done", stableFor: 100 }));
    expect(result).toMatchObject({ moved: 1, waiting: 1 });
    expect(filesBelow(to, "/in")).toEqual(["a.csv"]);
  });

  test("has a name that is made of its file's", () => {
    const { of, test: matches } = compileDoneFile("{stem}.{{ok}}{ext}", "remove");
    expect([of("a.b.csv"), of("plain"), of(".hidden")]).toEqual(["a.b.{ok}.csv", "plain.{ok}", ".hidden.{ok}"]);
    expect([matches("a.{ok}.csv"), matches("a.ok.csv"), matches(".{ok}")]).toEqual([true, false, false]);
  });
});

describe("a listing that is cut short", () => {
  const fill = (server: FtpServer, files: number) =>
    server.tree.fill(
      files,
      (i) => `/out/f${String(i).padStart(5, "0")}`,
      (i) => `${i}`,
    );

  test("in silence, is drained: every file moves, from every folder", { timeout: 90_000 }, async () => {
    const { from, to, options } = await bed({ limits: { maxEntriesListed: 1000 } });
    fill(from, 2_100);
    from.tree.fill(
      1_050,
      (i) => `/out/sub/g${i}`,
      (i) => `${i}`,
    );
    expect(await move(options({ recursive: true, lanes: 8 }))).toMatchObject({ moved: 3_150, left: 0, unlisted: [] });
    expect(filesBelow(to, "/in")).toHaveLength(3_150);
    expect(filesBelow(from, "/out")).toEqual([]);
  });

  test("of a copy, is told in the result, for certain or as a suspicion", { timeout: 60_000 }, async () => {
    for (const announceTruncation of [true, false]) {
      const { from, options } = await bed({ limits: { maxEntriesListed: 1000, announceTruncation } });
      fill(from, 1_200);
      const result = await move(options({ source: "keep", lanes: 8 }));
      expect(result).toMatchObject({ moved: 1000, unlisted: [{ folder: "", certain: announceTruncation }] });
      expect(result.warnings.join()).toMatch(
        announceTruncation ? /was cut short.*truncated/ : /may not be whole.*(998|1000) rows/,
      );
    }
  });

  test("of a copy, is completed by a way that the server does not cut", { timeout: 60_000 }, async () => {
    for (const [cut, mlsd] of [
      ["MLSD", true],
      ["LIST", false],
    ] as const) {
      const { from, to, options } = await bed({ features: { mlsd } });
      fill(from, 1_200);
      from.tree.mkdir("/out/sub");
      from.faults.truncateListingAt = 1000;
      from.faults.dataFaultsOn = cut;
      const result = await move(options({ source: "keep", lanes: 8 }));
      expect(result, cut).toMatchObject({ moved: 1_200, gone: 0, failed: 0, unlisted: [] });
      expect(to.tree.count("/in")).toBe(1_200);
    }
  });

  test("behind files that stay, is looked at in other ways in the end, and told", async () => {
    const { from, options } = await bed({ limits: { maxEntriesListed: 1000 } });
    fill(from, 1_200);
    from.tree.write("/out/match.me", "");
    const result = await move(options({ match: "*.me" }));
    expect(result).toMatchObject({ moved: 0, unlisted: [{ certain: false }] });
    expect(from.commands.filter((line) => /^(MLSD|LIST|NLST)/.test(line))).toEqual(["MLSD", "MLSD", "LIST", "NLST"]);
  });
});

describe("collisions", () => {
  test("among many files are found in flat memory, and exactly", async () => {
    const { journal: path } = await bed();
    using journal = Journal.open(path, { settings: { from: "a" } });
    const files = 40_000;
    for (let at = 0; at < files; at += 1000)
      journal.addListed(
        Array.from({ length: 1000 }, (_, i) => ({ name: `f${at + i}`, size: 1, mtime: LONG_AGO.getTime() })),
      );
    journal.finishListing();
    const target = ({ name }: { name: string }) => {
      const n = Number(name.slice(1));
      if (n === 7) throw new Error("no route");
      return n % 1000 < 3 ? `same${n % 1000}` : `t${n}`;
    };
    const run = (options = {}) => {
      const steps = journal.collisions(target, options);
      let last = steps.next();
      while (!last.done) last = steps.next();
      return last.value;
    };
    expect(run()).toBe(120);
    expect(journal.counts()).toMatchObject({ PLANNED: files - 120, CONFLICT: 120 });
    expect([...journal.files(["CONFLICT"])].slice(0, 2)).toMatchObject([
      { name: "f0", target: "same0", code: "COLLISION" },
      { name: "f1", target: "same1", code: "COLLISION" },
    ]);
    expect(run()).toBe(0);
    journal.forgetCollisions();
    expect(journal.counts()).toMatchObject({ PLANNED: files - 120, CONFLICT: 0 });
  });

  test("are not looked for again, in a later run either, where nothing was planned since", async () => {
    const { journal: path } = await bed();
    const looks = (journal: Journal, rule: string | undefined) => {
      let looked = 0;
      const target = ({ name }: { name: string }) => `${looked++ && ""}${name}`;
      const steps = journal.collisions(target, { rule });
      while (!steps.next().done) {}
      return looked;
    };
    const settings = { from: "a" };
    {
      using journal = Journal.open(path, { settings });
      journal.addListed(["a", "b", "c"].map((name) => ({ name, size: 1, mtime: 1000 })));
      journal.finishListing();
      expect(looks(journal, "{name}")).toBe(3);
    }
    using journal = Journal.open(path, { settings });
    expect(looks(journal, "{name}")).toBe(0);
    expect(looks(journal, "another")).toBe(3);
    expect(looks(journal, undefined)).toBe(3);
    const [a] = journal.claim(1);
    journal.settle([{ id: a!.id, state: "FAILED", error: "why" }]);
    journal.addListed(["b", "c"].map((name) => ({ name, size: 1, mtime: 1000 })));
    journal.finishListing();
    expect(looks(journal, "another")).toBe(0);
    for (const change of [
      () => journal.retryFailed(),
      () => [journal.addListed([{ name: "d", size: 1, mtime: 1000 }]), journal.finishListing()],
      () => [journal.addListed([{ name: "d", size: 1, mtime: 2000 }]), journal.finishListing()],
      () => journal.release(journal.claim(1).map(({ id }) => ({ id, size: 2 }))),
    ]) {
      change();
      expect(looks(journal, "another")).toBeGreaterThan(0);
      expect(looks(journal, "another")).toBe(0);
    }
  });

  test("leave the first of each target where that is asked for", async () => {
    const { journal: path } = await bed();
    using journal = Journal.open(path, { settings: { from: "a" } });
    journal.addListed(["a", "b", "c", "d"].map((name) => ({ name })));
    journal.finishListing();
    const steps = journal.collisions(({ name }) => (name === "d" ? "d" : "x"), { keepFirst: true });
    while (!steps.next().done) {}
    expect([...journal.files(["PLANNED"])].map(({ name }) => name)).toEqual(["a", "d"]);
  });
});
