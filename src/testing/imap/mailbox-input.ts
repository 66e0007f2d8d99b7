/** A mailbox as a test describes it, and what a test may see of its messages. */
import type { ImapMessages } from "./message.js";

/** A mailbox as a test describes it. */
export interface ImapMailboxInput {
  /** Default: none. */
  messages?: ImapMessages | undefined;
  /** What it is for (RFC 6154): `"\\Sent"`. Default: nothing special. */
  specialUse?: string | readonly string[] | undefined;
  /** Default: true. */
  subscribed?: boolean | undefined;
  /** Default: one that no mailbox of the server has had. */
  uidValidity?: number | undefined;
  /** The UID of the next message. Default: 1. */
  uidNext?: number | undefined;
  /** Only superior to others; cannot be selected. Default: false. */
  noselect?: boolean | undefined;
  /** Opened read-only, whatever the client asks for. Default: false. */
  readOnly?: boolean | undefined;
  /** New keywords may be made by storing them (`\*` in PERMANENTFLAGS). Default: true. */
  newKeywords?: boolean | undefined;
  /** Has mod-sequences; without: NOMODSEQ (RFC 7162 3.1.2.2). Default: true. */
  modseq?: boolean | undefined;
  /** Rights by identifier (RFC 4314): `{ alice: "lrs" }`. What is set for the owner holds for the owner as well. Default: the owner may do everything. */
  acl?: Record<string, string> | undefined;
  /** Entries (RFC 5464): `{ "/private/comment": "mine" }`. Default: none. */
  metadata?: Record<string, string> | undefined;
}

/** What a test may see of a message. */
export interface ImapMessageState {
  uid: number;
  flags: string[];
  internalDate: Date;
  size: number;
  modseq: number;
}
