/** From an IMAP refusal to the error that says what it means (RFC 9051 §7.1, RFC 5530). No I/O. */
import { LoginError, ReplyError } from "../client/errors.js";
import { readable } from "../wire/text.js";
import type { Response } from "./response.js";

/** What a response code means: to a person, and whether it holds for now only. */
interface Meaning {
  readonly advice: string;
  readonly transient?: boolean;
  /** True where it is about the user's name and password. */
  readonly credentials?: boolean;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
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
  TRYCREATE: { advice: "there is no such mailbox, but it can be made: create()" },
  HASCHILDREN: { advice: "there are mailboxes below it" },
  TOOBIG: { advice: "the message is larger than the server takes" },
  BADCHARSET: { advice: "the server does not know the charset" },
  "READ-ONLY": { advice: "the mailbox may only be read" },
  "UNKNOWN-CTE": { advice: "the server cannot decode this part" },
};

/** Words of servers that have reached a limit of connections, and do not say so by a code. */
const CAPPED = /\btoo many\b|\bmaximum number\b|\btry (?:again )?later\b|\bbusy\b|\btemporar/i;
/** Commands that log in, as they are shown. */
const LOGIN = /^(?:LOGIN|AUTHENTICATE)\b/i;

/** The error for a refused command. `shown` is the command as it may be shown; `text` the server's words, redacted. */
export function refusal(response: Response, shown: string, text = response.text): ReplyError {
  const { code } = response;
  const login = LOGIN.test(shown);
  const meaning = code && Object.hasOwn(MEANINGS, code.name) ? MEANINGS[code.name] : undefined;
  const capped = login && (code?.name === "LIMIT" || (meaning === undefined && CAPPED.test(text)));
  const details = {
    command: shown,
    code: response.name,
    enhanced: code?.name,
    transient: capped || (meaning?.transient ?? false),
    protocol: "imap" as const,
  };
  const said = `${response.name} ${code === undefined ? "" : `[${code.name}] `}${readable(text.trim())}`.trim();
  if (login && response.status === "NO" && !capped && (meaning === undefined || meaning.credentials)) {
    return new LoginError(`the login was refused: ${said}`, details);
  }
  const advice = meaning === undefined ? "" : ` (${meaning.advice})`;
  return new ReplyError(`the server refused "${shown}": ${said}${advice}`, details);
}
