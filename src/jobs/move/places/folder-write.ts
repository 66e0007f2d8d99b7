/** Files of a local folder as they are written: nothing is followed, and what is confirmed is on the disk. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { SinkError } from "../../../client/errors.js";

/** A file to be written: its path as bytes, and as messages call it. */
export interface LocalFile {
  readonly path: Buffer;
  readonly shown: string;
}

type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

/** A file that is there, but never what a link leads to. */
const THERE = constants.O_WRONLY | constants.O_NOFOLLOW;
const NEW = THERE | constants.O_CREAT | constants.O_EXCL;

/** Writes a new file. Gives its bytes. */
export function writeNew(file: LocalFile, source: Chunks, signal: AbortSignal): Promise<number> {
  return write(file, NEW, 0, source, signal);
}

/** Writes into a file that is there, from byte `at` on. Gives the bytes that were written. */
export function writeInto(file: LocalFile, at: number, source: Chunks, signal: AbortSignal): Promise<number> {
  return write(file, THERE, at, source, signal);
}

/** Makes a new file of so many bytes: these, and zeros. */
export async function reserve({ path, shown }: LocalFile, first: Buffer, size: number): Promise<void> {
  const file = await wrap(open(path, NEW), `write ${shown}`);
  try {
    await wrap(file.writeFile(first), `write ${shown}`);
    await wrap(file.truncate(size), `write ${shown}`);
  } finally {
    await file.close();
  }
}

async function write(
  { path, shown }: LocalFile,
  flags: number,
  at: number,
  source: Chunks,
  signal: AbortSignal,
): Promise<number> {
  const doing = `write ${shown}`;
  const file = await wrap(open(path, flags), doing);
  let bytes = 0;
  try {
    for await (const chunk of source) {
      signal.throwIfAborted();
      // A disk that fills up takes a part first.
      for (let done = 0; done < chunk.length; )
        done += (await wrap(file.write(chunk, done, chunk.length - done, at + bytes + done), doing)).bytesWritten;
      bytes += chunk.length;
    }
    // The source is removed once this file is published: it must outlive a power cut.
    await wrap(file.datasync(), doing);
  } finally {
    await file.close();
  }
  return bytes;
}

/** A failure of the file system, as one of ours. */
export async function wrap<T>(doing: Promise<T>, what: string): Promise<T> {
  try {
    return await doing;
  } catch (cause) {
    throw new SinkError(`cannot ${what}: ${(cause as Error).message}`, { cause });
  }
}
