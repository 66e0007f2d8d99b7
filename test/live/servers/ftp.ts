/** Starts real FTP servers for tests: `const live = await start("vsftpd", { tls: "explicit" })`. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, readFileSync, rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { certificates } from "./certs.js";
import { type Daemon, freePort, listens, run } from "./daemon.js";
import { inetutils } from "./inetutils.js";
import { proftpd } from "./proftpd.js";
import { pureftpd } from "./pureftpd.js";
import { pyftpdlib } from "./pyftpdlib.js";
import { type Abilities, type FtpOptions, type Kind, type LiveFtp, PASSWORD, type Server, USER } from "./server.js";
import { vsftpd } from "./vsftpd.js";

export type { Abilities, FtpOptions, Kind, LiveFtp } from "./server.js";

const SERVER: Record<Kind, Server> = { vsftpd, proftpd, pureftpd, pyftpdlib, inetutils };

export const KINDS = Object.keys(SERVER) as Kind[];

/** What each server can do; a test compares it with what they say. */
export const ABILITIES = Object.fromEntries(KINDS.map((kind) => [kind, SERVER[kind].abilities])) as Record<
  Kind,
  Abilities
>;

/** Milliseconds for a server to listen; they need 10 to 200. */
const PATIENCE = 10_000;

export const installed = (kind: Kind): boolean => [...SERVER[kind].files, PASSWORD].every((file) => existsSync(file));

/**
 * Starts a server on a free port of this machine, and waits until it listens. Any number may run at one time.
 * Rejects with what the server said when it does not start, and for an option that it cannot do.
 */
export async function start(kind: Kind, options: FtpOptions = {}): Promise<LiveFtp> {
  refuse(kind, options);
  const port = options.port ?? freePort();
  if (listens(port)) throw new Error(`port ${port} is taken`);
  const work = await mkdtemp(join(tmpdir(), `polywire-${kind}-`));
  await chmod(work, 0o755);
  const owner = account();
  const home = options.home ?? join(work, "home");
  await mkdir(home, { recursive: true });
  chownSync(home, owner.uid, owner.gid);

  const host = options.ipv6 ? "::1" : "127.0.0.1";
  const tls = options.tls ?? "none";
  const { caFile, server: usual } = await certificates();
  const files = { caFile, ...(options.certificate ?? usual) };
  const { password, hash } = secret();
  const setup = { host, port, home, work, options: { ...options, tls }, password, hash, owner, ...files };
  const { command, args, logs, folder = "/" } = await SERVER[kind].prepare(setup);

  const daemon = run(command, args, work);
  let last: string | undefined; // what it had said when its folder was removed
  const log = () => last ?? [...logs.map(readLog), daemon.output()].join("");
  const end = async () => {
    await daemon.stop();
    last = log();
    rmSync(work, { recursive: true, force: true });
  };
  let ended: Promise<void> | undefined;
  const stop = () => (ended ??= end());
  try {
    await ready(daemon, port);
  } catch (error) {
    await stop();
    throw new Error(`${kind} did not start: ${(error as Error).message}\n${log()}`, { cause: error });
  }
  const { pid, processes, signal } = daemon;
  const handOver = () => give(home, owner);
  return { kind, host, port, user: USER, password, home, folder, pid, log, handOver, processes, signal, stop };
}

function refuse(kind: Kind, options: FtpOptions): void {
  const { abilities, takes } = SERVER[kind];
  const known = new Set<string>([...takes, "tls", "certificate", "home", "port"]);
  const cannot = Object.entries(options).flatMap(([name, value]) => (value && !known.has(name) ? [name] : []));
  if (options.tls === "explicit" && !abilities.tls) cannot.push("tls: explicit");
  if (options.tls === "implicit" && !abilities.implicit) cannot.push("tls: implicit");
  if (cannot.length) throw new Error(`${kind} cannot do: ${cannot.join(", ")}`);
}

async function ready(daemon: Daemon, port: number): Promise<void> {
  for (const end = Date.now() + PATIENCE; !listens(port); await sleep(5)) {
    if (!daemon.running()) throw new Error("it ended at once");
    if (Date.now() > end) throw new Error(`not listening within ${PATIENCE} ms`);
  }
}

/** The account that install.sh made; read from the file, as Node has no getpwnam. */
function account(): { uid: number; gid: number } {
  const line = readFileSync("/etc/passwd", "utf8").match(new RegExp(`^${USER}:[^:]*:(\\d+):(\\d+):`, "m"));
  if (!line) throw new Error(`no account ${USER} on this machine; run: npm run servers`);
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

let known: { password: string; hash: string } | undefined;

function secret(): { password: string; hash: string } {
  if (!known) {
    const password = readFileSync(PASSWORD, "latin1");
    known = {
      password,
      hash: execFileSync("openssl", ["passwd", "-5", "-stdin"], { input: password }).toString().trim(),
    };
  }
  return known;
}

function readLog(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function give(folder: string, { uid, gid }: { uid: number; gid: number }): void {
  execFileSync("chown", ["-Rh", `${uid}:${gid}`, folder]); // names need not be UTF-8, and may be many
}
