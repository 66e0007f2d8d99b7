/** Files of this machine, by names that are bytes: looked at, opened and made without following links. */
import { constants } from "node:fs";
import fs from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { SinkError } from "../client/errors.js";
import type { Source } from "../client/sink.js";
import { readFileRange } from "../net/file-source.js";
import { displayName, encodeName } from "./name.js";
import type { Known } from "./part.js";

/** A path for node:fs: as bytes where its text form stands for bytes that are not UTF-8. */
export function localPath(path: string): string | Buffer {
  return path.isWellFormed() ? path : encodeName(path);
}

/** Runs a call of node:fs. Rejects with SinkError, which names the path. */
export async function onDisk<T>(path: string, run: (path: string | Buffer) => Promise<T>): Promise<T> {
  try {
    return await run(localPath(path));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw cause instanceof SinkError ? cause : new SinkError(`${displayName(path)}: ${why}`, { cause });
  }
}

/** Makes a folder where there is none. A link in its place is refused: what it points to is not ours. */
export function makeFolder(path: string): Promise<void> {
  return onDisk(path, async (at) => {
    try {
      await fs.mkdir(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const stat = await fs.lstat(at);
      if (!stat.isDirectory()) throw new SinkError(`${displayName(path)} is in the way: it is not a folder`);
    }
  });
}

/** What is at a path, links not followed; undefined where there is nothing. */
export function look(path: string) {
  return onDisk(path, async (at) => {
    try {
      return await fs.lstat(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  });
}

/** Size and time of a regular file; undefined where there is nothing. Rejects where something else has the name. */
export async function lookAtFile(path: string): Promise<Known | undefined> {
  const stat = await look(path);
  if (stat === undefined) return undefined;
  if (!stat.isFile()) throw new SinkError(`${displayName(path)} is in the way: it is not a file`);
  return { size: stat.size, modified: stat.mtime };
}

/** Absent on Windows, where making links is a privilege. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** Flags to write a file without following a link: `new` must not exist, `again` may and is emptied, `on` stays. */
export const FLAGS = {
  new: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW,
  again: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | NO_FOLLOW,
  on: constants.O_WRONLY | NO_FOLLOW,
} as const;

/** Where the bytes of an upload come from. */
export interface Origin extends Known {
  /** The bytes from `start` on. A file is opened when they are asked for; a chunk is good until the next one is. */
  from(start: number): Source;
}

/** A file of this machine, links followed. Rejects with SinkError where it cannot be read. */
export function fileOrigin(path: string): Promise<Origin> {
  return onDisk(path, async (at) => {
    await fs.access(at, constants.R_OK);
    const stat = await fs.stat(at);
    // A pipe or a device has neither size nor time.
    const known = stat.isFile() ? { size: stat.size, modified: stat.mtime } : {};
    return { ...known, from: (start) => bytesOf(at, start) };
  });
}

async function* bytesOf(path: string | Buffer, start: number): AsyncGenerator<Buffer> {
  yield* await readFileRange(path, start, Number.POSITIVE_INFINITY, true);
}

/** What is no file: bytes, text, a stream. A stream begins at its beginning only. */
export function valueOrigin(source: Exclude<Source, string | URL>): Origin {
  const bytes = source instanceof Uint8Array ? source : "text" in source ? Buffer.from(source.text) : undefined;
  if (bytes === undefined) return { from: () => source };
  return { size: bytes.length, from: (start) => bytes.subarray(start) };
}

/** The path that a source names, or undefined where it is no path. */
export function pathOf(source: Source): string | undefined {
  if (typeof source === "string") return source;
  return source instanceof URL ? fileURLToPath(source) : undefined;
}
