/** A process of its own, whose memory a test watches. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Runs `child.ts` of a folder; resolves to the JSON of its last line. Its garbage is as young on every Node: since
 * Node 24, V8 lets that part of the heap grow by a hundred MiB and more where much is made and little is kept.
 */
export async function watchedChild<T>(folder: string, ...args: string[]): Promise<T> {
  const flags = ["--max-semi-space-size=16", "--import", "tsx", `${folder}/child.ts`];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...args]);
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as T;
}
