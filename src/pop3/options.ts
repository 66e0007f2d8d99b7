/** The options of POP3 alone, and their defaults. */
import { UsageError } from "../client/errors.js";
import type { ClientOptions, OwnNames } from "../client/options.js";
import type { CallOptions } from "../client/session.js";
import type { Sink } from "../client/sink.js";

/** What a Pop3Client takes. */
export interface Pop3Options extends ClientOptions {
  /**
   * APOP, which sends an MD5 digest instead of the password (RFC 1939 §7). True: always; false: never. Default: on a
   * connection in the clear, where the server seems to take it and offers nothing stronger; the other ways follow where it
   * turns out that it does not know it.
   */
  apop?: boolean | undefined;
  /**
   * Commands in flight at once where calls overlap, and where the server announces PIPELINING and, tried after the login,
   * keeps that promise. 1 turns it off, and the trial too. Default: 256.
   */
  pipelining?: number | undefined;
}

/** The options of POP3 alone. */
export const POP3_NAMES: OwnNames<Pop3Options> = {
  apop: true,
};

/** POP3's own options with every default filled in. */
export interface Pop3Settings {
  /** Undefined: where it is better than nothing. */
  readonly apop: boolean | undefined;
}

/** Where a message goes to. */
export interface MessageOptions extends CallOptions {
  /** A path, a stream, or a function called with each chunk. Without it the message comes back as a Buffer. */
  to?: Sink | undefined;
}

/** Fills in the defaults. Throws UsageError. */
export function resolvePop3(options: Pop3Options): Pop3Settings {
  const { apop, mechanisms } = options;
  if (apop !== undefined && typeof apop !== "boolean") {
    throw new UsageError(`apop is true or false, not ${JSON.stringify(apop)}`, { protocol: "pop3" });
  }
  if (apop && mechanisms !== undefined) {
    const message = "apop and mechanisms are two ways to log in: APOP is no mechanism of SASL";
    throw new UsageError(message, { protocol: "pop3", advice: "give one of them" });
  }
  return { apop };
}
