/** One client's conversation: its state, its replies, which commands it may give, and whether it keeps the rules. */
import type { Socket } from "node:net";
import { ByteChannel } from "../byte-channel.js";
import { Conversation } from "../conversation.js";
import type { Hall } from "../memory-server.js";
import { COMMANDS } from "./commands/index.js";
import { type Faults, refusal } from "./faults.js";
import type { Ledger } from "./ledger.js";
import type { ResolvedSmtpServerOptions } from "./options.js";
import { encodeReply, Refused } from "./reply.js";
import { brokenRule } from "./rules.js";
import { BdatChunk, type Transaction } from "./transaction.js";

/** What all sessions of a server share. */
export interface Shared extends Hall<Session> {
  readonly options: ResolvedSmtpServerOptions;
  readonly ledger: Ledger;
  readonly faults: Faults;
}

/** What a client has said so far; STARTTLS makes it anew. */
export class SessionState {
  /** What EHLO, HELO or LHLO said; undefined: nothing yet. */
  hello: string | undefined;
  /** The keywords that were announced to this client. */
  announced: ReadonlySet<string> = new Set();
  /** Who has logged in. */
  user: string | undefined;
}

export class Session extends Conversation<ByteChannel, Shared> {
  state = new SessionState();
  /** From MAIL to the end of the message. */
  transaction: Transaction | undefined;
  /** The chunk that came with the BDAT that is being done. */
  chunk: BdatChunk | undefined;
  /** Messages taken on this connection. */
  messages = 0;
  /** Which connection this is. */
  readonly number: number;
  #refusedByFault = false;
  /** How many replies the end of the message has. */
  #repliesAtEnd = 1;

  constructor(socket: Socket, shared: Shared) {
    super(new ByteChannel(socket, shared.faults, shared.count), shared);
    this.number = shared.ledger.connection();
    socket.once("close", () => this.close());
  }

  protected override greet(isOneTooMany: boolean): void {
    const { options } = this.shared;
    if (this.channel.waiting.length > 0) this.violation("commands came before the greeting");
    if (isOneTooMany) this.reply(421, "4.7.0", "Too many connections, try again later");
    else this.reply(220, undefined, `${options.hostname} ${options.greeting}`);
  }

  protected override goAway(): void {
    this.reply(421, "4.3.2", "Going away, come back later");
  }

  protected override asksForMore(reply: string): boolean {
    return reply.startsWith("3");
  }

  /** Notes what a client must not do. */
  violation(text: string): void {
    this.shared.ledger.violation(text);
  }

  /** Gives a reply; behind 421 the connection ends. */
  reply(code: number, enhanced: string | undefined, text: string): void {
    const { features } = this.shared.options;
    this.send(encodeReply(code, features.enhancedStatusCodes ? enhanced : undefined, text));
  }

  /** Gives whole replies as they are, but for the faults of lines. */
  override send(text: string): void {
    super.send(this.shaped(text));
    if (text.startsWith("421")) this.finish();
  }

  /** A reply with what the faults of lines make of it. */
  shaped(text: string): string {
    const { replyLines } = this.shared.faults;
    return replyLines ? lengthened(text, replyLines) : text;
  }

  /** Ends the transaction, if there is one. */
  reset(): void {
    this.transaction?.drop();
    this.transaction = undefined;
  }

  /** Goes through the end of a message as if it were a command, so that faults can hit it. Whatever they do, it has ended. */
  ending({ recipients }: Transaction, deliver: () => void): Promise<void> | undefined {
    this.transaction = undefined;
    this.#repliesAtEnd = this.shared.options.lmtp ? recipients.length : 1;
    this.around = this.current;
    return this.suffer(".", () => {
      deliver();
      return undefined;
    });
  }

  /** A chunk was refused: what has come cannot become a message any more. */
  refusedChunk({ last }: BdatChunk): void {
    if (last && this.shared.options.features.refusedLastEnds) this.reset();
    else if (this.transaction) this.transaction.broken = true;
  }

  override close(): void {
    this.reset();
    super.close();
  }

  protected override dispatch(line: string): Promise<void> | undefined {
    const size = /^BDAT +(\d{1,15})( +LAST)? *$/i.exec(line);
    if (!size) {
      this.#check(line);
      return super.dispatch(line);
    }
    const chunk = new BdatChunk(Number(size[1]), size[2] !== undefined);
    const read = chunk.read(this);
    if (read === true) return this.#chunked(line, chunk);
    return read.then((whole) => (whole ? this.#chunked(line, chunk) : this.cut()));
  }

  protected override instead(line: string): string | undefined {
    const given = refusal(this.shared.faults, line) ?? super.instead(line);
    this.#refusedByFault = given !== undefined;
    if (given === undefined || line !== ".") return given;
    return Array(this.#repliesAtEnd).fill(given).join("\r\n");
  }

  protected override perform(line: string): Promise<void> | undefined {
    try {
      const blank = line.indexOf(" ");
      const verb = (blank === -1 ? line : line.slice(0, blank)).toUpperCase();
      const command = this.shared.options.disabled.includes(verb) ? undefined : COMMANDS[verb];
      if (!command) throw new Refused(500, "5.5.2", "Command not recognized");
      if (!command.enabled(this.shared.options)) throw new Refused(502, "5.5.1", "Command not implemented");
      if (this.shared.options.requireTls && !this.channel.tls && !command.beforeTls)
        throw new Refused(530, "5.7.0", "Must issue a STARTTLS command first");
      const rest = blank === -1 ? "" : line.slice(blank + 1);
      return command.run(this, rest)?.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  /** A BDAT with its chunk: what a fault refuses is lost, and with it the message (RFC 3030 2). */
  #chunked(line: string, chunk: BdatChunk): Promise<void> | undefined {
    this.#check(line);
    this.chunk = chunk;
    this.#refusedByFault = false;
    const done = super.dispatch(line);
    if (this.#refusedByFault) this.refusedChunk(chunk);
    return done;
  }

  #check(line: string): void {
    const { announced } = this.state;
    const broken = brokenRule(line, this.channel.endedBare, this.channel.waiting.length > 0, announced);
    if (broken !== undefined) this.violation(broken);
  }

  #refuse(error: unknown): void {
    if (error instanceof Refused) this.reply(error.code, error.enhanced, error.message);
    else this.reply(451, "4.3.0", `Internal fault: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A reply of one line, as one of several. */
function lengthened(reply: string, lines: number): string {
  const [, code, text] = /^(\d{3}) (.*)\r\n$/.exec(reply) ?? [];
  return code === undefined ? reply : `${code}-${text}\r\n`.repeat(Math.max(0, lines - 1)) + reply;
}
