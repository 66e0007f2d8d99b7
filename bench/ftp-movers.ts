/**
 * Movers of bench/ftp-move.ts that are written in JavaScript, each in a process of its own that lives through all rounds:
 * none pays for another one's garbage, nor for what Node has made of code that both run.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { Client } from "basic-ftp";
import { cpuOfProcess } from "./peer.js";
import { type RawServer, rawLane } from "./raw-ftp.js";

/** What is moved: how many files, how many at a time, and how the servers are reached. */
export interface Course {
  readonly files: number;
  readonly lanes: number;
  readonly from: string;
  readonly to: string;
}

/** The servers, and the local folder of the files: bare sockets are told what to move. */
export interface Bed {
  readonly source: RawServer;
  readonly target: RawServer;
  readonly folder: string;
}

type Name = keyof typeof MOVERS;
type Answer = { readonly error?: string };
type Mover = (bed: Bed, course: Course) => Promise<void>;

const HERE = fileURLToPath(import.meta.url);
const MATCH = "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat";

/** Starts a mover. */
export async function mover(name: Name, bed: Bed) {
  const child = fork(HERE, [name, JSON.stringify(bed)]);
  await once(child, "message");
  return {
    async run(course: Course): Promise<void> {
      const answer = new Promise<Answer>((resolve) => {
        child.once("message", (message) => resolve(message as Answer));
        child.once("exit", (code) => resolve({ error: `${name} ended with ${code}` }));
      });
      child.send(course);
      const { error } = await answer;
      child.removeAllListeners("exit");
      if (error !== undefined) throw new Error(error);
    },
    cpu: () => cpuOfProcess(child.pid as number),
    close: () => void child.kill(),
  };
}

const polywire: Mover = (_, course) => moved(course);

/** One command for each round trip. */
const serial: Mover = (_, course) => moved(course, { pipelining: 1 });

async function moved({ files, lanes, from, to }: Course, how: { pipelining?: number } = {}): Promise<void> {
  const { move } = (await import(new URL("../dist/jobs/index.js", import.meta.url).href)) as Jobs;
  const work = await mkdtemp(join(tmpdir(), "polywire-bench-"));
  const result = await move({
    from: { url: `${from}?security=plain`, ...how },
    to: { url: `${to}?security=plain`, ...how },
    match: MATCH,
    lanes,
    journal: join(work, "move.journal"),
  });
  await rm(work, { recursive: true });
  if (result.moved !== files) throw new Error(`move() says ${JSON.stringify(result)}`);
}

type Jobs = typeof import("../src/jobs/index.js");

/** As one would write it by hand: one list, lanes of two connections each, and a rename when a file has arrived. */
async function basicFtp({ source, target }: Bed, { lanes }: Course): Promise<void> {
  const connect = async ({ host, port, user, password }: RawServer, folder: string) => {
    const client = new Client();
    await client.access({ host, port, user, password });
    await client.cd(folder);
    return client;
  };
  const lister = await connect(source, "out");
  const names = (await lister.list()).filter(({ isFile }) => isFile).map(({ name }) => name);
  lister.close();
  const lane = async () => {
    const [from, to] = await Promise.all([connect(source, "out"), connect(target, "in")]);
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const bytes = new PassThrough();
      await Promise.all([from.downloadTo(bytes, name), to.uploadFrom(bytes, `${name}.part`)]);
      await to.rename(`${name}.part`, name);
      await from.remove(name);
    }
    from.close();
    to.close();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function raw({ source, target, folder }: Bed, { lanes }: Course): Promise<void> {
  const names = await readdir(folder);
  await Promise.all(Array.from({ length: lanes }, () => rawLane(source, "out", target, "in", names)));
}

const MOVERS = { polywire, serial, "basic-ftp": basicFtp, limit: raw } satisfies Record<string, Mover>;

if (process.argv[1] === HERE) {
  const [name, bed] = process.argv.slice(2) as [Name, string];
  const tell = (answer: Answer) => void process.send?.(answer);
  process.on("message", (course) => {
    MOVERS[name](JSON.parse(bed), course as Course).then(
      () => tell({}),
      (error: Error) => tell({ error: error.stack ?? error.message }),
    );
  });
  process.on("disconnect", () => process.exit());
  tell({});
}
