/** FTP's named methods (RFC 959, 2389, 2428, 3659, 4217): what to ask; session.ts and transfer.ts know how. */
import { Client, type RunOptions } from "../client/client.js";
import { type PolywireError, ProtocolError, type ReplyError, UsageError } from "../client/errors.js";
import { type ResolvedOptions, resolve } from "../client/options.js";
import type { Rows } from "../client/rows.js";
import type { Call, CallOptions, Reply } from "../client/session.js";
import type { Sink, Source } from "../client/sink.js";
import type { Alone, TreeResult } from "./copy.js";
import { type DownloadOptions, download } from "./download.js";
import type { FtpEntry } from "./entry.js";
import { type FxpDone, type FxpOptions, fxp } from "./fxp.js";
import { type Digest, type HashAlgorithm, hash, hashAlgorithms, hashes } from "./hash.js";
import { type RowsOwner, rows } from "./list.js";
import { NameParser } from "./listing-parser.js";
import { exists, makePath, type RemoteStat, stats } from "./metadata.js";
import { encodeName, pathArgument as name } from "./name.js";
import {
  FTP_NAMES,
  type FtpOptions,
  type FtpSettings,
  type ListingCall,
  type PackOptions,
  type ReadOptions,
  type RetrOptions,
  resolveFtp,
  type StorOptions,
} from "./options.js";
import { ListParser } from "./parse-list.js";
import { MlsdParser, parseMlsdLine } from "./parse-mlsd.js";
import { formatTime, parsePath, parseSize, parseTime, parseUniqueName } from "./parse-reply.js";
import { refusal } from "./refusal.js";
import { type RemoveTreeOptions, removeTree } from "./remove-tree.js";
import { FtpSession } from "./session.js";
import { setModified, timeCommand } from "./set-time.js";
import { receiveFile, receiveWhole, sendFile } from "./store.js";
import type { Transferred } from "./transfer.js";
import { type UploadOptions, upload } from "./upload.js";

/** How calls run that need the connection for themselves, and transfers, which give it on as early as they can. */
const ALONE: RunOptions = { exclusive: true };
const TRANSFER: RunOptions = { exclusive: true, releases: true };

/**
 * An FTP client.
 *
 * @example
 * const ftp = new FtpClient({ host: "files.example.org", credentials: { user: "alice", password } });
 * await ftp.connect();
 * await ftp.login();
 * for await (const entry of ftp.entries("/in")) console.log(entry.name, entry.size);
 * await ftp.quit();
 */
export class FtpClient extends Client<FtpSession> {
  static readonly #on: Alone = (client, options, body) => client.run(options, body, ALONE);
  readonly #settings: FtpSettings;
  readonly #given: FtpOptions;
  #live: FtpSession | undefined;
  readonly #rows: RowsOwner = {
    run: (body) => this.run({}, body, ALONE),
    refuse: (reason) => this.refuseWaiting(reason),
  };

  constructor(options: FtpOptions) {
    super(resolve("ftp", options, FTP_NAMES));
    this.#settings = resolveFtp(options);
    this.#given = options;
  }

  protected createSession(options: ResolvedOptions, onClose: (reason: PolywireError) => void): FtpSession {
    this.#live = new FtpSession(options, this.#settings, onClose);
    return this.#live;
  }

  /** Another client of the same options, not yet connected: for a second connection to the same server. */
  clone(): FtpClient {
    return new FtpClient({ ...this.#given, credentials: this.accepted ?? this.#given.credentials });
  }

  /** True where FEAT names the feature (RFC 2389), e.g. `has("MLST")`. */
  has(feature: string): boolean {
    return this.capabilities.has(feature.toUpperCase());
  }

  /**
   * True where the server was found to answer commands only one by one: by the trial behind the login, or by a transfer
   * whose command, sent together with the one before it, was met by silence. Another client of that server is best made
   * with `pipelining: 1`.
   */
  get serial(): boolean {
    return this.#live?.serial ?? false;
  }

  // --- directories -----------------------------------------------------------------------------------------------

  /** Changes the working directory (CWD, RFC 959 §4.1.1). */
  async cwd(path: string, options: CallOptions = {}): Promise<void> {
    await this.#send(`CWD ${name(path)}`, options);
  }

  /** Changes to the parent directory (CDUP). */
  async cdup(options: CallOptions = {}): Promise<void> {
    await this.#send("CDUP", options);
  }

  /** The working directory (PWD). */
  async pwd(options: CallOptions = {}): Promise<string> {
    const reply = await this.#send("PWD", options);
    return parsePath(reply.text) ?? this.#unreadable("PWD", reply);
  }

  /** Makes a directory (MKD). @returns its path as the server writes it, or as it was given. */
  async mkd(path: string, options: CallOptions = {}): Promise<string> {
    return parsePath((await this.#send(`MKD ${name(path)}`, options)).text) ?? path;
  }

  /** Removes an empty directory (RMD). */
  async rmd(path: string, options: CallOptions = {}): Promise<void> {
    await this.#send(`RMD ${name(path)}`, options);
  }

  // --- listings --------------------------------------------------------------------------------------------------

  /**
   * The entries of a directory, by the best way the server has: MLSD, else LIST. A path that LIST would take for an
   * option or a pattern is entered by CWD, and left again.
   */
  entries(path?: string, options: ListingCall = {}): Rows<FtpEntry> {
    const machine = (session: FtpSession) => session.has("MLST") || session.has("MLSD");
    const odd = path !== undefined && /^[-~]|[\s*?[\]{}\\]/.test(path);
    const list = options.hidden ? "LIST -a" : "LIST";
    return rows<FtpEntry>(this.#alone(options), {
      directory: (session) => (odd && !machine(session) ? name(path) : undefined),
      command: (session) => (machine(session) ? argument("MLSD", path) : argument(list, odd ? undefined : path)),
      type: "A",
      done: ({ reply }) => options.onEnd?.(reply),
      parser: (session) => (machine(session) ? mlsdParser(options) : this.#listParser(options)),
    });
  }

  /** A directory as MLSD gives it: exact facts, times in UTC (RFC 3659 §7). */
  mlsd(path?: string, options: ListingCall = {}): Rows<FtpEntry> {
    return rows<FtpEntry>(this.#alone(options), {
      command: () => argument("MLSD", path),
      type: "A",
      done: ({ reply }) => options.onEnd?.(reply),
      parser: () => mlsdParser(options),
    });
  }

  /** A directory as LIST gives it, in any of the styles servers have. Rows that cannot be read come as `unparsed`. */
  list(path?: string, options: ListingCall = {}): Rows<FtpEntry> {
    return rows<FtpEntry>(this.#alone(options), {
      command: () => argument("LIST", path),
      type: "A",
      done: ({ reply }) => options.onEnd?.(reply),
      parser: () => this.#listParser(options),
    });
  }

  /** The names in a directory as NLST gives them; some servers write `directory/name`. */
  nlst(path?: string, options: ListingCall = {}): Rows<string> {
    return rows<string>(this.#alone(options), {
      command: () => argument("NLST", path),
      type: "A",
      done: ({ reply }) => options.onEnd?.(reply),
      parser: () => new NameParser({ keepDots: options.dots ?? false }),
    });
  }

  /** The lines of a listing as they came. `command` is LIST by default, and may carry options: `LIST -la`. */
  rawList(command = "LIST", options: CallOptions = {}): Rows<string> {
    if (!/^(LIST|NLST|MLSD)\b/i.test(command)) throw new UsageError(`${command} is not a listing: LIST, NLST or MLSD`);
    return rows<string>(this.#alone(options), {
      command: () => command,
      type: "A",
      parser: () => new NameParser({ keepDots: true }),
    });
  }

  /** One entry by MLST (RFC 3659 §7). */
  async mlst(path = ".", options: CallOptions = {}): Promise<FtpEntry> {
    const reply = await this.#send(`MLST ${name(path)}`, options);
    const line = reply.lines.find((each) => each.startsWith(" ") && each.includes("="));
    const entry = line === undefined ? undefined : parseMlsdLine(encodeName(line.slice(1)), { keepDots: true });
    return entry ?? this.#unreadable("MLST", reply);
  }

  /** The server's state, or what LIST would say of a path, in the reply itself (STAT). */
  async stat(path?: string, options: CallOptions = {}): Promise<Reply> {
    return this.#send(argument("STAT", path), options);
  }

  // --- single files ----------------------------------------------------------------------------------------------

  /** Octets of a file (SIZE, RFC 3659 §4), in binary type. */
  async size(path: string, options: CallOptions = {}): Promise<number> {
    const reply = await this.#binary(`SIZE ${name(path)}`, options);
    return parseSize(reply.text) ?? this.#unreadable("SIZE", reply);
  }

  /** When a file was last changed (MDTM, RFC 3659 §3). */
  async mdtm(path: string, options: CallOptions = {}): Promise<Date> {
    const reply = await this.#send(`MDTM ${name(path)}`, options);
    return parseTime(reply.text) ?? this.#unreadable("MDTM", reply);
  }

  /** Sets when a file was last changed, by MFMT (draft-somers-ftp-mfxx). `setModified` also knows the older ways. */
  async mfmt(path: string, modified: Date, options: CallOptions = {}): Promise<void> {
    await this.#send(`MFMT ${formatTime(modified)} ${name(path)}`, options);
  }

  /**
   * Sets when a file was last changed, to the second, by what the server has: MFMT, MFF, MDTM with a time, SITE UTIME. Which
   * of them works is found out once. Throws UsageError where none does.
   */
  setModified(path: string, modified: Date, options: CallOptions = {}): Promise<void> {
    return this.run(options, (session, call) => setModified(session, name(path), modified, call), ALONE);
  }

  /**
   * The command that sets a file's time, for `pack()`: the one that worked for `setModified`, else the best one that the
   * server may have; undefined where it has none.
   */
  modifiedCommand(path: string, modified: Date): string | undefined {
    return timeCommand(this.session, name(path), modified);
  }

  /**
   * Size and time of many files in few round trips (SIZE, MDTM). Undefined for what is not there, as far as the server
   * tells that from "you may not". `times: false` leaves the times out. `along`: see `pack`.
   */
  stats(
    paths: readonly string[],
    options: PackOptions & { times?: boolean | undefined } = {},
  ): Promise<(RemoteStat | undefined)[]> {
    const { along = false } = options;
    const ask = (session: FtpSession, call: Call) => stats(session, paths.map(name), call, options.times);
    return this.run(options, ask, { exclusive: true, first: along, releases: along });
  }

  /** The error that a refused reply of `pack()` or `request()` stands for. */
  refusal(reply: Reply, command: string): ReplyError {
    return refusal(reply, command);
  }

  /** Makes a directory and those above it; no error where it is there already. */
  makePath(path: string, options: CallOptions = {}): Promise<void> {
    return this.run(options, (session, call) => makePath(session, path, call), ALONE);
  }

  /** True where a file or directory is there. Servers that say 550 for "you may not" as well look like "no". */
  exists(path: string, options: CallOptions = {}): Promise<boolean> {
    return this.run(options, (session, call) => exists(session, path, call), ALONE);
  }

  /** Renames or moves (RNFR, RNTO): one write, one round trip. Most servers replace an existing file silently. */
  async rename(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const commands = [`RNFR ${name(from)}`, `RNTO ${name(to)}`];
    await this.run(options, async (session, call) => {
      const replies = await session.pack(commands, { timeout: call.timeout });
      replies.forEach((reply, i) => void session.accept(reply, commands[i] as string));
    });
  }

  /** Removes a file (DELE). */
  async dele(path: string, options: CallOptions = {}): Promise<void> {
    await this.#send(`DELE ${name(path)}`, options);
  }

  /**
   * The digest of a file, computed by the server: HASH (draft-bryan-ftpext-hash), else XSHA512, XSHA256, XSHA1, XMD5,
   * XCRC. Throws UsageError where it has none of them.
   */
  hash(path: string, algorithm?: HashAlgorithm, options: CallOptions = {}): Promise<Digest> {
    return this.run(options, (session, call) => hash(session, name(path), algorithm, call), ALONE);
  }

  /**
   * The digests of many files in few round trips; of one that the server refused, the error. `timeout` has to hold for the
   * largest: servers are silent while they compute. Throws UsageError where the server has not this algorithm.
   */
  hashes(
    paths: readonly string[],
    algorithm: HashAlgorithm,
    options: CallOptions = {},
  ): Promise<(Digest | ReplyError)[]> {
    const ask = (session: FtpSession, call: Call) => hashes(session, paths.map(name), algorithm, call);
    return this.run(options, ask, ALONE);
  }

  /** The digests that the server can compute, the strongest first; none before it was asked for its features. */
  get hashAlgorithms(): HashAlgorithm[] {
    return hashAlgorithms(this.capabilities);
  }

  /**
   * Downloads a file (RETR): as a Buffer, or to a sink. It resolves when the data ended in order and the server
   * confirmed it. A signal that fires sends ABOR; the client stays usable where the server plays along.
   *
   * @example
   * const text = (await ftp.retr("notes.txt")).toString();
   * await ftp.retr("big.iso", { to: "/tmp/big.iso" });
   */
  retr(path: string, options?: RetrOptions & { to?: undefined }): Promise<Buffer>;
  retr(path: string, options: RetrOptions & { to: Sink }): Promise<Transferred>;
  async retr(path: string, options: RetrOptions = {}): Promise<Buffer | Transferred> {
    const command = `RETR ${name(path)}`;
    const { to } = options;
    const run = (session: FtpSession, call: Call) =>
      to === undefined
        ? receiveWhole(session, command, options, call)
        : receiveFile(session, command, to, options, call);
    return this.run<Buffer | Transferred>(options, run, TRANSFER);
  }

  /**
   * A file's bytes as they arrive, with back-pressure: a source for another client's `stor`, or for a loop.
   *
   * @example
   * await destination.stor("copy.dat", source.read("data.dat"));
   */
  read(path: string, options: ReadOptions = {}): Rows<Buffer> {
    const command = `RETR ${name(path)}`;
    return rows<Buffer>(this.#alone(options), {
      command: () => command,
      type: "I",
      offset: options.offset,
      patient: options.patient,
      parser: () => ({ push: (chunk) => [chunk], end: () => [] }),
    });
  }

  /**
   * Uploads to a name (STOR), replacing what is there. `upload()` adds what one would have to remember: a temporary
   * name, verification and the time.
   *
   * @example
   * await ftp.stor("notes.txt", { text: "hello\n" });
   * await ftp.stor("big.iso", "/tmp/big.iso");
   */
  async stor(path: string, source: Source, options: StorOptions = {}): Promise<Transferred> {
    return this.#store(`STOR ${name(path)}`, source, options);
  }

  /** Appends to a file, which is made where it is not there (APPE). */
  async appe(path: string, source: Source, options: StorOptions = {}): Promise<Transferred> {
    return this.#store(`APPE ${name(path)}`, source, options);
  }

  /** Uploads under a name that the server chooses (STOU). @returns that name too, where the server tells it. */
  async stou(source: Source, options: StorOptions = {}): Promise<Transferred & { name: string | undefined }> {
    const done = await this.#store("STOU", source, options);
    return { ...done, name: parseUniqueName(done.preliminary, done.reply) };
  }

  /**
   * Has this server send a file straight to another one (FXP, RFC 959 §5.2): none of its bytes come here. Both clients are
   * logged in, both servers must allow it (most do not as they come), and see each other. Which of them listens is tried
   * both ways, and remembered. Where data connections are encrypted on both sides, one server must announce SSCN or CPSV;
   * nothing ever goes in the clear because of this. Whether the servers look at each other's certificates is up to them.
   *
   * One server is told only the address that the other is reached at from here, never one that it names, unless that
   * client's option `allowForeignHost` is set. Anybody who can reach the listening server may take the connection first:
   * this is for networks, or files, that bear it.
   *
   * Nothing tells how far it is: what stands still is noticed only behind `timeouts.idle`, and 100 ms for each KB more.
   * A failure may leave part of the file at the target. A signal breaks it off as any transfer.
   *
   * @param path The file here.
   * @param target A client that is logged in to the other server. Its queue is held for as long as the transfer runs.
   * @param to The name there; a file of that name is replaced, as by `stor`.
   * @throws FxpError where the two servers cannot or may not: both clients are usable. ReplyError for a refusal of one
   *   (`server` tells which), ProtocolError (`retryable`) where the copy has another size; ConnectionError, AbortedError. A
   *   client whose connection was lost is closed, the other one is not: `state` tells.
   *
   * @example
   * await source.fxp("a.iso", target, "in/a.iso");
   */
  fxp(path: string, target: FtpClient, to: string, options: FxpOptions = {}): Promise<FxpDone> {
    return fxp(FtpClient.#on, this, target, { ...options, from: name(path), to: name(to) });
  }

  // --- files and folders as a whole ------------------------------------------------------------------------------

  /**
   * Uploads a file, or a folder with all that is in it. Each file gets a temporary name, is compared by size, given its
   * time, and only then its name: nobody sees half a file, and what fails leaves none behind. Relative paths count from
   * the working directory: do not change that meanwhile. A signal ends the running transfer and removes its file.
   *
   * @param local A path or file URL of a file or folder; for one file also bytes, `{ text }`, a stream.
   * @param remote The name of the file or folder there. A folder is made, those above it only with `makePath`.
   * @returns what was done. In a folder a file that fails does not end the rest: look at `failed`.
   * @throws where one file, or the root of a folder, fails: SinkError, ReplyError, ConnectionError; ProtocolError
   *   (`retryable`) where the copy is not like the original; UsageError for a name that cannot be sent.
   *
   * @example
   * await ftp.upload("/var/reports", "/in/reports", { connections: 4 });
   */
  upload(local: Source, remote: string, options: UploadOptions = {}): Promise<TreeResult> {
    return upload(this, FtpClient.#on, local, remote, options);
  }

  /**
   * Downloads a file, or a folder with all that is in it, as `upload` does. A name of the server's is used here only
   * where it is the plain name of a file, and no link in the target is followed: nothing is written outside of it. What
   * is left out so, and links on the server (see `followLinks`), is told in `skipped`. Memory grows with the largest
   * folder, not with the tree.
   *
   * @param local The name of the file or folder here. Links above it, and the root of a folder, may be followed.
   *
   * @example
   * const { failed } = await ftp.download("/in", "/data/in", { filter: (entry) => !entry.name.startsWith(".") });
   */
  download(remote: string, local: string, options: DownloadOptions = {}): Promise<TreeResult> {
    return download(this, FtpClient.#on, remote, local, options);
  }

  /**
   * Removes a folder with all that is in it, or a file; links are removed, not followed. What fails is told in
   * `failed`. UsageError for the root, the working directory and those above it, unless `force` is set.
   */
  removeTree(path: string, options: RemoveTreeOptions = {}): Promise<TreeResult> {
    return removeTree(this, path, options);
  }

  // --- the rest --------------------------------------------------------------------------------------------------

  /** The server's features (FEAT, RFC 2389), asked for again. */
  features(options: CallOptions = {}): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.run(options, async (session, call) => {
      await session.feat({ timeout: call.timeout });
      return session.capabilities;
    });
  }

  /** Sets an option of a feature (OPTS, RFC 2389): `opts("UTF8 ON")`. */
  opts(option: string, options: CallOptions = {}): Promise<Reply> {
    return this.#send(`OPTS ${option}`, options);
  }

  /** A command of this server's own (SITE): `site("CHMOD 644 file")`. */
  site(command: string, options: CallOptions = {}): Promise<Reply> {
    return this.#send(`SITE ${command}`, options);
  }

  /** The server's system (SYST): `UNIX Type: L8`. */
  async syst(options: CallOptions = {}): Promise<string> {
    return (await this.#send("SYST", options)).text;
  }

  /**
   * Several commands without data in one write; the replies come in order, refusals among them. Commands that
   * `request()` refuses are refused here, too. With `along` calls behind it do not wait for the replies: the commands of a
   * transfer that is next go into the same write.
   */
  pack(commands: readonly string[], options: PackOptions = {}): Promise<Reply[]> {
    const { along = false } = options;
    const ask = (session: FtpSession, call: Call) => {
      const replies = session.packRaw(commands, { timeout: call.timeout });
      if (session.pipelines) call.release?.();
      return replies;
    };
    return this.run(options, ask, { first: along, releases: along });
  }

  #send(command: string, options: CallOptions): Promise<Reply> {
    return this.run(options, (session, call) => session.send(command, { timeout: call.timeout }));
  }

  /** A command whose answer depends on the representation type. */
  #binary(command: string, options: CallOptions): Promise<Reply> {
    return this.run(options, async (session, call) => {
      if (session.type === "I") return session.send(command, { timeout: call.timeout });
      const [type, reply] = (await session.pack(["TYPE I", command], { timeout: call.timeout })) as [Reply, Reply];
      if (type.ok) session.type = "I";
      return session.accept(reply, command);
    });
  }

  #store(command: string, source: Source, options: StorOptions): Promise<Transferred> {
    const run = (session: FtpSession, call: Call) => sendFile(session, command, source, options, call);
    return this.run(options, run, TRANSFER);
  }

  #alone(options: CallOptions): RowsOwner {
    return { ...this.#rows, run: (body) => this.run(options, body, ALONE) };
  }

  #listParser(options: ListingCall): ListParser {
    return new ListParser({ timeZone: this.#settings.timeZone, keepDots: options.dots ?? false });
  }

  /** The answer makes no sense: the server cannot be followed any further. */
  #unreadable(command: string, reply: Reply): never {
    const error = new ProtocolError(`the answer to ${command} cannot be read: ${JSON.stringify(reply.text)}`, {
      protocol: this.protocol,
      advice: "the connection was closed",
    });
    this.close(error);
    throw error;
  }
}

function mlsdParser(options: ListingCall): MlsdParser {
  return new MlsdParser({ keepDots: options.dots ?? false });
}

function argument(command: string, path: string | undefined): string {
  return path === undefined ? command : `${command} ${name(path)}`;
}
