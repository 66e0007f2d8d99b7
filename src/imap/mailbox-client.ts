/** Methods about the connection and its mailboxes (RFC 9051 §6.1 and §6.3): what to ask; session.ts knows how. */
import { UsageError } from "../client/errors.js";
import type { CallOptions } from "../client/session.js";
import { hasCapability } from "./abilities.js";
import { type ChangesOptions, changesSince, type MailboxChanges } from "./changes.js";
import { idParameters, parseId } from "./id.js";
import {
  hasListStatus,
  type ListedMailbox,
  type ListOptions,
  listCommand,
  type MailboxStatus,
  type Namespaces,
  parseList,
  parseNamespaces,
  parseStatus,
  returnOptions,
  type StatusItem,
  statusItems,
} from "./list.js";
import type { Mailbox } from "./mailbox.js";
import { mailboxArgument } from "./mailbox-argument.js";
import type { KnownState } from "./mailbox-state.js";
import { type SelectOptions, select } from "./select.js";
import { SharedClient } from "./shared-client.js";
import { eachStatus, status, withStatus } from "./status.js";

/** A part of ImapClient. */
export abstract class MailboxClient extends SharedClient {
  /**
   * True where the server can do it, e.g. `has("AUTH", "PLAIN")`, `has("UIDPLUS")`: it was announced, or is a part of
   * IMAP4rev2, and that is what the server speaks (it knows no IMAP4rev1, or `enable()` has told it).
   */
  has(capability: string, argument?: string): boolean {
    if (this.state === "connected" || this.state === "ready") return this.session.has(capability, argument);
    return hasCapability(this.capabilities, capability, argument);
  }

  /** The mailbox that is selected, as it is now; undefined where none is. */
  get mailbox(): Mailbox | undefined {
    return this.state === "ready" || this.state === "connected" ? this.session.mailbox : undefined;
  }

  // --- the connection --------------------------------------------------------------------------------------------

  /**
   * Asks for the capabilities again (CAPABILITY, RFC 9051 §6.1.1): they are known from `connect()` and `login()`. It may be
   * called before the login, too.
   */
  async capability(options: CallOptions = {}): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.run({ ...options, anyState: true }, async (session, call) => {
      await session.askCapabilities(call);
      return session.capabilities;
    });
  }

  /**
   * Tells the server who the client is, and asks the same of it (ID, RFC 2971). It may be called before the login, too, which
   * some servers want.
   *
   * @param fields e.g. `{ name: "mine", version: "1.0" }`; nothing is told where it is left out.
   * @returns what the server tells of itself; empty where it tells nothing.
   */
  async id(fields?: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<Record<string, string>> {
    const command = ["ID ", ...idParameters(fields)];
    return this.run({ ...options, anyState: true }, async (session, { timeout }) => {
      const [response] = await session.ask(command, ["ID"], { timeout });
      return response === undefined ? {} : parseId(response);
    });
  }

  /**
   * Turns extensions on (ENABLE, RFC 5161): `CONDSTORE`, `QRESYNC`, `UTF8=ACCEPT`, `IMAP4rev2`.
   *
   * @returns those that are on now, in upper case.
   */
  async enable(extensions: readonly string[], options: CallOptions = {}): Promise<string[]> {
    for (const each of extensions) {
      if (!/^[!-~]+$/.test(each)) throw new UsageError(`${JSON.stringify(each)} is no extension`, { protocol: "imap" });
    }
    if (extensions.length === 0) throw new UsageError("enable wants at least one extension", { protocol: "imap" });
    return this.run({ ...options, exclusive: true }, async (session, call) => {
      await session.enable(extensions, call);
      return [...session.enabled];
    });
  }

  // --- mailboxes -------------------------------------------------------------------------------------------------

  /**
   * Selects a mailbox (SELECT, RFC 9051 §6.3.2). Where that fails, none is selected.
   *
   * @returns the mailbox, which is kept up to date as long as it is selected.
   */
  async select(name: string, options: SelectOptions = {}): Promise<Mailbox> {
    return this.run({ ...options, exclusive: true }, (session, call) => select(session, "SELECT", name, options, call));
  }

  /** Selects a mailbox for reading only (EXAMINE, RFC 9051 §6.3.3). */
  async examine(name: string, options: SelectOptions = {}): Promise<Mailbox> {
    return this.run({ ...options, exclusive: true }, (session, call) =>
      select(session, "EXAMINE", name, options, call),
    );
  }

  /**
   * Selects a mailbox, and tells what has changed in it since it was looked at last: new messages, changed flags, and what
   * has gone. In one round trip where the server has QRESYNC, which is enabled then; by CONDSTORE and a search (RFC 7162),
   * or by comparing the flags of all messages, where it has not. A mailbox with another UIDVALIDITY is told by `reset`.
   *
   * @param known `state` of the last time. Default: nothing is known, all messages are new.
   * @throws ReplyError for a refusal, and for a mailbox that keeps no UIDs; UsageError for a state that does not suffice.
   *
   * @example
   * const { reset, added, changed, vanished, state } = await imap.changesSince("INBOX", saved);
   */
  async changesSince(name: string, known?: KnownState, options: ChangesOptions = {}): Promise<MailboxChanges> {
    return this.run({ ...options, exclusive: true }, (session, call) =>
      changesSince(session, name, known, options, call),
    );
  }

  /** Lets go of the selected mailbox; nothing is removed from it (UNSELECT, RFC 9051 §6.4.2). */
  async unselect(options: CallOptions = {}): Promise<void> {
    return this.#leave("UNSELECT", options);
  }

  /** Removes the messages that have `\Deleted`, and lets go of the selected mailbox (CLOSE, RFC 9051 §6.4.1). */
  async closeMailbox(options: CallOptions = {}): Promise<void> {
    return this.#leave("CLOSE", options);
  }

  /**
   * The mailboxes whose names match (LIST, RFC 9051 §6.3.9): `*` stands for anything, `%` for one level.
   *
   * @param pattern Default: `*`.
   *
   * @example
   * const sent = (await imap.list()).find(({ specialUse }) => specialUse === "\\Sent");
   */
  async list(pattern = "*", options: ListOptions = {}): Promise<ListedMailbox[]> {
    // Checked here, as it may be sent later.
    if (options.status) statusItems(options.status);
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      const has = (capability: string) => session.has(capability);
      const command = listCommand(pattern, options, returnOptions(options, has), session.utf8);
      const names = options.status ? ["LIST", "STATUS"] : ["LIST"];
      const responses = await session.ask(command, names, { timeout });
      const { utf8 } = session;
      const all = responses.filter(({ name }) => name === "LIST").map((each) => parseList(each, utf8));
      // NOTIFY may tell of one meanwhile: what came last is so.
      const listed = [...new Map(all.map((each) => [each.name, each])).values()];
      if (!options.status) return listed;
      const told = responses.filter(({ name }) => name === "STATUS").map((each) => parseStatus(each, utf8));
      return hasListStatus(has) ? withStatus(listed, told) : eachStatus(session, listed, options.status, timeout);
    });
  }

  /** What is known of a mailbox without its selection (STATUS, RFC 9051 §6.3.11). Not meant for the selected one. */
  async status(name: string, items: readonly StatusItem[], options: CallOptions = {}): Promise<MailboxStatus> {
    return this.run(options, (session, { timeout }) => status(session, name, items, timeout));
  }

  /** Makes a mailbox, and those above it (CREATE, RFC 9051 §6.3.4). */
  async create(name: string, options: CallOptions = {}): Promise<void> {
    return this.#named("CREATE", [name], options);
  }

  /** Removes a mailbox and all its messages (DELETE, RFC 9051 §6.3.5). */
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    return this.#named("DELETE", [name], options);
  }

  /** Gives a mailbox another name (RENAME, RFC 9051 §6.3.6). INBOX stays, and its messages move. */
  async rename(from: string, to: string, options: CallOptions = {}): Promise<void> {
    return this.#named("RENAME", [from, to], options);
  }

  /** Puts a mailbox on the list of subscriptions (SUBSCRIBE, RFC 9051 §6.3.7). */
  async subscribe(name: string, options: CallOptions = {}): Promise<void> {
    return this.#named("SUBSCRIBE", [name], options);
  }

  /** Takes a mailbox off the list of subscriptions (UNSUBSCRIBE, RFC 9051 §6.3.8). */
  async unsubscribe(name: string, options: CallOptions = {}): Promise<void> {
    return this.#named("UNSUBSCRIBE", [name], options);
  }

  /** Whose mailboxes begin with what (NAMESPACE, RFC 9051 §6.3.10). Throws ReplyError, also where the server tells nothing. */
  async namespace(options: CallOptions = {}): Promise<Namespaces> {
    return this.run(options, async (session, { timeout }) => {
      const response = await session.askOne("NAMESPACE", ({ name }) => name === "NAMESPACE", { timeout });
      return parseNamespaces(response, session.utf8);
    });
  }

  // ---------------------------------------------------------------------------------------------------------------

  async #leave(command: "CLOSE" | "UNSELECT", options: CallOptions): Promise<void> {
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      await session.send(command, { timeout });
      session.mailbox = undefined;
    });
  }

  async #named(verb: string, names: readonly string[], options: CallOptions): Promise<void> {
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      const text = [verb, ...names.flatMap((name) => [" ", mailboxArgument(name, session.utf8)])];
      await session.send(text, { timeout });
    });
  }
}
