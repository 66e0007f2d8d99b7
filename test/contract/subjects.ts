/** The five clients, and what each is asked in the contract; the same of servers in memory and of real ones. */
import type { CallOptions } from "../../src/client/session.js";
import { FtpClient } from "../../src/ftp/client.js";
import { ImapClient } from "../../src/imap/client.js";
import { NntpClient } from "../../src/nntp/client.js";
import { Pop3Client } from "../../src/pop3/client.js";
import { SmtpClient } from "../../src/smtp/client.js";
import type { Row, Shared } from "./row.js";

/** What every server of the contract holds. */
export const GROUP = "polywire.test";
export const ARTICLE_ID = "<contract@polywire.example>";
export const LARGE_ID = "<large@polywire.example>";
export const MESSAGE = Buffer.from(
  [
    "From: Alice <alice@polywire.example>",
    "To: Bob <bob@polywire.example>",
    "Date: Mon, 01 Jan 2024 00:00:00 +0000",
    `Message-ID: ${ARTICLE_ID}`,
    "Newsgroups: polywire.test",
    "Subject: contract",
    "",
    ".",
    "..two dots",
    "",
  ].join("\r\n"),
);
const LARGE = Buffer.alloc(1_000_000, `${"x".repeat(76)}\r\n`);
/** The second message of a mailbox, and the second file. */
export const LARGE_MESSAGE = Buffer.concat([MESSAGE, LARGE]);

const ALICE = "alice@polywire.example";
const BOB = "bob@polywire.example";
const REJECTED = "rejected@polywire.example";

const SOON = 100;
const nothing = () => Promise.resolve();
const share = (outcome: string, call: (options?: CallOptions) => Promise<unknown>): Shared => ({ outcome, call });

/** What a row has that does not depend on where the server is. */
type Speech = Omit<Row, "name" | "start">;

const ftp: Speech = {
  protocol: "ftp",
  loginOptional: false,
  harmless: "FEAT",
  sent: /^FEAT\r\n/m,
  bodiless: "FEAT",
  refused: ["XYZZY", "500"],
  notRaw: ["PASS secret", "login()"],
  upgrade: ["AUTH TLS", "234 go\r\n", "502 no\r\n"],
  sessions: 16,
  goodbye: "QUIT",
  // A transfer waits for the longer one of the two.
  transferTimeouts: { idle: SOON, command: SOON },
  steady: {},
  client(options) {
    const client = new FtpClient(options);
    return {
      client,
      prepare: nothing,
      shared: [
        share("ok", (call) => client.size("a.txt", call)),
        share("550", (call) => client.size("none.txt", call)),
        share("ok", (call) => client.mdtm("a.txt", call)),
        share("550", (call) => client.cwd("nowhere", call)),
        share("ok", (call) => client.pwd(call)),
      ],
      work: [
        () => client.pwd(),
        () => client.stat(),
        () => client.rename("a.txt", "b.txt"),
        () => client.size("b.txt"),
        () => client.rename("b.txt", "a.txt"),
      ],
      transfer: (begun) => client.retr("large.bin", { to: begun }),
    };
  },
};

const nntp: Speech = {
  protocol: "nntp",
  loginOptional: true,
  harmless: "DATE",
  sent: /^DATE\r\n/m,
  bodiless: "DATE",
  refused: ["XYZZY", "500"],
  notRaw: ["AUTHINFO USER x", "login()"],
  upgrade: ["STARTTLS", "382 go\r\n", "580 no\r\n"],
  sessions: 16,
  goodbye: "QUIT",
  transferTimeouts: { command: SOON },
  steady: { mechanisms: ["PLAIN"] },
  client(options) {
    const client = new NntpClient({ compress: false, ...options });
    return {
      client,
      prepare: () => client.group(GROUP),
      shared: [
        share("ok", (call) => client.stat(ARTICLE_ID, call)),
        share("430", (call) => client.stat("<none@polywire.example>", call)),
        share("ok", (call) => client.head(1, call)),
        share("423", (call) => client.stat(99, call)),
        share("ok", (call) => client.article(1, call)),
      ],
      work: [
        () => client.group(GROUP),
        () => client.over("1-1").toArray(),
        () => client.article(1),
        () => client.list("ACTIVE").toArray(),
      ],
      transfer: async () => {
        await client.group(GROUP);
        return client.article(2);
      },
    };
  },
};

const smtp: Speech = {
  protocol: "smtp",
  loginOptional: true,
  harmless: "NOOP",
  sent: /^NOOP\r\n/m,
  bodiless: "NOOP",
  refused: ["XYZZY", "50"],
  notRaw: ["AUTH PLAIN x", "login()"],
  upgrade: ["STARTTLS", "220 go\r\n", "454 no\r\n"],
  sessions: 16,
  goodbye: "QUIT",
  transferTimeouts: { idle: SOON },
  steady: { mechanisms: ["PLAIN"] },
  client(options) {
    const { command } = options.timeouts ?? {};
    const client = new SmtpClient({ name: "client.example.org", acceptTimeout: command, ...options });
    const envelope = { from: ALICE, to: BOB };
    return {
      client,
      prepare: () => client.mail(ALICE),
      shared: [
        share("ok", (call) => client.rcpt(ALICE, {}, call)),
        share("550", (call) => client.rcpt(REJECTED, {}, call)),
        share("ok", (call) => client.rcpt(BOB, {}, call)),
        share("550", (call) => client.rcpt(REJECTED, {}, call)),
      ],
      work: [
        () => client.send({ envelope, raw: MESSAGE }),
        () => client.noop(),
        () => client.mail(ALICE),
        () => client.rcpt(BOB),
        () => client.data(MESSAGE),
      ],
      transfer: async () => {
        await client.mail(ALICE);
        await client.rcpt(BOB);
        // More than the system takes for us.
        return client.data(Buffer.concat([MESSAGE, ...Array<Buffer>(20).fill(LARGE)]));
      },
    };
  },
};

const pop3: Speech = {
  protocol: "pop3",
  loginOptional: false,
  harmless: "CAPA",
  sent: /^CAPA\r\n/m,
  bodiless: "STAT",
  refused: ["XYZZY", "-ERR"],
  notRaw: ["PASS secret", "login()"],
  upgrade: ["STLS", "+OK go\r\n", "-ERR no\r\n"],
  // A maildrop is locked (RFC 1939 §4).
  sessions: 1,
  goodbye: "QUIT",
  transferTimeouts: { command: SOON },
  steady: { mechanisms: ["PLAIN"] },
  client(options) {
    const client = new Pop3Client(options);
    return {
      client,
      prepare: nothing,
      shared: [
        share("ok", (call) => client.list(1, call)),
        share("-ERR", (call) => client.list(99, call)),
        share("ok", (call) => client.retr(1, call)),
        share("-ERR", (call) => client.uidl(99, call)),
        share("ok", (call) => client.stat(call)),
      ],
      work: [
        () => client.stat(),
        () => client.list().toArray(),
        () => client.uidl().toArray(),
        () => client.retr(1),
        () => client.top(1, 0),
      ],
      transfer: () => client.retr(2),
    };
  },
};

const imap: Speech = {
  protocol: "imap",
  loginOptional: false,
  harmless: "NOOP",
  sent: /^A\d+ NOOP\r\n/m,
  bodiless: "NOOP",
  refused: ["XYZZY", "BAD"],
  notRaw: ["LOGIN a b", "login()"],
  upgrade: ["STARTTLS", "A1 OK go\r\n", "A1 NO no\r\n"],
  sessions: 16,
  goodbye: "LOGOUT",
  transferTimeouts: { command: SOON },
  steady: { mechanisms: ["PLAIN"] },
  client(options) {
    const client = new ImapClient({ compress: false, ...options });
    const body = "BODY.PEEK[]";
    return {
      client,
      prepare: nothing,
      shared: [
        share("ok", (call) => client.status("INBOX", ["MESSAGES"], call)),
        share("NO", (call) => client.status("nowhere", ["MESSAGES"], call)),
        share("ok", (call) => client.noop(call)),
        share("NO", (call) => client.status("elsewhere", ["MESSAGES"], call)),
        share("ok", (call) => client.capability(call)),
      ],
      work: [
        () => client.select("INBOX"),
        () => client.search({ all: true }),
        () => client.fetch("1", ["UID", "FLAGS", body], { by: "number" }).toArray(),
        () => client.list(),
      ],
      transfer: async () => {
        await client.select("INBOX");
        return client.fetch("2", [body], { by: "number" }).toArray();
      },
    };
  },
};

export const SPEECH = { ftp, nntp, smtp, pop3, imap } as const;
