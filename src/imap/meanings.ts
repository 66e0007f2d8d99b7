/** What every response code means that an RFC defines, and those of the wild: one table (RFC 9051 §7.1, RFC 5530). No I/O. */

/** What a response code means: to a person, and whether it holds for now only. */
export interface Meaning {
  readonly advice: string;
  readonly transient?: boolean | undefined;
  /** True where it is about the user's name and password. */
  readonly credentials?: boolean | undefined;
}

/** It tells something, and gives no reason for a refusal. */
const NEWS = "news";

/** Codes of refusals by what they mean; those that only tell something. */
export const MEANINGS: Readonly<Record<string, Meaning | typeof NEWS>> = {
  // RFC 5530
  UNAVAILABLE: { advice: "something that the server needs is down, for now", transient: true },
  AUTHENTICATIONFAILED: { advice: "the name or the password is wrong", credentials: true },
  AUTHORIZATIONFAILED: { advice: "this user may not act for that one", credentials: true },
  EXPIRED: { advice: "the password has expired", credentials: true },
  PRIVACYREQUIRED: { advice: "the server wants an encrypted connection first" },
  CONTACTADMIN: { advice: "the server's administrator has to be asked" },
  NOPERM: { advice: "you may not do this" },
  INUSE: { advice: "another session has it: try again when it is over", transient: true },
  EXPUNGEISSUED: { advice: "some of the messages are gone", transient: true },
  CORRUPTION: { advice: "the mailbox is damaged, and has to be repaired on the server" },
  SERVERBUG: { advice: "the server calls this a defect of its own" },
  CLIENTBUG: { advice: "the server takes this for a mistake of the client" },
  CANNOT: { advice: "the server can never do this" },
  LIMIT: { advice: "a limit of the server is reached" },
  OVERQUOTA: { advice: "the quota is used up" },
  ALREADYEXISTS: { advice: "there is one already" },
  NONEXISTENT: { advice: "there is no such mailbox" },
  // RFC 9051 and 3501
  TRYCREATE: { advice: "there is no such mailbox, but it can be made: create()" },
  HASCHILDREN: { advice: "there are mailboxes below it" },
  BADCHARSET: { advice: "the server does not know the charset" },
  PARSE: { advice: "the server cannot read the message" },
  "READ-ONLY": { advice: "the mailbox may only be read" },
  "UNKNOWN-CTE": { advice: "the server cannot decode this part" },
  ALERT: NEWS,
  CAPABILITY: NEWS,
  CLOSED: NEWS,
  NEWNAME: NEWS,
  PERMANENTFLAGS: NEWS,
  "READ-WRITE": NEWS,
  UIDNEXT: NEWS,
  UIDVALIDITY: NEWS,
  UNSEEN: NEWS,
  // RFC 2221
  REFERRAL: { advice: "it is on another server, which the code names" },
  // RFC 4315
  APPENDUID: NEWS,
  COPYUID: NEWS,
  UIDNOTSTICKY: { advice: "the mailbox keeps no UIDs" },
  // RFC 4467 and 4469
  BADURL: { advice: "the server cannot take a message from this URL" },
  TOOBIG: { advice: "the message is larger than the server takes" },
  URLMECH: NEWS,
  // RFC 4978
  COMPRESSIONACTIVE: { advice: "the connection is compressed already" },
  // RFC 5182
  NOTSAVED: { advice: "the last search was not saved: $ means no messages" },
  // RFC 5255, 5257 and 5259
  BADCOMPARATOR: { advice: "the server does not know the comparator" },
  ANNOTATE: { advice: "the annotations are too large, or too many" },
  ANNOTATIONS: NEWS,
  TEMPFAIL: { advice: "the server cannot convert it, for now", transient: true },
  MAXCONVERTMESSAGES: { advice: "too many messages are to be converted at a time" },
  MAXCONVERTPARTS: { advice: "too many parts are to be converted at a time" },
  // RFC 5267, 5464, 5465 and 5466
  NOUPDATE: { advice: "the server does not keep the search up to date" },
  METADATA: { advice: "the value is too long, there are too many, or none may be private" },
  BADEVENT: { advice: "the server does not tell of such events: the code names those that it has" },
  NOTIFICATIONOVERFLOW: {
    advice: "there were more events than the server could tell: look at what is, then notify() again",
    transient: true,
  },
  "UNDEFINED-FILTER": { advice: "there is no such filter" },
  // RFC 6154
  USEATTR: { advice: "there can be no mailbox of this special use" },
  // RFC 7162
  HIGHESTMODSEQ: NEWS,
  MODIFIED: { advice: "somebody else has changed some of the messages meanwhile" },
  NOMODSEQ: { advice: "the mailbox does not count its changes" },
  // RFC 8474
  MAILBOXID: NEWS,
  // RFC 9585, 9586 and 9738
  INPROGRESS: NEWS,
  UIDREQUIRED: { advice: "messages are named by their UIDs only" },
  MESSAGELIMIT: { advice: "more messages than the server handles in one command" },
  SAVELIMIT: { advice: "more messages than the server saves of one search" },
  // Of Dovecot, and of POP3 (RFC 2449), where one server speaks both
  "IN-USE": { advice: "another session has it: try again when it is over", transient: true },
  // Of Gmail, Yahoo and Dovecot
  THROTTLED: { advice: "too much was asked for in a short time", transient: true },
  WEBALERT: { advice: "the user has to visit the web page that the code names" },
};

/** What a code says of a refusal; undefined where it is unknown, or says nothing of that. */
export function meaningOf(name: string | undefined): Meaning | undefined {
  const meaning = name !== undefined && Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined;
  return meaning === NEWS ? undefined : meaning;
}
