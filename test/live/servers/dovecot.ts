/**
 * Dovecot: POP3, IMAP, submission and LMTP over Maildirs. It finds its programs and modules only where Debian puts them:
 * install.sh makes /usr/lib/dovecot and /usr/bin/doveconf links to what it has unpacked.
 */
import { join } from "node:path";
import { writeSettings } from "./dovecot-settings.js";
import { give } from "./launch.js";
import type { MailServer } from "./mail-server.js";
import { newKey, signToken } from "./mail-token.js";
import { makeMaildir, putIntoMaildir, readMaildir } from "./maildir.js";
import { inServers } from "./server.js";

const PROGRAM = inServers("dovecot/usr/sbin/dovecot");
const services = ["pop3-login", "imap-login", "submission-login", "lmtp"].map((name) => join("/usr/lib/dovecot", name));

export const dovecot: MailServer = {
  abilities: {
    mechanisms: [
      ...["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"],
      "ANONYMOUS",
    ],
    apop: true,
    capa: ["AUTH-RESP-CODE", "CAPA", "PIPELINING", "RESP-CODES", "TOP", "UIDL", "USER"],
    submission: true,
    oddNames: true,
    tokens: true,
    external: true,
  },
  takes: ["apop", "requireTls", "clientCertificate", "exclusive", "relay", "format", "extras"],
  strictHost: "127.0.0.2",
  files: [PROGRAM, "/usr/bin/doveconf", ...services],
  async prepare(setup) {
    const { work, home, owner, ports, options } = setup;
    const key = newKey();
    const settings = await writeSettings(setup, key);
    const maildir = (user: string) => {
      if (!Object.hasOwn(setup.users, user)) throw new Error(`there is no user ${user}`);
      return join(home, user);
    };
    await Promise.all(Object.keys(setup.users).map((user) => makeMaildir(maildir(user), owner)));
    give(home, owner);
    const tls = options.tls === "none" ? [] : [ports.pop3s, ports.imaps, ports.submissions];
    return {
      command: "/usr/bin/env",
      args: ["-i", "PATH=/usr/bin:/bin", PROGRAM, "-F", "-c", settings],
      logs: [join(work, "log")],
      listening: [ports.pop3, ports.imap, ports.submission, ports.lmtp, ...tls],
      token: (user, how) => signToken(key, user, how),
      deliver: async (user, ...messages) => putIntoMaildir(maildir(user), messages, owner),
      mailbox: async (user) => readMaildir(maildir(user)),
    };
  },
};
