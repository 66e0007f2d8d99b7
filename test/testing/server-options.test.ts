/** The options that all servers in memory share: what is undefined keeps its default. */
import { expect, test } from "vitest";
import { FtpServer, ImapServer, NntpServer, Pop3Server, SmtpServer } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

/** As a program writes it that takes its own options and hands them on. */
const UNSAID = {
  ...{
    host: undefined,
    port: undefined,
    tls: undefined,
    certificate: undefined,
    greeting: undefined,
    users: undefined,
  },
  ...{ features: undefined, limits: undefined, faults: undefined, disabled: undefined, logLimit: undefined },
  onCommand: undefined,
};
const SASL = { clientCa: undefined, mechanisms: undefined, iterations: undefined, hostname: undefined };

const SERVERS = {
  ftp: () => FtpServer.start({ ...UNSAID, features: { feat: undefined }, limits: { maxClients: undefined } }),
  nntp: () =>
    NntpServer.start({
      ...{ ...UNSAID, ...SASL, users: { alice: "secret" }, requireLogin: "never" },
      ...{ features: { date: undefined }, limits: { connections: undefined } },
      groups: { "alt.test": { generate: 3, low: undefined, seed: undefined, begins: undefined } },
    }),
  smtp: () =>
    SmtpServer.start({
      ...{ ...UNSAID, ...SASL, users: { alice: "secret" } },
      ...{ features: { pipelining: undefined }, limits: { connections: undefined, messages: undefined } },
    }),
  pop3: () =>
    Pop3Server.start({
      ...{ ...UNSAID, ...SASL },
      ...{ features: { early: undefined, capa: undefined }, limits: { connections: undefined, loginDelay: undefined } },
    }),
  imap: () =>
    ImapServer.start({
      ...{ ...UNSAID, ...SASL },
      ...{ features: { login: undefined, literal: undefined }, limits: { connections: undefined, literal: undefined } },
    }),
};

const DIALOGUES: Record<keyof typeof SERVERS, string> = {
  ftp: "S: 220 polywire test server ready\nC: FEAT\nS: 211-…",
  nntp: "S: 200 polywire test server ready\nC: DATE\nS: 111 …\nC: GROUP alt.test\nS: 211 3 1 3 alt.test",
  smtp: "S: 220 mail.example ESMTP polywire test server ready\nC: EHLO me\nS: 250-mail.example …\nS: 250-PIPELINING",
  pop3: "S: +OK polywire test server ready …\nC: CAPA\nS: +OK …",
  imap: "S: * OK [CAPABILITY …\nC: a LOGIN test test\nS: a OK …",
};

test.each(Object.entries(DIALOGUES))("%s: what is undefined keeps its default", async (protocol, dialogue) => {
  await using server = await SERVERS[protocol as keyof typeof SERVERS]();
  expect(server.host).toBe("127.0.0.1");
  const raw = await RawLines.open(server.port).play(dialogue);
  raw.close();
});
