/** Starts real FTP servers for tests: `const live = await start("vsftpd", { tls: "explicit" })`. */
import { chownSync, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "./certs.js";
import { freePort, listens } from "./daemon.js";
import { inetutils } from "./inetutils.js";
import { account, give, launch, secret } from "./launch.js";
import { proftpd } from "./proftpd.js";
import { pureftpd } from "./pureftpd.js";
import { pyftpdlib } from "./pyftpdlib.js";
import { type Abilities, type FtpOptions, type Kind, type LiveFtp, PASSWORD, type Server, USER } from "./server.js";
import { vsftpd } from "./vsftpd.js";

export type { Abilities, FtpOptions, Kind, LiveFtp } from "./server.js";

const SERVER: Record<Kind, Server> = { vsftpd, proftpd, pureftpd, pyftpdlib, inetutils };

export const KINDS = Object.keys(SERVER) as Kind[];

/** What each server can do; a test compares it with what they say. */
export const ABILITIES = Object.fromEntries(KINDS.map((kind) => [kind, SERVER[kind].abilities])) as Record<
  Kind,
  Abilities
>;

export const installed = (kind: Kind): boolean => [...SERVER[kind].files, PASSWORD].every((file) => existsSync(file));

/**
 * Starts a server on a free port of this machine, and waits until it listens. Any number may run at one time.
 * Rejects with what the server said when it does not start, and for an option that it cannot do.
 */
export async function start(kind: Kind, options: FtpOptions = {}): Promise<LiveFtp> {
  refuse(kind, options);
  const port = options.port ?? freePort();
  if (listens(port)) throw new Error(`port ${port} is taken`);
  const work = await mkdtemp(join(tmpdir(), `polywire-${kind}-`));
  await chmod(work, 0o755);
  const owner = account(USER);
  const home = options.home ?? join(work, "home");
  await mkdir(home, { recursive: true });
  chownSync(home, owner.uid, owner.gid);

  const host = options.host ?? (options.ipv6 ? "::1" : "127.0.0.1");
  const tls = options.tls ?? "none";
  const { caFile, server: usual } = await certificates();
  const files = { caFile, ...(options.certificate ?? usual) };
  const { password, hash } = secret();
  const setup = { host, port, home, work, options: { ...options, tls }, password, hash, owner, ...files };
  const { command, args, logs, folder = "/" } = await SERVER[kind].prepare(setup);

  const live = await launch({ kind, command, args, work, ports: [port], logs });
  const handOver = () => give(home, owner);
  return { ...live, kind, host, port, user: USER, password, home, folder, handOver };
}

function refuse(kind: Kind, options: FtpOptions): void {
  const { abilities, takes } = SERVER[kind];
  const known = new Set<string>([...takes, "tls", "certificate", "home", "host", "port"]);
  const cannot = Object.entries(options).flatMap(([name, value]) => (value && !known.has(name) ? [name] : []));
  if (options.tls === "explicit" && !abilities.tls) cannot.push("tls: explicit");
  if (options.tls === "implicit" && !abilities.implicit) cannot.push("tls: implicit");
  if (cannot.length) throw new Error(`${kind} cannot do: ${cannot.join(", ")}`);
}
