/** Who is there: SASL (RFC 5034), APOP, or USER and PASS (RFC 1939 §7), the strongest that both sides know. */
import { createHash } from "node:crypto";
import { LoginError, UsageError } from "../client/errors.js";
import type { Call, Credentials, Reply } from "../client/session.js";
import { AuthWire, type AuthWords, saslContext } from "../net/auth-wire.js";
import { authenticate, type SaslContext, type SaslStep } from "../sasl/authenticate.js";
import { chooseMechanisms } from "../sasl/choose.js";
import { encodeLine, encodeText } from "../wire/text.js";
import { refusesMechanism } from "./refusal.js";
import type { Pop3Session } from "./session.js";

/** Mechanisms that show the password to whoever listens: APOP is better than these where there is no TLS. */
const READABLE = new Set(["PLAIN", "LOGIN"]);

/** An AUTH line has 255 octets at most, CR LF included (RFC 5034 §4); the longest name of a mechanism has 20. */
const LONGEST_INITIAL = 255 - "AUTH  \r\n".length - 20;

/** Logs in with what the credentials, the options and the server have in common. Throws LoginError, UsageError. */
export async function logIn(session: Pop3Session, credentials: Credentials, call: Call): Promise<void> {
  const { settings, options, line } = session;
  line.hide(credentials.password);
  if (settings.apop) return void session.accept(...(await apop(session, credentials, call)));
  const offered = session.capabilities.get("SASL") ?? [];
  const context = saslContext(line, options, "pop", credentials, offered);
  const onlyToken = credentials.token !== undefined && credentials.password === undefined;
  if (options.mechanisms === undefined && !onlyToken) return byBestWay(session, context, call);
  await authenticate(new AuthWire(line, new Words(session), call), context);
}

/** One way after the other, as long as it is the way that the server refuses. */
async function byBestWay(session: Pop3Session, context: SaslContext, call: Call): Promise<void> {
  const { credentials } = context;
  if (prefersApop(session, credentials)) {
    // What shows the password to whoever listens comes last.
    if (await bySasl(session, only(context, hidesPassword), call)) return;
    const [reply, shown] = await apop(session, credentials, call);
    // A greeting may have what looks like a timestamp, and its server no APOP.
    if (reply.code !== "-ERR" || !refusesMechanism(reply)) return void session.accept(reply, shown);
    if (await bySasl(session, only(context, showsPassword), call)) return;
  } else if (await bySasl(session, context, call)) return;
  await userAndPass(session, credentials, call);
}

const showsPassword = (name: string): boolean => READABLE.has(name);
const hidesPassword = (name: string): boolean => !READABLE.has(name);

const only = (context: SaslContext, fits: (name: string) => boolean): SaslContext => ({
  ...context,
  mechanisms: usable(context).filter(fits),
});

/** True where APOP goes before what shows the password: in the clear, where the server seems to take it. */
function prefersApop({ settings, line, timestamp }: Pop3Session, { user, password }: Credentials): boolean {
  const can = timestamp !== undefined && user !== undefined && !/\s/.test(user) && password !== undefined;
  return can && settings.apop !== false && !line.tls;
}

/** SASL; false where nothing fits, or where the server refused what does, and a password may be tried in another way. */
async function bySasl(session: Pop3Session, context: SaslContext, call: Call): Promise<boolean> {
  if (usable(context).length === 0) return false;
  const words = new Words(session);
  const { user, password } = context.credentials;
  try {
    await authenticate(new AuthWire(session.line, words, call), context);
    return true;
  } catch (error) {
    const goesOn = words.refusedMechanism && error instanceof LoginError;
    if (goesOn && user !== undefined && password !== undefined) return false;
    throw error;
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

/** APOP (RFC 1939 §7): the digest of the greeting's timestamp and the password. Gives the answer, and what it answers. */
async function apop(
  session: Pop3Session,
  { user, password }: Credentials,
  { timeout }: Call,
): Promise<[reply: Reply, shown: string]> {
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
  const shown = `APOP ${user} ***`;
  return [await line.send(`APOP ${user} ${digest}`, { timeout, shown }), shown];
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

/** The dialogue of SASL as POP3 writes it (RFC 5034), and what the last refusal meant. */
class Words implements AuthWords {
  readonly verb = "AUTH";
  readonly longestInitial = LONGEST_INITIAL;
  readonly empty = "";
  /** True where the last refusal meant the mechanism. */
  refusedMechanism = false;
  readonly #session: Pop3Session;
  #asked = false;

  constructor(session: Pop3Session) {
    this.#session = session;
  }

  read(reply: Reply, shown: string): SaslStep {
    const asked = this.#asked;
    this.#asked = reply.code === "+";
    if (this.#asked) return { kind: "challenge", data: reply.text.trim() };
    if (reply.ok) return { kind: "done", reply };
    const error = this.#session.refusal(reply, shown);
    // The mailbox is in use, or the server is ill: nothing was said about the login.
    if (!(error instanceof LoginError)) throw error;
    // Who has asked for a response knows the mechanism.
    this.refusedMechanism = !asked && refusesMechanism(reply);
    return { kind: "refused", reply, mechanism: this.refusedMechanism, error };
  }
}
