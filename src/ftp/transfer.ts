/** One transfer: type, data connection, command, bytes, and the server's final word (RFC 959 §5.4). */
import type { Socket } from "node:net";
import type { Call, Reply } from "../client/session.js";
import { encodeLine } from "../wire/text.js";
import { isQuick, Quick } from "./quick.js";
import type { FtpSession } from "./session.js";
import { Stepwise } from "./stepwise.js";

/** What a transfer is asked for. */
export interface TransferPlan {
  /** `RETR name`, `MLSD`, `STOR name` … */
  readonly command: string;
  /** The representation type: `I` image, byte for byte; `A` text with CR LF on the wire. */
  readonly type: "A" | "I";
  /** Where to begin, in bytes (REST, RFC 3659 §5). Default: 0. */
  readonly offset?: number | undefined;
  /** Moves the bytes. It ends its side of the socket, and says whose turn it is. */
  run(socket: Socket, turn: Turn): Promise<number>;
  /** True where `run` has left before the end of the data: the rest is given up, and what is said of it does not count. */
  leaves?: (() => boolean) | undefined;
  /** True for uploads: the data connection must not end by itself where something fails. */
  readonly sends: boolean;
  /** Where what comes is to be read into: see `NetCall`. */
  readonly room?: (() => Buffer) | undefined;
  /** True for LIST, NLST and MLSD, which are not broken off, but read to their end. */
  readonly listing?: boolean | undefined;
  /** Given where all of it is held in memory: what it is, or who takes it. It goes the quick way then, if it can. */
  readonly whole?: Whole | undefined;
}

/** A body in memory. */
export interface Whole {
  /** What is sent. */
  readonly bytes?: Uint8Array | undefined;
  /** Is given what comes, to keep. What it throws ends the transfer. */
  take?(chunk: Buffer): void;
}

/** Whose turn it is in a transfer: only the server's silence counts. */
export interface Turn {
  /** Bytes moved, and the next ones are the server's. */
  server(): void;
  /** Our own side is slow: a sink, a source, the body of a loop. */
  ours(): void;
}

/** What came of a transfer. */
export interface Transferred {
  /** Bytes that went over the data connection. */
  readonly bytes: number;
  /** The server's final reply: `226 Transfer complete`. */
  readonly reply: Reply;
  /** The reply before the data: `150 Opening BINARY mode data connection`. */
  readonly preliminary: Reply | undefined;
}

/**
 * Runs a transfer. It succeeds only when the data connection ended in order and the server's final reply agrees.
 * Where it fails, the connection is brought in order again, or closed where that does not work.
 */
export async function transfer(session: FtpSession, plan: TransferPlan, call: Call): Promise<Transferred> {
  // Nothing is sent, and no data connection made, for a command that cannot be sent.
  encodeLine(plan.command);
  const quick = isQuick(session, plan) ? new Quick(session, plan, call) : undefined;
  const running = new Running(session, plan, call, quick);
  try {
    return await running.run();
  } catch (error) {
    if (!running.unagreed || session.line.closed) throw error;
  }
  return apart(session, plan, call);
}

/** Once more, one command after the other, where that is what the server wants: it is asked no other way from now on. */
async function apart(session: FtpSession, plan: TransferPlan, call: Call): Promise<Transferred> {
  const { dataCommand } = session;
  session.packs = false;
  session.dataCommand = undefined;
  try {
    const done = await new Running(session, plan, call).run();
    // The other command may be taken together with a transfer.
    if (session.dataCommand !== dataCommand) session.packs = true;
    return done;
  } catch (error) {
    // It is refused either way.
    session.packs = true;
    throw error;
  }
}

/** A transfer as a call: what goes the quick way needs the rest only where it fails, or is cancelled. */
class Running {
  readonly #make: () => Stepwise;
  readonly #call: Call;
  readonly #quick: Quick | undefined;
  #transfer: Stepwise | undefined;

  constructor(session: FtpSession, plan: TransferPlan, call: Call, quick?: Quick) {
    this.#make = () => new Stepwise(session, plan, call, quick);
    this.#call = call;
    this.#quick = quick;
    if (quick === undefined) this.#transfer = this.#make();
  }

  /** True where nothing was moved because the data connection, or the command behind it, was refused. */
  get unagreed(): boolean {
    return this.#transfer?.unagreed ?? false;
  }

  async run(): Promise<Transferred> {
    this.#call.cancel = (reason) => {
      this.#quick?.stop(reason);
      return this.#whole.cancel(reason);
    };
    try {
      return await (this.#quick ?? this.#whole).run();
    } catch (error) {
      throw this.#quick ? await this.#whole.takeOver(error) : error;
    } finally {
      this.#call.cancel = undefined;
    }
  }

  get #whole(): Stepwise {
    this.#transfer ??= this.#make();
    return this.#transfer;
  }
}
