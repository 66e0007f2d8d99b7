/** The conversation of one FTP connection: greeting, TLS, login, single commands (RFC 959, 2389, 4217). */
import type { TLSSocket } from "node:tls";
import { LoginError, type PolywireError, TimeoutError, TlsError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, Reply, RequestOptions, Session } from "../client/session.js";
import { LineSession, type SendOptions } from "../net/line-session.js";
import { refusedTls } from "../net/tls.js";
import { Watchdog } from "../net/watchdog.js";
import { CodeGrammar, FTP_REPLIES } from "../wire/code-reply.js";
import type { FtpSettings } from "./options.js";
import { parseFeatures } from "./parse-reply.js";
import { refusal } from "./refusal.js";
import { commonRoom } from "./room.js";

/** Commands that `request()` leaves to a method, and which one. */
const NOT_RAW: Readonly<Record<string, string>> = {
  RETR: "retr()",
  STOR: "stor()",
  APPE: "appe()",
  STOU: "stou()",
  LIST: "list()",
  NLST: "nlst()",
  MLSD: "mlsd()",
  PORT: "the option mode",
  EPRT: "the option mode",
  PASV: "the option mode",
  EPSV: "the option mode",
  REST: "the option offset of retr() and stor()",
  ABOR: "an AbortSignal",
  AUTH: "the option security",
  PROT: "the option protection",
  PBSZ: "the option protection",
  CCC: "the option clearControl",
  USER: "login()",
  PASS: "login()",
  ACCT: "login()",
  REIN: "a new client",
  MODE: "stream mode, which is the only one in use",
  STRU: "file structure, which is the only one in use",
  QUIT: "quit()",
};

/** A command that is not sent raw, or changes what is known of the session: few are. */
const SPECIAL = new RegExp(`^\\s*(${Object.keys(NOT_RAW).join("|")}|TYPE)(?!\\S)`, "i");

/**
 * Octets of commands on their way at once. ProFTPD 1.3.8 (as Debian mended it in 2026) takes two commands for one where a
 * read of its own ends between CR and LF: at its 4,102nd octet, or where a TLS record ends. So all that is on its way
 * fits into one record, and into its buffer.
 */
const WINDOW = 2048;

/** Silence after which a server is taken for one that does not answer everything, in milliseconds. */
const PROBE = 5_000;

/** How the server wants data connections: learned once, used from then on. */
export type DataCommand = "EPSV" | "PASV" | "EPRT" | "PORT";

/** A live FTP connection. */
export class FtpSession implements Session {
  readonly line: LineSession;
  readonly settings: FtpSettings;
  readonly loginOptional = false;
  readonly options: ResolvedOptions;
  /** The representation type the server is set to; undefined where that is not known. */
  type: "A" | "I" | undefined;
  /** True where data connections are encrypted. */
  protectedData = false;
  /** The command that opened the last data connection. */
  dataCommand: DataCommand | undefined;
  /** The newest TLS session of this server: data connections resume it. */
  tlsSession: Buffer | undefined;
  /** Breaks off the data connection that is being made. */
  dialling: AbortController | undefined;
  /** Notices that a transfer stands still, and whom it tells: there is one at a time. */
  readonly silence = new Watchdog(() => this.onSilence());
  onSilence = () => {};
  /** True where the server was found to answer commands only one by one. */
  serial = false;
  /** True where a transfer command may go into one write with the command that asks for its data connection. */
  packs = false;
  /**
   * True for a server that is known to bear a command in the middle of a transfer. (Pure-FTPd answers 500 before the
   * 226, and ProFTPD 450.)
   */
  toleratesNoop = false;
  /**
   * True for a server that is known to do one command after the other, and to take a data connection when it comes to the
   * command for it. (pyftpdlib connects in the background, and forgets a connection that ends before that command.)
   */
  orderly = false;
  #features = new Map<string, string[]>();
  /** True where FEAT was answered, or will be after a login. (An old server may fall silent at a command it does not know.) */
  #knowsFeat = false;
  #pipelines = false;
  #loggedIn = false;

  constructor(options: ResolvedOptions, settings: FtpSettings, onClose: (reason: PolywireError) => void) {
    this.options = options;
    this.settings = settings;
    const over = (reason: PolywireError) => {
      this.silence.stop();
      onClose(reason);
    };
    const grammar = new CodeGrammar(FTP_REPLIES, options.limits.reply);
    this.line = new LineSession({ options, grammar, onClose: over });
    this.line.window = WINDOW;
  }

  get tls(): TLSSocket | undefined {
    return this.line.tls;
  }

  get capabilities(): ReadonlyMap<string, readonly string[]> {
    return this.#features;
  }

  get depth(): number {
    return this.#pipelines ? this.options.pipelining : 1;
  }

  /** True for a server that answers commands sent together. */
  get pipelines(): boolean {
    return this.#pipelines;
  }

  /** Milliseconds without a byte in which a transfer is still taken for alive. */
  patience({ timeout }: Call): number {
    return Math.max(this.options.timeouts.idle, timeout);
  }

  has(feature: string): boolean {
    return this.#features.has(feature);
  }

  async open(call: Call): Promise<Reply> {
    const { line, options, settings } = this;
    // Replies are read into memory that all connections share; what TLS reads is its own business.
    const room = options.security === "plain" ? commonRoom : undefined;
    await line.open({ signal: call.signal, room }, settings.clearControl);
    const greeting = await line.receive("greeting", { timeout: options.timeouts.greeting });
    this.toleratesNoop = /vsftpd/i.test(greeting.text);
    this.orderly = /vsftpd|proftpd|pure-ftpd/i.test(greeting.text);
    // These two take every byte as it is.
    this.line.telnet = !/vsftpd|pure-ftpd/i.test(greeting.text);
    if (!greeting.ok) throw refusal(greeting, "connect", line.redact(greeting.text));
    if (options.security === "starttls") await this.#authTls(call);
    if (line.tls) this.#keepTlsSession();
    await this.feat({ timeout: call.timeout });
    return greeting;
  }

  async login(credentials: Credentials, call: Call): Promise<void> {
    const { user = "anonymous", account } = credentials;
    const password = credentials.password ?? (user === "anonymous" ? "anonymous@" : undefined);
    if (user !== "anonymous") this.line.hide(password);
    this.line.hide(account);
    let reply = await this.send(`USER ${user}`, { timeout: call.timeout });
    if (reply.code === "331") {
      if (password === undefined) throw wants("a password", `USER ${user}`, reply);
      reply = await this.send(`PASS ${password}`, { timeout: call.timeout, shown: "PASS ***" });
    }
    if (reply.code === "332") {
      if (account === undefined) throw wants("an account (ACCT) besides the password", "PASS ***", reply);
      await this.send(`ACCT ${account}`, { timeout: call.timeout, shown: "ACCT ***" });
    }
    this.#loggedIn = true;
    await this.#settleIn(call);
  }

  async request(command: string, options: RequestOptions, call: Call): Promise<Reply> {
    this.#refuseRaw(command);
    if (options.multiline) throw new UsageError("FTP replies say by themselves where they end: no multiline option");
    const { shown } = options;
    const send = { timeout: call.timeout, shown };
    return options.expect === "any" ? this.line.send(command, send) : this.send(command, send);
  }

  /** Before the login a refusal is a sign of life, too (vsftpd's 530); behind 421 the server hangs up. */
  async noop(call: Call): Promise<void> {
    const reply = await this.line.send("NOOP", { timeout: call.timeout });
    if (this.#loggedIn || reply.code === "421") this.accept(reply, "NOOP");
  }

  async quit(call: Call): Promise<void> {
    await this.line.send("QUIT", { timeout: call.timeout });
  }

  close(reason: PolywireError): void {
    this.line.fail(reason);
  }

  /** Sends one command; a refusal rejects with ReplyError. */
  async send(command: string, options: SendOptions = {}): Promise<Reply> {
    return this.accept(await this.line.send(command, options), options.shown ?? command);
  }

  /** Gives the reply where the server agreed. Throws ReplyError otherwise. */
  accept(reply: Reply, shown: string): Reply {
    if (reply.ok) return reply;
    const error = refusal(reply, shown, this.line.redact(reply.text));
    error.server = `${this.options.host}:${this.options.port}`;
    throw error;
  }

  /** Asks for the features; a server that has none says so by a refusal. */
  async feat(options: SendOptions = {}): Promise<void> {
    const reply = await this.line.send("FEAT", options);
    if (reply.code === "211") this.#features = parseFeatures(reply);
    this.#knowsFeat = reply.code === "211" || reply.code === "530";
  }

  /** Several commands in one write where the server pipelines, else one after the other. Replies in order, as they are. */
  async pack(commands: readonly string[], options: SendOptions = {}): Promise<Reply[]> {
    if (this.#pipelines) return this.line.pack(commands, options);
    const replies: Reply[] = [];
    for (const command of commands) replies.push(await this.line.send(command, options));
    return replies;
  }

  /** `pack` for commands of the user's own. */
  async packRaw(commands: readonly string[], options: SendOptions): Promise<Reply[]> {
    for (const command of commands) this.#refuseRaw(command);
    return this.pack(commands, options);
  }

  /** Keeps away commands that would leave this session behind. */
  #refuseRaw(command: string): void {
    const word = SPECIAL.exec(command)?.[1]?.toUpperCase();
    if (word === undefined) return;
    if (word !== "TYPE")
      throw new UsageError(`${word} is not sent raw`, { advice: `use ${NOT_RAW[word]}`, protocol: "ftp" });
    this.type = undefined;
  }

  async #authTls(call: Call): Promise<void> {
    const reply = await this.line.upgrade("AUTH TLS", call, this.settings.clearControl);
    if (reply.ok) return;
    if (reply.code === "421") throw refusal(reply, "AUTH TLS");
    throw refusedTls("AUTH TLS", reply);
  }

  /** Remembers the TLS session of the control connection, which data connections resume. */
  #keepTlsSession(): void {
    const socket = this.line.socket as TLSSocket;
    // ProFTPD and Pure-FTPd read 4 KiB of a record, and the rest of it only when more arrives: many commands in one
    // write would wait for ever.
    socket.setMaxSendFragment(WINDOW);
    this.tlsSession = socket.getSession();
    socket.on("session", (session: Buffer) => {
      this.tlsSession = session;
    });
  }

  /**
   * What follows a login, in one write: protection of data, the features as they are now, binary type. PWD at the
   * end shows that the server answered everything, so that it may be sent several commands at once. One by one, where that
   * is not wanted.
   */
  async #settleIn(call: Call): Promise<void> {
    const protect = this.line.tls ? ["PBSZ 0", this.settings.protection === "private" ? "PROT P" : "PROT C"] : [];
    const asked = this.#knowsFeat ? ["FEAT"] : [];
    const commands = [...protect, ...asked, "TYPE I", "NOOP", "PWD"];
    const tried = this.options.pipelining > 1;
    const replies = tried ? await this.line.probe(commands, Math.min(PROBE, call.timeout)) : [];
    this.#pipelines = tried && replies.every((reply) => reply !== undefined);
    this.packs = this.#pipelines;
    this.serial = tried && !this.#pipelines;
    if (this.serial) await this.#bringInStep(call);
    const { timeout } = call;
    const answer = async (command: string) =>
      replies[commands.indexOf(command)] ?? (await this.line.send(command, { timeout }));
    for (const command of protect) this.#protection(command, await answer(command));
    if (asked.length > 0) {
      const features = await answer("FEAT");
      if (features.code === "211") this.#features = parseFeatures(features);
    }
    if ((await answer("TYPE I")).ok) this.type = "I";
    if (this.line.tls && this.settings.clearControl) await this.#clearControl(call);
  }

  /**
   * The pack was not answered whole: by a server that drops what comes along with a command, or by a slow one, whose
   * late answers must not be taken for those of later commands. Only SYST is answered by 215.
   */
  async #bringInStep(call: Call): Promise<void> {
    if (await this.line.fence("NOOP", "SYST", "215", call.timeout)) return;
    const message = `the server did not answer all commands behind the login within ${call.timeout} ms`;
    const advice = "timeouts.command, or the timeout of login(), can be raised";
    throw this.line.fail(new TimeoutError(message, { phase: "login", advice }));
  }

  #protection(command: string, reply: Reply): void {
    if (command === "PROT P") this.protectedData = reply.ok;
    if (reply.ok || command !== "PROT P") return;
    throw new TlsError(`the server refuses to encrypt data connections: ${reply.code} ${reply.text}`, {
      phase: "tls",
      advice: 'if the files may travel in the clear, say so: protection "clear"',
    });
  }

  async #clearControl(call: Call): Promise<void> {
    this.accept(await this.line.downgrade("CCC", call), "CCC");
  }
}

/** The login stops half way: the server asks for what the credentials do not have. */
function wants(what: string, command: string, reply: Reply): LoginError {
  const details = { command, code: reply.code, transient: false, protocol: "ftp" as const };
  return new LoginError(`the server wants ${what}, and the credentials have none`, details);
}
