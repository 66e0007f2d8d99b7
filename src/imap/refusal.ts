/** From an IMAP refusal to the error that says what it means (RFC 9051 §7.1, RFC 5530). No I/O. */
import { LoginError, ReplyError } from "../client/errors.js";
import { readable } from "../wire/text.js";
import { meaningOf } from "./meanings.js";
import type { Response } from "./response.js";

/** Words of servers that have reached a limit of connections, and do not say so by a code. */
const CAPPED = /\btoo many\b|\bmaximum number\b|\btry (?:again )?later\b|\bbusy\b|\btemporar/i;
/** Commands that log in, as they are shown. */
const LOGIN = /^(?:LOGIN|AUTHENTICATE)\b/i;

/** The error for a refused command. `shown` is the command as it may be shown; `text` the server's words, redacted. */
export function refusal(response: Response, shown: string, text = response.text): ReplyError {
  const { code } = response;
  const login = LOGIN.test(shown);
  const meaning = meaningOf(code?.name);
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
