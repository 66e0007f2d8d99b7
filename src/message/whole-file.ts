/** Files that are there as a whole or not at all, whenever the process or the machine dies: written aside, synced, linked. */
import { link, mkdir, open, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { PolywireError, SinkError } from "../client/errors.js";

/** Bytes, or what gives them piece by piece. */
export type Bytes = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What file systems without hard links say. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Writes a file that must not be there yet. Where it cannot be filled, it is removed again.
 *
 * @param options.mode Who may read it. Default: as the system has it for new files.
 * @param options.mtime When it was last changed. Default: now.
 * @returns its length in bytes.
 * @throws SinkError, also for what the source throws, unless that is an error of polywire's own.
 */
export async function writeAside(
  path: string,
  source: Bytes,
  options: { readonly fsync: boolean; readonly mode?: number | undefined; readonly mtime?: Date | undefined },
): Promise<number> {
  const file = await open(path, "wx", options.mode).catch((cause) => failed(path, "made", cause));
  try {
    let length = 0;
    for await (const piece of source instanceof Uint8Array ? [source] : source) {
      for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
      length += piece.length;
    }
    if (options.mtime) await file.utimes(options.mtime, options.mtime);
    if (options.fsync) await file.sync();
    await file.close();
    return length;
  } catch (cause) {
    await file.close().catch(() => {});
    await rm(path, { force: true }).catch(() => {});
    return failed(path, "written", cause);
  }
}

/**
 * Gives a file its final name in one step, and never that of another file.
 *
 * @returns false where the name is taken; the file is where it was then.
 */
export async function place(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    await unlink(from);
    return true;
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    // Over NFS a link that was made may be reported as taken, by the repetition of a lost answer.
    if (code === "EEXIST") return (await isSame(from, to)) && unlink(from).then(() => true);
    return NO_LINKS.has(code) ? placeByRename(from, to) : failed(to, "made", cause);
  }
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

/** Without hard links: a rename would replace a file of that name, so it is looked for first. */
async function placeByRename(from: string, to: string): Promise<boolean> {
  const taken = await stat(to).then(
    () => true,
    () => false,
  );
  if (taken) return false;
  await rename(from, to).catch((cause) => failed(to, "made", cause));
  return true;
}

/** After 36 hours nobody is writing any more. */
const STALE_MS = 36 * 3_600_000;

/** Removes files that were last touched 36 hours ago: what those who died have left. @returns how many. */
export async function removeStale(paths: readonly string[]): Promise<number> {
  let removed = 0;
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || Date.now() - found.mtimeMs < STALE_MS) continue;
    await unlink(path).then(
      () => removed++,
      () => {},
    );
  }
  return removed;
}

/** Makes a folder, with those above it, where it is missing. With `fsync` their names survive a power failure. */
export async function makeFolder(
  path: string,
  options: { readonly fsync: boolean; readonly mode: number },
): Promise<void> {
  const { fsync, mode } = options;
  const first = await mkdir(path, { recursive: true, mode }).catch((cause) => failed(path, "made", cause));
  if (first === undefined || !fsync) return;
  // From the folder that has the lowest new name in it up to the one that has the first.
  const top = dirname(resolve(first));
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    await new FolderSync(folder).sync();
    if (folder === top || folder === dirname(folder)) return;
  }
}

/** Sees to it that the names in a folder survive a power failure. Those who ask meanwhile share the next time. */
export class FolderSync {
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(readonly path: string) {}

  /** Resolves when every name made before this call is on the disk. */
  sync(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#running = this.#next!;
        this.#next = undefined;
        return syncFolder(this.path);
      });
    return this.#next;
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows has no way to ask for it.
  if (process.platform === "win32") return;
  try {
    const folder = await open(path, "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    failed(path, "written", cause);
  }
}

/** Throws what went wrong with a file. */
export function failed(path: string, what: string, cause: unknown): never {
  if (cause instanceof PolywireError) throw cause;
  throw new SinkError(`${path} could not be ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
