/** Peers of a bench: programs in a process of their own, started before the clock, that do the work at a word. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A peer that waits for the word. */
export interface Peer {
  /** Does the work once; resolves to the number it says: how much it got. */
  go(): Promise<number>;
  /** Milliseconds of CPU that it had so far, in hundredths of a second. */
  cpu(): number;
  stop(): void;
}

/** Starts one; it prints a line when it is ready, and a number for each line it is given. */
export async function startPeer(command: string, args: readonly string[], cwd: string): Promise<Peer> {
  const child = spawn(command, args, { cwd, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended early`);
    return value as string;
  };
  await next();
  return {
    async go() {
      child.stdin.write("go\n");
      return Number(await next());
    },
    cpu: () => cpuOfProcess(child.pid!),
    stop: () => void child.kill(),
  };
}

/** User and system time, in ticks of 10 ms (proc(5)); the name before them may hold anything but the last parenthesis. */
export function cpuOfProcess(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A new folder with a package of npm in it; undefined, and said so, where it could not be installed. */
export function installed(name: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), `polywire-${name}-`));
  try {
    writeFileSync(join(folder, "package.json"), '{ "private": true }');
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", name], { cwd: folder, stdio: "ignore" });
    return folder;
  } catch {
    console.log(`SKIPPED: ${name} could not be installed`);
    return undefined;
  }
}
