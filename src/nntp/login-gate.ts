/** A login that the server asks for in the middle, by 480 (RFC 4643 §2.2): one for all commands that were refused. */
import type { PolywireError } from "../client/errors.js";
import type { Reply } from "../client/session.js";

/** Sends commands, and repeats those that were answered by 480 behind a login. What is sent meanwhile waits for it. */
export class LoginGate {
  readonly #login: () => Promise<boolean>;
  /** The login under way. */
  #busy: Promise<unknown> | undefined;
  /** What became of the last login: false where there was nobody to log in. */
  #last: Promise<boolean> = Promise.resolve(false);
  #logins = 0;
  #hangUp: (reason: PolywireError) => void = () => {};
  readonly #over: Promise<never>;

  /** `login`: gets the credentials and logs in; false where it has none. */
  constructor(login: () => Promise<boolean>) {
    this.#login = login;
    this.#over = new Promise((_, reject) => (this.#hangUp = reject));
    this.#over.catch(() => {});
  }

  async pass(send: () => Promise<Reply>): Promise<Reply> {
    while (this.#busy) await this.#busy;
    const before = this.#logins;
    const reply = await send();
    if (reply.code !== "480") return reply;
    // Others that were sent along may have been refused first: their login counts for this one, too.
    if (this.#logins === before) this.#begin();
    return (await this.#last) ? send() : reply;
  }

  /** The connection is over: nobody waits for a login, or for credentials, any longer. */
  close(reason: PolywireError): void {
    this.#hangUp(reason);
  }

  #begin(): void {
    this.#logins++;
    this.#last = Promise.race([this.#login(), this.#over]);
    const done = () => {
      this.#busy = undefined;
    };
    this.#busy = this.#last.then(done, done);
  }
}
