/** What the features of a server are good for, and what is the matter without them: a table for each protocol. */
import type { Clients } from "../../index.js";

/** A feature: its names, one of which is enough; what it is good for; what is missing without it, and an advice. */
export type Feature = readonly [names: readonly string[], good: string, missing: string];

/** What the protocols call things. */
export const PROTOCOL: Readonly<
  Record<keyof Clients, { readonly upgrade: string; readonly carries: string; readonly sasl: string | undefined }>
> = {
  ftp: { upgrade: "AUTH TLS", carries: "files", sasl: undefined },
  imap: { upgrade: "STARTTLS", carries: "mail", sasl: "AUTH" },
  nntp: { upgrade: "STARTTLS", carries: "articles", sasl: "SASL" },
  pop3: { upgrade: "STLS", carries: "mail", sasl: "SASL" },
  smtp: { upgrade: "STARTTLS", carries: "mail", sasl: "AUTH" },
};

const FTP: readonly Feature[] = [
  [
    ["MLST", "MLSD"],
    "MLSD: exact sizes and times in listings",
    "no MLSD: listings are text to be guessed at; check times with --dry-run",
  ],
  [["SIZE"], "SIZE: what arrived can be verified", "no SIZE: an upload cannot be verified by its size"],
  [["REST STREAM"], "REST STREAM: broken transfers can be resumed", "no REST STREAM: a broken transfer begins anew"],
  [["MDTM"], "MDTM: exact times of files", "no MDTM: the time of a file is known from listings only"],
  [
    ["HASH", "XSHA512", "XSHA256", "XSHA1", "XMD5", "XCRC"],
    "the server computes digests of files",
    "no HASH or XSHA256: contents can be compared by downloading only",
  ],
  [["UTF8"], "names are UTF-8", "no UTF8: names beyond ASCII may be in any encoding; polywire keeps their bytes"],
  [["EPSV"], "EPSV: works over IPv6 and NAT", "no EPSV announced: over IPv6 it may not work"],
];

const IMAP: readonly Feature[] = [
  [["IDLE", "IMAP4REV2"], "IDLE: new mail is told at once", "no IDLE: polywire asks for news by NOOP"],
  [
    ["UIDPLUS", "IMAP4REV2"],
    "UIDPLUS: what was put into a mailbox is known by its UID",
    "no UIDPLUS: what was put into a mailbox has to be searched for",
  ],
  [["MOVE", "IMAP4REV2"], "MOVE: messages move in one step", "no MOVE: copy messages, and remove them afterwards"],
  [
    ["QRESYNC"],
    "QRESYNC: what has changed since the last time is told",
    "no QRESYNC: what has changed is found by looking at every message",
  ],
  [
    ["ESEARCH", "IMAP4REV2"],
    "ESEARCH: what a search has found comes as ranges",
    "no ESEARCH: what a search has found comes number by number",
  ],
  [
    ["LITERAL+", "LITERAL-", "IMAP4REV2"],
    "literals that are not waited for: messages are put into mailboxes without a round trip each",
    "no LITERAL+: each message that is put into a mailbox costs a round trip more",
  ],
  [
    ["SPECIAL-USE", "IMAP4REV2"],
    "SPECIAL-USE: the mailboxes for sent mail, drafts and trash are marked",
    "no SPECIAL-USE: the mailbox for sent mail has to be guessed by its name",
  ],
  [["COMPRESS"], "COMPRESS: answers travel as a fraction of their size", "no COMPRESS: answers travel in full"],
];

const NNTP: readonly Feature[] = [
  [["READER"], "READER: articles can be read", "no READER: it may be a server for feeds only"],
  [["OVER"], "OVER: headers of many articles at once", "no OVER announced: polywire tries XOVER"],
  [
    ["COMPRESS", "XFEATURE-COMPRESS"],
    "COMPRESS: overviews travel as a fraction of their size",
    "no COMPRESS: overviews travel in full",
  ],
  [["POST"], "POST: articles can be posted", "no POST: articles can be read only; perhaps behind a login"],
];

const POP3: readonly Feature[] = [
  [
    ["UIDL"],
    "UIDL: messages are known again, so that only new ones are fetched",
    "no UIDL announced: without it nobody can tell which messages are new",
  ],
  [["PIPELINING"], "PIPELINING: many messages under way at once", "no PIPELINING: one message after the other"],
  [["TOP"], "TOP: headers without their messages", "no TOP announced: a message has to be fetched to see its subject"],
  [
    ["RESP-CODES"],
    "RESP-CODES: a mailbox in use can be told from a wrong password",
    "no RESP-CODES: a mailbox in use looks like a wrong password",
  ],
];

const SMTP: readonly Feature[] = [
  [["PIPELINING"], "PIPELINING: many commands in one round trip", "no PIPELINING: one command after the other"],
  [["CHUNKING"], "CHUNKING: many messages under way at once", "no CHUNKING: messages go one after the other, by DATA"],
  [["8BITMIME"], "8BITMIME: 8-bit text as it is", "no 8BITMIME: 8-bit messages may be damaged on their way"],
  [["SMTPUTF8"], "SMTPUTF8: addresses beyond ASCII", "no SMTPUTF8: addresses are ASCII only"],
  [["DSN"], "DSN: notifications can be asked for", "no DSN: notifications come as the server likes"],
  [
    ["SIZE"],
    "SIZE: a message that is too large is refused before it is sent",
    "no SIZE: how large a message may be is not told",
  ],
];

/** Those of each protocol. */
export const FEATURES: Readonly<Record<keyof Clients, readonly Feature[]>> = {
  ftp: FTP,
  imap: IMAP,
  nntp: NNTP,
  pop3: POP3,
  smtp: SMTP,
};
