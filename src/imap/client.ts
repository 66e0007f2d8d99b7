/** The IMAP client: its options, raw commands, and what happens in mailboxes. Its other methods are in the files it extends. */
import type { PolywireError } from "../client/errors.js";
import { type ResolvedOptions, resolve } from "../client/options.js";
import { Rows } from "../client/rows.js";
import type { Call, RequestOptions } from "../client/session.js";
import { CommonClient } from "./common-client.js";
import { type IdleOptions, type RunAlone, Watchers } from "./idle.js";
import type { MailboxEvent } from "./mailbox.js";
import type { NotifyEvent, NotifyGroup } from "./notify.js";
import { type NotifyOptions, NotifyWatch } from "./notify-watch.js";
import { IMAP_NAMES, type ImapOptions, type ImapSettings, resolveImap } from "./options.js";
import type { ImapReply } from "./reply.js";
import { ImapSession } from "./session.js";

/** Bytes of a line: what a search, or a sort, of a million messages finds is one. */
const LINE = 16 * 1024 * 1024;

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
export class ImapClient extends CommonClient {
  readonly #settings: ImapSettings;
  readonly #given: ImapOptions;
  readonly #watchers: Watchers;

  constructor(options: ImapOptions) {
    const { line = LINE, reply = LINE } = options.limits ?? {};
    super(resolve("imap", { ...options, limits: { ...options.limits, line, reply } }, IMAP_NAMES));
    this.#settings = resolveImap(options);
    this.#given = options;
    const alone: RunAlone = (how, body) => this.run({ ...how, exclusive: true }, body);
    this.#watchers = new Watchers(alone, this.options.limits.readAhead);
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
    return new Rows<MailboxEvent>((feed) => this.#watchers.watch(feed, options));
  }

  /**
   * What happens in any mailboxes, as it happens (NOTIFY, RFC 5465). Asked for with the first turn of the loop; when the
   * loop is left, the server tells what it usually does. The connection is free for other calls all the while, inside the
   * loop too. One at a time.
   *
   * @throws UsageError at a server without NOTIFY, and for groups that cannot be; in the loop: ReplyError (its `enhanced` is
   *   `BADEVENT` where the server has no such events, `NOTIFICATIONOVERFLOW` where there were too many, and some are
   *   lost), ConnectionError; AbortedError where the signal fired, which leaves the client usable.
   *
   * @example
   * const groups = [{ of: "personal", events: ["messageNew", "messageExpunge"] }] as const;
   * for await (const event of imap.notify(groups)) if (event.type === "status") await look(event.status.name);
   */
  notify(groups: readonly NotifyGroup[], options: NotifyOptions = {}): Rows<NotifyEvent> {
    return new Rows<NotifyEvent>(async (feed) => {
      const alone: (body: (session: ImapSession, call: Call) => Promise<void>) => Promise<void> = (body) =>
        this.run({ timeout: options.timeout, exclusive: true }, body);
      const watch = new NotifyWatch(feed, groups, this.options.limits.readAhead, options);
      let thrown: { error: unknown } | undefined;
      try {
        const { timeout, signal } = options;
        await watch.orEnded(this.run({ timeout, signal, exclusive: true }, (...at) => watch.begin(...at)));
        for (;;) {
          await watch.wait();
          if (watch.over) break;
          await watch.orEnded(this.noop({ timeout: options.timeout }));
        }
      } catch (error) {
        thrown = { error };
      }
      await watch.end(alone, this.options.timeouts.quit, thrown);
    });
  }
}
