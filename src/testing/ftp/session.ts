/** One client's conversation: its state, the order of its commands, and what the faults make of it. */
import type { Socket } from "node:net";
import { matchesCommand, replacedReply, strikes } from "../command-faults.js";
import type { Hall } from "../memory-server.js";
import { COMMANDS } from "./commands/index.js";
import { Control } from "./control.js";
import { DataPort } from "./data.js";
import type { Faults } from "./faults.js";
import type { ResolvedFtpServerOptions } from "./options.js";
import { encodeReply, Refused } from "./reply.js";
import { FACTS, type Fact } from "./rows.js";
import { type FtpTree, segmentsOf } from "./tree.js";

/** What all sessions of a server share. */
export interface Shared extends Hall<Session> {
  readonly options: ResolvedFtpServerOptions;
  readonly tree: FtpTree;
  readonly faults: Faults;
}

/** What a client has said so far; REIN and AUTH TLS make it anew. */
export class SessionState {
  user: string | undefined;
  /** Which step of the login comes next; `in` is logged in. */
  login: "user" | "pass" | "acct" | "in" = "user";
  directory: string;
  type: "A" | "I" = "A";
  renameFrom: string | undefined;
  restartAt = 0;
  range: { start: number; end: number } | undefined;
  hash = "SHA-256";
  facts: ReadonlySet<Fact> = new Set(FACTS);
  epsvOnly = false;
  protection: "C" | "P" = "C";
  pbsz = false;

  constructor(home: string) {
    this.directory = home;
  }
}

/** Commands that ProFTPD answers with 450 while a transfer runs; RNTO waits, and then gets its 503. */
const BUSY = new Set("APPE LIST MLSD NLST RETR STOR STOU RNFR PORT EPRT PASV EPSV CPSV".split(" "));
const UPLOADS = new Set(["STOR", "APPE", "STOU"]);
const MOST_WAITING = 10_000;

export class Session {
  readonly shared: Shared;
  readonly control: Control;
  readonly data = new DataPort();
  state: SessionState;
  /** The data connection in use, with the verb that uses it. */
  transfer: { verb: string; socket: Socket | undefined; aborted: boolean } | undefined;
  readonly #queue: string[] = [];
  #running = false;
  #closed = false;
  #commands = 0;
  #current = "";

  constructor(socket: Socket, shared: Shared) {
    this.shared = shared;
    this.state = new SessionState(shared.options.home);
    this.control = new Control(socket, shared.faults, shared.count, {
      line: (line) => this.#arrived(line),
      closed: () => this.close(),
    });
  }

  /** Greets, or refuses. */
  run(): void {
    const { options, faults, sessions } = this.shared;
    this.control.start(options.tls === "implicit" ? this.shared.secureContext : undefined);
    const refused = typeof faults.greeting421 === "number" ? faults.greeting421-- > 0 : faults.greeting421;
    if (refused || sessions.size > (options.limits.maxClients ?? Number.POSITIVE_INFINITY)) {
      this.hangUp(421, "Too many connections, try again later.");
    } else void this.reply(220, options.greeting);
  }

  /** Sends a reply; text with line feeds becomes a reply of several lines. Wait for it only before data moves. */
  reply(code: string | number, text: string): Promise<void> | undefined {
    return this.send(encodeReply(code, text));
  }

  /** Sends whole lines as they are; a text that begins with 1 is preliminary. */
  send(text: string): Promise<void> | undefined {
    if (this.#closed) return undefined;
    const { faults } = this.shared;
    const final = !text.startsWith("1") && this.#current !== "";
    if (final && strikes(faults.loseReply, this.#current)) {
      this.#end();
      return undefined;
    }
    const sent = this.control.send(text);
    if (final && strikes(faults.closeAfterCommand, this.#current)) this.#end();
    return sent;
  }

  /** Goes on over TLS, as a new client (RFC 4217 4.1), after everything sent so far. */
  secure(): void {
    if (this.#closed) return;
    this.#queue.length = 0;
    this.state = new SessionState(this.shared.options.home);
    this.control.upgrade(this.shared.secureContext);
  }

  /** Answers and ends the connection. */
  hangUp(code: number, text: string): void {
    void this.reply(code, text);
    this.#end();
  }

  /** An absolute path, from what a client wrote. */
  resolve(path: string): string {
    return `/${segmentsOf(path.startsWith("/") ? path : `${this.state.directory}/${path}`).join("/")}`;
  }

  /** Drops the connection and everything that belongs to it. */
  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.shared.sessions.delete(this);
    this.data.destroy();
    this.control.destroy();
  }

  /** Ends the connection behind the replies given so far. */
  #end(): void {
    this.#closed = true;
    void this.control.end();
  }

  #arrived(line: string): void {
    if (this.#closed) return;
    const verb = verbOf(line);
    const transfer = this.transfer;
    if (transfer && verb === "ABOR") {
      this.#take(line);
      transfer.aborted = true;
      if (transfer.socket) transfer.socket.destroy();
      else this.data.close();
      return;
    }
    if (transfer && this.shared.faults.prematureReplies && UPLOADS.has(transfer.verb) && verb !== "RNTO") {
      this.#take(line);
      if (BUSY.has(verb)) void this.reply(450, `${verb}: data transfer in progress`);
      else void this.#perform(line);
      return;
    }
    this.#queue.push(line);
    if (this.#queue.length === MOST_WAITING) this.control.pause();
    if (!this.#running) void this.#run();
  }

  /** Does one command after the other: the next begins when the one before has its final answer. */
  async #run(): Promise<void> {
    this.#running = true;
    for (let at = 0; at < this.#queue.length && !this.#closed; at++) {
      const line = this.#queue[at] as string;
      if (at === 1000) at -= this.#queue.splice(0, at).length;
      const done = this.#dispatch(line);
      if (done) await done;
    }
    this.#queue.length = 0;
    this.#running = false;
    if (!this.#closed) this.control.resume();
  }

  #take(line: string): void {
    this.#commands += 1;
    this.shared.log(line);
    this.shared.options.onCommand?.(line);
  }

  #dispatch(line: string): Promise<void> | undefined {
    const { faults } = this.shared;
    this.#take(line);
    if (this.#closed) return undefined;
    if (faults.idle421 !== undefined && this.#commands > faults.idle421) {
      this.hangUp(421, "Timeout: closing control connection.");
      return undefined;
    }
    if (faults.hang !== undefined && matchesCommand(faults.hang, line)) return new Promise(() => {});
    if (strikes(faults.closeBeforeCommand, line)) {
      this.#end();
      return undefined;
    }
    this.#current = line;
    const given = replacedReply(faults, line);
    return given === undefined ? this.#perform(line) : this.send(`${given.replace(/\r\n$/, "")}\r\n`);
  }

  #perform(line: string): Promise<void> | undefined {
    try {
      const verb = verbOf(line);
      const command = this.shared.options.disabled.includes(verb) ? undefined : COMMANDS[verb];
      if (!command?.enabled(this.shared.options)) throw new Refused(500, `${verb} not understood`);
      if (command.login && this.state.login !== "in") throw new Refused(530, "Please login with USER and PASS.");
      return command.run(this, line.slice(verb.length + 1))?.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      return this.#refuse(error);
    }
  }

  #refuse(error: unknown): Promise<void> | undefined {
    if (error instanceof Refused) return this.reply(error.code, error.message);
    return this.reply(451, `Local error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function verbOf(line: string): string {
  const blank = line.indexOf(" ");
  return (blank === -1 ? line : line.slice(0, blank)).toUpperCase();
}
