/**
 * One file of 1 GB from vsftpd to a file on this machine's disk and back, against curl.
 *
 *     npx tsx bench/ftp-file.ts [--megabytes 1024] [--rounds 5] [--warm-up 1]
 *
 * Timed is all of it: connecting, logging in, the transfer, closing the file, hanging up. curl starts as a process (some
 * 10 ms), polywire begins in this one. The file lies in the page cache. The limit is the same download read by a bare
 * socket into one buffer that nobody looks at.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "../test/live/servers/ftp.js";
import {
  built,
  type Competitor,
  inTurns,
  numbers,
  peakMemory,
  program,
  rate,
  report,
  servedFolder,
} from "./harness.js";
import { rawDownload } from "./raw-ftp.js";

const { megabytes, rounds, "warm-up": warmUp } = numbers({ megabytes: 1024, rounds: 5, "warm-up": 1 });

const { FtpClient } = await built("ftp");
const served = await servedFolder();
const server = await start("vsftpd", { quiet: true, home: join(served, "home") });
const { host, port, user, password } = server;
const work = await mkdtemp(join(tmpdir(), "polywire-bench-"));
const remote = (name: string) => join(server.home, name);
const local = join(work, "local.bin");
const url = (name: string) => `ftp://${user}:${encodeURIComponent(password)}@${host}:${port}/${name}`;

/** No two megabytes are the same, so that a lost or a swapped piece shows. */
async function makeFile(path: string): Promise<void> {
  const piece = randomBytes(1024 * 1024);
  const file = await open(path, "w");
  for (let i = 0; i < megabytes; i++) {
    piece.writeUInt32BE(i, 0);
    await file.write(piece);
  }
  await file.close();
}

async function client() {
  const ftp = new FtpClient({ host, port, security: "plain", credentials: { user, password } });
  await ftp.connect();
  await ftp.login();
  return ftp;
}

async function down(): Promise<void> {
  const ftp = await client();
  await ftp.retr("big.bin", { to: local });
  await ftp.quit();
}

async function up(): Promise<void> {
  const ftp = await client();
  await ftp.stor("up.bin", join(work, "source.bin"));
  await ftp.quit();
}

const same = (a: string, b: string) => program("cmp", [a, b]);
const dropLocal = () => rm(local, { force: true });
const dropRemote = () => rm(remote("up.bin"), { force: true });
const checkLocal = () => same(local, remote("big.bin"));
const checkRemote = () => same(join(work, "source.bin"), remote("up.bin"));

try {
  await makeFile(remote("big.bin"));
  await makeFile(join(work, "source.bin"));
  server.handOver();
  const curl = (...args: string[]) => program("curl", ["--silent", "--show-error", "--disable", ...args]);
  const competitors: Competitor[] = [
    { name: "down", prepare: dropLocal, run: down, check: checkLocal },
    { name: "curl-down", prepare: dropLocal, run: () => curl("-o", local, url("big.bin")), check: checkLocal },
    { name: "up", prepare: dropRemote, run: up, check: checkRemote },
    {
      name: "curl-up",
      prepare: dropRemote,
      run: () => curl("-T", join(work, "source.bin"), url("up.bin")),
      check: checkRemote,
    },
    { name: "limit", run: () => rawDownload(server, "big.bin") },
  ];
  const turns = await inTurns(competitors, rounds, warmUp);
  const speed = (name: string) => rate(turns, name, (megabytes * 1024 * 1024) / 1e6);
  const ours = { down: speed("down"), up: speed("up") };
  const peers = { "curl-down": speed("curl-down"), "curl-up": speed("curl-up") };
  const limit = speed("limit");
  for (const [name, value] of Object.entries({ ...ours, ...peers, limit }))
    console.log(`${name}: ${value.toFixed(0)} MB/s`);
  console.log(`peak memory of this process: ${(peakMemory() / 1e6).toFixed(0)} MB`);
  report({
    bench: "ftp-file",
    unit: "MB/s",
    ours,
    peers,
    limit,
    ratios: { "curl-down": ours.down / peers["curl-down"], "curl-up": ours.up / peers["curl-up"] },
  });
} finally {
  await server.stop();
  await rm(work, { recursive: true, force: true });
  await rm(served, { recursive: true, force: true });
}
