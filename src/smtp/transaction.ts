/** One transaction (RFC 5321 §3.3): what the server said so far, and what that means for the message. No I/O. */
import { type PolywireError, ProtocolError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import type { Part } from "./envelope.js";
import type { Prepared } from "./prepare.js";
import { type RecipientResult, recipientResult, type SendState } from "./result.js";

/** What became of one transaction. */
export interface PartOutcome {
  readonly state: SendState;
  readonly accepted: readonly RecipientResult[];
  readonly rejected: readonly RecipientResult[];
  readonly reply: Reply | undefined;
  /** The refusal that decided it, and the command it answers. */
  readonly refusal?: { readonly reply: Reply; readonly command: string } | undefined;
  /** What was in the way, where it was no refusal. */
  readonly error?: PolywireError | undefined;
  readonly bytes: number;
}

/** What is refused where it is no command. */
const THE_MESSAGE = "the message";

/** What the server is asked for behind the recipients. */
export type Ending = "DATA" | "BDAT";

/** Gathers the replies of one transaction, in the order in which they come. */
export class Transaction {
  readonly message: Prepared;
  readonly part: Part;
  /** Milliseconds that the server may take for a command, and for the whole message. */
  readonly timeout: number;
  readonly acceptTimeout: number;
  /** Octets of the message that were given to the connection. */
  bytes = 0;
  /** True once the end of the message was given to the connection: from then on it may arrive. */
  ended = false;
  /** True where the server answers for each recipient (LMTP). */
  readonly #each: boolean;
  readonly #settle: (outcome: PartOutcome) => void;
  #settled = false;
  /** Replies to RSET that come first. */
  #resets = 0;
  #ending: Ending = "BDAT";
  #mail: Reply | undefined;
  readonly #rcpts: Reply[] = [];
  #takers = 0;
  #data: Reply | undefined;
  #refusal: Reply | undefined;
  readonly #finals: Reply[] = [];
  #heard: (() => void) | undefined;

  constructor(
    message: Prepared,
    part: Part,
    patience: { readonly timeout: number; readonly acceptTimeout: number },
    each: boolean,
    settle: (outcome: PartOutcome) => void,
  ) {
    this.message = message;
    this.part = part;
    this.timeout = patience.timeout;
    this.acceptTimeout = patience.acceptTimeout;
    this.#each = each;
    this.#settle = settle;
  }

  /** What is sent first. `reset`: behind RSET. */
  begin(reset: boolean, ending: Ending): string[] {
    this.#resets = reset ? 1 : 0;
    this.#ending = ending;
    const { mail } = this.message;
    return reset ? ["RSET", mail, ...this.part.commands] : [mail, ...this.part.commands];
  }

  get settled(): boolean {
    return this.#settled;
  }

  get mailTaken(): boolean {
    return this.#mail?.ok === true;
  }

  /** True where the server says that another transaction is open (503). */
  get nested(): boolean {
    return this.#mail?.code === "503";
  }

  /** True where nothing was answered yet. */
  get unheard(): boolean {
    return this.#mail === undefined;
  }

  /** Recipients that the server took. */
  get takers(): number {
    return this.#takers;
  }

  /** True where MAIL was refused: nothing behind it counts. */
  get mailRefused(): boolean {
    return this.#mail?.ok === false;
  }

  /** True where the server wants the message now (354). */
  get wanted(): boolean {
    return this.#data?.ok === true;
  }

  /** How many replies the message as a whole gets. */
  get answers(): number {
    return this.#each ? this.#takers : 1;
  }

  /**
   * Calls when the reply to DATA is there, or no reply will come: behind all that came in the same bytes, and before
   * those who wait for any of it.
   */
  whenHeard(call: () => void): void {
    this.#heard = call;
    if (this.#data !== undefined || this.#settled) this.#hear();
  }

  #hear(): void {
    if (this.#heard !== undefined) process.nextTick(this.#heard);
    this.#heard = undefined;
  }

  /** Takes the next reply. Throws ProtocolError for one that does not go with what was sent. */
  take(reply: Reply): void {
    if (this.#resets > 0) this.#takeReset(reply);
    else if (this.#mail === undefined) this.#mail = complete(reply, this.message.mail);
    else if (this.#rcpts.length < this.part.commands.length) this.#takeRcpt(reply);
    else if (this.#ending === "DATA" && this.#data === undefined) this.#takeData(reply);
    else this.#takeFinal(reply);
  }

  /** Without RSET, these recipients would be another sender's. Behind 421 the connection is closed anyway. */
  #takeReset(reply: Reply): void {
    this.#resets--;
    if (!reply.ok && reply.code !== "421") throw outOfStep(reply, "RSET");
  }

  #takeRcpt(reply: Reply): void {
    this.#rcpts.push(complete(reply, this.part.commands[this.#rcpts.length] as string));
    if (reply.ok) this.#takers++;
  }

  #takeData(reply: Reply): void {
    if (reply.ok && !reply.code.startsWith("3")) throw outOfStep(reply, "DATA");
    this.#data = reply;
    this.#hear();
    if (!reply.ok) this.finish();
  }

  #takeFinal(reply: Reply): void {
    this.#finals.push(complete(reply, this.#ending));
    if (reply.ok && !this.mailTaken) throw outOfStep(reply, `${this.#ending} behind a refused MAIL`);
    if (reply.ok && !this.ended) throw outOfStep(reply, "a message that has not ended");
    if (this.#finals.length >= this.answers) this.finish();
  }

  /** A refusal of the message before its end: it is for all that were not answered. */
  refuse(reply: Reply): void {
    this.#refusal = reply;
  }

  /** Nothing more will be said. `error`: what was in the way. */
  finish(error?: PolywireError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#hear();
    this.#settle(this.#outcome(error));
  }

  #outcome(error: PolywireError | undefined): PartOutcome {
    const { commands, recipients } = this.part;
    const rejected = this.#recipients(false);
    if (this.#mail === undefined) return this.#open(error, rejected);
    if (!this.#mail.ok) {
      // What a server takes behind a refused MAIL is anybody's guess.
      if (this.#finals.some(({ ok }) => ok)) return this.#open(error, rejected);
      return this.#refused(this.#mail, this.message.mail, recipients, []);
    }
    if (this.#rcpts.length === commands.length && this.#takers === 0) {
      return this.#refused(this.#rcpts[0] as Reply, commands[0] as string, [], rejected);
    }
    if (this.#data?.ok === false) return this.#refused(this.#data, "DATA", this.#taken(), rejected);
    if (this.#refusal) return this.#refused(this.#refusal, THE_MESSAGE, this.#taken(), rejected);
    return this.#finals.length === 0 ? this.#open(error, rejected) : this.#answered(error, rejected);
  }

  /** The recipients that the server took. */
  #taken(): string[] {
    return this.part.recipients.filter((_, at) => this.#rcpts[at]?.ok);
  }

  /** What was said to those that it took, or to those that it refused. */
  #recipients(ok: boolean): RecipientResult[] {
    const results: RecipientResult[] = [];
    for (let at = 0; at < this.#rcpts.length; at++) {
      const reply = this.#rcpts[at] as Reply;
      if (reply.ok === ok) results.push(recipientResult(this.part.recipients[at] as string, reply));
    }
    return results;
  }

  /** No answer decides it. */
  #open(error: PolywireError | undefined, rejected: RecipientResult[]): PartOutcome {
    const state = this.ended ? "unknown" : "unsent";
    return { state, accepted: [], rejected, reply: undefined, bytes: this.bytes, ...(error && { error }) };
  }

  #refused(reply: Reply, command: string, left: readonly string[], rejected: readonly RecipientResult[]): PartOutcome {
    const all = [...rejected, ...left.map((recipient) => recipientResult(recipient, reply))];
    return { state: "refused", accepted: [], rejected: all, reply, refusal: { reply, command }, bytes: this.bytes };
  }

  /** The message as a whole was answered: for all at once, or (LMTP) for one after the other. */
  #answered(error: PolywireError | undefined, rejected: readonly RecipientResult[]): PartOutcome {
    const finals = this.#finals;
    const command = THE_MESSAGE;
    const first = finals[0] as Reply;
    const { bytes } = this;
    if (!this.#each) {
      if (!first.ok) return this.#refused(first, command, this.#taken(), rejected);
      const accepted = this.#recipients(true);
      return { state: "sent", accepted, rejected, reply: first, bytes };
    }
    const takers = this.#taken();
    const results = finals.map((reply, at) => ({ reply, result: recipientResult(takers[at] as string, reply) }));
    const of = (ok: boolean) => results.filter(({ reply }) => reply.ok === ok).map(({ result }) => result);
    const both = { accepted: of(true), rejected: [...rejected, ...of(false)], reply: first, bytes };
    if (finals.length < takers.length) return { ...both, state: "unknown", ...(error && { error }) };
    if (both.accepted.length > 0) return { ...both, state: "sent" };
    return { ...both, state: "refused", refusal: { reply: first, command } };
  }
}

/** 3xx asks for more, where nothing more was announced. */
function complete(reply: Reply, command: string): Reply {
  if (reply.code.startsWith("2") || !reply.ok) return reply;
  throw outOfStep(reply, command);
}

function outOfStep(reply: Reply, command: string): ProtocolError {
  return new ProtocolError(
    `the server answered ${command} with ${reply.code}: client and server are no longer in step`,
  );
}
