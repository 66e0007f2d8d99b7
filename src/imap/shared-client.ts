/** Methods about what users share: quotas (RFC 9208), access control (RFC 4314), metadata (RFC 5464). */
import { Client } from "../client/client.js";
import type { CallOptions } from "../client/session.js";
import type { CommandText, Piece } from "./command.js";
import { mailboxArgument } from "./mailbox-argument.js";
import { getMetadata, type MetadataOptions, parseMetadata, setMetadata } from "./metadata.js";
import { parseQuota, parseQuotaRoots, type Quota, quotaLimits, rootArgument } from "./quota.js";
import type { Response } from "./response.js";
import {
  type AccessList,
  type GrantableRights,
  identifierArgument,
  parseAccessList,
  parseGrantable,
  parseMyRights,
  rightsArgument,
} from "./rights.js";
import type { ImapSession } from "./session.js";

/** A part of ImapClient. Its calls have the connection alone: what answers one of them does not say which. */
export abstract class SharedClient extends Client<ImapSession> {
  // --- quotas ----------------------------------------------------------------------------------------------------

  /** The limits of a quota root, and what is used of them (GETQUOTA, RFC 9208 §4.1.1). */
  async getQuota(root = "", options: CallOptions = {}): Promise<Quota> {
    const command = ["GETQUOTA ", rootArgument(root)];
    const [response] = await this.#ask(() => command, ["QUOTA"], options);
    return response === undefined ? { root, resources: [] } : parseQuota(response);
  }

  /** The limits that a mailbox is under (GETQUOTAROOT, RFC 9208 §4.1.2). */
  async getQuotaRoot(mailbox: string, options: CallOptions = {}): Promise<Quota[]> {
    const command = ({ utf8 }: ImapSession) => ["GETQUOTAROOT ", mailboxArgument(mailbox, utf8)];
    const responses = await this.#ask(command, ["QUOTAROOT", "QUOTA"], options);
    const quotas = responses.filter(({ name }) => name === "QUOTA").map(parseQuota);
    // The roots that have no limit are named, too.
    const roots = responses
      .filter(({ name }) => name === "QUOTAROOT")
      .flatMap((each) => parseQuotaRoots(each, false).roots);
    return roots.map((root) => quotas.find((quota) => quota.root === root) ?? { root, resources: [] });
  }

  /**
   * Sets the limits of a quota root (SETQUOTA, RFC 9208 §4.1.3); those that are not named are taken away.
   *
   * @param limits e.g. `{ STORAGE: 512 }`, in units of 1024 octets.
   */
  async setQuota(
    root: string,
    limits: Readonly<Record<string, number | bigint>>,
    options: CallOptions = {},
  ): Promise<void> {
    const command = ["SETQUOTA ", rootArgument(root), ` ${quotaLimits(limits)}`];
    await this.#ask(() => command, ["QUOTA"], options);
  }

  // --- access control --------------------------------------------------------------------------------------------

  /** Who may do what with a mailbox (GETACL, RFC 4314 §3.3). */
  async getAcl(mailbox: string, options: CallOptions = {}): Promise<AccessList> {
    return this.#askOne((utf8) => ["GETACL ", mailboxArgument(mailbox, utf8)], "ACL", parseAccessList, options);
  }

  /** Gives somebody rights (SETACL, RFC 4314 §3.1): `lrs`, `+w` to add, `-t` to take away. */
  async setAcl(mailbox: string, identifier: string, rights: string, options: CallOptions = {}): Promise<void> {
    const who: Piece[] = [" ", identifierArgument(identifier), ` ${rightsArgument(rights)}`];
    await this.#ask(({ utf8 }) => ["SETACL ", mailboxArgument(mailbox, utf8), ...who], [], options);
  }

  /** Takes all that was said of somebody off the list (DELETEACL, RFC 4314 §3.2). */
  async deleteAcl(mailbox: string, identifier: string, options: CallOptions = {}): Promise<void> {
    const who: Piece[] = [" ", identifierArgument(identifier)];
    await this.#ask(({ utf8 }) => ["DELETEACL ", mailboxArgument(mailbox, utf8), ...who], [], options);
  }

  /** The rights that can be given to somebody (LISTRIGHTS, RFC 4314 §3.4). */
  async listRights(mailbox: string, identifier: string, options: CallOptions = {}): Promise<GrantableRights> {
    const who: Piece[] = [" ", identifierArgument(identifier)];
    const command = (utf8: boolean) => ["LISTRIGHTS ", mailboxArgument(mailbox, utf8), ...who];
    return this.#askOne(command, "LISTRIGHTS", parseGrantable, options);
  }

  /** What the user may do with a mailbox, one letter for each right (MYRIGHTS, RFC 4314 §3.5). */
  async myRights(mailbox: string, options: CallOptions = {}): Promise<string> {
    const command = (utf8: boolean) => ["MYRIGHTS ", mailboxArgument(mailbox, utf8)];
    return (await this.#askOne(command, "MYRIGHTS", parseMyRights, options)).rights;
  }

  // --- metadata --------------------------------------------------------------------------------------------------

  /**
   * Notes on a mailbox, or on the server as the mailbox "" (GETMETADATA, RFC 5464 §4.2).
   *
   * @param entries e.g. `/private/comment`.
   * @returns entry → value; undefined where it has none.
   */
  async getMetadata(
    mailbox: string,
    entries: readonly string[],
    options: CallOptions & MetadataOptions = {},
  ): Promise<Map<string, string | undefined>> {
    const command = ({ utf8 }: ImapSession) => getMetadata(mailbox, entries, options, utf8);
    const responses = await this.#ask(command, ["METADATA"], options);
    return new Map(responses.flatMap((each) => [...parseMetadata(each, false).entries]));
  }

  /** Writes notes, or with null takes them away (SETMETADATA, RFC 5464 §4.3). */
  async setMetadata(
    mailbox: string,
    entries: Readonly<Record<string, string | null>>,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#ask(({ utf8 }) => setMetadata(mailbox, entries, utf8), [], options);
  }

  // ---------------------------------------------------------------------------------------------------------------

  #ask(
    command: (session: ImapSession) => CommandText,
    names: readonly string[],
    options: CallOptions,
  ): Promise<Response[]> {
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) =>
      session.ask(command(session), names, { timeout }),
    );
  }

  #askOne<T>(
    command: (utf8: boolean) => CommandText,
    name: string,
    parse: (response: Response, utf8: boolean) => T,
    options: CallOptions,
  ): Promise<T> {
    return this.run({ ...options, exclusive: true }, async (session, { timeout }) => {
      const { utf8 } = session;
      return parse(await session.askOne(command(utf8), (response) => response.name === name, { timeout }), utf8);
    });
  }
}
