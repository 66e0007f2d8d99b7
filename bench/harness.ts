/** How a bench measures: competitors in turns in one run, several rounds, medians; the last line is one JSON object. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** What can be measured as it is published. */
interface Built {
  ftp: typeof import("../src/ftp/index.js");
  imap: typeof import("../src/imap/index.js");
  nntp: typeof import("../src/nntp/index.js");
  pop3: typeof import("../src/pop3/index.js");
  smtp: typeof import("../src/smtp/index.js");
  jobs: typeof import("../src/jobs/index.js");
}

/** Builds the package and gives a part of it: what is installed is measured, not what tsx makes of the sources. */
export async function built<K extends keyof Built>(part: K): Promise<Built[K]> {
  const root = join(import.meta.dirname, "..");
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
  return import(join(root, "dist", part, "index.js"));
}

/** One who does the work. */
export interface Competitor {
  readonly name: string;
  /** Brings everything to the same state for whoever comes next. Not timed. */
  prepare?(): Promise<void> | void;
  /** The timed part. */
  run(): Promise<unknown>;
  /** Throws where the work was not done as it should be. Not timed. */
  check?(): Promise<void> | void;
  /** Milliseconds of CPU so far of the process that does it. Default: of this one. */
  cpu?(): number;
}

/** What one turn took. */
export interface Turn {
  readonly milliseconds: number;
  /** Milliseconds of CPU that the process which did it had meanwhile. */
  readonly cpu: number;
}

/** `--rounds 5 --warm-up 1 --files 5000 …`: every option is a number. */
export function numbers<T extends Record<string, number>>(defaults: T): T {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ options, strict: true });
  const given = Object.entries(values).map(([name, value]) => [name, Number(value)]);
  return { ...defaults, ...Object.fromEntries(given) };
}

/**
 * Runs the competitors in turns. Each round begins with another one, so that none always follows the same. The first
 * `warmUp` rounds do not count: they fill the file cache, and let Node compile what it will run.
 */
export async function inTurns(
  competitors: readonly Competitor[],
  rounds: number,
  warmUp: number,
): Promise<Map<string, Turn[]>> {
  const turns = new Map<string, Turn[]>(competitors.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (let i = 0; i < competitors.length; i++) {
      const competitor = competitors[(i + round + warmUp) % competitors.length]!;
      const turn = await takeTurn(competitor);
      if (round >= 0) turns.get(competitor.name)!.push(turn);
      const label = round < 0 ? "warm-up" : `round ${round + 1}`;
      console.log(`${label} ${competitor.name}: ${turn.milliseconds.toFixed(0)} ms, cpu ${turn.cpu.toFixed(0)} ms`);
    }
  }
  return turns;
}

async function takeTurn(competitor: Competitor): Promise<Turn> {
  await competitor.prepare?.();
  // What was written for this turn is on the disk now: no one pays for it in the timed part.
  execFileSync("sync");
  const used = () => competitor.cpu?.() ?? ownCpu();
  const before = used();
  const started = performance.now();
  await competitor.run();
  const milliseconds = performance.now() - started;
  const cpu = used() - before;
  await competitor.check?.();
  return { milliseconds, cpu };
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * A new folder for what servers serve: in memory where there is such a file system, so that what a disk does (ext4 takes
 * its time to make a file after thousands were removed) is not taken for a client's fault.
 */
export async function servedFolder(): Promise<string> {
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "polywire-bench-"));
  await chmod(folder, 0o755);
  return folder;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Work per second of the median turn. */
export function rate(turns: Map<string, Turn[]>, name: string, work: number): number {
  return (work * 1000) / median(turns.get(name)!.map(({ milliseconds }) => milliseconds));
}

/** Milliseconds of CPU of the median turn. */
export function cpuOf(turns: Map<string, Turn[]>, name: string): number {
  return median(turns.get(name)!.map(({ cpu }) => cpu));
}

/** The last line of a bench. */
export interface Report {
  readonly bench: string;
  readonly unit: string;
  readonly ours: number | Record<string, number>;
  readonly peers: Record<string, number>;
  /** What this machine and its servers can do at most, as far as we know. */
  readonly limit: number | Record<string, number>;
  /** Ours / peer: above 1 is faster. */
  readonly ratios: Record<string, number>;
}

export function report(result: Report): void {
  console.log(JSON.stringify(result, (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value)));
}

/** Runs a program to its end; rejects, with what it said, where it fails. */
export function program(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said}`))));
  });
}

/** Bytes of memory this process has had at most. */
export function peakMemory(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) * 1024;
}
