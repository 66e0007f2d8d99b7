/** One client's conversation: its state, its replies and their bodies, and which commands it may give. */
import type { Socket } from "node:net";
import { Conversation } from "../conversation.js";
import type { Hall } from "../memory-server.js";
import { Channel } from "./channel.js";
import type { Command } from "./commands/command.js";
import { COMMANDS } from "./commands/index.js";
import { squeezed } from "./compress.js";
import type { Faults } from "./faults.js";
import type { NntpGroup } from "./group.js";
import type { NntpGroups } from "./groups.js";
import type { ResolvedNntpServerOptions } from "./options.js";
import { Refused } from "./reply.js";

/** What all sessions of a server share. */
export interface Shared extends Hall<Session> {
  readonly options: ResolvedNntpServerOptions;
  readonly groups: NntpGroups;
  readonly faults: Faults;
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

export class Session extends Conversation<Channel, Shared> {
  state = new SessionState();
  /** The `loginAgainAfter` fault has struck. */
  #forgotten = false;

  constructor(socket: Socket, shared: Shared) {
    super(new Channel(socket, shared.faults, shared.count), shared);
    socket.once("close", () => this.close());
  }

  protected override greet(isOneTooMany: boolean): void {
    const { options } = this.shared;
    if (isOneTooMany) this.hangUp(502, "Too many connections, try again later");
    else this.reply(options.features.post ? 200 : 201, options.greeting);
  }

  protected override goAway(): void {
    this.hangUp(400, "Going away, come back later");
  }

  protected override asksForMore(reply: string): boolean {
    return reply.startsWith("3");
  }

  /** Gives a reply of one line. */
  reply(code: number | string, text: string): void {
    this.send(`${code} ${text}\r\n`);
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
    if (this.closed) return;
    for await (const piece of pieces) {
      if (this.closed || this.channel.dead) return;
      if (typeof piece !== "string") await this.channel.write(piece);
      else if (this.channel.urgent) await this.channel.write(piece);
      else this.channel.put(piece);
    }
    this.channel.put(end);
  }

  /** Answers and ends the connection. */
  hangUp(code: number, text: string): void {
    this.reply(code, text);
    this.finish();
  }

  protected override perform(line: string): Promise<void> | undefined {
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
    if (lost !== undefined && this.commands > lost) {
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
