/** The seeded news as INN keeps it: fed once on this machine, then copied for every server that wants it. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { feed } from "./news-feed.js";
import { allArticles, GROUPS, idOf, SEED_VERSION } from "./news-seed.js";
import type { LiveNews } from "./news-server.js";
import { inServers, SERVERS } from "./server.js";

const FOLDER = inServers(`news-seed-${SEED_VERSION}`);

/**
 * Fills `home` with the seeded news, unless it has some already. If this machine has none yet, they are fed to a server that `start` starts with
 * the folder it is given as its home; other processes that want them wait meanwhile.
 */
export async function copySeed(home: string, start: (folder: string) => Promise<LiveNews>): Promise<void> {
  if (existsSync(join(home, "active"))) return;
  if (!existsSync(FOLDER)) {
    await alone(async () => {
      if (!existsSync(FOLDER)) await build(start);
    });
  }
  await promisify(execFile)("cp", ["-a", "--reflink=auto", `${FOLDER}/.`, home]);
}

async function build(start: (folder: string) => Promise<LiveNews>): Promise<void> {
  const old = (await readdir(SERVERS)).filter((name) => /^news-seed-\d/.test(name));
  await Promise.all(old.map((name) => rm(inServers(name), { recursive: true })));
  const part = `${FOLDER}.part`; // goes with the old ones, should it be left behind
  const server = await start(part);
  try {
    const refused = await feed(server.host, server.feedPort ?? server.port, allArticles());
    if (refused.size) throw new Error(`the server refused ${refused.size} seeds: ${[...refused.values()][0]}`);
    for (const { name, cancelled } of GROUPS) {
      if (name === "polywire.cross") continue; // they go with those of polywire.small
      for (const number of cancelled) await server.control("cancel", idOf(name, number));
    }
  } finally {
    await server.stop();
  }
  await rename(part, FOLDER);
}

/** Runs `work` while no other process of this machine does. The lock goes with this process, however that ends. */
async function alone(work: () => Promise<void>): Promise<void> {
  const holder = spawn("flock", [inServers(".news-seed.lock"), "sh", "-c", "echo; read -r _"]);
  const gone = once(holder, "exit");
  await Promise.race([once(holder.stdout, "data"), gone]);
  try {
    await work();
  } finally {
    holder.stdin.end();
    await gone;
  }
}
