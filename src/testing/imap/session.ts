/** One client's conversation: its state, its responses, and which commands it may give. */
import type { Socket } from "node:net";
import { strikes } from "../command-faults.js";
import { capabilities } from "./capabilities.js";
import { ImapChannel } from "./channel.js";
import type { Command } from "./commands/command.js";
import { COMMANDS } from "./commands/index.js";
import { type FetchItem, fetchResponse } from "./fetch-items.js";
import type { Input } from "./input.js";
import type { ImapMailboxes } from "./mailboxes.js";
import type { Message } from "./message.js";
import type { NotifyPlan } from "./notify.js";
import { isAmbiguous } from "./pipelining.js";
import { receive } from "./receive.js";
import { bad, Refused } from "./reply.js";
import { Responses, type Shared } from "./responses.js";
import type { Selected, Telling } from "./selected.js";

/** What a client has said so far; STARTTLS makes it anew. */
export class SessionState {
  /** Who has logged in. */
  user: string | undefined;
  selected: Selected | undefined;
  /** What ENABLE, or a command that implies it, has switched on. */
  readonly enabled = new Set<string>();
  /** What NOTIFY has asked for. */
  notify: NotifyPlan | undefined;
}

const ALL_NEWS = { flags: true, items: [] };
const TAGGED = /^([^\x00-\x20(){%*"\\+\x7f-\xff]+) ((?:UID )?[^\x00-\x20(){%*"\\\x7f-\xff]+)/i;

const FETCHING = /^(?:UID )?FETCH /i;
const NEXT_FETCHING = /^[^ ]+ (?:UID )?FETCH [^\n]*\n/i;

export class Session extends Responses {
  state = new SessionState();
  #input: Input | undefined;
  #name = "";
  #ending = false;
  #outstanding: string[] = [];

  constructor(socket: Socket, shared: Shared) {
    super(new ImapChannel(socket, shared.faults, shared.count), shared);
    socket.once("close", () => this.close());
  }

  /** Who has logged in. */
  get user(): string {
    return this.state.user as string; // the table asks for a login
  }

  /** The mailboxes of who has logged in. */
  get tree(): ImapMailboxes {
    return this.shared.trees.get(this.user) as ImapMailboxes;
  }

  /** The mailbox that is open. */
  get selected(): Selected {
    return this.state.selected as Selected; // the table asks for one
  }

  /** IMAP4rev2 was enabled: no RECENT, ESEARCH in place of SEARCH. */
  get rev2(): boolean {
    return this.state.enabled.has("IMAP4REV2");
  }

  /** Names and quoted strings may be UTF-8. */
  get utf8(): boolean {
    return this.rev2 || this.state.enabled.has("UTF8=ACCEPT");
  }

  get qresync(): boolean {
    return this.state.enabled.has("QRESYNC");
  }

  get condstore(): boolean {
    return this.qresync || this.state.enabled.has("CONDSTORE");
  }

  /** How changes are told to this client. */
  telling(expunge: boolean): Telling {
    const { rev2, qresync, condstore } = this;
    return { expunge, flags: true, vanished: qresync, modseq: condstore, uid: rev2 || qresync, recent: !rev2 };
  }

  protected override greet(isOneTooMany: boolean): void {
    const { options } = this.shared;
    if (isOneTooMany) {
      this.bye("Too many connections, try again later");
      return;
    }
    this.state.user = options.preauth;
    const code = options.features.greetingCapabilities ? `[CAPABILITY ${capabilities(this).join(" ")}] ` : "";
    this.untagged(`${options.preauth === undefined ? "OK" : "PREAUTH"} ${code}${options.greeting}`);
  }

  /** Tells what has changed while the client says nothing. */
  async push(expunge: boolean): Promise<void> {
    this.update(expunge);
    await this.channel.flush();
  }

  /** This command names messages by their numbers, though it is one by UID: `UID SEARCH 3`. */
  usesNumbers(): void {
    const byUid = /^UID /.exec(this.#name)?.[0];
    if (byUid && isAmbiguous(this.#name.slice(byUid.length), this.#outstanding)) this.#ambiguous();
  }

  /** Ends the connection behind this answer. */
  endBehind(): void {
    this.#ending = true;
  }

  /** Tells what has changed in the open mailbox, as far as NOTIFY lets it; `own`: by this client. */
  update(expunge: boolean, own = false): void {
    const { selected, notify } = this.state;
    const heard = own || !notify ? ALL_NEWS : notify.news;
    if (selected && heard) {
      const last = selected.view.at(-1)?.uid ?? 0;
      for (const response of selected.news({ ...this.telling(expunge), flags: heard.flags })) this.untagged(response);
      for (const message of heard.items.length > 0 ? selected.view.slice(selected.position(last + 1)) : []) {
        this.#introduce(selected.numberOf(message), message, heard.items);
      }
    }
    notify?.tell();
  }

  /** Gives what NOTIFY wants of a new message; nothing where it cannot be given. */
  #introduce(number: number, message: Message, items: readonly FetchItem[]): void {
    try {
      this.untagged(...fetchResponse(this, number, message, items));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  /** Lets go of the open mailbox. */
  unselect(): void {
    this.state.selected?.leave();
    this.state.selected = undefined;
  }

  override close(): void {
    this.unselect();
    this.state.notify?.stop();
    super.close();
  }

  /** The command of this name, if it may be given now. */
  admit(name: string): Command {
    const { options } = this.shared;
    const command = options.disabled.includes(name) ? undefined : COMMANDS[name];
    if (!command?.enabled(options)) bad(`Unknown command ${name}`);
    const { user, selected } = this.state;
    if (command.state === "not-authenticated" && user !== undefined) bad("You are logged in already");
    if ((command.state === "authenticated" || command.state === "selected") && user === undefined) bad("Log in first");
    if (command.state === "selected" && !selected) bad("Select a mailbox first");
    return command;
  }

  protected override async dispatch(line: string): Promise<void> {
    const [, tag, name] = TAGGED.exec(line) ?? [];
    this.begin(tag ?? "*");
    this.#name = name?.toUpperCase() ?? "";
    this.current = line.slice(this.tag.length + 1);
    if (tag === undefined || name === undefined) {
      this.shared.log(line);
      this.violation("Not a tag and a command", line);
      return this.untagged("BAD A tag, a blank and a command were due");
    }
    if (isAmbiguous(this.#name, this.#outstanding)) this.#ambiguous();
    const together = this.shared.faults.together === true && FETCHING.test(this.current);
    if (together) this.channel.keep();
    const received = await receive(this, this.#name, this.current);
    if (received) {
      this.#input = received.input;
      await super.dispatch(`${tag} ${received.line}`);
    }
    if (together && !NEXT_FETCHING.test(this.channel.waiting.toString("latin1", 0, 200))) this.channel.mingle();
    await this.#afterwards();
  }

  #ambiguous(): void {
    this.violation(`Ambiguous behind ${this.#outstanding.join(", ")} (RFC 3501 5.5)`);
  }

  protected override async suffer(line: string, perform: () => Promise<void> | undefined): Promise<void> {
    const command = line.slice(this.tag.length + 1);
    const { cutResponse } = this.shared.faults;
    const cut = strikes(cutResponse, command) ? cutResponse : undefined;
    if (cut) this.channel.left = cut.at;
    await super.suffer(command, perform);
    if (this.channel.broken) await this.breakOff(cut?.ending ?? "close");
    this.channel.left = undefined;
  }

  protected override async perform(): Promise<void> {
    try {
      const command = this.admit(this.#name);
      const text = await command.run(this, this.#input as Input);
      if (!this.isAnswered) {
        this.update(command.expunges);
        this.ok(text ?? `${this.#name} completed`);
      }
    } catch (error) {
      this.refuse(error);
    }
    if (this.#ending) this.finish();
  }

  /** What happens between two commands. */
  async #afterwards(): Promise<void> {
    if (this.channel.waiting.length > 0) {
      this.#outstanding.push(this.#name);
      return;
    }
    this.#outstanding = [];
    this.release();
  }

  /** The faults that strike behind the first response of an answer. */
  protected override begun(): void {
    const { byeDuring, expungeDuring } = this.shared.faults;
    if (strikes(byeDuring, this.current)) this.bye("In the middle of it");
    else if (this.state.selected && strikes(expungeDuring, this.current)) {
      const { view, mailbox } = this.state.selected;
      const message = view[(expungeDuring?.message ?? 0) - 1];
      if (message) mailbox.remove([message]);
      this.update(true);
    }
  }
}
