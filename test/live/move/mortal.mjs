/** A move in a process of its own, as JSON in the first argument; and a thread of it that ends the process, kill -9, when it is time. */
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

if (isMainThread) {
  const task = JSON.parse(process.argv[2]);
  if (task.death) {
    const executioner = new Worker(new URL(import.meta.url), { workerData: task });
    executioner.unref();
    await new Promise((ready) => executioner.once("message", ready));
  }
  const { move } = await import(task.main);
  console.log(JSON.stringify(await move(task.options)));
} else {
  const { death, out, in: arrived } = workerData;
  let left = death.nth;
  const seen = (what) => {
    if (what === death.behind && --left === 0) end();
  };
  const end = () => {
    // No timer for the shortest: it would take a millisecond.
    if (death.later < 1) process.kill(process.pid, "SIGKILL");
    else setTimeout(() => process.kill(process.pid, "SIGKILL"), death.later);
  };
  watch(arrived, (event, name) => {
    if (event === "change") seen("data");
    else seen(name.endsWith(".part") ? "temp" : "final");
  });
  watch(out, (event, name) => {
    if (event === "rename" && !existsSync(join(out, name))) seen("removed");
  });
  seen("start");
  parentPort.postMessage("ready");
}
