/** A process of scale.ts that moves files, or works for others: what it is to do is in its environment, with the passwords. */
import type { MoveOptions, RunWorkerOptions } from "../src/jobs/index.js";
import { tellUsed } from "./scale-process.js";

const { move, runWorker } = (await import("../dist/jobs/index.js" as string)) as typeof import("../src/jobs/index.js");
type Task = { readonly move: MoveOptions } | { readonly worker: RunWorkerOptions };

const task = JSON.parse(process.env.POLYWIRE_BENCH_TASK ?? "") as Task;
const result = await ("move" in task ? move(task.move) : runWorker(task.worker));
console.log(JSON.stringify(result));
tellUsed();
