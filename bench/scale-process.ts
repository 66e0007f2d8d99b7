/** A process that scale.ts starts, and may kill: what it says line by line, the memory it had at most, its CPU. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { peakMemory } from "./harness.js";

/** Milliseconds between two looks at a process. The kernel keeps the peak: only what came after the last look is missed. */
const LOOK = 250;

export class Watched {
  readonly ended: Promise<number | null>;
  readonly started = performance.now();
  /** Bytes of memory that it had at most, as the kernel counts them (VmHWM). */
  peak = 0;
  /** Milliseconds of CPU, user and system. */
  cpu = 0;
  onLine: (line: string) => void = () => {};
  readonly #child: ChildProcess;
  readonly #timer: NodeJS.Timeout;

  constructor(script: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, script), ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#hear(line));
    this.ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#timer = setInterval(() => this.look(), LOOK);
    void this.ended.then(() => clearInterval(this.#timer));
  }

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Reads peak and CPU; of one that is gone they stay as they were. */
  look(): void {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, "latin1");
      this.peak = Math.max(this.peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
      // User and system time, in ticks of 10 ms (proc(5)).
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
      this.cpu = Math.max(this.cpu, (Number(stat[11]) + Number(stat[12])) * 10);
    } catch {}
  }

  /** Resolves with the first line that fits. */
  until(fits: (line: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      this.onLine = (line) => fits(line) && resolve(line);
      void this.ended.then((code) => reject(new Error(`a process of the bench ended with ${code}`)));
    });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.look();
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Resolves when it ends as it should. */
  async end(): Promise<void> {
    const code = await this.ended;
    if (code !== 0) throw new Error(`a process of the bench ended with ${code}`);
  }

  #hear(line: string): void {
    const [, peak, cpu] = /^used (\d+) (\d+)$/.exec(line) ?? [];
    if (peak === undefined) {
      this.onLine(line);
      return;
    }
    this.peak = Math.max(this.peak, Number(peak));
    this.cpu = Math.max(this.cpu, Number(cpu));
  }
}

/** The last line of a process that ends by itself: what it took, to the end. */
export function tellUsed(): void {
  const { user, system } = process.cpuUsage();
  console.log(`used ${peakMemory()} ${Math.round((user + system) / 1000)}`);
}
