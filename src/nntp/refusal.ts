/** From an NNTP refusal to the error that says what it means. */
import { LoginError, ReplyError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { readable } from "../wire/text.js";

/** What a code means to a person, where the server's own words may not say it (RFC 3977 §3.2, RFC 4643, RFC 4644). */
const ADVICE: Readonly<Record<string, string>> = {
  "400": "the server closes the connection, for now",
  "403": "something is wrong inside the server",
  "411": "there is no such newsgroup, or you may not read it",
  "412": "no newsgroup is selected: call group() first",
  "420": "no article is selected",
  "421": "there is no next article",
  "422": "there is no previous article",
  "423": "no article has this number",
  "430": "no article has this message-id",
  "435": "the server does not want the article",
  "436": "the server could not take the article now: try later",
  "437": "the server rejects the article: do not try again",
  "440": "posting is not allowed here",
  "480": "the server wants a login: give credentials",
  "483": "the server wants an encrypted connection first",
  "500": "the server does not know this command",
  "501": "the server does not understand the argument",
  "503": "the server does not keep what this command needs",
};

/** Refusals that hold for now only. */
const TRANSIENT = new Set(["400", "403", "431", "436"]);

/** What servers count. */
const COUNTED = "(?:clients?|connections?|users?|sessions?|logins?)";
/** Words of servers that have reached a limit: of connections in all, or of one account's. */
const CAP = new RegExp(
  [
    "\\btoo many\\b",
    `\\bmaximum (?:number )?(?:of )?(?:\\w+ )?${COUNTED}\\b`,
    `\\b${COUNTED}\\b.{0,40}\\blimit`,
    `\\blimit(?:s|ed)?\\b.{0,40}\\b${COUNTED}\\b`,
    "\\btry (?:again )?later\\b",
    "\\bbusy\\b",
    "\\boverload(?:ed)?\\b",
    "\\b(?:high|heavy|server|system) load\\b",
    "\\bload (?:average|is|too)\\b",
  ].join("|"),
  "i",
);

/** The error for a refused command. `shown` is the command as it may be shown; `text` the reply, redacted. */
export function refusal(reply: Reply, shown: string, text = reply.text): ReplyError {
  const { code } = reply;
  const login = /^AUTHINFO\b/i.test(shown) && code !== "483";
  const capped = /^(400|48[12]|502)$/.test(code) && CAP.test(text);
  const details = {
    command: shown,
    code,
    transient: TRANSIENT.has(code) || capped,
    // After 400 the server hangs up, and after a greeting of refusal.
    clientUsable: code !== "400",
    protocol: "nntp" as const,
  };
  const said = `${code} ${readable(text.trim())}`;
  if (login && !capped && code !== "400") return new LoginError(`the login was refused: ${said}`, details);
  const advice = capped ? "the server has reached a limit of connections" : ADVICE[code];
  return new ReplyError(`the server refused "${shown}": ${said}${advice ? ` (${advice})` : ""}`, details);
}
