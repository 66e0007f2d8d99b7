/** POP3's named methods (RFC 1939, 2449, 6856): what to ask; session.ts knows how. */
import { Client } from "../client/client.js";
import { AbortedError, PolywireError } from "../client/errors.js";
import { type ResolvedOptions, resolve, wholeNumber } from "../client/options.js";
import { Rows } from "../client/rows.js";
import type { Call, CallOptions, Reply } from "../client/session.js";
import type { Sink } from "../client/sink.js";
import type { Message } from "../message/message.js";
import { type ParseOptions, parseMessage } from "../message/parse.js";
import type { FetchedMessage, MessageReader, PassedMessage, SummaryOptions } from "../message/reader.js";
import { checkSpan, type MessageSpan } from "../message/span.js";
import type { MessageSummary } from "../message/summary.js";
import { orLetGo } from "../net/outlet.js";
import type { Pieces } from "../net/pieces.js";
import { type RowsOwner, rows } from "../net/rows.js";
import { openSink } from "../net/stream.js";
import type { LineRows } from "../wire/line-rows.js";
import {
  type AnnouncedMessage,
  type FetchNewOptions,
  fetchNew,
  type Mailbox,
  type NewMessage,
  type SeenUids,
  type StoredNewMessage,
} from "./fetch-new.js";
import { messageNumber, type RetrievedMessage, receiveMessage, type StoredMessage, storeMessage } from "./message.js";
import { type MessageOptions, POP3_NAMES, type Pop3Options, type Pop3Settings, resolvePop3 } from "./options.js";
import { SizeParser, UidParser } from "./parse-list.js";
import {
  type Language,
  type Maildrop,
  type MessageSize,
  type MessageUid,
  parseLanguages,
  parseSize,
  parseStat,
  parseUid,
} from "./parse-reply.js";
import { Pop3Session } from "./session.js";
import { giveSummaries, type Maildrop as SummarySource } from "./summaries.js";

/** Messages that `fetchNew` asks for ahead where the server pipelines, and their bytes: a loop that is left waits for them. */
const AHEAD = 256;
const AHEAD_BYTES = 8 * 1024 * 1024;

/**
 * A POP3 client, for fetching mail.
 *
 * @example
 * const pop3 = new Pop3Client({ host: "pop.example.org", credentials: { user: "alice", password } });
 * await pop3.connect();
 * await pop3.login();
 * for await (const { uid, content } of pop3.fetchNew(seen)) await keep(uid, content);
 * await pop3.quit();
 */
export class Pop3Client extends Client<Pop3Session> implements MessageReader {
  readonly #settings: Pop3Settings;
  readonly #given: Pop3Options;

  constructor(options: Pop3Options) {
    super(resolve("pop3", options, POP3_NAMES));
    this.#settings = resolvePop3(options);
    this.#given = options;
  }

  protected createSession(options: ResolvedOptions, onClose: (reason: PolywireError) => void): Pop3Session {
    return new Pop3Session(options, this.#settings, onClose);
  }

  /** Another client of the same options, not yet connected. Most servers give a mailbox to one session at a time. */
  clone(): Pop3Client {
    return new Pop3Client({ ...this.#given, credentials: this.accepted ?? this.#given.credentials });
  }

  /** True where the server announces the capability (RFC 2449 §6), e.g. `has("SASL", "PLAIN")`. */
  has(capability: string, argument?: string): boolean {
    const found = this.capabilities.get(capability.toUpperCase());
    if (found === undefined || argument === undefined) return found !== undefined;
    return found.some((each) => each.toUpperCase() === argument.toUpperCase());
  }

  // --- the mailbox -----------------------------------------------------------------------------------------------

  /** How many messages there are, and their size together (STAT, RFC 1939 §5). */
  async stat(options: CallOptions = {}): Promise<Maildrop> {
    return this.#ask("STAT", parseStat, options);
  }

  /**
   * The sizes of all messages, or of one (LIST, RFC 1939 §5). Messages that are marked as deleted are left out.
   *
   * @throws ReplyError where there is no such message.
   *
   * @example
   * for await (const { number, bytes } of pop3.list()) console.log(number, bytes);
   */
  list(number?: undefined, options?: CallOptions): Rows<MessageSize>;
  list(number: number, options?: CallOptions): Promise<MessageSize>;
  list(number?: number, options: CallOptions = {}): Rows<MessageSize> | Promise<MessageSize> {
    if (number !== undefined) return this.#askFor("LIST", number, parseSize, options);
    return this.#rows("LIST", (limits) => new SizeParser(limits), options);
  }

  /**
   * The unique ids of all messages, or of one (UIDL, RFC 1939 §7): the same in every session.
   *
   * @throws ReplyError where there is no such message, or where the server has no UIDL.
   *
   * @example
   * const uids = await pop3.uidl().toArray();
   */
  uidl(number?: undefined, options?: CallOptions): Rows<MessageUid>;
  uidl(number: number, options?: CallOptions): Promise<MessageUid>;
  uidl(number?: number, options: CallOptions = {}): Rows<MessageUid> | Promise<MessageUid> {
    if (number !== undefined) return this.#askFor("UIDL", number, parseUid, options);
    return this.#rows("UIDL", (limits) => new UidParser(limits), options);
  }

  // --- messages --------------------------------------------------------------------------------------------------

  /**
   * A message: as a Buffer, or to a sink (RETR, RFC 1939 §5). Calls that overlap share round trips where the server
   * pipelines. A sink must not wait for another call of this client.
   *
   * @throws ReplyError where there is no such message; ProtocolError where it is larger than `limits.body`; SinkError.
   *
   * @example
   * const { content } = await pop3.retr(1);
   * await pop3.retr(2, { to: "message.eml" });
   */
  retr(number: number, options?: MessageOptions & { to?: undefined }): Promise<RetrievedMessage>;
  retr(number: number, options: MessageOptions & { to: Sink }): Promise<StoredMessage>;
  // Not async, as thousands of calls may be made at once: each promise counts.
  retr(number: number, options: MessageOptions = {}): Promise<RetrievedMessage | StoredMessage> {
    try {
      return this.#message(`RETR ${messageNumber(number)}`, number, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The headers of a message and the first lines of its body (TOP, RFC 1939 §7), as `retr` gives the whole.
   *
   * @param lines Lines of the body; 0 for the headers alone.
   * @throws ReplyError where there is no such message, or where the server has no TOP; ProtocolError; SinkError.
   */
  top(number: number, lines: number, options?: MessageOptions & { to?: undefined }): Promise<RetrievedMessage>;
  top(number: number, lines: number, options: MessageOptions & { to: Sink }): Promise<StoredMessage>;
  async top(number: number, lines: number, options: MessageOptions = {}): Promise<RetrievedMessage | StoredMessage> {
    return this.#message(`TOP ${messageNumber(number)} ${wholeNumber("lines", lines, 0)}`, number, options);
  }

  /**
   * What there is, as all readers tell it: number, unique id, size and headers (LIST, UIDL, and TOP for each message, many
   * at once where the server pipelines). Calls inside the loop have their turn between the others; leaving it waits for
   * what was asked for already.
   *
   * `uid` is undefined where the server has no UIDL. Messages that are marked as deleted are left out.
   *
   * @param span Default: all.
   * @throws in the loop: ReplyError where the server has no TOP, or does not give a message; ProtocolError, ConnectionError.
   *
   * @example
   * for await (const { id, headers } of pop3.messages({ newest: 10 })) console.log(id, headers.get("subject"));
   */
  messages(span: MessageSpan = "all", options: SummaryOptions = {}): Rows<MessageSummary<string>> {
    const checked = checkSpan(span);
    return new Rows(async (feed) => giveSummaries(this.#summarySource(options), checked, feed));
  }

  /** A message, as all readers give it: what `retr()` does, by the `id` of a summary, which is the number here. */
  retrieve(id: number, options?: CallOptions & { to?: undefined }): Promise<FetchedMessage>;
  retrieve(id: number, options: CallOptions & { to: Sink }): Promise<PassedMessage>;
  async retrieve(id: number, options: MessageOptions = {}): Promise<FetchedMessage | PassedMessage> {
    const { to, ...call } = options;
    if (to === undefined) return { id, content: (await this.retr(id, call)).content };
    return { id, bytes: (await this.retr(id, { ...call, to })).bytes };
  }

  /**
   * A message, read: headers decoded, text, attachments.
   *
   * @throws what `retr()` rejects with; ProtocolError for what cannot be read as a message: the client goes on.
   *
   * @example
   * const { subject, text, attachments } = await pop3.message(1);
   */
  async message(number: number, options: CallOptions & ParseOptions = {}): Promise<Message> {
    const { content } = await this.retr(number, { signal: options.signal, timeout: options.timeout });
    return parseMessage(content, options);
  }

  /**
   * The messages whose unique id is not in `seen`, in the mailbox's order; several are asked for ahead where the server
   * pipelines. Nothing is marked or deleted: what has not been added to `seen` comes again the next time, so that a
   * loop which was left, or broke off, is simply repeated. Calls inside the loop wait for what was asked for ahead; leave
   * the loop before `quit()` or `commit()`, behind which nothing more can be asked for.
   *
   * An id is asked for once, at the beginning. Messages that share one are all given, and so is one without an id
   * (`uid` is empty then).
   *
   * @param seen A Set, or an object with `has(uid)`.
   * @throws in the loop: UsageError where the server has no UIDL; ReplyError for a message that it does not give, unless
   *   `refused` is there to be told; ProtocolError, ConnectionError, SinkError.
   *
   * @example
   * for await (const { number, uid, content } of pop3.fetchNew(seen)) {
   *   await writeFile(nameFor(uid), content);
   *   seen.add(uid);
   * }
   */
  fetchNew(
    seen: SeenUids,
    options?: FetchNewOptions & { to?: undefined },
  ): AsyncIterableIterator<NewMessage, void, undefined>;
  fetchNew(
    seen: SeenUids,
    options: FetchNewOptions & { to: (message: AnnouncedMessage) => Sink },
  ): AsyncIterableIterator<StoredNewMessage, void, undefined>;
  fetchNew(
    seen: SeenUids,
    options: FetchNewOptions = {},
  ): AsyncIterableIterator<NewMessage | StoredNewMessage, void, undefined> {
    return fetchNew(this.#mailbox(options), seen, options.refused);
  }

  // --- deleting --------------------------------------------------------------------------------------------------

  /**
   * Marks a message as deleted (DELE, RFC 1939 §5). It is removed by `quit()` or `commit()`, and stays where the
   * connection ends in any other way.
   */
  async dele(number: number, options: CallOptions = {}): Promise<void> {
    const command = `DELE ${messageNumber(number)}`;
    return this.run(options, async (session, { timeout }) => void (await session.send(command, { timeout })));
  }

  /** Takes back every `dele()` of this session (RSET, RFC 1939 §5). */
  async rset(options: CallOptions = {}): Promise<void> {
    return this.run(options, async (session, { timeout }) => void (await session.send("RSET", { timeout })));
  }

  /**
   * Says QUIT, by which the server removes what `dele()` marked (RFC 1939 §6), and hangs up. Unlike `quit()` it tells
   * whether that was done, and waits for it as long as for any command.
   *
   * @throws ReplyError where not all could be removed; ConnectionError where the answer was lost: it may be done, or not.
   *   The client is closed in any case.
   *
   * @example
   * await pop3.dele(1);
   * await pop3.commit();
   */
  async commit(options: CallOptions = {}): Promise<void> {
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      try {
        await session.send("QUIT", { timeout });
      } catch (error) {
        if (error instanceof PolywireError) error.clientUsable = false;
        throw error;
      } finally {
        this.close(new AbortedError("the client has quit"));
      }
    });
  }

  /**
   * Says QUIT behind the calls already made, by which the server removes what `dele()` marked (RFC 1939 §6), and hangs
   * up. It waits `timeouts.quit` for the answer, and never rejects: `commit()` tells what became of the deletions.
   */
  override quit(): Promise<void> {
    return super.quit();
  }

  /** Hangs up now, without QUIT: no message is removed. Every call that is pending rejects with the reason. */
  override close(reason?: Error): void {
    super.close(reason);
  }

  // --- languages -------------------------------------------------------------------------------------------------

  /**
   * The languages that the server speaks, or the choice of one (LANG, RFC 6856 §3); before a login, too.
   *
   * @param tag A language tag; `*` for the server's choice.
   * @returns the languages; or the tag of the one that is in use now.
   */
  lang(tag?: undefined, options?: CallOptions): Promise<Language[]>;
  lang(tag: string, options?: CallOptions): Promise<string>;
  async lang(tag?: string, options: CallOptions = {}): Promise<Language[] | string> {
    if (tag === undefined) return parseLanguages((await this.request("LANG", options)).body as Buffer);
    const { text } = await this.request(`LANG ${tag}`, options);
    return text.trim().split(/\s/)[0] || tag;
  }

  /** From here on names, passwords and headers may be UTF-8 (UTF8, RFC 6856 §2): to be called before `login()`. */
  async utf8(options: CallOptions = {}): Promise<void> {
    await this.request("UTF8", options);
  }

  // ---------------------------------------------------------------------------------------------------------------

  #message(command: string, number: number, options: MessageOptions): Promise<RetrievedMessage | StoredMessage> {
    const { to } = options;
    if (to === undefined) return this.run(options, (session, call) => receiveMessage(session, command, number, call));
    const opening = openSink(to);
    const stored = this.run(options, (session, call) => storeMessage(session, command, number, opening, call));
    return orLetGo(opening, stored);
  }

  /** Asks about one message. An answer about another one is not understood: replies are out of step then. */
  async #askFor<T extends { number: number }>(
    verb: string,
    number: number,
    parse: (text: string) => T | undefined,
    options: CallOptions,
  ) {
    const parseOwn = (text: string) => {
      const value = parse(text);
      return value?.number === number ? value : undefined;
    };
    return this.#ask(`${verb} ${messageNumber(number)}`, parseOwn, options);
  }

  #ask<T>(command: string, parse: (text: string) => T | undefined, options: CallOptions): Promise<T> {
    return this.run(options, async (session, { timeout }) => {
      const reply: Reply = await session.send(command, { timeout });
      const value = parse(reply.text);
      if (value === undefined) throw session.unreadable(command, reply);
      return value;
    });
  }

  #rows<T>(command: string, parser: (limits: ResolvedOptions["limits"]) => LineRows<T>, options: CallOptions): Rows<T> {
    const owner: RowsOwner<Pop3Session> = {
      run: (alone, body) => this.run({ ...options, exclusive: alone }, body),
      refuse: (reason) => this.refuseWaiting(reason),
    };
    return rows(owner, {
      ask: (session, body) => session.sendForBody(command, body),
      parser: (session) => parser(session.options.limits),
    });
  }

  #summarySource({ signal, timeout }: CallOptions): SummarySource {
    const call = { signal, timeout };
    const { body, readAhead } = this.options.limits;
    const top = async (number: number, pieces: Pieces) => {
      const ask = (session: Pop3Session, turn: Call) =>
        receiveMessage(session, `TOP ${number} 0`, number, turn, pieces);
      return (await this.run(call, ask)).content;
    };
    return {
      sizes: async (number) => (number ? [await this.list(number, call)] : this.list(undefined, call).toArray()),
      uids: async (number) => (number ? [await this.uidl(number, call)] : this.uidl(undefined, call).toArray()),
      top,
      limits: { body, readAhead: Math.min(readAhead, AHEAD_BYTES) },
      ahead: Math.max(Math.min(AHEAD, this.session.depth), 2),
    };
  }

  #mailbox(options: FetchNewOptions): Mailbox<NewMessage | StoredNewMessage> {
    const { signal, timeout, to } = options;
    const call = { signal, timeout };
    const most = wholeNumber("ahead", options.ahead ?? AHEAD, 1, 10_000);
    const { body, readAhead } = this.options.limits;
    const depth = () => this.session.depth;
    const fetch = async (message: AnnouncedMessage, pieces: Parameters<Mailbox<never>["fetch"]>[1]) => {
      const { number, uid } = message;
      if (to) return { uid, ...(await this.retr(number, { ...call, to: to(message) })) };
      const command = `RETR ${messageNumber(number)}`;
      const body = (session: Pop3Session, turn: Call) => receiveMessage(session, command, number, turn, pieces);
      return { uid, ...(await this.run(call, body)) };
    };
    return {
      uids: () => this.uidl(undefined, call).toArray(),
      sizes: () => this.list(undefined, call).toArray(),
      fetch,
      limits: { body, readAhead: Math.min(readAhead, AHEAD_BYTES) },
      get ahead() {
        return Math.min(most, Math.max(depth(), 2));
      },
    };
  }
}
