/**
 * How a move behaves at scale: memory, journal, rates, and what a kill costs.
 *
 *     npx tsx bench/scale.ts [--names 6000000] [--files 200000] [--redis-files 200000] [--peer-files 20000]
 *                            [--size 1024] [--lanes 8] [--workers 3] [--rounds 2]
 *
 * Each part takes a few minutes; 0 leaves it out:
 *
 * 1. **names**: one folder of so many files on a server in memory, in a process of its own, is listed over FTP, planned,
 *    claimed and finished by the code of move(). The listing is real, the transfers are SIMULATED (see scale-job.ts): no byte
 *    of a file goes anywhere, so `simulated-files/s` is what planning and journal allow, not what a network does. The process
 *    is killed with SIGKILL when half is done and started again with the same options: `restart-s` is until it moves files
 *    again; at its end it lists all names once more (`relist-s`), and finds nothing new.
 * 2. **files**: so many real files from vsftpd to ProFTPD, killed with SIGKILL in the middle and started again. `files/s` is
 *    all of it: both starts, listings, the recovery.
 * 3. **redis-files**: as many from vsftpd to ProFTPD by worker processes through a Redis, the lanes shared among them.
 * 4. **peer-files**: so many by move() in this process, by lftp's mirror, and by bare sockets (`limit`, see raw-ftp.ts), in
 *    turns. lftp and the bare sockets neither compare nor remember anything.
 *
 * After 2 and 3 every file is compared, each byte and its time, and what the journal says; after 4 each byte. All memory is
 * the kernel's peak of a process (VmHWM) since its start; some 50 MB of it is tsx, which an installed polywire has not.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { built, inTurns, numbers, program, rate, report } from "./harness.js";
import { rawLane } from "./raw-ftp.js";
import { nameOf, PATTERN } from "./scale-names.js";
import { moveFiles, type Site, throughRedis } from "./scale-real.js";
import { simulate } from "./scale-simulated.js";
import { Yard } from "./scale-yard.js";

const options = numbers({
  ...{ names: 6_000_000, files: 200_000, "redis-files": 200_000, "peer-files": 20_000 },
  ...{ size: 1024, lanes: 8, workers: 3, rounds: 2 },
});
const { names, files, "redis-files": redisFiles, "peer-files": peerFiles, size, lanes, workers, rounds } = options;
/** Megabytes that no mover may need, however many files there are. */
const MEMORY = 300;

const { move, JournalReader } = await built("jobs");
const work = await mkdtemp(join(tmpdir(), "polywire-scale-"));

function settledIn(journal: string): number {
  using reader = JournalReader.read(journal);
  return reader.counts().DONE;
}

/** Part 4: files/s of each. */
async function besidePeers(count: number, yard: Yard): Promise<Map<string, number>> {
  const polywire = async () => {
    const journal = join(work, "peer.journal");
    for (const end of ["", "-wal", "-shm", ".lock"]) await rm(journal + end, { force: true });
    const [from, to] = [yard.source, yard.target].map((url) => `${url}?security=plain`) as [string, string];
    const { moved } = await move({ from, to, match: PATTERN, lanes, journal });
    if (moved !== count) throw new Error(`${moved} of ${count} files were moved`);
  };
  const lftp = () => {
    const settings = "set ftp:use-fxp no; set ftp:sync-mode off; set cmd:fail-exit yes";
    const mirror = `mirror --Remove-source-files --no-perms --parallel=${lanes} ${yard.source}/ ${yard.target}/`;
    return program("lftp", ["--norc", "-c", `${settings}; ${mirror}`]);
  };
  const limit = async () => {
    const left = Array.from({ length: count }, (_, i) => nameOf(i));
    await Promise.all(Array.from({ length: lanes }, () => rawLane(yard.from, "out", yard.to, "in", left)));
  };
  const rest = { prepare: () => yard.fill(count), check: () => yard.check(count) };
  const runs = Object.entries({ polywire, lftp, limit }).map(([name, run]) => ({ name, run, ...rest }));
  const turns = await inTurns(runs, rounds, 0);
  return new Map(runs.map(({ name }) => [name, rate(turns, name, count)]));
}

const ours: Record<string, number> = {};
let speeds = new Map<string, number>();
try {
  if (names > 0) Object.assign(ours, await simulate(names, work, settledIn));
  if (files + redisFiles + peerFiles > 0) {
    const yard = await Yard.make(size);
    const site: Site = { yard, work, lanes, workers, read: (path) => JournalReader.read(path) };
    try {
      for (const [count, part] of [[files, moveFiles] as const, [redisFiles, throughRedis] as const]) {
        if (count === 0) continue;
        await yard.fill(count);
        Object.assign(ours, await part(count, site));
      }
      if (peerFiles > 0) speeds = await besidePeers(peerFiles, yard);
    } finally {
      await yard.stop();
    }
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

const polywire = speeds.get("polywire");
const others = [...speeds].filter(([name]) => name !== "polywire");
const peaks = Object.entries(ours).filter(([name]) => name.endsWith("peak-MB"));
if (polywire !== undefined) ours["peer-files/s"] = polywire;
for (const [name, value] of Object.entries(ours)) console.log(`${name}: ${value.toFixed(1)}`);
report({
  bench: "scale",
  unit: "files/s",
  ours,
  peers: Object.fromEntries(others.filter(([name]) => name !== "limit")),
  limit: { ...(speeds.has("limit") && { "files/s": speeds.get("limit")! }), "peak-MB": MEMORY },
  ratios: Object.fromEntries(polywire === undefined ? [] : others.map(([name, speed]) => [name, polywire / speed])),
});
for (const [name, peak] of peaks) {
  if (peak <= MEMORY) continue;
  console.error(`${name} is more than ${MEMORY}`);
  process.exitCode = 1;
}
