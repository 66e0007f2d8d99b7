/** A folder on an FTP server as one side of a move, over one connection. */
import { ReplyError, UsageError } from "../../client/errors.js";
import type { FtpClient } from "../../ftp/client.js";
import type { FtpEntry } from "../../ftp/entry.js";
import { parseTime } from "../../ftp/parse-reply.js";
import type { ListedFile } from "../journal/journal.js";
import type { Arrival, FileStat, ListingNotes, Place, Published, Wanted } from "./place.js";

/** Files whose commands go into one write. */
const PACK = 32;
/** Refusals that are not about one file: no such command, not logged in. */
const NOT_OF_ONE_FILE = new Set(["421", "500", "502", "530"]);
/** What servers say where they leave out rows of a listing. */
const CUT = /truncat|limit|too many/i;

export class FtpPlace implements Place {
  readonly shown: string;
  readonly #make: () => Promise<FtpClient>;
  readonly #folder: string;
  /** Made by the job: a target folder that is not there yet is made. */
  readonly #create: boolean;
  #ftp: FtpClient | undefined;

  constructor(shown: string, make: () => Promise<FtpClient>, folder: string, create: boolean) {
    this.shown = shown;
    this.#make = make;
    this.#folder = folder;
    this.#create = create;
  }

  get usable(): boolean {
    return this.#ftp?.state === "ready";
  }

  async open(signal: AbortSignal): Promise<void> {
    const ftp = await this.#make();
    this.#ftp = ftp;
    try {
      await ftp.connect({ signal });
      await ftp.login(undefined, { signal });
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

  async *list(notes: ListingNotes, signal: AbortSignal): AsyncIterable<ListedFile[]> {
    const onEnd = ({ text }: { text: string }) => {
      if (CUT.test(text)) notes.cut = text.trim();
    };
    for await (const batch of this.#client.entries(undefined, { signal, onEnd }).batches()) {
      const files: ListedFile[] = [];
      for (const entry of batch) {
        if (entry.type === "file") files.push(listed(entry));
        else notes.passedOver++;
      }
      if (files.length > 0) yield files;
    }
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

  async write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    return (await this.#client.stor(name, source, { signal })).bytes;
  }

  async publish(arrivals: readonly Arrival[]): Promise<(Published | Error)[]> {
    const ftp = this.#client;
    const results: (Published | Error)[] = [];
    for (let at = 0; at < arrivals.length; at += PACK) {
      const part = arrivals.slice(at, at + PACK);
      const commands = part.map(({ temp, final, mtime }) => {
        const time = mtime === undefined ? undefined : ftp.modifiedCommand(temp, new Date(mtime));
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

  async close(): Promise<void> {
    await this.#ftp?.quit();
  }

  get #client(): FtpClient {
    if (this.#ftp === undefined) throw new UsageError("the place was not opened");
    return this.#ftp;
  }
}

function listed(entry: FtpEntry): ListedFile {
  return { name: entry.name, size: entry.size, mtime: entry.modified?.getTime() };
}
