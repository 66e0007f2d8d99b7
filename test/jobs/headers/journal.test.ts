/** The journal of a headers job: cursors and output together, and every row exactly once wherever the job is killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { SinkError, UsageError } from "../../../src/client/errors.js";
import { checkNumbering } from "../../../src/jobs/headers/cursor.js";
import { HeadersJournal } from "../../../src/jobs/headers/journal.js";
import type { HeaderRow, KeptId } from "../../../src/jobs/headers/sink.js";
import { openHeaderSink } from "../../../src/jobs/headers/sinks/open.js";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { ENGINES } from "../journal/engines.js";
import { folder } from "./folder.js";
import { doneIn, expected, type MiniJob, numbersIn, rowOf, run } from "./mini-job.js";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const SETTINGS = { server: "nntps://news.example.org", groups: ["a.b"], to: "out.ndjson" };
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
const kept = async function* (group: string, ...ids: string[]): AsyncGenerator<KeptId[]> {
  yield ids.map((messageId) => ({ group, messageId }));
};

describe.each(ENGINES)("a headers journal on %s", (engine) => {
  const open = (path = join(folder(), "headers.journal"), settings = SETTINGS) =>
    HeadersJournal.open(path, { settings, engine });

  it("keeps cursors and the output's position together", () => {
    const path = join(folder(), "headers.journal");
    {
      using journal = open(path);
      expect(journal.position).toBeUndefined();
      const cursor = journal.cursor("a.b");
      expect(cursor).toMatchObject({ group: "a.b", epoch: 1, high: 0 });
      cursor.see({ low: 1, high: 2 ** 53 - 1, count: 9 });
      cursor.advance({ low: 1, high: 2 ** 52, rows: [{ number: 2 ** 52, messageId: "<é@x>" }] });
      cursor.settle([{ low: 2 ** 53 - 5, high: 2 ** 53 - 2 }]);
      journal.commit({ cursors: [cursor.store()], position: { "out.ndjson": 2 ** 40 } });
      journal.commit({ cursors: [], position: { "out.ndjson": 2 ** 40 + 1 } });
      expect(journal.cursor("a.b")).toEqual(cursor);
    }
    using journal = open(path);
    expect(journal.position).toEqual({ "out.ndjson": 2 ** 40 + 1 });
    expect(journal.cursor("a.b").store()).toMatchObject({
      high: 2 ** 53 - 1,
      done: `1-${2 ** 52}`,
      late: `${2 ** 53 - 5}-${2 ** 53 - 2}`,
      anchors: `[[${2 ** 52},"<é@x>"]]`,
    });
    expect(journal.cursor("other").done.size).toBe(0);
  });

  it("is one process's at a time, and one job's", () => {
    const path = join(folder(), "headers.journal");
    const journal = open(path);
    expect(() => open(path)).toThrow(new RegExp(`in use by process ${process.pid} on .* since 20`));
    journal.close();
    journal.close();
    expect(() => open(path, { ...SETTINGS, to: "other.csv" })).toThrow(
      /belongs to another job: to was "out.ndjson", is now "other.csv"/,
    );
    open(path).close();
  });

  it("refuses files that are something else", () => {
    const here = folder();
    const text = join(here, "text");
    writeFileSync(text, "no database at all, but long enough to look like one".repeat(40));
    expect(() => open(text)).toThrow(/no SQLite database/);
    const moves = join(here, "moves");
    Journal.open(moves, { settings: { from: "a" }, engine }).close();
    expect(() => open(moves)).toThrow(/not a journal of headers/);
    expect(() => open(join(here, "no", "folder"))).toThrow(UsageError);
    const later = join(here, "later");
    open(later).close();
    const db = openDatabase(later, engine);
    db.exec("PRAGMA user_version=99");
    db.close();
    expect(() => open(later)).toThrow(/has version 99/);
  });

  it("may live in memory, for a job that need not go on", () => {
    using journal = HeadersJournal.open(undefined, { settings: SETTINGS, engine });
    journal.commit({ cursors: [journal.cursor("g").store()], position: { x: 1 } });
    expect(journal.position).toEqual({ x: 1 });
  });

  it("knows message-ids that were delivered, for each group on its own", async () => {
    using journal = open();
    journal.commit({ cursors: [], delivered: [{ group: "a", messageId: "<1@x>" }] });
    expect(await journal.learn("a", kept("a", "<2@x>", "<3@x>", "<2@x>"))).toBe(3);
    expect(await journal.learn("a", kept("b", "<4@x>"))).toBe(0);
    for (const id of ["<1@x>", "<2@x>", "<3@x>"]) expect(journal.isKnown("a", id), id).toBe(true);
    expect(journal.isKnown("b", "<2@x>")).toBe(false);
    expect(journal.isKnown("a", "<4@x>")).toBe(false);
    expect(journal.isKnown("a", "")).toBe(false);
  });

  it("learns a hundred thousand message-ids and more from an output", async () => {
    const to = join(folder(), "out.ndjson");
    const sink = await openHeaderSink<HeaderRow>(to, { fsync: false });
    for (let n = 1; n < 120_000; n += 10_000)
      await sink.write({
        group: "g",
        rows: Array.from({ length: 10_000 }, (_, i) => ({ ...rowOf(1)!, messageId: `<${n + i}@x>` })),
      });
    await sink.flush();
    using journal = open();
    expect(await journal.learn("g", sink.messageIds!())).toBe(120_000);
    expect(journal.isKnown("g", "<1@x>") && journal.isKnown("g", "<120000@x>")).toBe(true);
    expect(journal.isKnown("g", "<120001@x>")).toBe(false);
    await sink.close();
  });
});

describe("a renumbered group", () => {
  it.each(["ndjson.gz", "csv", "sqlite"])("is read again, and brings only what is new (.%s)", async (extension) => {
    const base = folder();
    const to = join(base, `out.${extension}`);
    await run({ to, journal: join(base, "j"), high: 30, size: 8, commitEvery: 2 });
    using journal = HeadersJournal.open(join(base, "j"), { settings: { to } });
    const sink = await openHeaderSink<HeaderRow>(to, { position: journal.position, fsync: false });
    const cursor = journal.cursor("g");
    // What was 11 is 1 now: the first ten are gone, ten are new.
    const marks = { low: 1, high: 30, count: 30 };
    const asked = checkNumbering(cursor, marks);
    expect(asked).toHaveProperty("ask");
    const { number } = (asked as { ask: { number: number } }).ask;
    expect(checkNumbering(cursor, marks, [`<${number + 10}@x>`])).toBe("renumbered");
    cursor.renumber(marks);
    expect(await journal.learn("g", sink.messageIds!())).toBe(expected(30).length);
    journal.commit({ cursors: [cursor.store()] });
    const rows = Array.from({ length: 30 }, (_, i) => rowOf(i + 11)).filter((row) => row !== undefined);
    const isNew = (row: HeaderRow) => row.number - 10 > cursor.known || !journal.isKnown("g", row.messageId);
    sink.write({ group: "g", rows: rows.filter(isNew).map((row) => ({ ...row, number: row.number - 10 })) });
    cursor.advance({ low: 1, high: 30, rows: [] });
    journal.commit({ position: await sink.flush(), cursors: [cursor.store()] });
    await sink.close();
    expect(sorted(await numbersIn(to))).toEqual(expected(40));
  });
});

describe("a job that is killed", () => {
  const here = () => {
    const base = folder();
    return { journal: join(base, "j"), out: (extension: string) => join(base, `out.${extension}`), base };
  };
  const HIGH = 60;
  const job = (to: string, journal: string): MiniJob => ({ to, journal, high: HIGH, size: 8, commitEvery: 4 });
  class Killed extends Error {}

  it.each(["ndjson", "csv", "ndjson.gz", "csv.gz", "sqlite"])(
    "after any answer goes on to have every row exactly once (.%s)",
    async (extension) => {
      for (const ordered of [false, true]) {
        for (let kill = 1; ; kill++) {
          const { journal, out } = here();
          const to = out(extension);
          let alive = false;
          const die = (answers: number) => {
            if (answers === kill) throw new Killed();
          };
          await run({ ...job(to, journal), ordered, onAnswer: die }).then(
            () => (alive = true),
            (error) => expect(error).toBeInstanceOf(Killed),
          );
          if (alive) break;
          await run({ ...job(to, journal), ordered });
          const numbers = await numbersIn(to);
          expect(ordered ? numbers : sorted(numbers), `killed after ${kill}`).toEqual(expected(HIGH));
        }
      }
    },
  );

  it.each(["ndjson", "csv", "ndjson.gz"])(
    "goes on wherever the file ends between two commits (.%s)",
    { timeout: 120_000 },
    async (extension) => {
      const { journal, out, base } = here();
      const to = out(extension);
      const small = (path: string): MiniJob => ({ ...job(to, path), size: 4, commitEvery: 2 });
      const [at, lengths] = [join(base, "at"), [] as number[]];
      // The journal after one commit, and the file after this one and the next.
      const onAnswer = (answers: number) => {
        if (answers === 7 || answers === 9) lengths.push(readFileSync(to).length);
        if (answers !== 7) return;
        copyFileSync(journal, at);
        copyFileSync(`${journal}-wal`, `${at}-wal`);
      };
      await run({ ...small(journal), onAnswer });
      const all = readFileSync(to);
      const [committed = 0, next = 0] = lengths;
      // A journal of its own each time: within one process SQLite shares what it knows of a file.
      const restore = (length: number, beyond = "") => {
        const path = join(base, `j${length}`);
        copyFileSync(at, path);
        copyFileSync(`${at}-wal`, `${path}-wal`);
        writeFileSync(to, Buffer.concat([all.subarray(0, length), Buffer.from(beyond)]));
        return small(path);
      };
      expect(committed).toBeGreaterThan(0);
      expect(next).toBeGreaterThan(committed);
      for (let length = committed; length <= next; length++) {
        await run(restore(length, length % 5 === 0 ? '{"half a row' : ""));
        expect(sorted(await numbersIn(to)), `cut at ${length}`).toEqual(expected(HIGH));
      }
      for (const length of [0, 1, committed - 1]) {
        await expect(run(restore(length))).rejects.toThrow(SinkError);
        expect(readFileSync(to)).toHaveLength(length);
      }
    },
  );

  it.each(["ndjson", "ndjson.gz", "sqlite"])(
    "by SIGKILL at random has every row exactly once in the end (.%s)",
    { timeout: 180_000 },
    async (extension) => {
      const { journal, out } = here();
      const to = out(extension);
      const high = 60_000;
      let done = "";
      let killed = 0;
      for (let kill = 0; !done.includes("done"); kill++) {
        const child = spawn(process.execPath, ["--import", "tsx", CHILD, to, journal, `${high}`], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        child.stdout.setEncoding("utf8").on("data", (text: string) => (done += text));
        const closed = once(child, "close");
        await Promise.race([once(child.stdout, "data"), closed]);
        if (kill < 4) await Promise.race([sleep(Math.random() * 60), closed]);
        else await closed;
        if (child.kill("SIGKILL")) killed++;
        await closed;
      }
      expect(sorted(await numbersIn(to))).toEqual(expected(high));
      expect(doneIn(journal, to).encode()).toBe(`1-${high}`);
      expect(killed).toBeGreaterThan(1);
    },
  );
});
