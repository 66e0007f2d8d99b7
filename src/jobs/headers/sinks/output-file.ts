/** A file that grows at its end only, knows how much of it is safe, and is cut back to that when a job goes on. */
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { SinkError, UsageError } from "../../../client/errors.js";
import { makeFolder } from "../../../message/whole-file.js";
import type { OutputOptions } from "../sink.js";

/** Blocks in hand, being compressed or written, before the writer is asked to wait. */
const DEPTH = 4;

const compress = promisify(gzip);

/**
 * Every append goes behind the one before; with `gzip` each is a gzip member of its own, compressed beside the others
 * on Node's threads. Members in a row are one valid gzip file (RFC 1952 §2.2), which so can be cut between any two.
 */
export class OutputFile {
  readonly #file: FileHandle;
  readonly #gzip: boolean;
  readonly #fsync: boolean;
  #position: number;
  /** What was appended last; rejected once something failed, and then for good. */
  #last: Promise<void> = Promise.resolve();
  /** All that is under way, the oldest first. */
  readonly #flying: Promise<void>[] = [];
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    readonly path: string,
    file: FileHandle,
    position: number,
    options: { gzip: boolean; fsync: boolean },
  ) {
    this.#file = file;
    this.#position = position;
    this.#gzip = options.gzip;
    this.#fsync = options.fsync;
  }

  /**
   * Opens a file, or makes it with its folders.
   *
   * @param options.private Only its owner may read what is made. Default: as the system has it for new files.
   * @throws UsageError where a new job finds something in it (see `existing`); SinkError where a job that goes on finds
   * less than was committed, or where it cannot be opened.
   */
  static async open(
    path: string,
    options: OutputOptions & { gzip?: boolean | undefined; private?: boolean | undefined } = {},
  ): Promise<OutputFile> {
    const committed = options.position?.[path];
    const fsync = options.fsync ?? true;
    let file: FileHandle | undefined;
    try {
      await makeFolder(dirname(path), { fsync, mode: options.private ? 0o700 : 0o777 });
      file = await openOrMake(path, fsync, options.private ? 0o600 : 0o666);
      const { size } = await file.stat();
      const position = startOf(path, size, committed, options.existing ?? "fail");
      if (size > position) await file.truncate(position);
      if (size > position && fsync) await file.sync();
      return new OutputFile(path, file, position, { gzip: options.gzip ?? false, fsync });
    } catch (error) {
      await file?.close();
      throw error instanceof UsageError || error instanceof SinkError ? error : explain(path, "opened", error);
    }
  }

  /** Bytes of the file, without what is under way. */
  get position(): number {
    return this.#position;
  }

  /**
   * Appends bytes. @param release Called when nobody looks at them any more.
   *
   * @returns A promise where much is under way: wait for it before appending more.
   */
  append(bytes: Buffer, release?: () => void): Promise<void> | undefined {
    if (this.#failure) return this.#refuse(this.#failure);
    const before = this.#last;
    const ready = this.#gzip ? compress(bytes) : bytes;
    // It is awaited only after those before it are written.
    if (ready instanceof Promise) ready.catch(() => {});
    const written = this.#write(before, ready).finally(() => {
      this.#flying.shift();
      release?.();
    });
    written.catch((error) => (this.#failure = error));
    this.#last = written;
    this.#flying.push(written);
    return this.#flying.length > DEPTH ? this.#flying.at(-DEPTH) : undefined;
  }

  /** Resolves with the length when all that was appended before is on the disk (with `fsync`), or with the system. */
  flush(): Promise<number> {
    // Read as soon as the last one is written: the next may follow at once.
    const position = this.#last.then(() => this.#position);
    if (!this.#fsync) return position;
    return position.then((length) => this.#sync(length));
  }

  /** Writes what is under way and closes. Safe twice. */
  close(): Promise<void> {
    this.#closed ??= this.flush().then(
      () => this.#file.close(),
      (error) => this.#file.close().then(() => Promise.reject(error)),
    );
    return this.#closed;
  }

  /** A rejection that nobody need look at. */
  #refuse(failure: Error): Promise<never> {
    const refused = Promise.reject(failure);
    refused.catch(() => {});
    return refused;
  }

  async #write(before: Promise<void>, ready: Buffer | Promise<Buffer>): Promise<void> {
    await before;
    try {
      const bytes = await ready;
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#position);
        at += bytesWritten;
        this.#position += bytesWritten;
      }
    } catch (error) {
      throw explain(this.path, "written", error);
    }
  }

  async #sync(length: number): Promise<number> {
    try {
      await this.#file.datasync();
      return length;
    } catch (error) {
      throw explain(this.path, "written", error);
    }
  }
}

/** Where to begin. */
function startOf(path: string, size: number, committed: number | undefined, existing: "fail" | "append" | "replace") {
  if (committed !== undefined) {
    if (size >= committed) return committed;
    throw new SinkError(`${path} has ${size} bytes, but the journal says that ${committed} were written`, {
      advice:
        "it was changed, or the disk lost a part: put the file back, or begin anew without both the file and the journal",
    });
  }
  if (size === 0 || existing === "replace") return 0;
  if (existing === "append") return size;
  throw new UsageError(`${path} is there already and not empty`, {
    advice: 'name another file, or say existing: "replace" or existing: "append"',
  });
}

async function openOrMake(path: string, fsync: boolean, mode: number): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const file = await open(path, "wx+", mode);
  if (fsync && process.platform !== "win32") {
    // The name, too, must survive a power failure. Windows has no way to ask for it.
    const folder = await open(dirname(path), "r");
    await folder.sync().finally(() => folder.close());
  }
  return file;
}

function explain(path: string, what: string, cause: unknown): SinkError {
  return new SinkError(`${path} could not be ${what}: ${cause instanceof Error ? cause.message : cause}`, { cause });
}
