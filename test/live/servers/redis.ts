/** A Redis server of the tests' own: `const redis = await startRedis({ password: "…" })`. */
import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, listens } from "./daemon.js";
import { type Live, launch } from "./launch.js";
import { inServers } from "./server.js";

export interface RedisOptions {
  /** Asked of every client. Default: none. */
  password?: string;
  /** Keep what is stored over a restart in this folder. Default: in memory only, and lost. */
  folder?: string;
  /** Listen here, as for a server that comes back. Default: a free port. */
  port?: number;
}

export interface LiveRedis extends Live {
  readonly host: string;
  readonly port: number;
  /** `redis://127.0.0.1:port`, with the password where there is one. */
  readonly url: string;
}

const PROGRAM = inServers("redis/usr/bin/redis-server");

export const redisInstalled = (): boolean => existsSync(PROGRAM);

/** Starts redis-server on 127.0.0.1, and waits until it listens. Any number may run at one time. */
export async function startRedis(options: RedisOptions = {}): Promise<LiveRedis> {
  const port = options.port ?? freePort();
  if (listens(port)) throw new Error(`port ${port} is taken`);
  const work = await mkdtemp(join(tmpdir(), "polywire-redis-"));
  const [host, config] = ["127.0.0.1", join(work, "redis.conf")];
  await writeFile(config, settings(host, port, options.folder ?? work, options).join("\n"), { mode: 0o600 });
  const live = await launch({ kind: "redis", command: PROGRAM, args: [config], work, ports: [port], logs: [] });
  const login = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
  return { ...live, host, port, url: `redis://${login}${host}:${port}` };
}

function settings(host: string, port: number, folder: string, { password, folder: kept }: RedisOptions): string[] {
  return [
    `bind ${host}`,
    `port ${port}`,
    `dir ${folder}`,
    "daemonize no",
    'save ""',
    // Every write is on the disk before its answer: a kill loses nothing.
    ...(kept === undefined ? ["appendonly no"] : ["appendonly yes", "appendfsync always"]),
    ...(password === undefined ? [] : [`requirepass ${password}`]),
    "maxmemory-policy noeviction",
    "",
  ];
}
