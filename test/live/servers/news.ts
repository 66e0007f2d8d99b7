/** Starts real news servers for tests: `const live = await startNews("inn", { tls: "starttls", seed: true })`. */
import { chownSync, existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "./certs.js";
import { cyrus } from "./cyrus-nntpd.js";
import { freePort, listens } from "./daemon.js";
import { inn } from "./inn.js";
import { account, launch, secret } from "./launch.js";
import type { LiveNews, NewsAbilities, NewsKind, NewsOptions, NewsServer } from "./news-server.js";
import { copySeed } from "./news-spool.js";
import { PASSWORD, USER } from "./server.js";

export type { LiveNews, NewsAbilities, NewsKind, NewsOptions } from "./news-server.js";

const SERVER: Record<NewsKind, NewsServer> = { inn, cyrus };

export const NEWS_KINDS = Object.keys(SERVER) as NewsKind[];

/** What each server can do; a test compares it with what they say. */
export const NEWS_ABILITIES = Object.fromEntries(NEWS_KINDS.map((kind) => [kind, SERVER[kind].abilities])) as Record<
  NewsKind,
  NewsAbilities
>;

export const newsInstalled = (kind: NewsKind): boolean =>
  [...SERVER[kind].files, PASSWORD].every((file) => existsSync(file));

/**
 * Starts a news server on a free port of this machine, and waits until it listens. Any number may run at one time.
 * Rejects with what the server said when it does not start, and for an option that it cannot do.
 */
export async function startNews(kind: NewsKind, options: NewsOptions = {}): Promise<LiveNews> {
  refuse(kind, options);
  const port = options.port ?? freePort();
  if (listens(port)) throw new Error(`port ${port} is taken`);
  const work = await mkdtemp(join(tmpdir(), `polywire-${kind}-`));
  await chmod(work, 0o755);
  const owner = account(SERVER[kind].account);
  const home = options.home ?? join(work, "home");
  await mkdir(home, { recursive: true });
  chownSync(home, owner.uid, owner.gid);

  if (kind === "inn" && options.seed) await copySeed(home, (folder) => startNews("inn", { home: folder }));
  const host = options.ipv6 ? "::1" : "127.0.0.1";
  const { certFile, keyFile } = options.certificate ?? (await certificates()).server;
  const who = { user: USER, ...secret() };
  const wanted = { ...options, tls: options.tls ?? "none", auth: options.auth ?? "none" };
  const setup = { host, port, feedPort: freePort(), home, work, options: wanted, certFile, keyFile, ...who, owner };
  const { feedPort, fill, control = none(kind), ...start } = await SERVER[kind].prepare(setup);

  const live = await launch({ kind, work, ...start });
  await fill?.().catch(async (error) => {
    await live.stop();
    throw error;
  });
  const letters = join(work, "mail");
  const mail = () => (existsSync(letters) ? readFileSync(letters, "latin1") : "");
  const { user, password } = who;
  return { ...live, kind, host, port, feedPort, user, password, home, control, mail };
}

function refuse(kind: NewsKind, options: NewsOptions): void {
  const { abilities, takes } = SERVER[kind];
  const known = new Set<string>([...takes, "tls", "certificate", "auth", "home", "port"]);
  const cannot = Object.entries(options).flatMap(([name, value]) => (value && !known.has(name) ? [name] : []));
  if (options.tls === "implicit" && !abilities.implicit) cannot.push("tls: implicit");
  if (options.auth && options.auth !== "groups" && !abilities.anonymous) cannot.push(`auth: ${options.auth}`);
  if (cannot.length) throw new Error(`${kind} cannot do: ${cannot.join(", ")}`);
}

const none = (kind: NewsKind) => (): Promise<void> => Promise.reject(new Error(`${kind} has no operator's commands`));
