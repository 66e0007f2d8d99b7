/** A client whose session is played by the test: no network, one word a command. */
import { Client } from "../../src/client/client.js";
import { ConnectionError, LoginError, PolywireError, ReplyError } from "../../src/client/errors.js";
import { type ClientOptions, type ResolvedOptions, resolve } from "../../src/client/options.js";
import type { Call, CallOptions, Credentials, Reply, RequestOptions, Session } from "../../src/client/session.js";

export const OK: Reply = { ok: true, code: "200", text: "ok", lines: ["200 ok"] };
export const gone = () => new ConnectionError("the server is gone", { phase: "command" });
export const no = () => new ReplyError("no", { command: "X", code: "550", transient: false });
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What the toy server does with one command: an answer, an error, or nothing at all. */
export type Plan = Error | "hang" | undefined;

export class ToySession implements Session {
  tls = undefined;
  capabilities = new Map([["TOY", []]]);
  loginOptional = false;
  depth = 4;
  readonly line = { moved: 0 };
  /** Commands as they were sent. */
  readonly log: string[] = [];
  readonly calls: Call[] = [];
  closedWith: Error | undefined;
  /** By command: what happens. */
  readonly plans: Record<string, Plan> = {};
  readonly #pending = new Set<(error: Error) => void>();

  constructor(readonly onClose: (reason: PolywireError) => void) {}

  open(call: Call): Promise<Reply> {
    return this.#do("open", call, OK);
  }
  login({ user, password }: Credentials, call: Call): Promise<void> {
    if (password === "wrong")
      this.plans.login = new LoginError("no", { command: "PASS ***", code: "530", transient: false });
    else if (this.plans.login instanceof LoginError) delete this.plans.login;
    return this.#do("login", call, undefined, `login ${user}`);
  }
  request(command: string, _options: RequestOptions, call: Call): Promise<Reply> {
    return this.#do(command, call, OK);
  }
  noop(call: Call): Promise<void> {
    return this.#do("noop", call, undefined);
  }
  quit(call: Call): Promise<void> {
    return this.#do("quit", call, undefined);
  }
  close(reason: Error): void {
    this.closedWith ??= reason;
    for (const reject of this.#pending) reject(reason);
    this.#pending.clear();
    this.onClose(reason as PolywireError);
  }

  #do<T>(command: string, call: Call, value: T, shown = command): Promise<T> {
    if (this.closedWith) return Promise.reject(this.closedWith);
    this.log.push(shown);
    this.calls.push(call);
    return new Promise<T>((resolve, reject) => {
      this.#pending.add(reject);
      const plan = this.plans[command];
      if (plan === "hang") return;
      setImmediate(() => {
        this.#pending.delete(reject);
        if (plan) reject(plan);
        else resolve(value);
      });
    });
  }
}

export class ToyClient extends Client<ToySession> {
  toy!: ToySession;
  /** Set before connect(): what the session is told. */
  before: ((toy: ToySession) => void) | undefined;

  constructor(options: Partial<ClientOptions> = {}) {
    super(resolve("pop3", { host: "toy.example", ...options }));
  }

  protected createSession(_options: ResolvedOptions, onClose: (reason: PolywireError) => void): ToySession {
    this.toy = new ToySession(onClose);
    this.before?.(this.toy);
    return this.toy;
  }

  /** A named method. */
  stat(options: CallOptions = {}): Promise<Reply> {
    return this.run(options, (session, call) => session.request("stat", {}, call));
  }

  /** A named method that needs no login. */
  greet(): Promise<Reply> {
    return this.run({ anyState: true }, (session, call) => session.request("greet", {}, call));
  }

  /** A named method that needs the connection alone. */
  retr(options: CallOptions = {}): Promise<Reply> {
    return this.run({ ...options, exclusive: true }, (session, call) => session.request("retr", {}, call));
  }

  /** A named method that waits for something of the user's: by default for ever. */
  stuck(until: Promise<void> | (() => Promise<void>) = new Promise(() => {})): Promise<void> {
    return this.run({ exclusive: true }, () => (typeof until === "function" ? until() : until));
  }

  /** A named method that can be ended politely. */
  polite(works: boolean, options: CallOptions = {}): Promise<Reply> {
    return this.run({ ...options, exclusive: true }, (_session, call) => {
      return new Promise((_resolve, reject) => {
        call.cancel = async (reason) => {
          if (works && reason instanceof PolywireError) reason.clientUsable = true;
          if (works) reject(reason);
          return works;
        };
      });
    });
  }
}

/** A client in a state, with the plans of its session. */
export async function toyIn(
  state: "idle" | "connected" | "ready" | "closed",
  options: Partial<ClientOptions> = {},
): Promise<ToyClient> {
  const client = new ToyClient(options);
  if (state === "idle") return client;
  await client.connect();
  if (state === "ready") await client.login({ user: "alice", password: "s3cret" });
  if (state === "closed") client.close();
  return client;
}

/** What a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<PolywireError> {
  try {
    await promise;
  } catch (error) {
    return error as PolywireError;
  }
  throw new Error("it should have failed");
}
