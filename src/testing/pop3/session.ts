/** One client's conversation: its state, its replies and their bodies, and which commands it may give. */
import type { Socket } from "node:net";
import { ByteChannel } from "../byte-channel.js";
import { isOn, strikes } from "../command-faults.js";
import { Conversation } from "../conversation.js";
import type { Hall } from "../memory-server.js";
import { upTo, withoutCr } from "./body.js";
import { COMMANDS } from "./commands/index.js";
import type { Faults } from "./faults.js";
import type { Pop3Maildrop } from "./maildrop.js";
import type { Source } from "./message.js";
import type { ResolvedPop3ServerOptions } from "./options.js";
import { Refused } from "./reply.js";

/** What all sessions of a server share. */
export interface Shared extends Hall<Session> {
  readonly options: ResolvedPop3ServerOptions;
  readonly maildrops: ReadonlyMap<string, Pop3Maildrop>;
  readonly faults: Faults;
}

/** What a client has said so far; STLS makes it anew. */
export class SessionState {
  /** The name of USER, while PASS is awaited. */
  naming: string | undefined;
  utf8 = false;
  language: string | undefined;
}

/** What a client has from its login on. */
export interface Held {
  readonly user: string;
  readonly maildrop: Pop3Maildrop;
  readonly messages: readonly Source[];
  readonly deleted: Set<Source>;
}

const TERMINATOR = ".\r\n";
let greeted = 0;

export class Session extends Conversation<ByteChannel, Shared> {
  state = new SessionState();
  /** Set by a login; the TRANSACTION state of RFC 1939. */
  held: Held | undefined;
  /** What APOP hashes with the password. */
  readonly timestamp: string;

  constructor(socket: Socket, shared: Shared) {
    super(new ByteChannel(socket, shared.faults, shared.count), shared);
    greeted += 1;
    this.timestamp = `<${process.pid}.${greeted}.${Date.now()}@${shared.options.hostname}>`;
    socket.once("close", () => this.close());
  }

  protected override greet(isOneTooMany: boolean): void {
    const { options } = this.shared;
    if (isOneTooMany) this.hangUp("Too many connections, try again later");
    else this.ok(options.features.apop ? `${options.greeting} ${this.timestamp}` : options.greeting);
  }

  protected override goAway(): void {
    this.hangUp("Going away, come back later");
  }

  protected override asksForMore(reply: string): boolean {
    return reply.startsWith("+ ");
  }

  /** Gives a reply as it is, but for the faults of lines. */
  override send(text: string): void {
    super.send(this.shared.faults.loneLf ? text.replaceAll("\r\n", "\n") : text);
  }

  ok(text: string): void {
    this.#status(`+OK ${text}`);
  }

  no(text: string, code?: string): void {
    const { respCodes, authRespCode } = this.shared.options.features;
    const shown = code !== undefined && (code === "AUTH" ? authRespCode : respCodes);
    this.#status(shown ? `-ERR [${code}] ${text}` : `-ERR ${text}`);
  }

  /** Answers with an error and ends the connection. */
  hangUp(text: string): void {
    this.no(text, "SYS/TEMP");
    this.finish();
  }

  /** Gives a reply with a body: pieces of whole lines, dots doubled. The final dot is put behind them. */
  async body(text: string, pieces: Iterable<Buffer>): Promise<void> {
    const { faults } = this.shared;
    this.ok(text);
    if (this.closed) return;
    const cut = strikes(faults.cutBody, this.current) ? faults.cutBody : undefined;
    const bytes = cut ? upTo(pieces, cut.at) : pieces;
    if (faults.splitTerminator && !cut) return this.#inParts(bytes);
    for (const piece of faults.loneLf ? withoutCr(bytes) : bytes) {
      this.channel.put(piece);
      if (this.channel.urgent) await this.channel.drain();
      if (this.channel.dead) return;
    }
    if (cut) return this.cut();
    this.send(this.#terminator());
  }

  /** Drops the connection; what was marked stays (RFC 1939 6). */
  override close(): void {
    this.release();
    super.close();
  }

  /** Gives the maildrop back. */
  release(): void {
    if (this.held) this.held.maildrop.locked = false;
    this.held = undefined;
  }

  protected override dispatch(line: string): Promise<void> | undefined {
    const done = super.dispatch(line);
    if (this.shared.options.features.early === "done") return done;
    if (done) return done.then(() => this.#early());
    this.#early();
    return undefined;
  }

  protected override perform(line: string): Promise<void> | undefined {
    try {
      const blank = line.indexOf(" ");
      const verb = (blank === -1 ? line : line.slice(0, blank)).toUpperCase();
      const command = this.shared.options.disabled.includes(verb) ? undefined : COMMANDS[verb];
      if (!command?.enabled(this.shared.options)) throw new Refused("Unknown command");
      if (command.state === "authorization" && this.held) throw new Refused("You are logged in already");
      if (command.state === "transaction" && !this.held) throw new Refused("Log in first");
      const rest = blank === -1 ? "" : line.slice(blank + 1);
      return command.run(this, rest)?.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  #refuse(error: unknown): void {
    if (error instanceof Refused) this.no(error.message, error.code);
    else this.no(`Internal fault: ${error instanceof Error ? error.message : String(error)}`, "SYS/PERM");
  }

  #status(line: string): void {
    this.send(`${line.padEnd(this.shared.faults.longReply ?? 0, ".")}\r\n`);
  }

  /** What has come before the answer left. */
  #early(): void {
    const { channel, shared } = this;
    if (shared.options.features.early === "dropped") channel.skip(channel.waiting.length);
    while (channel.lineHere() !== undefined) this.no("Wait for your answer");
  }

  /** The final dot, twice where a fault says so. */
  #terminator(): string {
    return isOn(this.shared.faults, "duplicateTerminator") ? TERMINATOR + TERMINATOR : TERMINATOR;
  }

  /** A body whose end comes in several segments. */
  async #inParts(pieces: Iterable<Buffer>): Promise<void> {
    const { splitTerminator, loneLf } = this.shared.faults;
    const asSent = (bytes: Iterable<Buffer>) => Buffer.concat([...(loneLf ? withoutCr(bytes) : bytes)]);
    const terminator = this.#terminator();
    const bytes = asSent([...pieces, Buffer.from(terminator)]);
    // The line end before the (first) dot belongs to it.
    const length = asSent([Buffer.from(`\r\n${terminator}`)]).length;
    const end = Math.max(0, bytes.length - length);
    const cuts = typeof splitTerminator === "number" ? [splitTerminator] : Array.from({ length }, (_, at) => at);
    let from = 0;
    for (const cut of cuts) {
      this.channel.put(bytes.subarray(from, end + cut));
      await this.channel.part();
      from = end + cut;
    }
    this.channel.put(bytes.subarray(from));
  }
}
