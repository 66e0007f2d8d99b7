/** What a SASL mechanism is (RFC 4422), and the names of those there are. No I/O. */
import type { ChannelBinding, Credentials } from "../client/session.js";

/** The mechanisms, in the order in which they are tried: tokens, where there is one, then the strongest first. */
export const MECHANISM_NAMES = [
  "OAUTHBEARER",
  "XOAUTH2",
  "SCRAM-SHA-256-PLUS",
  "SCRAM-SHA-1-PLUS",
  "SCRAM-SHA-256",
  "SCRAM-SHA-1",
  "CRAM-MD5",
  "EXTERNAL",
  "PLAIN",
  "LOGIN",
  "ANONYMOUS",
] as const;

/** The name of a mechanism, as servers announce it. */
export type MechanismName = (typeof MECHANISM_NAMES)[number];

/** Why a server refuses, in the words of a mechanism's last challenge. */
export interface MechanismRefusal {
  /** Fit to be shown: printable, and without a secret. */
  readonly text: string;
  /** True where another mechanism may do with the same credentials. */
  readonly mechanism: boolean;
}

/** One run of one mechanism: bytes in, bytes out. */
export interface Mechanism {
  readonly name: MechanismName;
  /** The initial response; undefined: the server speaks first. */
  readonly initial: Buffer | undefined;
  /** What the server said against it before it refused, where the mechanism has a way to say it. */
  readonly refusal?: MechanismRefusal | undefined;
  /** The response to a challenge. Throws ProtocolError for a challenge that cannot be right. */
  respond(challenge: Buffer): Buffer | Promise<Buffer>;
  /**
   * Called when the server agreed, with the data of its last reply, if any. Throws ProtocolError where the server has not
   * proved itself (SCRAM).
   */
  finish(data: Buffer | undefined): void;
}

/** What a mechanism is made of, besides its name. */
export interface MechanismSetup {
  readonly credentials: Credentials;
  /** The token of the credentials, where it was asked for. */
  readonly token: string | undefined;
  /** The server's name and port as they were dialled. */
  readonly host: string;
  readonly port: number;
  /** What the login is tied to; undefined: nothing. */
  readonly binding: ChannelBinding | undefined;
  /** True where the login could be tied to TLS, and the server did not offer it. */
  readonly couldBind: boolean;
}
