/** Runs a server as a process group of its own: started, waited for, stopped, and ended when this process ends. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readLog } from "./read-log.js";

export interface Daemon {
  readonly pid: number;
  /** What it wrote to standard output and standard error, to be read before its folder is removed. */
  output(): string;
  running(): boolean;
  /** The server and its sessions, those that live. */
  processes(): number[];
  /** To the server and all its sessions. Nothing happens to those that have gone. */
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL if that is not enough; resolves when all are gone. */
  stop(): Promise<void>;
}

/** Starts a command. What it says is kept in `folder`, which is removed should this process die without stop(). */
export function run(command: string, args: string[], folder: string): Daemon {
  const file = join(folder, "output.log");
  const fd = openSync(file, "a+");
  // All three are one file: vsftpd says on 0 why it does not start.
  const child = spawn(command, args, { detached: true, cwd: "/", stdio: [fd, fd, fd] });
  closeSync(fd);
  child.on("error", () => {}); // there is no pid then
  child.unref();
  const pid = child.pid;
  if (pid === undefined) throw new Error(`cannot run ${command}`);
  const guard = watch(pid, folder);
  const commandLine = `${[command, ...args].join("\0")}\0`;
  const processes = () => members(pid, commandLine);
  const signal = (name: NodeJS.Signals): void => {
    for (const each of processes()) {
      try {
        process.kill(each, name);
      } catch {} // it went while we looked
    }
  };
  const gone = async (milliseconds: number, name?: NodeJS.Signals): Promise<boolean> => {
    for (const end = Date.now() + milliseconds; processes().length; await sleep(5)) {
      if (Date.now() > end) return false;
      if (name) signal(name); // each time: a server may have begun a session between our look and our signal
    }
    return true;
  };
  return {
    pid,
    output: () => readLog(file),
    running: () => child.exitCode === null && child.signalCode === null,
    processes,
    signal,
    async stop() {
      signal("SIGTERM");
      signal("SIGCONT"); // one that was stopped takes the SIGTERM now
      // ProFTPD takes half a second to wind up: not worth waiting for.
      if (!(await gone(100)) && !(await gone(5000, "SIGKILL"))) throw new Error(`${command} (${pid}) survived SIGKILL`);
      guard.kill("SIGKILL");
    },
  };
}

/**
 * A shell that ends the group when this process is gone, however it went: its standard input closes then. (Sessions
 * outside the group end as their clients do.)
 */
function watch(group: number, folder: string): ChildProcess {
  const script = 'read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2"';
  const shell = spawn("/bin/sh", ["-c", script, "sh", String(group), folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  return shell;
}

/**
 * The living processes of a group, and those outside it that have its command line: vsftpd gives each session a group
 * of its own, but not a new command line, and ours names a folder that nothing else has. A zombie has gone.
 */
function members(group: number, commandLine: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // PID (name) STATE PPID PGRP …, where the name may hold anything
      const [state, , pgrp] = readFileSync(`/proc/${name}/stat`, "latin1").replace(/.*\) /s, "").split(" ");
      if (state === "Z" || state === "X") return [];
      const ours = Number(pgrp) === group || readFileSync(`/proc/${name}/cmdline`, "utf8") === commandLine;
      return ours ? [Number(name)] : [];
    } catch {
      return []; // it went while we looked
    }
  });
}

/**
 * A port that nobody listens on, below those which the kernel gives to clients, so that none takes it meanwhile. It is
 * kept from all other tests as long as this process lives.
 */
export function freePort(): number {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    if (reserve(port) && !listens(port)) return port;
  }
}

/** A file for each port that some process of tests has chosen, with the number of the process in it. */
const RESERVED = join(tmpdir(), `polywire-ports-${process.getuid?.() ?? "user"}`);
const ours = new Set<string>();
process.once("exit", () => {
  for (const file of ours) rmSync(file, { force: true });
});

/** False where another process, or this one, has chosen it before. */
function reserve(port: number): boolean {
  const file = join(RESERVED, String(port));
  mkdirSync(RESERVED, { recursive: true });
  if (existsSync(file)) removeLeftOver(file);
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  ours.add(file);
  return true;
}

/** Removes the file of a process that was killed. One without a number is being written. */
function removeLeftOver(file: string): void {
  const pid = Number(readFileSync(file, "latin1"));
  if (pid > 0 && !existsSync(`/proc/${pid}`)) rmSync(file, { force: true });
}

/** A free port for each name, no two the same. */
export function freePorts<Name extends string>(names: readonly Name[]): Record<Name, number> {
  const ports = new Set<number>();
  while (ports.size < names.length) ports.add(freePort());
  return Object.fromEntries([...ports].map((port, index) => [names[index], port])) as Record<Name, number>;
}

/** Whether any process listens on this port: asked of the kernel, as a look by connecting would be a session of its own. */
export function listens(port: number): boolean {
  // number: LOCAL ADDRESS:PORT REMOTE:0000 STATE, all in hex; 0A is LISTEN
  const row = new RegExp(`:${port.toString(16).padStart(4, "0")} [0-9A-F]+:0000 0A `, "i");
  return ["/proc/net/tcp", "/proc/net/tcp6"].some((file) => existsSync(file) && row.test(listeners(file)));
}

/** The rows of the listening sockets: they come first. Those in TIME_WAIT may be tens of thousands, and are slow to read. */
function listeners(file: string): string {
  const fd = openSync(file, "r");
  try {
    const piece = Buffer.alloc(16 * 1024);
    let text = "";
    for (let bytes = 1; bytes > 0 && !/:[0-9A-F]{4} (?!0A)[0-9A-F]{2} /.test(text); ) {
      bytes = readSync(fd, piece);
      text += piece.toString("latin1", 0, bytes);
    }
    return text;
  } finally {
    closeSync(fd);
  }
}
