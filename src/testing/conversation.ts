/** One client's conversation, whatever the protocol: one command after the other, and what the faults make of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocketOptions } from "node:tls";
import { isOn, matchesCommand, replacedReply, strikes } from "./command-faults.js";
import type { ConnectionFaults } from "./connection-faults.js";

/** A connection as lines: what a conversation needs of it. */
export interface Lines {
  /** Begins to read; over TLS from the first byte where its options are given. */
  start(tls?: TLSSocketOptions): void;
  /** Whether what was put should leave before the next command is done. */
  readonly urgent: boolean;
  /** The next line without its end, if it is here already. */
  lineHere(): string | undefined;
  /** The next line; undefined when the client has gone. */
  line(): Promise<string | undefined>;
  /** Puts text (latin1) behind what will be sent. */
  put(text: string): void;
  /** Sends what was put, as one reply; resolves when the system has it. */
  flush(): Promise<void>;
  /** Ends the connection behind everything that was put. */
  end(): Promise<void>;
  destroy(): void;
}

/** What a conversation needs of its server. */
export interface Surroundings {
  readonly faults: ConnectionFaults;
  readonly options: {
    readonly tls: "none" | "starttls" | "implicit";
    readonly limits: { readonly connections: number };
    readonly onCommand: ((line: string) => void) | undefined;
  };
  /** How TLS begins. */
  readonly handshake: TLSSocketOptions;
  readonly sessions: Set<unknown>;
  log(line: string): void;
}

export abstract class Conversation<C extends Lines, Around extends Surroundings> {
  readonly shared: Around;
  readonly channel: C;
  /** How many commands have come. */
  protected commands = 0;
  /** The command that is being done. */
  protected current = "";
  /** The command that `current` is the end of, where it is one: of SMTP's `.`, DATA or BDAT. */
  protected around: string | undefined;
  #closed = false;

  constructor(channel: C, shared: Around) {
    this.channel = channel;
    this.shared = shared;
  }

  /** Greets; or says that there are too many connections, and ends this one. */
  protected abstract greet(isOneTooMany: boolean): void;
  /** Does a command, or refuses it. Never rejects. */
  protected abstract perform(line: string): Promise<void> | undefined;
  /** Says goodbye to a client that has had all the commands `goingAwayAfter` gives it. */
  protected abstract goAway(): void;
  /** Whether a reply only asks for more (`3xx`, `+ `), so that it is not the one to lose. */
  protected abstract asksForMore(reply: string): boolean;

  /** No command is done any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Greets; then does one command after the other until one side goes. */
  async run(): Promise<void> {
    await this.#meet();
    while (!this.#closed) {
      const line = this.channel.lineHere() ?? (await this.#nextLine());
      if (line === undefined) break;
      const done = this.dispatch(line);
      if (done) await done;
      if (this.channel.urgent) await this.channel.flush();
    }
    this.shared.sessions.delete(this);
    await this.channel.end();
  }

  /** Gives a reply as it is. */
  send(text: string): void {
    if (this.#closed) return;
    if (this.asksForMore(text) || !this.loses()) this.channel.put(text);
  }

  /** Gives a reply that asks for more, and waits for the line with it; undefined when the client has gone. */
  async ask(reply: string): Promise<string | undefined> {
    this.send(reply);
    await this.channel.flush();
    const line = await this.channel.line();
    if (line !== undefined) this.shared.log(line);
    return line;
  }

  /** Whether the final reply that is due now is to be lost; the connection is closed in its place then. */
  loses(): boolean {
    const { loseReply } = this.shared.faults;
    const lost = strikes(loseReply, this.current) || (this.around !== undefined && strikes(loseReply, this.around));
    if (lost) this.#closed = true;
    return lost;
  }

  /** Does no further command: the connection ends behind what was sent. */
  finish(): void {
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

  /** Takes a command up: notes it, lets the faults have it, does it. */
  protected dispatch(line: string): Promise<void> | undefined {
    this.commands += 1;
    this.around = undefined;
    this.shared.log(line);
    this.shared.options.onCommand?.(line);
    return this.suffer(line, () => this.perform(line));
  }

  /** Does what a line asks for, if the faults leave it alone. */
  protected suffer(line: string, perform: () => Promise<void> | undefined): Promise<void> | undefined {
    const { faults } = this.shared;
    this.current = line;
    if (faults.goingAwayAfter !== undefined && this.commands > faults.goingAwayAfter) {
      this.goAway();
      return undefined;
    }
    if (faults.hang !== undefined && matchesCommand(faults.hang, line))
      return this.channel.flush().then(() => new Promise(() => {}));
    if (strikes(faults.closeBeforeCommand, line)) return this.cut();
    const given = this.instead(line);
    if (given !== undefined) this.send(`${given.replace(/\r\n$/, "")}\r\n`);
    const done = given === undefined ? perform() : undefined;
    if (done) return done.then(() => this.#after(line));
    this.#after(line);
    return undefined;
  }

  /** The reply to give in place of doing this line, if a fault says so. */
  protected instead(line: string): string | undefined {
    return replacedReply(this.shared.faults, line);
  }

  /** Begins to read, and greets as the faults let it. */
  async #meet(): Promise<void> {
    const { options, faults, handshake, sessions } = this.shared;
    this.channel.start(options.tls === "implicit" ? handshake : undefined);
    if (isOn(faults, "silent")) await new Promise(() => {});
    if (faults.greetingDelay) await sleep(faults.greetingDelay, undefined, { ref: false });
    this.greet(isOn(faults, "tooManyConnections") || sessions.size > options.limits.connections);
  }

  #after(line: string): void {
    if (strikes(this.shared.faults.closeAfterCommand, line)) this.#closed = true;
  }

  async #nextLine(): Promise<string | undefined> {
    await this.channel.flush();
    return this.channel.line();
  }
}
