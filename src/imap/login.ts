/** Who is there: SASL by AUTHENTICATE (RFC 9051 §6.2.2, SASL-IR RFC 4959), the strongest that both sides know; else LOGIN. */
import { LoginError, ReplyError, UsageError } from "../client/errors.js";
import type { Call, Credentials } from "../client/session.js";
import { saslContext } from "../net/auth-wire.js";
import { authenticate, type SaslContext, type SaslStep, type SaslWire } from "../sasl/authenticate.js";
import { chooseMechanisms } from "../sasl/choose.js";
import { refusesMechanism } from "../sasl/refused-mechanism.js";
import { astring, type Piece } from "./command.js";
import { Dialogue } from "./dialogue.js";
import { replyOf } from "./reply.js";
import type { Response } from "./response.js";
import type { ImapSession } from "./session.js";

/** Octets of a command that servers take before a login: some no more than 1000 (RFC 2683 §3.2.1.5). */
const LONGEST_INITIAL = 1000 - "A99 AUTHENTICATE SCRAM-SHA-256-PLUS \r\n".length;

/** Logs in with what the credentials, the options and the server have in common. Throws LoginError, UsageError. */
export async function logIn(session: ImapSession, credentials: Credentials, call: Call): Promise<Response> {
  const { line, options } = session;
  line.hide(credentials.password);
  // As it stands in quotes, where a server shows it in what it says.
  line.hide(credentials.password?.replace(/["\\]/g, "\\$&"));
  const context = saslContext(line, options, "imap", credentials, session.capabilities.get("AUTH") ?? []);
  const insists = options.mechanisms !== undefined || credentials.token !== undefined;
  const hasPassword = credentials.user !== undefined && credentials.password !== undefined;
  const mayLogin = !insists && hasPassword && !session.has("LOGINDISABLED");
  if (mayLogin && !isUsable(context)) return byLogin(session, credentials, call);
  const wire = new AuthenticateWire(session, call);
  try {
    await authenticate(wire, context);
    return wire.agreed as Response;
  } catch (error) {
    if (!(mayLogin && wire.refusedMechanism && error instanceof ReplyError)) throw error;
    return byLogin(session, credentials, call);
  }
}

/**
 * LOGIN (RFC 9051 §6.2.3). Without TLS only where `security: "plain"` was written out: every other connection is encrypted
 * by now, or was given up.
 */
async function byLogin(session: ImapSession, { user, password }: Credentials, { timeout }: Call): Promise<Response> {
  const text: Piece[] = ["LOGIN ", argument(user as string), " ", argument(password as string)];
  return session.send(text, { timeout, shown: `LOGIN ${user} ***` });
}

/** Quoted, as an atom may be taken for one thing by one server and for another by the next. */
function argument(text: string): Piece {
  if (/[\r\n\0]/.test(text)) throw new UsageError("a name or password holds a line break", { protocol: "imap" });
  const piece = astring(text);
  return typeof piece === "string" && !piece.startsWith('"') ? `"${piece}"` : piece;
}

/** True where there is a mechanism that both sides can do. */
function isUsable(context: SaslContext): boolean {
  try {
    return chooseMechanisms(context).length > 0;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** SASL in the words of AUTHENTICATE. */
class AuthenticateWire implements SaslWire {
  readonly longestInitial: number;
  /** True where the last refusal meant the mechanism. */
  refusedMechanism = false;
  /** The server's OK. */
  agreed: Response | undefined;
  readonly #session: ImapSession;
  readonly #timeout: number;
  #dialogue: Dialogue | undefined;
  #shown = "AUTHENTICATE";
  #asked = false;

  constructor(session: ImapSession, call: Call) {
    this.#session = session;
    this.#timeout = call.timeout;
    this.longestInitial = session.has("SASL-IR") ? LONGEST_INITIAL : 0;
  }

  begin(name: string, initial: string | undefined): Promise<SaslStep> {
    const { line } = this.#session;
    const command = `AUTHENTICATE ${name}`;
    this.#shown = initial === undefined ? command : `${command} ***`;
    const text = initial === undefined ? command : `${command} ${initial}`;
    this.#asked = false;
    this.#dialogue = new Dialogue(line, text, { timeout: this.#timeout, shown: this.#shown, veiled: true });
    return this.#hear();
  }

  answer(line: string): Promise<SaslStep> {
    this.#dialogue?.say(line, "***");
    return this.#hear();
  }

  cancel(): Promise<SaslStep> {
    this.#dialogue?.say("*");
    return this.#hear();
  }

  hide(secret: string | undefined): void {
    this.#session.line.hide(secret);
  }

  async #hear(): Promise<SaslStep> {
    const response = await (this.#dialogue as Dialogue).next();
    if (response.kind === "continuation") {
      this.#asked = true;
      return { kind: "challenge", data: response.text.trim() };
    }
    if (response.status !== "OK") return this.#refused(response);
    this.agreed = response;
    return { kind: "done", reply: replyOf(response) };
  }

  #refused(response: Response): SaslStep {
    const error = this.#session.refused(response, this.#shown);
    const { status, code, text } = response;
    // Who has asked for a response knows the mechanism.
    this.refusedMechanism = !this.#asked && (status === "BAD" || (code === undefined && refusesMechanism(text)));
    // The server is ill, or full: nothing was said about the login.
    if (!this.refusedMechanism && !(error instanceof LoginError)) throw error;
    return { kind: "refused", reply: replyOf(response), mechanism: this.refusedMechanism, error };
  }
}
