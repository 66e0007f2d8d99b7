/** A job that lives again and again: killed at a moment of its conversation with the server, begun anew, ended in the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Paced } from "../headers/paced.js";

const CHILD = fileURLToPath(new URL("./imap-child.ts", import.meta.url));

/** When a process dies: at most so many milliseconds behind the n-th line of its own that looks so. */
export interface Moment {
  readonly behind: RegExp;
  readonly nth?: number;
  readonly within: number;
  /** The answer never comes: the server has done it, and the process dies without knowing. */
  readonly unheard?: true;
}

/** 0 to 1 (Mulberry32). */
export function dice(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Lives {
  readonly #job: "fetch" | "copy";
  readonly #options: object;

  constructor(job: "fetch" | "copy", options: object) {
    this.#job = job;
    this.#options = options;
  }

  /** Runs until the moment in what is said through `paced`, and is killed. */
  async killed(paced: Paced, { behind, nth = 1, within, unheard }: Moment, random: number): Promise<void> {
    const child = this.#run();
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const [, errors] = heard(child);
    let said = "";
    const every = new RegExp(behind.source, "gm");
    const reached = new Promise<void>((resolve) => {
      paced.onSaid = (bytes) => {
        said += bytes.toString("latin1");
        if ((said.match(every)?.length ?? 0) < nth) return;
        paced.onSaid = () => {};
        if (unheard) paced.rate = 0.001;
        resolve();
      };
    });
    await Promise.race([reached, exited]);
    await Promise.race([sleep(random * within), exited]);
    child.kill("SIGKILL");
    await exited;
    expect(child.signalCode, `over before the kill behind ${behind}: ${errors()}`).toBe("SIGKILL");
  }

  /** Runs to its end, and gives its result. */
  async ended(): Promise<Record<string, unknown>> {
    const child = this.#run();
    const [out, errors] = heard(child);
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code, errors()).toBe(0);
    return JSON.parse(out());
  }

  #run(): ChildProcess {
    const args = ["--import", "tsx", CHILD, this.#job, JSON.stringify(this.#options)];
    return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  }
}

function heard(child: ChildProcess): [out: () => string, errors: () => string] {
  const texts = ["", ""];
  child.stdout?.on("data", (chunk) => (texts[0] += chunk));
  child.stderr?.on("data", (chunk) => (texts[1] += chunk));
  return [() => texts[0]!, () => texts[1]!];
}
