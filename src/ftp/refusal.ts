/** From an FTP refusal to the error that says what it means. */
import { LoginError, ReplyError } from "../client/errors.js";
import type { Reply } from "../client/session.js";

/** What a code means to a person, where the server's own words may not say it. */
const ADVICE: Readonly<Record<string, string>> = {
  "331": "it wants a password",
  "332": "it wants an account (ACCT)",
  "421": "the server has too many connections, or closes this one",
  "425": "the data connection could not be opened: a firewall, or TLS session reuse that was refused",
  "452": "its disk is full",
  "501": "the server does not understand the argument",
  "502": "the server does not have this command",
  "504": "the server does not take this argument",
  "522": "the server insists on the reuse of the control connection's TLS session",
  "530": "not logged in",
  "532": "it wants an account (ACCT)",
  "550": "it is not there, or you may not",
  "552": "its disk is full, or a quota is used up",
  "553": "the server does not allow this name",
};

/** Words of servers that refuse a login only for now. */
const CAP =
  /too many|maximum (number )?(of )?(\w+ )?(clients|connections|users|hosts|login)|limit|try (again )?later|busy/i;

/** What vsftpd says when it dies, whatever it was asked; at a login that may be for its settings, but not in these words. */
const DYING = /^OOPS: /;
const KILLED = /^OOPS: (child died|priv_sock)/;

/** The error for a refused command. `shown` is the command as it may be shown; `text` the reply, redacted. */
export function refusal(reply: Reply, shown: string, text = reply.text): ReplyError {
  const login = /^(USER|PASS|ACCT)\b/i.test(shown);
  const capped = login && CAP.test(text);
  const dying = reply.code === "500" && (login ? KILLED : DYING).test(text.trim());
  const details = {
    command: shown,
    code: reply.code,
    transient: reply.code.startsWith("4") || capped || dying,
    // After 421 the server hangs up.
    clientUsable: reply.code !== "421" && !dying,
    protocol: "ftp" as const,
  };
  const advice = ADVICE[reply.code];
  const message = `the server refused "${shown}": ${reply.code} ${text.trim()}${advice ? ` (${advice})` : ""}`;
  if (login && !capped && !dying && reply.code !== "421") {
    return new LoginError(`the login was refused: ${reply.code} ${text.trim()}`, { ...details });
  }
  return new ReplyError(message, details);
}
