/** IMAP's named methods (RFC 9051, 3501 and their extensions): what to ask; session.ts knows how. */
import type { PolywireError } from "../client/errors.js";
import { type ResolvedOptions, resolve } from "../client/options.js";
import { Rows } from "../client/rows.js";
import type { CallOptions, RequestOptions } from "../client/session.js";
import type { Sink, Source } from "../client/sink.js";
import type { Message } from "../message/message.js";
import { type ParseOptions, parseMessage } from "../message/parse.js";
import { givenRows, type RowsOwner } from "../net/rows.js";
import {
  type Appended,
  type AppendOptions,
  append,
  appendBatch,
  appendWords,
  batches,
  isInMemory,
  literalOf,
  type NewMessage,
  readLiteral,
} from "./append.js";
import { search } from "./ask-search.js";
import {
  type Copied,
  copiedBy,
  copyCommand,
  type StoreAction,
  type Stored,
  type StoreOptions,
  store,
} from "./change.js";
import { type FetchItem, type FetchOptions, fetchCommands, fetchRows, type MessageOptions, wantedBy } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";
import { type IdleOptions, Watch } from "./idle.js";
import type { MailboxEvent } from "./mailbox.js";
import { MailboxClient } from "./mailbox-client.js";
import { type ImapOptions, type ImapSettings, resolveImap } from "./options.js";
import type { ImapReply } from "./reply.js";
import { type RetrievedMessage, retrieve, type StoredMessage } from "./retrieve.js";
import { type SearchQuery, searchPieces } from "./search.js";
import { formatSet, type MessageSet } from "./sequence-set.js";
import { ImapSession } from "./session.js";
import type { SortKey, Thread, ThreadAlgorithm } from "./sort.js";
import { sorted, threads } from "./sorted.js";

/** What a row of two numbers takes in memory, in bytes, about. */
const ROW = 100;

/**
 * An IMAP client, for mailboxes that stay on their server.
 *
 * @example
 * const imap = new ImapClient({ host: "imap.example.org", credentials: { user: "alice", password } });
 * await imap.connect();
 * await imap.login();
 * await imap.select("INBOX");
 * for await (const { uid, envelope } of imap.fetch("1:*", ["ENVELOPE"])) console.log(uid, envelope?.subject);
 * await imap.quit();
 */
export class ImapClient extends MailboxClient {
  readonly #settings: ImapSettings;
  readonly #given: ImapOptions;

  constructor(options: ImapOptions) {
    super(resolve("imap", options));
    this.#settings = resolveImap(options);
    this.#given = options;
  }

  protected createSession(options: ResolvedOptions, onClose: (reason: PolywireError) => void): ImapSession {
    return new ImapSession(options, this.#settings, onClose);
  }

  /** Another client of the same options, not yet connected: for a second connection to the same server. */
  clone(): ImapClient {
    return new ImapClient({ ...this.#given, credentials: this.accepted ?? this.#given.credentials });
  }

  /**
   * Sends any command that one line can hold.
   * @returns its typed reply: what came untagged meanwhile is in `responses`, parsed, and in `lines`.
   * @throws UsageError for a command that cannot be sent so, ReplyError for a refusal (unless `expect: "any"`).
   *
   * @example
   * const { responses } = await imap.request("GETQUOTAROOT INBOX");
   */
  override request(command: string, options: RequestOptions = {}): Promise<ImapReply> {
    // The session gives nothing else.
    return super.request(command, options) as Promise<ImapReply>;
  }

  // --- messages --------------------------------------------------------------------------------------------------

  /**
   * The messages that a query finds (SEARCH, RFC 9051 §6.4.4): their UIDs, or numbers, in the server's order.
   *
   * @param query Conditions, or text as IMAP writes it. Default: all messages.
   *
   * @example
   * const uids = await imap.search({ seen: false, since: new Date("2026-07-01"), or: [{ from: "bob" }, { to: "bob" }] });
   */
  async search(query: SearchQuery | string = { all: true }, options: MessageOptions = {}): Promise<number[]> {
    const pieces = searchPieces(query);
    // Of several that are in flight only ESEARCH tells which one it answers.
    const exclusive = options.by === "number" || !(this.has("ESEARCH") || this.has("IMAP4REV2"));
    return this.run({ ...options, exclusive }, (session, call) => search(session, pieces, options.by, call));
  }

  /**
   * The same, sorted by the server (SORT, RFC 5256).
   *
   * @param keys By the first one, where that is equal by the second: `["-date", "subject"]`; `-` turns the order round.
   */
  async sort(
    keys: readonly SortKey[],
    query: SearchQuery | string = { all: true },
    options: MessageOptions = {},
  ): Promise<number[]> {
    const pieces = searchPieces(query);
    // What answers one of these does not say which.
    return this.run({ ...options, exclusive: true }, (session, call) =>
      sorted(session, keys, pieces, options.by, call),
    );
  }

  /** The same, as conversations (THREAD, RFC 5256): `THREAD=…` of the capabilities tells which algorithms there are. */
  async thread(
    algorithm: ThreadAlgorithm = "REFERENCES",
    query: SearchQuery | string = { all: true },
    options: MessageOptions = {},
  ): Promise<Thread[]> {
    const pieces = searchPieces(query);
    return this.run({ ...options, exclusive: true }, (session, call) =>
      threads(session, algorithm, pieces, options.by, call),
    );
  }

  /**
   * What the server knows of messages (FETCH, RFC 9051 §6.4.5), row by row as it comes. What it was not asked for, and did
   * not tell, is undefined in a row. Messages that do not exist give no row.
   *
   * @param set UIDs (`"1:*"` is all), or numbers with `by: "number"`.
   * @param items e.g. `["FLAGS", "ENVELOPE"]`, `["BODY.PEEK[]"]`. The UID is told in any case where UIDs are asked for.
   * @throws in the loop: ReplyError, ProtocolError, ConnectionError, SinkError.
   *
   * @example
   * for await (const batch of imap.fetch("1:*", ["FLAGS", "RFC822.SIZE"]).batches()) for (const { size } of batch) add(size);
   * await imap.fetch([7, 9], ["BODY.PEEK[]"], { to: ({ uid }) => `${uid}.eml` }).toArray();
   */
  fetch(set: MessageSet, items: FetchItem | readonly FetchItem[], options: FetchOptions = {}): Rows<FetchData> {
    const commands = fetchCommands(set, items, options);
    const wanted = wantedBy(set, items, options);
    const owner: RowsOwner<ImapSession> = {
      run: (alone, body) => this.run({ ...options, exclusive: alone }, body),
      refuse: (reason) => this.refuseWaiting(reason),
    };
    return givenRows<FetchData, ImapSession>(owner, options.by === "number", (session, call, open) =>
      session.wanting(wanted, () => fetchRows(session, commands, wanted, options, call, open())),
    );
  }

  /**
   * One whole message, as a Buffer or to a sink (FETCH of BODY.PEEK[]); it is not marked as read. Calls that overlap share
   * round trips. A sink must not wait for another call of this client.
   *
   * @throws ReplyError where there is no such message; ProtocolError where it is larger than `limits.body`; SinkError.
   *
   * @example
   * const { content } = await imap.retrieve(4711);
   * await imap.retrieve(4712, { to: "message.eml" });
   */
  retrieve(uid: number, options?: CallOptions & { to?: undefined }): Promise<RetrievedMessage>;
  retrieve(uid: number, options: CallOptions & { to: Sink }): Promise<StoredMessage>;
  async retrieve(
    uid: number,
    options: CallOptions & { to?: Sink | undefined } = {},
  ): Promise<RetrievedMessage | StoredMessage> {
    return retrieve(uid, options.to, (to) => this.fetch(uid, "BODY.PEEK[]", { ...options, to }).toArray());
  }

  /** A message, read: headers decoded, text, attachments. Throws what `retrieve()` does, ProtocolError for what is no message. */
  async message(uid: number, options: CallOptions & ParseOptions = {}): Promise<Message> {
    const { content } = await this.retrieve(uid, { signal: options.signal, timeout: options.timeout });
    return parseMessage(content, options);
  }

  /**
   * Changes flags (STORE, RFC 9051 §6.4.6).
   *
   * @param action `"+FLAGS"` adds, `"-FLAGS"` takes away, `"FLAGS"` replaces; `.SILENT` behind it: the new ones are not told.
   * @returns the new flags, as the server told them, and what was left alone because of `unchangedSince`.
   *
   * @example
   * await imap.store([7, 9], "+FLAGS.SILENT", ["\\Seen"]);
   */
  async store(
    set: MessageSet,
    action: StoreAction,
    flags: readonly string[],
    options: StoreOptions = {},
  ): Promise<Stored> {
    return this.run({ ...options, exclusive: options.by === "number" }, (session, call) =>
      store(session, set, action, flags, options, call),
    );
  }

  /**
   * Copies messages into another mailbox (COPY, RFC 9051 §6.4.7).
   *
   * @returns their UIDs there, where the server tells them (UIDPLUS).
   * @throws ReplyError; its `enhanced` is `TRYCREATE` where the mailbox could be made first.
   */
  async copy(set: MessageSet, mailbox: string, options: MessageOptions = {}): Promise<Copied | undefined> {
    return this.#copy("COPY", set, mailbox, options);
  }

  /** Moves messages into another mailbox (MOVE, RFC 6851), as `copy()` copies them. */
  async move(set: MessageSet, mailbox: string, options: MessageOptions = {}): Promise<Copied | undefined> {
    return this.#copy("MOVE", set, mailbox, options);
  }

  /**
   * Puts a message into a mailbox (APPEND, RFC 9051 §6.3.12). Lines are ended by CR LF on the way. Calls that overlap share
   * round trips where the messages are in memory; a file has the connection alone.
   *
   * @returns its UID there, where the server tells it (UIDPLUS).
   * @throws ReplyError; its `enhanced` is `TRYCREATE` where the mailbox could be made first, `TOOBIG`, `OVERQUOTA`. SinkError
   *   for a source that cannot be read: once it has begun to be sent, the client is closed.
   *
   * @example
   * await imap.append("Sent", { text: message }, { flags: ["\\Seen"], date: new Date() });
   */
  async append(mailbox: string, message: Source, options: AppendOptions = {}): Promise<Appended> {
    const words = appendWords(options);
    // Messages keep the order of their calls: those that must be read first have the connection alone.
    const ready = isInMemory(message) ? literalOf(message) : undefined;
    return this.run({ ...options, exclusive: ready === undefined }, async (session, call) => {
      const literal = ready ?? (await readLiteral(message, this.options.limits.body));
      const [appended] = await append(session, mailbox, [{ words, literal }], call);
      return appended as Appended;
    });
  }

  /**
   * Puts many messages into a mailbox, a hundred or 4 MiB in one command (MULTIAPPEND, RFC 3502: all of these or none), or
   * one by one in one write where the server cannot. Gives a row for each message that is in, in their order; other calls
   * have their turn between two commands.
   *
   * @throws in the loop: what `append()` rejects with; the rows before it tell what is in.
   *
   * @example
   * await imap.appendAll("Archive", files.map((content) => ({ content, flags: ["\\Seen"] }))).toArray();
   */
  appendAll(
    mailbox: string,
    messages: Iterable<NewMessage> | AsyncIterable<NewMessage>,
    options: CallOptions = {},
  ): Rows<Appended> {
    return new Rows<Appended>(async (feed) => {
      let left = false;
      let room: (() => void) | undefined;
      feed.cancel = () => {
        left = true;
        room?.();
      };
      feed.resume = () => room?.();
      for await (const batch of batches(messages, this.options.limits.body)) {
        const rows = await this.run({ ...options, exclusive: true }, (session, call) =>
          appendBatch(session, mailbox, batch, call),
        );
        // Room is waited for where no call is running: those of the loop have their turn.
        if (!feed.push(rows, rows.length * ROW) && !left) await new Promise<void>((resolve) => (room = resolve));
        if (left) break;
      }
    });
  }

  /**
   * Removes the messages that have `\Deleted` (EXPUNGE, RFC 9051 §6.4.3): all, or among these UIDs only (UIDPLUS, RFC 4315).
   */
  async expunge(uids?: MessageSet, options: CallOptions = {}): Promise<void> {
    const command = uids === undefined ? "EXPUNGE" : `UID EXPUNGE ${formatSet(uids)}`;
    // It takes what other calls in flight are about to mark.
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      await session.send(command, { timeout });
    });
  }

  /**
   * What happens in the selected mailbox, as it happens (IDLE, RFC 2177; by NOOP where the server has none). It ends when the
   * loop is left. Other calls may be made at any time, inside the loop too: IDLE is broken off for them, and begun again.
   *
   * @throws in the loop: ReplyError, ConnectionError; AbortedError where the signal fired, which leaves the client usable.
   *
   * @example
   * for await (const event of imap.idle()) if (event.type === "exists") await fetchNew();
   */
  idle(options: IdleOptions = {}): Rows<MailboxEvent> {
    return new Rows<MailboxEvent>(async (feed) => {
      const watch = new Watch(feed, options);
      try {
        while (!watch.left) {
          await this.run({ ...options, exclusive: true }, (session, call) => watch.round(session, call));
        }
      } finally {
        watch.end();
      }
    });
  }

  // ---------------------------------------------------------------------------------------------------------------

  async #copy(
    verb: "COPY" | "MOVE",
    set: MessageSet,
    mailbox: string,
    options: MessageOptions,
  ): Promise<Copied | undefined> {
    return this.run(
      { ...options, exclusive: verb === "MOVE" || options.by === "number" },
      async (session, { timeout }) => {
        const command = copyCommand(verb, set, mailbox, options.by, session.utf8);
        return copiedBy(session, command, timeout);
      },
    );
  }
}
