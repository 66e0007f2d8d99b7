/** Where replies meet promises: commands written in order, replies settled in the same order. */
import type { TLSSocket } from "node:tls";
import { AbortedError, ConnectionError, type Phase, type PolywireError, ProtocolError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Reply } from "../client/session.js";
import type { BodyReader, Grammar } from "../wire/reply.js";
import { type ReplyEvents, ReplyStream } from "../wire/reply-stream.js";
import { decodeText, encodeLine, readable } from "../wire/text.js";
import { type Awaited, Link } from "./link.js";
import { RecordedBody } from "./recorded-body.js";
import { detach } from "./tls.js";

/** A code, and nothing behind it but base64. */
const CHALLENGE = /^(\+|\d{3}) [A-Za-z0-9+/]{2,}={0,2}$/;

/** Replies that a server may have for what is broken off, besides those of the commands behind it. */
const ANSWERS = 100;

/** What a command may take besides its text. */
export interface SendOptions {
  /** What is shown of it in transcripts and errors, where it holds a secret. */
  shown?: string | undefined;
  /** True where the transcript leaves out what the server asks by: with it, a password could be guessed. */
  veiled?: boolean | undefined;
  /** Milliseconds of silence allowed. Default: `timeouts.command`. */
  timeout?: number | undefined;
  /** Called with replies that announce another one (FTP's 1xx). */
  preliminary?: ((reply: Reply) => void) | undefined;
  /** True: silence resolves to undefined instead of closing the connection. */
  lenient?: boolean | undefined;
  /** Gives the reader of the body that follows the reply, where one does. */
  body?: ((reply: Reply) => BodyReader | undefined) | undefined;
}

/** What waits for the replies of an exchange. */
export interface Exchange {
  /** How many replies will come. */
  readonly replies: number;
  /** Milliseconds of silence allowed before each. Default: `timeouts.command`. */
  readonly timeout?: number | undefined;
  /** The same before the last one, where that may take another time. */
  readonly lastTimeout?: number | undefined;
  /** Called with replies that announce another one (FTP's 1xx). */
  readonly preliminary?: ((reply: Reply) => void) | undefined;
  /** Called with each reply, in order. */
  take(reply: Reply): void;
  /** Called for each reply that will not come. */
  fail(error: Error): void;
}

interface Pending extends Awaited, Pick<SendOptions, "preliminary" | "lenient" | "body" | "veiled"> {
  timeout: number;
  /** Its place among all that were ever asked for: see `LineSession.asked`. */
  readonly number: number;
  /** Of the command, line end and all. */
  readonly octets: number;
  reply: Reply | undefined;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** What the owner of a line session supplies. */
export interface LineSessionSetup {
  readonly options: ResolvedOptions;
  readonly grammar: Grammar;
  /** Called once when the connection is over, with the reason. */
  onClose(reason: PolywireError): void;
}

/** A connection that speaks in lines. Replies are matched to commands by their order alone. */
export class LineSession extends Link {
  /** True where 0xFF is doubled on its way out: on a Telnet connection (FTP's, RFC 959 §4.1.3) it is IAC. */
  telnet = false;
  /**
   * Octets of commands that may be on their way at once; what exceeds them waits for replies. One command always may.
   * For protocols whose commands have no bodies behind them.
   */
  window = Number.POSITIVE_INFINITY;
  readonly #setup: LineSessionSetup;
  readonly #stream: ReplyStream;
  readonly #pending: Pending[] = [];
  #asked = 0;
  /** Octets of the commands in `#pending` that were sent. */
  #onTheWay = 0;
  /** Commands that wait for room in the window, with what is shown of them. */
  #behind: (readonly [line: string, shown: string])[] = [];
  /** Those who wait until nothing is pending. */
  #quiet: (() => void)[] = [];
  #upgrading = false;
  #fence: { code: string; early(reply: Reply): void; over(inStep: boolean): void } | undefined;
  readonly #events: ReplyEvents;

  constructor(setup: LineSessionSetup) {
    super(setup.options);
    this.#setup = setup;
    this.#stream = new ReplyStream(setup.grammar, setup.options.limits.line);
    this.#events = {
      reply: (reply) => this.#onReply(reply),
      bodyEnd: () => this.#settle(),
      stop: () => this.closed !== undefined || (this.#upgrading && this.#pending.length === 0),
    };
    const { transcript } = setup.options;
    if (transcript) this.#events.line = (line) => transcript.add("S", this.redact(this.#seen(decodeText(line))));
  }

  /** Commands that wait for their reply. */
  get inFlight(): number {
    return this.#pending.length;
  }

  /** Replies that were asked for so far: the number of the newest command, by which `fence` is told of it. */
  get asked(): number {
    return this.#asked;
  }

  /** Sends one command; resolves to its final reply, whatever the reply says. */
  send(command: string, options: SendOptions = {}): Promise<Reply> {
    if (this.closed) return Promise.reject(this.closed);
    let line: string;
    try {
      line = encodeLine(command, options.shown ?? command);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#await("command", options, this.#write(line, options.shown ?? command));
  }

  /**
   * Sends the bytes of a body, in one write with the command before them, if any; resolves to the reply they get. More
   * may be sent at once: replies keep the order.
   */
  sendBytes(bytes: readonly Buffer[], options: SendOptions & { command?: string | undefined } = {}): Promise<Reply> {
    if (this.closed) return Promise.reject(this.closed);
    const { command, shown = command } = options;
    try {
      if (command !== undefined) this.write(encodeLine(command, shown), shown as string);
    } catch (error) {
      return Promise.reject(error);
    }
    this.writeBytes(bytes);
    return this.#await("command", options);
  }

  /**
   * Sends commands, and bytes behind them, in one write with all that is sent in this tick; their replies are given one
   * by one. Throws UsageError for a command that cannot be sent: nothing is sent then.
   */
  exchange(commands: readonly string[], bytes: readonly Buffer[], wait: Exchange): void {
    const { replies, timeout, preliminary } = wait;
    if (this.closed) {
      for (let i = 0; i < replies; i++) wait.fail(this.closed);
      return;
    }
    const lines = commands.map((command) => encodeLine(command));
    const octets = lines.map((line, i) => this.#write(line, commands[i] as string));
    if (bytes.length > 0) this.writeBytes(bytes);
    const fail = (error: Error) => wait.fail(error);
    const take = (reply: Reply) => {
      try {
        wait.take(reply);
      } catch (error) {
        wait.fail(this.fail(this.misread(error)));
      }
    };
    const options = { timeout, preliminary };
    for (let i = 0; i < replies; i++) {
      if (i === replies - 1) options.timeout = wait.lastTimeout ?? timeout;
      this.#expect("command", options, take, fail, octets[i] ?? 0);
    }
  }

  /** Resolves when no command waits for its reply. */
  quiet(): Promise<void> {
    if (this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }

  /** The reader of a short body whose lines the transcript has, too: without them it could not be played again. */
  recorded(body: BodyReader): BodyReader {
    const { transcript } = this.options;
    return transcript ? new RecordedBody(body, (line) => transcript.add("S", this.redact(line))) : body;
  }

  /** Gives bytes back that a body's reader took too many of: they are read as what follows. */
  unread(bytes: Buffer): void {
    this.take(bytes);
  }

  /** Sends several commands in one write; resolves to their replies in order. Nothing is sent where one is unsendable. */
  async pack(commands: readonly string[], options: SendOptions = {}): Promise<Reply[]> {
    if (this.closed) throw this.closed;
    const lines = commands.map((command) => encodeLine(command));
    const replies: Reply[] = [];
    // One promise for all of them.
    return new Promise((resolve, reject) => {
      const take = (reply: Reply) => {
        if (replies.push(reply) === lines.length) resolve(replies);
      };
      for (let i = 0; i < lines.length; i++) {
        this.#expect("command", options, take, reject, this.#write(lines[i] as string, commands[i] as string));
      }
      if (lines.length === 0) resolve(replies);
    });
  }

  /**
   * Sends commands in one write to a server that may not answer all of them: after `timeout` milliseconds of silence
   * whatever is still pending resolves to undefined, and the connection goes on.
   */
  async probe(commands: readonly string[], timeout: number): Promise<(Reply | undefined)[]> {
    return (await this.pack(commands, { timeout, lenient: true })) as (Reply | undefined)[];
  }

  /**
   * Brings replies back in step after something was broken off: sends `command`, behind the next final reply `last`, and
   * takes whatever comes until the reply with `code`, which only `last` gets. (Pure-FTPd takes all that it reads in mid
   * upload for one command: what is sent along with the first is lost.) Every pending command rejects. Resolves to
   * false where that reply did not come within `timeout` milliseconds of silence, nor within a hundred replies; the
   * connection is then best closed.
   *
   * @param broken The number of the command that is broken off: see `asked`. Those before it have their replies first, in
   *   their own time; the one right before it, which prepares it, within `timeout`. One that was not sent yet is not sent
   *   any more, and for one that has its reply nothing is said. Default: the one that is answered next.
   */
  fence(command: string, last: string, code: string, timeout: number, broken?: number): Promise<boolean> {
    const begin = () => {
      if (this.closed) return false;
      return this.#before(broken) < 0 || this.#breakOff(command, last, code, timeout);
    };
    const before = this.#before(broken);
    if (before <= 0) return Promise.resolve(begin());
    if (before < this.#pending.length - this.#behind.length) return this.#answered(before - 1, timeout).then(begin);
    this.#withdraw(before);
    return Promise.resolve(true);
  }

  /** Replies that come before that of the command; less than none where it has its own, or gets none. */
  #before(broken: number | undefined): number {
    return broken === undefined ? 0 : this.#pending.findIndex(({ number }) => number === broken);
  }

  /** Resolves when the command at this place has its reply, for which it has so many milliseconds, or has failed. */
  #answered(at: number, timeout: number): Promise<void> {
    const pending = this.#pending[at] as Pending;
    const { resolve, reject } = pending;
    pending.timeout = Math.min(pending.timeout, timeout);
    if (at === 0) this.patience(pending.timeout);
    return new Promise((done) => {
      pending.resolve = (reply) => {
        resolve(reply);
        done();
      };
      pending.reject = (error) => {
        reject(error);
        done();
      };
    });
  }

  /** Forgets commands that were not sent yet, from this place on. */
  #withdraw(from: number): void {
    const unsent = this.#pending.splice(from);
    this.#behind.splice(this.#behind.length - unsent.length);
    for (const each of unsent) each.reject(brokenOff());
  }

  #breakOff(command: string, last: string, code: string, timeout: number): Promise<boolean> {
    this.write(encodeLine(command), command);
    const unsent = this.#pending.splice(this.#pending.length - this.#behind.length);
    const pending = this.#pending.splice(0);
    this.#unsend();
    let lastSent = false;
    let left = pending.length + ANSWERS;
    return new Promise((resolve) => {
      const over = (inStep: boolean) => {
        this.#fence = undefined;
        for (const each of [...pending, ...unsent]) each.reject(this.closed ?? brokenOff());
        resolve(inStep);
      };
      const early = (reply: Reply) => {
        if (left-- === 0) {
          over(false);
          return;
        }
        if (!this.#setup.grammar.isFinal(reply)) {
          pending[0]?.preliminary?.(reply);
          return;
        }
        pending.shift()?.resolve(reply);
        if (!lastSent) this.write(encodeLine(last), last);
        lastSent = true;
      };
      this.#fence = { code, early, over };
      this.watch(timeout);
    });
  }

  /** Waits for a reply that no command asks for: the greeting, or the end of a transfer. */
  receive(phase: Phase, options: SendOptions = {}): Promise<Reply> {
    if (this.closed) return Promise.reject(this.closed);
    return this.#await(phase, options);
  }

  /** Sends a command and starts TLS on a positive reply. Bytes that came along in the clear fail the connection. */
  async upgrade(command: string, call: Call, detachable = false): Promise<Reply> {
    const reply = await this.#sendLast(command, call);
    if (reply.ok) await this.startTls(call.signal, detachable);
    return reply;
  }

  /** Sends a command and deflates what follows a positive reply, in both directions. */
  async compress(command: string, call: Call): Promise<Reply> {
    const reply = await this.#sendLast(command, call);
    if (reply.ok) await this.deflate();
    return reply;
  }

  /** Sends a command behind whose positive reply another form of bytes begins: what came along with it is left unread. */
  async #sendLast(command: string, call: Call): Promise<Reply> {
    this.#upgrading = true;
    const reply = await this.send(command, { timeout: call.timeout });
    this.#upgrading = false;
    if (!reply.ok && this.held > 0) this.take(Buffer.alloc(0));
    return reply;
  }

  /**
   * Sends a command and takes TLS off on a positive reply (FTP's CCC): within that reply's own event, since the server's
   * close_notify may come along with it, and looks like the end of the connection.
   */
  async downgrade(command: string, call: Call): Promise<Reply> {
    let exchanged: Promise<void> | undefined;
    const body = (reply: Reply) => {
      if (reply.ok) exchanged = this.exchangeSocket((socket) => detach(socket as TLSSocket));
      exchanged?.catch(() => {});
      return undefined;
    };
    const reply = await this.send(command, { timeout: call.timeout, body });
    await exchanged;
    return reply;
  }

  protected override read(chunk: Buffer): void {
    this.#stream.push(chunk, this.#events);
  }

  protected override get awaited(): Awaited | undefined {
    return this.#pending[0];
  }

  protected override get held(): number {
    return this.#stream.held;
  }

  protected override takeHeld(): Buffer {
    return this.#stream.takeHeld();
  }

  /** A line of the server as it may be seen. */
  #seen(line: string): string {
    return this.#pending[0]?.veiled ? line.replace(CHALLENGE, "$1 ***") : line;
  }

  protected override get partial(): boolean {
    return this.#stream.partial;
  }

  protected override over(reason: PolywireError): void {
    this.#fence?.over(false);
    this.#unsend();
    for (const pending of this.#pending.splice(0)) pending.reject(reason);
    this.#atRest();
    this.#setup.onClose(reason);
  }

  protected override silent(): void {
    if (this.#fence) {
      this.#fence.over(false);
    } else if (!this.full && this.#pending.every((each) => each.lenient)) {
      this.#unsend();
      for (const each of this.#pending.splice(0)) each.resolve(undefined as unknown as Reply);
    } else {
      super.silent();
    }
  }

  /** Sends a line, or has it wait for room in the window. Gives its octets. */
  #write(text: string, shown: string): number {
    const line = this.telnet ? text.replaceAll("\xff", "\xff\xff") : text;
    if (this.#behind.length > 0 || !this.#fits(line)) this.#behind.push([line, shown]);
    else this.#send(line, shown);
    return line.length;
  }

  /**
   * A command of so many octets has its reply: those that waited for the room go out, in order, once half the window is
   * free. One by one, each would be a write of its own here, and a read of its own there.
   */
  #makeRoom(octets: number): void {
    this.#onTheWay -= octets;
    if (this.#behind.length === 0 || this.#onTheWay > this.window / 2) return;
    let sent = 0;
    for (const [line, shown] of this.#behind) {
      if (!this.#fits(line)) break;
      this.#send(line, shown);
      sent++;
    }
    if (sent > 0) this.#behind.splice(0, sent);
  }

  /** True where the window has room for it, or nothing is on its way. */
  #fits(line: string): boolean {
    return this.#onTheWay === 0 || this.#onTheWay + line.length <= this.window;
  }

  #send(line: string, shown: string): void {
    this.#onTheWay += line.length;
    this.write(line, shown);
  }

  /** Nobody waits for the replies of what was sent, and what was not is forgotten. */
  #unsend(): void {
    this.#onTheWay = 0;
    this.#behind = [];
  }

  #await(phase: Phase, options: SendOptions, octets = 0): Promise<Reply> {
    return new Promise((resolve, reject) => this.#expect(phase, options, resolve, reject, octets));
  }

  #expect(
    phase: Phase,
    options: SendOptions,
    resolve: Pending["resolve"],
    reject: Pending["reject"],
    octets: number,
  ): void {
    const { preliminary, lenient, body, veiled, timeout = this.options.timeouts.command } = options;
    // Always the same fields in the same order: a spread costs more than all the rest of a command.
    const reply = undefined;
    const number = ++this.#asked;
    this.#pending.push({ preliminary, lenient, body, veiled, timeout, number, phase, octets, reply, resolve, reject });
    if (this.#pending.length === 1) this.patience(timeout);
  }

  #onReply(reply: Reply): BodyReader | undefined {
    if (this.#fence) {
      if (reply.code === this.#fence.code) this.#fence.over(true);
      else this.#fence.early(reply);
      return undefined;
    }
    const pending = this.#pending[0];
    if (pending === undefined) {
      this.#onStray(reply);
      return undefined;
    }
    if (!this.#setup.grammar.isFinal(reply)) {
      pending.preliminary?.(reply);
      return undefined;
    }
    pending.reply = reply;
    const body = pending.body?.(reply);
    if (body === undefined) this.#settle();
    return body;
  }

  /** The reply at the head, and its body, are whole. */
  #settle(): void {
    const pending = this.#pending.shift() as Pending;
    const reply = pending.reply as Reply;
    this.#makeRoom(pending.octets);
    pending.resolve(reply);
    const next = this.#pending[0];
    if (this.#setup.grammar.isGoodbye(reply)) this.#onStray(reply);
    else if (next) this.patience(next.timeout);
    else this.#atRest();
  }

  #atRest(): void {
    this.rest();
    if (this.#quiet.length > 0) for (const resolve of this.#quiet.splice(0)) resolve();
  }

  /** A reply that nobody asked for: the server's goodbye, or a server that lost count. */
  #onStray(reply: Reply): void {
    const said = this.redact(readable(reply.lines.join(" ")));
    const { grammar } = this.#setup;
    if (grammar.isGoodbye(reply) || grammar.isFarewell?.(reply)) {
      this.fail(new ConnectionError(`the server closes the connection: ${said}`, { phase: "idle" }));
    } else {
      this.fail(
        new ProtocolError(`the server sent a reply that no command asked for: ${said}`, {
          advice: "replies can no longer be told apart, so the connection was closed",
        }),
      );
    }
  }
}

function brokenOff(): AbortedError {
  return new AbortedError("the command was broken off", { clientUsable: true });
}
