/** One run over a tree: bounded work on one connection or several, and the tally of what came of it. */
import { cancelled } from "../client/abort.js";
import { wholeNumber } from "../client/options.js";
import { Pool } from "../client/pool.js";
import type { CallOptions } from "../client/session.js";
import type { FtpClient } from "./client.js";
import type { FileEvent, Outcome, TreeOptions, TreeResult } from "./copy.js";

/** What every tree job takes. */
export type RunOptions = TreeOptions & CallOptions;

/** How many skipped and failed files a result lists. */
const MOST_LISTED = 10_000;

/** Folders within folders; a deeper tree is taken for a loop. */
export const DEEPEST = 256;

/** Counts files and folders, and tells of them. */
export class Tally {
  readonly #onFile: ((event: FileEvent) => void) | undefined;
  readonly #skipped: { path: string; why: string }[] = [];
  readonly #failed: { path: string; error: unknown }[] = [];
  #files = 0;
  #bytes = 0;
  #unlisted = 0;
  folders = 0;
  /** Files and folders that failed so far. */
  failures = 0;

  constructor(onFile: ((event: FileEvent) => void) | undefined) {
    this.#onFile = onFile;
  }

  get result(): TreeResult {
    return {
      files: this.#files,
      folders: this.folders,
      bytes: this.#bytes,
      skipped: this.#skipped,
      failed: this.#failed,
      unlisted: this.#unlisted,
    };
  }

  /** One file has come to its end. */
  file(path: string, { bytes, why }: Outcome): void {
    if (why === undefined) {
      this.#files++;
      this.#bytes += bytes;
      this.#onFile?.({ path, outcome: "done", bytes });
    } else {
      this.skip(path, why);
    }
  }

  skip(path: string, why: string): void {
    if (this.#skipped.length < MOST_LISTED) this.#skipped.push({ path, why });
    else this.#unlisted++;
    this.#onFile?.({ path, outcome: "skipped", bytes: 0, why });
  }

  fail(path: string, error: unknown): void {
    this.failures++;
    if (this.#failed.length < MOST_LISTED) this.#failed.push({ path, error });
    else this.#unlisted++;
    this.#onFile?.({ path, outcome: "failed", bytes: 0, error });
  }
}

/** The result of a call that copied one file. Its failure is the call's. */
export async function onlyFile(options: TreeOptions, copy: () => Promise<Outcome>): Promise<TreeResult> {
  const tally = new Tally(options.onFile);
  tally.file("", await copy());
  return tally.result;
}

/**
 * The work on a tree: what is added runs on the client itself, or on several connections besides it. Adding waits
 * while enough is under way, so that memory does not grow with the tree.
 */
export class TreeRun {
  readonly tally: Tally;
  readonly #client: FtpClient;
  readonly #options: RunOptions;
  readonly #most: number;
  #pool: Pool<FtpClient> | undefined;
  #running = 0;
  #wake: (() => void) | undefined;
  #broken: { readonly error: unknown } | undefined;

  /** `directory`: the client's working directory, where the tree's path is relative to it. */
  constructor(client: FtpClient, options: RunOptions, directory: string | undefined) {
    const connections = wholeNumber("connections", options.connections ?? 1, 1, 1000);
    this.tally = new Tally(options.onFile);
    this.#client = client;
    this.#options = options;
    // One more than can run: a connection that becomes free finds work at once.
    this.#most = connections * 2;
    if (connections > 1) this.#pool = new Pool({ create: () => this.#connect(directory), max: connections });
  }

  /** Waits for room, and begins a file. Rejects where the run is over: a signal, a lost connection, stopOnError. */
  async add(path: string, work: (client: FtpClient) => Promise<Outcome>): Promise<void> {
    await this.#until(() => this.#running < this.#most || this.#broken !== undefined);
    this.goOn();
    this.#running++;
    void this.#work(path, work);
  }

  /** Throws where the run is over. */
  goOn(): void {
    const { signal } = this.#options;
    if (signal?.aborted) throw cancelled(signal.reason);
    if (this.#broken) throw this.#broken.error;
  }

  /** A file or folder failed; throws where that ends the run. */
  fail(path: string, error: unknown): void {
    this.tally.fail(path, error);
    const { stopOnError, signal } = this.#options;
    if (stopOnError || signal?.aborted || this.#client.state !== "ready") throw error;
  }

  /** Waits for what is under way, and closes what was opened. */
  async end(): Promise<void> {
    await this.#until(() => this.#running === 0);
    await this.#pool?.close();
    if (this.#broken) throw this.#broken.error;
  }

  async #work(path: string, work: (client: FtpClient) => Promise<Outcome>): Promise<void> {
    try {
      const outcome = await this.#lend(work).catch((error) => this.fail(path, error));
      if (outcome) this.tally.file(path, outcome);
    } catch (error) {
      this.#broken ??= { error };
    }
    this.#running--;
    this.#wake?.();
  }

  async #lend(work: (client: FtpClient) => Promise<Outcome>): Promise<Outcome> {
    const pool = this.#pool;
    if (pool === undefined) return work(this.#client);
    let client: FtpClient;
    try {
      client = await pool.borrow({ signal: this.#options.signal });
    } catch (error) {
      if (this.#options.signal?.aborted) throw error;
      // No further connection is to be had: the client's own does.
      if (pool.size === 0) this.#pool = undefined;
      return work(this.#client);
    }
    return work(client).finally(() => pool.giveBack(client));
  }

  async #connect(directory: string | undefined): Promise<FtpClient> {
    const another = this.#client.clone();
    const call = { signal: this.#options.signal };
    try {
      await another.connect(call);
      await another.login(undefined, call);
      if (directory !== undefined) await another.cwd(directory, call);
      return another;
    } catch (error) {
      await another.quit();
      throw error;
    }
  }

  /** Waits until something holds. The one who adds is the only one who waits. */
  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Runs a walk over a tree to its end, and waits for the files it has begun, also where it fails. */
export async function runTree(
  client: FtpClient,
  remote: string,
  options: RunOptions,
  walk: (run: TreeRun) => Promise<void>,
): Promise<TreeResult> {
  const relative = !remote.startsWith("/") && (options.connections ?? 1) > 1;
  const run = new TreeRun(client, options, relative ? await client.pwd({ signal: options.signal }) : undefined);
  try {
    await walk(run);
  } catch (error) {
    await run.end().catch(() => {});
    throw error;
  }
  await run.end();
  return run.tally.result;
}
