/** A job told by its journal alone is the same job: the journal takes it for its own. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { JournalReader } from "../../../src/jobs/journal/journal.js";
import { jobOfJournal } from "../../../src/jobs/move/look/journal-job.js";
import { move } from "../../../src/jobs/move/move.js";
import type { MoveOptions } from "../../../src/jobs/move/options.js";
import { journalPath } from "../journal/engines.js";

/** A folder with files, one without, and a journal. */
function places() {
  const journal = journalPath();
  const [from, to] = [`${journal}.from`, `${journal}.to`];
  for (const folder of [from, to]) mkdirSync(folder);
  const write = (name: string) => writeFileSync(join(from, name), name);
  return { from, to, journal, write };
}

async function again(job: MoveOptions, more: Partial<MoveOptions> = {}): Promise<MoveOptions> {
  await move(job);
  using reader = JournalReader.read(job.journal as string);
  const told = jobOfJournal(reader);
  await move({ ...told, ...more });
  return told;
}

test("a RegExp and a route, and how the run went about it", async () => {
  const { write, ...job } = places();
  for (const name of ["a1.csv", "B2.csv", "c.txt"]) write(name);
  const told = await again({
    ...job,
    match: /^(?<letter>[a-z])\d/i,
    route: "{letter}/{name}",
    lanes: 2,
    onExists: "rename",
  });
  expect(told).toMatchObject({ match: /^(?<letter>[a-z])\d/i, lanes: 2, onExists: "rename", source: "delete" });
  expect(readdirSync(job.to).sort()).toEqual(["B", "a"]);
});

test("a pattern read by its syntax", async () => {
  const { write, ...job } = places();
  for (const name of ["a[1].csv", "a1.csv"]) write(name);
  const told = await again({ ...job, match: "a[1].csv", syntax: "template", source: "keep" });
  expect(told).toMatchObject({ match: "a[1].csv", syntax: "template", source: "keep" });
  expect(readdirSync(job.to)).toEqual(["a[1].csv"]);
});

test("no match at all, and several source folders", async () => {
  const { write, ...job } = places();
  write("a");
  const second = `${job.journal}.second`;
  mkdirSync(second);
  writeFileSync(join(second, "b"), "b");
  await again({ ...job, from: [job.from, second], route: "{name}" });
  expect(readdirSync(job.to).sort()).toEqual(["a", "b"]);
});

test("list: false moves what failed and lists nothing", async () => {
  const { write, ...job } = places();
  for (const name of ["a", "b"]) write(name);
  writeFileSync(join(job.to, "a"), "another file");
  expect(await move(job)).toMatchObject({ moved: 1, conflicts: 1 });
  write("late");
  const { moved, conflicts } = await move({ ...job, list: false, onExists: "overwrite" });
  expect([moved, conflicts]).toEqual([2, 0]);
  expect(readdirSync(job.from)).toEqual(["late"]);
});

test("list: false lists all the same where no listing was ever complete", async () => {
  const { write, ...job } = places();
  write("a");
  expect(await move({ ...job, list: false })).toMatchObject({ moved: 1 });
});

test("a job by a function is told by its file only", async () => {
  const { write, ...job } = places();
  write("a");
  await move({
    ...job,
    match: function fits() {
      return true;
    },
  });
  using reader = JournalReader.read(job.journal);
  expect(() => jobOfJournal(reader)).toThrow("remembers of its match that it was a function");
});

test("options that are no settings are noted, sides are not", async () => {
  const { write, ...job } = places();
  write("a");
  await move({ ...job, tries: { fail: 2 } });
  using reader = JournalReader.read(job.journal);
  expect(reader.options).toEqual({ tries: { fail: 2 } });
  expect(Object.keys(reader.settings)).toEqual(expect.arrayContaining(["from", "to", "match", "route", "source"]));
});
