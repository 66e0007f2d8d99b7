/** The conversation of one SMTP or LMTP connection: greeting, EHLO, TLS, login, single commands (RFC 5321, 3207, 4954, 2033). */
import { hostname } from "node:os";
import type { TLSSocket } from "node:tls";
import { type PolywireError, ProtocolError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, Reply, RequestOptions, Session } from "../client/session.js";
import { LineSession } from "../net/line-session.js";
import { refusedTls } from "../net/tls.js";
import { CodeGrammar, SMTP_REPLIES } from "../wire/code-reply.js";
import { readable } from "../wire/text.js";
import { login, namesNobody } from "./login.js";
import { isName, type SmtpSettings } from "./options.js";
import { parseEhlo, parseLimits, type TransactionLimits } from "./parse-ehlo.js";
import { refusal } from "./refusal.js";

/** Commands that `request()` leaves to a method, and which one. */
const NOT_RAW: Readonly<Record<string, string>> = {
  DATA: "data() or send()",
  BDAT: "bdat() or send()",
  AUTH: "login()",
  STARTTLS: "the option security",
  EHLO: "ehlo()",
  LHLO: "ehlo()",
  HELO: "helo()",
  QUIT: "quit()",
};

/** Codes of a server that does not know EHLO (RFC 5321 §3.2). */
const NO_EHLO = /^5(?:0[0124]|50)$/;

/** A live SMTP connection. */
export class SmtpSession implements Session {
  readonly line: LineSession;
  readonly options: ResolvedOptions;
  readonly settings: SmtpSettings;
  readonly loginOptional = true;
  /** What LIMITS says. */
  limits: TransactionLimits = parseLimits();
  /** Messages begun on this connection. */
  mails = 0;
  /** Recipients taken since MAIL, where single commands are sent. */
  takers = 0;
  /** True once the server has taken a MAIL since it was greeted. */
  mailTaken = false;
  /** True while a transaction that was begun by single commands is open. */
  byHand = false;
  #capabilities = new Map<string, string[]>();
  /** True where a transaction was left open, and the next one must not be taken for its rest. */
  #owesReset = false;
  /** Commands that must be the last of what is in flight (RFC 2920 §3.1). */
  #lasts = 0;

  constructor(options: ResolvedOptions, settings: SmtpSettings, onClose: (reason: PolywireError) => void) {
    this.options = options;
    this.settings = settings;
    const grammar = new CodeGrammar(SMTP_REPLIES, options.limits.reply);
    this.line = new LineSession({ options, grammar, onClose });
  }

  get tls(): TLSSocket | undefined {
    return this.line.tls;
  }

  get capabilities(): ReadonlyMap<string, readonly string[]> {
    return this.#capabilities;
  }

  get depth(): number {
    return this.pipelines && this.#lasts === 0 ? this.options.pipelining : 1;
  }

  /** True where TLS has shown that this is the server that was meant. */
  get verified(): boolean {
    return this.tls?.authorized === true;
  }

  /** True where commands may be sent before the answers to others are there. */
  get pipelines(): boolean {
    return this.options.pipelining > 1 && this.#capabilities.has("PIPELINING");
  }

  /** True where messages go by BDAT. */
  get chunks(): boolean {
    return this.settings.chunking && this.#capabilities.has("CHUNKING");
  }

  get server(): string {
    return `${this.options.host}:${this.options.port}`;
  }

  /** The next transaction must begin with RSET. */
  oweReset(): void {
    this.#owesReset = true;
  }

  /** True where RSET must come first; it counts as sent. */
  takeReset(): boolean {
    const owed = this.#owesReset || this.byHand;
    this.#owesReset = this.byHand = false;
    return owed;
  }

  async open(call: Call): Promise<Reply> {
    const { line, options } = this;
    await line.open(call);
    const greeting = await line.receive("greeting", { timeout: options.timeouts.greeting });
    if (!greeting.ok) {
      const error = this.refused(greeting, "connect");
      error.clientUsable = false;
      throw error;
    }
    this.expect(greeting, "connect", "2");
    await this.#greet(undefined, call);
    if (options.security === "starttls") await this.#startTls(call);
    return greeting;
  }

  /** EHLO, or HELO where the server does not know it; LHLO in LMTP. */
  async #greet(name: string | undefined, call: Call): Promise<void> {
    const reply = await this.ehlo(name, call);
    if (reply.ok) return;
    if (this.settings.lmtp || !NO_EHLO.test(reply.code)) this.accept(reply, this.settings.lmtp ? "LHLO" : "EHLO");
    this.accept(await this.helo(name, call), "HELO");
  }

  /** Sends EHLO (LHLO), and takes over what the server announces. */
  async ehlo(name: string | undefined, call: Call): Promise<Reply> {
    const command = `${this.settings.lmtp ? "LHLO" : "EHLO"} ${this.#name(name)}`;
    const reply = await this.line.send(command, { timeout: call.timeout });
    if (reply.ok) this.#begin(parseEhlo(this.expect(reply, command, "2")));
    return reply;
  }

  async helo(name: string | undefined, call: Call): Promise<Reply> {
    const command = `HELO ${this.#name(name)}`;
    const reply = await this.line.send(command, { timeout: call.timeout });
    if (reply.ok) this.#begin(new Map());
    return reply.ok ? this.expect(reply, command, "2") : reply;
  }

  async login(credentials: Credentials, call: Call): Promise<void> {
    if (!namesNobody(this, credentials)) await login(this, credentials, call);
  }

  async request(command: string, options: RequestOptions, call: Call): Promise<Reply> {
    const verb = /^\s*([a-z0-9]+)/i.exec(command)?.[1]?.toUpperCase() ?? "";
    if (Object.hasOwn(NOT_RAW, verb)) {
      throw new UsageError(`${verb} is not sent raw`, { advice: `use ${NOT_RAW[verb]}`, protocol: "smtp" });
    }
    const { shown } = options;
    const reply = await this.line.send(command, { timeout: call.timeout, shown });
    if (reply.ok && verb === "MAIL") this.byHand = true;
    if (reply.ok && verb === "RSET") this.takeReset();
    return options.expect === "any" ? reply : this.accept(reply, shown ?? command);
  }

  /** A server that refuses NOOP is alive, too; behind 421 it hangs up. */
  async noop(call: Call): Promise<void> {
    this.#lasts++;
    try {
      const reply = await this.line.send("NOOP", { timeout: call.timeout });
      if (reply.code === "421") this.accept(reply, "NOOP");
    } finally {
      this.#lasts--;
    }
  }

  async quit(call: Call): Promise<void> {
    await this.line.send("QUIT", { timeout: call.timeout });
  }

  close(reason: PolywireError): void {
    this.line.fail(reason);
  }

  /** Sends one command; a refusal rejects with ReplyError, and any consent but 2xx closes the connection. */
  async send(command: string, call: Call): Promise<Reply> {
    return this.expect(await this.line.send(command, { timeout: call.timeout }), command, "2");
  }

  /** Gives the reply where the server agreed. Throws ReplyError otherwise. */
  accept(reply: Reply, shown: string): Reply {
    if (reply.ok) return reply;
    throw this.refused(reply, shown);
  }

  refused(reply: Reply, shown: string) {
    const error = refusal(reply, shown, this.line.redact(reply.text));
    error.server = this.server;
    return error;
  }

  /** Gives the reply where its code begins so. Throws ReplyError for a refusal; any other consent closes the connection. */
  expect(reply: Reply, shown: string, code: string): Reply {
    if (this.accept(reply, shown).code.startsWith(code)) return reply;
    const said = readable(this.line.redact(reply.lines.join(" ")));
    throw this.line.fail(this.outOfStep(`the answer to ${shown} makes no sense: ${said}`));
  }

  outOfStep(message: string): ProtocolError {
    return new ProtocolError(message, { protocol: "smtp", server: this.server });
  }

  #begin(capabilities: Map<string, string[]>): void {
    this.#capabilities = capabilities;
    this.limits = parseLimits(capabilities.get("LIMITS"));
    this.mailTaken = this.byHand = false;
    this.#owesReset = false;
  }

  async #startTls(call: Call): Promise<void> {
    const reply = await this.line.upgrade("STARTTLS", call);
    if (!reply.ok) {
      if (reply.code === "421") throw this.refused(reply, "STARTTLS");
      throw refusedTls("STARTTLS", reply);
    }
    // What was said before, in the clear, may have been somebody else's words (RFC 3207 §4.2).
    this.#begin(new Map());
    await this.#greet(undefined, call);
  }

  /** RFC 5321 §4.1.4: a name that others can look up, or else the address (§4.1.3). */
  #name(given: string | undefined): string {
    const name = given ?? this.settings.name;
    if (name !== undefined) {
      if (isName(name)) return name;
      throw new UsageError(`${JSON.stringify(name)} is not a domain or an address literal`, { protocol: "smtp" });
    }
    const own = hostname();
    if (own.includes(".") && isName(own)) return own;
    const address = (this.line.socket.localAddress ?? "127.0.0.1").replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "");
    return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`;
  }
}
