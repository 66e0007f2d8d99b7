/** Starts real mail transfer agents for tests: `const live = await startMta("postfix")`, then SMTP on `live.ports.smtp`. */
import { existsSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "./certs.js";
import { freePorts, listens } from "./daemon.js";
import { exim } from "./exim.js";
import { account, launch, secret } from "./launch.js";
import { MAIL_USERS, ODD_USERS } from "./mail-users.js";
import { readMaildir } from "./maildir.js";
import type { LiveMta, MtaAbilities, MtaKind, MtaOptions, MtaServer } from "./mta-server.js";
import { postfix } from "./postfix.js";
import { PASSWORD, USER } from "./server.js";

export * from "./mta-addresses.js";
export type { LiveMta, MtaAbilities, MtaKind, MtaOptions, MtaPorts, QueuedMail } from "./mta-server.js";

const SERVER: Record<MtaKind, MtaServer> = { postfix, exim };

export const MTA_KINDS = Object.keys(SERVER) as MtaKind[];

/** What each server can do; a test compares it with what they say. */
export const MTA_ABILITIES = Object.fromEntries(MTA_KINDS.map((kind) => [kind, SERVER[kind].abilities])) as Record<
  MtaKind,
  MtaAbilities
>;

export const mtaInstalled = (kind: MtaKind): boolean =>
  [...SERVER[kind].files, PASSWORD].every((file) => existsSync(file));

const COMMON = ["tls", "certificate", "clientCertificate", "requireTls", "mechanisms", "users", "without", "size"];
const LIMITS = ["maxRecipients", "maxClients", "idleTimeout", "deliverTo", "relayTo", "ipv6", "ports"];

/**
 * Starts a mail transfer agent on free ports of this machine, and waits until it listens. Any number may run at one time.
 * Rejects with what the server said when it does not start, and for an option that it cannot do.
 */
export async function startMta(kind: MtaKind, options: MtaOptions = {}): Promise<LiveMta> {
  refuse(kind, options);
  const { abilities, prepare } = SERVER[kind];
  const ports = options.ports ?? freePorts(["smtp", "submission", "smtps"]);
  const taken = Object.values(ports).find(listens);
  if (taken) throw new Error(`port ${taken} is taken`);
  const work = await mkdtemp(join(tmpdir(), `polywire-${kind}-`));
  await chmod(work, 0o755);
  const { ca, caFile, server } = await certificates();
  const { certFile, keyFile } = options.certificate ?? server;
  const { password } = secret();
  const users = { [USER]: password, ...MAIL_USERS, ...ODD_USERS, ...options.users };
  const wanted = {
    ...options,
    tls: options.tls ?? "both",
    clientCertificate: options.clientCertificate ?? "none",
    mechanisms: options.mechanisms ?? abilities.mechanisms,
    without: options.without ?? [],
  };
  const host = options.ipv6 ? "::1" : "127.0.0.1";
  const setup = { host, ports, work, options: wanted, certFile, keyFile, caFile, users, owner: account(USER) };
  const { queue, ...start } = await prepare(setup);
  const listening = options.tls === "none" ? [ports.smtp, ports.submission] : Object.values(ports);
  const live = await launch({ kind, work, ports: listening, ...start });
  const delivered = (user: string) => readMaildir(join(work, "mail", user));
  return { ...live, kind, host, ports, ca, user: USER, password, users, delivered, queue };
}

function refuse(kind: MtaKind, options: MtaOptions): void {
  const { abilities, takes, withouts } = SERVER[kind];
  const known = new Set<string>([...takes, ...COMMON, ...LIMITS]);
  const cannot = Object.entries(options).flatMap(([name, value]) => (value && !known.has(name) ? [name] : []));
  for (const name of options.authBy ? [] : (options.mechanisms ?? [])) {
    if (!abilities.mechanisms.includes(name)) cannot.push(`mechanism ${name}`);
  }
  for (const name of options.without ?? []) {
    if (!withouts.includes(name)) cannot.push(`without ${name}`);
  }
  if (cannot.length) throw new Error(`${kind} cannot do: ${cannot.join(", ")}`);
}
