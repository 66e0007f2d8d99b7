/** SELECT and EXAMINE (RFC 9051 §6.3.2, CONDSTORE and QRESYNC RFC 7162): another mailbox, told from what belongs to the one before. */
import { UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import { Mailbox } from "./mailbox.js";
import { mailboxArgument } from "./mailbox-argument.js";
import type { Response } from "./response.js";
import { formatSet, type MessageSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";

/** What a client remembers of a mailbox. */
export interface KnownMailbox {
  readonly uidValidity: number;
  /** `highestModseq` of that time. */
  readonly modseq: number | bigint;
  /** The messages that are known: only of these is told that they have gone. Default: all. */
  readonly uids?: MessageSet | undefined;
}

/** What `select()` and `examine()` take. */
export interface SelectOptions extends CallOptions {
  /** True: have MODSEQ told with each change of flags (RFC 7162). Default: false. */
  condstore?: boolean | undefined;
  /**
   * What was known of the mailbox when it was selected last (QRESYNC, RFC 7162 §3.2.5): `resync` of the mailbox has what has
   * changed and gone since. To be enabled first: `enable(["QRESYNC"])`.
   */
  qresync?: KnownMailbox | undefined;
}

/** Selects the mailbox. */
export async function select(
  session: ImapSession,
  verb: "SELECT" | "EXAMINE",
  name: string,
  options: SelectOptions,
  call: Call,
): Promise<Mailbox> {
  const argument = mailboxArgument(name, session.utf8);
  const command = [`${verb} `, argument, parameters(session, options)];
  let mailbox = new Mailbox(name, verb === "EXAMINE");
  const take = (response: Response) => {
    // What came so far was about the one before (RFC 7162 §3.2.11).
    if (response.code?.name === "CLOSED") mailbox = new Mailbox(name, verb === "EXAMINE");
    const event = mailbox.heed(response);
    if (event !== undefined && event.type !== "exists") mailbox.resync.push(event);
    // The session may have to learn from it, too, but no other mailbox.
    return response.name !== "CAPABILITY" && response.name !== "ENABLED";
  };
  const response = await session.line.execute(command, { timeout: call.timeout, take });
  if (response.status !== "BAD") session.mailbox = undefined;
  session.accept(response, `${verb} ${name}`);
  mailbox.heed(response);
  session.mailbox = mailbox;
  return mailbox;
}

function parameters(session: ImapSession, { condstore, qresync }: SelectOptions): string {
  if (qresync === undefined) return condstore ? " (CONDSTORE)" : "";
  if (!session.enabled.has("QRESYNC")) {
    throw new UsageError("qresync wants QRESYNC enabled", {
      advice: 'call enable(["QRESYNC"]) first',
      protocol: "imap",
    });
  }
  const { uidValidity, modseq, uids } = qresync;
  return ` (QRESYNC (${uidValidity} ${modseq}${uids === undefined ? "" : ` ${formatSet(uids)}`}))`;
}
