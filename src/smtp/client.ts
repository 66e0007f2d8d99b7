/** SMTP's named methods (RFC 5321, RFC 2033): what to say; session.ts and delivery.ts know how. */
import { Client } from "../client/client.js";
import { type PolywireError, UsageError } from "../client/errors.js";
import { type ResolvedOptions, resolve } from "../client/options.js";
import { Rows } from "../client/rows.js";
import type { CallOptions, Reply } from "../client/session.js";
import type { Source } from "../client/sink.js";
import type { MailDraft, MessageWriter } from "../message/writer.js";
import { Delivery } from "./delivery.js";
import { checkSender } from "./envelope.js";
import {
  type MailInput,
  type MailParameters,
  type RawMessage,
  type RcptParameters,
  resolveSmtp,
  type SendMailOptions,
  SMTP_NAMES,
  type SmtpOptions,
  type SmtpSettings,
} from "./options.js";
import { Outbox } from "./outbox.js";
import { checkRequireTls, mailCommand, rcptCommand } from "./parameters.js";
import { parsePath } from "./path.js";
import type { SendOutcome, SendResult } from "./result.js";
import { isIterable, type Messages, sendAll } from "./send-all.js";
import { SmtpSession } from "./session.js";
import { bdat, data } from "./single.js";
import { type SendSubmitOptions, toSend } from "./submit.js";
import { Supply } from "./supply.js";

/** The port of LMTP that is in use, for want of one that is laid down (RFC 2033 §5 forbids SMTP's). */
const LMTP_PORT = 24;

/**
 * An SMTP client (LMTP with `lmtp: true`), for sending mail.
 *
 * @example
 * const smtp = new SmtpClient({ host: "mail.example.org", credentials: { user: "alice", password } });
 * await smtp.connect();
 * await smtp.login();
 * await smtp.send({ from: "alice@example.org", to: "bob@example.org", subject: "hello", text: "hello\n" });
 * await smtp.quit();
 */
export class SmtpClient extends Client<SmtpSession> implements MessageWriter {
  readonly #settings: SmtpSettings;
  readonly #given: SmtpOptions;
  /** Where `send()` puts messages for the run that is under way, or due. */
  #outbox: Outbox | undefined;

  constructor(options: SmtpOptions) {
    super(
      resolve(
        "smtp",
        options.lmtp === true && options.port === undefined ? { ...options, port: LMTP_PORT } : options,
        SMTP_NAMES,
      ),
    );
    this.#settings = resolveSmtp(options);
    this.#given = options;
  }

  protected createSession(options: ResolvedOptions, onClose: (reason: PolywireError) => void): SmtpSession {
    return new SmtpSession(options, this.#settings, onClose);
  }

  /** Another client of the same options, not yet connected: for a second connection to the same server. */
  clone(): SmtpClient {
    return new SmtpClient({ ...this.#given, credentials: this.accepted ?? this.#given.credentials });
  }

  /** True where the server announces the extension (RFC 5321 §4.1.1.1), e.g. `has("AUTH", "PLAIN")`. */
  has(extension: string, argument?: string): boolean {
    const found = this.capabilities.get(extension.toUpperCase());
    return found !== undefined && (argument === undefined || found.includes(argument.toUpperCase()));
  }

  // --- messages --------------------------------------------------------------------------------------------------

  /**
   * Sends a message: in parts, as nodemailer takes it, or complete (`raw`) with its envelope. Calls that overlap share
   * round trips. Line ends that are not CR LF become it; dots are stuffed. A raw message with 8-bit text is sent as it is
   * also where the server announces neither 8BITMIME nor SMTPUTF8: nearly all take it, and nothing here can rewrite it.
   *
   * @param message `{ from, to, subject, text, html, attachments, … }`, or `{ envelope: { from, to }, raw }`.
   * @returns what the server said to each recipient: some may be rejected.
   * @throws SendError where it took the message for nobody: its `result` says why; UsageError before anything is sent, for
   *   addresses and headers that would forge others, for a message larger than the server takes, and for parameters that
   *   it does not have; SinkError where the message cannot be read; ConnectionError where the link was lost: `retryable`
   *   where the message certainly was not sent, otherwise it says that nobody knows, and its `result` what is known
   *   (PartlySentError).
   *
   * @example
   * const { rejected } = await smtp.send({ from: "a@example.org", to: ["b@example.org", "c@example.net"], text: "hi\n" });
   * await smtp.send({ envelope: { from: "", to: "b@example.org", notify: "never" }, raw: "message.eml" });
   */
  send(message: MailInput | RawMessage, options: SendMailOptions = {}): Promise<SendResult> {
    const box = this.#outbox ?? new Outbox(this.options.limits.queue, (reason) => this.close(reason));
    const sent = box.put(message, options);
    if (this.#outbox !== box && !box.empty) this.#deliver(box);
    return sent;
  }

  /**
   * Sends many messages, as fast as the server takes them: the next ones are under way before the answer to the first one
   * is there. Where it announces CHUNKING, several at once (`window`); where it announces PIPELINING, each together with
   * the commands of the next one.
   *
   * Each message has one outcome, in order, whatever happens: also after the connection is lost, when it is told apart
   * which messages were sent, which certainly were not, and of which nobody knows. A loop that is left early takes no
   * further messages; those under way are finished.
   *
   * @throws in the loop: what the iterable throws; AbortedError where it was cancelled; UsageError out of order.
   *
   * @example
   * for await (const { index, state, error } of smtp.sendAll(messages)) if (state !== "sent") log(index, state, error);
   */
  sendAll(messages: Messages, options: SendMailOptions = {}): Rows<SendOutcome> {
    if (!isIterable(messages)) throw new UsageError("messages is an iterable of messages", { protocol: "smtp" });
    const refuse = (reason: UsageError) => this.refuseWaiting(reason);
    return new Rows((feed) =>
      this.run({ ...options, exclusive: true }, (session, call) =>
        sendAll(session, messages, options, feed, call, refuse),
      ),
    );
  }

  /**
   * Sends a message, as all writers take it: what `send()` does. A complete one goes to whom its headers name (To, Cc, and
   * Bcc, which is taken out of it), unless `envelope` says otherwise.
   *
   * @throws what `send()` rejects with; UsageError also where the headers name no sender, or were written by who passed the
   *   message on (Resent-To).
   *
   * @example
   * await smtp.submit({ from: "alice@example.org", to: "bob@example.org", subject: "hello", text: "hello\n" });
   * await smtp.submit("message.eml");
   */
  async submit(message: MailDraft | Source, options: SendSubmitOptions = {}): Promise<SendResult> {
    return this.send(await toSend(message, options), options);
  }

  // --- single commands -------------------------------------------------------------------------------------------

  /** Greets again, and takes over what the server announces (EHLO, RFC 5321 §4.1.1.1; LHLO in LMTP). */
  async ehlo(name?: string, options: CallOptions = {}): Promise<Reply> {
    return this.run({ ...options, exclusive: true }, async (session, call) =>
      session.accept(await session.ehlo(name, call), this.#settings.lmtp ? "LHLO" : "EHLO"),
    );
  }

  /** Greets as before there were extensions: none is used from then on (HELO, RFC 5321 §4.1.1.1). */
  async helo(name?: string, options: CallOptions = {}): Promise<Reply> {
    return this.run({ ...options, exclusive: true }, async (session, call) =>
      session.accept(await session.helo(name, call), "HELO"),
    );
  }

  /**
   * Begins a message (MAIL, RFC 5321 §4.1.1.2).
   *
   * @param from `user@host`, or "" for nobody.
   * @throws UsageError for a parameter that the server does not announce; ReplyError.
   *
   * @example
   * await smtp.mail("alice@example.org", { body: "8bitmime", ret: "hdrs" });
   */
  async mail(from: string, parameters: MailParameters = {}, options: CallOptions = {}): Promise<Reply> {
    const path = checkSender(from);
    return this.run({ ...options, exclusive: true }, async (session, call) => {
      checkRequireTls(parameters, session.verified);
      const command = mailCommand(path, parameters, session.capabilities);
      if (!session.byHand && session.takeReset()) await session.send("RSET", call);
      session.takers = 0;
      session.mails++;
      const reply = await session.send(command, call);
      session.byHand = true;
      return reply;
    });
  }

  /** Names a recipient of the message (RCPT, RFC 5321 §4.1.1.3). Calls that overlap share round trips. */
  async rcpt(to: string, parameters: RcptParameters = {}, options: CallOptions = {}): Promise<Reply> {
    const path = parsePath(to, "the recipient");
    return this.run(options, async (session, call) => {
      const reply = await session.send(rcptCommand(path, parameters, session.capabilities), call);
      session.takers++;
      return reply;
    });
  }

  /**
   * Sends the message (DATA, RFC 5321 §4.1.1.4). Line ends that are not CR LF become it; dots are stuffed.
   *
   * @returns one reply; in LMTP one for each recipient that was taken, refusals among them.
   * @throws ReplyError where all are refusals; SinkError where the source fails: in the middle of it, the client is closed.
   *
   * @example
   * await smtp.data({ text: "Subject: hello\n\nhello\n" });
   */
  async data(source: Source, options: CallOptions = {}): Promise<readonly Reply[]> {
    const patience = options.timeout ?? this.#settings.acceptTimeout;
    return this.run({ ...options, exclusive: true }, (session, call) => data(session, source, patience, call));
  }

  /**
   * Sends a chunk of the message (BDAT, RFC 3030 §2). Its bytes go as they are: nothing is stuffed, no line end repaired.
   * Calls that overlap share round trips.
   *
   * @param how `last`: the message ends with this chunk.
   * @returns one reply; in LMTP, for the last chunk, one for each recipient that was taken.
   * @throws UsageError where the server does not announce CHUNKING; ReplyError where all are refusals.
   */
  async bdat(bytes: Uint8Array, how: CallOptions & { last?: boolean | undefined } = {}): Promise<readonly Reply[]> {
    const { last = false, ...options } = how;
    const patience = options.timeout ?? this.#settings.acceptTimeout;
    // In LMTP there are as many answers as recipients were taken: that must be known.
    return this.run({ ...options, exclusive: last && this.#settings.lmtp }, async (session) => {
      if (session.capabilities.has("CHUNKING")) return bdat(session, bytes, last, patience);
      throw new UsageError("the server does not announce CHUNKING, which bdat needs", { protocol: "smtp" });
    });
  }

  /** Gives up the message that was begun (RSET, RFC 5321 §4.1.1.5). */
  async rset(options: CallOptions = {}): Promise<Reply> {
    return this.run({ ...options, exclusive: true }, async (session, call) => {
      const reply = await session.send("RSET", call);
      session.takeReset();
      session.takers = 0;
      return reply;
    });
  }

  /** Asks whether there is such a mailbox (VRFY, RFC 5321 §4.1.1.6). Most servers do not tell: 252. */
  async vrfy(mailbox: string, options: CallOptions = {}): Promise<Reply> {
    return this.#ask(`VRFY ${mailbox}`, mailbox, options);
  }

  /** Asks who is on a list (EXPN, RFC 5321 §4.1.1.7): a line of the reply for each. */
  async expn(list: string, options: CallOptions = {}): Promise<Reply> {
    return this.#ask(`EXPN ${list}`, list, options);
  }

  /** The server's help, on a command where one is named (HELP, RFC 5321 §4.1.1.8). */
  async help(command?: string, options: CallOptions = {}): Promise<string> {
    const reply = await this.#ask(command === undefined ? "HELP" : `HELP ${command}`, "", options);
    return reply.text;
  }

  /** Asks the server to send what it keeps for a domain, to where its mail goes (ETRN, RFC 1985). */
  async etrn(domain: string, options: CallOptions = {}): Promise<Reply> {
    return this.run({ ...options, exclusive: true }, async (session, call) => {
      if (session.capabilities.has("ETRN")) return session.send(`ETRN ${domain}`, call);
      throw new UsageError("the server does not announce ETRN", { protocol: "smtp" });
    });
  }

  /** RFC 2920 §3.1: nothing is sent behind VRFY, EXPN and their like before the answer is there. */
  #ask(command: string, argument: string, options: CallOptions): Promise<Reply> {
    const utf8 = /[^\x00-\x7f]/.test(argument);
    return this.run({ ...options, exclusive: true }, (session, call) =>
      // RFC 6531 §3.7.4.2: the word asks for an answer in UTF-8, too.
      session.send(utf8 && session.capabilities.has("SMTPUTF8") ? `${command} SMTPUTF8` : command, call),
    );
  }

  /** Runs what is in the box, and what comes in meanwhile, as long as no other call waits. */
  #deliver(box: Outbox): void {
    this.#outbox = box;
    const close = () => {
      if (this.#outbox === box) this.#outbox = undefined;
    };
    const run = this.run({ exclusive: true }, async (session, call) => {
      call.contended = close;
      while (!box.empty) await new Delivery(session, new Supply(session, box)).run();
      close();
    });
    run.catch((error) => {
      close();
      box.refuse(error);
    });
  }
}
