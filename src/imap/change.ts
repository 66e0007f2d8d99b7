/** STORE, COPY and MOVE (RFC 9051 §6.4.6 to §6.4.8, RFC 7162): what is sent, and what the answers tell. */
import { UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import { astring, type Piece } from "./command.js";
import type { MessageOptions } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";
import { ANYTHING } from "./fetch-kind.js";
import { flagList, isByNumber, mailboxArgument, wholeArgument } from "./mailbox-argument.js";
import { encodeMailbox } from "./mailbox-name.js";
import type { ResponseCode } from "./parse-code.js";
import { parseFetch } from "./parse-fetch.js";
import type { Response } from "./response.js";
import { formatSet, type MessageSet, type SequenceSet, splitSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import { concatenation, union } from "./set-arithmetic.js";
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
  call: Call,
): Promise<Stored> {
  const { timeout } = call;
  if (!ACTION.test(action))
    throw new UsageError(`${JSON.stringify(action)} is no action of STORE`, { protocol: "imap" });
  const verb = isByNumber(by) ? "STORE" : "UID STORE";
  const since =
    unchangedSince === undefined ? "" : `(UNCHANGEDSINCE ${wholeArgument("unchangedSince", unchangedSince)}) `;
  const values = action.includes("LABELS") ? labelList(flags, session.utf8) : [flagList(flags)];
  const wanted = new Wanted(formatSet(set), !isByNumber(by), ANYTHING);
  const isAnswer = (response: Response) =>
    response.name === "FETCH" && wanted.answeredBy(session.parsed(response), session.mailbox?.exists);
  return session.wanting(
    wanted,
    async () => {
      const messages: FetchData[] = [];
      let modified: SequenceSet | undefined;
      for (const each of commandSets(set, by)) {
        const text: Piece[] = [`${verb} ${each} ${since}${action} `, ...values];
        const { tagged, responses } = await session.exchange(text, isAnswer, { timeout });
        // NO with MODIFIED: some of them were changed all the same (RFC 7162 §3.1.3).
        const left = tagged.code?.modified;
        if (left === undefined) session.accept(tagged, `${verb} ${action}`);
        else modified = modified ? union(modified, left) : left;
        for (const response of responses) messages.push(parseFetch(response, session.utf8));
      }
      return { messages, modified };
    },
    call,
  );
}

/** The sets of one command each: numbers could change between two of them. */
export function commandSets(set: MessageSet, by: MessageOptions["by"]): string[] {
  return isByNumber(by) ? [formatSet(set)] : splitSet(set);
}

/** Labels of Gmail are named like mailboxes, but for those with a backslash. */
function labelList(labels: readonly string[], utf8: boolean): Piece[] {
  const pieces = labels.flatMap((label, i): Piece[] => {
    const word = label.startsWith("\\") ? flagList([label]).slice(1, -1) : astring(encodeMailbox(label, utf8), true);
    return i > 0 ? [" ", word] : [word];
  });
  return ["(", ...pieces, ")"];
}

/** Copies or moves messages: by several commands where the set is long. */
export async function copy(
  session: ImapSession,
  verb: "COPY" | "MOVE",
  set: MessageSet,
  mailbox: string,
  by: MessageOptions["by"],
  timeout: number,
): Promise<Copied | undefined> {
  const name = mailboxArgument(mailbox, session.utf8);
  const told: Copied[] = [];
  for (const each of commandSets(set, by)) {
    const copied = await copiedBy(session, [`${isByNumber(by) ? verb : `UID ${verb}`} ${each} `, name], timeout);
    if (copied) told.push(copied);
  }
  if (told.length < 2) return told[0];
  const [source, uids] = [told.map((each) => each.source), told.map((each) => each.uids)].map(concatenation);
  return { uidValidity: told[0]!.uidValidity, source: source!, uids: uids! };
}

/** Sends the command. COPYUID comes with the OK, or before it, as for MOVE (RFC 6851 §4.3). */
async function copiedBy(session: ImapSession, command: Piece[], timeout: number): Promise<Copied | undefined> {
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
