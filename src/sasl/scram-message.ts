/** What SCRAM's messages are made of: `name=value,name=value` (RFC 5802 §7). No I/O. */
import { ProtocolError, UsageError } from "../client/errors.js";
import { decodeBase64 } from "./base64.js";
import type { MechanismRefusal } from "./mechanism.js";

/** Fewer rounds make a password that leaks cheap to guess (RFC 5802 §5.1). */
const LEAST_ROUNDS = 4096;
/** More of them keep the processor busy for seconds: no server needs that. */
const MOST_ROUNDS = 2_000_000;
/** RFC 5802 §7: printable, without the comma. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
/** Errors behind which another form of SCRAM may do: without what ties the login to TLS. */
const OF_THE_MECHANISM = new Set(["unsupported-channel-binding-type", "channel-binding-not-supported"]);

/** What the server says first. */
export interface ServerFirst {
  /** The client's nonce with the server's behind it. */
  readonly nonce: string;
  readonly salt: Buffer;
  /** Rounds of PBKDF2. */
  readonly rounds: number;
}

/** A name as it stands in a message: `=` and `,` escaped (saslname, RFC 5802 §5.1). */
export function escapeName(name: string): string {
  if (name === "") throw new UsageError("an empty user name cannot be sent");
  return name.replace(/[=,]/g, (character) => (character === "=" ? "=3D" : "=2C"));
}

/**
 * Reads `r=…,s=…,i=…`.
 *
 * @throws ProtocolError where a field is missing, out of order or out of bounds, and for extensions that must be understood.
 */
export function parseServerFirst(message: Buffer, clientNonce: string, name: string): ServerFirst {
  const fail = (why: string): never => {
    throw new ProtocolError(`the first message of ${name} ${why}`);
  };
  const text = message.toString("latin1");
  if (text.startsWith("m=")) fail("wants an extension that is not known here");
  const match = /^r=([^,]*),s=([^,]*),i=([^,]*)(?:,.*)?$/s.exec(text);
  if (match === null || text.includes("\0")) return fail("is not r=, s=, i=");
  const [, nonce = "", salt = "", rounds = ""] = match;
  if (!NONCE.test(nonce)) fail("has no valid nonce");
  // Anything else is an answer to somebody else's login, or a replay.
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) fail("has a nonce that is not ours");
  if (salt === "" || salt === "=") fail("has no salt");
  if (!/^[1-9]\d{0,9}$/.test(rounds)) fail("has no valid count of rounds");
  if (Number(rounds) < LEAST_ROUNDS) fail(`asks for ${rounds} rounds: fewer than ${LEAST_ROUNDS} are not safe`);
  if (Number(rounds) > MOST_ROUNDS) fail(`asks for ${rounds} rounds: at most ${MOST_ROUNDS} are done`);
  return { nonce, salt: decodeBase64(salt, name), rounds: Number(rounds) };
}

/** Reads `v=…` to the server's signature. */
export function parseServerFinal(message: Buffer, name: string): Buffer {
  const match = /^v=([^,]+)(?:,|$)/.exec(message.toString("latin1"));
  if (match === null) throw new ProtocolError(`the last message of ${name} is not v=`);
  return decodeBase64(match[1] as string, name);
}

/** Reads `e=…`, the reason of a refusal that follows; undefined where the message is none. */
export function parseServerError(message: Buffer, name: string): MechanismRefusal | undefined {
  const match = /^e=([^,]*)/.exec(message.toString("latin1"));
  if (match === null) return undefined;
  const [, error = ""] = match;
  const text = /^[A-Za-z0-9-]{1,64}$/.test(error) ? error : "an error that cannot be read";
  return { text: `${name}: ${text}`, mechanism: OF_THE_MECHANISM.has(error) };
}
