/** Parts 2 and 3 of scale.ts: real files between real servers, killed in the middle; and through Redis, by workers. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { JournalReader, MoveOptions, MoveResult, RunWorkerOptions } from "../src/jobs/index.js";
import { startRedis } from "../test/live/servers/redis.js";
import { PATTERN } from "./scale-names.js";
import { Watched } from "./scale-process.js";
import { sizeOf } from "./scale-simulated.js";
import type { Yard } from "./scale-yard.js";

/** What the parts work with. */
export interface Site {
  readonly yard: Yard;
  /** A folder for journals. */
  readonly work: string;
  readonly lanes: number;
  readonly workers: number;
  /** Opens a journal. */
  readonly read: typeof JournalReader.read;
}

/** A process that moves, or works: scale-child.ts. */
function child(task: { readonly move: MoveOptions } | { readonly worker: RunWorkerOptions }): Watched {
  return new Watched("scale-child.ts", [], { POLYWIRE_BENCH_TASK: JSON.stringify(task) });
}

const plain = (url: string) => `${url}?security=plain`;

/** So many files, with a SIGKILL when half of them are done. */
export async function moveFiles(files: number, site: Site): Promise<Record<string, number>> {
  const { yard, lanes } = site;
  const journal = join(site.work, "files.journal");
  const move: MoveOptions = { from: plain(yard.source), to: plain(yard.target), match: PATTERN, lanes, journal };
  const first = child({ move });
  while (doneIn(journal, site) < files / 2) await sleep(500);
  await first.kill();
  const half = first.seconds;
  console.log(`${doneIn(journal, site)} of ${files} files were done when it was killed`);
  const second = child({ move });
  await finished(second, files);
  const took = half + second.seconds;
  const twice = check(files, journal, site);
  console.log(`${files} files moved, killed once: ${took.toFixed(1)} s; ${twice} of them were claimed twice`);
  return {
    "files/s": files / took,
    "cpu-us/file": ((first.cpu + second.cpu) * 1000) / files,
    "peak-MB": Math.max(first.peak, second.peak) / 1e6,
    "claimed-twice": twice,
    "journal-bytes/file": (await sizeOf(journal)) / files,
  };
}

/** The same by workers: processes that take their work from a Redis. */
export async function throughRedis(files: number, site: Site): Promise<Record<string, number>> {
  const { yard, workers } = site;
  const journal = join(site.work, "redis.journal");
  const redis = await startRedis();
  const places = { source: plain(yard.source), target: plain(yard.target) };
  const lanes = Math.ceil(site.lanes / workers);
  const crew = Array.from({ length: workers }, () => child({ worker: { redis: redis.url, places, lanes } }));
  const client = new Redis(redis.url);
  try {
    // Until all are there: what one of them would do alone is not measured.
    while (Number(await client.client("LIST").then(connections)) < workers) await sleep(100);
    const { source: from, target: to } = places;
    const coordinator = child({ move: { from, to, match: PATTERN, journal, dispatch: { redis: redis.url } } });
    await finished(coordinator, files);
    const took = coordinator.seconds;
    for (const worker of crew) worker.look();
    const twice = check(files, journal, site);
    console.log(
      `${files} files moved by ${workers} workers: ${took.toFixed(1)} s; ${twice} of them were claimed twice`,
    );
    const info = await client.info();
    const told = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
    return {
      "redis-files/s": files / took,
      "redis-MB": told("used_memory_peak") / 1e6,
      "redis-commands/file": told("total_commands_processed") / files,
      "redis-bytes/file": (told("total_net_input_bytes") + told("total_net_output_bytes")) / files,
      "redis-cpu-us/file": ((told("used_cpu_sys") + told("used_cpu_user")) * 1e6) / files,
      "coordinator-cpu-us/file": (coordinator.cpu * 1000) / files,
      "worker-cpu-us/file": (crew.reduce((sum, { cpu }) => sum + cpu, 0) * 1000) / files,
      "coordinator-peak-MB": coordinator.peak / 1e6,
      "worker-peak-MB": Math.max(...crew.map(({ peak }) => peak)) / 1e6,
    };
  } finally {
    client.disconnect();
    await Promise.all(crew.map((worker) => worker.kill()));
    await redis.stop();
  }
}

/** Workers of BullMQ say so in the names of their connections. */
function connections(list: unknown): number {
  return String(list).match(/ name=polywire:\S+/g)?.length ?? 0;
}

/** Resolves when the mover ended and says that all went through. */
async function finished(mover: Watched, files: number): Promise<void> {
  let said: MoveResult | undefined;
  mover.onLine = (line) => {
    said = JSON.parse(line) as MoveResult;
  };
  await mover.end();
  for (const warning of said?.warnings ?? []) console.log(`warning: ${warning}`);
  if (said?.moved !== files || said.left > 0 || said.failures.length > 0)
    throw new Error(`the move says ${JSON.stringify(said)}`);
}

/** Throws where not every file is at the target as it was, or the journal says otherwise. Gives how many were claimed twice. */
function check(files: number, journal: string, { yard, read }: Site): number {
  yard.check(files);
  yard.checkTimes(files);
  using reader = read(journal);
  const { DONE, ...others } = reader.counts();
  if (DONE !== files || Object.values(others).some((count) => count > 0))
    throw new Error(`the journal says ${JSON.stringify({ DONE, ...others })}`);
  let twice = 0;
  for (const { attempt } of reader.files(["DONE"])) if (attempt > 1) twice++;
  return twice;
}

function doneIn(journal: string, { read }: Site): number {
  if (!existsSync(journal)) return 0;
  using reader = read(journal);
  return reader.counts().DONE;
}
