/** Credentials that do not show themselves: the password stays out of logs by accident. */
import { inspect } from "node:util";
import type { Credentials } from "./session.js";

/** Credentials that hide their password from console.log, JSON and string conversion. */
class SecretCredentials implements Credentials {
  readonly user?: string;
  readonly password?: string;
  readonly account?: string;

  constructor(given: Credentials) {
    if (given.user !== undefined) this.user = given.user;
    if (given.password !== undefined) this.password = given.password;
    if (given.account !== undefined) this.account = given.account;
  }

  /** The fields, `***` for what is secret. */
  toJSON(): Credentials {
    const hide = (name: "password" | "account") => (this[name] === undefined ? {} : { [name]: "***" });
    return { ...(this.user === undefined ? {} : { user: this.user }), ...hide("password"), ...hide("account") };
  }

  toString(): string {
    return `Credentials(${this.user ?? ""})`;
  }

  [inspect.custom](): string {
    return `Credentials ${inspect(this.toJSON())}`;
  }
}

/** The same credentials in an object whose password and account are not shown by console.log, JSON or in a template. */
export function secret(credentials: Credentials): Credentials {
  return credentials instanceof SecretCredentials ? credentials : new SecretCredentials(credentials);
}
