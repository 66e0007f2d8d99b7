/** What a failure means for the connection, the group and the job. Pure. */
import { ConnectionError, LoginError, ReplyError, TlsError, UsageError } from "../../client/errors.js";

/**
 * - `retry`: the way failed: connect again after a while
 * - `cap`: the server takes no more connections
 * - `group`: this group is refused; others go on
 * - `stop`: nothing will fare better: a refused login, a certificate, a full disk
 */
export type Verdict = "retry" | "cap" | "group" | "stop";

/** Words of servers that count connections. */
const CAP =
  /\btoo many\b|\bmaximum (number )?(of )?(\w+ )?(clients|connections|users|sessions|logins?)\b|\b(clients?|connections?|users?|sessions?|logins?)\b.*\blimit|\blimit.*\b(clients?|connections?|users?|sessions?|logins?)\b/i;

/** What a failure means. `others`: connections to the same server that are logged in: with some, a refusal is a cap. */
export function verdictOf(error: unknown, others: number): Verdict {
  if (error instanceof ReplyError) {
    const { code } = error;
    const refused = error instanceof LoginError || /^(400|48[12]|502)$/.test(code);
    // The command is in the message, too: a group may be called alt.limits.
    const said = error.message.replaceAll(error.command, "");
    if (refused && (CAP.test(said) || (others > 0 && /^AUTHINFO|^connect/.test(error.command)))) return "cap";
    if (error instanceof LoginError || code === "483") return "stop";
    if (code === "400" || error.transient) return "retry";
    return error.command === "connect" || error.command === "MODE READER" ? "stop" : "group";
  }
  // A name that the server itself gave, and that cannot be sent back.
  if (error instanceof UsageError) return "group";
  if (error instanceof TlsError) return error.retryable ? "retry" : "stop";
  if (error instanceof ConnectionError) return error.retryable ? "retry" : "stop";
  return "stop";
}
