/** Methods that read messages (RFC 9051 §6.4.4 and §6.4.5, RFC 5256): what to ask; session.ts knows how. */
import type { Rows } from "../client/rows.js";
import type { CallOptions } from "../client/session.js";
import type { Sink } from "../client/sink.js";
import type { Message } from "../message/message.js";
import { type ParseOptions, parseMessage } from "../message/parse.js";
import { givenRows, type RowsOwner } from "../net/rows.js";
import { checkReturns, esearch, type SearchOptions, type SearchReturn, search } from "./ask-search.js";
import { type FetchItem, type FetchOptions, fetchCommands, fetchRows, type MessageOptions, wantedBy } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";
import { isByNumber } from "./mailbox-argument.js";
import { MailboxClient } from "./mailbox-client.js";
import type { SearchCounts } from "./parse-search.js";
import { partialArgument } from "./partial.js";
import { checkUid, type RetrievedMessage, retrieveTo, type StoredMessage } from "./retrieve.js";
import { namesNumbers, type SearchQuery, searchPieces } from "./search.js";
import type { MessageSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import type { SortKey, Thread, ThreadAlgorithm } from "./sort.js";
import { sorted, threads } from "./sorted.js";

/** A part of ImapClient. */
export abstract class ReadingClient extends MailboxClient {
  /**
   * The messages that a query finds (SEARCH, RFC 9051 §6.4.4): their UIDs, or numbers, in the server's order.
   *
   * @param query Conditions, or text as IMAP writes it. Default: all messages. One line holds some thousand scattered UIDs.
   *
   * @example
   * const uids = await imap.search({ seen: false, since: new Date("2026-07-01"), or: [{ from: "bob" }, { to: "bob" }] });
   * const latest = await imap.search({ all: true }, { partial: [-1, -50] });
   */
  async search(query: SearchQuery | string = { all: true }, options: SearchOptions = {}): Promise<number[]> {
    // Checked here, as it may be sent later.
    searchPieces(query);
    if (options.partial) partialArgument(options.partial);
    return this.run({ ...options, exclusive: this.#isAlone(query, options) }, (session, call) =>
      search(session, searchPieces(query, session.utf8), options, call),
    );
  }

  /**
   * What is asked for of the messages that a query finds, instead of all of them (ESEARCH, RFC 4731).
   *
   * @param returns `COUNT`, `MIN`, `MAX`, `ALL`; `SAVE`: the set `"$"` means what was found from then on (RFC 5182).
   * @throws UsageError for `SAVE` at a server that cannot; the others are counted here where it cannot.
   *
   * @example
   * const { count } = await imap.esearch(["COUNT"], { seen: false });
   */
  async esearch(
    returns: readonly SearchReturn[],
    query: SearchQuery | string = { all: true },
    options: MessageOptions = {},
  ): Promise<SearchCounts> {
    checkReturns(returns);
    // Checked here, as it may be sent later.
    searchPieces(query);
    return this.run({ ...options, exclusive: this.#isAlone(query, options) }, (session, call) =>
      esearch(session, returns, searchPieces(query, session.utf8), options, call),
    );
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
    // Checked here, as it may be sent later.
    searchPieces(query);
    // What answers one of these does not say which.
    return this.run({ ...options, exclusive: true }, (session, call) =>
      sorted(session, keys, searchPieces(query, session.utf8), options.by, call),
    );
  }

  /** The same, as conversations (THREAD, RFC 5256): `THREAD=…` of the capabilities tells which algorithms there are. */
  async thread(
    algorithm: ThreadAlgorithm = "REFERENCES",
    query: SearchQuery | string = { all: true },
    options: MessageOptions = {},
  ): Promise<Thread[]> {
    // Checked here, as it may be sent later.
    searchPieces(query);
    return this.run({ ...options, exclusive: true }, (session, call) =>
      threads(session, algorithm, searchPieces(query, session.utf8), options.by, call),
    );
  }

  /**
   * What the server knows of messages (FETCH, RFC 9051 §6.4.5), row by row as it comes. What it was not asked for, and did
   * not tell, is undefined in a row. Messages that do not exist give no row, the others one each: flags that change meanwhile
   * are an event of `idle()` and `notify()`, or stand in the row where it is still to come.
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
    return givenRows<FetchData, ImapSession>(owner, isByNumber(options.by), (session, call, open) =>
      session.wanting(wanted, () => fetchRows(session, commands, wanted, options, call, open()), call),
    );
  }

  /**
   * One whole message, as a Buffer or to a sink (FETCH of BODY.PEEK[]); it is not marked as read. Calls that overlap share
   * commands, and round trips. A sink must not wait for another call of this client.
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
    checkUid(uid);
    if (options.to !== undefined) {
      return retrieveTo(uid, options.to, (to) => this.fetch(uid, "BODY.PEEK[]", { ...options, to }).toArray());
    }
    const content = await this.run(options, (session, call) => session.retrieval.ask(uid, call));
    return { id: uid, uid, content };
  }

  /** A message, read: headers decoded, text, attachments. Throws what `retrieve()` does, ProtocolError for what is no message. */
  async message(uid: number, options: CallOptions & ParseOptions = {}): Promise<Message> {
    const { content } = await this.retrieve(uid, { signal: options.signal, timeout: options.timeout });
    return parseMessage(content, options);
  }

  /** Of several searches in flight only ESEARCH tells which one it answers; and numbers may change behind other calls. */
  #isAlone(query: SearchQuery | string, { by }: MessageOptions): boolean {
    return isByNumber(by) || namesNumbers(query) || !this.has("ESEARCH");
  }
}
