/** What all live servers have in common: started, waited for, stopped, their folder removed; and the account they use. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, listens, run } from "./daemon.js";
import { readLog } from "./read-log.js";
import { PASSWORD } from "./server.js";

/** What is to be run, and where it can be heard and read. */
export interface Start {
  readonly kind: string;
  readonly command: string;
  readonly args: string[];
  /** The folder of its configuration, removed by stop(). */
  readonly work: string;
  /** It is up when it listens on all of them. */
  readonly ports: readonly number[];
  /** Files the server may write, besides its standard output. */
  readonly logs: readonly string[];
  /** Asks the server to end by itself, before it is told to by signals. */
  readonly goodbye?: () => Promise<void>;
}

export interface Live {
  readonly pid: number;
  /** What the server has said so far, in its log files and on its standard output; of each the last 16 MiB. */
  log(): string;
  /** The server and its sessions: the processes that live. */
  processes(): number[];
  /** Sends a signal to the server and all its sessions: SIGSTOP makes it hang, SIGCONT go on, SIGKILL is a crash. */
  signal(name: NodeJS.Signals): void;
  /** Ends the server and all its sessions, waits until they are gone, and removes its folders. Safe twice. */
  stop(): Promise<void>;
}

/** Milliseconds for a server to listen; they need 10 to 200. */
const PATIENCE = 10_000;

/** Starts a server and waits until it listens. Rejects with what the server said when it does not. */
export async function launch({ kind, command, args, work, ports, logs, goodbye }: Start): Promise<Live> {
  const daemon = run(command, args, work);
  let last: string | undefined; // what it had said when its folder was removed
  const log = () => last ?? [...logs.map(readLog), daemon.output()].join("");
  const end = async () => {
    if (daemon.running()) await goodbye?.();
    await daemon.stop();
    last = log();
    rmSync(work, { recursive: true, force: true });
  };
  let ended: Promise<void> | undefined;
  const stop = () => (ended ??= end());
  try {
    await ready(daemon, ports);
  } catch (error) {
    await stop();
    throw new Error(`${kind} did not start: ${(error as Error).message}\n${log()}`, { cause: error });
  }
  const { pid, processes, signal } = daemon;
  return { pid, log, processes, signal, stop };
}

async function ready(daemon: Daemon, ports: readonly number[]): Promise<void> {
  for (const end = Date.now() + PATIENCE; !ports.every(listens); await sleep(5)) {
    if (!daemon.running()) throw new Error("it ended at once");
    if (Date.now() > end) throw new Error(`not listening within ${PATIENCE} ms`);
  }
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** An account of this machine; read from the file, as Node has no getpwnam. */
export function account(name: string): Account {
  const line = readFileSync("/etc/passwd", "utf8").match(new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, "m"));
  if (!line) throw new Error(`no account ${name} on this machine; run: npm run servers`);
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

let known: { password: string; hash: string } | undefined;

/** The password that install.sh made, and as crypt(3) stores it. */
export function secret(): { password: string; hash: string } {
  if (!known) {
    const password = readFileSync(PASSWORD, "latin1");
    const hash = execFileSync("openssl", ["passwd", "-5", "-stdin"], { input: password }).toString().trim();
    known = { password, hash };
  }
  return known;
}

/** Gives a folder and all in it to an account. */
export function give(folder: string, { uid, gid }: Account): void {
  execFileSync("chown", ["-Rh", `${uid}:${gid}`, folder]); // names need not be UTF-8, and may be many
}
