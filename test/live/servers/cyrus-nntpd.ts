/**
 * Cyrus nntpd: newsgroups are shared mailboxes. Before a login it announces LIST ACTIVE and nothing else, and GROUP is answered
 * with 480. It puts an Xref behind the headers, which names no group for articles that came by IMAP, as the seeded ones do;
 * it makes From in overviews anew, with quotes of its own; and what is posted to several groups is in the first one only.
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HOST, imap, master, program, settingLines } from "./cyrus-programs.js";
import { give } from "./launch.js";
import { articleOf, GROUPS, type SeedGroup } from "./news-seed.js";
import type { NewsServer, NewsSetup } from "./news-server.js";
import { SASLPASSWD, setPasswords } from "./sasldb.js";
import { USER } from "./server.js";

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
    setPasswords(join(work, "sasldb"), HOST, { [USER]: password });
    const [settings, services] = [join(work, "imapd.conf"), join(work, "cyrus.conf")];
    await writeFile(settings, imapdConf(setup));
    await writeFile(services, cyrusConf(setup, settings));
    const known = existsSync(join(home, "conf"));
    await Promise.all(["conf", "spool"].map((name) => mkdir(join(home, name), { recursive: true })));
    give(work, owner);
    give(home, owner);
    return {
      ...master(settings, services, join(work, "run/master.pid")),
      logs: [],
      ports: [port, imapPort],
      fill: async () => {
        if (!known) await fill(setup);
      },
    };
  },
};

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
  return settingLines(settings);
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
