/** A folder on an FTP server as one side of a move, over one connection. */
import { ReplyError, UsageError } from "../../client/errors.js";
import type { FtpClient } from "../../ftp/client.js";
import type { FtpEntry } from "../../ftp/entry.js";
import { parseSize } from "../../ftp/parse-reply.js";
import type { ListedFile } from "../journal/journal.js";
import type { Arrival, FileStat, ListingNotes, Place } from "./place.js";

/** Files whose commands go into one write. */
const PACK = 25;
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

  async stat(names: readonly string[], times = true): Promise<(FileStat | Error | undefined)[]> {
    try {
      const stats = await this.#client.stats(names, { times });
      return stats.map((each) => each && { size: each.size, mtime: each.modified?.getTime() });
    } catch (error) {
      if (!this.usable || !(error instanceof ReplyError) || NOT_OF_ONE_FILE.has(error.code)) throw error;
      if (names.length === 1) return [error];
    }
    const each: (FileStat | Error | undefined)[] = [];
    for (const name of names) each.push(...(await this.stat([name], times)));
    return each;
  }

  read(name: string, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#client.read(name, { signal });
  }

  async write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    return (await this.#client.stor(name, source, { signal })).bytes;
  }

  async publish(arrivals: readonly Arrival[]): Promise<(FileStat | Error | undefined)[]> {
    const ftp = this.#client;
    const results: (FileStat | Error | undefined)[] = [];
    for (let at = 0; at < arrivals.length; at += PACK) {
      const part = arrivals.slice(at, at + PACK);
      const commands = part.map(({ temp, final, mtime }) => {
        const time = mtime === undefined ? undefined : ftp.modifiedCommand(final, new Date(mtime));
        return [`RNFR ${temp}`, `RNTO ${final}`, ...(time === undefined ? [] : [time]), `SIZE ${final}`];
      });
      const replies = await ftp.pack(commands.flat());
      for (const [i, own] of commands.entries()) {
        const said = replies.splice(0, own.length);
        // RNFR says 350: only the answer to RNTO counts, but that of a refused RNFR says why.
        const refused = said.findIndex((reply, k) => !reply.ok && k < 2);
        const [size, timed] = [said.at(-1), said.length === 4 && said[2]?.ok];
        if (refused !== -1) results.push(ftp.refusal(said[refused]!, own[refused]!));
        else if (size?.code === "550") results.push(undefined);
        else if (!size?.ok) results.push(ftp.refusal(size!, own.at(-1)!));
        else results.push({ size: parseSize(size.text) ?? Number.NaN, mtime: timed ? part[i]?.mtime : undefined });
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
