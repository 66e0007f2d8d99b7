/** The mechanisms that say everything at once: PLAIN (RFC 4616), LOGIN, EXTERNAL (RFC 4422), ANONYMOUS (RFC 4505). No I/O. */
import { ProtocolError } from "../client/errors.js";
import { encodeText } from "../wire/text.js";
import type { Mechanism, MechanismName, MechanismSetup } from "./mechanism.js";

/** One response, and that is all. */
class OneResponse implements Mechanism {
  readonly name: MechanismName;
  readonly initial: Buffer;
  #repeated = false;

  constructor(name: MechanismName, text: string) {
    this.name = name;
    this.initial = encodeText(text);
  }

  /** Servers that take no initial response, and do not say so, ask for it. */
  respond(challenge: Buffer): Buffer {
    if (this.#repeated || challenge.length > 0) {
      throw new ProtocolError(`the server asks for more than ${this.name} has to say`);
    }
    this.#repeated = true;
    return this.initial;
  }

  finish(): void {}
}

/** Name and password, with the account to act for before them where it is another one (RFC 4616 §2). */
export function plain({ credentials }: MechanismSetup): Mechanism {
  const { authzid = "", user = "", password = "" } = credentials;
  return new OneResponse("PLAIN", `${authzid}\0${user}\0${password}`);
}

/** The certificate says who it is; here only for whom (RFC 4422 appendix A). */
export function external({ credentials }: MechanismSetup): Mechanism {
  return new OneResponse("EXTERNAL", credentials.authzid ?? credentials.user ?? "");
}

/** Nobody in particular: the name is a trace for the server's log (RFC 4505 §2). */
export function anonymous({ credentials }: MechanismSetup): Mechanism {
  return new OneResponse("ANONYMOUS", credentials.user ?? "");
}

/** Name, then password, each when it is asked for; never a standard (draft-murchison-sasl-login). */
export function login({ credentials }: MechanismSetup): Mechanism {
  const responses = [credentials.user ?? "", credentials.password ?? ""];
  return {
    name: "LOGIN",
    initial: undefined,
    // Not by the prompt: servers write it as they like.
    respond() {
      const response = responses.shift();
      if (response === undefined) throw new ProtocolError("the server asks for more than LOGIN has to say");
      return encodeText(response);
    },
    finish() {},
  };
}
