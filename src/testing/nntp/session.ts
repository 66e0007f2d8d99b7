/** One client's conversation: its state, one command after the other, and what the faults make of it. */
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { matchesCommand, replacedReply, strikes } from "../command-faults.js";
import { Channel } from "./channel.js";
import type { Command } from "./commands/command.js";
import { COMMANDS } from "./commands/index.js";
import { squeezed } from "./compress.js";
import { type Faults, isOn } from "./faults.js";
import type { NntpGroup } from "./group.js";
import type { NntpGroups } from "./groups.js";
import type { ResolvedNntpServerOptions } from "./options.js";
import { Refused } from "./reply.js";
import type { ByteCount } from "./wire.js";

/** What all sessions of a server share. */
export interface Shared {
  readonly options: ResolvedNntpServerOptions;
  readonly groups: NntpGroups;
  readonly faults: Faults;
  readonly secureContext: SecureContext;
  readonly count: ByteCount;
  readonly sessions: Set<Session>;
  log(line: string): void;
}

/** What a client has said so far; STARTTLS makes it anew. */
export class SessionState {
  /** The name of AUTHINFO USER, while PASS is awaited. */
  naming: string | undefined;
  /** Who has logged in. */
  user: string | undefined;
  group: NntpGroup | undefined;
  /** The current article's number. */
  number: number | undefined;
  /** MODE READER was said. */
  reader = false;
  /** XFEATURE COMPRESS GZIP was said; with TERMINATOR or without. */
  gzip: "no" | "plain" | "terminator" = "no";
}

const LONGEST_LINE = 8192;

export class Session {
  readonly shared: Shared;
  readonly channel: Channel;
  state = new SessionState();
  #closed = false;
  #commands = 0;
  #current = "";
  /** The `loginAgainAfter` fault has struck. */
  #forgotten = false;

  constructor(socket: Socket, shared: Shared) {
    this.shared = shared;
    this.channel = new Channel(socket, shared.faults, shared.count);
    socket.once("close", () => this.close());
  }

  /** Greets, or refuses; then does one command after the other until one side goes. */
  async run(): Promise<void> {
    const { options, faults, sessions } = this.shared;
    this.channel.start(options.tls === "implicit" ? this.shared.secureContext : undefined);
    if (isOn(faults, "tooManyConnections") || sessions.size > options.limits.connections) {
      this.hangUp(502, "Too many connections, try again later");
    } else this.reply(options.features.post ? 200 : 201, options.greeting);
    while (!this.#closed) {
      const line = this.channel.lineHere() ?? (await this.#nextLine());
      if (line === undefined) break;
      const done = this.#dispatch(line);
      if (done) await done;
      if (this.channel.urgent) await this.channel.flush();
    }
    this.shared.sessions.delete(this);
    await this.channel.end();
  }

  /** Gives a reply of one line. */
  reply(code: number | string, text: string): void {
    this.send(`${code} ${text}\r\n`);
  }

  /** Gives a reply as it is. */
  send(text: string): void {
    if (this.#closed) return;
    if (!text.startsWith("3") && strikes(this.shared.faults.loseReply, this.#current)) this.#closed = true;
    else this.channel.put(text);
  }

  /** Gives a reply with a body: pieces of whole lines, dots doubled. The final dot is put behind them. */
  async body(code: number, text: string, pieces: Iterable<Buffer | string>): Promise<void> {
    const { features } = this.shared.options;
    const { gzip } = this.state;
    if (gzip !== "no" && SQUEEZED.has(code)) {
      const packed = squeezed(features.gzipFormat, pieces, features.compressedDot);
      const dot = features.gzipTerminator === "asked" ? gzip === "terminator" : features.gzipTerminator === "always";
      return this.pieces(`${code} ${text} [COMPRESS=GZIP]\r\n`, packed, dot ? ".\r\n" : "");
    }
    return this.pieces(`${code} ${text}\r\n`, pieces, ".\r\n");
  }

  /** Gives a long reply: its first line, pieces as they are, its end. */
  async pieces(
    first: string,
    pieces: Iterable<Buffer | string> | AsyncIterable<Buffer | string>,
    end: string,
  ): Promise<void> {
    this.send(first);
    if (this.#closed) return;
    for await (const piece of pieces) {
      if (this.#closed || this.channel.dead) return;
      if (typeof piece !== "string") await this.channel.write(piece);
      else if (this.channel.urgent) await this.channel.write(piece);
      else this.channel.put(piece);
    }
    this.channel.put(end);
  }

  /** Answers and ends the connection. */
  hangUp(code: number, text: string): void {
    this.reply(code, text);
    this.#closed = true;
  }

  /** Sends what was put, and cuts the connection. */
  async cut(): Promise<void> {
    await this.channel.flush();
    this.close();
  }

  /** Drops the connection and everything that belongs to it. */
  close(): void {
    this.#closed = true;
    this.shared.sessions.delete(this);
    this.channel.destroy();
  }

  async #nextLine(): Promise<string | undefined> {
    await this.channel.flush();
    return this.channel.line();
  }

  #dispatch(line: string): Promise<void> | undefined {
    const { faults, options } = this.shared;
    this.#commands += 1;
    this.shared.log(line);
    options.onCommand?.(line);
    this.#current = line;
    if (faults.goingAwayAfter !== undefined && this.#commands > faults.goingAwayAfter) {
      this.hangUp(400, "Going away, come back later");
      return undefined;
    }
    if (faults.hang !== undefined && matchesCommand(faults.hang, line))
      return this.channel.flush().then(() => new Promise(() => {}));
    if (strikes(faults.closeBeforeCommand, line)) return this.cut();
    const given = replacedReply(faults, line);
    if (given !== undefined) this.send(`${given.replace(/\r\n$/, "")}\r\n`);
    const done = given === undefined ? this.#perform(line) : undefined;
    if (done) return done.then(() => this.#after());
    this.#after();
    return undefined;
  }

  #after(): void {
    if (strikes(this.shared.faults.closeAfterCommand, this.#current)) this.#closed = true;
  }

  #perform(line: string): Promise<void> | undefined {
    try {
      const words = line.split(/[ \t]+/).filter((word) => word !== "");
      const verb = (words.shift() ?? "").toUpperCase();
      const command = this.shared.options.disabled.includes(verb) ? undefined : COMMANDS[verb];
      if (!command?.enabled(this.shared.options)) throw new Refused(500, "What?");
      if (line.length > LONGEST_LINE) throw new Refused(501, "Line too long");
      if (words.length < command.arguments[0] || words.length > command.arguments[1])
        throw new Refused(501, "Syntax error");
      this.#mayRun(command);
      return command.run(this, words)?.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  #mayRun(command: Command): void {
    const { options, faults } = this.shared;
    const { requireLogin, features } = options;
    if (command.needs === "nothing") return;
    const lost = faults.loginAgainAfter;
    if (lost !== undefined && this.#commands > lost) {
      faults.loginAgainAfter = undefined;
      this.state.user = undefined;
      this.#forgotten = true;
    }
    const asked = requireLogin === "always" || requireLogin === command.needs || this.#forgotten;
    if (asked && this.state.user === undefined) throw new Refused(480, "Authentication required");
    if (features.modeSwitching && command.needs === "reading" && !this.state.reader)
      throw new Refused(401, "MODE-READER");
  }

  #refuse(error: unknown): void {
    if (error instanceof Refused) this.reply(error.code, error.message);
    else this.reply(403, `Internal fault: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The replies whose bodies are compressed after XFEATURE COMPRESS GZIP: lists, groups and overviews, not articles. */
const SQUEEZED = new Set([215, 221, 224, 225]);
