/** The conversation of one IMAP connection: greeting, TLS, login, compression, single commands (RFC 9051, 3501, 4978). */
import type { TLSSocket } from "node:tls";
import { type PolywireError, ProtocolError, ReplyError, TlsError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, RequestOptions, Session } from "../client/session.js";
import { serverName } from "../net/explain.js";
import { refusedTls } from "../net/tls.js";
import { decodeText, readable } from "../wire/text.js";
import { Abilities, type Capabilities } from "./abilities.js";
import { type CommandText, shownCommand } from "./command.js";
import type { FetchData } from "./fetch-data.js";
import { type CommandOptions, ImapLine, takesBye } from "./line.js";
import { logIn } from "./login.js";
import type { Mailbox, MailboxEvent } from "./mailbox.js";
import type { ImapSettings } from "./options.js";
import { parseFetch } from "./parse-fetch.js";
import { checkRaw } from "./raw-command.js";
import { refusal } from "./refusal.js";
import { type ImapReply, replyOf } from "./reply.js";
import type { Response } from "./response.js";
import { Retrieval } from "./retrieval.js";
import { sizeOf, tooMuch } from "./size.js";
import { type Wanted, Wants } from "./wanted.js";

/** A live IMAP connection. */
export class ImapSession implements Session {
  readonly line: ImapLine;
  readonly options: ResolvedOptions;
  readonly settings: ImapSettings;
  /** The mailbox that is selected. */
  mailbox: Mailbox | undefined;
  /** Called with what nobody asked for: the response, and what it means for the selected mailbox. */
  readonly listeners = new Set<(response: Response, event: MailboxEvent | undefined) => void>();
  /** How many commands are in flight that a STATUS response answers. */
  statuses = 0;
  /** True while the server was asked to tell of other mailboxes, too (NOTIFY). */
  notifying = false;
  /** Who waits for FETCH responses now. */
  readonly #wants = new Wants();
  /** The FETCH response that was parsed last: several commands may look at it. */
  #parsed: { readonly response: Response; readonly data: FetchData } | undefined;
  /** Whole messages for calls that overlap. */
  readonly retrieval = new Retrieval(this);
  readonly #abilities = new Abilities();
  #preauthenticated = false;

  constructor(options: ResolvedOptions, settings: ImapSettings, onClose: (reason: PolywireError) => void) {
    this.options = options;
    this.settings = settings;
    this.line = new ImapLine({
      options,
      onClose,
      unsolicited: (response) => this.heed(response),
      answered: (response) => this.#heedAnswer(response),
    });
  }

  get tls(): TLSSocket | undefined {
    return this.line.tls;
  }

  get capabilities(): Capabilities {
    return this.#abilities.capabilities;
  }

  /** What was enabled (RFC 5161). */
  get enabled(): ReadonlySet<string> {
    return this.#abilities.enabled;
  }

  /** True where names of mailboxes travel as UTF-8. */
  get utf8(): boolean {
    return this.#abilities.utf8;
  }

  /** The server knew who it is before a login was said (PREAUTH). */
  get loginOptional(): boolean {
    return this.#preauthenticated;
  }

  get depth(): number {
    return this.options.pipelining;
  }

  /** True where the server can do it, with this argument if one is given. */
  has(capability: string, argument?: string): boolean {
    return this.#abilities.has(capability, argument);
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
    if (this.#abilities.announced === 0) await this.askCapabilities(call);
    return replyOf(greeting);
  }

  async login(credentials: Credentials, call: Call): Promise<void> {
    if (!this.#preauthenticated) {
      const announced = this.#abilities.announced;
      // Behind a login there are others (RFC 9051 §6.2.2): they come along with the OK, or are asked for.
      this.#learn(await logIn(this, credentials, call));
      if (this.#abilities.announced === announced) await this.askCapabilities(call);
    }
    await this.#compress(call);
  }

  async request(command: string, options: RequestOptions, call: Call): Promise<ImapReply> {
    checkRaw(command);
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
   * and for an OK alone.
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
    await this.send(text, { ...options, take });
    if (found === undefined) throw this.untold(shownCommand(text));
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

  /** The error for an OK without the answer: the connection is in order, and a second try would tell no more. */
  untold(shown: string): ReplyError {
    const message = `the server agreed to "${shown}", and told nothing`;
    const error = new ReplyError(message, { command: shown, code: "OK", transient: false, protocol: "imap" });
    error.server = serverName(this.options);
    return error;
  }

  /** A response that is not what its command promises: nothing can be taken for granted then. */
  unreadable(command: string, response: Response): PolywireError {
    const said = readable(this.line.redact(decodeText(Buffer.from(response.raw, "latin1"))).slice(0, 200));
    return this.line.fail(new ProtocolError(`the answer to ${command} cannot be read: ${said}`));
  }

  /** Turns extensions on (RFC 5161): those that the server names in its answer are. */
  async enable(extensions: readonly string[], { timeout }: Pick<Call, "timeout">): Promise<void> {
    const take = (response: Response) => {
      if (response.name !== "ENABLED") return false;
      this.#abilities.enable(response);
      return true;
    };
    await this.send(`ENABLE ${extensions.join(" ")}`, { timeout, take });
    this.line.literals = this.#abilities.literals;
  }

  async askCapabilities(call: Call): Promise<void> {
    await this.send("CAPABILITY", { timeout: call.timeout });
    if (this.#abilities.announced === 0)
      throw this.line.fail(new ProtocolError("the server did not tell its capabilities"));
  }

  /** Runs what waits for FETCH responses, in its turn: see `Wants.run()`. */
  wanting<T>(wanted: Wanted, run: () => Promise<T>, call?: Pick<Call, "cancel">): Promise<T> {
    return this.#wants.run(wanted, run, call);
  }

  /** True where more than one command waits for FETCH responses. */
  get fetchesOverlap(): boolean {
    return this.#wants.size > 1;
  }

  /** What a FETCH response tells. */
  parsed(response: Response): FetchData {
    if (this.#parsed?.response !== response) this.#parsed = { response, data: parseFetch(response, this.utf8) };
    return this.#parsed.data;
  }

  /** Takes over what a response tells that nobody asked for. */
  heed(response: Response): void {
    this.#learn(response);
    const event = this.mailbox?.heed(response, this.utf8);
    for (const listener of this.listeners) listener(response, event);
  }

  /** The code of an answer may tell something of the mailbox, too: `[HIGHESTMODSEQ 7]`, `[READ-ONLY]`. */
  #heedAnswer(response: Response): void {
    if (response.code === undefined) return;
    this.#learn(response);
    this.mailbox?.heed(response);
  }

  /** What a response says of the connection: what the server can do, and what was enabled. */
  #learn(response: Response): void {
    this.#abilities.learn(response);
    this.line.literals = this.#abilities.literals;
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
    this.#abilities.forget();
    this.line.literals = this.#abilities.literals;
  }

  /** Starts compression, where it is wanted and there; a server that refuses goes on without. */
  async #compress(call: Call): Promise<void> {
    if (!this.settings.compress || this.line.compressed || !this.has("COMPRESS", "DEFLATE")) return;
    await this.line.compress("COMPRESS DEFLATE", call);
  }
}
