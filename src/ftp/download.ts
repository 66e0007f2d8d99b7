/** Downloads that one need not look after: a temporary name, a check, the time, and only then the final name. */
import fs from "node:fs/promises";
import { dirname } from "node:path";
import { ReplyError, SinkError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import { FileWriter } from "../net/file-sink.js";
import { readFileRange } from "../net/file-source.js";
import type { FtpClient } from "./client.js";
import {
  type Alone,
  type CopyOptions,
  inSteps,
  type Outcome,
  type TreeOptions,
  type TreeResult,
  taken,
} from "./copy.js";
import { downloadTree } from "./download-tree.js";
import { FLAGS, localPath, look, lookAtFile, onDisk } from "./local.js";
import { stats, whereIs } from "./metadata.js";
import { displayName, pathArgument } from "./name.js";
import { type Known, partName, randomTag, resumeAt, type Start } from "./part.js";
import type { FtpSession } from "./session.js";
import { receiveFile } from "./store.js";
import { onlyFile } from "./tree.js";
import { LocalDigest, mismatch, unsized } from "./verify.js";

/** What `download()` takes; filter, connections and the like count where the remote path is a folder. */
export interface DownloadOptions extends CopyOptions, TreeOptions {}

/** Downloads a file, or a folder with all that is in it. */
export async function download(
  client: FtpClient,
  alone: Alone,
  remote: string,
  local: string,
  options: DownloadOptions,
): Promise<TreeResult> {
  const known = await alone(client, options, (session, call) => lookAtRemote(session, remote, call));
  if (known === "folder") return downloadTree(client, alone, remote, local, options);
  return onlyFile(options, () =>
    alone(client, options, (session, call) => receiveOne(session, remote, known, local, "", options, call)),
  );
}

/** Size and time of a file; empty where they are not told, or it is not there: RETR will say so. */
export async function lookAtRemote(session: FtpSession, remote: string, call: Call): Promise<Known | "folder"> {
  try {
    const [file] = await stats(session, [pathArgument(remote)], call);
    if (file) return file;
  } catch (error) {
    if (!(error instanceof ReplyError) || !error.clientUsable) throw error;
  }
  return (await whereIs(session, remote, call)) === undefined ? {} : "folder";
}

/** Downloads one file. `known` is what a listing told of it; `path` what `onBytes` calls it. */
export function receiveOne(
  session: FtpSession,
  remote: string,
  known: Known,
  local: string,
  path: string,
  options: DownloadOptions,
  call: Call,
): Promise<Outcome> {
  const { onBytes } = options;
  const counted = onBytes && ((bytes: number) => onBytes(bytes, path));
  return inSteps(call, (step) => new Receiving(session, remote, known, local, options, call, step, counted).run());
}

class Receiving {
  readonly #argument: string;
  #known: Known;
  #keep: boolean;

  constructor(
    private readonly session: FtpSession,
    remote: string,
    known: Known,
    private readonly local: string,
    private readonly options: DownloadOptions,
    private readonly call: Call,
    private readonly step: () => void,
    private readonly onBytes: ((bytes: number) => void) | undefined,
  ) {
    this.#argument = pathArgument(remote);
    this.#known = known;
    this.#keep = options.resume ?? false;
  }

  async run(): Promise<Outcome> {
    const { local, options } = this;
    const { onExists = "overwrite" } = options;
    if (options.makePath) await onDisk(dirname(local), (at) => fs.mkdir(at, { recursive: true }));
    const there = await look(local);
    if (there && onExists !== "overwrite") return taken(local, onExists);
    if (there?.isDirectory()) throw new SinkError(`${displayName(local)} is in the way: it is a folder`);
    const sized = (options.verify ?? "size") === "size" || this.#keep;
    if (this.#known.size === undefined || !this.#known.modified) await this.#ask(sized);
    const digest = options.verify === "hash" ? new LocalDigest(this.session) : undefined;
    const start = await this.#start();
    if (start === undefined) return { bytes: 0, why: "it is there already" };
    try {
      if (digest && start.from > 0) await digestFile(start, digest);
      const bytes = await this.#receive(start, digest);
      this.step();
      await this.#check(start.from + bytes, digest);
      await this.#publish(start.path);
      return { bytes };
    } catch (error) {
      if (start.path !== local && !this.#keep) await fs.unlink(localPath(start.path)).catch(() => {});
      throw error;
    }
  }

  /** Asks for size and time. What is not there is refused by RETR, in the server's own words. */
  async #ask(sized: boolean): Promise<void> {
    try {
      const [told] = await stats(this.session, [this.#argument], this.call);
      if (told) this.#known = told;
    } catch (error) {
      if (error instanceof ReplyError && error.clientUsable && (!sized || this.#known.size !== undefined)) return;
      throw unsized(error);
    }
  }

  async #start(): Promise<Start | undefined> {
    const { local, options } = this;
    if (!options.resume) return { path: partName(local, randomTag()), from: 0 };
    const part = partName(local);
    const [partIs, finalIs] = [await lookAtFile(part), await lookAtFile(local)];
    const start = resumeAt({ part, final: local, partIs, finalIs }, this.#known);
    if (start !== undefined || options.verify !== "hash") return start;
    const digest = new LocalDigest(this.session);
    await digestFile({ path: local, from: finalIs?.size ?? 0 }, digest);
    return (await digest.matches(this.session, this.#argument, this.call)) ? undefined : { path: part, from: 0 };
  }

  /** Fetches what is not there yet; gives how many bytes that was. */
  async #receive({ path, from }: Start, digest: LocalDigest | undefined): Promise<number> {
    const { session, call, onBytes } = this;
    if (from > 0 && from === this.#known.size) return 0;
    const flags = from > 0 ? FLAGS.on : this.#keep ? FLAGS.again : FLAGS.new;
    const writer = new FileWriter(localPath(path), flags, from);
    let received = 0;
    const sink = (chunk: Buffer) => {
      received += chunk.length;
      digest?.update(chunk);
      return writer.write(chunk);
    };
    const told = onBytes && ((bytes: number) => onBytes(from + bytes));
    const options = { offset: from, onBytes: told, room: () => writer.room() };
    try {
      const { bytes } = await receiveFile(session, `RETR ${this.#argument}`, sink, options, call);
      await writer.end();
      return bytes;
    } catch (error) {
      // What came is good: the next attempt goes on behind it.
      if (this.#keep && received > 0) await writer.end().catch(() => {});
      else writer.destroy();
      throw error;
    }
  }

  /** Compares the copy with what the server says; a file that changed since the listing is asked for again. */
  async #check(total: number, digest: LocalDigest | undefined): Promise<void> {
    const { verify = "size" } = this.options;
    try {
      if (verify === "size" && total !== this.#known.size) {
        const { size } = this.#known;
        await this.#ask(true);
        if (total !== this.#known.size) {
          throw mismatch(`${total} bytes of ${JSON.stringify(this.#argument)} came, not ${this.#known.size ?? size}`);
        }
      }
      await digest?.compare(this.session, this.#argument, this.call);
    } catch (error) {
      // What is known to be wrong is not continued.
      this.#keep = false;
      throw error;
    }
  }

  async #publish(path: string): Promise<void> {
    const { local, options } = this;
    const { modified } = this.#known;
    if (options.keepTimes !== false && modified) await onDisk(path, (at) => fs.lutimes(at, modified, modified));
    // A rename replaces a link, and does not follow it.
    if (path !== local) await onDisk(local, (at) => fs.rename(localPath(path), at));
  }
}

/** Puts the beginning of a file through the digest. */
async function digestFile({ path, from }: Start, digest: LocalDigest): Promise<void> {
  for await (const chunk of await readFileRange(localPath(path), 0, from)) digest.update(chunk);
}
