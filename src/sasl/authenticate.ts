/** The dialogue of SASL, the same in every protocol (RFC 4422 §3): the protocol gives the wire, a mechanism the words. */
import { ProtocolError, type ReplyError } from "../client/errors.js";
import type { ChannelBinding, Credentials, Reply, Security } from "../client/session.js";
import { decodeBase64 } from "./base64.js";
import { chooseMechanisms } from "./choose.js";
import type { Mechanism, MechanismName } from "./mechanism.js";

/** What the server says in the course of a login. */
export type SaslStep =
  /** It asks. `data`: the base64 text as sent; empty, or "=" where the protocol writes it so, for an empty challenge. */
  | { kind: "challenge"; data: string }
  /** It agrees. `data`: the base64 text that came along, where the protocol has room for it. */
  | { kind: "done"; reply: Reply; data?: string | undefined }
  /**
   * It refuses. `mechanism`: that means the mechanism (unknown, too weak, wants TLS), not the password. `error`: what the
   * protocol makes of it, a LoginError where the credentials were refused.
   */
  | { kind: "refused"; reply: Reply; mechanism: boolean; error: ReplyError };

/**
 * How a protocol says it. What goes through here is secret: whoever implements it sends each line with a `shown` form
 * (`AUTH PLAIN ***`, `***`), and does as `hide` says.
 */
export interface SaslWire {
  /**
   * Longest initial response, in characters of base64: a longer one goes behind an empty challenge (RFC 4954 §4). 0 where
   * the protocol has none.
   */
  readonly longestInitial: number;
  /** Begins. `initial`: the initial response in base64, "=" for an empty one; undefined: none is sent along. */
  begin(name: string, initial: string | undefined): Promise<SaslStep>;
  /** Answers a challenge. `line`: base64; an empty one is an empty line, or what the protocol writes for it. */
  answer(line: string): Promise<SaslStep>;
  /** Gives up: `*`. */
  cancel(): Promise<SaslStep>;
  /** Told each secret, and each form in which it is sent, before it is sent: it must be shown nowhere (`line.hide`). */
  hide?(secret: string | undefined): void;
}

/** Who logs in, where, and what may be used for it. */
export interface SaslContext {
  readonly credentials: Credentials;
  /** What the server announces. */
  readonly offered: readonly string[];
  /** The mechanisms to try, in this order, and no others; undefined: all that fit, strongest first. */
  readonly mechanisms: readonly string[] | undefined;
  /** True where the connection is encrypted. */
  readonly secure: boolean;
  /** What the caller wrote: with "plain", passwords and tokens may go in the clear. */
  readonly security: Security;
  /** The protocol as the registry of SASL services calls it. */
  readonly service: "smtp" | "pop" | "imap" | "nntp" | "ldap";
  readonly host: string;
  readonly port: number;
  /** True where the client has shown a certificate. */
  readonly clientCertificate: boolean;
  /** What SCRAM's -PLUS forms tie the login to (net/channel-binding.ts). */
  readonly binding?: ChannelBinding | undefined;
}

/**
 * What libsasl2 says to a login that is tied to TLS by a type of binding that it does not know. Cyrus announces the -PLUS
 * forms and knows but tls-unique; a wrong password is "authentication failure" there.
 */
const UNBOUND = /\bbad protocol \/ cancel\b/i;

/**
 * Logs in by the best mechanism that the server offers and the credentials allow (RFC 4422). Where the server refuses the
 * mechanism itself, the next one is tried; never after a refused password. So a server that announces SCRAM's -PLUS and
 * knows another type of binding is logged in to without. Whoever must have the binding lists the -PLUS forms alone.
 *
 * @returns the name of the mechanism that was taken.
 * @throws LoginError for refused credentials. UsageError where no mechanism can be used, with the reason for each, and
 *   for credentials that cannot be sent. ProtocolError for a challenge that cannot be right, and for a server that did not
 *   prove that it knows the password (SCRAM): the connection is to be closed then.
 *
 * @example
 * const offered = this.capabilities.get("AUTH") ?? [];
 * const name = await authenticate(this.#saslWire(call), { credentials, offered, ...the rest of the context });
 */
export async function authenticate(wire: SaslWire, context: SaslContext): Promise<MechanismName> {
  let refused: ReplyError | undefined;
  wire.hide?.(context.credentials.password);
  for (const choice of chooseMechanisms(context)) {
    const mechanism = await choice.start((token) => wire.hide?.(token));
    refused = await converse(wire, mechanism);
    if (refused === undefined) return mechanism.name;
  }
  throw refused as ReplyError;
}

/** Runs one mechanism. Gives the refusal where it means the mechanism; throws any other. */
async function converse(wire: SaslWire, mechanism: Mechanism): Promise<ReplyError | undefined> {
  let step = await begin(wire, mechanism);
  while (step.kind === "challenge") {
    const response = encode(await respond(wire, mechanism, step.data));
    wire.hide?.(response);
    step = await wire.answer(response);
  }
  if (step.kind === "refused") {
    const { error } = step;
    if (mechanism.refusal) error.message += ` (${mechanism.refusal.text})`;
    if (meansMechanism(step, mechanism)) return error;
    throw error;
  }
  mechanism.finish(step.data === undefined ? undefined : decodeBase64(step.data, mechanism.name));
  return undefined;
}

function meansMechanism(step: SaslStep & { kind: "refused" }, { name, refusal }: Mechanism): boolean {
  if (refusal) return refusal.mechanism;
  return step.mechanism || (name.endsWith("-PLUS") && UNBOUND.test(step.reply.text));
}

async function begin(wire: SaslWire, { name, initial }: Mechanism): Promise<SaslStep> {
  if (initial === undefined) return wire.begin(name, undefined);
  const text = encode(initial);
  wire.hide?.(text);
  if (Math.max(text.length, 1) <= wire.longestInitial) return wire.begin(name, text || "=");
  const step = await wire.begin(name, undefined);
  // Nothing was said yet that could be challenged: whatever this one holds, it asks for the response (RFC 4422 §3).
  return step.kind === "challenge" ? wire.answer(text) : step;
}

async function respond(wire: SaslWire, mechanism: Mechanism, challenge: string): Promise<Buffer> {
  try {
    return await mechanism.respond(decodeBase64(challenge, mechanism.name));
  } catch (error) {
    // Said for the server's log: the connection is closed without waiting for an answer.
    if (error instanceof ProtocolError) wire.cancel().catch(() => {});
    throw error;
  }
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64");
}
