/** One file from server to server in one way: who listens, who connects, two transfer commands, two final replies (RFC 959 §5.2). */
import net from "node:net";
import { AbortedError, ProtocolError, type ReplyError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { activeCommand, isNotSo, refused } from "./data.js";
import type { FxpSide } from "./fxp-side.js";
import { abilitiesOf, asClient, type FxpWay, handedOver, isSix, otherHost, peerOf } from "./fxp-way.js";
import { parseSize } from "./parse-reply.js";

/** Milliseconds that the other side has for its data connection, in a way not known to work, when one side is done. */
const SETTLE = 5_000;
/** Milliseconds, besides round trips, for a 150 that comes before the connection. */
const HEED = 250;
/** Milliseconds for the refusal that comes along with another one. */
const ALONG = 1_000;
/** Bytes that a transfer moves in a millisecond at the very least: nothing but its end tells that it still runs. */
const SLOWEST = 10;
/** Milliseconds for a file of which nobody told the size. */
const LONGEST = 24 * 3_600_000;
/** The most that a timer takes. */
const MOST = 2 ** 31 - 1;

/** What servers answer whose data connection did not come about, or broke. */
const OF_DATA = new Set(["425", "426", "522", "534", "435", "431"]);
/** What they answer of the file itself, even in mid transfer. */
const OF_DISK = new Set(["452", "552"]);

/** It does not go this way: it was refused, or the data connection did not come about, or broke. */
export class WayFailed extends Error {}

/** What is known before. */
export interface Known {
  /** True where a file went this way before. */
  readonly proven: boolean;
  /** Bytes of the file; undefined where nobody told. */
  readonly size: number | undefined;
  /** Whether the side that listens says 150 before it has the connection; undefined where that is not known. */
  readonly early: boolean | undefined;
}

export class FxpAttempt {
  /** Bytes of the file, as they were known before or as the source told. */
  size: number | undefined;
  /** Whether the passive side says 150 before it has the connection. */
  early: boolean | undefined;
  readonly #source: FxpSide;
  readonly #target: FxpSide;
  readonly #passive: FxpSide;
  readonly #active: FxpSide;
  readonly #way: FxpWay;
  readonly #proven: boolean;
  #timer: NodeJS.Timeout | undefined;
  #stopped: Error | undefined;
  #reject: (reason: Error) => void = () => {};
  /** Milliseconds until the passive side answered. */
  #roundTrip = 0;
  /** What the passive side called itself, where that is another address. */
  #alias: string | undefined;
  /** Sides that begin handshakes until they are told otherwise. */
  readonly #clients = new Set<FxpSide>();

  constructor(source: FxpSide, target: FxpSide, way: FxpWay, { proven, size, early }: Known) {
    this.#source = source;
    this.#target = target;
    this.#way = way;
    [this.#passive, this.#active] = way.passive === "source" ? [source, target] : [target, source];
    this.#proven = proven;
    this.size = size;
    this.early = early;
  }

  /**
   * Resolves when both servers confirmed the transfer. Whatever happens, both connections are in order behind it, or
   * closed. Throws WayFailed, ReplyError for a refusal of the file, AbortedError, the error of a connection that is over.
   */
  async run(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#reject = reject;
        this.#steps().then(resolve, reject);
      });
    } catch (error) {
      throw await this.#failed(error as Error);
    } finally {
      clearTimeout(this.#timer);
      await this.#asServers();
    }
  }

  /** Ends the transfer. */
  stop(reason: Error): void {
    this.#stopped ??= reason;
    this.#reject(reason);
  }

  async #steps(): Promise<void> {
    const [passive, active] = [this.#passive, this.#active];
    await Promise.all([this.#listen(), this.#prepare(active)]);
    this.#proceed();
    const { host, port } = passive.listening as { host: string; port: number };
    const six = net.isIPv6(host) || isSix(active.session);
    const command = activeCommand(six ? "EPRT" : "PORT", host, port);
    // What was seen to work goes out at once: two round trips for a file.
    const orderly = active.session.orderly && passive.session.orderly;
    const together = this.#proven && orderly && active.session.packs;
    const asked = active.ask([command], { begins: together });
    if (this.#proven) passive.begin();
    const [reply] = (await asked) as [Reply];
    if (!reply.ok) throw await this.#refusedPort(reply, command, together);
    this.#proceed();
    if (!this.#proven) passive.begin();
    if (!together) await this.#beginActive();
    await this.#over();
  }

  /** Behind the other side's 150, where that comes before the connection: see `FtpSession.orderly`. */
  async #beginActive(): Promise<void> {
    const [passive, active] = [this.#passive, this.#active];
    if (!passive.session.orderly && this.early !== false) {
      const patience = this.early ? passive.session.options.timeouts.connect : HEED + 3 * this.#roundTrip;
      await passive.when(() => passive.begun, patience);
      this.early = passive.begun;
    }
    this.#proceed();
    if (passive.reply === undefined) active.begin();
  }

  /** Nothing more is sent for a transfer that was stopped. */
  #proceed(): void {
    if (this.#stopped) throw this.#stopped;
  }

  /** Has the passive side listen, and notes where. */
  async #listen(): Promise<void> {
    const side = this.#passive;
    const { session } = side;
    const client = this.#way.client === side.role ? asClient(abilitiesOf(side.session), true) : undefined;
    const [first, second] = isSix(session) ? ["EPSV"] : client === "CPSV" ? ["CPSV"] : ["PASV", "EPSV"];
    let command = first as string;
    const since = performance.now();
    let reply = await this.#prepare(side, command);
    this.#roundTrip = performance.now() - since;
    if (!reply?.ok && second && reply && isNotSo(reply.code, reply.text)) {
      command = second;
      reply = await this.#prepare(side, command);
    }
    if (!reply?.ok) throw new WayFailed(said(side, command, reply as Reply));
    const found = handedOver(session, command, reply, peerOf(this.#active.session) ?? "");
    if (typeof found === "string") throw new WayFailed(`${side.shown}: ${found}`);
    side.listening = found;
    this.#alias = otherHost(session, command, reply);
  }

  /** What goes before the data connection, in one write with `command`. Gives the reply to that. */
  async #prepare(side: FxpSide, command?: string): Promise<Reply | undefined> {
    const { session } = side;
    const type = session.type === "I" ? [] : ["TYPE I"];
    const method =
      this.#way.client === side.role ? asClient(abilitiesOf(side.session), command !== undefined) : undefined;
    const client = method === "SSCN" && !this.#clients.has(side) ? ["SSCN ON"] : [];
    const size = side === this.#source && this.size === undefined ? [`SIZE ${side.command.slice(5)}`] : [];
    const commands = [...type, ...client, ...size, ...(command === undefined ? [] : [command])];
    if (commands.length === 0) return undefined;
    this.#proceed();
    if (client.length > 0) this.#clients.add(side);
    const replies = await side.ask(commands);
    const answer = (list: readonly string[]) => (list[0] ? replies[commands.indexOf(list[0])] : undefined);
    const typed = answer(type);
    if (typed) session.accept(typed, "TYPE I");
    session.type = "I";
    const able = answer(client);
    if (able && !able.ok) throw new WayFailed(said(side, "SSCN ON", able));
    const sized = answer(size);
    if (sized?.ok) this.size = parseSize(sized.text);
    return command === undefined ? undefined : replies.at(-1);
  }

  /**
   * The active side may not, or will not. Where its transfer command went along, that must have been refused, too:
   * pyftpdlib keeps one that it has taken for the next data connection, whatever that is for.
   */
  async #refusedPort(reply: Reply, command: string, together: boolean): Promise<Error> {
    const side = this.#active;
    const why = new WayFailed(said(side, command, reply));
    if (!together) return why;
    await side.when(() => side.begun, ALONG);
    if (side.reply === undefined || side.reply.ok || side.preliminary)
      side.session.line.fail(new ProtocolError(`${why.message}, and took the command behind it`));
    return why;
  }

  /** Resolves when both sides confirmed; rejects where one did not, or is silent for too long. */
  #over(): Promise<void> {
    const sides = [this.#source, this.#target];
    return new Promise((resolve, reject) => {
      const look = () => {
        const closed = sides.find(({ session }) => session.line.closed);
        const no = sides.find(({ reply }) => reply && !reply.ok);
        if (closed) return reject(closed.session.line.closed as Error);
        if (no) return reject(refused(no.session, no.reply as Reply, no.command));
        if (sides.every(({ reply }) => reply)) return resolve();
        this.#watch(reject);
      };
      for (const side of sides) side.onChange = look;
      look();
    });
  }

  #watch(reject: (error: Error) => void): void {
    const patience = this.#patience();
    clearTimeout(this.#timer);
    const silent = [this.#source, this.#target].filter(({ reply }) => !reply).map(({ shown }) => shown);
    const message = `${silent.join(" and ")} said nothing within ${patience} ms`;
    this.#timer = setTimeout(() => reject(new WayFailed(message)), patience);
  }

  /** Milliseconds of silence: how far a transfer is, nothing tells. */
  #patience(): number {
    const sides = [this.#source, this.#target];
    const { session, call } = this.#target;
    const idle = session.patience(call);
    const waiting = sides.find(({ begun }) => !begun);
    if (waiting) return this.#proven || sides.every(({ reply }) => !reply) ? session.options.timeouts.connect : SETTLE;
    if (sides.some(({ reply }) => reply)) return idle;
    return this.size === undefined ? LONGEST : Math.min(MOST, idle + this.size / SLOWEST);
  }

  /** Brings both sides in order, or closes them. Gives the error to throw. */
  async #failed(error: Error): Promise<Error> {
    const sides = [this.#source, this.#target];
    const first = sides.find(({ reply }) => reply && !reply.ok);
    const ended = sides.map(async (side) => {
      if (await side.giveUp(error instanceof AbortedError)) return;
      side.session.line.fail(new AbortedError(`a transfer to or from ${side.shown} could not be broken off`));
    });
    await Promise.all([...ended, this.#letGo()]);
    if (error instanceof AbortedError || error instanceof ProtocolError) return error;
    const about = sides.map((side) => this.#aboutFile(side, side === first)).find((each) => each);
    if (about) return about;
    const why = first ? said(first, first.command, first.reply as Reply) : error.message;
    const alias = this.#alias && `; it calls itself ${this.#alias}, which is not handed on without allowForeignHost`;
    return new WayFailed(`${why}${alias ?? ""}`, { cause: error });
  }

  /**
   * The side that has refused may hold the data connection all the same: vsftpd listens on, and pyftpdlib connects before it
   * is asked for anything. The other side would wait for it. Told to listen anew, servers let go of what they had.
   */
  async #letGo(): Promise<void> {
    const sides = [this.#source, this.#target];
    const held = sides.find(({ asked, reply }) => asked && !reply);
    const holder = sides.find(({ reply, session }) => reply && !session.line.closed);
    if (held && holder) await holder.ask([isSix(holder.session) ? "EPSV" : "PASV"]).catch(() => {});
  }

  /** The refusal that is about the file, and not about the way it was to go. What followed another failure is not. */
  #aboutFile(side: FxpSide, first: boolean): ReplyError | undefined {
    const { reply } = side;
    if (reply === undefined || reply.ok || OF_DATA.has(reply.code)) return undefined;
    if (!first && side.preliminary && !OF_DISK.has(reply.code)) return undefined;
    return refused(side.session, reply, side.command);
  }

  /** Ordinary transfers begin their handshakes here: who was told to, is told otherwise. */
  async #asServers(): Promise<void> {
    const told = [...this.#clients].map(async ({ session }) => {
      const { line } = session;
      if (line.closed) return;
      const off = line.send("SSCN OFF").then((reply) => {
        if (!reply.ok) line.fail(refused(session, reply, "SSCN OFF"));
      });
      off.catch(() => {});
      // Else what is sent next comes behind it, and nobody waits.
      if (!session.pipelines) await off.catch(() => {});
    });
    await Promise.all(told);
  }
}

function said(side: FxpSide, command: string, reply: Reply): string {
  return `${side.shown} answered ${command} by ${reply.code} ${side.session.line.redact(reply.text).trim()}`;
}
