/** What has changed in a mailbox since it was looked at last: by QRESYNC, by CONDSTORE (RFC 7162), or by comparison. */
import { ReplyError, UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import { Comparison, type MailboxChanges } from "./comparison.js";
import type { Mailbox } from "./mailbox.js";
import { type KnownState, knownUids, type StateAt } from "./mailbox-state.js";
import { type SelectOptions, select } from "./select.js";
import type { ImapSession } from "./session.js";

export type { MailboxChanges } from "./comparison.js";

/** What `changesSince()` takes. */
export interface ChangesOptions extends CallOptions {
  /** True: the mailbox is selected for reading only (EXAMINE). Default: false. */
  readOnly?: boolean | undefined;
}

/** Characters of the known UIDs that are told to a server: it may take no longer lines (RFC 7162 §4). */
const LONGEST = 4000;

/** Selects the mailbox, and tells what has changed in it since it was in this state. Throws UsageError, ReplyError. */
export async function changesSince(
  session: ImapSession,
  name: string,
  known: KnownState | undefined,
  { readOnly = false }: ChangesOptions,
  call: Call,
): Promise<MailboxChanges> {
  const uids = known && knownUids(known);
  const qresync = await enableQresync(session, call);
  if (known && uids === undefined && !(qresync && known.uidNext !== undefined)) throw notEnough(qresync);
  let at: StateAt | undefined;
  // At that moment: what is behind the answer is for the next time.
  const selected = ({ uidValidity, uidNext, highestModseq, exists }: Mailbox) => {
    if (uidValidity !== undefined) at = { uidValidity, uidNext, highestModseq, exists };
  };
  const options = parameters(session, known, qresync);
  const mailbox = await select(session, readOnly ? "EXAMINE" : "SELECT", name, options, call, selected);
  if (at === undefined) throw noLastingUids(name);
  return new Comparison(session, mailbox, at, known, uids, call).changes();
}

/** ENABLE is for the time before a mailbox is selected (RFC 5161 §3.1). */
async function enableQresync(session: ImapSession, { timeout }: Call): Promise<boolean> {
  if (session.enabled.has("QRESYNC") || !session.has("QRESYNC")) return session.enabled.has("QRESYNC");
  if (session.mailbox && !session.has("UNSELECT")) return false;
  if (session.mailbox) await session.send("UNSELECT", { timeout, settled: () => void (session.mailbox = undefined) });
  try {
    await session.enable(["QRESYNC"], { timeout });
  } catch (error) {
    if (!(error instanceof ReplyError)) throw error;
  }
  return session.enabled.has("QRESYNC");
}

function parameters(session: ImapSession, known: KnownState | undefined, qresync: boolean): SelectOptions {
  const modseq = known?.highestModseq;
  if (!qresync || known === undefined || !modseq) return { condstore: session.has("CONDSTORE") };
  // Without them all that has gone is told: that is shorter than a long line of them.
  const uids = known.uids && known.uids.length <= LONGEST ? known.uids : undefined;
  return { qresync: { uidValidity: known.uidValidity, modseq, uids } };
}

function notEnough(qresync: boolean): UsageError {
  const wanted = qresync ? "uids, or uidNext" : "uids: the server has no QRESYNC";
  return new UsageError("what has gone since could not be told", {
    advice: `the state must have ${wanted}`,
    protocol: "imap",
  });
}

function noLastingUids(name: string): ReplyError {
  return new ReplyError(`the mailbox ${JSON.stringify(name)} keeps no UIDs: what is known of it cannot be told again`, {
    command: "SELECT",
    code: "OK",
    enhanced: "UIDNOTSTICKY",
    transient: false,
    protocol: "imap",
  });
}
