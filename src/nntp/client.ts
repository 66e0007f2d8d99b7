/** NNTP's named methods (RFC 3977, 4642, 4643, 4644, 6048): what to ask; session.ts knows how. */
import { Client, type RunOptions } from "../client/client.js";
import { resolveCredentials } from "../client/credentials.js";
import { type PolywireError, UsageError } from "../client/errors.js";
import { type ResolvedOptions, resolve } from "../client/options.js";
import { Rows } from "../client/rows.js";
import type { CallOptions, Reply } from "../client/session.js";
import type { Sink, Source } from "../client/sink.js";
import type { ArticleInput } from "../message/compose.js";
import type { Message } from "../message/message.js";
import { type ParseOptions, parseMessage } from "../message/parse.js";
import type { FetchedMessage, MessageReader, PassedMessage, SummaryOptions } from "../message/reader.js";
import { checkSpan, type MessageSpan } from "../message/span.js";
import type { MessageSummary } from "../message/summary.js";
import type { MailDraft, MessageWriter } from "../message/writer.js";
import { Gate } from "../net/gate.js";
import { orLetGo } from "../net/outlet.js";
import { type RowsOwner, type RowsPlan, rows } from "../net/rows.js";
import { openSink } from "../net/stream.js";
import { type Article, named, receiveArticle, type StoredArticle, storeArticle } from "./article.js";
import { askOverview, askRows, emptyFor } from "./ask-overview.js";
import {
  type ArticleId,
  type ArticleOptions,
  type ArticleRange,
  NNTP_NAMES,
  type NntpOptions,
  type NntpSettings,
  resolveNntp,
} from "./options.js";
import type { Overview } from "./overview.js";
import {
  HdrParser,
  type HeaderField,
  isListKeyword,
  type ListKeyword,
  ListParser,
  type Lists,
  NumberParser,
  TextParser,
} from "./parse-list.js";
import { type ArticleName, formatSince, type NewsGroup, parseGroup, parseServerDate } from "./parse-reply.js";
import { check, ihave, type Posted, post, takethis, type Wanted } from "./post.js";
import { formatId, formatRange, messageId, word } from "./range.js";
import { NntpSession } from "./session.js";
import { toPost } from "./submit.js";
import { giveSummaries } from "./summaries.js";

/**
 * An NNTP client, for reading and posting news.
 *
 * @example
 * const nntp = new NntpClient({ host: "news.example.org", credentials: { user: "alice", password } });
 * await nntp.connect();
 * await nntp.login();
 * const { high } = await nntp.group("comp.lang.python");
 * for await (const row of nntp.over([high - 99, high])) console.log(row.number, row.subject);
 * await nntp.quit();
 */
export class NntpClient extends Client<NntpSession> implements MessageReader, MessageWriter {
  readonly #settings: NntpSettings;
  readonly #given: NntpOptions;

  constructor(options: NntpOptions) {
    super(resolve("nntp", options, NNTP_NAMES));
    this.#settings = resolveNntp(options);
    this.#given = options;
  }

  protected createSession(options: ResolvedOptions, onClose: (reason: PolywireError) => void): NntpSession {
    const { protocol, host, port } = options;
    const credentials = async () =>
      this.accepted ?? (await resolveCredentials(options.credentials, { protocol, host, port }));
    return new NntpSession(options, this.#settings, credentials, onClose);
  }

  /** Another client of the same options, not yet connected: for a second connection to the same server. */
  clone(): NntpClient {
    return new NntpClient({ ...this.#given, credentials: this.accepted ?? this.#given.credentials });
  }

  /** True where the server announces the capability (RFC 3977 §3.3), e.g. `has("LIST", "COUNTS")`. */
  has(capability: string, argument?: string): boolean {
    const found = this.capabilities.get(capability.toUpperCase());
    return found !== undefined && (argument === undefined || found.includes(argument.toUpperCase()));
  }

  /** True where the server said that posting is allowed. Throws UsageError before `connect()`. */
  get posting(): boolean {
    return this.session.posting;
  }

  // --- groups ----------------------------------------------------------------------------------------------------

  /** Selects a newsgroup (GROUP, RFC 3977 §6.1.1). */
  async group(name: string, options: CallOptions = {}): Promise<NewsGroup> {
    const command = `GROUP ${word("a newsgroup", name)}`;
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      const reply = await session.send(command, { timeout });
      return parseGroup(reply.text, name) ?? unreadable(session, command, reply);
    });
  }

  /** Selects a newsgroup, and gives the numbers of its articles (LISTGROUP, RFC 3977 §6.1.2). */
  listgroup(name?: string, range?: ArticleRange, options: CallOptions = {}): Rows<number> {
    if (name === undefined && range !== undefined) throw new UsageError("listgroup wants a newsgroup for its range");
    const asked = range === undefined ? "" : ` ${formatRange(range)}`;
    const command = name === undefined ? "LISTGROUP" : `LISTGROUP ${word("a newsgroup", name)}${asked}`;
    return this.#rows(options, {
      ask: (session, body) => session.sendForBody(command, body),
      parser: ({ options }) => new NumberParser(options.limits.line),
      // It selects a group: a repeat behind a login would change the order of calls in flight.
      alone: true,
    });
  }

  // --- overviews -------------------------------------------------------------------------------------------------

  /**
   * Rows of the overview (OVER, RFC 3977 §8.3; XOVER where the server has only that): of a range of the selected group,
   * of one message-id, or of the current article. None where the range has no article. A row that breaks the format is
   * given, too, and says so (`broken`).
   *
   * @throws in the loop: ReplyError where no group is selected; ProtocolError, ConnectionError.
   *
   * @example
   * for await (const batch of nntp.over([1, 100_000]).batches()) for (const { subject } of batch) count(subject);
   */
  over(range?: ArticleRange, options: CallOptions = {}): Rows<Overview> {
    const asked = range === undefined ? undefined : formatRange(range);
    return this.#rows(options, askOverview(asked));
  }

  /**
   * One header field of many articles (HDR, RFC 3977 §8.5; XHDR where the server has only that): also `:bytes` and
   * `:lines`.
   *
   * @example
   * const subjects = await nntp.hdr("Subject", [high - 9, high]).toArray();
   */
  hdr(field: string, range?: ArticleRange, options: CallOptions = {}): Rows<HeaderField> {
    const asked = range === undefined ? undefined : formatRange(range);
    const args = ` ${word("a header", field)}${asked === undefined ? "" : ` ${asked}`}`;
    return this.#rows(options, {
      ask: (session, body) => askRows(session, ["XZHDR", "HDR", "XHDR"], args, body),
      parser: ({ options }) => new HdrParser(options.limits.line),
      empty: emptyFor(asked),
    });
  }

  /** The articles whose header field matches a wildmat (XPAT, RFC 2980 §2.9). */
  xpat(field: string, range: ArticleRange, pattern: string, options: CallOptions = {}): Rows<HeaderField> {
    const asked = formatRange(range);
    const command = `XPAT ${word("a header", field)} ${asked} ${pattern}`;
    return this.#rows(options, {
      ask: (session, body) => session.sendForBody(command, body),
      parser: ({ options }) => new HdrParser(options.limits.line),
      empty: emptyFor(asked),
    });
  }

  // --- articles --------------------------------------------------------------------------------------------------

  /**
   * An article: as a Buffer, or to a sink (ARTICLE, RFC 3977 §6.2.1). Calls that overlap share round trips. A sink must
   * not wait for another call of this client.
   *
   * @throws ReplyError (423, 430) where there is none; ProtocolError where it is larger than `limits.body`; SinkError.
   *
   * @example
   * const { content } = await nntp.article("<45223423@example.com>");
   * await nntp.article(3000234, { to: "article.eml" });
   */
  article(id?: ArticleId, options?: ArticleOptions & { to?: undefined }): Promise<Article>;
  article(id: ArticleId | undefined, options: ArticleOptions & { to: Sink }): Promise<StoredArticle>;
  async article(id?: ArticleId, options: ArticleOptions = {}): Promise<Article | StoredArticle> {
    return this.#article("ARTICLE", id, options);
  }

  /**
   * An article read as a message: headers decoded, text, attachments.
   *
   * @throws what `article()` rejects with; ProtocolError for what cannot be read as a message: the client goes on.
   *
   * @example
   * const { subject, text, attachments } = await nntp.message("<45223423@example.com>");
   */
  async message(id?: ArticleId, options: CallOptions & ParseOptions = {}): Promise<Message> {
    const { content } = await this.article(id, { signal: options.signal, timeout: options.timeout });
    return parseMessage(content, options);
  }

  /** The headers of an article (HEAD, RFC 3977 §6.2.2). */
  head(id?: ArticleId, options?: ArticleOptions & { to?: undefined }): Promise<Article>;
  head(id: ArticleId | undefined, options: ArticleOptions & { to: Sink }): Promise<StoredArticle>;
  async head(id?: ArticleId, options: ArticleOptions = {}): Promise<Article | StoredArticle> {
    return this.#article("HEAD", id, options);
  }

  /** The body of an article (BODY, RFC 3977 §6.2.3). */
  body(id?: ArticleId, options?: ArticleOptions & { to?: undefined }): Promise<Article>;
  body(id: ArticleId | undefined, options: ArticleOptions & { to: Sink }): Promise<StoredArticle>;
  async body(id?: ArticleId, options: ArticleOptions = {}): Promise<Article | StoredArticle> {
    return this.#article("BODY", id, options);
  }

  /** Whether an article is there, and what it is called (STAT, RFC 3977 §6.2.4). */
  async stat(id?: ArticleId, options: CallOptions = {}): Promise<ArticleName> {
    return this.#named(id === undefined ? "STAT" : `STAT ${formatId(id)}`, options);
  }

  /** Makes the next article of the group the current one (NEXT, RFC 3977 §6.1.4). */
  async next(options: CallOptions = {}): Promise<ArticleName> {
    return this.#named("NEXT", { ...options, exclusive: true });
  }

  /** Makes the previous article of the group the current one (LAST, RFC 3977 §6.1.3). */
  async last(options: CallOptions = {}): Promise<ArticleName> {
    return this.#named("LAST", { ...options, exclusive: true });
  }

  // --- as in mail ------------------------------------------------------------------------------------------------

  /**
   * What there is in the selected group, as all readers tell it: number, message-id, size and headers. They are those of the
   * overview (OVER; From, Subject, Date, Message-ID, References, and what the server keeps besides), or with `wholeHeaders`
   * all there are (HEAD for each, many at once). They come some at a time, and calls inside the loop have their turn between.
   *
   * @param span Numbers of the group, which may have gaps, as it was when it was selected: `group()` again hears of new
   *   articles. Default: all.
   * @throws in the loop: UsageError where no group is selected, or another one than in the beginning; ReplyError,
   *   ProtocolError, ConnectionError.
   *
   * @example
   * for await (const { id, headers } of nntp.messages({ newest: 10 })) console.log(id, headers.get("subject"));
   */
  messages(span: MessageSpan = "all", options: SummaryOptions = {}): Rows<MessageSummary<string>> {
    const checked = checkSpan(span);
    const { wholeHeaders = false, ...call } = options;
    return new Rows(async (feed) => {
      const gate = new Gate(feed, this.options.limits.body);
      await giveSummaries(checked, wholeHeaders, gate, (body) => this.run({ ...call, exclusive: true }, body));
    });
  }

  /** An article, as all readers give it: what `article()` does, by its number or message-id. */
  retrieve(id: ArticleId, options?: CallOptions & { to?: undefined }): Promise<FetchedMessage>;
  retrieve(id: ArticleId, options: CallOptions & { to: Sink }): Promise<PassedMessage>;
  async retrieve(id: ArticleId, options: ArticleOptions = {}): Promise<FetchedMessage | PassedMessage> {
    const { to, ...call } = options;
    if (to === undefined) return { id, content: (await this.article(id, call)).content };
    return { id, bytes: (await this.article(id, { ...call, to })).bytes };
  }

  /**
   * Posts a message, as all writers take it: what `post()` does.
   *
   * @throws UsageError where it has no newsgroups, or hidden recipients (`bcc`); what `post()` rejects with.
   */
  async submit(message: MailDraft | Source, options: CallOptions = {}): Promise<Posted> {
    return this.post(toPost(message), options);
  }

  // --- what the server knows -------------------------------------------------------------------------------------

  /** The server's clock, in UTC (DATE, RFC 3977 §7.1). */
  async date(options: CallOptions = {}): Promise<Date> {
    return this.run(options, async (session, { timeout }) => {
      const reply = await session.send("DATE", { timeout });
      return parseServerDate(reply.text) ?? unreadable(session, "DATE", reply);
    });
  }

  /** The server's summary of its commands (HELP). */
  async help(options: CallOptions = {}): Promise<string> {
    const plan: RowsPlan<string, NntpSession> = {
      ask: (session, body) => session.sendForBody("HELP", body),
      parser: ({ options }) => new TextParser(options.limits.line),
    };
    return (await this.#rows(options, plan).toArray()).join("\n");
  }

  /** The newsgroups made since a moment of the server's clock (NEWGROUPS, RFC 3977 §7.3). */
  newgroups(since: Date, options: CallOptions = {}): Rows<Lists["ACTIVE"]> {
    const command = `NEWGROUPS ${formatSince(since)}`;
    return this.#rows(options, {
      ask: (session, body) => session.sendForBody(command, body),
      parser: ({ options }) => new ListParser(options.limits.line, "ACTIVE"),
    });
  }

  /** The message-ids of articles that came since a moment, in groups that match a wildmat (NEWNEWS, RFC 3977 §7.4). */
  newnews(wildmat: string, since: Date, options: CallOptions = {}): Rows<string> {
    const command = `NEWNEWS ${word("a wildmat", wildmat)} ${formatSince(since)}`;
    return this.#rows(options, {
      ask: (session, body) => session.sendForBody(command, body),
      parser: ({ options }) => new TextParser(options.limits.line),
    });
  }

  /**
   * A list of the server (LIST, RFC 3977 §7.6 and RFC 6048), as typed rows; lines that are no rows of it are left out.
   *
   * @param keyword Default: `ACTIVE`.
   * @param wildmat Which groups: `comp.*,!comp.lang.*`. Lists that are not about groups take none.
   *
   * @example
   * for await (const { name, description } of nntp.list("NEWSGROUPS", "comp.lang.*")) console.log(name, description);
   */
  list<K extends ListKeyword = "ACTIVE">(keyword?: K, wildmat?: string, options: CallOptions = {}): Rows<Lists[K]> {
    const asked: string = keyword?.toUpperCase() ?? "ACTIVE";
    if (!isListKeyword(asked)) throw new UsageError(`${JSON.stringify(keyword)} is not a list`, { protocol: "nntp" });
    // The bare LIST is older than its keywords, and means ACTIVE.
    const command = keyword === undefined && wildmat === undefined ? "LIST" : `LIST ${asked}`;
    const argument = wildmat === undefined ? "" : ` ${word("a wildmat", wildmat)}`;
    return this.#rows(options, {
      ask: (session, body) => session.sendForBody(`${command}${argument}`, body),
      parser: ({ options }) => new ListParser(options.limits.line, asked as K),
    });
  }

  // --- posting ---------------------------------------------------------------------------------------------------

  /**
   * Posts an article (POST, RFC 3977 §6.3.1): composed from its parts, or as given with its headers. Date, Message-ID
   * and Path are filled in where they are missing.
   *
   * @returns its message-id.
   * @throws UsageError where From, Newsgroups or Subject is missing; ReplyError (440, 441) for a refusal;
   *   ConnectionError where the link was lost before the answer: it says which message-id to look for.
   *
   * @example
   * const { messageId } = await nntp.post({ from: "Alice <alice@example.org>", newsgroups: "misc.test", subject: "hello", text: "hello\n" });
   */
  async post(article: ArticleInput | Source, options: CallOptions = {}): Promise<Posted> {
    return this.run({ ...options, exclusive: true }, (session, call) => post(session, article, call));
  }

  /** Offers an article to a peer, and sends it where it is wanted (IHAVE, RFC 3977 §6.3.2). @returns true where it was taken. */
  async ihave(id: string, article: Source, options: CallOptions = {}): Promise<boolean> {
    messageId(id);
    return this.run({ ...options, exclusive: true }, (session, call) => ihave(session, id, article, call));
  }

  /** Asks a peer whether it wants an article (CHECK, RFC 4644 §2.4). Calls that overlap are streamed. */
  async check(id: string, options: CallOptions = {}): Promise<Wanted> {
    messageId(id);
    return this.run(options, (session, call) => check(session, id, call));
  }

  /** Sends an article unasked (TAKETHIS, RFC 4644 §2.5). Calls that overlap are streamed. @returns true where it was taken. */
  async takethis(id: string, article: Source, options: CallOptions = {}): Promise<boolean> {
    messageId(id);
    return this.run(options, (session, call) => takethis(session, id, article, call));
  }

  async #article(verb: string, id: ArticleId | undefined, options: ArticleOptions): Promise<Article | StoredArticle> {
    const command = id === undefined ? verb : `${verb} ${formatId(id)}`;
    const { to } = options;
    if (to === undefined) return this.run(options, (session, call) => receiveArticle(session, command, call));
    const opening = openSink(to);
    const stored = this.run(options, (session, call) => storeArticle(session, command, opening, call));
    return orLetGo(opening, stored);
  }

  #named(command: string, options: CallOptions & RunOptions): Promise<ArticleName> {
    return this.run(options, async (session, { timeout }) =>
      named(session, command, await session.send(command, { timeout })),
    );
  }

  #rows<T>(options: CallOptions, plan: RowsPlan<T, NntpSession>): Rows<T> {
    const owner: RowsOwner<NntpSession> = {
      run: (alone, body) => this.run({ ...options, exclusive: alone }, body),
      refuse: (reason) => this.refuseWaiting(reason),
    };
    return rows(owner, plan);
  }
}

function unreadable(session: NntpSession, command: string, reply: Reply): never {
  throw session.unreadable(command, reply);
}
