/** The server's side of SASL: every mechanism by its name, which of them are announced, and the base64 around them. */
import { createHash, X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { CertifiedKey } from "../tls.js";
import {
  type Accepted,
  type Mechanism,
  type SaslAccount,
  SaslRefused,
  type SaslSurroundings,
  type ScramFault,
} from "./mechanism.js";
import { scram } from "./scram.js";
import { anonymous, cramMd5, external, login, plain } from "./simple.js";
import { oauthBearer, xoauth2 } from "./tokens.js";

export { type Accepted, SaslRefused, type ScramFault } from "./mechanism.js";

/** What the test servers can do, strongest first. */
export const MECHANISMS: Readonly<Record<string, Mechanism>> = {
  "SCRAM-SHA-256-PLUS": scram("sha256", true),
  "SCRAM-SHA-1-PLUS": scram("sha1", true),
  "SCRAM-SHA-256": scram("sha256", false),
  "SCRAM-SHA-1": scram("sha1", false),
  "CRAM-MD5": cramMd5,
  OAUTHBEARER: oauthBearer,
  XOAUTH2: xoauth2,
  EXTERNAL: external,
  PLAIN: plain,
  LOGIN: login,
  ANONYMOUS: anonymous,
};

/** A user of a test server: the password, or more than that. */
export interface Account {
  /** Default: none; passwords are then refused. */
  password?: string | undefined;
  /** The OAuth 2 token, for XOAUTH2 and OAUTHBEARER. Default: none; tokens are then refused. */
  token?: string | undefined;
  /** Other names this user may act as (SASL's authorization identity). Default: none. */
  actsAs?: readonly string[] | undefined;
}

/** Users as tests write them, all in the long form. */
export function accounts<A extends Account>(users: Record<string, string | A>): Record<string, A | Account> {
  const all = Object.entries(users);
  return Object.fromEntries(all.map(([name, user]) => [name, typeof user === "string" ? { password: user } : user]));
}

/** The names to announce on a connection: -PLUS and EXTERNAL only where they can work. */
export function announced(
  wanted: readonly string[],
  tls: TLSSocket | undefined,
  clientCa: string | undefined,
): string[] {
  return wanted.filter((name) => {
    if (name.endsWith("-PLUS")) return tls !== undefined;
    return name !== "EXTERNAL" || certificateName(tls, clientCa) !== undefined;
  });
}

/** Mechanisms that fit these users: passwords where someone has one, tokens likewise, EXTERNAL where certificates are asked for. */
export function fitting(users: readonly Account[], certificates: boolean): string[] {
  const passwords = users.some((user) => user.password !== undefined);
  const tokens = users.some((user) => user.token !== undefined);
  return Object.keys(MECHANISMS).filter((name) => {
    if (name === "EXTERNAL") return certificates;
    if (name === "XOAUTH2" || name === "OAUTHBEARER") return tokens;
    return name !== "ANONYMOUS" && passwords;
  });
}

/** These names, in upper case. Throws where one is unknown. */
export function knownMechanisms(names: readonly string[]): string[] {
  const strange = names.find((name) => !Object.hasOwn(MECHANISMS, name.toUpperCase()));
  if (strange !== undefined) throw new Error(`A test server has no mechanism ${strange}`);
  return names.map((name) => name.toUpperCase());
}

/** What a mechanism must know of its server. */
export interface SaslSettings {
  readonly users: Readonly<Record<string, Account>>;
  readonly hostname: string;
  readonly iterations: number;
  readonly certificate: CertifiedKey;
  readonly clientCa: string | undefined;
}

/** What a mechanism is told on a connection on which these were announced. */
export function surroundings(
  { users, hostname, iterations, certificate, clientCa }: SaslSettings,
  tls: TLSSocket | undefined,
  offered: readonly string[],
  scramFault: ScramFault | undefined,
): SaslSurroundings {
  return {
    find: (name) => (Object.hasOwn(users, name) ? accountOf(users[name] ?? {}) : undefined),
    certificateName: certificateName(tls, clientCa),
    binding: (type) => (tls ? bindingOf(tls, type, certificate) : undefined),
    plus: offered.some((name) => name.endsWith("-PLUS")),
    host: hostname,
    iterations,
    scramFault,
  };
}

/** How a run of a mechanism reaches the client: a challenge (base64) out, a line in; undefined when the client has gone. */
export type Ask = (challenge: string) => Promise<string | undefined>;

/**
 * Runs a mechanism to its end. The initial response is `=` where it is empty. What the server says last is one more
 * challenge, which the client answers with an empty line; or (`dataLast`) the protocol can say it with its success.
 *
 * @returns undefined when the client has gone; rejects with SaslRefused
 */
export async function authenticate(
  name: string,
  around: SaslSurroundings,
  initial: string | undefined,
  ask: Ask,
  dataLast = false,
): Promise<Accepted | undefined> {
  const run = (MECHANISMS[name] as Mechanism)(around, initial === undefined ? undefined : decoded(initial, true));
  let step = run.next();
  while (!step.done) {
    const line = await ask(step.value.toString("base64"));
    if (line === undefined) return undefined;
    step = run.next(decoded(line, false));
  }
  const { data } = step.value;
  if (data === undefined || dataLast) return step.value;
  const line = await ask(data.toString("base64"));
  if (line === undefined) return undefined;
  if (line !== "") throw new SaslRefused(line === "*" ? "cancelled" : "malformed", "An empty response was due");
  if (data.toString().startsWith("e=")) throw new SaslRefused("credentials", "Authentication failed");
  return step.value;
}

function decoded(line: string, initial: boolean): Buffer {
  if (line === "*") throw new SaslRefused("cancelled", "Cancelled");
  if (initial && line === "=") return Buffer.alloc(0);
  const whole = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(line);
  if (!whole || (initial && line === "")) throw new SaslRefused("base64", "Not base64");
  return Buffer.from(line, "base64");
}

function accountOf({ password, token, actsAs = [] }: Account): SaslAccount {
  return { password, token, actsAs };
}

/** The common name of the certificate that the client has shown, if `ca` has signed it (a TLSSocket of ours does not look). */
function certificateName(tls: TLSSocket | undefined, ca: string | undefined): string | undefined {
  const shown = tls?.getPeerX509Certificate();
  if (!shown || ca === undefined) return undefined;
  const authority = new X509Certificate(ca);
  if (!shown.checkIssued(authority) || !shown.verify(authority.publicKey)) return undefined;
  return /^CN=(.+)$/m.exec(shown.subject)?.[1];
}

/** Certificates signed with SHA-256 (as testTls has them) or weaker are bound by SHA-256 (RFC 5929 4.1). */
function bindingOf(tls: TLSSocket, type: string, certificate: CertifiedKey): Buffer | undefined {
  if (type === "tls-server-end-point") {
    return createHash("sha256").update(new X509Certificate(certificate.cert).raw).digest();
  }
  if (type !== "tls-exporter" || tls.getProtocol() !== "TLSv1.3") return undefined;
  return tls.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
}
