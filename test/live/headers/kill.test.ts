/** kill -9 at random moments of a fetch from a real server: every header once, nothing half, nothing twice. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeLive } from "../available.js";
import { type LiveNews, startNews } from "../servers/news.js";
import { expectAll, readOutput } from "./outputs.js";
import { Paced } from "./paced.js";

/** As it was built when the tests began. */
const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const GROUP = "polywire.big";

/** To have the same moments again: KILL_SEED=… */
const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));

/** Bytes a second, some 250 for a row: so many that there is a tail to cut off, so few that the last life has work left. */
const SLOW = { 20: 1_200_000, 5: 3_000_000 } as const;
const FAST = 1e9;
/** Greetings, logins and a GROUP are far less; rows are more. */
const ROWS = 20_000;

/** 0 to 1 (Mulberry32). */
function dice(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * When the n-th process dies, in milliseconds from its start, from the first rows, or from when the output is larger than
 * before: while it starts, before its first commit, about when it commits for the first time, at any time, and behind a
 * commit, however slow the machine is.
 */
const MOMENTS: readonly (readonly [from: "start" | "rows" | "growth", low: number, high: number])[] = [
  ["start", 50, 450],
  ["rows", 0, 900],
  ["rows", 850, 1_150],
  ["rows", 0, 2_200],
  ["growth", 0, 600],
];

interface Killed {
  /** It had rows of this life, and was connected for more. */
  readonly underWay: boolean;
  /** Bytes of the output then. */
  readonly size: number;
}

class Victim {
  readonly #output: string;
  readonly #args: readonly string[];
  readonly #paced: Paced;

  constructor(paced: Paced, output: string, more: readonly string[]) {
    this.#paced = paced;
    this.#output = output;
    const url = `nntp://127.0.0.1:${paced.port}/${GROUP}?security=plain`;
    this.#args = [MAIN, "headers", url, "--out", output, "--no-compress", "--json", "--progress", "none", ...more];
  }

  /** Runs until the moment, and is killed. */
  async killed([from, low, high]: (typeof MOMENTS)[number], random: number): Promise<Killed> {
    this.#paced.forget();
    const before = this.#size();
    const child = this.#run();
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const come = {
      start: () => true,
      rows: () => this.#paced.bytes >= ROWS,
      growth: () => this.#size() > before,
    }[from];
    while (child.exitCode === null && !come()) await sleep(1);
    await sleep(low + random * (high - low));
    const underWay = this.#paced.bytes >= ROWS && this.#paced.clients > 0;
    child.kill("SIGKILL");
    await exited;
    expect(child.signalCode, "the job was not over before the kill").toBe("SIGKILL");
    return { underWay, size: this.#size() };
  }

  /** Runs to its end. @returns what it says. */
  async finished(): Promise<{ rows: number; failures: unknown[]; warnings: string[] }> {
    const child = this.#run();
    let [out, errors] = ["", ""];
    child.stdout?.on("data", (chunk) => (out += chunk));
    child.stderr?.on("data", (chunk) => (errors += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code, out + errors).toBe(0);
    return JSON.parse(out);
  }

  #run(): ChildProcess {
    return spawn(process.execPath, this.#args, {
      stdio: "pipe",
      env: { PATH: process.env.PATH, HOME: "/nonexistent" },
    });
  }

  /** A database has a log beside it. */
  #size(): number {
    const files = readdirSync(dirname(this.#output)).filter(
      (name) => name.startsWith(basename(this.#output)) && !name.includes(".journal"),
    );
    return files.reduce((sum, name) => sum + statSync(join(dirname(this.#output), name)).size, 0);
  }
}

describeLive("inn", "headers of 100,000 articles, fetched by a process that is killed", () => {
  let server: LiveNews;
  let scratch: string;
  beforeAll(async () => {
    process.stderr.write(`KILL_SEED=${SEED}\n`);
    scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
    server = await startNews("inn", { seed: true, nodelay: true });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  describe.concurrent("every one of them once", () => {
    const cases: [name: string, kills: 20 | 5, range: readonly [number, number], more: string[]][] = [
      ["all.ndjson", 20, [1, 100_000], []],
      ["some.ndjson.gz", 5, [20_001, 100_000], []],
      ["some.csv", 5, [10_001, 90_000], []],
      ["some.sqlite", 5, [15_001, 95_000], []],
      ["ordered.ndjson", 5, [1, 80_000], ["--ordered", "--connections", "2"]],
    ];
    test.each(cases)("%s, %i kills", { timeout: 120_000 }, async (name, kills, [low, high], more) => {
      await using paced = await Paced.start(server.host, server.port, SLOW[kills]);
      const output = join(scratch, name);
      const victim = new Victim(paced, output, ["--range", `${low}-${high}`, ...more]);
      const next = dice(SEED + cases.findIndex(([each]) => each === name));
      const killed: Killed[] = [];
      for (let kill = 0; kill < kills; kill++) {
        killed.push(await victim.killed(MOMENTS[kill % MOMENTS.length]!, next()));
      }
      expect(killed.filter(({ underWay }) => underWay).length).toBeGreaterThanOrEqual(kills * 0.75);
      expect(killed.at(-1)!.size, "it grew, life after life").toBeGreaterThan(killed[0]!.size);
      paced.rate = FAST;
      const last = await victim.finished();
      expect(last).toMatchObject({ failures: [], warnings: [] });
      const rows = readOutput(output);
      expectAll(rows, GROUP, low, high);
      expect(last.rows, "the last one went on, and had something left to do").toBeLessThan(rows.length);
      expect(last.rows).toBeGreaterThan(0);
      if (more.includes("--ordered")) {
        expect(rows.every((row, i) => i === 0 || row.number > rows[i - 1]!.number)).toBe(true);
      }
    });
  });
});
