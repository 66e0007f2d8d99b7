/** Coordinators and workers as processes of their own, and the processes that those start. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

/** A process, and what it said. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  #out = "";
  #errors = "";

  constructor(task: unknown) {
    const env = { ...process.env, POLYWIRE_TEST_TASK: JSON.stringify(task) };
    this.process = spawn(process.execPath, ["--import", "tsx", CHILD], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout?.on("data", (chunk) => (this.#out += chunk));
    this.process.stderr?.on("data", (chunk) => (this.#errors += chunk));
    this.ended = new Promise((resolve) => this.process.once("close", () => resolve()));
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal);
    await this.ended;
  }

  /** Throws where it ended by itself, and not in order. */
  check(): void {
    if (this.process.exitCode) throw new Error(`a process ended with code ${this.process.exitCode}: ${this.#errors}`);
  }

  /** Resolves when a worker has reached its Redis. */
  async working(): Promise<void> {
    while (!this.#out.includes("working\n")) {
      this.check();
      await sleep(20);
    }
  }

  /** What it printed last, when it ended in order. */
  async result(): Promise<Record<string, unknown>> {
    await this.ended;
    expect(this.process.exitCode, this.#errors).toBe(0);
    return JSON.parse(this.#out.trimEnd().split("\n").at(-1) as string) as Record<string, unknown>;
  }
}

/** The processes that a coordinator has started to move files. */
export function childrenOf(pid: number): number[] {
  const rows = execFileSync("ps", ["-eww", "-o", "ppid=,pid=,args="], { encoding: "utf8" }).split("\n");
  return rows.flatMap((row) => {
    const [, parent, child] = /^\s*(\d+)\s+(\d+) .*process-worker/.exec(row) ?? [];
    return Number(parent) === pid ? [Number(child)] : [];
  });
}
