/** The configuration files of INN, and where its parts are. */
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PATH_HOST } from "./news-seed.js";
import type { NewsSetup } from "./news-server.js";
import { setPasswords } from "./sasldb.js";
import { inServers } from "./server.js";

export const NEWS = inServers("inn/usr/lib/news");

export const program = (name: string): string => join(NEWS, "bin", name);

const MODERATOR = "moderator@polywire.example";

export async function writeSettings(setup: NewsSetup): Promise<void> {
  const { work, certFile, keyFile, options } = setup;
  const etc = join(work, "etc");
  await Promise.all(["etc", "log", "run", "tmp", "filter"].map((name) => mkdir(join(work, name))));
  const files: Record<string, string> = {
    "inn.conf": innConf(setup),
    "readers.conf": readersConf(setup),
    // Many articles in one file: quick to write and to copy. A cancel writes the whole file anew (0.3 s for polywire.big).
    "storage.conf": [storage(1, "polywire.big"), storage(0, "*")].join(""),
    "incoming.conf": 'streaming: true\nmax-connections: 0\npeer local { hostname: "127.0.0.1, ::1" }\n',
    newsfeeds: "ME:*::\n",
    "expire.ctl": "/remember/:10\n*:A:never:never:never\n",
    moderators: `*:${MODERATOR}\n`,
    "distrib.pats": "1:polywire.*:world\n",
    distributions: "world\tEverybody\n",
    subscriptions: "polywire.small\n",
    "motd.nnrpd": "Tests only.\r\n",
    "control.ctl": "all:*:*:drop\n",
    "passwd.nntp": "",
    users: `${setup.user}:${setup.hash}\n`,
    sendmail: `#!/bin/sh\nexec cat >>${join(work, "mail")}\n`,
    "INN.conf": `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${join(etc, "sasldb")}\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(etc, name), text);
  await chmod(join(etc, "sendmail"), 0o755);
  await saslUser(setup, join(etc, "sasldb"));
  if (options.tls === "none") return;
  await copyFile(certFile, join(etc, "cert.pem"));
  await copyFile(keyFile, join(etc, "key.pem"));
  await chmod(join(etc, "key.pem"), 0o600); // it refuses a key that others can read
}

const storage = (number: number, groups: string): string =>
  `method timecaf {\n  class: ${number}\n  newsgroups: ${groups}\n}\n`;

/** One account for each name by which SASL may call this machine: its realm is that, whatever inn.conf says. */
async function saslUser({ user, password }: NewsSetup, file: string): Promise<void> {
  const asked = await promisify(execFile)("hostname", ["-f"]).then(
    ({ stdout }) => stdout.trim(),
    () => hostname(),
  );
  for (const realm of new Set([asked, hostname(), hostname().replace(/\..*/s, "")].map((name) => name.toLowerCase()))) {
    setPasswords(file, realm, { [user]: password });
  }
}

function innConf({ work, home, options }: NewsSetup): string {
  const settings: Record<string, string | number | boolean> = {
    pathhost: PATH_HOST,
    domain: "example", // wants a dot in the machine's name otherwise
    organization: '"polywire tests"',
    // Reading 100,000 lines takes 0.2 s, and it is files only: no process of its own, as ovsqlite has.
    ovmethod: "tradindexed",
    hismethod: "hisv6",
    mta: `"${join(work, "etc/sendmail")} %s"`,
    mailcmd: "/bin/true",
    // Articles of any age and size.
    artcutoff: 0,
    maxartsize: 0,
    localmaxartsize: 0,
    docancels: "none",
    immediatecancel: true,
    pgpverify: false,
    wireformat: true,
    nnrpdcheckart: false, // a look at each article makes OVER four times slower; cancelled ones leave the overview at once
    maxconnections: 0,
    nnrpdloadlimit: 0,
    nicenewnews: 0,
    nicekids: 0,
    doinnwatch: false,
    clienttimeout: options.idleTimeout ?? 1800,
    initialtimeout: options.idleTimeout ?? 1800,
    icdsynccount: 1000,
    pathnews: NEWS,
    pathbin: join(NEWS, "bin"),
    pathcontrol: join(NEWS, "bin/control"),
    pathfilter: join(work, "filter"), // empty: no scripts judge the articles
    pathetc: join(work, "etc"),
    pathlog: join(work, "log"),
    pathrun: join(work, "run"),
    pathtmp: join(work, "tmp"),
    pathdb: home,
    pathspool: home,
    patharticles: join(home, "articles"),
    pathoverview: join(home, "overview"),
    pathincoming: join(home, "incoming"),
    pathoutgoing: join(home, "outgoing"),
    patharchive: join(home, "archive"),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** Who may do what. Letters of access: Read, Post, New news, Approve, Ihave. */
function readersConf({ work, options }: NewsSetup): string {
  const rate = options.rate ? `  max_rate: ${options.rate}\n` : "";
  const access = (users: string, groups: string, letters: string) =>
    `access "${users}" {\n  users: "${users}"\n  newsgroups: "${groups}"\n  access: "${letters}"\n${rate}}\n`;
  // Without a default identity all is answered 480; but then who logs in by SASL may read nothing either.
  const guest = options.auth === "read" ? "" : '  default: "guest"\n';
  const guests = { none: "RPNAI", post: "RN", groups: "R", read: "R" };
  return [
    `auth "all" {\n  auth: "ckpasswd -f ${join(work, "etc/users")}"\n${guest}}\n`,
    access("guest", options.auth === "groups" ? "!*" : "*", guests[options.auth]),
    access("*,!guest", "*", "RPNAI"),
  ].join("");
}
