/** What a mechanism is on the server's side (RFC 4422): a dialogue of challenges and responses. Shares no code with the client. */

/** Who may log in. */
export interface SaslAccount {
  /** The password; undefined: none fits. */
  readonly password: string | undefined;
  /** The OAuth 2 token; undefined: none fits. */
  readonly token: string | undefined;
  /** Other names it may act as (an authorization identity that is not its own). */
  readonly actsAs: readonly string[];
}

/** What may be wrong with a SCRAM on purpose. */
export type ScramFault = "nonce" | "signature" | "no-signature" | "error";

/** What a mechanism knows of its server and its connection. */
export interface SaslSurroundings {
  /** An account by its name. */
  find(name: string): SaslAccount | undefined;
  /** The name in the client's certificate, where one was shown and its authority is trusted. */
  readonly certificateName: string | undefined;
  /** The data of a channel binding (RFC 5929, RFC 9266), where there is TLS and the type is known. */
  binding(type: string): Buffer | undefined;
  /** The -PLUS mechanisms were announced on this connection. */
  readonly plus: boolean;
  /** The server's name, for challenges. */
  readonly host: string;
  /** How often SCRAM hashes a password. */
  readonly iterations: number;
  /** What is wrong with SCRAM. */
  readonly scramFault: ScramFault | undefined;
}

/** A login that succeeded. */
export interface Accepted {
  readonly user: string;
  /** What the server says last, to prove that it knows the password as well. */
  readonly data?: Buffer | undefined;
}

/** One run of a mechanism: gives challenges, is given responses. Throws {@link SaslRefused}. */
export type Dialogue = Generator<Buffer, Accepted, Buffer>;

/** Begins a run, with the initial response or without. */
export type Mechanism = (around: SaslSurroundings, initial: Buffer | undefined) => Dialogue;

/** Thrown by a mechanism that says no. */
export class SaslRefused extends Error {
  /** `credentials`: they do not fit; `malformed`: not what the mechanism's grammar allows; `base64`: not even that; `cancelled`: by the client. */
  readonly kind: "credentials" | "malformed" | "base64" | "cancelled";

  constructor(kind: SaslRefused["kind"], text: string) {
    super(text);
    this.name = "SaslRefused";
    this.kind = kind;
  }
}

export const NOTHING = Buffer.alloc(0);

/** Whoever has proved to be `name` asks to act as `as`. */
export function authorized(around: SaslSurroundings, name: string, as: string): string {
  if (as === "" || as === name) return name;
  if (around.find(name)?.actsAs.includes(as)) return as;
  throw new SaslRefused("credentials", `${name} may not act as ${as}`);
}

export function malformed(what: string): never {
  throw new SaslRefused("malformed", what);
}

export function wrongCredentials(): never {
  throw new SaslRefused("credentials", "Authentication failed");
}
