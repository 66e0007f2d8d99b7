/** Where responses meet commands: tags, several commands in flight, literals that the server asks for (RFC 9051 §2.2, §5.5). */
import { ConnectionError, type Phase, type PolywireError, ProtocolError, SinkError } from "../client/errors.js";
import { MOST_MS, type ResolvedOptions } from "../client/options.js";
import type { Call } from "../client/session.js";
import { type Awaited, Link } from "../net/link.js";
import { decodeText, readable } from "../wire/text.js";
import { type CommandLine, type CommandText, commandLines, type LiteralOut, type LiteralStyle } from "./command.js";
import type { Response } from "./response.js";
import { type ResponseEvents, ResponseReader } from "./response-reader.js";

/** Bytes of a literal in memory that are written at once: in the middle of a longer one a refusal is heard. */
const WHOLE = 256 * 1024;

/** Takes a literal's bytes as they come. */
export type TakePiece = (piece: Buffer) => void;

/** What a command may take besides its text. */
export interface CommandOptions {
  /** What is shown of it in transcripts and errors, where it holds a secret. */
  readonly shown?: string | undefined;
  /** True where the transcript leaves out what the server asks by: with it, a password could be guessed. */
  readonly veiled?: boolean | undefined;
  /** Milliseconds of silence allowed. Default: `timeouts.command`. */
  readonly timeout?: number | undefined;
  /** Takes an untagged response that came while the command was in flight; false where it belongs to somebody else. */
  readonly take?: ((response: Response, tag: string) => boolean) | undefined;
  /** Gives what takes a literal of such a response; undefined: it is kept in memory. */
  readonly literal?: ((head: Response, size: number) => TakePiece | undefined) | undefined;
  /** Called with the tagged response, before anything behind it is read. */
  readonly settled?: ((tagged: Response) => void) | undefined;
  /** Called with each continuation that asks for no literal. The connection is this command's alone then. */
  readonly more?: ((response: Response) => void) | undefined;
}

/** What the owner of a line supplies. */
export interface ImapLineSetup {
  readonly options: ResolvedOptions;
  /** Called with what no command in flight took. */
  readonly unsolicited: (response: Response) => void;
  /** Called with each tagged response, behind what its command takes of it. */
  readonly answered: (response: Response) => void;
  /** Called once when the connection is over, with the reason. */
  readonly onClose: (reason: PolywireError) => void;
}

/** A command from its call to its tagged response. */
interface Command extends Awaited {
  timeout: number;
  readonly tag: string;
  readonly lines: readonly CommandLine[];
  readonly options: CommandOptions;
  /** How many of its lines were sent. */
  sent: number;
  /** True while its literal is on its way. */
  streaming: boolean;
  /** True where its response is there. */
  settled: boolean;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

/** Who waits for the greeting. */
interface Greeting extends Awaited {
  resolve(response: Response): void;
  reject(error: Error): void;
}

/** A connection that speaks IMAP. */
export class ImapLine extends Link {
  /** What literals the server takes unasked. */
  literals: LiteralStyle = "synchronizing";
  readonly #setup: ImapLineSetup;
  readonly #reader: ResponseReader;
  readonly #events: ResponseEvents;
  /** Sent, or begun, in this order. */
  readonly #inFlight: Command[] = [];
  /** Those that wait until `#talker` has had its say. */
  readonly #waiting: Command[] = [];
  /** The command that is being sent, or goes on line by line: nobody else may write. */
  #talker: Command | undefined;
  #greeting: Greeting | undefined;
  #tags = 0;
  #upgrading = false;
  /** To be called when all that came at once was read. */
  #after: (() => void)[] = [];

  constructor(setup: ImapLineSetup) {
    super(setup.options);
    this.#setup = setup;
    this.#reader = new ResponseReader(setup.options.limits);
    this.#events = {
      response: (response) => this.#onResponse(response),
      literal: (head, size) => this.#onLiteral(head, size),
      stop: () => this.closed !== undefined || (this.#upgrading && this.#inFlight.length === 0),
    };
  }

  /** Commands that wait for their response. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** The server's first response. */
  greeting(timeout: number): Promise<Response> {
    if (this.closed) return Promise.reject(this.closed);
    return new Promise((resolve, reject) => {
      this.#greeting = { phase: "greeting", timeout, resolve, reject };
      this.patience(timeout);
    });
  }

  /**
   * Sends a command under a new tag; resolves to its tagged response, whatever that says. Rejects with UsageError for what
   * cannot be sent: nothing is sent then.
   */
  execute(text: CommandText, options: CommandOptions = {}): Promise<Response> {
    if (this.closed) return Promise.reject(this.closed);
    return new Promise((resolve, reject) => {
      const tag = `A${this.#tags + 1}`;
      const lines = commandLines(tag, text, options.shown, this.literals);
      this.#tags++;
      const { timeout = this.options.timeouts.command } = options;
      const state = { sent: 0, streaming: false, settled: false, phase: "command" as Phase };
      const command: Command = { timeout, tag, lines, options, ...state, resolve, reject };
      this.#waiting.push(command);
      this.#next();
    });
  }

  /** Goes on with the command that has the connection alone (`more`): one more line of it. */
  say(text: string, shown: string, timeout?: number): void {
    const command = this.#talker;
    if (this.closed || command === undefined) return;
    const [{ line }] = commandLines("", text, shown, this.literals) as [CommandLine];
    if (timeout !== undefined) command.timeout = timeout;
    // Without the tag, which a line has once, and its blank.
    this.write(line.slice(1), shown);
    this.patience(command.timeout);
  }

  /** The command that has the connection alone leaves the server all the time it wants (IDLE). */
  allowSilence(): void {
    if (this.#talker === undefined) return;
    this.#talker.timeout = MOST_MS;
    this.patience(MOST_MS);
  }

  /** Sends a command and starts TLS on its OK. Bytes that came along in the clear fail the connection. */
  async upgrade(text: string, call: Call): Promise<Response> {
    const response = await this.#executeLast(text, call);
    if (response.status === "OK") await this.startTls(call.signal);
    return response;
  }

  /** Sends a command and deflates what follows its OK, in both directions. */
  async compress(text: string, call: Call): Promise<Response> {
    const response = await this.#executeLast(text, call);
    if (response.status === "OK") await this.deflate();
    return response;
  }

  /** Calls back when all that came at once was read: rows are given on together. */
  afterwards(call: () => void): void {
    this.#after.push(call);
  }

  /** A command behind whose OK another form of bytes begins: what came along with it is left unread. */
  async #executeLast(text: string, { timeout }: Call): Promise<Response> {
    this.#upgrading = true;
    const response = await this.execute(text, { timeout });
    this.#upgrading = false;
    if (response.status !== "OK" && this.held > 0) this.take(Buffer.alloc(0));
    return response;
  }

  // --- out -------------------------------------------------------------------------------------------------------

  /** Lets those who wait speak, one behind the other. */
  #next(): void {
    while (this.#talker === undefined) {
      const command = this.#waiting.shift();
      if (command === undefined) return;
      this.#inFlight.push(command);
      if (this.#inFlight.length === 1) this.patience(command.timeout);
      this.#talker = command;
      this.#goOn(command);
    }
  }

  /** Sends what may be sent of a command now. */
  #goOn(command: Command): void {
    // Refused in the middle of a literal, which was sent to its end: so is the line behind it, without what it would hold.
    if (command.settled) {
      this.write("\r\n", "");
      command.sent = command.lines.length;
    }
    for (let line = command.lines[command.sent]; line !== undefined; line = command.lines[command.sent]) {
      command.sent++;
      this.write(line.line, line.shown);
      if (line.literal === undefined) continue;
      if (line.waits || !this.#sendLiteral(command, line.literal)) return;
    }
    if (command.options.more === undefined || command.settled) this.#talker = undefined;
  }

  /** True where all of it was written; false where the rest of the command follows later. */
  #sendLiteral(command: Command, { bytes, size }: LiteralOut): boolean {
    if (Array.isArray(bytes) && size <= WHOLE) {
      this.writeBytes(bytes);
      return true;
    }
    command.streaming = true;
    this.ourTurn = true;
    this.#stream(Array.isArray(bytes) ? slices(bytes) : (bytes as AsyncIterable<Buffer>), size).then(
      () => {
        command.streaming = false;
        this.ourTurn = false;
        if (this.closed) return;
        this.#goOn(command);
        this.#next();
      },
      (error) => this.fail(broken(error)),
    );
    return false;
  }

  async #stream(bytes: AsyncIterable<Buffer> | Iterable<Buffer>, size: number): Promise<void> {
    let sent = 0;
    for await (const chunk of bytes) {
      if (this.closed) throw this.closed;
      sent += chunk.length;
      if (sent > size) break;
      this.writeBytes([chunk]);
      await this.room();
    }
    if (sent !== size)
      throw new SinkError(`the source gave ${sent > size ? "more" : sent} bytes, and ${size} were announced`);
  }

  // --- in --------------------------------------------------------------------------------------------------------

  protected override read(chunk: Buffer): void {
    this.#reader.push(chunk, this.#events);
    if (this.#after.length === 0) return;
    const after = this.#after;
    this.#after = [];
    for (const call of after) call();
  }

  #onResponse(response: Response): void {
    if (this.options.transcript) this.#record(response);
    if (response.kind === "tagged") this.#onTagged(response);
    else if (response.kind === "continuation") this.#onContinuation(response);
    else if (this.#greeting !== undefined) this.#onGreeting(this.#greeting, response);
    else if (response.status === "BYE") this.#onBye(response);
    else this.#onUntagged(response);
  }

  #onUntagged(response: Response): void {
    for (let i = 0; i < this.#inFlight.length; i++) {
      const command = this.#inFlight[i];
      if (command?.options.take?.(response, command.tag)) return;
    }
    this.#setup.unsolicited(response);
  }

  #onLiteral(head: Response, size: number): TakePiece | undefined {
    for (let i = 0; i < this.#inFlight.length; i++) {
      const piece = this.#inFlight[i]?.options.literal?.(head, size);
      if (piece !== undefined) return piece;
    }
    return undefined;
  }

  #onTagged(response: Response): void {
    const at = this.#inFlight.findIndex(({ tag }) => tag === response.tag);
    const command = this.#inFlight[at];
    if (command === undefined) throw stray(this.redact(readableText(response.raw)));
    this.#inFlight.splice(at, 1);
    command.settled = true;
    command.options.settled?.(response);
    this.#setup.answered(response);
    command.resolve(response);
    // What was announced is sent to its end, whatever the answer says of it.
    if (this.#talker === command && !command.streaming) this.#talker = undefined;
    const next = this.#inFlight[0];
    if (next) this.patience(next.timeout);
    else this.rest();
    this.#next();
  }

  #onContinuation(response: Response): void {
    const command = this.#talker;
    const line = command?.lines[command.sent - 1];
    if (command === undefined || command.streaming) throw stray(this.redact(readableText(response.raw)));
    this.patience(command.timeout);
    if (line?.literal !== undefined && line.waits) {
      if (this.#sendLiteral(command, line.literal)) this.#goOn(command);
      this.#next();
    } else if (command.options.more) {
      command.options.more(response);
    } else {
      throw stray(this.redact(readableText(response.raw)));
    }
  }

  #onGreeting(waiting: Greeting, response: Response): void {
    if (response.status === undefined || response.status === "NO" || response.status === "BAD") {
      throw new ProtocolError(`this is no greeting of an IMAP server: ${readable(response.raw.slice(0, 80))}`);
    }
    this.#greeting = undefined;
    this.rest();
    waiting.resolve(response);
  }

  /** The server is about to hang up: it says why, and the commands in flight get no other answer. */
  #onBye(response: Response): void {
    if (this.#inFlight.some(({ options }) => options.take === takesBye)) return;
    throw this.goodbye(response, this.#inFlight.length > 0 ? "command" : "idle");
  }

  /** The error for a BYE. */
  goodbye(response: Response, phase: Phase): ConnectionError {
    const said = readable(this.redact(decodeText(Buffer.from(response.raw.slice(6), "latin1"))));
    return new ConnectionError(`the server closes the connection: ${said}`, { phase });
  }

  #record(response: Response): void {
    if (response.kind === "continuation" && response.text !== "" && this.#talker?.options.veiled) {
      this.options.transcript?.add("S", "+ ***");
      return;
    }
    const lines = response.raw.split("\r\n");
    for (const [i, line] of lines.entries()) {
      this.options.transcript?.add("S", this.redact(decodeText(Buffer.from(line, "latin1"))));
      const literal = response.literals[i];
      if (literal !== undefined && i < lines.length - 1) {
        this.note(`${typeof literal === "number" ? literal : literal.length} bytes of a literal`);
      }
    }
  }

  // --- what a link asks ------------------------------------------------------------------------------------------

  protected override get awaited(): Awaited | undefined {
    return this.#greeting ?? this.#inFlight[0];
  }

  protected override get held(): number {
    return this.#reader.held;
  }

  protected override takeHeld(): Buffer {
    return this.#reader.takeUnread();
  }

  protected override get partial(): boolean {
    return this.#reader.partial;
  }

  protected override over(reason: PolywireError): void {
    this.#talker = undefined;
    this.#greeting?.reject(reason);
    this.#greeting = undefined;
    for (const command of [...this.#inFlight.splice(0), ...this.#waiting.splice(0)]) command.reject(reason);
    this.#setup.onClose(reason);
  }
}

/** A literal bit by bit, each when the one before has left. */
function* slices(bytes: readonly Buffer[]): Generator<Buffer> {
  for (const each of bytes) for (let at = 0; at < each.length; at += WHOLE) yield each.subarray(at, at + WHOLE);
}

/** What LOGOUT gives as its `take`: BYE is what it asks for (RFC 9051 §6.1.3). */
export function takesBye(response: Response): boolean {
  return response.status === "BYE";
}

/** A character per byte → text, in which secrets can be found. */
function readableText(raw: string): string {
  return decodeText(Buffer.from(raw, "latin1"));
}

function stray(text: string): ProtocolError {
  const said = readable(text.length > 120 ? `${text.slice(0, 120)}…` : text);
  return new ProtocolError(`the server sent a response that no command asked for: ${said}`, {
    advice: "responses can no longer be told apart, so the connection was closed",
  });
}

/** A literal that broke off: what the server waits for will never come. */
function broken(error: unknown): PolywireError {
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause instanceof SinkError || cause instanceof ConnectionError) {
    cause.clientUsable = false;
    return cause;
  }
  return new SinkError(`the source failed: ${cause.message}`, { cause, clientUsable: false });
}
