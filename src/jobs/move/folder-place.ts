/** A local folder as one side of a move. Names are bytes here, too. */
import { constants, createReadStream } from "node:fs";
import { mkdir, open, opendir, rename, stat, unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SinkError, UsageError } from "../../client/errors.js";
import { decodeName, encodeName } from "../../ftp/name.js";
import type { ListedFile } from "../journal/journal.js";
import type { Arrival, FileStat, ListingNotes, Place } from "./place.js";

/** Entries looked at together. */
const BATCH = 256;

export class FolderPlace implements Place {
  readonly shown: string;
  readonly usable = true;
  readonly #folder: string;
  readonly #create: boolean;

  constructor(folder: string, create: boolean) {
    this.shown = folder;
    this.#folder = folder;
    this.#create = create;
  }

  async open(): Promise<void> {
    if (this.#create) await wrap(mkdir(this.#folder, { recursive: true }), `make the folder ${this.#folder}`);
    const found = await stat(this.#folder).catch(() => undefined);
    if (!found?.isDirectory()) throw new UsageError(`there is no folder ${this.#folder}`);
  }

  async *list(notes: ListingNotes): AsyncIterable<ListedFile[]> {
    const entries = await opendir(Buffer.from(this.#folder) as unknown as string, {
      encoding: "buffer" as BufferEncoding,
      bufferSize: BATCH,
    });
    let names: string[] = [];
    for await (const entry of entries) {
      if (entry.isFile()) names.push(decodeName(entry.name as unknown as Buffer));
      else notes.passedOver++;
      if (names.length < BATCH) continue;
      yield await this.#listed(names);
      names = [];
    }
    if (names.length > 0) yield await this.#listed(names);
  }

  async #listed(names: string[]): Promise<ListedFile[]> {
    const stats = await this.stat(names);
    return names.flatMap((name, i) => {
      const found = stats[i];
      return found === undefined ? [] : [{ name, size: found.size, mtime: found.mtime }];
    });
  }

  stat(names: readonly string[]): Promise<(FileStat | undefined)[]> {
    return Promise.all(
      names.map(async (name) => {
        try {
          const found = await stat(this.#path(name));
          return { size: found.size, mtime: Math.trunc(found.mtimeMs) };
        } catch (error) {
          if (isAbsent(error)) return undefined;
          throw new SinkError(`cannot look at ${join(this.#folder, name)}: ${(error as Error).message}`, {
            cause: error,
          });
        }
      }),
    );
  }

  async *read(name: string, signal: AbortSignal): AsyncIterable<Buffer> {
    try {
      yield* createReadStream(this.#path(name), { highWaterMark: 256 * 1024, signal });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new SinkError(`cannot read ${join(this.#folder, name)}: ${(error as Error).message}`, { cause: error });
    }
  }

  async write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const doing = `write ${join(this.#folder, name)}`;
    const file = await wrap(open(this.#path(name), flags), doing);
    let bytes = 0;
    try {
      for await (const chunk of source) {
        signal.throwIfAborted();
        await wrap(file.write(chunk), doing);
        bytes += chunk.length;
      }
      // The source is removed once this file is published: it must outlive a power cut.
      await wrap(file.datasync(), doing);
    } finally {
      await file.close();
    }
    return bytes;
  }

  publish(arrivals: readonly Arrival[]): Promise<(FileStat | Error)[]> {
    return Promise.all(
      arrivals.map(async ({ temp, final, mtime }) => {
        try {
          if (mtime !== undefined) await utimes(this.#path(temp), new Date(), new Date(mtime));
          await rename(this.#path(temp), this.#path(final));
          const found = await stat(this.#path(final));
          return { size: found.size, mtime: Math.trunc(found.mtimeMs) };
        } catch (error) {
          return error as Error;
        }
      }),
    );
  }

  remove(names: readonly string[]): Promise<(Error | undefined)[]> {
    return Promise.all(
      names.map((name) =>
        unlink(this.#path(name)).then(
          () => undefined,
          (error: Error) => (isAbsent(error) ? undefined : error),
        ),
      ),
    );
  }

  async makeFolder(folder: string): Promise<void> {
    await wrap(mkdir(this.#path(folder), { recursive: true }), `make the folder ${join(this.#folder, folder)}`);
  }

  async close(): Promise<void> {}

  /** The path as bytes: a name that is not UTF-8 stays what it is. Nothing leads out of the folder. */
  #path(name: string): Buffer {
    const parts = name.split("/");
    if (parts.some((part) => part === "" || part === "." || part === "..") || name.includes("\0")) {
      throw new UsageError(`the name ${JSON.stringify(name)} leads out of the folder ${this.#folder}`);
    }
    return Buffer.concat([Buffer.from(`${this.#folder}/`), encodeName(name)]);
  }
}

/** The folder of a relative path; "" where it has none. */
export function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === "." ? "" : folder;
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

async function wrap<T>(doing: Promise<T>, what: string): Promise<T> {
  try {
    return await doing;
  } catch (cause) {
    throw new SinkError(`cannot ${what}: ${(cause as Error).message}`, { cause });
  }
}
