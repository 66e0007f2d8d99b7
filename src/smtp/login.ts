/** Who is there, in the words of RFC 4954: AUTH. */
import type { Call, Credentials, Reply } from "../client/session.js";
import { channelBinding } from "../net/channel-binding.js";
import { authenticate, type SaslStep, type SaslWire } from "../sasl/authenticate.js";
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
  const { options, tls } = session;
  await authenticate(new AuthWire(session, call), {
    credentials,
    offered: session.capabilities.get("AUTH") ?? [],
    mechanisms: options.mechanisms,
    secure: tls !== undefined,
    security: options.security,
    service: "smtp",
    host: options.host,
    port: options.port,
    clientCertificate: tls !== undefined && options.tls.cert !== undefined,
    binding: tls && channelBinding(tls),
  });
}

/** The dialogue of SASL as SMTP writes it: 334 asks, 235 agrees. */
class AuthWire implements SaslWire {
  readonly longestInitial = LONGEST_INITIAL;
  readonly #session: SmtpSession;
  readonly #call: Call;
  #shown = "AUTH ***";

  constructor(session: SmtpSession, call: Call) {
    this.#session = session;
    this.#call = call;
  }

  begin(name: string, initial: string | undefined): Promise<SaslStep> {
    const command = `AUTH ${name}`;
    this.#shown = initial === undefined ? command : `${command} ***`;
    return this.#say(initial === undefined ? command : `${command} ${initial}`, this.#shown);
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
    return this.#read(await this.#session.line.send(line, { timeout: this.#call.timeout, shown }));
  }

  #read(reply: Reply): SaslStep {
    if (reply.code === "334") return { kind: "challenge", data: reply.text.trim() };
    if (reply.ok) return { kind: "done", reply: this.#session.expect(reply, this.#shown, "2") };
    const error = loginRefusal(reply, this.#shown, this.#session.line.redact(reply.text));
    error.server = this.#session.server;
    return { kind: "refused", reply, mechanism: refusesMechanism(reply), error };
  }
}
