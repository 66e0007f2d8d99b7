/** Tokens in place of passwords (OAuth 2): OAUTHBEARER (RFC 7628) and XOAUTH2, which came before it. No I/O. */
import { ProtocolError, UsageError } from "../client/errors.js";
import { encodeText } from "../wire/text.js";
import type { Mechanism, MechanismName, MechanismRefusal, MechanismSetup } from "./mechanism.js";
import { escapeName } from "./scram-message.js";

/** What may stand in an error's status and scope (RFC 6749 appendix A), bounded. */
const SHOWABLE = /^[\x20-\x7e]{1,100}$/;

/** Says the token once; a challenge is an error in JSON, and is acknowledged for the refusal that follows. */
class Bearer implements Mechanism {
  readonly name: MechanismName;
  readonly initial: Buffer;
  readonly #token: string;
  readonly #acknowledgement: string;
  #refusal: MechanismRefusal | undefined;

  constructor(name: MechanismName, initial: string, token: string, acknowledgement: string) {
    this.name = name;
    this.initial = encodeText(initial);
    this.#token = token;
    this.#acknowledgement = acknowledgement;
  }

  get refusal(): MechanismRefusal | undefined {
    return this.#refusal;
  }

  respond(challenge: Buffer): Buffer {
    if (this.#refusal) throw new ProtocolError(`the server asks for more than ${this.name} has to say`);
    const text = readError(challenge, this.#token) ?? "an error that cannot be read";
    this.#refusal = { text: `${this.name}: ${text}`, mechanism: false };
    return Buffer.from(this.#acknowledgement);
  }

  finish(): void {
    if (this.#refusal) throw new ProtocolError(`the server agreed to ${this.name} after it had sent an error`);
  }
}

/** `n,a=user,^Ahost=…^Aport=…^Aauth=Bearer …^A^A` (RFC 7628 §3.1). */
export function oauthBearer({ credentials, host, port, ...setup }: MechanismSetup): Mechanism {
  const token = bearerToken(setup.token);
  const name = credentials.authzid ?? credentials.user;
  const header = name === undefined ? "n,," : `n,a=${escapeName(name)},`;
  const text = `${header}\x01host=${host}\x01port=${port}\x01auth=Bearer ${token}\x01\x01`;
  // RFC 7628 §3.2.3: an error is answered by a single ^A.
  return new Bearer("OAUTHBEARER", text, token, "\x01");
}

/** `user=…^Aauth=Bearer …^A^A`, as Google wrote it down. */
export function xoauth2({ credentials, token: given }: MechanismSetup): Mechanism {
  const token = bearerToken(given);
  const user = credentials.authzid ?? credentials.user ?? "";
  // An error is answered by an empty line.
  return new Bearer("XOAUTH2", `user=${user}\x01auth=Bearer ${token}\x01\x01`, token, "");
}

function bearerToken(token: string | undefined): string {
  // RFC 6750 §2.1, and whatever else is visible: no ^A, which would begin another field.
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new UsageError("the token cannot be sent", { advice: "it is empty, or holds blanks or line breaks" });
}

/** `{"status":"invalid_token","scope":"mail"}` → `invalid_token, scope mail`. */
function readError(challenge: Buffer, token: string): string | undefined {
  let error: unknown;
  try {
    error = JSON.parse(challenge.toString("utf8"));
  } catch {
    return undefined;
  }
  const { status, scope } = (error ?? {}) as { status?: unknown; scope?: unknown };
  const showable = (value: unknown) => {
    const text = typeof value === "number" ? String(value) : value;
    return typeof text === "string" && SHOWABLE.test(text) && !text.includes(token) ? text : undefined;
  };
  const [said, wanted] = [showable(status), showable(scope)];
  return said && wanted ? `${said}, scope ${wanted}` : said;
}
