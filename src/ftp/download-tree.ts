/** A folder of the server with all that is in it, copied here. Nothing is written outside the target. */
import fs from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../client/errors.js";
import type { FtpClient } from "./client.js";
import { type Alone, joinPath, type TreeResult } from "./copy.js";
import { type DownloadOptions, lookAtRemote, receiveOne } from "./download.js";
import type { EntryType, FtpEntry } from "./entry.js";
import { readFolder } from "./folder.js";
import { makeFolder, onDisk } from "./local.js";
import { whereIs } from "./metadata.js";
import { isPlainName, pathArgument } from "./name.js";
import type { Known } from "./part.js";
import { DEEPEST, runTree, type TreeRun } from "./tree.js";

/** A folder to go through, and those it is in, by which a loop is noticed. */
interface Folder {
  readonly remote: string;
  readonly local: string;
  /** Below the root. */
  readonly path: string;
  readonly depth: number;
  readonly above: Folder | undefined;
  /** The server's mark of the same folder (the fact `unique`). */
  readonly unique: string | undefined;
  /** Its path without links; known where links are followed. */
  readonly real: string | undefined;
}

/** What is kept of an entry until its turn comes. */
interface Item extends Known {
  readonly name: string;
  readonly type: EntryType;
  readonly unique: string | undefined;
}

export function downloadTree(
  client: FtpClient,
  alone: Alone,
  remote: string,
  local: string,
  options: DownloadOptions,
): Promise<TreeResult> {
  return runTree(client, remote, options, (run) => new Walk(client, alone, options, run).walk(remote, local));
}

class Walk {
  readonly #folders: Folder[] = [];
  /** The files' own folder is there: its path need not be made for each. */
  readonly #fileOptions: DownloadOptions;

  constructor(
    private readonly client: FtpClient,
    private readonly alone: Alone,
    private readonly options: DownloadOptions,
    private readonly run: TreeRun,
  ) {
    this.#fileOptions = { ...options, makePath: false };
  }

  async walk(remote: string, local: string): Promise<void> {
    const { makePath = false, followLinks } = this.options;
    await onDisk(local, async (at) => {
      // The root may be a link: it is the user's own word.
      const there = await fs.stat(at).catch(() => undefined);
      if (!there?.isDirectory()) await fs.mkdir(at, { recursive: makePath });
    });
    const real = followLinks ? await this.#whereIs(remote) : undefined;
    const unique = await this.#uniqueOf(remote);
    const root = { remote, local, path: "", depth: 0, above: undefined, unique, real };
    await this.#enter(root);
    for (let folder = this.#folders.pop(); folder; folder = this.#folders.pop()) {
      this.run.goOn();
      try {
        await makeFolder(folder.local);
        await this.#enter(folder);
      } catch (error) {
        this.run.fail(folder.path, error);
      }
    }
  }

  /** Lists a folder, then hands out its files; its folders are left for later. */
  async #enter(folder: Folder): Promise<void> {
    const items: Item[] = [];
    const call = { signal: this.options.signal, timeout: this.options.timeout };
    const { cut } = await readFolder(this.client, folder.remote, call, (entry) => {
      const item = this.#choose(folder, entry);
      if (item) items.push(item);
    });
    this.run.tally.folders++;
    for (const item of items) {
      const path = joinPath(folder.path, item.name);
      try {
        await this.#take(folder, item, path);
      } catch (error) {
        this.run.goOn();
        this.run.fail(path, error);
      }
    }
    if (cut) this.run.fail(folder.path, cut);
  }

  /** What of an entry is wanted. A name is used here only where it is the plain name of a file. */
  #choose(folder: Folder, entry: FtpEntry): Item | undefined {
    const { tally } = this.run;
    const { name, type, size, unique } = entry;
    const path = joinPath(folder.path, name);
    if (type === "unparsed") tally.skip(joinPath(folder.path, entry.raw), "a row of the listing that cannot be read");
    else if (!isPlainName(name)) tally.skip(path, "not a name that is safe to use here");
    else if (this.options.filter?.(entry, path) === false) return undefined;
    else if (type === "symlink" && !this.options.followLinks) tally.skip(path, "a symbolic link");
    else if (type === "other" && size === undefined) tally.skip(path, "neither a file nor a folder");
    // LIST tells minutes or days: the time of such a file is asked for.
    else return { name, type, size, unique, modified: entry.precision === "second" ? entry.modified : undefined };
    return undefined;
  }

  async #take(folder: Folder, item: Item, path: string): Promise<void> {
    const remote = joinPath(folder.remote, item.name);
    const local = join(folder.local, item.name);
    const link = item.type === "symlink" ? await this.#follow(remote) : undefined;
    if (item.type === "directory" || link === "folder") {
      const real = link === "folder" ? await this.#whereIs(remote) : folder.real && joinPath(folder.real, item.name);
      const { unique } = item;
      this.#later({ remote, local, path, depth: folder.depth + 1, above: folder, unique, real });
      return;
    }
    const known = link ?? item;
    await this.run.add(path, (client) =>
      this.alone(client, this.#fileOptions, (session, call) =>
        receiveOne(session, remote, known, local, path, this.#fileOptions, call),
      ),
    );
  }

  #later(folder: Folder): void {
    for (let above = folder.above; above; above = above.above) {
      const same = folder.unique !== undefined && above.unique === folder.unique;
      if (same || (folder.real !== undefined && above.real === folder.real)) {
        this.run.tally.skip(folder.path, `a loop: the same folder as ${above.path || "the root"}`);
        return;
      }
    }
    if (folder.depth <= DEEPEST) this.#folders.push(folder);
    else throw new UsageError(`more than ${DEEPEST} folders within each other: a loop?`);
  }

  #follow(remote: string): Promise<Known | "folder"> {
    return this.alone(this.client, this.options, (session, call) => lookAtRemote(session, remote, call));
  }

  /** The server's mark of the root; of the others the listing tells it. */
  async #uniqueOf(remote: string): Promise<string | undefined> {
    const { signal, timeout } = this.options;
    if (!this.client.has("MLST")) return undefined;
    const reply = await this.client.request(`MLST ${pathArgument(remote)}`, { signal, timeout, expect: "any" });
    return /^ (?:\S*;)?unique=([^;\s]+);/im.exec(reply.lines.join("\n"))?.[1];
  }

  #whereIs(remote: string): Promise<string | undefined> {
    return this.alone(this.client, this.options, (session, call) => whereIs(session, remote, call));
  }
}
