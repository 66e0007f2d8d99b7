/** LIST, STATUS and NAMESPACE (RFC 9051 §6.3.9 to §6.3.11, RFC 5258, 5819, 6154): what is asked for, and what comes. No I/O. */
import { UsageError } from "../client/errors.js";
import type { CallOptions } from "../client/session.js";
import type { Piece } from "./command.js";
import type { Cursor, Value } from "./cursor.js";
import { parseFlags } from "./flags.js";
import { mailboxArgument, patternArgument } from "./mailbox-argument.js";
import { decodeMailbox } from "./mailbox-name.js";
import type { Response } from "./response.js";

/** What STATUS can tell (RFC 9051 §6.3.11, RFC 7162, 8438, 8474, 9208). */
export type StatusItem =
  | "MESSAGES"
  | "RECENT"
  | "UIDNEXT"
  | "UIDVALIDITY"
  | "UNSEEN"
  | "DELETED"
  | "SIZE"
  | "HIGHESTMODSEQ"
  | "APPENDLIMIT"
  | "MAILBOXID"
  | "DELETED-STORAGE";

/** What is known of a mailbox without its selection: what was not asked for is undefined. */
export interface MailboxStatus {
  readonly name: string;
  readonly messages?: number | undefined;
  readonly recent?: number | undefined;
  readonly uidNext?: number | undefined;
  readonly uidValidity?: number | undefined;
  readonly unseen?: number | undefined;
  readonly deleted?: number | undefined;
  /** Octets of all messages. */
  readonly size?: number | undefined;
  readonly highestModseq?: number | bigint | undefined;
  /** Octets of the largest message that is taken. */
  readonly appendLimit?: number | undefined;
  readonly mailboxId?: string | undefined;
  readonly deletedStorage?: number | undefined;
}

/** A mailbox of a list. */
export interface ListedMailbox {
  readonly name: string;
  /** What separates the levels of its name; undefined where there are none. */
  readonly delimiter: string | undefined;
  /** `\HasChildren`, `\Noselect`, `\Sent`, `\Subscribed` and their like, as sent. */
  readonly flags: readonly string[];
  /** What it is for (RFC 6154): `\All \Archive \Drafts \Flagged \Junk \Sent \Trash`, as sent. */
  readonly specialUse: string | undefined;
  /** What was asked for by `status`. */
  readonly status?: MailboxStatus | undefined;
  /** More of RFC 5258, by its name in upper case: `CHILDINFO`, `OLDNAME`. */
  readonly extended?: ReadonlyMap<string, Value> | undefined;
}

/** What `list()` takes. */
export interface ListOptions extends CallOptions {
  /** Names are relative to this one. Default: "". */
  reference?: string | undefined;
  /** Only such mailboxes (RFC 5258): `SUBSCRIBED`, `REMOTE`, `RECURSIVEMATCH`, `SPECIAL-USE`. */
  select?: readonly string[] | undefined;
  /** What else to tell (RFC 5258): `SUBSCRIBED`, `CHILDREN`, `SPECIAL-USE`. */
  return?: readonly string[] | undefined;
  /** The status of each mailbox that can be selected (RFC 5819); asked for one by one where the server has to be. */
  status?: readonly StatusItem[] | undefined;
}

/** A part of the names that a server has (RFC 2342). */
export interface Namespace {
  readonly prefix: string;
  readonly delimiter: string | undefined;
}

/** Whose mailboxes are where. */
export interface Namespaces {
  readonly personal: readonly Namespace[];
  readonly other: readonly Namespace[];
  readonly shared: readonly Namespace[];
}

const SPECIAL = /^\\(?:All|Archive|Drafts|Flagged|Important|Junk|Sent|Trash|Memos|Scheduled|Snoozed)$/i;

type MutableStatus = { -readonly [K in keyof MailboxStatus]: MailboxStatus[K] };
type StatusReader = (status: MutableStatus, cursor: Cursor) => void;

const STATUS: Readonly<Record<StatusItem, StatusReader>> = {
  MESSAGES: (status, cursor) => void (status.messages = cursor.number()),
  RECENT: (status, cursor) => void (status.recent = cursor.number()),
  UIDNEXT: (status, cursor) => void (status.uidNext = cursor.number()),
  UIDVALIDITY: (status, cursor) => void (status.uidValidity = cursor.number()),
  UNSEEN: (status, cursor) => void (status.unseen = cursor.number()),
  DELETED: (status, cursor) => void (status.deleted = cursor.number()),
  SIZE: (status, cursor) => void (status.size = cursor.number()),
  HIGHESTMODSEQ: (status, cursor) => void (status.highestModseq = cursor.bigNumber()),
  APPENDLIMIT: (status, cursor) => {
    const limit = cursor.numberOr();
    if (limit !== undefined) status.appendLimit = limit;
  },
  MAILBOXID: (status, cursor) => {
    const [id] = cursor.strings();
    if (id !== undefined) status.mailboxId = id;
  },
  "DELETED-STORAGE": (status, cursor) => void (status.deletedStorage = cursor.number()),
};

/** Words of options: what is none would be another argument. */
function words(what: string, list: readonly string[]): string {
  for (const word of list) {
    if (typeof word !== "string" || !/^[A-Za-z0-9-]+$/.test(word)) {
      throw new UsageError(`${JSON.stringify(word)} is no ${what}`, { protocol: "imap" });
    }
  }
  return list.join(" ");
}

/** STATUS's items in parentheses. Throws UsageError. */
export function statusItems(items: readonly StatusItem[]): string {
  if (items.length === 0) throw new UsageError("status wants at least one item", { protocol: "imap" });
  return `(${words("item of STATUS", items)})`;
}

/** The command of a list. `returned`: RETURN's options, as the server can do them. */
export function listCommand(
  pattern: string,
  options: ListOptions,
  returned: readonly string[],
  utf8: boolean,
): Piece[] {
  const { reference = "", select = [] } = options;
  const only = select.length === 0 ? "" : `(${words("option of LIST", select)}) `;
  const more = returned.length === 0 ? "" : ` RETURN (${returned.join(" ")})`;
  const from = reference === "" ? '""' : mailboxArgument(reference, utf8);
  return [`LIST ${only}`, from, " ", patternArgument(pattern, utf8), more];
}

/** RETURN's options: what was asked for, and the special uses where the server has them. */
export function returnOptions(options: ListOptions, has: (capability: string) => boolean): string[] {
  const { return: asked = [], status } = options;
  const extended = has("LIST-EXTENDED");
  const out = new Set(asked.length === 0 ? [] : words("option of LIST", asked).toUpperCase().split(" "));
  if (extended && has("SPECIAL-USE")) out.add("SPECIAL-USE");
  if (status && hasListStatus(has)) out.add(`STATUS ${statusItems(status)}`);
  // What LIST tells of itself it tells no longer where it is asked for other things (RFC 5258 §4).
  if (extended && out.size > 0) out.add("CHILDREN");
  return [...out];
}

/** True where LIST can tell the status along with the names. */
export function hasListStatus(has: (capability: string) => boolean): boolean {
  return has("LIST-STATUS");
}

/** Reads a LIST or LSUB response. Throws ProtocolError. */
export function parseList(response: Response, utf8: boolean): ListedMailbox {
  const cursor = response.cursor();
  const flags = parseFlags(cursor);
  const delimiter = cursor.nstring();
  const name = decodeMailbox(cursor.astring(), utf8);
  const specialUse = flags.find((flag) => SPECIAL.test(flag));
  const extended = cursor.done ? undefined : parseExtended(cursor);
  return { name, delimiter, flags, specialUse, ...(extended && { extended }) };
}

function parseExtended(cursor: Cursor): Map<string, Value> {
  const extended = new Map<string, Value>();
  if (cursor.open()) while (!cursor.close()) extended.set(cursor.astring().toUpperCase(), cursor.value());
  return extended;
}

/** Reads a STATUS response. Throws ProtocolError. */
export function parseStatus(response: Response, utf8: boolean): MailboxStatus {
  const cursor = response.cursor();
  const status: MutableStatus = { name: decodeMailbox(cursor.astring(), utf8) };
  if (!cursor.open()) return status;
  while (!cursor.close()) {
    const item = cursor.atom().toUpperCase();
    if (Object.hasOwn(STATUS, item)) STATUS[item as StatusItem](status, cursor);
    else cursor.skip();
  }
  return status;
}

/** Reads a NAMESPACE response. Throws ProtocolError. */
export function parseNamespaces(response: Response, utf8: boolean): Namespaces {
  const cursor = response.cursor();
  const [personal, other, shared] = [1, 2, 3].map(() => parseNamespace(cursor, utf8));
  return { personal: personal!, other: other!, shared: shared! };
}

function parseNamespace(cursor: Cursor, utf8: boolean): Namespace[] {
  const all: Namespace[] = [];
  if (!cursor.open()) return all;
  while (!cursor.close()) {
    cursor.open();
    all.push({ prefix: decodeMailbox(cursor.astring(), utf8), delimiter: cursor.nstring() });
    while (!cursor.close()) cursor.skip();
  }
  return all;
}
