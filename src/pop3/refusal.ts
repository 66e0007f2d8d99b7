/** From a POP3 refusal to the error that says what it means (RFC 2449 §8, RFC 3206, RFC 6856). */
import { LoginError, ReplyError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { refusesMechanism as wordsRefuseMechanism } from "../sasl/refused-mechanism.js";
import { readable } from "../wire/text.js";

/** What a response code means: to a person, and whether it holds for now only. */
interface Meaning {
  readonly advice: string;
  readonly transient: boolean;
  /** True where it is about the user's name and password, or may be. */
  readonly credentials?: boolean;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  "IN-USE": { advice: "another session has the mailbox: try again when it is over", transient: true },
  "LOGIN-DELAY": { advice: "the server wants more time between two logins", transient: true },
  "SYS/TEMP": { advice: "something is wrong inside the server, for now", transient: true },
  "SYS/PERM": { advice: "something is wrong inside the server, and has to be repaired there", transient: false },
  AUTH: { advice: "the name or the password is wrong, or may not be used here", transient: false, credentials: true },
  UTF8: { advice: "the server wants UTF8 first: call utf8() before login()", transient: false },
};

/** How servers without response codes say that another session has the mailbox (RFC 1939 §4). */
const LOCKED =
  /\b(?:maildrop|mail ?drop|mailbox|mail spool)\b.{0,60}\b(?:lock(?:ed)?|in use|busy|opened by)\b|\block\b.{0,40}\b(?:maildrop|mailbox)\b/i;
/** … and that a limit is reached. */
const CAPPED = /\btoo many\b.{0,40}\b(?:connections?|sessions?|logins?)\b|\btry (?:again )?later\b|\bbusy\b/i;

/** True for a refusal of AUTH, or APOP, behind which another way to log in may do. */
export function refusesMechanism(reply: Reply): boolean {
  // Without the code: the word AUTH in it says nothing about the command.
  return wordsRefuseMechanism(reply.text.replace(/^\[[^\]]*\]/, ""));
}

/** Commands that log in, as they are shown. */
const LOGIN = /^(?:USER|PASS|APOP|AUTH)\b/i;

/** The error for a refused command. `shown` is the command as it may be shown; `text` the reply, redacted. */
export function refusal(reply: Reply, shown: string, text = reply.text): ReplyError {
  const login = LOGIN.test(shown);
  const meaning = meaningOf(reply.enhanced) ?? (login || shown === "connect" ? guess(text) : undefined);
  const details = {
    command: shown,
    code: reply.code,
    enhanced: reply.enhanced,
    transient: meaning?.transient ?? false,
    protocol: "pop3" as const,
  };
  const said = `${reply.code} ${readable(text.trim())}`;
  if (login && (meaning === undefined || meaning.credentials)) {
    return new LoginError(`the login was refused: ${said}`, details);
  }
  const advice = meaning === undefined ? "" : ` (${meaning.advice})`;
  return new ReplyError(`the server refused "${shown}": ${said}${advice}`, details);
}

/** Codes are hierarchies: what is not known below a known level means what that level means (RFC 2449 §8). */
function meaningOf(code = ""): Meaning | undefined {
  for (let known = code; known !== ""; known = known.slice(0, Math.max(known.lastIndexOf("/"), 0))) {
    if (Object.hasOwn(MEANINGS, known)) return MEANINGS[known];
  }
  return undefined;
}

function guess(text: string): Meaning | undefined {
  if (LOCKED.test(text)) return MEANINGS["IN-USE"];
  return CAPPED.test(text) ? { advice: "the server has reached a limit", transient: true } : undefined;
}
