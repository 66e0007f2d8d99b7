/** The uniform client: the step table, the queue, and what a failure means. It knows no protocol. */
import type { TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { brokenOff, onAbort } from "./abort.js";
import { resolveCredentials } from "./credentials.js";
import { AbortedError, PolywireError, type Protocol, UsageError } from "./errors.js";
import { MOST_MS, type ResolvedOptions, wholeNumber } from "./options.js";
import { Queue } from "./queue.js";
import type { Call, CallOptions, Credentials, Reply, RequestOptions, Session, State } from "./session.js";

/** What can be asked of a client. `command` is any named method of a protocol, `query` one that needs no login. */
export type Step = "connect" | "login" | "request" | "command" | "query" | "noop" | "quit";

/** The state machine: from a state, a step leads to a state. A missing entry is a UsageError. */
export const STEPS: Readonly<Record<State, Partial<Record<Step, State>>>> = {
  idle: { connect: "connected", quit: "closed" },
  connected: { login: "ready", request: "connected", query: "connected", noop: "connected", quit: "closed" },
  ready: { request: "ready", query: "ready", noop: "ready", command: "ready", quit: "closed" },
  closed: { quit: "closed" },
};

const ADVICE: Readonly<Record<State, string>> = {
  idle: "call connect() first",
  connected: "call login() first",
  ready: "the client is logged in already",
  closed: "a closed client is not used again: make a new one",
};

/** How often `quit()` looks, within its time-out, whether anything moves. */
const LOOKS = 4;

/** How a named method runs: with others in flight, or alone. */
export interface RunOptions {
  /** True where the connection is needed alone: transfers, listings, dialogues of several steps. */
  exclusive?: boolean | undefined;
  /** True for a command that may be sent before a login, too. */
  anyState?: boolean | undefined;
  /** True for a call that goes before those that wait. */
  first?: boolean | undefined;
  /** True for a call that gives the connection to the next one when it has said all it has to say: see `Call.release`. */
  releases?: boolean | undefined;
}

const ALONE: RunOptions = { exclusive: true };

/** connect, login, request, quit: the same in every protocol. */
export abstract class Client<S extends Session = Session> implements AsyncDisposable {
  readonly protocol: Protocol;
  readonly #options: ResolvedOptions;
  readonly #queue: Queue;
  #state: State = "idle";
  #session: S | undefined;
  #greeting: Reply | undefined;
  #closing: PolywireError | undefined;
  #quitting: Promise<void> | undefined;
  #accepted: Credentials | undefined;
  /** Calls that are over. */
  #settled = 0;

  protected constructor(options: ResolvedOptions) {
    this.protocol = options.protocol;
    this.#options = options;
    this.#queue = new Queue(() => Math.min(options.pipelining, this.#session?.depth ?? 1), options.limits.queue);
  }

  /** Makes the session; nothing is dialled yet. `onClose` is to be called once, when the connection is over. */
  protected abstract createSession(options: ResolvedOptions, onClose: (reason: PolywireError) => void): S;

  /** `idle`, `connected`, `ready` or `closed`. */
  get state(): State {
    return this.#state;
  }

  /** True while the connection is encrypted. */
  get secure(): boolean {
    return this.tls !== undefined;
  }

  /** The encrypted socket, to look at: protocol version, cipher, the server's certificate. Undefined without TLS. */
  get tls(): TLSSocket | undefined {
    return this.#session?.tls;
  }

  /** The server's greeting. Throws UsageError before `connect()`. */
  get greeting(): Reply {
    if (this.#greeting === undefined) throw this.#misuse("greeting");
    return this.#greeting;
  }

  /** What the server said it can do: word → arguments. Empty before `connect()`. */
  get capabilities(): ReadonlyMap<string, readonly string[]> {
    return this.#session?.capabilities ?? new Map();
  }

  /** The options with every default filled in. Credentials among them are not shown by `inspect()`. */
  protected get options(): ResolvedOptions {
    return this.#options;
  }

  /** The credentials of the login that succeeded, for another connection of the same kind. */
  protected get accepted(): Credentials | undefined {
    return this.#accepted;
  }

  /** The live session, for synchronous questions. Throws UsageError where there is none. */
  protected get session(): S {
    if (this.#session === undefined || this.#state === "idle") throw this.#misuse("command");
    return this.#session;
  }

  /**
   * Dials the server, secures the connection and reads the greeting and the capabilities.
   * @returns the greeting.
   * @throws ConnectionError (TimeoutError, TlsError) where that fails; the client is closed then.
   */
  connect(options: CallOptions = {}): Promise<Reply> {
    return this.#run("connect", ALONE, options, async (_, call) => {
      this.#session = this.createSession(this.#options, (reason) => this.#onClose(reason));
      this.#greeting = await this.#session.open(call);
      return this.#greeting;
    });
  }

  /**
   * Logs in, with these credentials or those of the options.
   * @throws LoginError where the server refuses them; the client stays connected and may try again.
   */
  login(credentials?: Credentials, options: CallOptions = {}): Promise<void> {
    return this.#run("login", ALONE, options, async (session, call) => {
      const { protocol, host, port } = this.#options;
      const resolved = await resolveCredentials(credentials ?? this.#options.credentials, { protocol, host, port });
      await session.login(resolved ?? {}, call);
      this.#accepted = resolved;
    });
  }

  /**
   * Sends any command of the protocol.
   * @returns its typed reply.
   * @throws UsageError for a command that cannot be sent so, ReplyError for a refusal (unless `expect: "any"`).
   */
  request(command: string, options: RequestOptions = {}): Promise<Reply> {
    return this.#run("request", ALONE, options, (session, call) => session.request(command, options, call));
  }

  /** Asks the server for a sign of life. */
  noop(options: CallOptions = {}): Promise<void> {
    return this.#run("noop", {}, options, (session, call) => session.noop(call));
  }

  /**
   * Says goodbye behind the calls already made, and hangs up. They may finish as long as something moves: bytes, or one
   * call after the other. Where nothing has moved for `timeouts.quit` (a sink that never answers), it hangs up without a
   * goodbye. Safe twice, and never rejects: a dead connection is as good as a closed one.
   */
  quit(): Promise<void> {
    this.#quitting ??= this.#quit();
    return this.#quitting;
  }

  /** Hangs up now, without a goodbye. Every call that is pending rejects with the reason. */
  close(reason?: Error): void {
    if (this.#state === "closed") return;
    const error =
      reason instanceof PolywireError ? reason : new AbortedError("the client was closed", { cause: reason });
    if (this.#session) this.#session.close(error);
    this.#onClose(error);
  }

  /** `await using` ends with `quit()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit();
  }

  /** What `console.log` shows: no options, so no secrets. */
  [inspect.custom](): string {
    const { host, port, security } = this.#options;
    return `${this.constructor.name} { ${this.protocol}://${host}:${port}, ${security}, ${this.#state} }`;
  }

  /** Runs a named method of a protocol in its turn. `how`: given apart, the options of each call need not be copied. */
  protected run<T>(
    options: CallOptions & RunOptions,
    body: (session: S, call: Call) => Promise<T>,
    how: RunOptions = options,
  ): Promise<T> {
    const step = how.anyState ? "query" : "command";
    return this.#run(step, how, options, body);
  }

  /** Rejects the calls that wait behind the running one. */
  protected refuseWaiting(reason: PolywireError): void {
    this.#queue.refuse(reason);
  }

  #run<T>(step: Step, how: RunOptions, options: CallOptions, body: (session: S, call: Call) => Promise<T>): Promise<T> {
    const { exclusive: alone = false, releases, first } = how;
    const turn = async (release: () => void) => {
      const next = this.#next(step);
      if (next === undefined) throw this.#lost ?? this.#misuse(step);
      const { signal, timeout = this.#options.timeouts.command } = options;
      wholeNumber("timeout", timeout, 1, MOST_MS);
      // All fields it may ever have: the calls of all methods look the same to Node then.
      const said = releases ? release : undefined;
      const call: Call = { signal, timeout, cancel: undefined, contended: undefined, release: said };
      if (alone) this.#queue.onContended = () => call.contended?.();
      const forget = onAbort(signal, () => void this.#cancel(call, signal as AbortSignal));
      try {
        const value = await body(this.#session as S, call);
        // Only close() and a failure lead to "closed": they hang up, too.
        if (this.#state !== "closed" && next !== "closed") this.#state = next;
        return value;
      } catch (error) {
        if (step === "connect" || (error instanceof PolywireError && !error.clientUsable)) this.#failed(error);
        throw error;
      } finally {
        this.#settled++;
        forget();
      }
    };
    return this.#queue.run(alone, options.signal, turn, first);
  }

  #next(step: Step): State | undefined {
    const optional = step === "command" && this.#state === "connected" && this.#session?.loginOptional;
    return optional ? "connected" : STEPS[this.#state][step];
  }

  /** Why the connection was lost, where that was not the user's doing: the next call fails for the same reason. */
  get #lost(): PolywireError | undefined {
    return this.#closing instanceof AbortedError ? undefined : this.#closing;
  }

  #misuse(step: string): UsageError {
    const { protocol, host, port } = this.#options;
    const details = { advice: ADVICE[this.#state], protocol, server: `${host}:${port}`, cause: this.#closing };
    const usable = this.#state !== "closed";
    return new UsageError(`${step} is out of order while the client is ${this.#state}`, {
      ...details,
      clientUsable: usable,
    });
  }

  /** A signal fired in mid call: politely where the session can, else by hanging up. */
  async #cancel(call: Call, signal: AbortSignal): Promise<void> {
    const reason = brokenOff(signal.reason);
    try {
      if (call.cancel && (await call.cancel(reason))) return;
    } catch {
      // The polite way failed: hang up.
    }
    this.close(reason);
  }

  #failed(error: unknown): void {
    if (error instanceof PolywireError) error.clientUsable = false;
    this.close(error instanceof Error ? error : undefined);
  }

  #onClose(reason: PolywireError): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#closing = reason;
    this.#queue.refuse(reason);
  }

  async #quit(): Promise<void> {
    const bye = new AbortedError("the client has quit");
    if (this.#state === "idle" && this.#queue.idle) this.#onClose(bye);
    if (this.#state === "closed") return;
    const timeout = this.#options.timeouts.quit;
    const stuck = this.#whenStuck(timeout, () => this.close(bye));
    try {
      await this.#run("quit", ALONE, { timeout }, async (session, call) => {
        // A server that never stops talking is not silent: the goodbye is bounded all the same.
        const late = setTimeout(() => this.close(bye), timeout);
        await session.quit(call).finally(() => clearTimeout(late));
        // Here, not later: a call that waits must not get its turn.
        this.close(bye);
      });
    } catch {
      // A goodbye that fails is a goodbye.
    } finally {
      clearInterval(stuck);
    }
    this.close(bye);
  }

  /** Calls back where no byte moved and no call ended for `timeout` milliseconds: looks some times within them. */
  #whenStuck(timeout: number, call: () => void): NodeJS.Timeout {
    let before = this.#moved;
    let still = 0;
    return setInterval(() => {
      const now = this.#moved;
      still = now === before ? still + 1 : 0;
      before = now;
      if (still === LOOKS) call();
    }, timeout / LOOKS);
  }

  get #moved(): number {
    return this.#settled + (this.#session?.line.moved ?? 0);
  }
}
