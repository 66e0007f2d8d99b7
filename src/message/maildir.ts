/** A Maildir: one file for each message, delivered so that no reader ever sees a part of it. */
import { opendir, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { SinkError, UsageError } from "../client/errors.js";
import { lfPieces, toCrlf, toLf } from "./line-ends.js";
import { checkUnique, type MaildirName, maildirName, parseMaildirName, uniqueName } from "./maildir-name.js";
import { type Bytes, FolderSync, failed, makeFolder, place, removeStale, writeAside } from "./whole-file.js";

/** How a Maildir is opened. */
export interface MaildirOptions {
  /** Whether a delivery waits for the disk, so that it survives a power failure. Default: true. */
  fsync?: boolean | undefined;
  /** What names of files end with. Default: the name of this machine. */
  host?: string | undefined;
}

/** How a message is delivered. */
export interface DeliverOptions {
  /** Letters: D draft, F flagged, P passed on, R replied, S seen, T trashed. With any the message goes to `cur`. */
  flags?: string | undefined;
  /**
   * What the file's name begins with, with its size behind it (`,S=…`). The whole Maildir is looked through for it. Default: a
   * new one, by the Maildir convention (`time.Mmicroseconds Ppid Qcount.host`).
   */
  unique?: string | undefined;
  /** Letters and digits to go into the new name, behind its count, by which a caller knows the message again. Default: none. */
  tag?: string | undefined;
  /** When the file was last changed, by which readers sort: when the message came. Default: now. */
  mtime?: Date | undefined;
  /** `lf` (default): CR LF becomes LF, as programs that read Maildirs expect it. `as-is`: nothing is changed. */
  lineEnds?: "lf" | "as-is" | undefined;
}

/** A message in a Maildir. */
export interface MaildirMessage extends MaildirName {
  /** `new`: no reader has seen it. */
  readonly folder: "new" | "cur";
  /** The file. Another program may rename it at any time: see {@link Maildir.read}. */
  readonly path: string;
}

const FOLDERS = ["new", "cur"] as const;
const ATTEMPTS = 10;

/**
 * A Maildir, as mail programs and IMAP servers share it without locks. A message is written to `tmp`, synced, and linked
 * into `new`: killed at any moment, it is there whole or not at all, and no other message is ever replaced.
 *
 * @example
 * const maildir = await Maildir.open("Maildir");
 * const { path } = await maildir.deliver(content);
 * for await (const message of maildir) console.log(message.flags, (await maildir.read(message)).length);
 */
export class Maildir {
  readonly path: string;
  readonly #fsync: boolean;
  readonly #host: string | undefined;
  readonly #syncs: Readonly<Record<"new" | "cur", FolderSync>>;

  private constructor(path: string, { fsync = true, host }: MaildirOptions) {
    this.path = path;
    this.#fsync = fsync;
    this.#host = host;
    this.#syncs = { new: new FolderSync(join(path, "new")), cur: new FolderSync(join(path, "cur")) };
  }

  /**
   * Opens a Maildir, which is made where it is missing.
   *
   * @throws SinkError where that cannot be done.
   */
  static async open(path: string, options: MaildirOptions = {}): Promise<Maildir> {
    // `new` comes last: where it is, the others are.
    for (const folder of ["tmp", "cur", "new"]) {
      await makeFolder(join(path, folder), { fsync: options.fsync ?? true, mode: 0o700 });
    }
    return new Maildir(path, options);
  }

  /** True where there is a folder with `cur`, `new` and `tmp` in it. */
  static async is(path: string): Promise<boolean> {
    const there = await Promise.all(["cur", "new", "tmp"].map((folder) => stat(join(path, folder)).catch(() => null)));
    return there.every((each) => each?.isDirectory() === true);
  }

  /**
   * Delivers a message.
   *
   * @param message Header and body: bytes, or a stream or iterable of them, which may be of any size.
   * @returns where it is now.
   * @throws UsageError for bad flags or names, or where a message has the name already; SinkError for a full disk, or a
   *   stream that fails. Nothing is left of the message then.
   */
  async deliver(message: Bytes, options: DeliverOptions = {}): Promise<MaildirMessage> {
    const { flags = "", unique, tag = "", lineEnds = "lf", mtime } = options;
    const given = unique === undefined ? undefined : checkUnique(unique);
    checkTag(tag);
    if (given !== undefined && (await this.#look(given))) throw this.#taken(given);
    // A flag that is none is refused before anything is written.
    maildirName("", flags);
    const [tmp, size] = await this.#write(lineEnds === "lf" ? withLf(message) : message, given, mtime);
    const folder = flags === "" ? "new" : "cur";
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const named = `${given ?? uniqueName(this.#host, tag)},S=${size}`;
      const name = folder === "new" ? named : maildirName(named, flags);
      if (await place(tmp, join(this.path, folder, name))) {
        if (this.#fsync) await this.#syncs[folder].sync();
        return this.#message(folder, name);
      }
      if (given !== undefined) break;
    }
    await unlink(tmp).catch(() => {});
    throw this.#taken(given);
  }

  /** All messages, the oldest delivery first. */
  async list(): Promise<MaildirMessage[]> {
    const dated: { readonly seconds: number; readonly message: MaildirMessage }[] = [];
    for await (const message of this) dated.push({ seconds: secondsOf(message), message });
    dated.sort((a, b) => a.seconds - b.seconds || (a.message.unique < b.message.unique ? -1 : 1));
    return dated.map(({ message }) => message);
  }

  /**
   * All messages as they are found, in no order, without a list of them in memory: `for await (const message of maildir)`.
   * One that another program moves from `new` to `cur` meanwhile is given once.
   *
   * @throws SinkError where the Maildir cannot be read.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<MaildirMessage, void, undefined> {
    // `new` first: what is moved meanwhile is found in `cur`, again, and no message is missed.
    const given = new Map<string, string>();
    for (const folder of FOLDERS) {
      for await (const name of namesIn(join(this.path, folder))) {
        if (name.startsWith(".")) continue;
        const message = this.#message(folder, name);
        const before = given.get(message.unique);
        // Two that share a name without being one are both there still.
        if (before !== undefined && !(await isFile(before))) continue;
        if (folder === "new") given.set(message.unique, message.path);
        yield message;
      }
    }
  }

  /**
   * The bytes of a message, also where another program has moved it meanwhile.
   *
   * @param options.crlf True gives CR LF line ends, as servers send and take them. Default: false, as they are in the file.
   * @throws SinkError where it is gone.
   */
  async read(
    message: Pick<MaildirMessage, "unique" | "path">,
    options: { crlf?: boolean | undefined } = {},
  ): Promise<Buffer> {
    const bytes = await readFile(message.path).catch(async () => {
      const { path } = await this.#find(message.unique);
      return readFile(path).catch((cause) => failed(path, "read", cause));
    });
    return options.crlf ? toCrlf(bytes) : bytes;
  }

  /**
   * Gives a message these flags and no others; it is in `cur` then.
   *
   * @throws SinkError where it is gone, or where another message has that name: it is not replaced.
   */
  async setFlags(message: Pick<MaildirMessage, "unique" | "path">, flags: string): Promise<MaildirMessage> {
    const name = maildirName(message.unique, flags);
    const to = join(this.path, "cur", name);
    await renameAlone(message.path, to).catch(async (cause) => {
      if (cause instanceof SinkError) throw cause;
      const { path } = await this.#find(message.unique);
      await renameAlone(path, to).catch((cause) => failed(path, "renamed", cause));
    });
    if (this.#fsync) await this.#syncs.cur.sync();
    return this.#message("cur", name);
  }

  /** Resolves when what is there, by whomever it was delivered, has its name on the disk. Nothing to do without `fsync`. */
  async sync(): Promise<void> {
    if (this.#fsync) await Promise.all(FOLDERS.map((folder) => this.#syncs[folder].sync()));
  }

  /** Removes what deliveries that died have left in `tmp`, 36 hours after it was last touched. @returns how many files. */
  async sweep(): Promise<number> {
    const tmp = join(this.path, "tmp");
    const names = await readdir(tmp).catch((cause) => failed(tmp, "read", cause));
    return removeStale(names.map((name) => join(tmp, name)));
  }

  /** Writes to `tmp`: the size, which is part of the final name, is known only then. */
  async #write(message: Bytes, given: string | undefined, mtime?: Date): Promise<[path: string, size: number]> {
    // What a delivery of the same name has left when it died is not in the way.
    const path = join(this.path, "tmp", given === undefined ? uniqueName(this.#host) : `${given}.${uniqueName("tmp")}`);
    // Mail is for its owner's eyes.
    return [path, await writeAside(path, message, { fsync: this.#fsync, mode: 0o600, mtime })];
  }

  /** The message that has this name, or was delivered by it. */
  async #look(unique: string): Promise<MaildirMessage | undefined> {
    const sized = `${unique},S=`;
    for await (const each of this) if (each.unique === unique || each.unique.startsWith(sized)) return each;
    return undefined;
  }

  #taken(name = "that was made"): UsageError {
    return new UsageError(`the Maildir ${this.path} has a message of the name ${name} already`);
  }

  async #find(unique: string): Promise<MaildirMessage> {
    const found = await this.#look(unique);
    if (found) return found;
    throw new SinkError(`the message ${unique} is no longer in the Maildir ${this.path}`);
  }

  #message(folder: "new" | "cur", name: string): MaildirMessage {
    return { ...parseMaildirName(name), folder, path: join(this.path, folder, name) };
  }
}

/** The names in a folder, some at a time. Throws SinkError. */
async function* namesIn(path: string): AsyncGenerator<string> {
  const folder = await opendir(path, { bufferSize: 256 }).catch((cause) => failed(path, "read", cause));
  // Leaving the loop closes it.
  for await (const { name } of folder) yield name;
}

function withLf(message: Bytes): Bytes {
  if (!(message instanceof Uint8Array)) return lfPieces(message);
  return toLf(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Renames a file, and replaces none. */
async function renameAlone(from: string, to: string): Promise<void> {
  if (from !== to && (await isFile(to))) throw new SinkError(`${to} is there already`);
  await rename(from, to);
}

function checkTag(tag: string): void {
  if (!/^[A-Za-z0-9]{0,64}$/.test(tag)) throw new UsageError(`not letters and digits: ${JSON.stringify(tag)}`);
}

function secondsOf({ unique }: MaildirMessage): number {
  return Number(/^\d{1,12}/.exec(unique)?.[0] ?? 0);
}
