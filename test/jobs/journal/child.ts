/** A process with a journal, to be refused or killed: `child.ts <path> <engine> open|work`. */
import { writeSync } from "node:fs";
import { Journal } from "../../../src/jobs/journal/journal.js";
import type { SqlEngine } from "../../../src/jobs/journal/sqlite.js";

const [path, engine, mode] = process.argv.slice(2) as [string, SqlEngine, "open" | "work"];

/** Written at once: what this process said must not depend on how it ends. */
const say = (line: string) => writeSync(1, `${line}\n`);

/** Lists, claims, settles and gives back as fast as it can, and says what it was told is on the disk. */
function work(journal: Journal): void {
  say(
    `left ${journal
      .claimed()
      .map(({ id }) => id)
      .join(" ")}`,
  );
  journal.release(journal.claimed().map(({ id }) => ({ id })));
  for (let round = 0; ; round++) {
    journal.addListed(
      Array.from({ length: 500 }, (_, i) => ({ name: `f${process.pid}_${round}_${i}`, size: i, mtime: round })),
    );
    journal.finishListing();
    for (let batch = journal.claim(40); batch.length > 0; batch = journal.claim(40)) {
      say(`claimed ${batch.map(({ id, attempt }) => `${id}:${attempt}`).join(" ")}`);
      journal.probed(batch.map(({ id }) => ({ id, destBefore: "absent" })));
      const done = batch.filter(({ id }) => id % 5 !== 0);
      journal.settle(done.map(({ id }) => ({ id, state: id % 7 === 0 ? "FAILED" : "DONE" })));
      if (round % 2 === 0)
        journal.release(batch.filter(({ id }) => id % 10 === 0).map(({ id }) => ({ id, notBefore: Date.now() + 3 })));
    }
  }
}

try {
  const journal = Journal.open(path, { settings: mode === "work" ? { kill: true } : undefined, engine, slice: 64 });
  say("opened");
  if (mode === "work") work(journal);
  journal.close();
} catch (error) {
  say(String(error));
}
