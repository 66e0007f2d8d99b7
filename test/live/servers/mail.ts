/** Starts real mail servers for tests: `const live = await startMail("dovecot")`, then POP3 on `live.ports.pop3`. */
import { chownSync, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "./certs.js";
import { cyrusMail } from "./cyrus-mail.js";
import { freePorts, listens } from "./daemon.js";
import { dovecot } from "./dovecot.js";
import { account, launch, secret } from "./launch.js";
import type { LiveMail, MailAbilities, MailKind, MailOptions, MailServer } from "./mail-server.js";
import { MAIL_USERS, ODD_USERS } from "./mail-users.js";
import { PASSWORD, USER } from "./server.js";
import { startSink } from "./sink.js";

export type { LiveMail, MailAbilities, MailKind, MailOptions, MailPorts } from "./mail-server.js";
export { BROKEN_USER, MAIL_USERS, ODD_USERS } from "./mail-users.js";

const SERVER: Record<MailKind, MailServer> = { dovecot, cyrus: cyrusMail };

export const MAIL_KINDS = Object.keys(SERVER) as MailKind[];

/** What each server can do; a test compares it with what they say. */
export const MAIL_ABILITIES = Object.fromEntries(MAIL_KINDS.map((kind) => [kind, SERVER[kind].abilities])) as Record<
  MailKind,
  MailAbilities
>;

export const mailInstalled = (kind: MailKind): boolean =>
  [...SERVER[kind].files, PASSWORD].every((file) => existsSync(file));

/**
 * Starts a mail server on free ports of this machine, and waits until it listens. Any number may run at one time.
 * Rejects with what the server said when it does not start, and for an option that it cannot do.
 */
export async function startMail(kind: MailKind, options: MailOptions = {}): Promise<LiveMail> {
  refuse(kind, options);
  const { abilities, prepare } = SERVER[kind];
  const ports = options.ports ?? freePorts(PORTS);
  const taken = Object.values(ports).find(listens);
  if (taken) throw new Error(`port ${taken} is taken`);
  const work = await mkdtemp(join(tmpdir(), `polywire-${kind}-`));
  await chmod(work, 0o755);
  const owner = account(USER);
  const home = options.home ?? join(work, "home");
  await mkdir(home, { recursive: true });
  chownSync(home, owner.uid, owner.gid);

  const { ca, caFile, server } = await certificates();
  const { certFile, keyFile } = options.certificate ?? server;
  const { password } = secret();
  const users = { [USER]: password, ...MAIL_USERS, ...(abilities.oddNames ? ODD_USERS : {}), ...options.users };
  const host = options.ipv6 ? "::1" : options.requireTls && abilities.submission ? "127.0.0.2" : "127.0.0.1";
  const sink = abilities.submission && options.relay === undefined ? await startSink() : undefined;
  const wanted = {
    ...options,
    tls: options.tls ?? "both",
    clientCertificate: options.clientCertificate ?? (abilities.external ? "asked" : "none"),
    mechanisms: options.mechanisms ?? abilities.mechanisms,
  };
  const relay = options.relay ?? sink?.port ?? 0;
  const setup = { host, ports, home, work, options: wanted, certFile, keyFile, caFile, users, relay, owner };
  const { fill, listening, token = noToken(kind), deliver, mailbox, ...start } = await prepare(setup);

  const live = await launch({ kind, work, ports: listening, ...start });
  const stop = async () => {
    await Promise.all([live.stop(), sink?.stop()]);
  };
  await fill?.().catch(async (error) => {
    await stop();
    throw error;
  });
  const relayed = async () => (await sink?.messages()) ?? [];
  return { ...live, kind, host, ports, ca, user: USER, password, users, home, token, deliver, mailbox, relayed, stop };
}

function refuse(kind: MailKind, options: MailOptions): void {
  const { abilities, takes } = SERVER[kind];
  const known = new Set<string>([...takes, "tls", "certificate", "mechanisms", "users", "ipv6", "home", "ports"]);
  const cannot = Object.entries(options).flatMap(([name, value]) => (value && !known.has(name) ? [name] : []));
  for (const name of options.mechanisms ?? []) {
    if (!abilities.mechanisms.includes(name)) cannot.push(`mechanism ${name}`);
  }
  if (cannot.length) throw new Error(`${kind} cannot do: ${cannot.join(", ")}`);
}

const PORTS = ["pop3", "pop3s", "imap", "imaps", "submission", "submissions", "lmtp", "auth"] as const;

const noToken = (kind: MailKind) => (): never => {
  throw new Error(`${kind} takes no tokens`);
};
