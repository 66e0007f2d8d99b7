/**
 * Cyrus: POP3, IMAP and LMTP over a spool of its own. Several POP3 sessions may have one mailbox. LMTP puts Return-Path and
 * Received in front of what it takes, and a message may hold neither NUL nor bare line ends.
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HOST, imap, master, program, settingLines } from "./cyrus-programs.js";
import { give } from "./launch.js";
import { deliverByLmtp } from "./lmtp.js";
import type { MailServer, MailSetup } from "./mail-server.js";
import { SASLPASSWD, setPasswords } from "./sasldb.js";
import { USER } from "./server.js";

/** May make mailboxes for others, and is none of the users. */
const ADMIN = "administrator";

export const cyrusMail: MailServer = {
  abilities: {
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "EXTERNAL"],
    apop: true,
    capa: ["AUTH-RESP-CODE", "EXPIRE NEVER", "LOGIN-DELAY 0", "PIPELINING", "RESP-CODES", "TOP", "UIDL", "USER"],
    submission: false,
    oddNames: false,
    tokens: false,
    external: true,
  },
  takes: ["apop", "requireTls", "clientCertificate"],
  files: [...["master", "pop3d", "imapd", "lmtpd", "idled"].map(program), SASLPASSWD],
  async prepare(setup) {
    const { work, home, owner, ports, options, users, certFile, keyFile, caFile } = setup;
    await mkdir(join(work, "run"));
    await copyFile(certFile, join(work, "server.pem")); // the folder they are in is closed to its account
    await copyFile(keyFile, join(work, "server.key"));
    await copyFile(caFile, join(work, "ca.pem"));
    setPasswords(join(work, "sasldb"), HOST, { ...users, [ADMIN]: ADMIN });
    const [settings, services] = [join(work, "imapd.conf"), join(work, "cyrus.conf")];
    await writeFile(settings, imapdConf(setup));
    await writeFile(join(work, "bed.conf"), imapdConf(setup, "yes"));
    await writeFile(services, cyrusConf(setup, settings));
    const known = existsSync(join(home, "conf"));
    await Promise.all(["conf/socket", "spool"].map((name) => mkdir(join(home, name), { recursive: true })));
    give(work, owner);
    give(home, owner);
    const tls = options.tls === "none" ? [] : [ports.pop3s, ports.imaps];
    const asBed = (commands: string[]) => imap(setup.host, ports.auth, commands);
    const boxes = Object.keys(users).map((name) => `CREATE user.${name}`);
    return {
      ...master(settings, services, join(work, "run/master.pid")),
      logs: [],
      listening: [ports.pop3, ports.imap, ports.lmtp, ports.auth, ...tls],
      fill: async () => {
        if (!known) await asBed([`LOGIN ${ADMIN} ${ADMIN}`, ...boxes, "LOGOUT"]);
      },
      deliver: (user, ...messages) => deliverByLmtp({ host: setup.host, port: ports.lmtp }, user, messages),
      mailbox: async (user) => {
        const login = `LOGIN ${user} "${users[user]}"`;
        return parseFetched(await asBed([login, "EXAMINE INBOX", "UID FETCH 1:* (BODY.PEEK[])", "LOGOUT"]));
      },
    };
  },
};

/** Every message in full: {LENGTH} and so many octets. */
function parseFetched(said: string): Buffer[] {
  const messages: Buffer[] = [];
  const literal = /^\* \d+ FETCH .*\{(\d+)\}\r\n/gm;
  for (let found = literal.exec(said); found; found = literal.exec(said)) {
    const end = literal.lastIndex + Number(found[1]);
    messages.push(Buffer.from(said.slice(literal.lastIndex, end), "latin1"));
    literal.lastIndex = end;
  }
  return messages;
}

function imapdConf(setup: MailSetup, allowPlaintext = setup.options.requireTls ? "no" : "yes"): string {
  const { work, home, options } = setup;
  const certificate = { tls_server_cert: join(work, "server.pem"), tls_server_key: join(work, "server.key") };
  return settingLines({
    configdirectory: join(home, "conf"),
    defaultpartition: "default",
    "partition-default": join(home, "spool"),
    cyrus_user: USER,
    cyrus_group: USER,
    admins: ADMIN,
    servername: HOST,
    unixhierarchysep: "no",
    allowplaintext: allowPlaintext,
    allowapop: options.apop === false ? "no" : "yes",
    popminpoll: 0,
    failedloginpause: 0,
    munge8bit: "no", // else each octet above 127 in a header is an X
    duplicatesuppression: "no", // else a message with a known Message-ID is dropped
    expunge_mode: "immediate",
    delete_mode: "immediate",
    sasl_pwcheck_method: "auxprop",
    sasl_auxprop_plugin: "sasldb",
    sasl_sasldb_path: join(work, "sasldb"),
    sasl_mech_list: options.mechanisms.join(" "),
    lmtpsocket: join(work, "run/lmtp"),
    idlesocket: join(work, "run/idle"),
    notifysocket: join(work, "run/notify"),
    ...(options.tls === "none" ? {} : { ...certificate, ...askForCertificate(setup) }),
  });
}

function askForCertificate({ work, options }: MailSetup): Record<string, string> {
  const ask = { none: "off", asked: "optional", required: "require" }[options.clientCertificate];
  return { tls_client_certs: ask, tls_client_ca_file: join(work, "ca.pem") };
}

function cyrusConf({ host, work, ports, options }: MailSetup, settings: string): string {
  const withSettings =
    (file: string) =>
    (name: string, ...args: string[]) =>
      `cmd="${[program(name), "-C", file, ...args].join(" ")}"`;
  const command = withSettings(settings);
  const listen = (port: number) => `listen="${options.ipv6 ? `[${host}]` : host}:${port}"`;
  const secret = [
    `  pop3s ${command("pop3d", "-s")} ${listen(ports.pop3s)}\n`,
    `  imaps ${command("imapd", "-s")} ${listen(ports.imaps)}\n`,
  ];
  return [
    `START {\n  recover ${command("ctl_cyrusdb", "-r")}\n}\n`,
    "SERVICES {\n",
    `  pop3 ${command("pop3d")} ${listen(ports.pop3)}\n`,
    `  imap ${command("imapd")} ${listen(ports.imap)}\n`,
    ...(options.tls === "none" ? [] : secret),
    `  bed ${withSettings(join(work, "bed.conf"))("imapd")} ${listen(ports.auth)}\n`,
    `  lmtp ${command("lmtpd", "-a")} ${listen(ports.lmtp)}\n`, // -a: without a login
    "}\n",
    `DAEMON {\n  idled ${command("idled", "-d")}\n}\n`,
    "EVENTS {\n}\n",
  ].join("");
}
