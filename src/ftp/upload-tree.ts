/** A folder of this machine with all that is in it, copied to the server. */
import type { BigIntStats, Dirent, Stats } from "node:fs";
import fs from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../client/errors.js";
import type { FtpClient } from "./client.js";
import { type Alone, joinPath, type TreeResult } from "./copy.js";
import type { EntryType } from "./entry.js";
import { fileOrigin, onDisk } from "./local.js";
import { makePath, whereIs } from "./metadata.js";
import { decodeName, pathArgument } from "./name.js";
import { DEEPEST, runTree, type TreeRun } from "./tree.js";
import { sendOne, type UploadOptions } from "./upload.js";

/** A folder to go through, and those it is in, by which a loop is noticed. */
interface Folder {
  readonly local: string;
  readonly remote: string;
  /** Below the root. */
  readonly path: string;
  readonly depth: number;
  readonly above: Folder | undefined;
  /** Device and number of the folder. */
  readonly id: string;
}

export function uploadTree(
  client: FtpClient,
  alone: Alone,
  local: string,
  remote: string,
  options: UploadOptions,
): Promise<TreeResult> {
  return runTree(client, remote, options, (run) => new Walk(client, alone, options, run).walk(local, remote));
}

class Walk {
  readonly #folders: Folder[] = [];
  readonly #fileOptions: UploadOptions;

  constructor(
    private readonly client: FtpClient,
    private readonly alone: Alone,
    private readonly options: UploadOptions,
    private readonly run: TreeRun,
  ) {
    this.#fileOptions = { ...options, makePath: false };
  }

  async walk(local: string, remote: string): Promise<void> {
    const id = idOf(await onDisk(local, (at) => fs.stat(at, { bigint: true })));
    await this.#makeRemote(remote, this.options.makePath ?? false);
    await this.#enter({ local, remote, path: "", depth: 0, above: undefined, id });
    for (let folder = this.#folders.pop(); folder; folder = this.#folders.pop()) {
      this.run.goOn();
      try {
        await this.#makeRemote(folder.remote, false);
        await this.#enter(folder);
      } catch (error) {
        this.run.goOn();
        this.run.fail(folder.path, error);
      }
    }
  }

  /** MKD; where that is refused, the folder has to be there already. */
  async #makeRemote(path: string, deep: boolean): Promise<void> {
    // The root and the working directory are there.
    if (/^[./]*$/.test(path)) return;
    await this.alone(this.client, this.options, async (session, call) => {
      if (deep) return makePath(session, path, call);
      const command = `MKD ${pathArgument(path)}`;
      const reply = await session.line.send(command, { timeout: call.timeout });
      if (!reply.ok && (await whereIs(session, path, call)) === undefined) session.accept(reply, command);
    });
  }

  async #enter(folder: Folder): Promise<void> {
    this.run.tally.folders++;
    // Names are bytes: Node's types know that of readdir only.
    const options = { encoding: "buffer", bufferSize: 256 } as unknown as { bufferSize: number };
    const entries = await onDisk(folder.local, (at) => fs.opendir(at as string, options));
    for await (const entry of entries as AsyncIterable<Dirent<Buffer>>) {
      const name = decodeName(entry.name);
      const path = joinPath(folder.path, name);
      try {
        await this.#take(folder, name, path);
      } catch (error) {
        this.run.goOn();
        this.run.fail(path, error);
      }
    }
  }

  async #take(folder: Folder, name: string, path: string): Promise<void> {
    const { filter, followLinks } = this.options;
    const local = join(folder.local, name);
    const remote = joinPath(folder.remote, name);
    let is = await onDisk(local, (at) => fs.lstat(at, { bigint: true }));
    const entry = { name, type: typeOf(is), size: Number(is.size), modified: is.mtime };
    if (filter?.(entry, path) === false) return;
    if (is.isSymbolicLink()) {
      if (!followLinks) return this.run.tally.skip(path, "a symbolic link");
      is = await onDisk(local, (at) => fs.stat(at, { bigint: true }));
    }
    if (is.isDirectory()) {
      return this.#later({ local, remote, path, depth: folder.depth + 1, above: folder, id: idOf(is) });
    }
    if (!is.isFile()) return this.run.tally.skip(path, "neither a file nor a folder");
    const options = this.#fileOptions;
    await this.run.add(path, async (client) => {
      const origin = await fileOrigin(local);
      return this.alone(client, options, (session, call) => sendOne(session, origin, remote, path, options, call));
    });
  }

  #later(folder: Folder): void {
    for (let above = folder.above; above; above = above.above) {
      if (above.id === folder.id) {
        this.run.tally.skip(folder.path, `a loop: the same folder as ${above.path || "the root"}`);
        return;
      }
    }
    if (folder.depth <= DEEPEST) this.#folders.push(folder);
    else throw new UsageError(`more than ${DEEPEST} folders within each other: a loop?`);
  }
}

function idOf(is: BigIntStats): string {
  return `${is.dev}:${is.ino}`;
}

function typeOf(is: Stats | BigIntStats): EntryType {
  if (is.isFile()) return "file";
  if (is.isDirectory()) return "directory";
  return is.isSymbolicLink() ? "symlink" : "other";
}
