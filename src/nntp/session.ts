/** The conversation of one NNTP connection: greeting, TLS, login, compression, single commands (RFC 3977, 4642, 4643, 8054). */
import type { TLSSocket } from "node:tls";
import { type PolywireError, ProtocolError, ReplyError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, Reply, RequestOptions, Session } from "../client/session.js";
import { LineSession, type SendOptions } from "../net/line-session.js";
import { Pieces } from "../net/pieces.js";
import type { BodyOptions } from "../net/rows.js";
import { refusedTls } from "../net/tls.js";
import { CodeGrammar, NNTP_REPLIES } from "../wire/code-reply.js";
import { DotReader } from "../wire/dot.js";
import type { BodyReader } from "../wire/reply.js";
import { readable } from "../wire/text.js";
import { InflatedBody, isInflated } from "./compressed-body.js";
import { login, namesNobody } from "./login.js";
import { LoginGate } from "./login-gate.js";
import type { Compression, NntpSettings } from "./options.js";
import type { LearnedFormat } from "./overview.js";
import { type NewsGroup, parseCapabilities, parseGroup } from "./parse-reply.js";
import { refusal } from "./refusal.js";

/** Commands that `request()` leaves to a method, and which one. */
const NOT_RAW: Readonly<Record<string, string>> = {
  "MODE READER": "connect(), which sends it where it is needed",
  AUTHINFO: "login()",
  STARTTLS: "the option security",
  COMPRESS: "the option compress",
  XFEATURE: "the option compress",
  POST: "post()",
  IHAVE: "ihave()",
  TAKETHIS: "takethis()",
  QUIT: "quit()",
};

/** Codes behind which lines follow, up to a dot (RFC 3977 appendix C; and XINDEX, XGTITLE, XTHREAD of old servers). */
const MULTILINE = new Set("100 101 215 218 220 221 222 224 225 230 231 282 288".split(" "));

/** Codes of a command that the server does not have, or not in this form. */
export const UNKNOWN = /^50[013]$/;

/** A command that selects a newsgroup. */
const GROUP = /^(?:LIST)?GROUP\s+(\S+)/i;

/** Gives the credentials for a login that the server asks for in the middle; undefined where there are none. */
export type CredentialsAtHand = () => Promise<Credentials | undefined>;

/** A live NNTP connection. */
export class NntpSession implements Session {
  readonly line: LineSession;
  readonly settings: NntpSettings;
  readonly options: ResolvedOptions;
  readonly loginOptional = true;
  /** True where the greeting, or MODE READER, allows posting. */
  posting = false;
  /** True where overviews are asked for by XZVER. */
  xzver = false;
  /** The newsgroup that is selected, with the marks it had then. */
  group: NewsGroup | undefined;
  /** What LIST OVERVIEW.FMT said. */
  readonly overviewFormat: LearnedFormat = { names: [], asked: false };
  #capabilities = new Map<string, string[]>();
  /** True where CAPABILITIES was understood. */
  #announces = false;
  readonly #credentials: CredentialsAtHand;
  readonly #gate = new LoginGate(() => this.#loginAgain());
  /** True where the server agreed to XFEATURE COMPRESS GZIP. */
  #gzip = false;
  /** The compressed body that is being read. */
  #inflating: InflatedBody | undefined;
  /** The spelling of a command that the server understands, where it was tried: OVER or XOVER, HDR or XHDR. */
  readonly #spelling = new Map<string, string>();

  constructor(
    options: ResolvedOptions,
    settings: NntpSettings,
    credentials: CredentialsAtHand,
    onClose: (reason: PolywireError) => void,
  ) {
    this.options = options;
    this.settings = settings;
    this.#credentials = credentials;
    const grammar = new CodeGrammar(NNTP_REPLIES, options.limits.reply);
    const over = (reason: PolywireError) => {
      this.#inflating?.drop();
      this.#gate.close(reason);
      onClose(reason);
    };
    this.line = new LineSession({ options, grammar, onClose: over });
  }

  get tls(): TLSSocket | undefined {
    return this.line.tls;
  }

  get capabilities(): ReadonlyMap<string, readonly string[]> {
    return this.#capabilities;
  }

  get depth(): number {
    return this.options.pipelining;
  }

  /** True where the capability was announced, with this argument if one is given. */
  has(capability: string, argument?: string): boolean {
    const found = this.#capabilities.get(capability);
    return found !== undefined && (argument === undefined || found.includes(argument));
  }

  async open(call: Call): Promise<Reply> {
    const { line, options } = this;
    await line.open(call);
    const greeting = await line.receive("greeting", { timeout: options.timeouts.greeting });
    if (!greeting.ok) throw refusal(greeting, "connect", line.redact(greeting.text));
    this.posting = greeting.code === "200";
    await this.#askCapabilities(call);
    await this.#modeReader(call);
    if (options.security === "starttls") await this.#startTls(call);
    if (options.credentials === undefined) await this.#compress(call);
    return greeting;
  }

  async login(credentials: Credentials, call: Call): Promise<void> {
    if (namesNobody(this, credentials)) return this.#compress(call);
    await login(this, credentials, this.#announces, call);
    await this.#askCapabilities(call);
    await this.#compress(call);
  }

  async request(command: string, options: RequestOptions, call: Call): Promise<Reply> {
    const words = command.trim().toUpperCase().split(/\s+/);
    const verb = [`${words[0]} ${words[1]}`, words[0] ?? ""].find((each) => Object.hasOwn(NOT_RAW, each));
    if (verb) throw new UsageError(`${verb} is not sent raw`, { advice: `use ${NOT_RAW[verb]}`, protocol: "nntp" });
    const { multiline = words[0] === "LISTGROUP", shown } = options;
    let pieces: Pieces | undefined;
    const body = (reply: Reply) => {
      if (!reply.ok || !(multiline || MULTILINE.has(reply.code))) return undefined;
      const begun = (pieces = new Pieces(this.options.limits.body));
      return this.#reader(command, reply, (piece) => begun.take(piece));
    };
    const reply = await this.exchange(command, { timeout: call.timeout, shown, body });
    const whole = pieces ? { ...reply, body: pieces.whole() } : reply;
    return options.expect === "any" ? whole : this.accept(whole, shown ?? command);
  }

  /** There is no NOOP, and DATE changes nothing. A server that refuses it is alive, too, but for 400: it hangs up. */
  async noop(call: Call): Promise<void> {
    const reply = await this.line.send("DATE", { timeout: call.timeout });
    if (reply.code === "400") this.accept(reply, "DATE");
  }

  async quit(call: Call): Promise<void> {
    await this.line.send("QUIT", { timeout: call.timeout });
  }

  close(reason: PolywireError): void {
    this.line.fail(reason);
  }

  /** Sends one command; a refusal rejects with ReplyError, after a login and one repeat where the server wants a login. */
  async send(command: string, options: SendOptions = {}): Promise<Reply> {
    return this.accept(await this.exchange(command, options), options.shown ?? command);
  }

  /** Sends a command whose agreement has lines behind it. Resolves to the reply when the lines are over. */
  async sendForBody(command: string, options: BodyOptions): Promise<Reply> {
    const { begin, timeout } = options;
    let begun = false;
    const body = (reply: Reply) => {
      begun = MULTILINE.has(reply.code) || (reply.code === "211" && command.startsWith("LISTGROUP"));
      return begun ? this.#reader(command, reply, begin(reply)) : undefined;
    };
    const reply = await this.send(command, { timeout, body });
    return begun ? reply : Promise.reject(this.unreadable(command, reply));
  }

  /** Sends a command with one spelling or the older one, whichever the server knows: learned once. */
  async sendForBodyAs(names: readonly [string, string], args: string, options: BodyOptions): Promise<Reply> {
    const [name, older] = names;
    const known = this.#spelling.get(name);
    const first = known ?? (this.#announces && !this.has(name) ? older : name);
    try {
      return await this.sendForBody(`${first}${args}`, options);
    } catch (error) {
      if (known !== undefined || !(error instanceof ReplyError && UNKNOWN.test(error.code))) throw error;
      // A command that is announced, and known, was refused for what it was asked: OVER by message-id in INN (503).
      if (this.has(name) && error.code !== "500") throw error;
    }
    const second = first === name ? older : name;
    const reply = await this.sendForBody(`${second}${args}`, options);
    this.#spelling.set(name, second);
    return reply;
  }

  /** Gives the reply where the server agreed. Throws ReplyError otherwise. */
  accept(reply: Reply, shown: string): Reply {
    if (reply.ok) return reply;
    throw this.refused(reply, shown);
  }

  /** The error of a refusal. */
  refused(reply: Reply, shown: string): ReplyError {
    const error = refusal(reply, shown, this.line.redact(reply.text));
    error.server = `${this.options.host}:${this.options.port}`;
    return error;
  }

  /**
   * Gives the reply where its code begins so. Throws ReplyError for a refusal; any other consent is none, and closes the
   * connection: server and client are no longer at the same step.
   */
  expect(reply: Reply, shown: string, code: string): Reply {
    if (this.accept(reply, shown).code.startsWith(code)) return reply;
    throw this.unreadable(shown, reply);
  }

  /** A reply that is not what its command, or its code, promises: nothing can be taken for granted then. */
  unreadable(command: string, reply: Reply): PolywireError {
    const said = readable(this.line.redact(reply.lines.join(" ")));
    return this.line.fail(new ProtocolError(`the answer to ${command} cannot be read: ${said}`));
  }

  /** True for a reply behind which a compressed stream comes, in a way that was agreed upon. */
  inflates(command: string, reply: Reply): boolean {
    return (this.#gzip || this.xzver) && isInflated(command, reply);
  }

  /** The holder's body is held back, also what of it was read already and is being inflated. */
  pause(holder: object): void {
    this.#inflating?.pause(holder);
    this.line.pause(holder);
  }

  resume(holder: object): void {
    this.#inflating?.resume(holder);
    this.line.resume(holder);
  }

  /** Sends one command, whatever the reply; also after a login and one repeat. */
  exchange(command: string, options: SendOptions = {}): Promise<Reply> {
    const asked = this.#gate.pass(() => this.line.send(command, options));
    const group = GROUP.exec(command)?.[1];
    if (group === undefined) return asked;
    return asked.then((reply) => {
      if (reply.code === "211") this.group = parseGroup(reply.text, group);
      return reply;
    });
  }

  /** Sends an article in one write with its command, where there is one; resolves to the reply, whatever it says. */
  exchangeArticle(article: readonly Buffer[], options: SendOptions & { command?: string | undefined }): Promise<Reply> {
    return this.#gate.pass(() => this.line.sendBytes(article, options));
  }

  /** False where there is nobody to log in. What is in flight comes first: replies keep their order. */
  async #loginAgain(): Promise<boolean> {
    const credentials = await this.#credentials();
    if (credentials === undefined || namesNobody(this, credentials)) return false;
    await this.line.quiet();
    await this.login(credentials, { signal: undefined, timeout: this.options.timeouts.command });
    return true;
  }

  #reader(command: string, reply: Reply, take: (piece: Buffer) => void): BodyReader {
    if (!this.inflates(command, reply)) return new DotReader(take);
    const body = new InflatedBody({
      piece: take,
      end: (rest) => {
        this.#inflating = undefined;
        this.line.unread(rest);
      },
      fail: (error) => this.line.fail(error),
      pause: () => this.line.pause(body),
      resume: () => this.line.resume(body),
    });
    this.#inflating = body;
    return body;
  }

  async #askCapabilities(call: Call): Promise<void> {
    const pieces = new Pieces(this.options.limits.reply);
    const lines = this.line.recorded(new DotReader((piece) => pieces.take(piece)));
    const body = (reply: Reply) => (reply.code === "101" ? lines : undefined);
    const reply = await this.line.send("CAPABILITIES", { timeout: call.timeout, body });
    this.#announces = reply.code === "101";
    this.#capabilities = this.#announces ? parseCapabilities({ ...reply, body: pieces.whole() }) : new Map();
  }

  /** A server that also takes feeds must be told that a reader is here (RFC 3977 §5.3). */
  async #modeReader(call: Call): Promise<void> {
    if (!this.settings.modeReader) return;
    if (this.#announces && (this.has("READER") || !this.has("MODE-READER"))) return;
    const reply = await this.line.send("MODE READER", { timeout: call.timeout });
    if (reply.ok) this.posting = reply.code === "200";
    else if (reply.code === "502" || reply.code === "400") this.accept(reply, "MODE READER");
    if (reply.ok && this.#announces) await this.#askCapabilities(call);
  }

  async #startTls(call: Call): Promise<void> {
    const reply = await this.line.upgrade("STARTTLS", call);
    if (!reply.ok) {
      if (reply.code === "400") throw refusal(reply, "STARTTLS");
      throw refusedTls("STARTTLS", reply);
    }
    // What was said before, in the clear, may have been somebody else's words.
    await this.#askCapabilities(call);
  }

  /** Starts compression, where it is wanted and there is one; a server that refuses goes on without. */
  async #compress(call: Call): Promise<void> {
    const { compress } = this.settings;
    if (compress === false || this.line.compressed || this.#gzip) return;
    const wants = (way: Compression, announced: boolean) => compress === way || (compress === true && announced);
    if (wants("deflate", this.has("COMPRESS", "DEFLATE"))) {
      const reply = await this.line.compress("COMPRESS DEFLATE", call);
      if (reply.ok) await this.#askCapabilities(call);
    } else if (wants("gzip", this.has("XFEATURE-COMPRESS", "GZIP"))) {
      const terminator = this.has("XFEATURE-COMPRESS", "TERMINATOR") ? " TERMINATOR" : "";
      const reply = await this.line.send(`XFEATURE COMPRESS GZIP${terminator}`, { timeout: call.timeout });
      this.#gzip = reply.code.startsWith("2");
    } else if (wants("xzver", this.has("XZVER"))) {
      this.xzver = true;
    }
  }
}
