/** STORE, COPY and MOVE (RFC 9051 §6.4.6 to §6.4.8, RFC 7162): what is sent, and what the answers tell. */
import { UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import { astring, type Piece } from "./command.js";
import type { MessageOptions } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";
import { flagList, mailboxArgument } from "./mailbox-argument.js";
import { encodeMailbox } from "./mailbox-name.js";
import type { ResponseCode } from "./parse-code.js";
import { parseFetch } from "./parse-fetch.js";
import type { Response } from "./response.js";
import { formatSet, type MessageSet, type SequenceSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import { Wanted } from "./wanted.js";

/** Add, take away or replace; flags, or Gmail's labels; `.SILENT`: without an answer. */
export type StoreAction = `${"" | "+" | "-"}${"FLAGS" | "X-GM-LABELS"}${"" | ".SILENT"}`;

/** What `store()` takes. */
export interface StoreOptions extends MessageOptions {
  /** Only messages that nobody changed since (UNCHANGEDSINCE, RFC 7162). */
  unchangedSince?: number | bigint | undefined;
}

/** What became of a `store()`. */
export interface Stored {
  /** The messages with their new flags, as far as the server told them. */
  readonly messages: readonly FetchData[];
  /** The messages that somebody else had changed, and were left alone. */
  readonly modified: SequenceSet | undefined;
}

/** Where messages are now that were copied or moved. */
export interface Copied {
  /** UIDVALIDITY of the mailbox. */
  readonly uidValidity: number;
  /** Their UIDs where they came from. */
  readonly source: SequenceSet;
  /** Their UIDs where they are now, in the order of `source`. */
  readonly uids: SequenceSet;
}

const ACTION = /^[+-]?(?:FLAGS|X-GM-LABELS)(?:\.SILENT)?$/;

/** Changes flags. */
export async function store(
  session: ImapSession,
  set: MessageSet,
  action: StoreAction,
  flags: readonly string[],
  { by, unchangedSince }: StoreOptions,
  { timeout }: Call,
): Promise<Stored> {
  if (!ACTION.test(action))
    throw new UsageError(`${JSON.stringify(action)} is no action of STORE`, { protocol: "imap" });
  const verb = by === "number" ? "STORE" : "UID STORE";
  const since = unchangedSince === undefined ? "" : `(UNCHANGEDSINCE ${unchangedSince}) `;
  const values = action.includes("LABELS") ? labelList(flags, session.utf8) : [flagList(flags)];
  const messages = formatSet(set);
  const text: Piece[] = [`${verb} ${messages} ${since}${action} `, ...values];
  const wanted = new Wanted(messages, by !== "number", true);
  const isAnswer = (response: Response) =>
    response.name === "FETCH" && wanted.answeredBy(session.parsed(response), session.mailbox?.exists);
  const { tagged, responses } = await session.wanting(wanted, () => session.exchange(text, isAnswer, { timeout }));
  // NO with MODIFIED: some of them were changed all the same (RFC 7162 §3.1.3).
  const modified = tagged.code?.modified;
  if (modified === undefined) session.accept(tagged, `${verb} ${action}`);
  return { messages: responses.map((response) => parseFetch(response, session.utf8)), modified };
}

/** Labels of Gmail are named like mailboxes, but for those with a backslash. */
function labelList(labels: readonly string[], utf8: boolean): Piece[] {
  const pieces = labels.flatMap((label, i): Piece[] => {
    const word = label.startsWith("\\") ? flagList([label]).slice(1, -1) : astring(encodeMailbox(label, utf8), true);
    return i > 0 ? [" ", word] : [word];
  });
  return ["(", ...pieces, ")"];
}

/** The command of a copy or a move. Throws UsageError. */
export function copyCommand(
  verb: "COPY" | "MOVE",
  set: MessageSet,
  mailbox: string,
  by: MessageOptions["by"],
  utf8: boolean,
): Piece[] {
  return [`${by === "number" ? verb : `UID ${verb}`} ${formatSet(set)} `, mailboxArgument(mailbox, utf8)];
}

/** Sends it. COPYUID comes with the OK, or before it, as for MOVE (RFC 6851 §4.3). */
export async function copiedBy(session: ImapSession, command: Piece[], timeout: number): Promise<Copied | undefined> {
  let told: ResponseCode | undefined;
  const take = ({ code }: { code: ResponseCode | undefined }) => {
    if (code?.name !== "COPYUID") return false;
    told = code;
    return true;
  };
  const { code } = await session.send(command, { timeout, take });
  const { uidValidity, source, uids } = (code?.name === "COPYUID" ? code : told) ?? {};
  if (uidValidity === undefined || source === undefined || uids === undefined) return undefined;
  return { uidValidity, source, uids };
}
