/** The selected mailbox as the server tells of it, and what happens in it (RFC 9051 §7.3, §7.4; RFC 7162). No I/O. */
import type { FetchData } from "./fetch-data.js";
import { parseFlags } from "./flags.js";
import type { ResponseCode } from "./parse-code.js";
import { parseFetch } from "./parse-fetch.js";
import type { Response } from "./response.js";
import { parseSet, type SequenceSet } from "./sequence-set.js";

/** Something that happened in the selected mailbox, whoever did it. */
export type MailboxEvent =
  /** There are so many messages now. Where it is more than before, the last ones are new. */
  | { readonly type: "exists"; readonly exists: number; readonly previous: number }
  /** The message with this number is gone; every later one has one less now. */
  | { readonly type: "expunge"; readonly number: number }
  /** The messages with these UIDs are gone; told in place of `expunge` where QRESYNC or UIDONLY is enabled. */
  | { readonly type: "vanished"; readonly uids: SequenceSet; readonly earlier: boolean }
  /** Something of a message has changed: its flags, as a rule. */
  | { readonly type: "fetch"; readonly data: FetchData };

/** The selected mailbox: kept up to date with every response. */
export class Mailbox {
  readonly name: string;
  /** True where nothing can be changed: EXAMINE, or a mailbox that may only be read. */
  readOnly: boolean;
  /** How many messages there are. */
  exists = 0;
  /** How many of them are new to the server's sessions (IMAP4rev1 only). */
  recent: number | undefined = undefined;
  /** The number of the first message that was not read yet, at the time of the selection (IMAP4rev1 only). */
  firstUnseen: number | undefined = undefined;
  /** As long as it stays the same, a UID means the same message. */
  uidValidity: number | undefined = undefined;
  /** The UID that the next message gets, at least. */
  uidNext: number | undefined = undefined;
  /** The flags that messages may have. */
  flags: readonly string[] = [];
  /** The flags that can be changed for good; `\*` among them where new keywords can be made. */
  permanentFlags: readonly string[] | undefined = undefined;
  /** Grows with each change (RFC 7162); undefined where the mailbox does not count them. A bigint only beyond 2^53-1. */
  highestModseq: number | bigint | undefined = undefined;
  /** The same for as long as the mailbox lives, also under another name (RFC 8474). */
  mailboxId: string | undefined = undefined;

  /**
   * What has changed since the mailbox was known, where that was asked for (QRESYNC). Undefined where it was not, and where
   * nothing can be told: UIDVALIDITY is another one, or the mailbox counts no changes. All that was known is void then.
   */
  resync: readonly MailboxEvent[] | undefined = undefined;

  constructor(name: string, readOnly = false) {
    this.name = name;
    this.readOnly = readOnly;
  }

  /** Takes over what a response tells; gives what happened, where something did. `utf8`: names are UTF-8. Throws ProtocolError. */
  heed(response: Response, utf8 = false): MailboxEvent | undefined {
    if (response.status !== undefined) {
      if (response.code) this.#code(response.code);
      return undefined;
    }
    return Object.hasOwn(HEED, response.name) ? HEED[response.name]?.(this, response, utf8) : undefined;
  }

  #code({ name, number, flags, mailboxId }: ResponseCode): void {
    if (number !== undefined) this.#number(name, number);
    else if (name === "NOMODSEQ") this.highestModseq = undefined;
    else if (name === "PERMANENTFLAGS") this.permanentFlags = flags;
    else if (name === "MAILBOXID") this.mailboxId = mailboxId;
    else if (name === "READ-ONLY") this.readOnly = true;
    else if (name === "READ-WRITE") this.readOnly = false;
  }

  #number(name: string, number: number | bigint): void {
    if (name === "UIDVALIDITY") this.uidValidity = Number(number);
    else if (name === "UIDNEXT") this.uidNext = Number(number);
    else if (name === "UNSEEN") this.firstUnseen = Number(number);
    else if (name === "HIGHESTMODSEQ") this.highestModseq = number;
  }
}

const HEED: Readonly<
  Record<string, (mailbox: Mailbox, response: Response, utf8: boolean) => MailboxEvent | undefined>
> = {
  EXISTS: (mailbox, { number = 0 }) => {
    const previous = mailbox.exists;
    mailbox.exists = number;
    return { type: "exists", exists: number, previous };
  },
  RECENT: (mailbox, { number }) => void (mailbox.recent = number),
  FLAGS: (mailbox, response) => void (mailbox.flags = parseFlags(response.cursor())),
  EXPUNGE: (mailbox, { number = 0 }) => {
    mailbox.exists = Math.max(mailbox.exists - 1, 0);
    return { type: "expunge", number };
  },
  VANISHED: (mailbox, response) => {
    const cursor = response.cursor();
    const earlier = cursor.atList && cursor.strings().some((word) => word.toUpperCase() === "EARLIER");
    const uids = parseSet(cursor.atom());
    // What was gone before the selection does not count (RFC 7162 §3.2.10).
    if (!earlier) mailbox.exists = Math.max(mailbox.exists - uids.size, 0);
    return { type: "vanished", uids, earlier };
  },
  FETCH: (_, response, utf8) => ({ type: "fetch", data: parseFetch(response, utf8) }),
};
