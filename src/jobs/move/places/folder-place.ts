/** A local folder as one side of a move. Names are bytes here, too. */
import { constants, createReadStream } from "node:fs";
import { lstat, mkdir, open, opendir, rename, rmdir, stat, unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ProtocolError, SinkError, UsageError } from "../../../client/errors.js";
import { decodeName, encodeName } from "../../../ftp/name.js";
import type { ListedFile } from "../../journal/journal.js";
import { Digester, type DigestName } from "./digests.js";
import { type LocalFile, reserve, wrap, writeInto, writeNew } from "./folder-write.js";
import type {
  Abilities,
  Arrival,
  FileStat,
  ListedFolder,
  ListedGroup,
  ListingCall,
  Place,
  Published,
} from "./place.js";

/** Entries looked at together. */
const BATCH = 256;

export class FolderPlace implements Place {
  readonly shown: string;
  readonly usable: boolean = true;
  readonly digests: readonly DigestName[] = ["sha256"];
  readonly abilities: Abilities = { readsFrom: true, writesFrom: true, appends: true, takesParts: true };
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

  async *list(folder: string, { notes }: ListingCall): AsyncIterable<ListedGroup> {
    const path = folder === "" ? Buffer.from(this.#folder) : this.#path(folder);
    const entries = await wrap(
      opendir(path as unknown as string, { encoding: "buffer" as BufferEncoding, bufferSize: BATCH }),
      `list ${join(this.#folder, folder)}`,
    );
    let names: string[] = [];
    let folders: ListedFolder[] = [];
    const group = async () => ({ files: await this.#listed(folder, names), folders });
    for await (const entry of entries) {
      const name = decodeName(entry.name as unknown as Buffer);
      if (entry.isFile()) names.push(name);
      else if (entry.isDirectory()) folders.push({ name, unique: undefined });
      else notes.passedOver++;
      if (names.length + folders.length < BATCH) continue;
      yield await group();
      names = [];
      folders = [];
    }
    if (names.length + folders.length > 0) yield await group();
  }

  async #listed(folder: string, names: string[]): Promise<ListedFile[]> {
    const stats = await this.stat(names.map((name) => (folder === "" ? name : `${folder}/${name}`)));
    return names.flatMap((name, i) => {
      const found = stats[i];
      return found === undefined ? [] : [{ name, size: found.size, mtime: found.mtime }];
    });
  }

  stat(names: readonly string[]): Promise<(FileStat | undefined)[]> {
    return Promise.all(
      names.map(async (name) => {
        try {
          return await this.#look(this.#path(name));
        } catch (error) {
          if (isAbsent(error)) return undefined;
          throw new SinkError(`cannot look at ${join(this.#folder, name)}: ${(error as Error).message}`, {
            cause: error,
          });
        }
      }),
    );
  }

  /** A link that leads nowhere takes a name all the same: it is looked at itself. */
  async #look(path: Buffer): Promise<FileStat> {
    const found = await stat(path).catch((error) => {
      if (isAbsent(error)) return lstat(path);
      throw error;
    });
    return { size: found.size, mtime: Math.trunc(found.mtimeMs) };
  }

  async *read(name: string, signal: AbortSignal, from = 0): AsyncIterable<Buffer> {
    try {
      yield* createReadStream(this.#path(name), { highWaterMark: 256 * 1024, signal, start: from });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new SinkError(`cannot read ${join(this.#folder, name)}: ${(error as Error).message}`, { cause: error });
    }
  }

  async fetch(name: string, most: number, signal: AbortSignal): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of this.read(name, signal)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > most) throw new ProtocolError(`${join(this.#folder, name)} has more than ${most} bytes`);
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  async store(name: string, content: Buffer, signal: AbortSignal): Promise<number> {
    return this.write(name, [content], signal);
  }

  async write(name: string, source: AsyncIterable<Buffer> | Iterable<Buffer>, signal: AbortSignal): Promise<number> {
    return writeNew(this.#file(name), source, signal);
  }

  async writeFrom(name: string, at: number, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    return writeInto(this.#file(name), at, source, signal);
  }

  async append(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    const [found] = await this.stat([name]);
    return this.writeFrom(name, found?.size ?? 0, source, signal);
  }

  async reserve(name: string, first: Buffer, size: number): Promise<void> {
    return reserve(this.#file(name), first, size);
  }

  async publish(arrivals: readonly Arrival[]): Promise<(Published | Error)[]> {
    const results = await Promise.all(arrivals.map((each) => this.#publish(each)));
    // The sources are removed next: the names must outlive a power cut, too.
    const folders = new Set(arrivals.map(({ final }) => folderOf(final)));
    await Promise.all([...folders].map((folder) => syncFolder(join(this.#folder, folder))));
    return results;
  }

  async #publish({ temp, final, mtime }: Arrival): Promise<Published | Error> {
    try {
      if (mtime !== undefined) await utimes(this.#path(temp), new Date(), new Date(mtime));
      await rename(this.#path(temp), this.#path(final));
    } catch (error) {
      return new SinkError(`cannot publish ${join(this.#folder, final)}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return { timed: true };
  }

  touch(files: readonly { readonly name: string; readonly mtime: number }[]): Promise<(Error | undefined)[]> {
    return Promise.all(
      files.map(({ name, mtime }) =>
        wrap(utimes(this.#path(name), new Date(), new Date(mtime)), `set the time of ${join(this.#folder, name)}`).then(
          () => undefined,
          (error: Error) => error,
        ),
      ),
    );
  }

  /** The file is read as it was written. */
  digest(files: readonly { readonly name: string }[], digest: DigestName): Promise<(string | Error)[]> {
    const { signal } = new AbortController();
    return Promise.all(
      files.map(async ({ name }) => {
        const digester = new Digester(digest);
        try {
          for await (const chunk of this.read(name, signal)) digester.update(chunk);
          return digester.hex(digest);
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
    const path = join(this.#folder, folder);
    await wrap(mkdir(this.#path(folder), { recursive: true }), `make the folder ${path}`);
    const above = folder.split("/").map((_, i, parts) => join(this.#folder, ...parts.slice(0, i)));
    await Promise.all(above.map(syncFolder));
  }

  removeFolders(folders: readonly string[]): Promise<(boolean | Error)[]> {
    return Promise.all(
      folders.map((folder) =>
        rmdir(this.#path(folder)).then(
          () => true,
          (error: Error) => (isAbsent(error) || isOccupied(error) ? false : error),
        ),
      ),
    );
  }

  async close(): Promise<void> {}

  #file(name: string): LocalFile {
    return { path: this.#path(name), shown: join(this.#folder, name) };
  }

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

/** Below a file there is nothing, nor under a name that cannot be. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"]);

function isAbsent(error: unknown): boolean {
  return ABSENT.has((error as NodeJS.ErrnoException).code ?? "");
}

function isOccupied(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOTEMPTY" || code === "EEXIST";
}

/** Puts the names in a folder on the disk, where the system can (Windows cannot). */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
