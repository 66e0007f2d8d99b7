/** The servers in memory for the contract: one for plain and STARTTLS, one with TLS from the first byte. */
import { FtpServer } from "../../src/testing/ftp-server.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { NntpServer } from "../../src/testing/nntp-server.js";
import { Pop3Server } from "../../src/testing/pop3-server.js";
import { SmtpServer } from "../../src/testing/smtp-server.js";
import { type CertifiedKey, testTls } from "../../src/testing/tls.js";
import type { Certificate, Place, Row } from "./row.js";
import { ARTICLE_ID, GROUP, LARGE_ID, LARGE_MESSAGE, MESSAGE, SPEECH } from "./subjects.js";

const USER = "alice";
const PASSWORD = "s3cret w0rd";

interface Server {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

interface Wanted {
  readonly certificate: CertifiedKey;
  readonly tls: "starttls" | "implicit";
}

/** A place of two servers. */
async function place(certificate: Certificate, start: (wanted: Wanted) => Promise<Server>): Promise<Place> {
  const upgraded = await start({ certificate: testTls[certificate], tls: "starttls" });
  const implicit = await start({ certificate: testTls[certificate], tls: "implicit" });
  return {
    host: upgraded.host,
    ports: { plain: upgraded.port, starttls: upgraded.port, tls: implicit.port },
    ca: testTls.ca,
    user: USER,
    password: PASSWORD,
    async stop() {
      await Promise.all([upgraded.close(), implicit.close()]);
    },
  };
}

// Servers that can do little more than the checks need: each byte of what they say is a place to die at.
const FTP = { mlsd: false, mfmt: false, mff: false, hash: false, tvfs: false, utf8: false };
const NNTP = { lists: ["ACTIVE", "OVERVIEW.FMT"], streaming: false, newnews: false, hdr: false };
const SMTP = { dsn: false, binaryMime: false, futureRelease: false, mtPriority: false, deliverBy: false } as const;
const IMAP = /^(IMAP4rev1|AUTH=(PLAIN|SCRAM-SHA-256)|SASL-IR|ESEARCH|STARTTLS)$/;

const users = { [USER]: PASSWORD };
const messages = [MESSAGE, LARGE_MESSAGE];
const files = { "/a.txt": "hello", "/large.bin": LARGE_MESSAGE };
const large = LARGE_MESSAGE.toString("latin1").replace(ARTICLE_ID, LARGE_ID);
const articles = [MESSAGE.toString("latin1"), large];

/** The five protocols, each on its server in memory. */
export const MEMORY: readonly Row[] = [
  {
    ...SPEECH.ftp,
    name: "ftp, in memory",
    start: (certificate) =>
      place(certificate, ({ tls, ...rest }) => {
        const faults = { stallDataAt: 1000, dataFaultsOn: "RETR" };
        const explicit = tls === "starttls" ? "explicit" : tls;
        return FtpServer.start({ users, files, features: FTP, faults, tls: explicit, ...rest });
      }),
  },
  {
    ...SPEECH.nntp,
    name: "nntp, in memory",
    start: (certificate) =>
      place(certificate, (wanted) =>
        NntpServer.start({
          users,
          requireLogin: "never",
          features: NNTP,
          groups: { [GROUP]: { articles } },
          ...wanted,
        }),
      ),
  },
  {
    ...SPEECH.smtp,
    name: "smtp, in memory",
    start: (certificate) =>
      place(certificate, (wanted) =>
        SmtpServer.start({
          users,
          features: SMTP,
          reject: { "rejected@polywire.example": "550 5.7.1 not wanted here" },
          ...wanted,
        }),
      ),
  },
  {
    ...SPEECH.pop3,
    name: "pop3, in memory",
    start: (certificate) =>
      place(certificate, (wanted) =>
        Pop3Server.start({ users: { [USER]: { password: PASSWORD, messages } }, ...wanted }),
      ),
  },
  {
    ...SPEECH.imap,
    name: "imap, in memory",
    start: (certificate) =>
      place(certificate, (wanted) =>
        ImapServer.start({
          capabilities: (words) => words.filter((word) => IMAP.test(word)),
          users: { [USER]: { password: PASSWORD, mailboxes: { INBOX: messages } } },
          ...wanted,
        }),
      ),
  },
];
