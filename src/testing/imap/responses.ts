/** How an answer is put together: untagged responses, then the tagged one; and what the faults make of them. */
import { strikes } from "../command-faults.js";
import { Conversation } from "../conversation.js";
import type { Hall } from "../memory-server.js";
import type { ImapChannel } from "./channel.js";
import type { Faults } from "./faults.js";
import type { ImapMailboxes } from "./mailboxes.js";
import type { ResolvedImapServerOptions } from "./options.js";
import { type Piece, Refused } from "./reply.js";
import type { Session } from "./session.js";

/** What all sessions of a server share. */
export interface Shared extends Hall<Session> {
  readonly options: ResolvedImapServerOptions;
  readonly trees: ReadonlyMap<string, ImapMailboxes>;
  readonly violations: string[];
  readonly faults: Faults;
}

export abstract class Responses extends Conversation<ImapChannel, Shared> {
  /** The tag of the command that is being done. */
  tag = "*";
  /** The command has its tagged response. */
  protected isAnswered = false;
  #responses = 0;
  #held: string | undefined;
  #strangers = 0;
  #within = false;
  #later: string[] = [];

  /** The first response of an answer was put: what happens behind it. */
  protected abstract begun(): void;

  /** Another command begins. */
  protected begin(tag: string): void {
    this.tag = tag;
    this.isAnswered = false;
    this.#responses = 0;
  }

  /** Notes what the client did wrong. */
  violation(what: string, line = this.current): void {
    this.shared.violations.push(`${what}: ${this.tag} ${line.slice(0, 200)}`);
  }

  /** Gives an untagged response, without its `* ` and CRLF. */
  untagged(...pieces: Piece[]): void {
    if (this.closed) return;
    this.#open();
    for (const piece of pieces) this.channel.put(piece);
    this.#close();
  }

  /** Gives an untagged response that may be long, piece by piece. */
  async stream(pieces: Iterable<Piece>): Promise<void> {
    if (this.closed) return;
    const { channel, shared } = this;
    this.#open();
    let missing: Faults["missingLiteral"];
    for (const piece of pieces) {
      channel.put(piece);
      if (typeof piece === "string" && piece.endsWith("}\r\n") && strikes(shared.faults.missingLiteral, this.current)) {
        missing = shared.faults.missingLiteral;
        channel.left = missing?.bytes ?? 0;
      }
      if (channel.urgent) await channel.drain();
      if (channel.dead || channel.broken) break;
    }
    if (missing) return this.breakOff(missing.ending ?? "silence");
    this.#close();
  }

  /** Says something that no command has asked for; never in the middle of a response. */
  async say(response: string): Promise<void> {
    this.#later.push(response);
    if (this.#within) return;
    this.#sayAll();
    await this.channel.flush();
    if (this.closed) await this.channel.end();
  }

  /** Ends the answer with OK. */
  ok(text: string): void {
    this.#complete(`OK ${text}`);
  }

  /** Ends the answer with NO or BAD; what is the client's fault is noted. */
  refuse(error: unknown, line = this.current): void {
    const refused = error instanceof Refused ? error : new Refused("NO", `Internal fault: ${error}`, "SERVERBUG");
    if (refused.kind === "BAD") this.violation(refused.message, line);
    const code = refused.code === undefined ? "" : `[${refused.code}] `;
    this.#complete(`${refused.kind} ${code}${refused.message.replace(/[^\x20-\x7e]/g, "?")}`);
  }

  /** Says BYE and ends the connection. */
  bye(text: string): void {
    this.untagged(`BYE ${text}`);
    this.finish();
  }

  /** The command has answered by itself. */
  answered(): void {
    this.isAnswered = true;
  }

  /** Sends what there is of an answer, and nothing any more. */
  async breakOff(how: "close" | "silence"): Promise<void> {
    if (how === "close") return this.cut();
    await this.channel.flush();
    await new Promise(() => {});
  }

  /** Puts the end of an answer that was held back. */
  protected release(): void {
    if (this.#held !== undefined) this.channel.put(this.#held);
    this.#held = undefined;
  }

  protected override goAway(): void {
    this.bye("Going away, come back later");
  }

  protected override asksForMore(reply: string): boolean {
    return !reply.startsWith(`${this.tag} `);
  }

  protected override instead(line: string): string | undefined {
    const given = strikes(this.shared.faults.echo, line) ? `BAD Cannot do this: ${line}` : super.instead(line);
    return given?.replace(/(^|\n)([^\n]*?)\r?\n?$/, (_, before: string, last: string) => {
      return /^[*+] /.test(last) ? before + last : `${before}${this.tag} ${last}`;
    });
  }

  #open(): void {
    this.#within = true;
    const { strangers = [] } = this.shared.faults;
    if (strangers.length > 0) this.channel.put(`${strangers[this.#strangers++ % strangers.length]}\r\n`);
    this.channel.put("* ");
  }

  #close(): void {
    this.channel.put("\r\n");
    this.channel.next();
    this.#within = false;
    this.#responses += 1;
    if (this.#responses === 1) this.begun();
    this.#sayAll();
  }

  #sayAll(): void {
    for (let next = this.#later.shift(); next !== undefined && !this.closed; next = this.#later.shift()) {
      this.channel.put(`* ${next}\r\n`);
      if (/^BYE\b/i.test(next)) this.finish();
    }
  }

  #complete(text: string): void {
    this.isAnswered = true;
    const { wrongTag, outOfOrder } = this.shared.faults;
    const tag = strikes(wrongTag, this.current) ? `x${this.tag}` : this.tag;
    const line = `${tag} ${text}\r\n`;
    if (strikes(outOfOrder, this.current)) {
      this.#held = line;
      return;
    }
    this.send(line);
    this.release();
  }
}
