/** The journal: listing passes, claims, results, one writer, one job. */
import { execFile } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { type ClaimedFile, Journal, JournalReader, type ListedFile } from "../../../src/jobs/journal/journal.js";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { tempName } from "../../../src/jobs/move/names/temp-name.js";
import { ENGINES, journalPath } from "./engines.js";

const SETTINGS = { from: "ftp://a/in", to: "ftp://b/out", match: "*.dat" };
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const listed = (...names: string[]): ListedFile[] => names.map((name) => ({ name, size: 10, mtime: 1000 }));
const namesOf = (files: Iterable<{ name: string }>) => [...files].map((file) => file.name);

describe.each(ENGINES)("a journal on %s", (engine) => {
  const open = (path = journalPath(), settings: typeof SETTINGS | undefined = SETTINGS) =>
    Journal.open(path, { settings, engine });

  /** A journal with these files listed, in one complete pass. */
  const filled = (...names: string[]) => {
    const journal = open();
    journal.addListed(listed(...names));
    journal.finishListing();
    return journal;
  };
  /** Lists again, in a new pass. */
  const relist = (journal: Journal, files: ListedFile[], again = false) => {
    journal.addListed(files);
    return journal.finishListing({ again });
  };
  const settleAll = (journal: Journal, state: "DONE" | "FAILED" | "GONE" | "CONFLICT" | "SKIPPED_SAME") =>
    journal.settle(journal.claim(100).map(({ id }) => ({ id, state, code: "550", error: "why" })));
  /** The counts kept, compared with the rows. */
  const counts = (journal: JournalReader) => {
    const kept = journal.counts();
    for (const [state, files] of Object.entries(kept)) {
      expect([...journal.files([state as keyof typeof kept])], state).toHaveLength(files);
    }
    return Object.fromEntries(Object.entries(kept).filter(([, files]) => files > 0));
  };

  it("takes a file from PLANNED to DONE", () => {
    using journal = filled("a", "b", "c");
    const [a, b] = journal.claim(2);
    expect(a).toMatchObject({
      id: 1,
      name: "a",
      target: "a",
      size: 10,
      mtime: 1000,
      state: "CLAIMED",
      attempt: 1,
      tries: 1,
    });
    expect(a!.temp).toBe(tempName("a", journal.jobId, 1));
    journal.probed([{ id: a!.id, destBefore: "absent", size: 11, mtime: 1001 }]);
    expect(journal.claimed()[0]).toMatchObject({ destBefore: "absent", fxp: false, size: 11, mtime: 1001 });
    journal.probed([{ id: a!.id, destBefore: "other", fxp: true }]);
    expect(journal.claimed()[0]).toMatchObject({ destBefore: "other", fxp: true });
    expect(journal.retarget(a!, "c")).toMatchObject({ destBefore: "absent", fxp: true });
    expect(journal.retarget(b!, "d")).toMatchObject({ destBefore: "absent", fxp: false });
    expect(counts(journal)).toEqual({ PLANNED: 1, CLAIMED: 2 });
    const results = [
      { id: a!.id, state: "DONE" as const },
      { id: b!.id, state: "FAILED" as const, code: "550", error: "no such file" },
    ];
    expect(journal.settle(results)).toBe(2);
    expect(journal.settle(results)).toBe(0);
    expect(counts(journal)).toEqual({ PLANNED: 1, DONE: 1, FAILED: 1 });
    expect(journal.bytes()).toMatchObject({ DONE: 11, PLANNED: 10, FAILED: 10 });
    expect([...journal.failed()]).toMatchObject([{ name: "b", code: "550", error: "no such file" }]);
  });

  it("keeps names whose bytes are not UTF-8 apart from those that look like them", () => {
    const names = ["caf\udce9", "café", "caf\ufffd", "\u{1f480}", "1", "01", "1.0", "1\0", "1\u00002"];
    using journal = filled(...names, ...names);
    expect(namesOf(journal.files(["PLANNED"])).sort()).toEqual([...names].sort());
    const claimed = journal.claim(100, ({ name }) => `x/${name}\udc80`);
    expect(claimed.map(({ target }) => target)).toEqual(claimed.map(({ name }) => `x/${name}\udc80`));
    expect(journal.claimed()).toEqual(claimed);
    expect(relist(journal, listed(...names))).toEqual({ added: 0, replanned: 0 });
  });

  it("claims in the order of the ids, and nothing twice", () => {
    const names = Array.from({ length: 250 }, (_, i) => `f${i}`);
    using journal = filled(...names);
    const seen: number[] = [];
    for (let batch = journal.claim(60); batch.length > 0; batch = journal.claim(60))
      seen.push(...batch.map(({ id }) => id));
    expect(seen).toEqual(names.map((_, i) => i + 1));
  });

  it("claims nothing before names are unique", () => {
    using journal = open();
    journal.addListed(listed("a", "a"));
    expect(() => journal.claim(1)).toThrow(UsageError);
  });

  it("fails a file without a route, and goes on with the next", () => {
    using journal = filled("a", "bad", "c");
    const claimed = journal.claim(2, ({ name }) => {
      if (name === "bad") throw new UsageError("has the part ..");
      return `to/${name}`;
    });
    expect(claimed).toMatchObject([
      { name: "a", target: "to/a", temp: `to/a.${journal.jobId}1.part` },
      { name: "c", target: "to/c" },
    ]);
    expect([...journal.failed()]).toMatchObject([{ name: "bad", code: "ROUTE", error: "has the part .." }]);
    expect(counts(journal)).toEqual({ CLAIMED: 2, FAILED: 1 });
  });

  it("gives a claimed file another target, and with it another temporary name", () => {
    using journal = filled("a");
    const [a] = journal.claim(1);
    const renamed = journal.retarget(a!, "a-1");
    expect(renamed).toMatchObject({
      name: "a",
      target: "a-1",
      temp: `a-1.${journal.jobId}1.part`,
      destBefore: "absent",
    });
    expect(journal.claimed()).toEqual([renamed]);
    journal.settle([{ id: a!.id, state: "DONE" }]);
    expect(() => journal.retarget(a!, "a-2")).toThrow(UsageError);
  });

  it("gives files back until their time has come, with a new attempt", () => {
    using journal = filled("a", "b", "c");
    const [a, b] = journal.claim(2);
    const later = Date.now() + 60_000;
    expect(journal.nextDue()).toBeUndefined();
    const released = [
      { id: a!.id, notBefore: later, code: "450", error: "busy" },
      { id: b!.id, counts: false },
    ];
    expect(journal.release(released)).toBe(2);
    expect(journal.release(released)).toBe(0);
    expect(counts(journal)).toEqual({ PLANNED: 3 });
    expect(journal.nextDue()).toBe(0);
    const next = journal.claim(10);
    expect(next).toMatchObject([
      { name: "b", attempt: 2, tries: 1 },
      { name: "c", attempt: 1, tries: 1 },
    ]);
    expect(next[0]!.temp).not.toBe(b!.temp);
    expect(journal.nextDue()).toBe(later);
    expect([...journal.files(["PLANNED"])]).toMatchObject([
      { name: "a", code: "450", error: "busy", notBefore: later },
    ]);
  });

  it("plans failures again with a new count of tries, but never an old temporary name", () => {
    using journal = filled("a", "b");
    const [a, b] = journal.claim(2);
    journal.settle([
      { id: a!.id, state: "FAILED" },
      { id: b!.id, state: "CONFLICT" },
    ]);
    expect(journal.retryFailed()).toBe(1);
    expect(journal.retryFailed()).toBe(0);
    expect(counts(journal)).toEqual({ PLANNED: 1, CONFLICT: 1 });
    expect(journal.claim(10)).toMatchObject([{ name: "a", attempt: 2, tries: 1 }]);
    expect(journal.retryFailed(["CONFLICT", "GONE"])).toBe(1);
  });

  describe("a listing", () => {
    it("merges names that were listed twice: the last row counts", () => {
      using journal = open();
      journal.addListed([...listed("a", "b"), { name: "a", size: 20, mtime: 2000 }]);
      journal.addListed([{ name: "b" }, ...listed("c")]);
      expect(journal.finishListing()).toEqual({ added: 3, replanned: 0 });
      expect(counts(journal)).toEqual({ PLANNED: 3 });
      expect([...journal.files(["PLANNED"])]).toMatchObject([
        { name: "a", size: 20, mtime: 2000 },
        { name: "b", size: undefined, mtime: undefined },
        { name: "c", size: 10 },
      ]);
    });

    it("adds only what is new in a later pass", () => {
      using journal = filled("a", "b");
      settleAll(journal, "DONE");
      expect(relist(journal, listed("a", "c", "b", "c"))).toEqual({ added: 1, replanned: 0 });
      expect(counts(journal)).toEqual({ DONE: 2, PLANNED: 1 });
      expect(namesOf(journal.claim(10))).toEqual(["c"]);
      expect(relist(journal, listed("a", "b", "c"))).toEqual({ added: 0, replanned: 0 });
      expect(journal.pass).toBe(3);
    });

    it("of many names again leaves the journal as small as it was", () => {
      const path = journalPath();
      const names = listed(...Array.from({ length: 5_000 }, (_, i) => `${"x".repeat(100)}${i}`));
      const pass = () => {
        using journal = open(path);
        relist(journal, names);
        return statSync(`${path}-wal`).size;
      };
      expect(pass()).toBeGreaterThan(500_000);
      const before = statSync(path).size;
      expect(pass()).toBeLessThan(100_000);
      expect(statSync(path).size).toBe(before);
    });

    it("of nothing ends the pass, too", () => {
      using journal = open();
      expect(journal.finishListing()).toEqual({ added: 0, replanned: 0 });
      expect(journal.claim(1)).toEqual([]);
      expect(relist(journal, listed("a"))).toEqual({ added: 1, replanned: 0 });
      expect(journal.finishListing()).toEqual({ added: 0, replanned: 0 });
    });

    it.each([
      ["DONE", { size: 11 }, 1],
      ["DONE", { mtime: 1001 }, 1],
      ["DONE", { size: 10, mtime: 1000 }, 0],
      ["DONE", {}, 0],
      ["SKIPPED_SAME", { size: 11 }, 1],
      ["CONFLICT", { size: 11 }, 1],
      ["CONFLICT", { size: 10 }, 0],
      ["FAILED", { mtime: 1 }, 1],
      ["FAILED", { mtime: 1000 }, 0],
      ["GONE", { size: 10, mtime: 1000 }, 1],
    ] as const)("finds what is %s with %j: planned again %i", (state, stat, replanned) => {
      using journal = filled("a");
      settleAll(journal, state);
      expect(relist(journal, [{ name: "a", ...stat }])).toEqual({ added: 0, replanned });
      expect(counts(journal)).toEqual({ [replanned ? "PLANNED" : state]: 1 });
      if (!replanned) return;
      const [file] = journal.claim(1);
      expect(file).toMatchObject({
        size: 10,
        mtime: 1000,
        ...stat,
        attempt: 2,
        tries: 1,
        code: state === "GONE" ? "LISTED" : undefined,
        error: undefined,
      });
    });

    it("what is gone, listed once more and gone again is no file that vanished", () => {
      using journal = filled("a", "b");
      settleAll(journal, "GONE");
      relist(journal, listed("a"));
      settleAll(journal, "GONE");
      expect(counts(journal)).toEqual({ FAILED: 1, GONE: 1 });
      expect([...journal.failed()]).toMatchObject([
        {
          name: "a",
          state: "FAILED",
          code: "LISTED",
          error: "the source's server lists it, and says that it is not there",
        },
        { name: "b", state: "GONE", code: "550" },
      ]);
    });

    it("what was gone for a whole listing and came back may vanish again", () => {
      using journal = filled("a", "b");
      settleAll(journal, "GONE");
      relist(journal, listed("c"));
      relist(journal, listed("a"));
      settleAll(journal, "GONE");
      expect(counts(journal)).toEqual({ GONE: 3 });
    });

    it("plans again what is done and there again, where that is asked for", () => {
      using journal = filled("a", "b");
      settleAll(journal, "DONE");
      expect(relist(journal, listed("a"), true)).toEqual({ added: 0, replanned: 1 });
      expect(namesOf(journal.claim(10))).toEqual(["a"]);
    });

    it("leaves alone what is claimed, and what was settled while it ran", () => {
      using journal = filled("a", "b", "c", "d");
      const [a, b, c] = journal.claim(3);
      journal.settle([{ id: b!.id, state: "DONE" }]);
      journal.addListed([
        { name: "a", size: 99 },
        { name: "b", size: 99 },
      ]);
      journal.settle([{ id: c!.id, state: "GONE" }]);
      journal.addListed([
        { name: "c", size: 99 },
        { name: "d", size: 99 },
      ]);
      expect(journal.finishListing({ again: true })).toEqual({ added: 0, replanned: 1 });
      expect(journal.claimed()).toEqual([a]);
      expect(counts(journal)).toEqual({ CLAIMED: 1, GONE: 1, PLANNED: 2 });
      expect(journal.claim(10)).toMatchObject([
        { name: "b", size: 99, attempt: 2 },
        { name: "d", size: 99, attempt: 1 },
      ]);
    });

    it("that was cut short is forgotten; what was claimed is not", () => {
      const path = journalPath();
      let journal = open(path);
      journal.addListed(listed("a", "b"));
      journal.close();
      journal = open(path);
      expect(counts(journal)).toEqual({});
      journal.addListed(listed("a", "b"));
      journal.finishListing();
      const claimed = journal.claim(1);
      journal.addListed(listed("z"));
      journal.close();
      journal = open(path);
      expect(journal.claimed()).toEqual(claimed);
      expect(relist(journal, listed("a", "b"))).toEqual({ added: 0, replanned: 0 });
      expect(counts(journal)).toEqual({ CLAIMED: 1, PLANNED: 1 });
      journal.close();
    });
  });

  describe("opened again", () => {
    it("goes on where it was", () => {
      const path = journalPath();
      const names = Array.from({ length: 30 }, (_, i) => `f${i}`);
      let journal = open(path);
      journal.addListed(listed(...names));
      journal.finishListing();
      const { jobId } = journal;
      const left = journal.claim(10);
      journal.close();
      journal.close();
      // libsql leaves its log, empty.
      expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
      journal = Journal.open(path, { engine });
      expect(journal.jobId).toBe(jobId);
      expect(journal.settings).toEqual(SETTINGS);
      expect(journal.claimed()).toEqual(left);
      expect(namesOf(journal.claim(100))).toEqual(names.slice(10));
      journal.close();
    });

    it("after its process died between making the tables and filling them is as good as new", () => {
      const path = journalPath();
      open(path).close();
      const db = openDatabase(path, engine);
      db.exec("DELETE FROM meta");
      db.close();
      expect(() => Journal.open(path, { engine })).toThrow("is empty: it needs settings");
      using journal = open(path);
      expect(journal.jobId).toMatch(/^[a-z]{8}$/);
    });

    it("is refused to another job, with what differs", () => {
      const path = journalPath();
      open(path).close();
      const other = () => open(path, { ...SETTINGS, from: "ftp://c/in" });
      expect(other).toThrow(UsageError);
      expect(other).toThrow('belongs to another job: from was "ftp://a/in", is now "ftp://c/in"');
      open(path, { match: "*.dat", to: "ftp://b/out", from: "ftp://a/in" }).close();
    });

    it("keeps no password, and does not take another one for another job", () => {
      const path = journalPath();
      const withPassword = (password: string) => open(path, { ...SETTINGS, from: `ftp://joe:${password}@a/in` });
      withPassword("s3cret@x").close();
      using journal = withPassword("changed");
      expect(journal.settings.from).toBe("ftp://joe@a/in");
    });

    it("is refused where it is none", () => {
      const [text, database, newer] = [journalPath(), journalPath(), journalPath()];
      writeFileSync(text, "a text of more than a hundred bytes, ".repeat(20));
      expect(() => open(text)).toThrow("is not a journal: it is no SQLite database");
      const db = openDatabase(database, engine);
      db.exec("CREATE TABLE t(a)");
      db.close();
      expect(() => open(database)).toThrow("is an SQLite database, but not a journal of polywire");
      open(newer).close();
      const changed = openDatabase(newer, engine);
      changed.exec("PRAGMA user_version=99");
      changed.close();
      expect(() => open(newer)).toThrow("has version 99, this polywire reads 2");
      expect(() => open(`${journalPath()}.d/x`)).toThrow("there is no folder");
      const missing = journalPath();
      expect(() => Journal.open(missing, { engine })).toThrow("there is no journal");
      expect(() => JournalReader.read(missing, { engine })).toThrow("there is no journal");
      expect(existsSync(missing)).toBe(false);
      for (const path of [text, database]) expect(() => JournalReader.read(path, { engine })).toThrow(UsageError);
    });
  });

  describe("one writer", () => {
    it("keeps a second one out, in this process and in another", async () => {
      const path = journalPath();
      const journal = open(path);
      expect(() => open(path)).toThrow(`is in use by process ${process.pid} on `);
      const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", CHILD, path, engine, "open"]);
      expect(stdout).toContain(`JournalInUseError: the journal ${path} is in use by process ${process.pid} on `);
      journal.close();
      const { stdout: after } = await promisify(execFile)(process.execPath, [
        "--import",
        "tsx",
        CHILD,
        path,
        engine,
        "open",
      ]);
      expect(after).toContain("opened");
      open(path).close();
    });

    it("does not keep readers out", () => {
      const path = journalPath();
      using journal = open(path);
      journal.addListed(listed("a", "b"));
      journal.finishListing();
      using reader = JournalReader.read(path, { engine });
      expect(reader.owner).toMatchObject({ pid: process.pid });
      expect(counts(reader)).toEqual({ PLANNED: 2 });
      const [a] = journal.claim(1);
      journal.settle([{ id: a!.id, state: "FAILED", error: "x" }]);
      expect(counts(reader)).toEqual({ PLANNED: 1, FAILED: 1 });
      expect(namesOf(reader.failed())).toEqual(["a"]);
      expect(reader.settings).toEqual(SETTINGS);
      journal.close();
      expect(reader.owner).toBeUndefined();
    });
  });

  it("may change while its failures are read", () => {
    const names = Array.from({ length: 2500 }, (_, i) => `f${i}`);
    using journal = filled(...names);
    journal.settle(journal.claim(2500).map(({ id }) => ({ id, state: "FAILED" as const })));
    let read = 0;
    for (const _ of journal.failed()) if (++read === 1) journal.retryFailed();
    expect(read).toBe(1000);
    expect(counts(journal)).toEqual({ PLANNED: 2500 });
    const claimed: ClaimedFile[] = journal.claim(3000);
    expect(namesOf(claimed)).toEqual(names);
  });

  it("does nothing once it is closed", () => {
    const journal = filled("a");
    journal.close();
    for (const call of [
      () => journal.claim(1),
      () => journal.counts(),
      () => journal.settle([]),
      () => journal.addListed(listed("b")),
    ]) {
      expect(call).toThrow(UsageError);
    }
  });
});
