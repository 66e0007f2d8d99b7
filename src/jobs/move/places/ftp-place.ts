/** A folder on an FTP server as one side of a move, over one connection. */
import { ReplyError, UsageError } from "../../../client/errors.js";
import type { FtpClient } from "../../../ftp/client.js";
import type { FxpPair } from "../../../ftp/fxp-pair.js";
import { parseTime } from "../../../ftp/parse-reply.js";
import type { DigestName } from "./digests.js";
import { listFolder } from "./ftp-listing.js";
import { digest, digestsOf, setsTimes, touch } from "./ftp-marks.js";
import { asPath, isDoubtful, type KnownNames, refusalOf } from "./ftp-names.js";
import type { Abilities, Arrival, FileStat, ListedGroup, ListingCall, Place, Published, Wanted } from "./place.js";

/**
 * Octets of commands sent at once: as many as a server is sent before it answers, or a part of that, where a transfer goes
 * along with them.
 */
const LOAD = 1920;
const LOAD_ALONG = 800;
/** Refusals that are not about one file: no such command, not logged in. */
const NOT_OF_ONE_FILE = new Set(["421", "500", "502", "530"]);
/** Refusals of a name that may not be there: 553 is about what names may be. */
const MAY_BE_GONE = new Set(["550", "553"]);

/** How a server is reached, and what one connection has learned of it for the next ones. */
export interface FtpAccess {
  /** Makes a client, when another connection may be made. `serial`: it is to send one command at a time, without a trial. */
  connect(serial: boolean, signal: AbortSignal): Promise<FtpClient>;
  /** True where the server answers commands only one by one. */
  serial: boolean;
  /** What names it keeps. */
  readonly names: KnownNames;
  readonly abilities: Abilities;
}

export class FtpPlace implements Place {
  readonly shown: string;
  readonly #access: FtpAccess;
  readonly #folder: string;
  /** Made by the job: a target folder that is not there yet is made. */
  readonly #create: boolean;
  #ftp: FtpClient | undefined;
  /** Small files under way, or waiting for their turn. */
  #transfers = 0;

  constructor(shown: string, access: FtpAccess, folder: string, create: boolean) {
    this.shown = shown;
    this.#access = access;
    this.#folder = folder;
    this.#create = create;
  }

  get usable(): boolean {
    return this.#ftp?.state === "ready";
  }

  get abilities(): Abilities {
    return this.#access.abilities;
  }

  async open(signal: AbortSignal): Promise<void> {
    const ftp = await this.#access.connect(this.#access.serial, signal);
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
      const found: (FileStat | undefined)[] = [];
      for (const part of this.#parts(names, (name) => (times === false ? 1 : 2) * (name.length + 7))) {
        const stats = await this.#client.stats(part.map(asPath), { times, along: true });
        for (const each of stats) found.push(each && { size: each.size, mtime: each.modified?.getTime() });
      }
      return found;
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
    for (const part of this.#parts(names, (name) => name.length + 7)) {
      const at = found.length;
      const commands = part.map((name) => `MDTM ${asPath(name)}`);
      for (const [i, reply] of (await ftp.pack(commands, { along: true })).entries()) {
        if (reply.ok) found.push({ size: sizes[at + i] as number, mtime: parseTime(reply.text)?.getTime() });
        else if (reply.code === "550") found.push(undefined);
        else if (NOT_OF_ONE_FILE.has(reply.code)) throw ftp.refusal(reply, commands[i]!);
        else found.push(ftp.refusal(reply, commands[i]!));
      }
    }
    return found;
  }

  read(name: string, signal: AbortSignal, from = 0): AsyncIterable<Buffer> {
    // Looks at other files wait for it: read into memory meanwhile, it would be held back by nobody.
    return this.#client.read(asPath(name), { signal, offset: from, patient: true });
  }

  fetch(name: string, most: number, signal: AbortSignal): Promise<Buffer> {
    return this.#busyWith(this.#client.retr(asPath(name), { signal, most }));
  }

  async store(name: string, content: Buffer, signal: AbortSignal): Promise<number> {
    if (isDoubtful(name)) await this.#refuseChanged(name);
    return (await this.#busyWith(this.#client.stor(asPath(name), content, { signal }))).bytes;
  }

  async write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    if (isDoubtful(name)) await this.#refuseChanged(name);
    return (await this.#client.stor(asPath(name), source, { signal })).bytes;
  }

  async send(name: string, to: Place, target: string, pair: FxpPair, signal: AbortSignal): Promise<number | undefined> {
    if (!(to instanceof FtpPlace)) throw new UsageError(`${to.shown} is no FTP server`);
    if (isDoubtful(target)) await to.#refuseChanged(target);
    return (await this.#client.fxp(asPath(name), to.#client, asPath(target), { pair, signal })).bytes;
  }

  async writeFrom(name: string, at: number, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    return (await this.#client.stor(asPath(name), source, { signal, offset: at })).bytes;
  }

  async append(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    return (await this.#client.appe(asPath(name), source, { signal })).bytes;
  }

  /** Behind the end of a file some servers leave a hole; inetutils wants the file to be there for that. */
  async reserve(name: string, first: Buffer, size: number, signal: AbortSignal): Promise<void> {
    await this.store(name, first, signal);
    await this.#client.stor(asPath(name), Buffer.alloc(1), { signal, offset: size - 1 });
  }

  touch(files: readonly { readonly name: string; readonly mtime: number }[]): Promise<(Error | undefined)[]> {
    return touch(this.#client, files.map(withPath));
  }

  get digests(): readonly DigestName[] {
    return this.#ftp === undefined ? [] : digestsOf(this.#ftp);
  }

  digest(
    files: readonly { readonly name: string; readonly size: number }[],
    name: DigestName,
  ): Promise<(string | Error)[]> {
    return digest(this.#client, files.map(withPath), name);
  }

  async publish(arrivals: readonly Arrival[]): Promise<(Published | Error)[]> {
    const refusals: (Error | undefined)[] = [];
    for (const { final } of arrivals) refusals.push(isDoubtful(final) ? await this.#refusalOf(final) : undefined);
    const results = await this.#rename(arrivals.filter((_, i) => refusals[i] === undefined));
    return refusals.map((refusal) => refusal ?? (results.shift() as Published | Error));
  }

  async #rename(arrivals: readonly Arrival[]): Promise<(Published | Error)[]> {
    const ftp = this.#client;
    const results: (Published | Error)[] = [];
    const times = arrivals.flatMap(({ temp, mtime }) => (mtime === undefined ? [] : [{ name: asPath(temp), mtime }]));
    const sets = await setsTimes(ftp, times);
    for (const part of this.#parts(arrivals, ({ temp, final }) => 2 * temp.length + final.length + 41)) {
      const commands = part.map(({ temp, final, mtime }) => {
        const time = mtime === undefined || !sets ? undefined : ftp.modifiedCommand(asPath(temp), new Date(mtime));
        return [...(time === undefined ? [] : [time]), `RNFR ${asPath(temp)}`, `RNTO ${asPath(final)}`];
      });
      const replies = await ftp.pack(commands.flat(), { along: true });
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
    for (const part of this.#parts(names, (name) => name.length + 7)) {
      const replies = await ftp.pack(
        part.map((name) => `DELE ${asPath(name)}`),
        { along: true },
      );
      const refused = part.filter((_, i) => MAY_BE_GONE.has(replies[i]!.code));
      // 550 is "not there" as well as "you may not": only the first is as good as removed.
      const there = refused.length > 0 ? await this.stat(refused) : [];
      for (const [i, name] of part.entries()) {
        const reply = replies[i]!;
        const gone = MAY_BE_GONE.has(reply.code) && there[refused.indexOf(name)] === undefined;
        errors.push(reply.ok || gone ? undefined : ftp.refusal(reply, `DELE ${asPath(name)}`));
      }
    }
    return errors;
  }

  async makeFolder(folder: string): Promise<void> {
    if (isDoubtful(folder)) await this.#refuseChanged(folder);
    await this.#client.makePath(asPath(folder));
  }

  #refusalOf(name: string): Promise<Error | undefined> {
    return refusalOf(this.#client, this.#access.names, name);
  }

  async #refuseChanged(name: string): Promise<void> {
    const refusal = await this.#refusalOf(name);
    if (refusal) throw refusal;
  }

  async removeFolders(folders: readonly string[]): Promise<(boolean | Error)[]> {
    const ftp = this.#client;
    const results: (boolean | Error)[] = [];
    for (const part of this.#parts(folders, (folder) => folder.length + 6)) {
      const replies = await ftp.pack(part.map((folder) => `RMD ${asPath(folder)}`));
      for (const [i, reply] of replies.entries()) {
        // 550: not empty, not there, or not allowed: it stays in any case.
        const refused = reply.code === "550" ? false : ftp.refusal(reply, `RMD ${asPath(part[i]!)}`);
        results.push(reply.ok || refused);
      }
    }
    return results;
  }

  async #busyWith<T>(transfer: Promise<T>): Promise<T> {
    this.#transfers++;
    try {
      return await transfer;
    } finally {
      this.#transfers--;
    }
  }

  /** Things in parts whose commands are sent at once. `octets`: of the commands of one. Each part is asked for when it is its turn. */
  *#parts<T>(all: readonly T[], octets: (one: T) => number): Generator<readonly T[]> {
    for (let at = 0; at < all.length; ) {
      const load = this.#transfers > 0 ? LOAD_ALONG : LOAD;
      let [end, sum] = [at + 1, octets(all[at] as T)];
      for (; end < all.length; end++) if ((sum += octets(all[end] as T)) > load) break;
      yield all.slice(at, end);
      at = end;
    }
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

const withPath = <T extends { readonly name: string }>(file: T): T => ({ ...file, name: asPath(file.name) });
