/** ENVELOPE (RFC 9051 §7.5.2): the fields of a header as a server has read them. Text is decoded when it is asked for. No I/O. */
import type { Address } from "../message/address.js";
import { decodeBare } from "../message/charset.js";
import { parseDate } from "../message/date.js";
import { messageIds } from "../message/message-id.js";
import { decodeWords } from "../message/words.js";
import type { Cursor } from "./cursor.js";

/** An address as it was sent: undefined for NIL. A group begins with one without host, and ends with one without mailbox. */
export interface RawAddress {
  readonly name: string | undefined;
  readonly mailbox: string | undefined;
  readonly host: string | undefined;
}

/** What servers put where an address has no domain, or nothing at all: Dovecot, UW and Panda IMAP. */
const NOWHERE: ReadonlySet<string> = new Set(["MISSING_DOMAIN", ".MISSING-HOST-NAME.", ".SYNTAX-ERROR."]);
const NOBODY: ReadonlySet<string> = new Set(["MISSING_MAILBOX", "MISSING_MAILBOX_TERMINATOR"]);
const NONE: readonly RawAddress[] = [];

/** The envelope of a message. Raw fields have one character per byte (latin1), as they were sent; the others are decoded. */
export class Envelope {
  readonly rawDate: string;
  readonly rawSubject: string;
  readonly rawFrom: readonly RawAddress[];
  readonly rawSender: readonly RawAddress[];
  readonly rawReplyTo: readonly RawAddress[];
  readonly rawTo: readonly RawAddress[];
  readonly rawCc: readonly RawAddress[];
  readonly rawBcc: readonly RawAddress[];
  readonly rawInReplyTo: string;
  readonly rawMessageId: string;

  constructor(
    rawDate: string,
    rawSubject: string,
    rawFrom: readonly RawAddress[],
    rawSender: readonly RawAddress[],
    rawReplyTo: readonly RawAddress[],
    rawTo: readonly RawAddress[],
    rawCc: readonly RawAddress[],
    rawBcc: readonly RawAddress[],
    rawInReplyTo: string,
    rawMessageId: string,
  ) {
    this.rawDate = rawDate;
    this.rawSubject = rawSubject;
    this.rawFrom = rawFrom;
    this.rawSender = rawSender;
    this.rawReplyTo = rawReplyTo;
    this.rawTo = rawTo;
    this.rawCc = rawCc;
    this.rawBcc = rawBcc;
    this.rawInReplyTo = rawInReplyTo;
    this.rawMessageId = rawMessageId;
  }

  /** Date; undefined where it is none. `rawDate` has what was sent. */
  get date(): Date | undefined {
    return parseDate(this.rawDate);
  }

  /** Subject; "" where there is none. */
  get subject(): string {
    return decodeWords(this.rawSubject);
  }

  get from(): Address[] {
    return addresses(this.rawFrom);
  }

  /** Sender; servers put From here where there is none. */
  get sender(): Address[] {
    return addresses(this.rawSender);
  }

  /** Reply-To; servers put From here where there is none. */
  get replyTo(): Address[] {
    return addresses(this.rawReplyTo);
  }

  get to(): Address[] {
    return addresses(this.rawTo);
  }

  get cc(): Address[] {
    return addresses(this.rawCc);
  }

  get bcc(): Address[] {
    return addresses(this.rawBcc);
  }

  /** The message-ids of In-Reply-To. */
  get inReplyTo(): string[] {
    return messageIds(this.rawInReplyTo);
  }

  /** `<…>`; "" where there is none. */
  get messageId(): string {
    return decodeBare(this.rawMessageId.trim());
  }

  toJSON(): object {
    const { date, rawDate, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = this;
    const when = { date: date?.toISOString() ?? null, rawDate };
    return { ...when, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId };
  }
}

/** Reads an envelope; undefined for NIL. Fields that are missing at its end are empty. Throws ProtocolError. */
export function parseEnvelope(cursor: Cursor): Envelope | undefined {
  if (!cursor.open()) return undefined;
  const envelope = new Envelope(
    stringField(cursor),
    stringField(cursor),
    addressField(cursor),
    addressField(cursor),
    addressField(cursor),
    addressField(cursor),
    addressField(cursor),
    addressField(cursor),
    stringField(cursor),
    stringField(cursor),
  );
  while (!cursor.close()) cursor.skip();
  return envelope;
}

function stringField(cursor: Cursor): string {
  if (cursor.atEnd) return "";
  if (!cursor.atList) return cursor.nstring() ?? "";
  cursor.skip();
  return "";
}

function addressField(cursor: Cursor): readonly RawAddress[] {
  if (cursor.atEnd) return NONE;
  if (!cursor.atList) {
    // NIL; or "", which some servers send for an empty list.
    cursor.nstring();
    return NONE;
  }
  const all: RawAddress[] = [];
  cursor.open();
  while (!cursor.close()) {
    if (cursor.atList) all.push(address(cursor));
    else cursor.skip();
  }
  return all;
}

/** `("Bob" NIL "bob" "example.org")`: the second field is a route, which nobody uses any more. */
function address(cursor: Cursor): RawAddress {
  cursor.open();
  const name = cursor.atEnd ? undefined : cursor.nstring();
  if (!cursor.atEnd) cursor.skip();
  const mailbox = cursor.atEnd ? undefined : cursor.nstring();
  const host = cursor.atEnd ? undefined : cursor.nstring();
  while (!cursor.close()) cursor.skip();
  return { name, mailbox, host };
}

/** The addresses, the members of a group with its name. */
function addresses(raw: readonly RawAddress[]): Address[] {
  const all: Address[] = [];
  let group: string | undefined;
  for (const { name, mailbox, host } of raw) {
    if (host === undefined && (mailbox === undefined || mailbox === "" || NOBODY.has(mailbox))) group = undefined;
    else if (host === undefined) group = decodeWords(mailbox as string);
    else {
      const one = member(name ?? "", mailbox ?? "", host);
      if (one.name !== "" || one.address !== "") all.push(group === undefined ? one : { ...one, group });
    }
  }
  return all;
}

/** An address without domain is a name, as it is in `parseAddresses`. */
function member(name: string, mailbox: string, host: string): Address {
  const local = NOBODY.has(mailbox) ? "" : mailbox;
  if (host !== "" && !NOWHERE.has(host) && local !== "") {
    return { name: decodeWords(name), address: decodeBare(`${local}@${host}`) };
  }
  return { name: decodeWords(name || local), address: "" };
}
