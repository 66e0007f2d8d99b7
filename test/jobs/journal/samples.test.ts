/** What a journal remembers of its runs, samples thinned out, digests; and journals of an older polywire. */
import { describe, expect, it } from "vitest";
import { Journal, JournalReader } from "../../../src/jobs/journal/journal.js";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { ENGINES, journalPath } from "./engines.js";

const SETTINGS = { from: "ftp://a/in", to: "ftp://b/out", match: "*.dat" };

/** A journal as version 1 wrote it: two files, one of them done. */
const VERSION_1 = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE totals(state INTEGER PRIMARY KEY, files INTEGER NOT NULL);
  CREATE TABLE files(id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER, state INTEGER NOT NULL,
    attempt INTEGER NOT NULL, tries INTEGER NOT NULL, pass INTEGER NOT NULL, updated INTEGER NOT NULL, target,
    dest_before INTEGER, not_before INTEGER, code TEXT, error TEXT);
  CREATE INDEX files_waiting ON files(not_before) WHERE not_before IS NOT NULL;
  CREATE UNIQUE INDEX files_name ON files(name);
  CREATE TABLE spool(id INTEGER PRIMARY KEY, name NOT NULL, size INTEGER, mtime INTEGER);
  CREATE VIEW readable AS SELECT id, CAST(name AS TEXT) AS name FROM files;
  INSERT INTO meta VALUES('settings', '{"from":"ftp://a/in","match":"*.dat","to":"ftp://b/out"}'), ('job', 'abcdefgh'), ('pass', 1);
  INSERT INTO files VALUES(1, 'a', 10, 1000, 4, 1, 1, 1, 5, NULL, 0, NULL, NULL, NULL),
    (2, 'b', 20, 1000, 7, 3, 3, 1, 6, NULL, 0, NULL, '550', 'no');
  INSERT INTO totals VALUES(4, 1), (7, 1);
  PRAGMA application_id=${0x706c7977}; PRAGMA user_version=1;
`;

describe.each(ENGINES)("the runs of a journal on %s", (engine) => {
  const open = (path = journalPath()) => Journal.open(path, { settings: SETTINGS, engine });

  const old = () => {
    const path = journalPath();
    const db = openDatabase(path, engine);
    db.exec(VERSION_1);
    db.close();
    return path;
  };

  const sample = (at: number, bytes = at) => ({ at, settled: at, moved: at, failed: 0, bytes, lanes: 2 });

  it("a journal of version 1 is read as it is, and upgraded where it is opened for writing", () => {
    const path = old();
    const look = () => {
      using reader = JournalReader.read(path, { engine });
      expect([...reader.files(["DONE", "FAILED"])]).toMatchObject([{ name: "a" }, { name: "b", digest: undefined }]);
      expect(reader.lastErrors(9)).toMatchObject([{ name: "b", code: "550" }]);
      expect(reader.samples()).toEqual([]);
      return { runs: reader.runs().length, version: reader.counts() };
    };
    expect(look()).toMatchObject({ runs: 0 });
    {
      using journal = open(path);
      journal.beginRun({ lanes: 3 });
      journal.retryFailed();
      const [file] = journal.claim(1);
      journal.settle([{ id: file!.id, state: "DONE", digest: `sha256:${"ab".repeat(32)}` }]);
    }
    using reader = JournalReader.read(path, { engine });
    expect([...reader.files(["DONE"])].map(({ digest }) => digest)).toEqual([undefined, `sha256:${"ab".repeat(32)}`]);
    expect(reader.runs()).toMatchObject([{ id: 1, pid: process.pid, ended: undefined, error: undefined }]);
    expect(reader.options).toEqual({ lanes: 3 });
  });

  it("a digest that is none is refused, and goes when the file is settled anew without one", () => {
    using journal = open();
    journal.addListed([{ name: "a" }]);
    journal.finishListing();
    const [file] = journal.claim(1);
    for (const digest of ["sha256:ab", "nosuch:abcd", "abcd"])
      expect(() => journal.settle([{ id: file!.id, state: "DONE", digest }]), digest).toThrow("is no digest");
    journal.settle([{ id: file!.id, state: "FAILED", error: "x", digest: "crc32:0badcafe" }]);
    expect([...journal.failed()]).toMatchObject([{ digest: "crc32:0badcafe" }]);
    journal.retryFailed();
    journal.settle([{ id: journal.claim(1)[0]!.id, state: "DONE" }]);
    expect([...journal.files(["DONE"])]).toMatchObject([{ digest: undefined }]);
  });

  it("thins samples out evenly, and keeps the newest, and the edges of every run", () => {
    using journal = open();
    for (let run = 0; run < 3; run++) {
      journal.beginRun({});
      for (let i = 0; i < 3000; i++) journal.sample(sample(run * 3000 + i, i), i === 0 || (i === 2999 && run !== 1));
      if (run !== 1) journal.endRun(run === 2 ? "the disk is full" : undefined);
    }
    const samples = journal.samples();
    expect(samples.length).toBeGreaterThan(1000);
    expect(samples.length).toBeLessThanOrEqual(2000);
    const times = samples.map(({ at }) => at);
    // The run in the middle was killed: its last row was none when it was written.
    for (const edge of [0, 2999, 3000, 5999, 6000, 8999]) expect(times).toContain(edge);
    expect(times.slice(-150)).toEqual(Array.from({ length: 150 }, (_, i) => 8850 + i));
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    expect(Math.max(...gaps)).toBe(8);
    expect(journal.lastSamples(2).map(({ at }) => at)).toEqual([8998, 8999]);
    // Bytes are those of all runs together.
    expect(samples.at(-1)).toMatchObject({ run: 3, bytes: 2999 * 3 });
    expect(journal.runs()).toMatchObject([
      { id: 1, error: undefined, ended: expect.any(Number) },
      { id: 2, error: undefined, ended: undefined },
      { id: 3, error: "the disk is full" },
    ]);
  });

  it("a job that was started a thousand times remembers the last 500 runs", () => {
    using journal = open();
    for (let run = 0; run < 1000; run++) {
      journal.beginRun({});
      journal.sample(sample(run, 1), true);
      journal.noteWarnings([`warning ${run}`]);
      journal.endRun();
    }
    expect(journal.runs()).toHaveLength(500);
    expect(journal.runs().at(-1)).toMatchObject({ id: 1000, warnings: ["warning 999"] });
    expect(journal.samples().at(-1)).toMatchObject({ run: 1000, bytes: 1000 });
  });

  it("is running while it is open for writing, and not when it was only read", () => {
    const path = journalPath();
    const journal = open(path);
    using reader = JournalReader.read(path, { engine });
    expect(reader.isRunning).toBe(true);
    journal.close();
    expect(reader.isRunning).toBe(false);
    expect(() => open(path).close()).not.toThrow();
  });

  it("counts failures by state and code", () => {
    using journal = open();
    journal.addListed(["a", "b", "c", "d"].map((name) => ({ name })));
    journal.finishListing();
    const results = [
      { state: "FAILED", code: "550", error: "no such file" },
      { state: "FAILED", code: "550", error: "denied" },
      { state: "CONFLICT", code: "EXISTS", error: "it is there" },
      { state: "DONE" },
    ] as const;
    journal.settle(journal.claim(4).map(({ id }, i) => ({ id, ...results[i]! })));
    expect(journal.failureKinds()).toEqual([
      { state: "FAILED", code: "550", files: 2, example: "no such file" },
      { state: "CONFLICT", code: "EXISTS", files: 1, example: "it is there" },
    ]);
  });
});
