/** Starts real mail servers for tests: `const live = await startMail("dovecot")`, then POP3 on `live.ports.pop3`. */
import { chownSync, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "./certs.js";
import { cyrusMail } from "./cyrus-mail.js";
import { freePort, freePorts, listens } from "./daemon.js";
import { dovecot } from "./dovecot.js";
import { account, launch, secret } from "./launch.js";
import type { LiveMail, MailAbilities, MailKind, MailOptions, MailServer, MailSetup } from "./mail-server.js";
import { MAIL_USERS, ODD_USERS } from "./mail-users.js";
import { PASSWORD, USER } from "./server.js";
import { type LiveSink, startSink } from "./sink.js";

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
  const setup = await setUp(kind, options);
  const { host, ports, home, work, users, relay } = setup;
  const { fill, listening, token = noToken(kind), deliver, mailbox, ...start } = await SERVER[kind].prepare(setup);

  const live = await launch({ kind, work, ports: listening, ...start });
  let sink: LiveSink | undefined;
  const stop = async () => {
    await Promise.all([live.stop(), sink?.stop()]);
  };
  try {
    if (SERVER[kind].abilities.submission && options.relay === undefined) sink = await startSink({ port: relay });
    await fill?.();
  } catch (error) {
    await stop();
    throw error;
  }
  const relayed = async () => (await sink?.messages()) ?? [];
  const { ca } = await certificates();
  const who = { user: USER, password: secret().password, users };
  return { ...live, kind, host, ports, ca, ...who, home, token, deliver, mailbox, relayed, stop };
}

/** Its folders, users, ports and certificates. */
async function setUp(kind: MailKind, options: MailOptions): Promise<MailSetup> {
  const { abilities, strictHost = LOOPBACK } = SERVER[kind];
  const ports = options.ports ?? freePorts(PORTS);
  const taken = Object.values(ports).find(listens);
  if (taken) throw new Error(`port ${taken} is taken`);
  const work = await mkdtemp(join(tmpdir(), `polywire-${kind}-`));
  await chmod(work, 0o755);
  const owner = account(USER);
  const home = options.home ?? join(work, "home");
  await mkdir(home, { recursive: true });
  chownSync(home, owner.uid, owner.gid);

  const { caFile, server } = await certificates();
  const { certFile, keyFile } = options.certificate ?? server;
  const odd = abilities.oddNames ? ODD_USERS : {};
  const users = { [USER]: secret().password, ...MAIL_USERS, ...odd, ...options.users };
  const host = options.ipv6 ? "::1" : options.requireTls ? strictHost : LOOPBACK;
  const wanted = {
    ...options,
    tls: options.tls ?? "both",
    clientCertificate: options.clientCertificate ?? "asked",
    mechanisms: options.mechanisms ?? abilities.mechanisms,
  };
  const relay = options.relay ?? freePort();
  return { host, ports, home, work, options: wanted, certFile, keyFile, caFile, users, relay, owner };
}

function refuse(kind: MailKind, options: MailOptions): void {
  const { abilities, takes, strictHost } = SERVER[kind];
  const known = new Set<string>([...takes, "tls", "certificate", "mechanisms", "users", "ipv6", "home", "ports"]);
  const cannot = Object.entries(options).flatMap(([name, value]) => (value && !known.has(name) ? [name] : []));
  for (const name of options.mechanisms ?? []) {
    if (!abilities.mechanisms.includes(name)) cannot.push(`mechanism ${name}`);
  }
  if (strictHost && options.requireTls && options.ipv6) cannot.push("requireTls with ipv6");
  if (cannot.length) throw new Error(`${kind} cannot do: ${cannot.join(", ")}`);
}

const LOOPBACK = "127.0.0.1";

const PORTS = ["pop3", "pop3s", "imap", "imaps", "submission", "submissions", "lmtp", "auth"] as const;

const noToken = (kind: MailKind) => (): never => {
  throw new Error(`${kind} takes no tokens`);
};
