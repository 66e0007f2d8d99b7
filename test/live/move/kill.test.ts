/** kill -9 at random moments of a move between two real servers: nothing lost, nothing half, nothing twice. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeLive } from "../available.js";
import { type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

const FILES = 2_000;
const KILLS = 20;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

const nameOf = (i: number) => `sensor_${String(i % 97).padStart(5, "0")}_20260118_${String(i).padStart(8, "0")}.dat`;
const contentOf = (i: number) => Buffer.alloc((i * 7919) % 8192, `${i},`);

/** Every file below the two folders, checked: under a final name only whole files, and each file somewhere whole. */
function checkInvariants(from: LiveFtp, to: LiveFtp, digests: ReadonlyMap<string, string>): { moved: number } {
  const there = new Set(readdirSync(join(to.home, "in")).filter((name) => !name.endsWith(".part")));
  const here = new Set(readdirSync(join(from.home, "out")));
  for (const [name, digest] of digests) {
    expect(here.has(name) || there.has(name), `${name} is on one side at least`).toBe(true);
    if (there.has(name)) expect(digestOf(join(to.home, "in", name)), name).toBe(digest);
  }
  return { moved: there.size };
}

function digestOf(path: string): string {
  return createHash("sha1").update(readFileSync(path)).digest("hex");
}

/**
 * Kills the child at a random moment: sometimes while it starts or lists, mostly while files move. `calm`: not before it
 * has published something, however slow the machine is.
 */
async function killSometime(child: ChildProcess, to: LiveFtp, calm: boolean): Promise<void> {
  const names = () => readdirSync(join(to.home, "in"));
  const count = calm ? () => names().filter((name) => !name.endsWith(".part")).length : () => names().length;
  const before = count();
  if (!calm && randomInt(5) === 0) await sleep(randomInt(1_500));
  else while (child.exitCode === null && count() === before) await sleep(3);
  await sleep(randomInt(1_000));
  child.kill("SIGKILL");
}

describeLive(["vsftpd", "proftpd"], "a move killed at random moments", () => {
  test(`${KILLS} kills during ${FILES} files: the last run finishes, byte for byte`, { timeout: 240_000 }, async () => {
    const [from, to] = await Promise.all([start("vsftpd"), start("proftpd")]);
    const scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
    try {
      const digests = seed(from, to);
      const options = {
        from: url(from, "out"),
        to: url(to, "in"),
        match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat",
        journal: join(scratch, "move.journal"),
        // Slow enough that there is time for all the kills.
        maxBytesPerSecond: 700_000,
        // Few lanes, so that a group of files is published within the life of a process.
        lanes: 3,
      };
      const run = () => spawn(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(options)], { stdio: "pipe" });
      let progress = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const child = run();
        const exited = new Promise((resolve) => child.once("exit", resolve));
        await killSometime(child, to, kill % 4 === 3);
        await exited;
        expect(child.signalCode, "the job was not over before the last kill").toBe("SIGKILL");
        const { moved } = checkInvariants(from, to, digests);
        expect(moved).toBeGreaterThanOrEqual(progress);
        progress = moved;
      }
      expect(progress).toBeGreaterThan(0);
      expect(progress).toBeLessThan(FILES);
      const result = await finish(run());
      expect(result).toMatchObject({ moved: FILES, failed: 0, conflicts: 0, gone: 0, left: 0 });
      checkInvariants(from, to, digests);
      expect(readdirSync(join(from.home, "out"))).toEqual([]);
      expect(readdirSync(join(to.home, "in")).sort()).toEqual([...digests.keys()].sort());
    } finally {
      await Promise.all([from.stop(), to.stop()]);
      rmSync(scratch, { recursive: true });
    }
  });
});

function seed(from: LiveFtp, to: LiveFtp): Map<string, string> {
  const digests = new Map<string, string>();
  for (const server of [from, to]) mkdirSync(join(server.home, server === from ? "out" : "in"));
  for (let i = 0; i < FILES; i++) {
    const content = contentOf(i);
    writeFileSync(join(from.home, "out", nameOf(i)), content);
    digests.set(nameOf(i), createHash("sha1").update(content).digest("hex"));
  }
  from.handOver();
  to.handOver();
  return digests;
}

async function finish(child: ChildProcess): Promise<unknown> {
  let out = "";
  let errors = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (errors += chunk));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  expect(code, errors).toBe(0);
  return JSON.parse(out).result;
}
