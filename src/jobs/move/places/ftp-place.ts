/** A folder on an FTP server as one side of a move, over one connection. */
import { ReplyError, UsageError } from "../../../client/errors.js";
import type { FtpClient } from "../../../ftp/client.js";
import { parseTime } from "../../../ftp/parse-reply.js";
import type { DigestName } from "./digests.js";
import { listFolder } from "./ftp-listing.js";
import { digest, digestsOf, setsTimes, touch } from "./ftp-marks.js";
import type { Arrival, FileStat, ListedGroup, ListingCall, Place, Published, Wanted } from "./place.js";

/** Files whose commands go into one write. */
const PACK = 32;
/** Refusals that are not about one file: no such command, not logged in. */
const NOT_OF_ONE_FILE = new Set(["421", "500", "502", "530"]);

/** How a server is reached, and what one connection has learned of it for the next ones. */
export interface FtpAccess {
  /** Makes a client. `serial`: it is to send one command at a time, without a trial. */
  connect(serial: boolean): Promise<FtpClient>;
  /** True where the server answers commands only one by one. */
  serial: boolean;
}

export class FtpPlace implements Place {
  readonly shown: string;
  readonly #access: FtpAccess;
  readonly #folder: string;
  /** Made by the job: a target folder that is not there yet is made. */
  readonly #create: boolean;
  #ftp: FtpClient | undefined;

  constructor(shown: string, access: FtpAccess, folder: string, create: boolean) {
    this.shown = shown;
    this.#access = access;
    this.#folder = folder;
    this.#create = create;
  }

  get usable(): boolean {
    return this.#ftp?.state === "ready";
  }

  async open(signal: AbortSignal): Promise<void> {
    const ftp = await this.#access.connect(this.#access.serial);
    this.#ftp = ftp;
    try {
      await ftp.connect({ signal });
      await ftp.login(undefined, { signal });
      this.#learn();
      if (this.#folder !== "") await this.#enter(ftp);
    } catch (error) {
      await ftp.quit();
      throw error;
    }
  }

  async #enter(ftp: FtpClient): Promise<void> {
    try {
      await ftp.cwd(this.#folder);
    } catch (error) {
      if (!this.#create || !(error instanceof ReplyError) || error.code !== "550") throw error;
      await ftp.makePath(this.#folder);
      await ftp.cwd(this.#folder);
    }
  }

  list(folder: string, call: ListingCall): AsyncIterable<ListedGroup> {
    return listFolder(this.#client, folder, call);
  }

  async stat(names: readonly string[], wanted: Wanted = {}): Promise<(FileStat | Error | undefined)[]> {
    const { times, sizes } = wanted;
    if (sizes && this.#client.capabilities.has("MDTM")) return this.#times(names, sizes);
    try {
      const stats = await this.#client.stats(names, { times });
      return stats.map((each) => each && { size: each.size, mtime: each.modified?.getTime() });
    } catch (error) {
      if (!this.usable || !(error instanceof ReplyError) || NOT_OF_ONE_FILE.has(error.code)) throw error;
      if (names.length === 1) return [error];
    }
    const each: (FileStat | Error | undefined)[] = [];
    for (const name of names) each.push(...(await this.stat([name], { times })));
    return each;
  }

  /** MDTM alone: one command for each file. */
  async #times(names: readonly string[], sizes: readonly number[]): Promise<(FileStat | Error | undefined)[]> {
    const ftp = this.#client;
    const found: (FileStat | Error | undefined)[] = [];
    for (let at = 0; at < names.length; at += PACK * 4) {
      const commands = names.slice(at, at + PACK * 4).map((name) => `MDTM ${name}`);
      for (const [i, reply] of (await ftp.pack(commands)).entries()) {
        if (reply.ok) found.push({ size: sizes[at + i] as number, mtime: parseTime(reply.text)?.getTime() });
        else if (reply.code === "550") found.push(undefined);
        else if (NOT_OF_ONE_FILE.has(reply.code)) throw ftp.refusal(reply, commands[i]!);
        else found.push(ftp.refusal(reply, commands[i]!));
      }
    }
    return found;
  }

  read(name: string, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#client.read(name, { signal });
  }

  fetch(name: string, most: number, signal: AbortSignal): Promise<Buffer> {
    return this.#client.retr(name, { signal, most });
  }

  async store(name: string, content: Buffer, signal: AbortSignal): Promise<number> {
    return (await this.#client.stor(name, content, { signal })).bytes;
  }

  async write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    return (await this.#client.stor(name, source, { signal })).bytes;
  }

  touch(files: readonly { readonly name: string; readonly mtime: number }[]): Promise<(Error | undefined)[]> {
    return touch(this.#client, files);
  }

  get digests(): readonly DigestName[] {
    return this.#ftp === undefined ? [] : digestsOf(this.#ftp);
  }

  digest(
    files: readonly { readonly name: string; readonly size: number }[],
    name: DigestName,
  ): Promise<(string | Error)[]> {
    return digest(this.#client, files, name);
  }

  async publish(arrivals: readonly Arrival[]): Promise<(Published | Error)[]> {
    const ftp = this.#client;
    const results: (Published | Error)[] = [];
    const times = arrivals.flatMap(({ temp, mtime }) => (mtime === undefined ? [] : [{ name: temp, mtime }]));
    const sets = await setsTimes(ftp, times);
    for (let at = 0; at < arrivals.length; at += PACK) {
      const part = arrivals.slice(at, at + PACK);
      const commands = part.map(({ temp, final, mtime }) => {
        const time = mtime === undefined || !sets ? undefined : ftp.modifiedCommand(temp, new Date(mtime));
        return [...(time === undefined ? [] : [time]), `RNFR ${temp}`, `RNTO ${final}`];
      });
      const replies = await ftp.pack(commands.flat());
      let next = 0;
      for (const own of commands) {
        const timed = own.length === 3 && replies[next++]!.ok;
        const [from, to] = [replies[next++]!, replies[next++]!];
        // RNFR says 350, which is no success yet; where it was refused, that says why.
        if (from.ok && to.ok) results.push({ timed });
        else results.push(from.ok ? ftp.refusal(to, own.at(-1)!) : ftp.refusal(from, own.at(-2)!));
      }
    }
    return results;
  }

  async remove(names: readonly string[]): Promise<(Error | undefined)[]> {
    const ftp = this.#client;
    const errors: (Error | undefined)[] = [];
    for (let at = 0; at < names.length; at += PACK * 4) {
      const part = names.slice(at, at + PACK * 4);
      const replies = await ftp.pack(part.map((name) => `DELE ${name}`));
      const refused = part.filter((_, i) => replies[i]?.code === "550");
      // 550 is "not there" as well as "you may not": only the first is as good as removed.
      const there = refused.length > 0 ? await this.stat(refused) : [];
      for (const [i, name] of part.entries()) {
        const reply = replies[i]!;
        const gone = reply.code === "550" && there[refused.indexOf(name)] === undefined;
        errors.push(reply.ok || gone ? undefined : ftp.refusal(reply, `DELE ${name}`));
      }
    }
    return errors;
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#client.makePath(folder);
  }

  async removeFolders(folders: readonly string[]): Promise<(boolean | Error)[]> {
    const ftp = this.#client;
    const results: (boolean | Error)[] = [];
    for (let at = 0; at < folders.length; at += PACK * 4) {
      const part = folders.slice(at, at + PACK * 4);
      const replies = await ftp.pack(part.map((folder) => `RMD ${folder}`));
      for (const [i, reply] of replies.entries()) {
        // 550: not empty, not there, or not allowed: it stays in any case.
        const refused = reply.code === "550" ? false : ftp.refusal(reply, `RMD ${part[i]}`);
        results.push(reply.ok || refused);
      }
    }
    return results;
  }

  async close(): Promise<void> {
    this.#learn();
    await this.#ftp?.quit();
  }

  /** The trial of a login takes seconds where it fails: it is made once. */
  #learn(): void {
    this.#access.serial ||= this.#ftp?.serial ?? false;
  }

  get #client(): FtpClient {
    if (this.#ftp === undefined) throw new UsageError("the place was not opened");
    return this.#ftp;
  }
}
