/** Uploads that one need not look after: a temporary name, a check, the time, and only then the final name. */
import { stat } from "node:fs/promises";
import { ReplyError, UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { openSource } from "../net/stream.js";
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
import { fileOrigin, localPath, type Origin, pathOf, valueOrigin } from "./local.js";
import { exists, makePath, stats } from "./metadata.js";
import { pathArgument } from "./name.js";
import { partName, randomTag, resumeAt, type Start } from "./part.js";
import type { FtpSession } from "./session.js";
import { timeCommand } from "./set-time.js";
import { sendFile } from "./store.js";
import { onlyFile } from "./tree.js";
import { uploadTree } from "./upload-tree.js";
import { LocalDigest, mismatch, sizeFrom } from "./verify.js";

/** What `upload()` takes; filter, connections and the like count where the source is a folder. */
export interface UploadOptions extends CopyOptions, TreeOptions {}

/** Uploads a file, or a folder with all that is in it. */
export async function upload(
  client: FtpClient,
  alone: Alone,
  source: Source,
  remote: string,
  options: UploadOptions,
): Promise<TreeResult> {
  const path = pathOf(source);
  if (path !== undefined && (await isFolder(path))) return uploadTree(client, alone, path, remote, options);
  const origin = path === undefined ? valueOrigin(source as Exclude<Source, string | URL>) : await fileOrigin(path);
  return onlyFile(options, () =>
    alone(client, options, (session, call) => sendOne(session, origin, remote, "", options, call)),
  );
}

async function isFolder(path: string): Promise<boolean> {
  // What cannot be looked at is found out, and explained, where it is opened.
  return stat(localPath(path)).then(
    (is) => is.isDirectory(),
    () => false,
  );
}

/** Uploads one file. `path` is what `onBytes` calls it. */
export function sendOne(
  session: FtpSession,
  origin: Origin,
  remote: string,
  path: string,
  options: UploadOptions,
  call: Call,
): Promise<Outcome> {
  const { onBytes } = options;
  const counted = onBytes && ((bytes: number) => onBytes(bytes, path));
  return inSteps(call, (step) => new Sending(session, origin, remote, options, call, step, counted).run());
}

/** Refusals of REST that leave APPE to try: unknown, not implemented, not permitted (ProFTPD: 451). */
const NO_RESTART = /^(451|50[0-4]|55[014])$/;

class Sending {
  /** True where the temporary file is to stay although the upload failed. */
  #keep: boolean;
  #digest: LocalDigest | undefined;

  constructor(
    private readonly session: FtpSession,
    private readonly origin: Origin,
    private readonly remote: string,
    private readonly options: UploadOptions,
    private readonly call: Call,
    private readonly step: () => void,
    private readonly onBytes: ((bytes: number) => void) | undefined,
  ) {
    this.#keep = options.resume ?? false;
  }

  async run(): Promise<Outcome> {
    const { session, options, remote, call } = this;
    const { onExists = "overwrite" } = options;
    const folder = remote.slice(0, remote.lastIndexOf("/"));
    if (options.makePath && folder !== "") await makePath(session, folder, call);
    if (onExists !== "overwrite" && (await exists(session, remote, call))) return taken(remote, onExists);
    this.#digest = this.#newDigest();
    const start = await this.#start();
    if (start === undefined) return { bytes: 0, why: "it is there already" };
    try {
      const bytes = await this.#send(start);
      this.step();
      await this.#check(start.path, start.from + bytes);
      this.step();
      if (start.path !== remote) await this.#publish(start.path);
      return { bytes };
    } catch (error) {
      if (start.path !== remote && !this.#keep) await this.#remove(start.path);
      throw error;
    }
  }

  async #start(): Promise<Start | undefined> {
    const { session, options, origin, remote, call } = this;
    if (!options.resume) return { path: partName(remote, randomTag()), from: 0 };
    if (origin.size === undefined) {
      throw new UsageError("resume needs a source whose size is known: a file, bytes or text", { protocol: "ftp" });
    }
    const part = partName(remote);
    const [partIs, finalIs] = await stats(session, [part, remote].map(pathArgument), call);
    const start = resumeAt({ part, final: remote, partIs, finalIs }, origin);
    return start ?? ((await this.#isSame()) ? undefined : { path: part, from: 0 });
  }

  /** False where a final file of the right size is known to hold other bytes. */
  async #isSame(): Promise<boolean> {
    const digest = this.#newDigest();
    if (digest === undefined) return true;
    await digestWhole(this.origin, digest);
    return digest.matches(this.session, pathArgument(this.remote), this.call);
  }

  #newDigest(): LocalDigest | undefined {
    return this.options.verify === "hash" ? new LocalDigest(this.session) : undefined;
  }

  /** Sends what is not there yet; gives how many bytes that was. */
  async #send({ path, from }: Start): Promise<number> {
    if (from === 0) return this.#transfer("STOR", path, 0, 0);
    if (from === this.origin.size) {
      if (this.#digest) await digestWhole(this.origin, this.#digest);
      return 0;
    }
    // The size was told before: where a lost connection's last bytes come later, only REST puts ours in their place.
    if (!restarts(this.session)) return this.#transfer("APPE", path, from, 0);
    try {
      return await this.#transfer("STOR", path, from, from);
    } catch (error) {
      if (!(error instanceof ReplyError) || !NO_RESTART.test(error.code)) throw error;
      this.step();
      const [now] = await stats(this.session, [pathArgument(path)], this.call);
      if (now?.size !== from) throw error;
      this.#digest = this.#newDigest();
      return this.#transfer("APPE", path, from, 0);
    }
  }

  async #transfer(verb: string, path: string, from: number, offset: number): Promise<number> {
    const { session, origin, call, onBytes } = this;
    const source = this.#digest ? digested(origin, this.#digest, from) : origin.from(from);
    const options = { offset, onBytes: onBytes && ((bytes: number) => onBytes(from + bytes)) };
    return (await sendFile(session, `${verb} ${pathArgument(path)}`, source, options, call)).bytes;
  }

  /** Compares the copy, and gives it its time, in one write. */
  async #check(path: string, total: number): Promise<void> {
    const { session, origin, options, call } = this;
    const argument = pathArgument(path);
    const { modified } = origin;
    const time = options.keepTimes !== false && modified ? timeCommand(session, argument, modified) : undefined;
    const sized = (options.verify ?? "size") === "size";
    const commands = [...(sized ? [`SIZE ${argument}`] : []), ...(time ? [time] : [])];
    // A refused time is no reason to give up a good copy.
    const [size] = commands.length > 0 ? await session.pack(commands, { timeout: call.timeout }) : [];
    try {
      if (sized && size) {
        const there = sizeFrom(session, size, argument);
        if (there !== total) throw mismatch(`${JSON.stringify(path)} has ${there} bytes on the server, not ${total}`);
      }
      await this.#digest?.compare(session, argument, call);
    } catch (error) {
      // What is known to be wrong is not continued.
      this.#keep = false;
      throw error;
    }
  }

  /** Gives the copy its name. A server that does not rename over a file (IIS) has that one removed first. */
  async #publish(part: string): Promise<void> {
    const { session, remote, call, options } = this;
    const { timeout } = call;
    try {
      await rename(session, part, remote, timeout);
    } catch (error) {
      const replaces = (options.onExists ?? "overwrite") === "overwrite";
      if (!replaces || !(error instanceof ReplyError) || !error.code.startsWith("5")) throw error;
      const [there] = await stats(session, [pathArgument(remote)], call).catch(() => []);
      if (there === undefined) throw error;
      // From here on the copy may be the only one.
      await session.send(`DELE ${pathArgument(remote)}`, { timeout });
      this.#keep = true;
      await rename(session, part, remote, timeout);
    }
  }

  async #remove(part: string): Promise<void> {
    const { session, call } = this;
    if (session.line.closed) return;
    await session.send(`DELE ${pathArgument(part)}`, { timeout: call.timeout }).catch(() => {});
  }
}

async function rename(session: FtpSession, from: string, to: string, timeout: number): Promise<void> {
  const commands = [`RNFR ${pathArgument(from)}`, `RNTO ${pathArgument(to)}`];
  const replies = await session.pack(commands, { timeout });
  replies.forEach((reply, i) => void session.accept(reply, commands[i] as string));
}

/** True where the server announces REST for streams (RFC 3659 §5). */
function restarts(session: FtpSession): boolean {
  return (session.capabilities.get("REST") ?? []).some((words) => /stream/i.test(words));
}

async function digestWhole(origin: Origin, digest: LocalDigest): Promise<void> {
  for await (const chunk of await openSource(origin.from(0))) digest.update(chunk);
}

/** The bytes from `start` on; all of them go through the digest. */
async function* digested(origin: Origin, digest: LocalDigest, start: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of await openSource(origin.from(0))) {
    digest.update(chunk);
    const rest = chunk.subarray(Math.max(0, start - at));
    at += chunk.length;
    if (rest.length > 0) yield rest;
  }
}
