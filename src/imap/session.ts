/** The conversation of one IMAP connection: greeting, TLS, login, compression, single commands (RFC 9051, 3501, 4978). */
import type { TLSSocket } from "node:tls";
import { type PolywireError, ProtocolError, type ReplyError, TlsError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, RequestOptions, Session } from "../client/session.js";
import { serverName } from "../net/explain.js";
import { refusedTls } from "../net/tls.js";
import { readable } from "../wire/text.js";
import { type CommandText, shownCommand } from "./command.js";
import type { FetchData } from "./fetch-data.js";
import { type CommandOptions, ImapLine, takesBye } from "./line.js";
import { logIn } from "./login.js";
import type { Mailbox, MailboxEvent } from "./mailbox.js";
import type { ImapSettings } from "./options.js";
import { parseCapabilities } from "./parse-capability.js";
import { parseFetch } from "./parse-fetch.js";
import { refusal } from "./refusal.js";
import { type ImapReply, replyOf } from "./reply.js";
import type { Response } from "./response.js";
import type { Wanted } from "./wanted.js";

/** Commands that `request()` leaves to a method, and which one. */
const NOT_RAW: Readonly<Record<string, string>> = {
  LOGIN: "login()",
  AUTHENTICATE: "login()",
  UNAUTHENTICATE: "another client",
  STARTTLS: "the option security",
  COMPRESS: "the option compress",
  SELECT: "select()",
  EXAMINE: "examine()",
  CLOSE: "closeMailbox()",
  UNSELECT: "unselect()",
  APPEND: "append()",
  IDLE: "idle()",
  LOGOUT: "quit()",
};

/** A live IMAP connection. */
export class ImapSession implements Session {
  readonly line: ImapLine;
  readonly options: ResolvedOptions;
  readonly settings: ImapSettings;
  /** The mailbox that is selected. */
  mailbox: Mailbox | undefined;
  /** True where names of mailboxes travel as UTF-8: UTF8=ACCEPT or IMAP4rev2 was enabled. */
  utf8 = false;
  /** What was enabled (RFC 5161). */
  readonly enabled = new Set<string>();
  /** Called with what happens in the mailbox. */
  readonly listeners = new Set<(event: MailboxEvent) => void>();
  /** Who waits for FETCH responses now. */
  readonly #wanting = new Map<Wanted, Promise<unknown>>();
  /** The FETCH response that was parsed last: several commands may look at it. */
  #parsed: { readonly response: Response; readonly data: FetchData } | undefined;
  #capabilities: ReadonlyMap<string, readonly string[]> = new Map();
  /** How often the server has announced them. */
  #announced = 0;
  #preauthenticated = false;

  constructor(options: ResolvedOptions, settings: ImapSettings, onClose: (reason: PolywireError) => void) {
    this.options = options;
    this.settings = settings;
    this.line = new ImapLine({ options, onClose, unsolicited: (response) => this.heed(response) });
  }

  get tls(): TLSSocket | undefined {
    return this.line.tls;
  }

  get capabilities(): ReadonlyMap<string, readonly string[]> {
    return this.#capabilities;
  }

  /** The server knew who it is before a login was said (PREAUTH). */
  get loginOptional(): boolean {
    return this.#preauthenticated;
  }

  get depth(): number {
    return this.options.pipelining;
  }

  /** True where the capability was announced, with this argument if one is given. */
  has(capability: string, argument?: string): boolean {
    const found = this.#capabilities.get(capability);
    return found !== undefined && (argument === undefined || found.includes(argument));
  }

  async open(call: Call): Promise<ImapReply> {
    const { line, options } = this;
    await line.open(call);
    const greeting = await line.greeting(options.timeouts.greeting);
    if (greeting.status === "BYE") throw line.fail(line.goodbye(greeting, "greeting"));
    this.#preauthenticated = greeting.status === "PREAUTH";
    // What is said in the clear may be somebody else's words: capabilities are taken from behind the handshake only.
    if (options.security === "starttls") await this.#startTls(call);
    else this.#learn(greeting);
    if (this.#announced === 0) await this.askCapabilities(call);
    return replyOf(greeting);
  }

  async login(credentials: Credentials, call: Call): Promise<void> {
    if (!this.#preauthenticated) {
      const announced = this.#announced;
      // Behind a login there are others (RFC 9051 §6.2.2): they come along with the OK, or are asked for.
      this.#learn(await logIn(this, credentials, call));
      if (this.#announced === announced) await this.askCapabilities(call);
    }
    await this.#compress(call);
  }

  async request(command: string, options: RequestOptions, call: Call): Promise<ImapReply> {
    const verb = /^\s*([a-z0-9-]+)/i.exec(command)?.[1]?.toUpperCase() ?? "";
    if (Object.hasOwn(NOT_RAW, verb)) {
      throw new UsageError(`${verb} is not sent raw`, { advice: `use ${NOT_RAW[verb]}`, protocol: "imap" });
    }
    if (/\{\d+[+-]?\}\s*$/.test(command)) {
      throw new UsageError("a literal is not sent raw", { advice: "quote the string", protocol: "imap" });
    }
    const { shown } = options;
    const { tagged, responses } = await this.exchange(command, () => true, { timeout: call.timeout, shown });
    for (const response of responses) this.heed(response);
    if (options.expect !== "any") this.accept(tagged, shown ?? command);
    return replyOf(tagged, responses);
  }

  async noop(call: Call): Promise<void> {
    await this.send("NOOP", { timeout: call.timeout });
  }

  async quit(call: Call): Promise<void> {
    await this.line.execute("LOGOUT", { timeout: call.timeout, take: takesBye });
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

  /** Sends one command; resolves to its OK. A refusal rejects with ReplyError. */
  async send(text: CommandText, options: CommandOptions = {}): Promise<Response> {
    return this.accept(await this.line.execute(text, options), options.shown ?? shownCommand(text));
  }

  /** Sends one command, whatever the answer, and gathers the untagged responses that `wants` picks. */
  async exchange(
    text: CommandText,
    wants: (response: Response) => boolean,
    options: CommandOptions = {},
  ): Promise<{ tagged: Response; responses: Response[] }> {
    const responses: Response[] = [];
    let bytes = 0;
    const take = (response: Response) => {
      if (!wants(response)) return false;
      bytes += sizeOf(response);
      if (bytes > this.options.limits.body) throw tooMuch(this.options.limits.body);
      responses.push(response);
      return true;
    };
    const tagged = await this.line.execute(text, { ...options, take });
    return { tagged, responses };
  }

  /**
   * Sends one command that is answered by one untagged response, which `wants` picks. Rejects with ReplyError for a refusal,
   * ProtocolError for an OK alone.
   */
  async askOne(
    text: CommandText,
    wants: (response: Response, tag: string) => boolean,
    options: CommandOptions = {},
  ): Promise<Response> {
    let found: Response | undefined;
    const take = (response: Response, tag: string) => {
      if (found !== undefined || !wants(response, tag)) return false;
      found = response;
      return true;
    };
    const tagged = await this.send(text, { ...options, take });
    if (found === undefined) throw this.unreadable(shownCommand(text), tagged);
    return found;
  }

  /** The same, with one of these names; a refusal rejects with ReplyError. */
  async ask(text: CommandText, names: readonly string[], options: CommandOptions = {}): Promise<Response[]> {
    const { tagged, responses } = await this.exchange(text, ({ name }) => names.includes(name), options);
    this.accept(tagged, options.shown ?? shownCommand(text));
    return responses;
  }

  /** Gives the response where it is OK. Throws ReplyError for a refusal. */
  accept(response: Response, shown: string): Response {
    if (response.status !== "OK") throw this.refused(response, shown);
    return response;
  }

  /** The error for a refusal. */
  refused(response: Response, shown: string): ReplyError {
    const error = refusal(response, this.line.redact(shown), this.line.redact(response.text));
    error.server = serverName(this.options);
    return error;
  }

  /** A response that is not what its command promises: nothing can be taken for granted then. */
  unreadable(command: string, response: Response): PolywireError {
    const said = readable(this.line.redact(response.raw.slice(0, 200)));
    return this.line.fail(new ProtocolError(`the answer to ${command} cannot be read: ${said}`));
  }

  async askCapabilities(call: Call): Promise<void> {
    await this.send("CAPABILITY", { timeout: call.timeout });
    if (this.#announced === 0) throw this.line.fail(new ProtocolError("the server did not tell its capabilities"));
  }

  /** Runs what waits for FETCH responses, behind all whose answers could be taken for its own. */
  async wanting<T>(wanted: Wanted, run: () => Promise<T>): Promise<T> {
    for (;;) {
      const before = [...this.#wanting].find(([other]) => other.confuses(wanted));
      if (before === undefined) break;
      await before[1];
    }
    const running = run();
    const over = running.then(
      () => this.#wanting.delete(wanted),
      () => this.#wanting.delete(wanted),
    );
    this.#wanting.set(wanted, over);
    return running;
  }

  /** What a FETCH response tells. */
  parsed(response: Response): FetchData {
    if (this.#parsed?.response !== response) this.#parsed = { response, data: parseFetch(response) };
    return this.#parsed.data;
  }

  /** Takes over what a response tells that nobody asked for. */
  heed(response: Response): void {
    this.#learn(response);
    const event = this.mailbox?.heed(response);
    if (event !== undefined) for (const listener of this.listeners) listener(event);
  }

  /** What a response says of the connection: what the server can do, and what was enabled. */
  #learn(response: Response): void {
    if (response.name === "CAPABILITY") this.#announce(parseCapabilities(response.raw.slice(response.rest)));
    else if (response.name === "ENABLED") this.#enable(parseCapabilities(response.raw.slice(response.rest)));
    else if (response.status !== undefined) {
      const { code } = response;
      if (code?.capabilities) this.#announce(code.capabilities);
    }
  }

  #announce(capabilities: ReadonlyMap<string, readonly string[]>): void {
    this.#announced++;
    this.#capabilities = capabilities;
    const small = this.has("LITERAL-") || this.has("IMAP4REV2");
    this.line.literals = this.has("LITERAL+") ? "LITERAL+" : small ? "LITERAL-" : "synchronizing";
  }

  #enable(words: ReadonlyMap<string, readonly string[]>): void {
    for (const [word, values] of words) {
      for (const each of values.length > 0 ? values.map((value) => `${word}=${value}`) : [word]) this.enabled.add(each);
    }
    this.utf8 = this.enabled.has("UTF8=ACCEPT") || this.enabled.has("IMAP4REV2");
  }

  async #startTls(call: Call): Promise<void> {
    // In that state there is no STARTTLS, and who has forged the greeting sees all that follows (RFC 9051 §6.2.1, §11.3).
    if (this.#preauthenticated) {
      const advice = "someone may have forged it; if the connection may stay in the clear, say security: plain";
      throw this.line.fail(
        new TlsError("the server greets with PREAUTH, behind which no TLS can begin", { phase: "tls", advice }),
      );
    }
    const response = await this.line.upgrade("STARTTLS", call);
    if (response.status !== "OK") throw refusedTls("STARTTLS", { code: response.name, text: response.text });
    this.#announced = 0;
    this.#announce(new Map());
    this.#announced = 0;
  }

  /** Starts compression, where it is wanted and there; a server that refuses goes on without. */
  async #compress(call: Call): Promise<void> {
    if (!this.settings.compress || this.line.compressed || !this.has("COMPRESS", "DEFLATE")) return;
    await this.line.compress("COMPRESS DEFLATE", call);
  }
}

/** Bytes that a response takes in memory, about. */
export function sizeOf({ raw, literals }: Response): number {
  let bytes = raw.length;
  for (const literal of literals) if (typeof literal !== "number") bytes += literal.length;
  return bytes;
}

function tooMuch(limit: number): ProtocolError {
  return new ProtocolError(`an answer of more than ${limit} bytes does not go into memory`, {
    advice: "ask for less, or raise limits.body",
  });
}
