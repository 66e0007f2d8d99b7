/** Where replies meet promises: one socket, commands written in order, replies settled in the same order. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { onAbort } from "../client/abort.js";
import {
  AbortedError,
  ConnectionError,
  type Phase,
  PolywireError,
  ProtocolError,
  TimeoutError,
} from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Call, Reply } from "../client/session.js";
import type { BodyReader, Grammar } from "../wire/reply.js";
import { type ReplyEvents, ReplyStream } from "../wire/reply-stream.js";
import { decodeText, encodeLine, readable } from "../wire/text.js";
import { DeflatedSocket } from "./deflate.js";
import { dial } from "./dial.js";
import { explain } from "./explain.js";
import { detach, secure, startTls } from "./tls.js";
import { Watchdog } from "./watchdog.js";

/** Bytes of commands that do not wait for others to share their write. */
const ENOUGH = 1024;

/** A code, and nothing behind it but base64. */
const CHALLENGE = /^(\+|\d{3}) [A-Za-z0-9+/]{2,}={0,2}$/;

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
  /** Called with each reply, in order. */
  take(reply: Reply): void;
  /** Called for each reply that will not come. */
  fail(error: Error): void;
}

interface Pending extends Pick<SendOptions, "preliminary" | "lenient" | "body" | "veiled"> {
  readonly timeout: number;
  readonly phase: Phase;
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
export class LineSession {
  readonly #options: ResolvedOptions;
  /** True where 0xFF is doubled on its way out: on a Telnet connection (FTP's, RFC 959 §4.1.3) it is IAC. */
  telnet = false;
  readonly #setup: LineSessionSetup;
  readonly #stream: ReplyStream;
  readonly #pending: Pending[] = [];
  /** Those who want no bytes for now: consumers of bodies that came one behind the other. */
  readonly #holders = new Set<object>();
  /** Signs of life of the server so far. */
  #signs = 0;
  /** Those who wait until nothing is pending. */
  #quiet: (() => void)[] = [];
  #secrets: readonly string[] = [];
  readonly #watchdog = new Watchdog(() => this.#onSilence());
  /** The socket, or what deflates its bytes. */
  #socket: Duplex | undefined;
  #closed: PolywireError | undefined;
  #out = "";
  /** True where what was written in this tick is about to leave. */
  #leaving = false;
  /** The socket that holds bytes of this tick back, to send them in one write. */
  #corked: Duplex | undefined;
  /** Who waits for room to write. */
  #room: { promise: Promise<void>; resolve(): void; reject(error: Error): void } | undefined;
  #ourTurn = false;
  #upgrading = false;
  /** Breaks off what has no listener of ours yet: dialling and handshakes. */
  readonly #breakOff = new AbortController();
  #fence: { code: string; early(reply: Reply): void; over(inStep: boolean): void } | undefined;
  readonly #events: ReplyEvents;
  readonly #listeners: readonly (readonly [string, (argument: unknown) => void])[] = [
    ["data", (chunk) => this.#onData(chunk as Buffer)],
    ["end", () => this.#onEnd()],
    ["error", (error) => this.fail(this.#explain(error, this.#pending[0]?.phase ?? "idle"))],
    ["close", () => this.#onEnd()],
    ["drain", () => this.#onDrain()],
  ];

  constructor(setup: LineSessionSetup) {
    this.#setup = setup;
    this.#options = setup.options;
    this.#stream = new ReplyStream(setup.grammar, setup.options.limits.line);
    this.#events = {
      reply: (reply) => this.#onReply(reply),
      bodyEnd: () => this.#settle(),
      stop: () => this.#closed !== undefined || (this.#upgrading && this.#pending.length === 0),
    };
    const { transcript } = setup.options;
    if (transcript) this.#events.line = (line) => transcript.add("S", this.redact(this.#seen(decodeText(line))));
  }

  /** The socket under the session: for addresses, certificates and the TLS session. */
  get socket(): Socket | TLSSocket {
    if (this.#socket === undefined) throw this.#closed ?? new AbortedError("the connection is not open");
    return this.#inner as Socket;
  }

  /** The socket where it is encrypted now. */
  get tls(): TLSSocket | undefined {
    const socket = this.#inner;
    return socket !== undefined && "encrypted" in socket ? (socket as TLSSocket) : undefined;
  }

  /** True where the bytes are deflated (COMPRESS). */
  get compressed(): boolean {
    return this.#socket instanceof DeflatedSocket;
  }

  get #inner(): Socket | undefined {
    return this.#socket instanceof DeflatedSocket ? this.#socket.inner : (this.#socket as Socket | undefined);
  }

  get closed(): PolywireError | undefined {
    return this.#closed;
  }

  /** Commands that wait for their reply. */
  get inFlight(): number {
    return this.#pending.length;
  }

  /** Dials (through the proxy, if any) and starts TLS where `security` is `tls`. */
  async open(call: { signal?: AbortSignal | undefined }, detachable = false): Promise<void> {
    const { host, port, security, timeouts } = this.#options;
    const dialCall = { signal: this.#breakOff.signal, timeout: timeouts.connect };
    const forget = this.#breakOffBy(call.signal);
    try {
      const socket = await dial(this.#options, { host, port }, dialCall);
      this.#note(`connected to ${this.#server}`);
      this.#attach(security === "tls" ? await secure(socket, this.#options, { ...dialCall, detachable }) : socket);
    } catch (error) {
      throw this.#closed ?? error;
    } finally {
      forget();
    }
    if (security === "tls") this.#note("TLS");
  }

  /** Sends one command; resolves to its final reply, whatever the reply says. */
  send(command: string, options: SendOptions = {}): Promise<Reply> {
    if (this.#closed) return Promise.reject(this.#closed);
    let line: string;
    try {
      line = encodeLine(command, options.shown ?? command);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#write(line, options.shown ?? command);
    return this.#await("command", options);
  }

  /**
   * Sends the bytes of a body, in one write with the command before them, if any; resolves to the reply they get. More
   * may be sent at once: replies keep the order.
   */
  sendBytes(bytes: readonly Buffer[], options: SendOptions & { command?: string | undefined } = {}): Promise<Reply> {
    if (this.#closed) return Promise.reject(this.#closed);
    const { command, shown = command } = options;
    try {
      if (command !== undefined) this.#write(encodeLine(command, shown), shown as string);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#writeBytes(bytes);
    return this.#await("command", options);
  }

  /**
   * Sends commands, and bytes behind them, in one write with all that is sent in this tick; their replies are given one
   * by one. Throws UsageError for a command that cannot be sent: nothing is sent then.
   */
  exchange(commands: readonly string[], bytes: readonly Buffer[], wait: Exchange): void {
    const { replies, timeout } = wait;
    if (this.#closed) {
      for (let i = 0; i < replies; i++) wait.fail(this.#closed);
      return;
    }
    const lines = commands.map((command) => encodeLine(command));
    for (let i = 0; i < lines.length; i++) this.#write(lines[i] as string, commands[i] as string);
    if (bytes.length > 0) this.#writeBytes(bytes);
    const fail = (error: Error) => wait.fail(error);
    const take = (reply: Reply) => {
      try {
        wait.take(reply);
      } catch (error) {
        wait.fail(this.fail(this.#explain(error, "command")));
      }
    };
    for (let i = 0; i < replies; i++) this.#expect("command", { timeout }, take, fail);
  }

  /** Gives a promise where the connection has no room for more bytes now: it settles when it has, or is lost. */
  room(): Promise<void> | undefined {
    if (this.#closed) return Promise.reject(this.#closed);
    if (!this.#socket?.writableNeedDrain) return undefined;
    if (this.#room === undefined) {
      let resolve = () => {};
      let reject: (error: Error) => void = () => {};
      const promise = new Promise<void>((...both) => ([resolve, reject] = both));
      promise.catch(() => {});
      this.#room = { promise, resolve, reject };
      if (this.#ourTurn || this.#pending.length === 0) this.#watchdog.start(this.#options.timeouts.idle);
    }
    return this.#room.promise;
  }

  /** True while the server waits for bytes of ours, as in the middle of a message: its silence is not its fault. */
  set ourTurn(ours: boolean) {
    this.#ourTurn = ours;
    const next = this.#pending[0];
    if (ours) this.#watchdog.rest();
    else if (next) this.#patience(next);
  }

  /**
   * Reads no more until every holder has called `resume()`: the consumer of a body is busy, and of what came with it
   * another one may be. The server's silence is not its fault meanwhile. Twice is once.
   */
  pause(holder: object): void {
    this.#holders.add(holder);
    this.#watchdog.rest();
    this.#socket?.pause();
  }

  /** Lets go of the holder's own pause; nothing happens where it has none. */
  resume(holder: object): void {
    if (!this.#holders.delete(holder) || this.#holders.size > 0) return;
    const next = this.#pending[0];
    if (next) this.#patience(next);
    this.#socket?.resume();
  }

  /** Resolves when no command waits for its reply. */
  quiet(): Promise<void> {
    if (this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }

  /** Gives bytes back that a body's reader took too many of: they are read as what follows. */
  unread(bytes: Buffer): void {
    this.#onData(bytes);
  }

  /** Sends several commands in one write; resolves to their replies in order. Nothing is sent where one is unsendable. */
  async pack(commands: readonly string[], options: SendOptions = {}): Promise<Reply[]> {
    if (this.#closed) throw this.#closed;
    const lines = commands.map((command) => encodeLine(command));
    const replies: Reply[] = [];
    // One promise for all of them.
    return new Promise((resolve, reject) => {
      const take = (reply: Reply) => {
        if (replies.push(reply) === lines.length) resolve(replies);
      };
      for (const [i, line] of lines.entries()) {
        this.#write(line, commands[i] as string);
        this.#expect("command", options, take, reject);
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
   * false where that reply did not come within `timeout` milliseconds of silence; the connection is then best closed.
   */
  fence(command: string, last: string, code: string, timeout: number): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    this.#write(encodeLine(command), command);
    const broken = new AbortedError("the command was broken off", { clientUsable: true });
    const pending = this.#pending.splice(0);
    let lastSent = false;
    return new Promise((resolve) => {
      const over = (inStep: boolean) => {
        this.#fence = undefined;
        for (const each of pending) each.reject(this.#closed ?? broken);
        resolve(inStep);
      };
      const early = (reply: Reply) => {
        if (!this.#setup.grammar.isFinal(reply)) {
          pending[0]?.preliminary?.(reply);
          return;
        }
        pending.shift()?.resolve(reply);
        if (!lastSent) this.#write(encodeLine(last), last);
        lastSent = true;
      };
      this.#fence = { code, early, over };
      this.#watchdog.start(timeout);
    });
  }

  /** Waits for a reply that no command asks for: the greeting, or the end of a transfer. */
  receive(phase: Phase, options: SendOptions = {}): Promise<Reply> {
    if (this.#closed) return Promise.reject(this.#closed);
    return this.#await(phase, options);
  }

  /** Sends a command and starts TLS on a positive reply. Bytes that came along in the clear fail the connection. */
  async upgrade(command: string, call: Call, detachable = false): Promise<Reply> {
    const reply = await this.#sendLast(command, call);
    if (!reply.ok) return reply;
    const { signal } = this.#breakOff;
    const forget = this.#breakOffBy(call.signal);
    await this.exchangeSocket((socket) => {
      const tls = { signal, timeout: this.#options.timeouts.connect, detachable };
      return startTls(socket, this.#stream.held, this.#options, tls);
    }).finally(forget);
    this.#note("TLS");
    return reply;
  }

  /** Sends a command and deflates what follows a positive reply, in both directions. */
  async compress(command: string, call: Call): Promise<Reply> {
    const reply = await this.#sendLast(command, call);
    if (!reply.ok) return reply;
    if (this.#stream.held > 0) {
      throw this.fail(new ProtocolError(`the server sent bytes along with its agreement to ${command}`));
    }
    await this.exchangeSocket((socket) => Promise.resolve(new DeflatedSocket(socket)));
    this.#note("deflated");
    return reply;
  }

  /** Sends a command behind whose positive reply another form of bytes begins: what came along with it is left unread. */
  async #sendLast(command: string, call: Call): Promise<Reply> {
    this.#upgrading = true;
    const reply = await this.send(command, { timeout: call.timeout });
    this.#upgrading = false;
    if (!reply.ok && this.#stream.held > 0) this.#onData(Buffer.alloc(0));
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

  /** Takes the socket away, to come back as another one (STARTTLS, CCC). Hanging up meanwhile destroys it. */
  async exchangeSocket(exchange: (socket: Socket) => Promise<Duplex>): Promise<void> {
    if (this.#closed) throw this.#closed;
    const socket = this.#detachSocket() as Socket;
    const forget = onAbort(this.#breakOff.signal, () => socket.destroy());
    try {
      this.#attach(await exchange(socket));
    } catch (error) {
      socket.destroy();
      throw this.fail(this.#explain(error, "tls"));
    } finally {
      forget();
    }
  }

  /** A value that must never be shown: it becomes `***` in transcripts and errors. */
  hide(secret: string | undefined): void {
    if (secret === undefined || secret.length < 3 || this.#secrets.includes(secret)) return;
    this.#secrets = [...this.#secrets, secret].sort((a, b) => b.length - a.length);
  }

  /** The text with every hidden value replaced. */
  redact(text: string): string {
    let out = text;
    // The longest first: a secret may hold another one.
    for (const secret of this.#secrets) if (out.includes(secret)) out = out.replaceAll(secret, "***");
    return out;
  }

  /** A line of the server as it may be seen. */
  #seen(line: string): string {
    return this.#pending[0]?.veiled ? line.replace(CHALLENGE, "$1 ***") : line;
  }

  /** Something happened on a connection beside this one (a transfer): the server is alive. */
  touch(): void {
    this.#signs++;
    this.#watchdog.touch();
  }

  /** Grows with every byte that comes, that leaves, and with every `touch()`: a call that is stuck moves nothing. */
  get moved(): number {
    const inner = this.#inner;
    return this.#signs + (inner ? inner.bytesWritten - inner.writableLength : 0);
  }

  /** Hangs up: everything pending rejects with the reason. Gives the reason, so that it can be thrown. */
  fail(reason: PolywireError): PolywireError {
    if (this.#closed) return this.#closed;
    this.#closed = reason;
    reason.protocol ??= this.#options.protocol;
    reason.server ??= this.#server;
    // The server's own words may be in it, and in them what it was told.
    reason.message = this.redact(reason.message);
    this.#watchdog.stop();
    this.#breakOff.abort(reason);
    if (this.#socket) this.#detachSocket().destroy();
    this.#note(`closed: ${reason.message}`);
    this.#fence?.over(false);
    this.#room?.reject(reason);
    for (const pending of this.#pending.splice(0)) pending.reject(reason);
    this.#atRest();
    this.#setup.onClose(reason);
    return reason;
  }

  /** The signal of a call hangs up where nothing else listens to it. */
  #breakOffBy(signal: AbortSignal | undefined): () => void {
    const hangUp = () => this.fail(new AbortedError("the call was cancelled", { cause: signal?.reason }));
    if (signal?.aborted) hangUp();
    return onAbort(signal, hangUp);
  }

  get #server(): string {
    const { host, port } = this.#options;
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  #note(text: string): void {
    this.#options.transcript?.add("#", this.redact(text));
  }

  #write(line: string, shown: string): void {
    this.#options.transcript?.add("C", this.redact(shown));
    this.#leave();
    this.#out += this.telnet ? line.replaceAll("\xff", "\xff\xff") : line;
    // Thousands of calls at once take their time: the server begins with the first ones meanwhile.
    if (this.#out.length >= ENOUGH) this.#flush();
  }

  #writeBytes(bytes: readonly Buffer[]): void {
    this.#leave();
    if (this.#corked === undefined) {
      this.#corked = this.#socket;
      this.#corked?.cork();
    }
    this.#writeOut();
    for (const each of bytes) this.#corked?.write(each);
    if (this.#options.transcript) this.#note(`${bytes.reduce((sum, each) => sum + each.length, 0)} bytes sent`);
  }

  /** What is written from now on leaves together, when this tick is over. */
  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#leaving = false;
    this.#writeOut();
    this.#corked?.uncork();
    this.#corked = undefined;
  }

  #writeOut(): void {
    if (this.#out === "" || this.#socket === undefined) return;
    const out = this.#out;
    this.#out = "";
    this.#socket.write(out, "latin1");
  }

  #await(phase: Phase, options: SendOptions): Promise<Reply> {
    return new Promise((resolve, reject) => this.#expect(phase, options, resolve, reject));
  }

  #expect(phase: Phase, options: SendOptions, resolve: Pending["resolve"], reject: Pending["reject"]): void {
    const { preliminary, lenient, body, veiled, timeout = this.#options.timeouts.command } = options;
    // Always the same fields in the same order: a spread costs more than all the rest of a command.
    this.#pending.push({ preliminary, lenient, body, veiled, timeout, phase, reply: undefined, resolve, reject });
    if (this.#pending.length === 1) this.#patience(this.#pending[0] as Pending);
  }

  #onData(chunk: Buffer): void {
    this.touch();
    try {
      this.#stream.push(chunk, this.#events);
    } catch (error) {
      this.fail(this.#explain(error, this.#pending[0]?.phase ?? "idle"));
    }
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
    const pending = this.#pending.shift();
    const reply = pending?.reply as Reply;
    pending?.resolve(reply);
    const next = this.#pending[0];
    if (this.#setup.grammar.isGoodbye(reply)) this.#onStray(reply);
    else if (next) this.#patience(next);
    else this.#atRest();
  }

  /** The server has to answer now, unless it is not listened to. */
  #patience({ timeout }: Pending): void {
    if (this.#holders.size === 0 && !this.#ourTurn) this.#watchdog.start(timeout);
  }

  /** All that was written has left. */
  #onDrain(): void {
    this.touch();
    const room = this.#room;
    this.#room = undefined;
    if (room && (this.#ourTurn || this.#pending.length === 0)) this.#watchdog.rest();
    room?.resolve();
  }

  #atRest(): void {
    this.#watchdog.rest();
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

  #onEnd(): void {
    const pending = this.#pending[0];
    const phase = pending?.phase ?? "idle";
    const when = phase === "greeting" ? "before its greeting" : pending ? "while a reply was awaited" : "while idle";
    const how = this.#stream.partial ? ", in the middle of a reply" : "";
    this.fail(new ConnectionError(`the server ${this.#server} closed the connection ${when}${how}`, { phase }));
  }

  #onSilence(): void {
    if (this.#fence) {
      this.#fence.over(false);
      return;
    }
    if (this.#room) {
      const advice = "is the server still there? The timeout can be raised";
      this.fail(new TimeoutError(`${this.#server} takes no more bytes`, { phase: "data", advice }));
      return;
    }
    const pending = this.#pending[0];
    if (pending === undefined) return;
    if (this.#pending.every((each) => each.lenient)) {
      for (const each of this.#pending.splice(0)) each.resolve(undefined as unknown as Reply);
      return;
    }
    const what = pending.phase === "greeting" ? "greeting" : "reply";
    this.fail(
      new TimeoutError(`no ${what} from ${this.#server} within ${pending.timeout} ms`, {
        phase: pending.phase,
        advice:
          pending.phase === "greeting"
            ? "is this the right port, and the right security (tls, starttls)?"
            : "the timeout can be raised",
      }),
    );
  }

  #explain(error: unknown, phase: Phase): PolywireError {
    if (error instanceof PolywireError) return error;
    const { protocol, host, port, security } = this.#options;
    return explain(error, { protocol, host, port, phase, security });
  }

  #attach(socket: Duplex): void {
    if (this.#closed) {
      socket.destroy();
      throw this.#closed;
    }
    this.#socket = socket;
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
    if (this.#holders.size === 0) socket.resume();
    this.#flush();
  }

  /** The socket, silent: no listener of ours is left but one that swallows late errors. */
  #detachSocket(): Duplex {
    const socket = this.#socket as Duplex;
    this.#socket = undefined;
    socket.pause();
    for (const [event, listener] of this.#listeners) socket.off(event, listener);
    socket.on("error", () => {});
    return socket;
  }
}
