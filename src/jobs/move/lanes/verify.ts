/** Is what arrived what was sent? Asked of files under their temporary names: a wrong one never gets its final name. */
import { PolywireError, UsageError } from "../../../client/errors.js";
import { bestDigest, Digester, type DigestName } from "../places/digests.js";
import type { Place } from "../places/place.js";
import { type Arrived, refuse } from "./arrived.js";
import type { Workplace } from "./lane.js";
import { JobStopped } from "./ledger.js";
import { same } from "./recover.js";

/** How a file is compared with its source before it is published. */
export type Verify = "size" | "mtime" | "hash" | "readback";

export const VERIFY: readonly Verify[] = ["size", "mtime", "hash", "readback"];

/** What arrived is not what was sent: it is sent again. */
export class VerifyError extends PolywireError {
  readonly code = "VERIFY";
  constructor(message: string) {
    super(message, { retryable: true });
  }
}

/**
 * Sees that a destination can do what is asked of it.
 *
 * @throws UsageError where it computes no digests.
 */
export function requireVerify(verify: Verify, to: Place): void {
  if (verify !== "hash" || bestDigest(to.digests) !== undefined) return;
  throw new UsageError(`${to.shown} computes no digests, which verify: "hash" needs`, {
    advice: 'verify: "readback" reads every file back and compares that',
  });
}

/** Whether every byte is compared. */
export function proves(verify: Verify): boolean {
  return verify === "hash" || verify === "readback";
}

/** Computes what files are compared by, while they pass. Undefined where that is nothing of their bytes. */
export function digesterFor({ context, to }: Workplace): Digester | undefined {
  const { verify } = context.move;
  if (verify === "readback") return new Digester("sha256");
  if (verify !== "hash") return undefined;
  return new Digester(...new Set<DigestName>(["sha256", theirs(to)]));
}

function theirs(to: Place): DigestName {
  return bestDigest(to.digests) ?? "sha256";
}

/** What is wrong with each file, if something is. */
type Check = (lane: Workplace, files: readonly Arrived[]) => Promise<(Error | undefined)[]>;

const CHECKS: Readonly<Record<Exclude<Verify, "size">, Check>> = { mtime: byTime, hash: byDigest, readback: byReading };

/**
 * Those of the files, under their temporary names, that are what was sent; the others are tried again, or fail.
 *
 * @throws JobStopped where the destination turns out to be unable to tell.
 */
export async function proved(lane: Workplace, files: readonly Arrived[]): Promise<readonly Arrived[]> {
  const { verify } = lane.context.move;
  if (verify === "size" || files.every((each) => each.proved)) return files;
  const open = files.filter((each) => !each.proved);
  const found = await CHECKS[verify](lane, open);
  const problems = files.map((each) => (each.proved ? undefined : found[open.indexOf(each)]));
  const unable = problems.find((problem) => problem instanceof UsageError);
  if (unable) {
    await dropSeen(lane, files);
    throw new JobStopped(unable);
  }
  for (const [i, each] of files.entries()) if (problems[i]) await refuse(lane, each.file, problems[i]);
  return files.filter((_, i) => problems[i] === undefined);
}

/** The job ends over them. The next run looks at those whose sources are not seen. */
async function dropSeen(lane: Workplace, files: readonly Arrived[]): Promise<void> {
  const now = await lane.from.stat(files.map(({ file }) => file.name));
  const seen = files.filter((_, i) => now[i] !== undefined && !(now[i] instanceof Error));
  await lane.drop(seen.map(({ file }) => file));
}

/** The times are set before the final names: whoever waits for a name finds the file as it is to be. */
async function byTime({ to }: Workplace, files: readonly Arrived[]): Promise<(Error | undefined)[]> {
  const untold = files.find(({ source }) => source.mtime === undefined);
  if (untold) return files.map(() => new UsageError('the source tells no times, which verify: "mtime" needs'));
  const given = files.map(({ file, source }) => ({ name: file.temp, mtime: source.mtime as number }));
  const refused = await to.touch(given);
  const found = await to.stat(given.map(({ name }) => name));
  return files.map(({ source }, i) => {
    const [error, now] = [refused[i], found[i]];
    if (error ?? now instanceof Error) return error ?? (now as Error);
    if (now === undefined) return new VerifyError("what arrived is gone");
    const there = now as { size: number; mtime: number | undefined };
    if (there.mtime === undefined) return new UsageError(`${to.shown} tells no times, which verify: "mtime" needs`);
    if (same(source, there)) return undefined;
    return new VerifyError(`what arrived has ${show(there)}, the source ${show(source)}`);
  });
}

function show({ size, mtime }: { size: number; mtime: number | undefined }): string {
  return `${size} bytes of ${mtime === undefined ? "no known time" : new Date(mtime).toISOString()}`;
}

async function byDigest({ to }: Workplace, files: readonly Arrived[]): Promise<(Error | undefined)[]> {
  const name = theirs(to);
  const digests = await to.digest(
    files.map(({ file, bytes }) => ({ name: file.temp, size: bytes })),
    name,
  );
  return files.map((each, i) => {
    const found = digests[i] as string | Error;
    return found instanceof Error ? found : differing(each, name, found);
  });
}

/** One after the other, as on any connection for files. */
async function byReading({ context, to }: Workplace, files: readonly Arrived[]): Promise<(Error | undefined)[]> {
  const { move, signal } = context;
  const problems: (Error | undefined)[] = [];
  for (const each of files) {
    const digester = new Digester("sha256");
    try {
      for await (const chunk of to.read(each.file.temp, signal)) {
        digester.update(chunk);
        const wait = move.bucket.take(chunk.length, signal);
        if (wait) await wait;
      }
      problems.push(differing(each, "sha256", digester.hex("sha256")));
    } catch (error) {
      if (!to.usable) throw error;
      problems.push(error as Error);
    }
  }
  return problems;
}

function differing({ digester }: Arrived, name: DigestName, found: string): VerifyError | undefined {
  const sent = digester?.hex(name);
  if (sent === found) return undefined;
  return new VerifyError(`the ${name} of what arrived is ${found}, of what was sent ${sent}`);
}
