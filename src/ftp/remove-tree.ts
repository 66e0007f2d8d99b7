/** A folder of the server removed with all that is in it: files in packs, folders bottom-up, links never followed. */
import { posix } from "node:path";
import { UsageError } from "../client/errors.js";
import type { CallOptions, Reply } from "../client/session.js";
import type { FtpClient } from "./client.js";
import { joinPath, type TreeOptions, type TreeResult } from "./copy.js";
import { readFolder } from "./folder.js";
import { isPlainName, pathArgument } from "./name.js";
import { refusal } from "./refusal.js";
import { DEEPEST, Tally } from "./tree.js";

/** What `removeTree()` takes. */
export interface RemoveTreeOptions extends CallOptions, Pick<TreeOptions, "onFile" | "stopOnError"> {
  /** Also remove all that is in the root, the working directory or one above it. Default: false, they are refused. */
  force?: boolean | undefined;
}

/** Commands of one write. */
const PACK = 50;

/** Removes a folder with all that is in it, or a file. */
export async function removeTree(client: FtpClient, path: string, options: RemoveTreeOptions): Promise<TreeResult> {
  const whole = /^(\/|\.|\.\.(\/.*)?)$/.test(posix.normalize(path).replace(/(?<=.)\/$/, ""));
  if (whole && !options.force) {
    throw new UsageError(`removeTree(${JSON.stringify(path)}) would remove everything there is`, {
      advice: "force: true does so",
      protocol: "ftp",
    });
  }
  return new Removal(client, options).run(path === "" ? "." : path, whole);
}

class Removal {
  readonly #tally: Tally;
  /** True where a failure has ended it all. */
  #over = false;

  constructor(
    private readonly client: FtpClient,
    private readonly options: RemoveTreeOptions,
  ) {
    this.#tally = new Tally(options.onFile);
  }

  /** `keep`: the folder itself cannot be removed. */
  async run(path: string, keep: boolean): Promise<TreeResult> {
    const [single] = keep ? [] : await this.#pack("DELE", [path]);
    if (single?.ok) this.#tally.file("", { bytes: 0 });
    else await this.#folder(path, "", 0, keep);
    return this.#tally.result;
  }

  /** Empties a folder and removes it. A listing that was cut short is asked for again, as long as that gets on. */
  async #folder(remote: string, path: string, depth: number, keep: boolean): Promise<void> {
    if (depth > DEEPEST) throw new UsageError(`more than ${DEEPEST} folders within each other: a loop?`);
    const failures = this.#tally.failures;
    for (;;) {
      const found = await this.#empty(remote, path, depth);
      const clean = this.#tally.failures === failures;
      const [reply] = keep || !clean ? [] : await this.#pack("RMD", [remote]);
      if (reply?.ok) this.#tally.folders++;
      if (reply === undefined ? !clean || found === 0 : reply.ok) return;
      if (found === 0 && reply) throw refusal(reply, `RMD ${remote}`);
    }
  }

  /** Removes what is in a folder; gives how many entries it had that should go. */
  async #empty(remote: string, path: string, depth: number): Promise<number> {
    const { signal, timeout } = this.options;
    const files: string[] = [];
    const folders: string[] = [];
    await readFolder(this.client, remote, { signal, timeout }, (entry) => {
      const { name, type, raw } = entry;
      if (isPlainName(name, "linux")) (type === "directory" ? folders : files).push(name);
      else this.#fail(joinPath(path, raw), new UsageError("not a name that is safe to use", { protocol: "ftp" }));
    });
    await this.#files(remote, path, files);
    // DELE first: pyftpdlib lists a link to a folder as a folder, and DELE removes the link; folders refuse it.
    for (const name of await this.#files(remote, path, folders, true)) {
      const below = joinPath(path, name);
      await this.#folder(joinPath(remote, name), below, depth + 1, false).catch((error) => this.#fail(below, error));
    }
    return files.length + folders.length;
  }

  /** Removes files, 50 a write; gives those that were refused, which count as failures unless they may be folders. */
  async #files(remote: string, path: string, names: readonly string[], mayBeFolders = false): Promise<string[]> {
    const refused: string[] = [];
    for (let at = 0; at < names.length; at += PACK) {
      const part = names.slice(at, at + PACK);
      const paths = part.map((name) => joinPath(remote, name));
      const replies = await this.#pack("DELE", paths);
      for (const [i, reply] of replies.entries()) {
        const name = part[i] as string;
        const below = joinPath(path, name);
        if (reply.ok) this.#tally.file(below, { bytes: 0 });
        else if (mayBeFolders) refused.push(name);
        else this.#fail(below, refusal(reply, `DELE ${paths[i]}`));
      }
    }
    return refused;
  }

  #fail(path: string, error: unknown): void {
    if (this.#over) throw error;
    this.#tally.fail(path, error);
    const { stopOnError, signal } = this.options;
    this.#over = stopOnError || signal?.aborted || this.client.state !== "ready";
    if (this.#over) throw error;
  }

  async #pack(verb: string, paths: readonly string[]): Promise<Reply[]> {
    const { signal, timeout } = this.options;
    const commands = paths.map((path) => `${verb} ${pathArgument(path)}`);
    return this.client.pack(commands, { signal, timeout });
  }
}
