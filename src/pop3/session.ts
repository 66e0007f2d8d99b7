/** The conversation of one POP3 connection: greeting, TLS, login, single commands (RFC 1939, 2449, 2595). */
import type { TLSSocket } from "node:tls";
import { type PolywireError, ProtocolError, type ReplyError, TimeoutError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, Reply, RequestOptions, Session } from "../client/session.js";
import { LineSession, type SendOptions } from "../net/line-session.js";
import { Pieces } from "../net/pieces.js";
import type { BodyOptions } from "../net/rows.js";
import { refusedTls } from "../net/tls.js";
import { DotReader } from "../wire/dot.js";
import { StatusGrammar } from "../wire/status-reply.js";
import { readable } from "../wire/text.js";
import { logIn } from "./login.js";
import type { Pop3Settings } from "./options.js";
import { parseCapabilities, parseTimestamp } from "./parse-reply.js";
import { refusal } from "./refusal.js";

/** Commands that `request()` leaves to a method, and which one. AUTH alone asks for a list, and may pass. */
const NOT_RAW: Readonly<Record<string, string>> = {
  USER: "login()",
  PASS: "login()",
  APOP: "login()",
  AUTH: "login()",
  STLS: "the option security",
  QUIT: "quit(), or commit()",
};

/** Commands behind whose agreement lines follow: always, or where they have no argument. */
const MULTILINE = new Set(["CAPA", "RETR", "TOP"]);
const MULTILINE_ALONE = new Set(["LIST", "UIDL", "AUTH", "LANG"]);

/** Silence after which a server is taken for one that does not answer all commands of one write, in milliseconds. */
const PROBE = 5_000;

/** A live POP3 connection. */
export class Pop3Session implements Session {
  readonly line: LineSession;
  readonly settings: Pop3Settings;
  readonly options: ResolvedOptions;
  readonly loginOptional = false;
  /** What APOP's digest is made with; undefined where the server takes no APOP. */
  timestamp: string | undefined;
  #capabilities = new Map<string, string[]>();
  #loggedIn = false;
  /** True where the server announces PIPELINING and was seen to do it. */
  #pipelines = false;

  constructor(options: ResolvedOptions, settings: Pop3Settings, onClose: (reason: PolywireError) => void) {
    this.options = options;
    this.settings = settings;
    this.line = new LineSession({ options, grammar: new StatusGrammar(), onClose });
  }

  get tls(): TLSSocket | undefined {
    return this.line.tls;
  }

  get capabilities(): ReadonlyMap<string, readonly string[]> {
    return this.#capabilities;
  }

  get depth(): number {
    return this.#pipelines ? this.options.pipelining : 1;
  }

  async open(call: Call): Promise<Reply> {
    const { line, options } = this;
    await line.open(call);
    const greeting = await line.receive("greeting", { timeout: options.timeouts.greeting });
    this.accept(greeting, "connect");
    this.timestamp = parseTimestamp(greeting.text);
    // Capabilities are asked for behind it: what is said in the clear may be somebody else's words (RFC 2595 §4).
    if (options.security === "starttls") await this.#startTls(call);
    await this.#askCapabilities(call);
    return greeting;
  }

  async login(credentials: Credentials, call: Call): Promise<void> {
    await logIn(this, credentials, call);
    this.#loggedIn = true;
    await this.#settleIn(call);
  }

  async request(command: string, options: RequestOptions, call: Call): Promise<Reply> {
    const [verb = "", argument] = command.trim().toUpperCase().split(/\s+/);
    if (Object.hasOwn(NOT_RAW, verb) && !(verb === "AUTH" && argument === undefined)) {
      throw new UsageError(`${verb} is not sent raw`, { advice: `use ${NOT_RAW[verb]}`, protocol: "pop3" });
    }
    const alone = argument === undefined && MULTILINE_ALONE.has(verb);
    const { multiline = alone || MULTILINE.has(verb), shown } = options;
    const pieces = new Pieces(this.options.limits.body);
    const body = ({ ok }: Reply) => (multiline && ok ? new DotReader((piece) => pieces.take(piece)) : undefined);
    const reply = await this.line.send(command, { timeout: call.timeout, shown, body });
    const whole = multiline && reply.ok ? { ...reply, body: pieces.whole() } : reply;
    return options.expect === "any" && reply.code !== "+" ? whole : this.accept(whole, shown ?? command);
  }

  /** NOOP is a command behind the login (RFC 1939 §5): before it, a refusal is a sign of life, too. */
  async noop(call: Call): Promise<void> {
    const reply = await this.line.send("NOOP", { timeout: call.timeout });
    if (this.#loggedIn || reply.code === "+") this.accept(reply, "NOOP");
  }

  async quit(call: Call): Promise<void> {
    await this.line.send("QUIT", { timeout: call.timeout });
  }

  close(reason: PolywireError): void {
    this.line.fail(reason);
  }

  pause(holder: object): void {
    this.line.pause(holder);
  }

  resume(holder: object): void {
    this.line.resume(holder);
  }

  /** Sends one command; a refusal rejects with ReplyError. */
  async send(command: string, options: SendOptions = {}): Promise<Reply> {
    return this.accept(await this.line.send(command, options), options.shown ?? command);
  }

  /** Sends a command whose agreement has lines behind it. Resolves to the reply when the lines are over. */
  async sendForBody(command: string, { begin, timeout }: BodyOptions): Promise<Reply> {
    const body = (reply: Reply) => (reply.ok ? new DotReader(begin(reply)) : undefined);
    return this.accept(await this.line.send(command, { timeout, body }), command);
  }

  /** Gives the reply where the server agreed. Throws ReplyError for a refusal. */
  accept(reply: Reply, shown: string): Reply {
    if (reply.ok) return reply;
    // A "+" asks for more of a command that has no more: what comes next would be taken for it.
    throw reply.code === "+" ? this.unreadable(shown, reply) : this.refusal(reply, shown);
  }

  /** The error for a refusal. */
  refusal(reply: Reply, shown: string): ReplyError {
    const error = refusal(reply, shown, this.line.redact(reply.text));
    error.server = `${this.options.host}:${this.options.port}`;
    return error;
  }

  /** A reply that is not what its command promises: nothing can be taken for granted then. */
  unreadable(command: string, reply: Reply): PolywireError {
    const said = readable(this.line.redact(reply.lines.join(" ")));
    return this.line.fail(new ProtocolError(`the answer to ${command} cannot be read: ${said}`));
  }

  async #startTls(call: Call): Promise<void> {
    const reply = await this.line.upgrade("STLS", call);
    if (!reply.ok) throw reply.code === "+" ? this.unreadable("STLS", reply) : refusedTls("STLS", reply);
  }

  /** CAPA is younger than POP3: a server that does not know it can do what RFC 1939 says. */
  async #askCapabilities(call: Call): Promise<void> {
    const pieces = new Pieces(this.options.limits.reply);
    const lines = this.line.recorded(new DotReader((piece) => pieces.take(piece)));
    const body = ({ ok }: Reply) => (ok ? lines : undefined);
    const reply = await this.line.send("CAPA", { timeout: call.timeout, body });
    if (reply.code === "+") throw this.unreadable("CAPA", reply);
    this.#capabilities = reply.ok ? parseCapabilities(pieces.whole()) : new Map();
  }

  /**
   * What follows a login, in one write: the capabilities as they are now, and, where pipelining was announced, two
   * commands that show whether that is true. (A filter between server and client may drop the second.)
   */
  async #settleIn(call: Call): Promise<void> {
    const trial = this.options.pipelining > 1 && this.#capabilities.has("PIPELINING");
    const asked = this.#askCapabilities(call);
    const tried = trial ? this.line.probe(["NOOP", "NOOP"], Math.min(PROBE, call.timeout)) : Promise.resolve([]);
    const [answers] = await Promise.all([tried, asked]);
    if (answers.includes(undefined)) await this.#bringInStep(call);
    this.#pipelines = trial && this.#capabilities.has("PIPELINING") && answers.every((reply) => reply?.ok);
  }

  /** A late answer to NOOP must not be taken for that of a later command: only a RETR of nothing is refused. */
  async #bringInStep(call: Call): Promise<void> {
    if (await this.line.fence("NOOP", "RETR", "-ERR", call.timeout)) return;
    const message = `the server did not answer all commands behind the login within ${call.timeout} ms`;
    throw this.line.fail(new TimeoutError(message, { phase: "login", advice: "try pipelining: 1" }));
  }
}
