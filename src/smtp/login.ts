/** Who is there, in the words of RFC 4954: AUTH. */
import type { Call, Credentials, Reply } from "../client/session.js";
import { AuthWire, type AuthWords, saslContext } from "../net/auth-wire.js";
import { authenticate, type SaslStep } from "../sasl/authenticate.js";
import { loginRefusal, refusesMechanism } from "./refusal.js";
import type { SmtpSession } from "./session.js";

/** Octets of an AUTH line (RFC 4954 §4), less `AUTH SCRAM-SHA-256-PLUS ` and its CR LF. */
const LONGEST_INITIAL = 12_288 - 24 - 2;

/** True where the credentials name nobody, and none of the ways to log in does without: much mail is sent without a login. */
export function namesNobody({ options }: SmtpSession, { user, password, token, authzid }: Credentials): boolean {
  const given = user ?? password ?? token ?? authzid;
  return given === undefined && !options.mechanisms?.some((name) => name === "EXTERNAL" || name === "ANONYMOUS");
}

/** AUTH, by the strongest mechanism that fits. */
export async function login(session: SmtpSession, credentials: Credentials, call: Call): Promise<void> {
  const { line, options } = session;
  const offered = session.capabilities.get("AUTH") ?? [];
  await authenticate(
    new AuthWire(line, words(session), call),
    saslContext(line, options, "smtp", credentials, offered),
  );
}

/** The dialogue of SASL as SMTP writes it: 334 asks, 235 agrees. */
function words(session: SmtpSession): AuthWords {
  const read = (reply: Reply, shown: string): SaslStep => {
    if (reply.code === "334") return { kind: "challenge", data: reply.text.trim() };
    if (reply.ok) return { kind: "done", reply: session.expect(reply, shown, "2") };
    const error = loginRefusal(reply, shown, session.line.redact(reply.text));
    error.server = session.server;
    return { kind: "refused", reply, mechanism: refusesMechanism(reply), error };
  };
  return { verb: "AUTH", longestInitial: LONGEST_INITIAL, empty: "", read };
}
