/** The real servers for the contract: vsftpd, INN, Postfix, and Dovecot for POP3 and IMAP. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { NntpClient } from "../../src/nntp/client.js";
import type { LiveKind } from "../live/available.js";
import { certificates } from "../live/servers/certs.js";
import { start as startFtp } from "../live/servers/ftp.js";
import { startMail } from "../live/servers/mail.js";
import { startMta } from "../live/servers/mta.js";
import { type LiveNews, startNews } from "../live/servers/news.js";
import type { Certificate, Place, Row } from "./row.js";
import { ARTICLE_ID, LARGE_ID, LARGE_MESSAGE, MESSAGE, SPEECH } from "./subjects.js";

const USER = "alice";

async function vsftpd(name: Certificate): Promise<Place> {
  const { ca, [name]: certificate } = await certificates();
  const upgraded = await startFtp("vsftpd", { tls: "explicit", certificate });
  const implicit = await startFtp("vsftpd", { tls: "implicit", certificate });
  const { host, port, home, user, password } = upgraded;
  writeFileSync(join(home, "a.txt"), "hello");
  writeFileSync(join(home, "large.bin"), LARGE_MESSAGE);
  upgraded.handOver();
  return {
    ...{ host, ca, user, password },
    ports: { plain: port, starttls: port, tls: implicit.port },
    stall: () => upgraded.signal("SIGSTOP"),
    goOn: () => upgraded.signal("SIGCONT"),
    stop: async () => void (await Promise.all([upgraded.stop(), implicit.stop()])),
  };
}

async function inn(name: Certificate): Promise<Place> {
  const { ca, [name]: certificate } = await certificates();
  const upgraded = await startNews("inn", { tls: "starttls", certificate, nodelay: true });
  const implicit = await startNews("inn", { tls: "implicit", certificate, nodelay: true });
  const { host, port, user, password } = upgraded;
  await post(upgraded);
  return {
    ...{ host, ca, user, password },
    ports: { plain: port, starttls: port, tls: implicit.port },
    stop: async () => void (await Promise.all([upgraded.stop(), implicit.stop()])),
  };
}

/** Its two articles. */
async function post({ host, port, user, password }: LiveNews): Promise<void> {
  await using nntp = new NntpClient({ host, port, security: "plain", credentials: { user, password } });
  await nntp.connect();
  await nntp.login();
  await nntp.post(MESSAGE);
  await nntp.post(Buffer.from(LARGE_MESSAGE.toString("latin1").replace(ARTICLE_ID, LARGE_ID), "latin1"));
}

async function postfix(name: Certificate): Promise<Place> {
  const { [name]: certificate } = await certificates();
  const { host, ports, ca, users, stop } = await startMta("postfix", { certificate });
  const { submission, smtps } = ports;
  const password = users[USER] as string;
  return { host, ca, user: USER, password, ports: { plain: submission, starttls: submission, tls: smtps }, stop };
}

/** Dovecot, as a server of POP3 or of IMAP. */
const dovecot =
  (clear: "pop3" | "imap") =>
  async (name: Certificate): Promise<Place> => {
    const { [name]: certificate } = await certificates();
    const { host, ports, ca, users, deliver, stop } = await startMail("dovecot", { certificate });
    await deliver(USER, MESSAGE, LARGE_MESSAGE);
    const password = users[USER] as string;
    return {
      ...{ host, ca, user: USER, password, stop },
      ports: { plain: ports[clear], starttls: ports[clear], tls: ports[`${clear}s`] },
    };
  };

/** The five protocols, each on a real server. */
export const LIVE: readonly (Row & { readonly kind: LiveKind })[] = [
  { ...SPEECH.ftp, name: "ftp, vsftpd", kind: "vsftpd", start: vsftpd },
  { ...SPEECH.nntp, name: "nntp, INN", kind: "inn", start: inn },
  { ...SPEECH.smtp, name: "smtp, Postfix", kind: "postfix", start: postfix },
  { ...SPEECH.pop3, name: "pop3, Dovecot", kind: "dovecot", start: dovecot("pop3") },
  { ...SPEECH.imap, name: "imap, Dovecot", kind: "dovecot", start: dovecot("imap") },
];
