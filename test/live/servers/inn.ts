/**
 * INN: innd takes the feeds and keeps the articles, nnrpd serves the readers. nnrpd does not set TCP_NODELAY and writes
 * an answer of several lines in two pieces: to a client that asks one by one each ARTICLE, HEAD, BODY, OVER and HDR
 * costs 44 ms, unless the option `nodelay` is given.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { NEWS, program, writeSettings } from "./inn-settings.js";
import { give } from "./launch.js";
import { GROUPS } from "./news-seed.js";
import type { NewsServer, NewsSetup } from "./news-server.js";
import { PYTHON } from "./pyftpdlib.js";
import { SASLPASSWD } from "./sasldb.js";

const INETD = fileURLToPath(new URL("inetd.py", import.meta.url));
const run = promisify(execFile);

export const inn: NewsServer = {
  abilities: {
    starttls: true,
    implicit: true,
    anonymous: true,
    post: true,
    compress: true,
    user: true,
    plain: true,
    hdr: true,
    xpat: true,
    newnews: true,
    streaming: false,
    list: [
      ...["ACTIVE", "ACTIVE.TIMES", "COUNTS", "DISTRIB.PATS", "DISTRIBUTIONS", "HEADERS", "MODERATORS", "MOTD"],
      ...["NEWSGROUPS", "OVERVIEW.FMT", "SUBSCRIPTIONS"],
    ],
  },
  takes: ["seed", "maxClients", "nodelay", "rate", "idleTimeout", "ipv6"],
  files: [PYTHON, ...["innd", "nnrpd", "ctlinnd", "makedbz"].map(program), SASLPASSWD],
  // It changes to this account and to no other, before it reads any file. Debian and Ubuntu come with it.
  account: "news",
  async prepare(setup) {
    const { work, home, owner, port, feedPort } = setup;
    // Whatever the machine has in /etc/news, /var/lib/news and /usr/lib/news is not looked at.
    const env = {
      PATH: "/usr/bin:/bin",
      INNCONF: join(work, "etc/inn.conf"),
      LD_LIBRARY_PATH: NEWS,
      SASL_CONF_PATH: join(work, "etc"),
    };
    await writeSettings(setup);
    give(work, owner);
    if (!existsSync(join(home, "active"))) await makeSpool(home, env);
    give(home, owner);
    const control = async (...command: string[]) => {
      await run(program("ctlinnd"), ["-s", "-t", "10", ...command], { env });
    };
    return {
      command: "/usr/bin/env",
      args: ["-i", ...Object.entries(env).map((pair) => pair.join("=")), ...commandLine(setup)],
      logs: ["news", "errlog", "inetd.log"].map((name) => join(work, "log", name)),
      ports: [port, feedPort],
      feedPort,
      control,
      // It listens before it has made the overviews of its groups; it answers when it has.
      fill: () => control("mode"),
      // It obeys SIGTERM only when it next wakes up, and has then not written what it holds.
      goodbye: () => control("shutdown", "the test is over").catch(() => {}),
    };
  },
};

/** Both daemons in one process group, readers' in front. */
function commandLine({ host, port, feedPort, work, options }: NewsSetup): string[] {
  const address = [options.ipv6 ? "-6" : "-4", host];
  const innd = [program("innd"), "-f", "-u", ...address, "-P", String(feedPort)];
  const nnrpd = [program("nnrpd"), "-n", ...(options.tls === "implicit" ? ["-S"] : [])];
  const limit = options.maxClients ? [`INETD_LIMIT=${options.maxClients}`] : [];
  const inetd = ["/usr/bin/env", ...limit, PYTHON, "-I", INETD, host, String(port), join(work, "log/inetd.log")];
  const readers =
    options.nodelay || options.maxClients
      ? [...inetd, ...nnrpd]
      : [...nnrpd, "-D", "-f", ...address, "-p", String(port)];
  const script = `"\${@:1:${innd.length}}" & shift ${innd.length}; exec "$@"`;
  return ["/bin/bash", "-c", script, "bash", ...innd, ...readers];
}

/** The folders and databases of a server with groups that are all empty. */
async function makeSpool(home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const folders = ["articles", "overview", "incoming", "outgoing", "archive"];
  await Promise.all(folders.map((name) => mkdir(join(home, name))));
  const active = GROUPS.map(({ name, status }) => `${name} 0000000000 0000000001 ${status}\n`);
  const own = ["control", "control.cancel", "junk"].map((name) => `${name} 0000000000 0000000001 n\n`);
  await writeFile(join(home, "active"), [...own, ...active].join(""));
  const descriptions = GROUPS.map(({ name, description }) => `${name}\t${description}\n`);
  await writeFile(join(home, "newsgroups"), descriptions.join(""), "latin1");
  const times = GROUPS.map(({ name, created }) => `${name} ${created} ${GROUP_MAKER}\n`);
  await writeFile(join(home, "active.times"), times.join(""));
  await writeFile(join(home, "history"), "");
  // As large as it may become: one that overflows is slow.
  await run(program("makedbz"), ["-i", "-o", "-s", "150000", "-f", join(home, "history")], { env });
}

const GROUP_MAKER = "news@polywire.example";
