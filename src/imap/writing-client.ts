/** Methods that change messages (RFC 9051 §6.3.12, §6.4.3, §6.4.6 to §6.4.8): what to ask; session.ts knows how. */
import { Rows } from "../client/rows.js";
import type { CallOptions } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { unsent, type Wait } from "../net/unsent.js";
import { type Appended, type AppendedOne, type AppendOptions, append, appendBatch, appendWords } from "./append.js";
import { type BatchSender, type NewMessages, sendBatches } from "./append-all.js";
import { type Copied, commandSets, copy, type StoreAction, type Stored, type StoreOptions, store } from "./change.js";
import type { MessageOptions } from "./fetch.js";
import { isByNumber } from "./mailbox-argument.js";
import { isInMemory, literalOf, readLiteral } from "./message-literal.js";
import { ReadingClient } from "./reading-client.js";
import { type MessageSet, splitSet } from "./sequence-set.js";

/** A part of ImapClient. */
export abstract class WritingClient extends ReadingClient {
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
    return this.run({ ...options, exclusive: isByNumber(options.by) }, (session, call) =>
      store(session, set, action, flags, options, call),
    );
  }

  /**
   * Copies messages into another mailbox (COPY, RFC 9051 §6.4.7). Thousands of scattered UIDs go in several commands: where
   * one is refused, those before it are done.
   *
   * @returns their UIDs there, where the server tells them (UIDPLUS).
   * @throws ReplyError; its `enhanced` is `TRYCREATE` where the mailbox could be made first.
   */
  async copy(set: MessageSet, mailbox: string, options: MessageOptions = {}): Promise<Copied | undefined> {
    return this.#copy("COPY", set, mailbox, options);
  }

  /**
   * Moves messages into another mailbox (MOVE, RFC 6851), as `copy()` copies them. Where it is refused, some may be there all
   * the same: a search of both mailboxes tells.
   */
  async move(set: MessageSet, mailbox: string, options: MessageOptions = {}): Promise<Copied | undefined> {
    return this.#copy("MOVE", set, mailbox, options);
  }

  /**
   * Puts a message into a mailbox (APPEND, RFC 9051 §6.3.12). Lines are ended by CR LF on the way. Calls that overlap share
   * round trips where the messages are in memory; a file has the connection alone. Headers in UTF-8 are sent as such where
   * UTF8=ACCEPT is enabled (RFC 6855 §4).
   *
   * @returns its UID there, where the server tells it (UIDPLUS).
   * @throws ReplyError; its `enhanced` is `TRYCREATE` where the mailbox could be made first, `TOOBIG`, `OVERQUOTA`. SinkError
   *   for a source that cannot be read: once it has begun to be sent, the client is closed. UsageError, and nothing is sent,
   *   for a message that is larger than the server says it takes (APPENDLIMIT), or has a NUL where it cannot BINARY (RFC 3516).
   *
   * @example
   * await imap.append("Sent", { text: message }, { flags: ["\\Seen"], date: new Date() });
   */
  async append(mailbox: string, message: Source, options: AppendOptions = {}): Promise<Appended> {
    const words = appendWords(options);
    // Messages keep the order of their calls: those that must be read first have the connection alone.
    const ready = isInMemory(message) ? literalOf(message) : undefined;
    return this.run({ ...options, exclusive: ready === undefined }, async (session, call) => {
      const read = (wait: Wait) => readLiteral(message, this.options.limits.body, wait);
      const literal = ready ?? (await unsent(session.line, call, read));
      const [appended] = await append(session, mailbox, [{ words, literal }], call);
      return appended as Appended;
    });
  }

  /**
   * Puts many messages into a mailbox, a hundred or 4 MiB in one command (MULTIAPPEND, RFC 3502: all of these or none), or
   * one by one in one write where the server cannot. Gives a row for each message that is in, in their order, with its
   * `index` among those that were given; other calls have their turn between two commands.
   *
   * @throws in the loop: what `append()` rejects with, behind the rows of all that are in. One by one, messages behind a
   *   refused one may be in: the index tells. Where the connection was lost, up to a hundred without a row may be in, too.
   *
   * @example
   * await imap.appendAll("Archive", files.map((content) => ({ content, flags: ["\\Seen"] }))).toArray();
   */
  appendAll(mailbox: string, messages: NewMessages, options: CallOptions = {}): Rows<AppendedOne> {
    const sender: BatchSender = {
      most: this.options.limits.body,
      line: () => this.run(options, async ({ line }) => line),
      send: (batch, first) =>
        this.run({ ...options, exclusive: true }, (session, call) => appendBatch(session, mailbox, batch, first, call)),
    };
    return new Rows<AppendedOne>((feed) => sendBatches(messages, options, feed, sender));
  }

  /**
   * Removes the messages that have `\Deleted` (EXPUNGE, RFC 9051 §6.4.3): all, or among these UIDs only (UIDPLUS, RFC 4315).
   */
  async expunge(uids?: MessageSet, options: CallOptions = {}): Promise<void> {
    const commands = uids === undefined ? ["EXPUNGE"] : splitSet(uids).map((set) => `UID EXPUNGE ${set}`);
    // It takes what other calls in flight are about to mark.
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      for (const command of commands) await session.send(command, { timeout });
    });
  }

  // ---------------------------------------------------------------------------------------------------------------

  async #copy(
    verb: "COPY" | "MOVE",
    set: MessageSet,
    mailbox: string,
    options: MessageOptions,
  ): Promise<Copied | undefined> {
    // Checked here, as it may be sent later.
    commandSets(set, options.by);
    const exclusive = verb === "MOVE" || isByNumber(options.by);
    return this.run({ ...options, exclusive }, (session, { timeout }) =>
      copy(session, verb, set, mailbox, options.by, timeout),
    );
  }
}
