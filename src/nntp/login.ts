/** Who is there, in the words of RFC 4643: AUTHINFO USER and PASS, or AUTHINFO SASL. */
import { LoginError, UsageError } from "../client/errors.js";
import type { Call, Credentials, Reply } from "../client/session.js";
import { AuthWire, type AuthWords, saslContext } from "../net/auth-wire.js";
import { authenticate, type SaslStep } from "../sasl/authenticate.js";
import type { NntpSession } from "./session.js";

/** Octets of a command with its CR LF (RFC 3977 §3.1), less `AUTHINFO SASL SCRAM-SHA-256-PLUS ` and the CR LF. */
const LONGEST_INITIAL = 512 - 33 - 2;

/** Codes that refuse the mechanism, not the password: 503 unknown or not to be had, 483 wants TLS (RFC 4643 §2.4.2). */
const OF_THE_MECHANISM = new Set(["483", "503"]);

/**
 * True where the credentials name nobody, and none of the ways to log in does without: most news may be read without a
 * login.
 */
export function namesNobody({ options }: NntpSession, { user, password, token, authzid }: Credentials): boolean {
  const given = user ?? password ?? token ?? authzid;
  return given === undefined && !options.mechanisms?.some((name) => name === "EXTERNAL" || name === "ANONYMOUS");
}

/**
 * Logs in. AUTHINFO USER and PASS go first where the server has them, also before SCRAM: news servers keep the accounts of
 * SASL apart, and INN announces all mechanisms that are installed, whether or not anybody has a password for them. SASL
 * is used where there is no AUTHINFO USER, for a token, for a client certificate without a password, and for the caller's
 * list of mechanisms.
 *
 * @param announced True where CAPABILITIES was understood.
 */
export async function login(
  session: NntpSession,
  credentials: Credentials,
  announced: boolean,
  call: Call,
): Promise<void> {
  session.line.hide(credentials.password);
  if (prefersSasl(session, credentials, announced)) await authinfoSasl(session, credentials, call);
  else await authinfo(session, credentials, call);
}

function prefersSasl(session: NntpSession, credentials: Credentials, announced: boolean): boolean {
  const { mechanisms, tls } = session.options;
  if (mechanisms !== undefined) return true;
  if (!announced || !session.has("SASL")) return false;
  const byCertificate = session.has("SASL", "EXTERNAL") && tls.cert !== undefined && credentials.password === undefined;
  return credentials.token !== undefined || byCertificate || !session.has("AUTHINFO", "USER");
}

/** AUTHINFO USER and PASS (RFC 4643 §2.3). */
async function authinfo(session: NntpSession, credentials: Credentials, { timeout }: Call): Promise<void> {
  const { user, password } = credentials;
  if (user === undefined) throw new UsageError("a login by AUTHINFO wants a user", { protocol: "nntp" });
  let reply = await session.line.send(`AUTHINFO USER ${user}`, { timeout });
  if (reply.code === "381") {
    if (password === undefined) {
      const details = { command: `AUTHINFO USER ${user}`, code: "381", transient: false, protocol: "nntp" as const };
      throw new LoginError("the server wants a password, and the credentials have none", details);
    }
    reply = await session.line.send(`AUTHINFO PASS ${password}`, { timeout, shown: "AUTHINFO PASS ***" });
  }
  session.expect(reply, "AUTHINFO PASS ***", "2");
}

/** AUTHINFO SASL (RFC 4643 §2.4), by the strongest mechanism. */
async function authinfoSasl(session: NntpSession, credentials: Credentials, call: Call): Promise<void> {
  const { line, options } = session;
  const offered = session.capabilities.get("SASL") ?? [];
  await authenticate(
    new AuthWire(line, words(session), call),
    saslContext(line, options, "nntp", credentials, offered),
  );
}

/** The dialogue of SASL as NNTP writes it: 383 asks, 281 and 283 agree, `=` is nothing. */
function words(session: NntpSession): AuthWords {
  const read = (reply: Reply, shown: string): SaslStep => {
    const { code } = reply;
    const data = reply.text.trim();
    if (code === "383") return { kind: "challenge", data };
    if (code === "283") return { kind: "done", reply, data };
    if (reply.ok) return { kind: "done", reply: session.expect(reply, shown, "2") };
    return { kind: "refused", reply, mechanism: OF_THE_MECHANISM.has(code), error: session.refused(reply, shown) };
  };
  return { verb: "AUTHINFO SASL", longestInitial: LONGEST_INITIAL, empty: "=", read };
}
