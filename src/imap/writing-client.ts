/** Methods that change messages (RFC 9051 §6.3.12, §6.4.3, §6.4.6 to §6.4.8): what to ask; session.ts knows how. */
import { Rows } from "../client/rows.js";
import type { CallOptions } from "../client/session.js";
import type { Source } from "../client/sink.js";
import {
  type Appended,
  type AppendedOne,
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
import {
  type Copied,
  copiedBy,
  copyCommand,
  type StoreAction,
  type Stored,
  type StoreOptions,
  store,
} from "./change.js";
import type { MessageOptions } from "./fetch.js";
import { ReadingClient } from "./reading-client.js";
import { formatSet, type MessageSet } from "./sequence-set.js";

/** What a row of two numbers takes in memory, in bytes, about. */
const ROW = 100;

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
   * one by one in one write where the server cannot. Gives a row for each message that is in, in their order, with its
   * `index` among those that were given; other calls have their turn between two commands.
   *
   * @throws in the loop: what `append()` rejects with, behind the rows of all that are in. One by one, messages behind a
   *   refused one may be in: the index tells. Where the connection was lost, up to a hundred without a row may be in, too.
   *
   * @example
   * await imap.appendAll("Archive", files.map((content) => ({ content, flags: ["\\Seen"] }))).toArray();
   */
  appendAll(
    mailbox: string,
    messages: Iterable<NewMessage> | AsyncIterable<NewMessage>,
    options: CallOptions = {},
  ): Rows<AppendedOne> {
    return new Rows<AppendedOne>(async (feed) => {
      let sent = 0;
      let left = false;
      let room: (() => void) | undefined;
      feed.cancel = () => {
        left = true;
        room?.();
      };
      feed.resume = () => room?.();
      for await (const batch of batches(messages, this.options.limits.body)) {
        const { rows, failure } = await this.run({ ...options, exclusive: true }, (session, call) =>
          appendBatch(session, mailbox, batch, sent, call),
        );
        sent += batch.length;
        // Room is waited for where no call is running: those of the loop have their turn.
        const full = rows.length > 0 && !feed.push(rows, rows.length * ROW);
        if (failure) throw failure.error;
        if (full && !left) await new Promise<void>((resolve) => (room = resolve));
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
