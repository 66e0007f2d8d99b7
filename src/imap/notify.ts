/** NOTIFY (RFC 5465): what is asked for, and the events that come of mailboxes that are not selected. No I/O. */
import { UsageError } from "../client/errors.js";
import type { Piece } from "./command.js";
import { type FetchItem, itemList } from "./fetch.js";
import { type ListedMailbox, type MailboxStatus, parseList, parseStatus } from "./list.js";
import type { MailboxEvent } from "./mailbox.js";
import { mailboxArgument } from "./mailbox-argument.js";
import { decodeMailbox } from "./mailbox-name.js";
import { parseMetadata } from "./metadata.js";
import type { Response } from "./response.js";

/** An event that can be asked for (RFC 5465 §5). */
export type NotifyEventName = keyof typeof EVENTS;

/**
 * Mailboxes (RFC 5465 §6): the selected one, whichever that is; the user's INBOX and where else mail is delivered to; all
 * of the user's own; those on the list of subscriptions; those below some, with these; some.
 */
export type NotifyMailboxes =
  | "selected"
  | "selected-delayed"
  | "inboxes"
  | "personal"
  | "subscribed"
  | { readonly subtree: string | readonly string[] }
  | { readonly mailboxes: string | readonly string[] };

/** Some mailboxes, and what is to be told of them. */
export interface NotifyGroup {
  /**
   * `"selected"`: also what has gone is told at any time, so that messages should be named by their UIDs;
   * `"selected-delayed"`: that is told with the answers to commands only, as without NOTIFY. A mailbox that several groups
   * mean is in the first of them.
   */
  readonly of: NotifyMailboxes;
  /** `messageNew` and `messageExpunge` go together; `flagChange` goes with them. None: nothing is told. */
  readonly events: readonly NotifyEventName[];
  /** With `messageNew` of the selected mailbox: what is told of new messages, as an event `fetch`. */
  readonly fetch?: FetchItem | readonly FetchItem[] | undefined;
}

/** What NOTIFY tells. */
export type NotifyEvent =
  /** In the selected mailbox. */
  | MailboxEvent
  /** Messages of another mailbox came, went or changed: this is how it is now. */
  | { readonly type: "status"; readonly status: MailboxStatus }
  /** A mailbox was made, removed (`gone`), renamed (`oldName`), subscribed to or not. */
  | {
      readonly type: "list";
      readonly mailbox: ListedMailbox;
      readonly gone: boolean;
      readonly oldName?: string | undefined;
    }
  /** Notes on a mailbox (on the server: "") have changed: these entries. */
  | { readonly type: "metadata"; readonly mailbox: string; readonly entries: readonly string[] };

const EVENTS = {
  messageNew: "MessageNew",
  messageExpunge: "MessageExpunge",
  flagChange: "FlagChange",
  annotationChange: "AnnotationChange",
  mailboxName: "MailboxName",
  subscriptionChange: "SubscriptionChange",
  mailboxMetadataChange: "MailboxMetadataChange",
  serverMetadataChange: "ServerMetadataChange",
} as const;

const EIGHT_BIT = /[\x80-\xff]/;
/** One that begins no modified base64. */
const BARE_AND = /&(?![A-Za-z0-9+,]*-)/;

const PLAIN: ReadonlySet<string> = new Set(["selected", "selected-delayed", "inboxes", "personal", "subscribed"]);

/** What is told of the selected mailbox without NOTIFY. */
const USUAL = "(SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))";

/** The command by which all is as it was before (RFC 5465 §3.1: NONE would silence the selected mailbox, too). */
export const NOTIFY_AS_USUAL = `NOTIFY SET ${USUAL}`;

/**
 * The command. Where no group means the selected mailbox, that is told of as usual. Throws UsageError.
 *
 * @param status True: how the mailboxes are is told at once.
 */
export function notifyCommand(groups: readonly NotifyGroup[], status: boolean, utf8: boolean): Piece[] {
  if (groups.length === 0) throw new UsageError("notify wants at least one group", { protocol: "imap" });
  const selected = groups.filter(({ of }) => isSelected(of));
  if (selected.length > 1) throw new UsageError("the selected mailbox is in one group", { protocol: "imap" });
  const written = groups.flatMap((group): Piece[] => [" ", ...groupPieces(group, utf8)]);
  return [`NOTIFY SET${status ? " STATUS" : ""}`, ...(selected.length === 0 ? [` ${USUAL}`] : []), ...written];
}

function isSelected(of: NotifyMailboxes): boolean {
  return of === "selected" || of === "selected-delayed";
}

function groupPieces({ of, events, fetch }: NotifyGroup, utf8: boolean): Piece[] {
  const words = events.map((name) => eventWord(name));
  const has = (name: NotifyEventName) => events.includes(name);
  const both = has("messageNew") && has("messageExpunge");
  if (!both && (["messageNew", "messageExpunge", "flagChange", "annotationChange"] as const).some(has)) {
    throw new UsageError("messageNew and messageExpunge go together, and other events of messages with them", {
      protocol: "imap",
    });
  }
  if (fetch !== undefined) {
    if (!isSelected(of) || !both) {
      throw new UsageError("fetch goes with messageNew of the selected mailbox", { protocol: "imap" });
    }
    words[events.indexOf("messageNew")] += ` (${itemList(fetch).join(" ")})`;
  }
  return ["(", ...mailboxPieces(of, utf8), words.length === 0 ? " NONE)" : ` (${words.join(" ")}))`];
}

function eventWord(name: NotifyEventName): string {
  if (Object.hasOwn(EVENTS, name)) return EVENTS[name];
  const advice = `there are ${Object.keys(EVENTS).join(", ")}`;
  throw new UsageError(`${JSON.stringify(name)} is no event of NOTIFY`, { advice, protocol: "imap" });
}

function mailboxPieces(of: NotifyMailboxes, utf8: boolean): Piece[] {
  if (typeof of === "string" && PLAIN.has(of)) return [of.toUpperCase()];
  const [word, names] =
    typeof of !== "object" ? [] : "subtree" in of ? ["SUBTREE", of.subtree] : ["MAILBOXES", of.mailboxes];
  const all = [names ?? []].flat();
  if (word === undefined || all.length === 0) {
    throw new UsageError(`${JSON.stringify(of)} are no mailboxes of NOTIFY`, { protocol: "imap" });
  }
  return [`${word} (`, ...all.flatMap((name, i) => [i > 0 ? " " : "", mailboxArgument(name, utf8)]), ")"];
}

/** What a response tells of mailboxes that are not selected; undefined where it tells nothing of them. Throws ProtocolError. */
export function notifyEvent(response: Response, utf8: boolean): NotifyEvent | undefined {
  if (response.kind !== "untagged" || response.number !== undefined) return undefined;
  // Dovecot 2.3 gives names in its notifications as people see them: UTF-8, and a bare `&`.
  const literals = response.literals.map((each) => (typeof each === "number" ? "" : each.toString("latin1")));
  const isUtf8 = utf8 || [response.raw, ...literals].some((text) => EIGHT_BIT.test(text) || BARE_AND.test(text));
  return Object.hasOwn(READERS, response.name) ? READERS[response.name]?.(response, isUtf8) : undefined;
}

const READERS: Readonly<Record<string, (response: Response, utf8: boolean) => NotifyEvent>> = {
  STATUS: (response, utf8) => ({ type: "status", status: parseStatus(response, utf8) }),
  LIST: (response, utf8) => {
    const mailbox = parseList(response, utf8);
    const old = [mailbox.extended?.get("OLDNAME")].flat()[0];
    const gone = mailbox.flags.some((flag) => flag.toLowerCase() === "\\nonexistent");
    return { type: "list", mailbox, gone, ...(typeof old === "string" && { oldName: decodeMailbox(old, utf8) }) };
  },
  METADATA: (response, utf8) => {
    const { mailbox, entries } = parseMetadata(response, utf8);
    return { type: "metadata", mailbox, entries: [...entries.keys()] };
  },
};
