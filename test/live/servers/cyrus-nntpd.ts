/**
 * Cyrus nntpd: newsgroups are shared mailboxes. Before a login it announces LIST ACTIVE and nothing else, and GROUP is answered
 * with 480. It puts an Xref behind the headers, which names no group for articles that came by IMAP, as the seeded ones do;
 * it makes From in overviews anew, with quotes of its own; and what is posted to several groups is in the first one only.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { SASLPASSWD } from "./inn-settings.js";
import { give } from "./launch.js";
import { articleOf, GROUPS, type SeedGroup } from "./news-seed.js";
import type { NewsServer, NewsSetup } from "./news-server.js";
import { inServers, USER } from "./server.js";

const program = (name: string): string => inServers("cyrus/usr/lib/cyrus/bin", name);
const HOST = "cyrus.example";

export const cyrus: NewsServer = {
  abilities: {
    starttls: true,
    implicit: true,
    anonymous: false,
    post: true,
    compress: true,
    user: true,
    plain: true,
    hdr: true,
    xpat: true,
    newnews: true,
    streaming: true,
    list: ["ACTIVE", "HEADERS", "NEWSGROUPS", "OVERVIEW.FMT"],
  },
  takes: ["seed", "ipv6"],
  files: [...["master", "nntpd", "imapd"].map(program), SASLPASSWD],
  account: USER,
  async prepare(setup) {
    const { work, home, owner, certFile, keyFile, port, feedPort: imapPort, password } = setup;
    await mkdir(join(work, "run"));
    await copyFile(certFile, join(work, "server.pem")); // the folder they are in is closed to its account
    await copyFile(keyFile, join(work, "server.key"));
    const args = ["-p", "-c", "-f", join(work, "sasldb"), "-u", HOST, USER];
    execFileSync(SASLPASSWD, args, { input: password });
    const [settings, services] = [join(work, "imapd.conf"), join(work, "cyrus.conf")];
    await writeFile(settings, imapdConf(setup));
    await writeFile(services, cyrusConf(setup, settings));
    const known = existsSync(join(home, "conf"));
    await Promise.all(["conf", "spool"].map((name) => mkdir(join(home, name), { recursive: true })));
    give(work, owner);
    give(home, owner);
    const libraries = `LD_LIBRARY_PATH=${inServers("cyrus/usr/lib", machine(), "")}`;
    const master = [program("master"), "-D", "-C", settings, "-M", services, "-p", join(work, "run/master.pid")];
    return {
      command: "/usr/bin/env",
      args: ["-i", "PATH=/usr/bin:/bin", libraries, ...master],
      logs: [],
      ports: [port, imapPort],
      fill: async () => {
        if (!known) await fill(setup);
      },
    };
  },
};

/** The folder Debian keeps this machine's libraries in. */
const machine = (): string => `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

function imapdConf({ work, home, options }: NewsSetup): string {
  const certificate = { tls_server_cert: join(work, "server.pem"), tls_server_key: join(work, "server.key") };
  const settings = {
    configdirectory: join(home, "conf"),
    defaultpartition: "default",
    "partition-default": join(home, "spool"),
    cyrus_user: USER,
    cyrus_group: USER,
    admins: USER,
    servername: HOST,
    unixhierarchysep: "no", // a.b is a group, not a path
    allowplaintext: "yes",
    failedloginpause: 0,
    allownewnews: "yes",
    munge8bit: "no", // else each octet above 127 in a header is an X
    sasl_pwcheck_method: "auxprop",
    sasl_auxprop_plugin: "sasldb",
    sasl_sasldb_path: join(work, "sasldb"),
    sasl_mech_list: "PLAIN LOGIN SCRAM-SHA-256",
    lmtpsocket: join(work, "run/lmtp"),
    idlesocket: join(work, "run/idle"),
    notifysocket: join(work, "run/notify"),
    ...(options.tls === "none" ? {} : certificate),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

function cyrusConf({ host, port, feedPort: imapPort, options }: NewsSetup, settings: string): string {
  const command = (name: string, ...args: string[]) => `cmd="${[program(name), "-C", settings, ...args].join(" ")}"`;
  const listen = (on: number) => `listen="${options.ipv6 ? `[${host}]` : host}:${on}"`;
  const tls = options.tls === "implicit" ? ["-s"] : [];
  return [
    `START {\n  recover ${command("ctl_cyrusdb", "-r")}\n}\n`,
    `SERVICES {\n  nntp ${command("nntpd", ...tls)} ${listen(port)}\n  imap ${command("imapd")} ${listen(imapPort)}\n}\n`,
    "EVENTS {\n}\n",
  ].join("");
}

/** Makes the groups, and with the option `seed` appends the articles of all but polywire.big; the cancelled ones are deleted. */
async function fill({ host, feedPort: imapPort, user, password, options }: NewsSetup): Promise<void> {
  const commands = [`LOGIN ${user} ${password}`, ...GROUPS.map(({ name }) => `CREATE ${name}`)];
  // l, r, s: look, read, keep what was seen; p: post. Who made it may append and delete, too.
  for (const { name } of GROUPS) commands.push(`SETACL ${name} anyone lrsp`, `SETACL ${name} ${user} lrswipted`);
  if (options.seed) commands.push(...GROUPS.filter(({ count }) => count < 1000).flatMap(appends));
  await imap(host, imapPort, [...commands, "LOGOUT"]);
}

/** All articles of a group in one command (MULTIAPPEND): one after the other costs an fsync each. */
function appends({ name, count, cancelled }: SeedGroup): string[] {
  if (!count) return [];
  const literals = Array.from({ length: count }, (_, index) => {
    const text = articleOf(name, index + 1).bytes.toString("latin1");
    return `{${text.length}+}\r\n${text}`;
  });
  const append = `APPEND ${name} ${literals.join(" ")}`;
  if (!cancelled.length) return [append];
  return [append, `SELECT ${name}`, `UID STORE ${cancelled.join(",")} +FLAGS.SILENT (\\Deleted)`, "CLOSE"];
}

/** Sends all commands at once; rejects with the first that is refused. */
async function imap(host: string, port: number, commands: string[]): Promise<void> {
  const socket = connect(port, host);
  socket.write(commands.map((command, index) => `t${index} ${command}\r\n`).join(""), "latin1");
  const refused = /^(t\d+ (?:NO|BAD)|\* BYE (?!LOGOUT)).*/m;
  let said = "";
  for await (const bytes of socket) said += (bytes as Buffer).toString("latin1");
  const bad = refused.exec(said) ?? (said.includes(`t${commands.length - 1} OK`) ? undefined : [said.slice(-200)]);
  if (bad) throw new Error(`Cyrus did not take its groups: ${bad[0]}`);
}
