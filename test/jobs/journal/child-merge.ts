/** A process that dies by SIGKILL between two steps of a listing: `child-merge.ts <path> <engine> <step>`. */
import { Journal } from "../../../src/jobs/journal/journal.js";
import type { SqlEngine } from "../../../src/jobs/journal/sqlite.js";

const [path, engine, step] = process.argv.slice(2) as [string, SqlEngine, string];
const files = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `f${i * 7}`, size, mtime: 1000 }));

const journal = Journal.open(path, { settings: { from: "a" }, engine, slice: 7 });
journal.addListed(files(100, 1));
journal.finishListing();
journal.settle(journal.claim(100).map(({ id }) => ({ id, state: "DONE" })));
const listed = files(200, 2);
for (let at = 0; at < listed.length; at += 5) journal.addListed(listed.slice(at, at + 5));
let left = Number(step);
for (const _ of journal.finishing()) if (--left === 0) process.kill(process.pid, "SIGKILL");
