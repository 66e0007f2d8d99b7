/** A process that moves batches for the one which started it: it ends with that, and knows nothing but what that tells. */
import { Bucket } from "../move/lanes/bucket.js";
import { sideOf } from "../move/places/sources.js";
import { unpackBatch } from "./batch.js";
import { BatchWork, type Places, rosterFor, type Workshop } from "./batch-work.js";
import type { JobHeader } from "./dispatcher.js";
import type { FromProcess, ToProcess } from "./ipc.js";
import { AskedLogins } from "./shared-logins.js";

const ending = new AbortController();
const running = new Set<Promise<unknown>>();
// Nobody asks where the coordinator is gone: this process is over then.
const logins = new AskedLogins((question) => void send(question).catch(() => {}));
let job: { header: JobHeader; places: Places; shop: Workshop } | undefined;

/** Resolves when the message is out of this process. */
function send(message: FromProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, {}, (error) => (error ? reject(error) : resolve()));
  });
}

function begin({ name, header, from, to, asks }: ToProcess & { kind: "start" }): void {
  const limit = asks ? logins : undefined;
  const places = { from: sideOf(from, limit).make, to: sideOf(to, limit).make };
  const shop: Workshop = {
    name,
    lanes: header.lanes,
    roster: rosterFor(header, header.lanesEach ?? header.lanes),
    bucket: new Bucket(),
    ending: ending.signal,
    send: (piece) => send({ kind: "piece", piece }),
  };
  job = { header, places, shop };
}

async function work(message: ToProcess & { kind: "batch" }): Promise<void> {
  if (job === undefined) return;
  const { header, places, shop } = job;
  await new BatchWork(unpackBatch(message.batch, header.job), header, places, shop).run();
}

/** The servers are told, but not waited for longer than a client waits for a goodbye. */
async function end(): Promise<void> {
  await job?.shop.roster.close();
  process.disconnect();
}

process.on("message", (message: ToProcess) => {
  if (message.kind === "start") begin(message);
  if (message.kind === "login") logins.granted(message.id);
  if (message.kind === "end") {
    ending.abort();
    void Promise.allSettled(running).then(end);
  }
  if (message.kind !== "batch") return;
  const done = work(message).finally(() => running.delete(done));
  running.add(done);
});
// The coordinator is gone, and with it whoever would hear of what is done here.
process.on("disconnect", () => process.exit());
// Ctrl-C reaches all processes of a terminal: the coordinator says what is to be done.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
