/**
 * Files of 4 KB from one vsftpd to another: move() against lftp's mirror and basic-ftp in lanes.
 *
 *     npx tsx bench/ftp-move.ts [--files 5000] [--size 4096] [--lanes 8] [--rounds 5] [--warm-up 2]
 *                               [--far-files 20000] [--far-lanes 32] [--far-rounds 1] [--round-trip 30]
 *
 * First on this machine, 8 at a time; then with both servers at the other end of a line of 30 ms (delay-ftp.ts), 32 at a
 * time: move() against itself with pipelining switched off, one command for each round trip, and against lftp.
 *
 * Timed is everything a user waits for: connecting, logging in, listing, moving, and hanging up. lftp starts as a process
 * (some 10 ms) each time; the others have one each that is there before, see ftp-movers.ts. The files are in memory;
 * move() keeps its journal on the disk. move() also checks size and time of each source before and after, and the size of
 * each copy, gives it a temporary name meanwhile, and sets its time: 13 commands a file, where lftp and the bare sockets
 * have 5 and 7. lftp is told not to set permissions. The limit on this machine is what is left of it all with bare
 * sockets, see raw-ftp.ts; far away it is three round trips for each file: one for EPSV, two until its bytes are there.
 * (vsftpd says 226 a fourth one later, when it knows that they are; move() sends it the next commands before that.)
 * Connecting, listing, the last files and the last listing take about two seconds far away, however many files there are:
 * the ratio to lftp was 2.59 with 20,000 files, 2.49 with 10,000, and 2.3 with 2,000.
 * `cpu-us` is what the process of move() takes for a file, in microseconds.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LiveFtp, start } from "../test/live/servers/ftp.js";
import { delayedFtp } from "./delay-ftp.js";
import { type Course, mover } from "./ftp-movers.js";
import { built, type Competitor, cpuOf, inTurns, numbers, program, rate, report, servedFolder } from "./harness.js";

const options = numbers({
  ...{ files: 5000, size: 4096, lanes: 8, rounds: 5, "warm-up": 2 },
  ...{ "far-files": 20_000, "far-lanes": 32, "far-rounds": 1, "round-trip": 30 },
});
const { size, rounds, "warm-up": warmUp, "far-rounds": farRounds, "round-trip": roundTrip } = options;
/** Every how many files one is compared byte by byte. */
const SAMPLE = 50;

await built("jobs");
const served = await servedFolder();
const source = await start("vsftpd", { quiet: true, home: join(served, "source") });
const target = await start("vsftpd", { quiet: true, home: join(served, "target") });
const noise = randomBytes(size);
const nameOf = (i: number) => `sensor_${String(i % 100).padStart(5, "0")}_20250101_${String(i).padStart(8, "0")}.dat`;
/** Every file is different: its number is written over its first bytes. */
const contentOf = (i: number) => {
  const content = Buffer.from(noise);
  content.write(nameOf(i), 0, "latin1");
  return content;
};
const url = ({ port }: { port: number }, { host, user, password }: LiveFtp, folder: string) =>
  `ftp://${user}:${encodeURIComponent(password)}@${host}:${port}/${folder}`;
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** All files at the source, an empty folder at the target. */
async function prepare({ files }: Course): Promise<void> {
  for (const folder of [join(source.home, "out"), join(target.home, "in")]) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
  }
  for (let i = 0; i < files; i++) await writeFile(join(source.home, "out", nameOf(i)), contentOf(i));
  source.handOver();
  target.handOver();
}

async function check({ files }: Course): Promise<void> {
  const left = await readdir(join(source.home, "out"));
  const there = await readdir(join(target.home, "in"));
  if (left.length > 0) throw new Error(`${left.length} files were left at the source`);
  const names = new Set(there);
  if (there.length !== files) throw new Error(`${there.length} files arrived of ${files}`);
  for (let i = 0; i < files; i++) if (!names.has(nameOf(i))) throw new Error(`${nameOf(i)} did not arrive`);
  for (let i = 0; i < files; i += SAMPLE) {
    const found = await readFile(join(target.home, "in", nameOf(i)));
    if (digest(found) !== digest(contentOf(i))) throw new Error(`${nameOf(i)} arrived with other bytes`);
  }
}

function lftp({ lanes, from, to }: Course): Promise<void> {
  // FXP is refused by vsftpd; sync-mode off lets lftp send commands without waiting, its fastest setting here.
  const settings = "set ftp:use-fxp no; set ftp:sync-mode off; set cmd:fail-exit yes";
  const mirror = `mirror --Remove-source-files --no-perms --parallel=${lanes}`;
  return program("lftp", ["--norc", "-c", `${settings}; ${mirror} ${from}/ ${to}/`]);
}

const proxies = [await delayedFtp(source, roundTrip), await delayedFtp(target, roundTrip)] as const;
const near: Course = {
  files: options.files,
  lanes: options.lanes,
  from: url(source, source, "out"),
  to: url(target, target, "in"),
};
const far: Course = {
  files: options["far-files"],
  lanes: options["far-lanes"],
  from: url(proxies[0], source, "out"),
  to: url(proxies[1], target, "in"),
};
const server = ({ host, port, user, password }: LiveFtp) => ({ host, port, user, password });
const bed = { source: server(source), target: server(target), folder: join(source.home, "out") };
const movers = {
  polywire: await mover("polywire", bed),
  serial: await mover("serial", bed),
  "basic-ftp": await mover("basic-ftp", bed),
  limit: await mover("limit", bed),
  lftp: { run: lftp, cpu: () => 0, close: () => {} },
};
const on = (course: Course, names: (keyof typeof movers)[]): Competitor[] =>
  names.map((name) => ({
    name,
    prepare: () => prepare(course),
    run: () => movers[name].run(course),
    check: () => check(course),
    cpu: movers[name].cpu,
  }));

try {
  const here = await inTurns(on(near, ["polywire", "lftp", "basic-ftp", "limit"]), rounds, warmUp);
  const there = await inTurns(on(far, ["polywire", "serial", "lftp"]), farRounds, 0);
  const speed = (name: string) => rate(here, name, near.files);
  const farSpeed = (name: string) => rate(there, name, far.files);
  const line = `${roundTrip}ms`;
  const peers = {
    ...{ lftp: speed("lftp"), "basic-ftp": speed("basic-ftp") },
    ...{ [`serial-${line}`]: farSpeed("serial"), [`lftp-${line}`]: farSpeed("lftp") },
  };
  const [ours, oursFar] = [speed("polywire"), farSpeed("polywire")];
  const cpu = (cpuOf(here, "polywire") * 1000) / near.files;
  report({
    bench: "ftp-move",
    unit: "files/s",
    ours: { "files/s": ours, [`files/s-${line}`]: oursFar, "cpu-us": cpu },
    peers,
    limit: { "files/s": speed("limit"), [`files/s-${line}`]: (far.lanes * 1000) / (3 * roundTrip) },
    ratios: {
      ...{ lftp: ours / peers.lftp, "basic-ftp": ours / peers["basic-ftp"] },
      ...{ [`serial-${line}`]: oursFar / farSpeed("serial"), [`lftp-${line}`]: oursFar / farSpeed("lftp") },
    },
  });
} finally {
  for (const { close } of [...Object.values(movers), ...proxies]) close();
  await Promise.all([source.stop(), target.stop()]);
  await rm(served, { recursive: true, force: true });
}
