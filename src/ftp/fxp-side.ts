/** One of the two servers of an FXP transfer: its commands, what it says, and its connection in order again behind a failure. */
import type { Socket } from "node:net";
import type { Call, Reply } from "../client/session.js";
import { dial } from "../net/dial.js";
import { hangUp, protect } from "./data.js";
import type { FxpRole, Listening } from "./fxp-way.js";
import type { FtpSession } from "./session.js";

/** Milliseconds for a server to settle a transfer that was given up. */
const SETTLE = 5_000;
/** Milliseconds in which a side ends of itself, when the data connection has ended. */
const ALONG = 2_000;
/** Milliseconds for a server to take the data connection by which its transfer is ended. */
const BEGIN = 1_000;
/** Longer than any transfer: who waits for both sides decides. */
const NEVER = 2 ** 31 - 1;

/** Its transfer command, and where the other side listens once that is known. */
export class FxpSide {
  readonly role: FxpRole;
  readonly session: FtpSession;
  readonly call: Call;
  /** `RETR name` or `STOR name`. */
  readonly command: string;
  /** Before the data: the server has the data connection, or waits for it. */
  preliminary: Reply | undefined;
  /** The final reply. */
  reply: Reply | undefined;
  /** Where it listens, where it does. */
  listening: Listening | undefined;
  /** Called when one of these has changed, or the connection is over. */
  onChange = () => {};
  readonly #watchers = new Set<() => void>();
  #final: Promise<unknown> | undefined;
  /** The number of the transfer command: see `LineSession.asked`. */
  #at = 0;
  #given: Promise<boolean> | undefined;
  #noop: NodeJS.Timeout | undefined;

  constructor(role: FxpRole, session: FtpSession, command: string, call: Call) {
    this.role = role;
    this.session = session;
    this.command = command;
    this.call = call;
  }

  /** True where the transfer command was sent. */
  get asked(): boolean {
    return this.#final !== undefined;
  }

  get begun(): boolean {
    return this.preliminary !== undefined || this.reply !== undefined;
  }

  /** What messages call it. */
  get shown(): string {
    const { host, port } = this.session.options;
    return `the ${this.role} ${host}:${port}`;
  }

  /** Sends commands, and with `begins` the transfer command in the same write. Gives the replies to the first. */
  ask(commands: readonly string[], { begins = false } = {}): Promise<Reply[]> {
    const replies = this.session.pack(commands, { timeout: this.call.timeout });
    if (begins) this.begin();
    return replies;
  }

  begin(): void {
    const { line, settings, toleratesNoop } = this.session;
    const preliminary = (reply: Reply) => {
      this.preliminary ??= reply;
      this.#tell();
    };
    this.#final = line.send(this.command, { timeout: NEVER, preliminary }).then(
      (reply) => {
        this.reply = reply;
        this.#rest();
      },
      () => this.#rest(),
    );
    this.#at = line.asked;
    if (settings.transferNoop === 0 || !toleratesNoop) return;
    const noop = () => line.send("NOOP", { timeout: this.call.timeout }).catch(() => {});
    this.#noop = setInterval(noop, settings.transferNoop).unref();
  }

  #rest(): void {
    clearInterval(this.#noop);
    this.#tell();
  }

  /** Resolves when it is so, the connection is over, or after so many milliseconds. */
  when(isSo: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo() && this.session.line.closed === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        resolve();
      }, ms);
      this.#watchers.add(look);
      look();
    });
  }

  #tell(): void {
    this.onChange();
    for (const look of [...this.#watchers]) look();
  }

  /**
   * Ends what was begun. Gives true where the connection is in order: replies can be told apart, and the server waits for
   * nothing. `hurry`: the other side does not end it.
   */
  giveUp(hurry: boolean): Promise<boolean> {
    this.#given ??= this.#end(hurry);
    return this.#given;
  }

  /**
   * As a rule the end of the data connection is the end of it all. ABOR, and the fence behind it, are for the rest: a server
   * that waits for its data connection does not hear it, or (pyftpdlib) keeps the command for the next connection.
   */
  async #end(hurry: boolean): Promise<boolean> {
    const { line } = this.session;
    clearInterval(this.#noop);
    if (!this.asked) return !line.closed;
    const isOver = () => this.reply !== undefined;
    const released = !isOver() && (await this.#release().catch(() => false));
    if (released || !hurry) await this.when(isOver, ALONG);
    if (isOver() || line.closed) return !line.closed;
    return line.fence("ABOR", "PWD", "257", SETTLE, this.#at);
  }

  /**
   * Connects to a server that may wait for its data connection, and hangs up: only behind its 150, for ProFTPD waits for
   * ever for one that was reset before it was taken. Gives false where it does not wait.
   */
  async #release(): Promise<boolean> {
    if (this.listening === undefined) return false;
    const { session } = this;
    const socket = await dial(session.options, this.listening, { timeout: SETTLE });
    socket.on("error", () => {});
    await this.when(() => this.begun, BEGIN);
    // vsftpd and Pure-FTPd end the session where the TLS handshake breaks.
    const data: Socket = await Promise.race([protect(session, socket), after(BEGIN)])
      .then((made) => made ?? socket)
      .catch(() => socket);
    data.on("error", () => {});
    await new Promise((resolve) => setImmediate(resolve));
    // Pure-FTPd does not notice a reset.
    hangUp(socket, this.role === "source");
    return true;
  }
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
