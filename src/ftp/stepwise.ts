/** A transfer step by step, for all that does not go the quick way: TLS, active mode, streams, and whatever fails (RFC 959 §5.4). */
import type { Socket } from "node:net";
import {
  AbortedError,
  ConnectionError,
  PolywireError,
  ProtocolError,
  ReplyError,
  SinkError,
  TimeoutError,
  TlsError,
} from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import { Watchdog } from "../net/watchdog.js";
import { type DataLink, dataError, isNotSo, isUnagreed, prepare, protect, unwrap } from "./data.js";
import type { Quick } from "./quick.js";
import type { FtpSession } from "./session.js";
import type { TransferPlan, Transferred } from "./transfer.js";

/** Milliseconds for a server to settle a transfer that was given up. */
const SETTLE = 5_000;
/** Milliseconds for a server to take the data connection of a transfer that is given up. */
const BEGIN = 1_000;

/** One transfer; where it fails, or is cancelled, the connection is brought in order again. */
export class Stepwise {
  readonly #session: FtpSession;
  readonly #plan: TransferPlan;
  readonly #call: Call;
  readonly #quick: Quick | undefined;
  readonly #silence: Watchdog;
  #link: DataLink | undefined;
  #data: Promise<Socket> | undefined;
  #begin = () => {};
  /** The server has answered the transfer command: it has the data connection, or wants none. */
  readonly #begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });
  #final: Promise<Reply> | undefined;
  /** The number of the transfer command: see `LineSession.asked`. */
  #at = 0;
  #preliminary: Reply | undefined;
  #reply: Reply | undefined;
  #agreed: Promise<unknown> | undefined;
  #stopped: Error | undefined;
  #reject: ((reason: Error) => void) | undefined;
  #given: Promise<boolean> | undefined;
  #noop: NodeJS.Timeout | undefined;
  #allowed = 0;
  /** True where the command went along with the one that asks for the data connection. */
  #together = false;
  #ran = false;
  /** True where nothing was moved because the data connection, or the command behind it, was refused. */
  unagreed = false;

  constructor(session: FtpSession, plan: TransferPlan, call: Call, quick?: Quick) {
    this.#session = session;
    this.#plan = plan;
    this.#call = call;
    this.#quick = quick;
    this.#silence = new Watchdog(() => this.#onSilence());
    if (quick) this.#adopt(quick);
  }

  /** What went the quick way and failed is brought in order as any other. Gives the error to throw. */
  async takeOver(error: unknown): Promise<unknown> {
    const failed = await this.#failed(error);
    this.#link?.destroy();
    this.unagreed = this.#quick?.unagreed === true && this.#stopped === undefined;
    return failed;
  }

  /** What the quick way has come to, and what comes of it. */
  #adopt(quick: Quick): void {
    const link = quick.link();
    link.socket.catch(() => {});
    this.#link = link;
    void quick.when(() => (quick.preliminary ?? quick.reply) !== undefined).then(this.#begin);
    this.#at = quick.at;
    this.#reply = quick.reply;
    this.#final = quick
      .when(() => quick.reply !== undefined)
      .then(() => {
        this.#reply = quick.reply;
        if (quick.reply === undefined) throw this.#session.line.closed;
        return quick.reply;
      });
    this.#final.catch(() => {});
  }

  async run(): Promise<Transferred> {
    try {
      const agreeing = this.#agree();
      this.#agreed = agreeing.catch(() => {});
      this.#link = await agreeing;
    } catch (error) {
      // The command went along with the one that was refused: it is refused, too, as a rule.
      if (this.#final) {
        const failed = await this.#failed(unwrap(error)).finally(() => this.#rest());
        this.unagreed = isUnagreed(error) && this.#stopped === undefined;
        throw failed;
      }
      // The control connection is in order: only the data connection did not come about.
      if (error instanceof ConnectionError && error.phase === "data") error.clientUsable = !this.#session.line.closed;
      throw unwrap(error);
    }
    // Whoever hangs up does not wait for the sink.
    const forget = this.#session.line.whenClosed(this.#stop);
    try {
      const link = this.#link;
      // What stops the transfer ends the wait for it, at whatever step it is: one promise instead of a race at each.
      return await new Promise<Transferred>((resolve, reject) => {
        this.#reject = reject;
        if (this.#stopped) reject(this.#stopped);
        else this.#steps(link).then(resolve, reject);
      });
    } catch (error) {
      const failed = await this.#failed(error);
      const said = failed instanceof ReplyError && isNotSo(failed.code, failed.message);
      this.unagreed = said && this.#together && !this.#ran;
      throw failed;
    } finally {
      forget();
      this.#rest();
      this.#link.destroy();
    }
  }

  async #steps(link: DataLink): Promise<Transferred> {
    // The command goes out before the data connection is there: one round trip less.
    const final = this.#final ?? this.#send();
    // Not before: what went along may take its time.
    this.#watch(this.#session.patience(this.#call));
    final.then((reply) => {
      if (!reply.ok && !this.#plan.leaves?.()) this.#stop(this.#refusal(reply));
    }, this.#stop);
    const socket = await link.socket;
    this.#proceed();
    this.#data = this.#session.protectedData ? protect(this.#session, socket) : link.socket;
    const data = await this.#data;
    this.#proceed();
    const bytes = await this.#move(data);
    this.#proceed();
    if (this.#plan.leaves?.()) await this.#leave();
    return { bytes, reply: await final, preliminary: this.#preliminary };
  }

  /** Ends the wait for the transfer. */
  readonly #stop = (reason: Error): void => {
    this.#stopped ??= reason;
    this.#reject?.(reason);
  };

  /** Nothing more is begun for a transfer that was stopped. */
  #proceed(): void {
    if (this.#stopped) throw this.#stopped;
  }

  /** Nothing is awaited any more. */
  #rest(): void {
    this.#silence.stop();
    clearInterval(this.#noop);
  }

  /** Ends the transfer because the user wants it: ABOR, then the end of the data connection. */
  async cancel(reason: Error): Promise<boolean> {
    this.#stop(reason);
    await this.#agreed;
    return this.#giveUp();
  }

  async #agree(): Promise<DataLink> {
    const { type, offset = 0 } = this.#plan;
    const session = this.#session;
    const setType = session.type === type ? [] : [`TYPE ${type}`];
    const rest = offset > 0 ? [`REST ${offset}`] : [];
    const check = ([reply]: Reply[]) => {
      if (reply === undefined) return;
      session.accept(reply, `TYPE ${type}`);
      session.type = type;
    };
    // Once the data command has been seen to work, the transfer command goes into the same write.
    const passive = session.dataCommand === "EPSV" || session.dataCommand === "PASV";
    const together = session.packs && passive && setType.length + rest.length === 0;
    this.#together = together;
    const follow = together ? () => void this.#send() : undefined;
    const link = await prepare(session, this.#call, { before: setType, check, follow, room: this.#plan.room });
    // REST must be the last command before the transfer (RFC 3659 §5.3): some servers forget it at EPSV.
    try {
      for (const command of rest) await session.send(command, { timeout: this.#call.timeout });
    } catch (error) {
      link.destroy();
      throw error;
    }
    return link;
  }

  #send(): Promise<Reply> {
    const { line, settings, toleratesNoop } = this.#session;
    // The data connection's own watch takes over: the control connection is silent for as long as the file is long.
    const timeout = 2 ** 31 - 1;
    const preliminary = (reply: Reply) => {
      this.#preliminary ??= reply;
      this.#begin();
      this.#silence.touch();
    };
    this.#final = line.send(this.#plan.command, { timeout, preliminary });
    this.#at = line.asked;
    this.#final.then(
      (reply) => {
        this.#reply = reply;
        this.#begin();
      },
      () => {},
    );
    if (settings.transferNoop > 0 && toleratesNoop) {
      const noop = () => line.send("NOOP", { timeout: this.#call.timeout }).catch(() => {});
      this.#noop = setInterval(noop, settings.transferNoop).unref();
    }
    return this.#final;
  }

  async #move(socket: Socket): Promise<number> {
    const server = () => {
      this.#session.line.touch();
      this.#watch(this.#session.patience(this.#call));
    };
    const turn = { server, ours: () => this.#silence.rest() };
    this.#ran = true;
    const bytes = await this.#plan.run(socket, turn);
    // Behind an upload, the last bytes may still be on their way when all are written.
    this.#watch(this.#plan.sends ? this.#session.patience(this.#call) : this.#call.timeout);
    return bytes;
  }

  #refusal(reply: Reply): Error {
    try {
      this.#session.accept(reply, this.#plan.command);
    } catch (refusal) {
      return refusal as Error;
    }
    throw new Error("unreachable");
  }

  #watch(timeout: number): void {
    this.#allowed = timeout;
    this.#silence.start(timeout);
  }

  #onSilence(): void {
    const { host, port } = this.#session.options;
    const details = { phase: "data" as const, protocol: "ftp" as const, server: `${host}:${port}` };
    const message = `no byte and no reply from ${host}:${port} within ${this.#allowed} ms of "${this.#plan.command}"`;
    this.#stop(new TimeoutError(message, { ...details, advice: "timeouts.idle can be raised" }));
  }

  /** Something failed: bring the connection in order, or close it. Gives the error to throw. */
  async #failed(error: unknown): Promise<unknown> {
    const { line } = this.#session;
    const broke = !(error instanceof PolywireError) || error instanceof TlsError || error instanceof ReplyError;
    if (line.closed || broke || error instanceof TimeoutError) this.#link?.destroy(true);
    if (line.closed) return error instanceof PolywireError ? error : line.closed;
    if (this.#given === undefined && this.#reply === undefined) {
      if (error instanceof TimeoutError) return line.fail(error);
      // A data connection that broke as a rule has its reason on the control connection: wait for that.
      if (broke) await Promise.race([this.#final, after(SETTLE)]).catch(() => {});
    }
    // The connection is in order where the final reply is there, and nobody has begun to give up meanwhile.
    if (!(await this.#giveUp())) {
      const reason = error instanceof PolywireError ? error : dataError(this.#session, "the transfer broke", error);
      const closed = line.fail(reason);
      if (!(error instanceof AbortedError || error instanceof SinkError)) return closed;
      // How the connection ended matters less than why it had to.
      error.clientUsable = false;
      return error;
    }
    return this.#inOrder(error);
  }

  /** The bytes that are wanted have come: gives up the others. */
  async #leave(): Promise<void> {
    if (await this.#giveUp()) return;
    throw this.#session.line.fail(dataError(this.#session, `"${this.#plan.command}" could not be broken off`));
  }

  /** The error as it is thrown where the client stays usable: the server's own reason where it gave one. */
  #inOrder(error: unknown): unknown {
    const reply = this.#reply;
    const ours = [SinkError, AbortedError, ReplyError, ProtocolError].some((each) => error instanceof each);
    if (reply !== undefined && !reply.ok && !ours) return this.#refusal(reply);
    if (error instanceof PolywireError) {
      error.clientUsable = true;
      return error;
    }
    const broke = dataError(this.#session, `the data connection of "${this.#plan.command}" broke`, error);
    broke.clientUsable = true;
    return broke;
  }

  /**
   * The rest of a listing, unread, would cost the connection: Pure-FTPd begins the next listing with it; ProFTPD, under
   * TLS, and inetutils end the session. Gives false where its end takes too long.
   */
  async #readOn(): Promise<boolean> {
    // One that was given up before its data connection was there is not to be waited for in vain.
    this.#data ??= this.#link?.socket.then((socket) => protect(this.#session, socket));
    this.#data?.then(discard, () => {});
    await Promise.race([this.#final, after(SETTLE)]).catch(() => {});
    return this.#reply !== undefined;
  }

  /**
   * ABOR, and a PWD behind it as a fence: servers answer an aborted transfer with one, two or three replies, but only
   * PWD with 257. Gives true where the fence came, so that replies can be told apart again.
   */
  #giveUp(): Promise<boolean> {
    this.#given ??= (async () => {
      const { line } = this.#session;
      if (this.#final === undefined || this.#reply !== undefined || line.closed) return !line.closed;
      if (this.#plan.listing) return this.#readOn();
      // A NOOP within the fence would lose its reply.
      clearInterval(this.#noop);
      const fenced = line.fence("ABOR", "PWD", "257", SETTLE, this.#at);
      void this.#cut();
      return fenced;
    })();
    return this.#given;
  }

  /**
   * True where the server is given time to hear ABOR: ProFTPD ends the session where TLS breaks while it writes. (vsftpd
   * bears a NOOP because it hears nothing meanwhile.)
   */
  get #mayHear(): boolean {
    return !this.#plan.sends && this.#session.protectedData && !this.#session.toleratesNoop;
  }

  /**
   * Breaks the data connection, once the server has it: none hears ABOR before, ProFTPD waits for ever for one that was
   * reset before it was taken, and vsftpd and Pure-FTPd end the session where the TLS handshake breaks.
   */
  async #cut(): Promise<void> {
    const socket = await this.#link?.socket.catch(() => undefined);
    if (socket === undefined) return;
    await Promise.race([this.#begun, after(BEGIN)]);
    this.#data ??= protect(this.#session, socket);
    const data = await this.#data.catch(() => undefined);
    data?.on("error", () => {});
    // The last word of the handshake has not left yet.
    await new Promise((resolve) => setImmediate(resolve));
    if (data && this.#mayHear) {
      discard(data);
      await Promise.race([this.#final, after(BEGIN)]).catch(() => {});
    }
    this.#link?.destroy(true);
  }
}

/** Reads what comes, and closes our side behind it. */
function discard(socket: Socket): void {
  socket.removeAllListeners("data").on("data", () => {});
  socket.on("error", () => {}).on("end", () => socket.destroy());
  socket.resume();
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
