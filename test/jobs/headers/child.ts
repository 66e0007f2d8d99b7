/** A process with a headers job, to be killed: `child.ts <output> <journal> <high>`. Says `done` at the end. */
import { writeSync } from "node:fs";
import { run } from "./mini-job.js";

const [to, journal, high] = process.argv.slice(2) as [string, string, string];
writeSync(1, "begun\n");
await run({ to, journal, high: Number(high), size: 400, commitEvery: 3, fsync: true });
writeSync(1, "done\n");
