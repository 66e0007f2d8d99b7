/** From an SMTP refusal to the error that says what it means. */
import { LoginError, ReplyError, type ReplyErrorDetails } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { readable } from "../wire/text.js";

/** What a code means to a person, where the server's own words may not say it (RFC 5321 §4.2.3, RFC 4954 §6). */
const ADVICE: Readonly<Record<string, string>> = {
  "421": "the server closes the connection, for now",
  "432": "the password has to be changed first",
  "450": "the mailbox cannot be reached now: try later",
  "451": "something went wrong at the server: try later",
  "452": "the server has no room now: try later",
  "454": "the server cannot do that now: try later",
  "500": "the server does not know this command",
  "502": "the server does not have this command",
  "503": "the server wants another command first",
  "504": "the server does not have this parameter, or this mechanism",
  "521": "the server takes no mail",
  "523": "the message is too large for the recipient",
  "530": "the server wants a login, or TLS, first",
  "534": "the mechanism is too weak for this server",
  "538": "the mechanism needs an encrypted connection",
  "550": "there is no such mailbox, or it may not be used from here",
  "551": "the mailbox is somewhere else",
  "552": "the message is too large, or the mailbox full",
  "553": "the address is not allowed",
  "556": "the domain takes no mail",
};

/** Refusals of AUTH that mean the mechanism, not the password (RFC 4954 §4 and §6; 501: the initial response). */
const MECHANISM = new Set(["500", "501", "502", "504", "534", "538"]);

/** True for a refusal of AUTH behind which another mechanism may do. */
export function refusesMechanism({ code }: Reply): boolean {
  return MECHANISM.has(code);
}

/** What an error tells about a refused command. `shown` is the command as it may be shown; `text` the reply, redacted. */
export function refusalDetails(
  reply: Reply,
  shown: string,
  text = reply.text,
): ReplyErrorDetails & { message: string } {
  const { code, enhanced } = reply;
  const advice = ADVICE[code];
  const said = `${code} ${readable(text.trim())}`;
  return {
    message: `the server refused "${shown}": ${said}${advice ? ` (${advice})` : ""}`,
    command: shown,
    code,
    enhanced,
    transient: code.startsWith("4"),
    // After 421 the server hangs up.
    clientUsable: code !== "421",
    protocol: "smtp",
  };
}

/** What the server said, word for word, less secrets: `550 5.1.1 no such user`. */
const SAID = new WeakMap<ReplyError, string>();

/** What the server said where it refused. */
export function saidBy(error: ReplyError): string | undefined {
  return SAID.get(error);
}

/** Remembers it. */
export function saying<E extends ReplyError>(error: E, reply: Reply, text = reply.text): E {
  SAID.set(error, `${reply.code} ${text}`);
  return error;
}

/** The error for a refused command. */
export function refusal(reply: Reply, shown: string, text = reply.text): ReplyError {
  const { message, ...details } = refusalDetails(reply, shown, text);
  return saying(new ReplyError(message, details), reply, text);
}

/** The error for a refused AUTH. */
export function loginRefusal(reply: Reply, shown: string, text = reply.text): LoginError {
  const { message, ...details } = refusalDetails(reply, shown, text);
  const login = message.replace(`the server refused "${shown}"`, "the login was refused");
  return saying(new LoginError(login, details), reply, text);
}
