/** A coordinator or a worker as a process of its own. What it is to do is in its environment: passwords are in it. */
import { type MoveOptions, move, type RunWorkerOptions, runWorker } from "../../../src/jobs/index.js";

type Task = { readonly move: MoveOptions } | { readonly worker: RunWorkerOptions };

const task = JSON.parse(process.env.POLYWIRE_TEST_TASK ?? "") as Task;
const ending = new AbortController();
process.on("SIGINT", () => ending.abort());
const { signal } = ending;
let isWorking = false;
/** Said once: it has reached its Redis. */
const onProgress = () => {
  if (!isWorking) console.log("working");
  isWorking = true;
};
const result = await ("move" in task
  ? move({ ...task.move, signal })
  : runWorker({ ...task.worker, signal, onProgress }));
console.log(JSON.stringify(result));
