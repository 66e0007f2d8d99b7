/** One connection, whatever is said on it: opened, secured, written to, paused, watched, and closed once. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { brokenOff, onAbort } from "../client/abort.js";
import { AbortedError, ConnectionError, type Phase, PolywireError, TimeoutError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import { DeflatedSocket } from "./deflate.js";
import { dial } from "./dial.js";
import { defect, explain, placeOf, serverName } from "./explain.js";
import { Outgoing } from "./outgoing.js";
import { Secrets } from "./secrets.js";
import type { NetCall } from "./tcp.js";
import { secure, startTls } from "./tls.js";
import { Watchdog } from "./watchdog.js";

/** What the server has to say next. */
export interface Awaited {
  /** Milliseconds of silence allowed before it. */
  readonly timeout: number;
  readonly phase: Phase;
}

/** A connection. What its bytes mean, and who waits for them, is the business of the class that extends it. */
export abstract class Link {
  protected readonly options: ResolvedOptions;
  /** Those who want no bytes for now: consumers of bodies that came one behind the other. */
  readonly #holders = new Set<object>();
  /** Signs of life of the server so far. */
  #signs = 0;
  readonly #secrets = new Secrets();
  readonly #watchdog = new Watchdog(() => this.silent());
  /** The socket, or what deflates its bytes. */
  #socket: Duplex | undefined;
  readonly #outgoing = new Outgoing();
  #closed: PolywireError | undefined;
  /** Those who want to know when the connection is over. */
  readonly #watchers = new Set<(reason: PolywireError) => void>();
  /** Who waits for room to write. */
  #room: { promise: Promise<void>; resolve(): void; reject(error: Error): void } | undefined;
  #ourTurn = false;
  /** Breaks off what has no listener of ours yet: dialling and handshakes. */
  readonly #breakOff = new AbortController();
  readonly #listeners: readonly (readonly [string, (argument: unknown) => void])[] = [
    ["data", (chunk) => this.take(chunk as Buffer)],
    ["end", () => this.#onEnd()],
    ["error", (error) => this.fail(this.explain(error, this.awaited?.phase ?? "idle"))],
    ["close", () => this.#onEnd()],
    ["drain", () => this.#onDrain()],
  ];

  protected constructor(options: ResolvedOptions) {
    this.options = options;
  }

  // --- what the class that extends it supplies -------------------------------------------------------------------

  /** Reads bytes that came. What it throws ends the connection. */
  protected abstract read(chunk: Buffer): void;

  /** What is waited for; undefined: nothing. */
  protected abstract get awaited(): Awaited | undefined;

  /** Bytes that came and were not read yet. */
  protected abstract get held(): number;

  /** Gives the bytes that came and were not read yet, and forgets them. */
  protected abstract takeHeld(): Buffer;

  /** True where the bytes so far end within a reply. */
  protected abstract get partial(): boolean;

  /** The connection is over: whoever waits is told the reason. Called once. */
  protected abstract over(reason: PolywireError): void;

  // --- the connection --------------------------------------------------------------------------------------------

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

  /** Why the connection is over, where it is. */
  get closed(): PolywireError | undefined {
    return this.#closed;
  }

  /** Calls back when the connection is over, at once where it is. Gives what forgets it. */
  whenClosed(call: (reason: PolywireError) => void): () => void {
    if (this.#closed) call(this.#closed);
    else this.#watchers.add(call);
    return () => this.#watchers.delete(call);
  }

  /** What a promise gives that is not the server's; rejects when the connection is over first. */
  orClosed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.whenClosed(reject);
      promise.then(resolve, reject).finally(forget);
    });
  }

  /** Dials (through the proxy, if any) and starts TLS where `security` is `tls`. `room`: see `NetCall`. */
  async open(call: Partial<Pick<NetCall, "signal" | "room">>, detachable = false): Promise<void> {
    const { host, port, security, timeouts } = this.options;
    const dialCall = { signal: this.#breakOff.signal, timeout: timeouts.connect, room: call.room };
    const forget = this.#breakOffBy(call.signal);
    try {
      const socket = await dial(this.options, { host, port }, dialCall);
      this.note(`connected to ${this.#server}`);
      this.#attach(security === "tls" ? await secure(socket, this.options, { ...dialCall, detachable }) : socket);
    } catch (error) {
      throw this.#closed ?? error;
    } finally {
      forget();
    }
    if (security === "tls") this.note("TLS");
  }

  /** Starts TLS on the connection as it is. Bytes that came in the clear and were not read fail it. */
  protected async startTls(signal: AbortSignal | undefined, detachable = false): Promise<void> {
    const forget = this.#breakOffBy(signal);
    const call = { signal: this.#breakOff.signal, timeout: this.options.timeouts.connect, detachable };
    await this.exchangeSocket((socket) => startTls(socket, this.held, this.options, call)).finally(forget);
    this.note("TLS");
  }

  /**
   * Deflates what follows the server's agreement, in both directions. What came along with that is deflated already (RFC 4978
   * §3, RFC 8054 §2.2.2); unlike with STARTTLS, nobody can have slipped in what could not stand there before.
   */
  protected async deflate(): Promise<void> {
    const early = this.takeHeld();
    await this.exchangeSocket((socket) => Promise.resolve(new DeflatedSocket(socket, early)));
    this.note("deflated");
  }

  /** Takes the socket away, to come back as another one (STARTTLS, CCC). Hanging up meanwhile destroys it. */
  async exchangeSocket(exchange: (socket: Socket) => Promise<Duplex>): Promise<void> {
    if (this.#closed) throw this.#closed;
    const socket = this.#detach() as Socket;
    const forget = onAbort(this.#breakOff.signal, () => socket.destroy());
    try {
      this.#attach(await exchange(socket));
    } catch (error) {
      socket.destroy();
      throw this.fail(this.explain(error, "tls"));
    } finally {
      forget();
    }
  }

  /** Hangs up: everything pending rejects with the reason. Gives the reason, so that it can be thrown. */
  fail(reason: PolywireError): PolywireError {
    if (this.#closed) return this.#closed;
    this.#closed = reason;
    reason.protocol ??= this.options.protocol;
    reason.server ??= this.#server;
    // The server's own words may be in it, and in them what it was told.
    reason.message = this.redact(reason.message);
    this.#watchdog.stop();
    this.#breakOff.abort(reason);
    if (this.#socket) this.#detach().destroy();
    this.note(`closed: ${reason.message}`);
    this.#room?.reject(reason);
    this.over(reason);
    for (const each of [...this.#watchers]) each(reason);
    return reason;
  }

  // --- bytes out -------------------------------------------------------------------------------------------------

  /** Sends a line, one character per byte, in one write with all that is sent in this tick. */
  protected write(line: string, shown: string): void {
    this.options.transcript?.add("C", this.redact(shown));
    this.#outgoing.write(line);
  }

  /** Sends bytes behind what was written before. */
  protected writeBytes(bytes: readonly Buffer[]): void {
    this.#outgoing.writeBytes(bytes);
    if (this.options.transcript) this.note(`${bytes.reduce((sum, each) => sum + each.length, 0)} bytes sent`);
  }

  /** Sends now what was to leave when this tick is over. */
  flush(): void {
    this.#outgoing.flush();
  }

  /** Gives a promise where the connection has no room for more bytes now: it settles when it has, or is lost. */
  room(): Promise<void> | undefined {
    if (this.#closed) return Promise.reject(this.#closed);
    if (!this.#outgoing.full) return undefined;
    if (this.#room === undefined) {
      let resolve = () => {};
      let reject: (error: Error) => void = () => {};
      const promise = new Promise<void>((...both) => ([resolve, reject] = both));
      promise.catch(() => {});
      this.#room = { promise, resolve, reject };
      if (this.#ourTurn || this.awaited === undefined) this.#watchdog.start(this.options.timeouts.idle);
    }
    return this.#room.promise;
  }

  /** True while somebody waits for room to write. */
  protected get full(): boolean {
    return this.#room !== undefined;
  }

  /** All that the socket held has left. */
  #onDrain(): void {
    this.touch();
    this.#outgoing.feed();
    if (this.#outgoing.full) return;
    const room = this.#room;
    this.#room = undefined;
    if (room && (this.#ourTurn || this.awaited === undefined)) this.#watchdog.rest();
    room?.resolve();
  }

  // --- bytes in --------------------------------------------------------------------------------------------------

  /** Reads bytes as if they came now. */
  protected take(chunk: Buffer): void {
    this.touch();
    try {
      this.read(chunk);
    } catch (error) {
      this.fail(this.misread(error));
    }
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
    const next = this.awaited;
    if (next) this.patience(next.timeout);
    this.#socket?.resume();
  }

  #onEnd(): void {
    const { awaited } = this;
    const phase = awaited?.phase ?? "idle";
    const when = phase === "greeting" ? "before its greeting" : awaited ? "while a reply was awaited" : "while idle";
    const how = this.partial ? ", in the middle of a reply" : "";
    this.fail(new ConnectionError(`the server ${this.#server} closed the connection ${when}${how}`, { phase }));
  }

  // --- silence ---------------------------------------------------------------------------------------------------

  /** True while the server waits for bytes of ours, as in the middle of a message: its silence is not its fault. */
  set ourTurn(ours: boolean) {
    this.#ourTurn = ours;
    const next = this.awaited;
    if (ours) this.#watchdog.rest();
    else if (next) this.patience(next.timeout);
  }

  /** The server has to answer now, unless it is not listened to. */
  protected patience(timeout: number): void {
    if (this.#holders.size === 0 && !this.#ourTurn) this.#watchdog.start(timeout);
  }

  /** The server has to say something within `timeout` milliseconds, whoever is busy. */
  protected watch(timeout: number): void {
    this.#watchdog.start(timeout);
  }

  /** Nothing is awaited. */
  protected rest(): void {
    this.#watchdog.rest();
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

  /** The server was silent for too long. */
  protected silent(): void {
    const { awaited } = this;
    if (this.#room || (awaited && this.#outgoing.full)) {
      const advice = `is the server still there? ${this.#patienceBy} can be raised`;
      this.fail(new TimeoutError(`${this.#server} takes no more bytes`, { phase: "data", advice }));
    } else if (awaited) {
      const { phase, timeout } = awaited;
      const greeting = phase === "greeting";
      const advice = greeting
        ? "is this the right port, and the right security (tls, starttls)?"
        : `${this.#patienceBy} can be raised`;
      const what = greeting ? "greeting" : "reply";
      this.fail(new TimeoutError(`no ${what} from ${this.#server} within ${timeout} ms`, { phase, advice }));
    }
  }

  /** The options that say how long the server may be silent now. */
  get #patienceBy(): string {
    if (this.#ourTurn || this.awaited === undefined) return "timeouts.idle";
    const whole = this.options.protocol === "smtp" ? ", acceptTimeout (of a whole message)" : "";
    return `timeouts.command${whole} or the timeout of the call`;
  }

  // --- words -----------------------------------------------------------------------------------------------------

  /** A value that must never be shown: it becomes `***` in transcripts and errors. */
  hide(secret: string | undefined): void {
    this.#secrets.hide(secret);
  }

  /** The text with every hidden value replaced. */
  redact(text: string): string {
    return this.#secrets.redact(text);
  }

  protected note(text: string): void {
    this.options.transcript?.add("#", this.redact(text));
  }

  /** Any error as one of ours. */
  protected explain(error: unknown, phase: Phase): PolywireError {
    if (error instanceof PolywireError) return error;
    const { protocol, host, port, security } = this.options;
    return explain(error, { protocol, host, port, phase, security });
  }

  /** What was thrown while bytes were read, as one of ours: the link is in order then. */
  protected misread(error: unknown): PolywireError {
    return defect(error, placeOf(this.options, this.awaited?.phase ?? "idle"));
  }

  get #server(): string {
    return serverName(this.options);
  }

  /** The signal of a call hangs up where nothing else listens to it. */
  #breakOffBy(signal: AbortSignal | undefined): () => void {
    const hangUp = () => this.fail(brokenOff(signal?.reason));
    if (signal?.aborted) hangUp();
    return onAbort(signal, hangUp);
  }

  #attach(socket: Duplex): void {
    if (this.#closed) {
      socket.destroy();
      throw this.#closed;
    }
    this.#socket = this.#outgoing.socket = socket;
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
    if (this.#holders.size === 0) socket.resume();
    this.#outgoing.flush();
  }

  /** The socket, silent: no listener of ours is left but one that swallows late errors. */
  #detach(): Duplex {
    const socket = this.#socket as Duplex;
    this.#socket = this.#outgoing.socket = undefined;
    socket.pause();
    for (const [event, listener] of this.#listeners) socket.off(event, listener);
    socket.on("error", () => {});
    return socket;
  }
}
