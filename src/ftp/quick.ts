/**
 * A transfer of a file that is held in memory, in three round trips: the command goes out in one write with EPSV, the data
 * connection is dialled when EPSV is answered, and nothing is said until the final reply is there (RFC 959, 2428).
 */
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { type PolywireError, TimeoutError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import { type DataLink, dataError, hangUp, isNotSo, refused, target } from "./data.js";
import { commonRoom } from "./room.js";
import type { FtpSession } from "./session.js";
import type { TransferPlan, Transferred } from "./transfer.js";

/** Longer than any transfer: what is silent is found out by the transfer itself. */
const NEVER = 2 ** 31 - 1;

const NOBODY = () => {};

/** True where the transfer can go that way. What the server is not known to bear, or needs more than a socket, cannot. */
export function isQuick(session: FtpSession, { whole, type, offset }: TransferPlan): boolean {
  const { dataCommand, settings, options } = session;
  const passive = dataCommand === "EPSV" || dataCommand === "PASV";
  if (whole === undefined || !passive || !session.packs || session.type !== type || offset) return false;
  return !session.protectedData && options.proxy === undefined && settings.transferNoop === 0;
}

export class Quick {
  /** The final reply, when it has come. */
  reply: Reply | undefined;
  /** The reply before the data: the server has the data connection, or wants none. */
  preliminary: Reply | undefined;
  /** True where the data connection was refused, or the command because of it. */
  unagreed = false;
  /** The number of the transfer command: see `LineSession.asked`. */
  at = 0;
  readonly #session: FtpSession;
  readonly #plan: TransferPlan;
  readonly #call: Call;
  readonly #watched: (() => void)[] = [];
  #resolve: (done: Transferred) => void = () => {};
  #reject: (reason: Error) => void = () => {};
  #socket: Socket | undefined;
  /** Of EPSV or PASV. */
  #refusal: Reply | undefined;
  #replies = 0;
  #bytes = 0;
  #moved = false;
  #over = false;
  /** True where no data connection is wanted any more. */
  #given = false;
  /** True where the next call may have begun: only the final reply is still to come. */
  #released = false;
  readonly #onSilence = () => this.stop(this.#tooLong());

  constructor(session: FtpSession, plan: TransferPlan, call: Call) {
    this.#session = session;
    this.#plan = plan;
    this.#call = call;
  }

  run(): Promise<Transferred> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const { line, silence, dataCommand } = this.#session;
      line.exchange([dataCommand as string, this.#plan.command], [], {
        replies: 2,
        timeout: this.#call.timeout,
        lastTimeout: NEVER,
        preliminary: (reply) => {
          // Not one to EPSV: what the server has then is no data connection.
          if (!this.agreed) return;
          this.preliminary ??= reply;
          this.#tell();
          silence.touch();
        },
        take: (reply) => this.#onReply(reply),
        fail: (error) => {
          this.stop(error);
          this.#tell();
        },
      });
      this.at = line.asked;
    });
  }

  /** Ends the wait for the transfer. */
  stop(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#rest();
    this.#reject(reason);
  }

  /** The data connection that is agreed on with the server, or will be, for whoever brings it in order. */
  link(): DataLink {
    const destroy = (reset?: boolean) => {
      this.#given = true;
      if (this.#socket) hangUp(this.#socket, reset);
    };
    return { socket: this.when(() => this.agreed).then(() => connected(this.#socket)), destroy };
  }

  /** Resolves when `seen()` is true: it is asked again behind each reply, and when the connection is over. */
  when(seen: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (seen() || this.#session.line.closed) resolve();
        else this.#watched.push(look);
      };
      look();
    });
  }

  /** True when the reply to EPSV has come. */
  get agreed(): boolean {
    return this.#replies > 0;
  }

  #tell(): void {
    if (this.#watched.length > 0) for (const look of this.#watched.splice(0)) look();
  }

  #onReply(reply: Reply): void {
    if (++this.#replies === 1) this.#onAgreed(reply);
    else this.#onFinal(reply);
    this.#tell();
  }

  #onAgreed(reply: Reply): void {
    const command = this.#session.dataCommand as "EPSV" | "PASV";
    if (!reply.ok) {
      // The command went along with it: nothing is known before its reply, too.
      this.#refusal = reply;
      this.#watch(this.#call.timeout);
      return;
    }
    if (this.#given) return;
    // Even where nobody waits any more: the server is best stopped behind its beginning.
    try {
      this.#dial(target(this.#session, command, reply));
    } catch (error) {
      this.stop(error as PolywireError);
    }
  }

  #onFinal(reply: Reply): void {
    this.reply = reply;
    this.#session.silence.touch();
    const { dataCommand } = this.#session;
    const [no, command] = this.#refusal ? [this.#refusal, dataCommand as string] : [reply, this.#plan.command];
    if (no.ok) {
      this.#end();
      return;
    }
    this.unagreed = !this.#released && isNotSo(no.code, no.text);
    this.#socket?.destroy();
    this.stop(refused(this.#session, no, command));
  }

  #dial(to: { host: string; port: number }): void {
    const { options } = this.#session;
    this.#watch(options.timeouts.connect);
    const { sends } = this.#plan;
    const callback = (length: number, chunk: Uint8Array) => this.#take(length, chunk);
    const onread = sends ? undefined : { buffer: commonRoom(), callback };
    const { localAddress } = options;
    // Always the same fields: Node looks at many.
    const socket = connect({ host: to.host, port: to.port, localAddress, onread } as TcpNetConnectOpts);
    this.#socket = socket;
    // Nothing comes this way; whether the server took it all, its reply says.
    if (sends) socket.pause();
    socket.on("error", (error) => this.#lost(to.port, error));
    socket.on("close", () => this.#lost(to.port));
    socket.on("connect", () => this.#onConnect(socket));
    if (!sends) socket.on("end", () => this.#onEnd(socket));
  }

  #onConnect(socket: Socket): void {
    this.#watch(this.#session.patience(this.#call));
    const bytes = this.#plan.whole?.bytes;
    if (bytes === undefined || this.#over) return;
    this.#bytes = bytes.length;
    if (bytes.length > 0) socket.write(bytes);
    // What the system has taken whole, it sends whole: closing says the rest, and saves two calls of it.
    if (socket.writableLength === 0) this.#onEnd(socket);
    else socket.end(() => this.#onEnd(socket));
  }

  #take(length: number, chunk: Uint8Array): boolean {
    const { line, silence } = this.#session;
    line.touch();
    silence.touch();
    this.#bytes += length;
    try {
      if (!this.#over) this.#plan.whole?.take?.(Buffer.from(chunk.subarray(0, length)));
    } catch (error) {
      this.stop(error as Error);
    }
    return true;
  }

  /** All bytes are over. ProFTPD says 226 only when our side is closed too. */
  #onEnd(socket: Socket): void {
    this.#moved = true;
    socket.destroy();
    if (this.#over) return;
    this.#watch(this.#session.patience(this.#call));
    this.#end();
    if (!this.#over) this.#release();
  }

  /**
   * A server that bears commands in the middle of a transfer is given the next ones while it still sees that all bytes
   * have arrived: one round trip less. From now on there is nothing to be broken off.
   */
  #release(): void {
    const { release } = this.#call;
    if (release === undefined || !this.#session.toleratesNoop) return;
    this.#released = true;
    this.#call.cancel = () => Promise.resolve(true);
    release();
  }

  /** The watch is this transfer's when its turn has come, which is not before what was sent earlier has its replies. */
  #watch(timeout: number): void {
    if (this.#over) return;
    this.#session.onSilence = this.#onSilence;
    this.#session.silence.start(timeout);
  }

  /** One that is stopped before its turn leaves the watch to the transfer that has it. */
  #rest(): void {
    const session = this.#session;
    if (session.onSilence !== this.#onSilence) return;
    session.silence.rest();
    // Whoever was told last would be held, and the bytes of a file with it.
    session.onSilence = NOBODY;
  }

  /** Each connection closes: an error is made, with its stack, only where that is one. */
  #lost(port: number, failure?: Error): void {
    if (this.#moved || this.#over) return;
    const error = failure ?? new Error("the data connection closed before its end");
    const connected = this.#socket?.connecting === false;
    this.stop(connected ? error : dataError(this.#session, `no data connection to port ${port}`, error));
  }

  #end(): void {
    if (!this.#moved || this.reply === undefined || this.#over) return;
    this.#over = true;
    this.#rest();
    this.#resolve({ bytes: this.#bytes, reply: this.reply, preliminary: this.preliminary });
  }

  /** Silence: of the port that EPSV named, which is no fault of the control connection, or of the server. */
  #tooLong(): PolywireError {
    const { host, port, timeouts } = this.#session.options;
    if (this.#socket?.connecting) return dataError(this.#session, `no data connection within ${timeouts.connect} ms`);
    // Not even a word of the command: it may have been lost on the one before it.
    if (this.#socket && this.preliminary === undefined) this.#session.serial = true;
    const details = { phase: "data" as const, protocol: "ftp" as const, server: `${host}:${port}` };
    const message = `no byte and no reply from ${host}:${port} in time of "${this.#plan.command}"`;
    return new TimeoutError(message, { ...details, advice: "timeouts.idle can be raised" });
  }
}

/** Resolves where the socket is connected, or will be. */
function connected(socket: Socket | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (socket === undefined || socket.destroyed) reject(new Error("there is no data connection"));
    else if (!socket.connecting) resolve(socket);
    else socket.on("connect", () => resolve(socket)).on("close", reject);
  });
}
