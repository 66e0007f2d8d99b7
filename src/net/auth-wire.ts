/** SASL on a connection that speaks in lines: what the protocols' logins have in common (sasl/ knows no connection). */

import type { ResolvedOptions } from "../client/options.js";
import type { Call, Credentials, Reply } from "../client/session.js";
import type { SaslContext, SaslStep, SaslWire } from "../sasl/authenticate.js";
import { channelBinding } from "./channel-binding.js";
import type { LineSession } from "./line-session.js";

/** How a protocol puts it. */
export interface AuthWords {
  /** The command before the mechanism's name: `AUTH`, `AUTHINFO SASL`. */
  readonly verb: string;
  /** Characters of base64 that an initial response may have. */
  readonly longestInitial: number;
  /** What is sent for an answer without a byte. */
  readonly empty: string;
  /** What a reply to the command, shown as `shown`, means. */
  read(reply: Reply, shown: string): SaslStep;
}

/** The dialogue of one login: each line as the protocol writes it, and none of it shown. */
export class AuthWire implements SaslWire {
  readonly longestInitial: number;
  readonly #line: Pick<LineSession, "send" | "hide">;
  readonly #words: AuthWords;
  readonly #timeout: number;
  #shown: string;

  constructor(line: Pick<LineSession, "send" | "hide">, words: AuthWords, { timeout }: Call) {
    this.longestInitial = words.longestInitial;
    this.#line = line;
    this.#words = words;
    this.#timeout = timeout;
    this.#shown = words.verb;
  }

  begin(name: string, initial: string | undefined): Promise<SaslStep> {
    const command = `${this.#words.verb} ${name}`;
    this.#shown = initial === undefined ? command : `${command} ***`;
    return this.#say(initial === undefined ? command : `${command} ${initial}`, this.#shown);
  }

  answer(line: string): Promise<SaslStep> {
    return this.#say(line || this.#words.empty, "***");
  }

  cancel(): Promise<SaslStep> {
    return this.#say("*", "*");
  }

  hide(secret: string | undefined): void {
    this.#line.hide(secret);
  }

  async #say(line: string, shown: string): Promise<SaslStep> {
    const options = { timeout: this.#timeout, shown, veiled: true };
    return this.#words.read(await this.#line.send(line, options), this.#shown);
  }
}

/** What a login by SASL is to know of its connection. `offered`: the mechanisms that the server announces. */
export function saslContext(
  { tls }: Pick<LineSession, "tls">,
  options: ResolvedOptions & { readonly mechanisms?: readonly string[] | undefined },
  service: SaslContext["service"],
  credentials: Credentials,
  offered: readonly string[],
): SaslContext {
  const { host, port, security, mechanisms } = options;
  return {
    credentials,
    offered,
    mechanisms,
    secure: tls !== undefined,
    security,
    service,
    host,
    port,
    clientCertificate: tls !== undefined && options.tls.cert !== undefined,
    binding: tls && channelBinding(tls),
  };
}
