/** Credentials that do not show themselves: the password and the token stay out of logs by accident. */
import { inspect } from "node:util";
import type { Credentials } from "./session.js";

/** The fields that are no secret. */
const SHOWN = new Set(["user", "authzid"]);

/** Credentials that hide what is secret in them from console.log, JSON and string conversion. */
class SecretCredentials implements Credentials {
  readonly user?: string;
  readonly password?: string;
  readonly account?: string;
  readonly token?: NonNullable<Credentials["token"]>;
  readonly authzid?: string;

  constructor(given: Credentials) {
    if (given.user !== undefined) this.user = given.user;
    if (given.password !== undefined) this.password = given.password;
    if (given.account !== undefined) this.account = given.account;
    if (given.token !== undefined) this.token = given.token;
    if (given.authzid !== undefined) this.authzid = given.authzid;
  }

  /** The fields, `***` for what is secret. */
  toJSON(): Credentials {
    const shown: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(this)) {
      if (value !== undefined) shown[name] = SHOWN.has(name) ? value : "***";
    }
    return shown;
  }

  toString(): string {
    return `Credentials(${this.user ?? ""})`;
  }

  [inspect.custom](): string {
    return `Credentials ${inspect(this.toJSON())}`;
  }
}

/** The same credentials in an object whose password, account and token are not shown by console.log, JSON or in a template. */
export function secret(credentials: Credentials): Credentials {
  return credentials instanceof SecretCredentials ? credentials : new SecretCredentials(credentials);
}
