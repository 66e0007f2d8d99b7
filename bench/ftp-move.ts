/**
 * 5,000 files of 4 KB from one vsftpd to another, 8 at a time: move() against lftp's mirror and basic-ftp in lanes.
 *
 *     npx tsx bench/ftp-move.ts [--files 5000] [--size 4096] [--rounds 5] [--warm-up 2]
 *
 * Timed is everything a user waits for: connecting, logging in, listing, moving, and hanging up. lftp starts as a process
 * (some 10 ms), move() and the lanes begin in this one. The files are in memory; move() keeps its journal on the disk.
 * move() also checks size and time of each source before and after, and the size of each copy, and sets the copy's time;
 * basic-ftp's lanes do none of that. lftp is told not to set permissions. The limit is what is left of it all with bare
 * sockets: see raw-ftp.ts.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Client } from "basic-ftp";
import { type LiveFtp, start } from "../test/live/servers/ftp.js";
import { built, type Competitor, inTurns, numbers, program, rate, report, servedFolder } from "./harness.js";
import { rawLane } from "./raw-ftp.js";

const {
  files,
  size,
  lanes,
  rounds,
  "warm-up": warmUp,
} = numbers({
  files: 5000,
  size: 4096,
  lanes: 8,
  rounds: 5,
  "warm-up": 2,
});
/** Every how many files one is compared byte by byte. */
const SAMPLE = 50;

const { move } = await built("jobs");
const served = await servedFolder();
const source = await start("vsftpd", { quiet: true, home: join(served, "source") });
const target = await start("vsftpd", { quiet: true, home: join(served, "target") });
const work = await mkdtemp(join(tmpdir(), "polywire-bench-"));
const noise = randomBytes(size);
const nameOf = (i: number) => `sensor_${String(i % 100).padStart(5, "0")}_20250101_${String(i).padStart(8, "0")}.dat`;
/** Every file is different: its number is written over its first bytes. */
const contentOf = (i: number) => {
  const content = Buffer.from(noise);
  content.write(nameOf(i), 0, "latin1");
  return content;
};
const url = ({ host, port, user, password }: LiveFtp, folder: string) =>
  `ftp://${user}:${encodeURIComponent(password)}@${host}:${port}/${folder}`;
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** All files at the source, an empty folder at the target. */
async function prepare(): Promise<void> {
  for (const folder of [join(source.home, "out"), join(target.home, "in")]) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
  }
  for (let i = 0; i < files; i++) await writeFile(join(source.home, "out", nameOf(i)), contentOf(i));
  source.handOver();
  target.handOver();
}

async function check(): Promise<void> {
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

async function polywire(): Promise<void> {
  const journal = join(work, "move.journal");
  for (const end of ["", "-wal", "-shm", ".lock"]) await rm(journal + end, { force: true });
  const result = await move({
    from: `${url(source, "out")}?security=plain`,
    to: `${url(target, "in")}?security=plain`,
    match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat",
    lanes,
    journal,
  });
  if (result.moved !== files) throw new Error(`move() says ${JSON.stringify(result)}`);
}

function lftp(): Promise<void> {
  // FXP is refused by vsftpd; sync-mode off lets lftp send commands without waiting, its fastest setting here.
  const settings = "set ftp:use-fxp no; set ftp:sync-mode off; set cmd:fail-exit yes";
  const mirror = `mirror --Remove-source-files --no-perms --parallel=${lanes}`;
  return program("lftp", ["--norc", "-c", `${settings}; ${mirror} ${url(source, "out")}/ ${url(target, "in")}/`]);
}

/** As one would write it by hand: one list, lanes of two connections each, and a rename when a file has arrived. */
async function basicFtp(): Promise<void> {
  const connect = async ({ host, port, user, password }: LiveFtp, folder: string) => {
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

async function raw(): Promise<void> {
  const names = await readdir(join(source.home, "out"));
  await Promise.all(Array.from({ length: lanes }, () => rawLane(source, "out", target, "in", names)));
}

try {
  const competitors: Competitor[] = [
    { name: "polywire", prepare, run: polywire, check },
    { name: "lftp", prepare, run: lftp, check },
    { name: "basic-ftp", prepare, run: basicFtp, check },
    { name: "limit", prepare, run: raw, check },
  ];
  const turns = await inTurns(competitors, rounds, warmUp);
  const ours = rate(turns, "polywire", files);
  const peers = { lftp: rate(turns, "lftp", files), "basic-ftp": rate(turns, "basic-ftp", files) };
  for (const [name, value] of Object.entries({ polywire: ours, ...peers }))
    console.log(`${name}: ${value.toFixed(0)} files/s`);
  report({
    bench: "ftp-move",
    unit: "files/s",
    ours,
    peers,
    limit: rate(turns, "limit", files),
    ratios: { lftp: ours / peers.lftp, "basic-ftp": ours / peers["basic-ftp"] },
  });
} finally {
  await Promise.all([source.stop(), target.stop()]);
  await rm(work, { recursive: true, force: true });
  await rm(served, { recursive: true, force: true });
}
