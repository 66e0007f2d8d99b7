/** Who is there: SASL (RFC 5034), APOP, or USER and PASS (RFC 1939 §7), the strongest that both sides know. */
import { createHash } from "node:crypto";
import { LoginError, UsageError } from "../client/errors.js";
import type { Call, Credentials, Reply } from "../client/session.js";
import { channelBinding } from "../net/channel-binding.js";
import { authenticate, type SaslContext, type SaslStep, type SaslWire } from "../sasl/authenticate.js";
import { chooseMechanisms } from "../sasl/choose.js";
import { encodeLine, encodeText } from "../wire/text.js";
import type { Pop3Session } from "./session.js";

/** Mechanisms that show the password to whoever listens: APOP is better than these where there is no TLS. */
const READABLE = new Set(["PLAIN", "LOGIN"]);

/** An AUTH line has 255 octets at most, CR LF included (RFC 5034 §4); the longest name of a mechanism has 20. */
const LONGEST_INITIAL = 255 - "AUTH  \r\n".length - 20;

/** Words of servers that do not know a mechanism, or take no initial response (RFC 1734): no code tells it. */
const NOT_THIS_WAY =
  /\b(?:mechanism|unsupported|unknown|unrecogni[sz]ed|not (?:supported|enabled|available|implemented|allowed)|syntax|arguments?|parameters?)\b/i;

/** Logs in with what the credentials, the options and the server have in common. Throws LoginError, UsageError. */
export async function logIn(session: Pop3Session, credentials: Credentials, call: Call): Promise<void> {
  const { line, settings, options } = session;
  line.hide(credentials.password);
  if (settings.apop) return apop(session, credentials, call);
  const context = saslContext(session, credentials);
  const insists = options.mechanisms !== undefined || credentials.token !== undefined;
  const names = insists ? [] : usable(context);
  const readable = names.every((name) => READABLE.has(name));
  const hasPassword = credentials.user !== undefined && credentials.password !== undefined;
  if (!insists && readable && hasPassword && settings.apop !== false && !line.tls && session.timestamp !== undefined) {
    return apop(session, credentials, call);
  }
  if (!insists && names.length === 0) return userAndPass(session, credentials, call);
  const wire = new AuthWire(session, call);
  try {
    await authenticate(wire, context);
  } catch (error) {
    if (insists || !hasPassword || !(wire.refusedMechanism && error instanceof LoginError)) throw error;
    await userAndPass(session, credentials, call);
  }
}

/**
 * USER and PASS (RFC 1939 §7). Without TLS only where `security: "plain"` was written out: every other connection is
 * encrypted by now, or was given up.
 */
async function userAndPass(session: Pop3Session, { user, password }: Credentials, { timeout }: Call): Promise<void> {
  if (user === undefined) throw new UsageError("a login wants a user", { protocol: "pop3" });
  if (password === undefined) throw new UsageError("a login by USER and PASS wants a password", { protocol: "pop3" });
  // Before the name is sent, and the server waits for it.
  encodeLine(`PASS ${password}`, "PASS ***");
  await session.send(`USER ${user}`, { timeout });
  await session.send(`PASS ${password}`, { timeout, shown: "PASS ***" });
}

/** APOP (RFC 1939 §7): the digest of the greeting's timestamp and the password. */
async function apop(session: Pop3Session, { user, password }: Credentials, { timeout }: Call): Promise<void> {
  const { timestamp, line } = session;
  if (timestamp === undefined) {
    throw new UsageError("the server takes no APOP: its greeting has no timestamp", { protocol: "pop3" });
  }
  if (user === undefined || password === undefined) {
    throw new UsageError("a login by APOP wants a user and a password", { protocol: "pop3" });
  }
  if (/\s/.test(user)) throw new UsageError("a user's name with a blank cannot be sent by APOP", { protocol: "pop3" });
  const digest = createHash("md5").update(timestamp).update(encodeText(password)).digest("hex");
  line.hide(digest);
  await session.send(`APOP ${user} ${digest}`, { timeout, shown: `APOP ${user} ***` });
}

function saslContext(session: Pop3Session, credentials: Credentials): SaslContext {
  const { options, line } = session;
  const { host, port, security, mechanisms, tls } = options;
  return {
    credentials,
    offered: session.capabilities.get("SASL") ?? [],
    mechanisms,
    secure: line.tls !== undefined,
    security,
    service: "pop",
    host,
    port,
    clientCertificate: line.tls !== undefined && tls.cert !== undefined,
    binding: line.tls && channelBinding(line.tls),
  };
}

/** The mechanisms that both sides can do; none where there is nothing in common. */
function usable(context: SaslContext): string[] {
  try {
    return chooseMechanisms(context).map(({ name }) => name);
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** SASL in the words of AUTH (RFC 5034). */
class AuthWire implements SaslWire {
  readonly longestInitial = LONGEST_INITIAL;
  /** True where the last refusal meant the mechanism. */
  refusedMechanism = false;
  readonly #session: Pop3Session;
  readonly #timeout: number;
  #shown = "AUTH";

  constructor(session: Pop3Session, call: Call) {
    this.#session = session;
    this.#timeout = call.timeout;
  }

  begin(name: string, initial: string | undefined): Promise<SaslStep> {
    this.#shown = initial === undefined ? `AUTH ${name}` : `AUTH ${name} ***`;
    return this.#say(initial === undefined ? `AUTH ${name}` : `AUTH ${name} ${initial}`, this.#shown);
  }

  answer(line: string): Promise<SaslStep> {
    return this.#say(line, "***");
  }

  cancel(): Promise<SaslStep> {
    return this.#say("*", "*");
  }

  hide(secret: string | undefined): void {
    this.#session.line.hide(secret);
  }

  async #say(line: string, shown: string): Promise<SaslStep> {
    const reply = await this.#session.line.send(line, { timeout: this.#timeout, shown });
    if (reply.code === "+") return { kind: "challenge", data: reply.text.trim() };
    return reply.ok ? { kind: "done", reply } : this.#refused(reply);
  }

  #refused(reply: Reply): SaslStep {
    const error = this.#session.refusal(reply, this.#shown);
    // The mailbox is in use, or the server is ill: nothing was said about the login.
    if (!(error instanceof LoginError)) throw error;
    this.refusedMechanism = NOT_THIS_WAY.test(reply.text);
    return { kind: "refused", reply, mechanism: this.refusedMechanism, error: error };
  }
}
