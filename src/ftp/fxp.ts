/** FXP: a file from one server to the other, of which we see no byte (RFC 959 §5.2, RFC 2428; RFC 4217 with SSCN or CPSV). */
import { cancelled } from "../client/abort.js";
import { ConnectionError, PolywireError, UsageError } from "../client/errors.js";
import type { Call, CallOptions, Reply } from "../client/session.js";
import { encodeLine } from "../wire/text.js";
import type { FtpClient } from "./client.js";
import type { Alone } from "./copy.js";
import { FxpAttempt, WayFailed } from "./fxp-attempt.js";
import { FxpError, FxpPair } from "./fxp-pair.js";
import { FxpSide } from "./fxp-side.js";
import { abilitiesOf, type FxpRole, type FxpWay, waysOf } from "./fxp-way.js";
import { parseSize } from "./parse-reply.js";
import type { FtpSession } from "./session.js";
import { mismatch } from "./verify.js";

/** What a transfer between two servers takes. */
export interface FxpOptions extends CallOptions {
  /** Bytes of the file, where that is known. Default: the source is asked, along with something else. */
  size?: number | undefined;
  /**
   * `size` (default): the target is asked how many bytes it has, which is one round trip. `none`: only with the first
   * file of two servers, as both may confirm a transfer that lost something.
   */
  verify?: "size" | "none" | undefined;
  /** What is known of these two servers. Default: what earlier calls of these two clients found out. */
  pair?: FxpPair | undefined;
}

/** What came of it. */
export interface FxpDone {
  /** Which server listened. */
  readonly passive: FxpRole;
  /** Bytes of the file; undefined where neither server tells sizes. */
  readonly bytes: number | undefined;
  /** The final replies of both. */
  readonly source: Reply;
  readonly target: Reply;
}

/** What is to be done. Names are as they are sent. */
export interface FxpTask extends FxpOptions {
  readonly from: string;
  readonly to: string;
}

/** Pairs of clients that have done this before. */
const PAIRS = new WeakMap<FtpClient, WeakMap<FtpClient, FxpPair>>();

/** Clients by their first use here: two calls that want the same two never wait for each other. */
const ORDER = new WeakMap<FtpClient, number>();
let clients = 0;

/** Has two servers transfer a file: see `FtpClient.fxp`. */
export async function fxp(on: Alone, source: FtpClient, target: FtpClient, task: FxpTask): Promise<FxpDone> {
  if (source === target) throw new UsageError("FXP needs a client for each side", { protocol: "ftp" });
  // Nothing is sent for names that cannot be sent.
  for (const command of [`RETR ${task.from}`, `STOR ${task.to}`]) encodeLine(command);
  const pair = task.pair ?? pairOf(source, target);
  const outcome = await both(on, source, target, task, (one, other) => new Ladder(one, other, pair, task).run());
  if ("done" in outcome) return outcome.done;
  const { error } = outcome;
  if (error instanceof PolywireError) error.clientUsable = source.state === "ready" && target.state === "ready";
  throw error;
}

function pairOf(source: FtpClient, target: FtpClient): FxpPair {
  const targets = PAIRS.get(source) ?? new WeakMap<FtpClient, FxpPair>();
  const pair = targets.get(target) ?? new FxpPair();
  PAIRS.set(source, targets.set(target, pair));
  return pair;
}

/** A session, and the call it is used in. */
interface Held {
  readonly session: FtpSession;
  readonly call: Call;
}

type Outcome = { readonly done: FxpDone } | { readonly error: unknown };

/**
 * Runs a body with both clients to itself. It never throws: an error of one side must not close the other, and only the
 * sessions know which of them is over.
 */
function both(
  on: Alone,
  source: FtpClient,
  target: FtpClient,
  options: CallOptions,
  body: (source: Held, target: Held) => Promise<FxpDone>,
): Promise<Outcome> {
  const [first, second] = orderOf(source) < orderOf(target) ? [source, target] : [target, source];
  return on(first, options, (session, call) => {
    // While it waits for the other one, which then drops the call.
    call.cancel = () => Promise.resolve(true);
    const outer = { session, call };
    const run = on(second, options, async (session, call): Promise<Outcome> => {
      const inner = { session, call };
      try {
        return { done: await (first === source ? body(outer, inner) : body(inner, outer)) };
      } catch (error) {
        return { error };
      }
    });
    return run.catch((error) => ({ error }));
  });
}

function orderOf(client: FtpClient): number {
  const known = ORDER.get(client) ?? clients++;
  ORDER.set(client, known);
  return known;
}

/** One way after the other, until one works; where one is known to, only that. */
class Ladder {
  readonly #source: Held;
  readonly #target: Held;
  readonly #pair: FxpPair;
  readonly #task: FxpTask;
  #attempt: FxpAttempt | undefined;
  #sides: readonly FxpSide[] = [];
  #stopped: Error | undefined;

  constructor(source: Held, target: Held, pair: FxpPair, task: FxpTask) {
    this.#source = source;
    this.#target = target;
    this.#pair = pair;
    this.#task = task;
  }

  async run(): Promise<FxpDone> {
    for (const [i, { call }] of [this.#source, this.#target].entries()) {
      call.cancel = (reason) => {
        this.#stopped ??= reason;
        this.#attempt?.stop(reason);
        return this.#sides[i]?.giveUp(true) ?? Promise.resolve(true);
      };
    }
    try {
      return await this.#climb();
    } finally {
      for (const { call } of [this.#source, this.#target]) delete call.cancel;
    }
  }

  async #climb(): Promise<FxpDone> {
    const ways = waysOf(abilitiesOf(this.#source.session), abilitiesOf(this.#target.session));
    if (typeof ways === "string") throw this.#none(ways);
    for (let way = this.#pair.next(ways); way; way = this.#pair.next(ways)) {
      const proven = this.#pair.way !== undefined;
      const done = await this.#try(way, proven);
      if (done) return done;
    }
    throw this.#none(this.#pair.reasons(ways));
  }

  /** Gives undefined where another way is to be tried. */
  async #try(way: FxpWay, proven: boolean): Promise<FxpDone | undefined> {
    const { from, to, size } = this.#task;
    const source = new FxpSide("source", this.#source.session, `RETR ${from}`, this.#source.call);
    const target = new FxpSide("target", this.#target.session, `STOR ${to}`, this.#target.call);
    this.#sides = [source, target];
    const attempt = new FxpAttempt(source, target, way, { proven, size, early: proven ? this.#pair.early : undefined });
    this.#attempt = attempt;
    if (this.#stopped) throw cancelled(this.#stopped.cause);
    try {
      await attempt.run();
      await this.#check(attempt, proven);
    } catch (error) {
      if (!(error instanceof WayFailed)) throw error;
      if (!proven) this.#pair.failed(way, error.message);
      this.#throwClosed();
      if (proven) throw broke(this.#source.session, error);
      if (target.begun) await this.#remove();
      return undefined;
    }
    this.#pair.worked(way, attempt.early);
    return {
      passive: way.passive,
      bytes: attempt.size,
      source: source.reply as Reply,
      target: target.reply as Reply,
    };
  }

  /** Both may confirm what is not whole: pyftpdlib loses the beginning of some uploads under TLS. */
  async #check({ size }: FxpAttempt, proven: boolean): Promise<void> {
    if (size === undefined || (proven && this.#task.verify === "none")) return;
    const { session, call } = this.#target;
    const command = `SIZE ${this.#task.to}`;
    const reply = await session.line.send(command, { timeout: call.timeout });
    const there = reply.ok ? parseSize(reply.text) : undefined;
    if (there === size || (there === undefined && reply.code !== "550")) return;
    const what = `both servers confirmed it, and ${there ?? 0} of ${size} bytes arrived`;
    throw proven ? mismatch(what) : new WayFailed(what);
  }

  /** What a way in vain has left: not every server lets it be replaced. */
  async #remove(): Promise<void> {
    const { session, call } = this.#target;
    await session.line.send(`DELE ${this.#task.to}`, { timeout: call.timeout });
  }

  /** A way may cost a connection: the others are tried on the next one. */
  #throwClosed(): void {
    const closed = [this.#source, this.#target].map(({ session }) => session.line.closed).find((each) => each);
    if (closed) throw closed;
  }

  #none(why: string): FxpError {
    const advice = "a server may have to allow it: pasv_promiscuous, port_promiscuous, AllowForeignAddress, -w";
    return new FxpError(`the servers cannot send files to each other: ${why}`, { protocol: "ftp", advice });
  }
}

/** A way that worked before did not work now. */
function broke({ options: { protocol } }: FtpSession, cause: WayFailed): ConnectionError {
  const message = `the transfer between the servers broke: ${cause.message}`;
  return new ConnectionError(message, { phase: "data", protocol, cause });
}
