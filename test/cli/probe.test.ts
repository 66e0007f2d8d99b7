/** polywire probe and demo as processes; the rules of the verdict and the guess of the software as functions. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Facts } from "../../src/cli/probe/facts.js";
import { judge } from "../../src/cli/probe/findings.js";
import { NOTHING } from "../../src/cli/probe/look.js";
import { guessSoftware } from "../../src/cli/probe/software.js";
import { FtpServer, ImapServer, NntpServer, Pop3Server, SmtpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, testTls, USERS, urlOf } from "./polywire.js";

afterAll(cleanUp);
const ca = join(folder, "ca.pem");
writeFileSync(ca, testTls.ca);

describe.concurrent("probe", () => {
  test("a good server, logged in", async () => {
    await using server = await FtpServer.start({ ...USERS, tls: "explicit", files: { "/a": "a" } });
    const { code, stdout } = await polywire(["probe", urlOf(server), "--ca", ca], PLAIN);
    expect(code).toBe(0);
    expect(stdout).toMatch(/TLS +TLSv1\.3, TLS_/);
    expect(stdout).toMatch(/certificate +localhost.*issued by polywire test CA/);
    expect(stdout).toMatch(/names +localhost, 127\.0\.0\.1/);
    expect(stdout).toContain("✓ logged in as alice");
    expect(stdout).toContain("✓ data connections work: 1 entries in /");
    expect(stdout).not.toContain("✗");
  });

  test("an expired certificate: the page, no login, exit code 76", async () => {
    await using server = await FtpServer.start({ ...USERS, tls: "implicit", certificate: testTls.expired });
    const { code, stdout } = await polywire(["probe", "--json", urlOf(server), "--ca", ca], PLAIN);
    expect(code).toBe(76);
    const page = JSON.parse(stdout);
    expect(page).toMatchObject({ security: "tls", tls: { validUntil: "2021-01-01", selfSigned: false } });
    expect(page.tls.daysLeft).toBeLessThan(0);
    expect(page.findings).toContainEqual(expect.objectContaining({ mark: "✗" }));
    expect(server.commands.filter((line) => /^(USER|PASS)/.test(line))).toEqual([]);
  });

  test("an old server without TLS: the dangers, no login", async () => {
    const features = { mlsd: false, rest: false, mfmt: false, mff: false, site: false, hash: false, size: false };
    await using server = await FtpServer.start({ ...USERS, features, greeting: "ProFTPD 1.3.5 Server" });
    const { code, stdout } = await polywire(["probe", urlOf(server)], PLAIN);
    expect(code).toBe(76);
    for (const says of ["✗ plain text", "! no MLSD", "! no REST STREAM", "! no MFMT", "! no HASH", "! no SIZE"]) {
      expect(stdout).toContain(says);
    }
    expect(stdout).toMatch(/software +ProFTPD 1\.3\.5/);
    expect(stdout).toContain("answers a command sent during a transfer early");
    expect(server.commands.filter((line) => /^(USER|PASS)/.test(line))).toEqual([]);
  });

  test("a refused login and a blocked data connection", async () => {
    await using server = await FtpServer.start({ ...USERS, faults: { refuseData: true } });
    const refused = await polywire(["probe", "--plain", urlOf(server)], { env: { POLYWIRE_PASSWORD: "wrong" } });
    expect(refused).toMatchObject({ code: 77, stdout: expect.stringContaining("✗ the login was refused") });
    const { stdout } = await polywire(["probe", "--plain", urlOf(server)], PLAIN);
    expect(stdout).toMatch(/✗ no listing: .*425.*\n.*--active/);
  });

  const mailUrl = (url: string) => url.replace(`:${PASSWORD}`, "").replace(/\?.*/, "");

  test("a POP3 server: features, logins, how much mail there is", async () => {
    const users = { alice: { password: PASSWORD, messages: ["Subject: x\n\nhi\n"] } };
    await using server = await Pop3Server.start({ users, tls: "starttls" });
    const { code, stdout } = await polywire(["probe", mailUrl(server.urlOf()), "--ca", ca], PLAIN);
    expect(stdout).toContain(", STLS\n");
    for (const says of ["✓ encrypted with TLSv1.3", "✓ logged in as alice", "✓ 1 message, ", "✓ UIDL", "✓ logins: "]) {
      expect(stdout).toContain(says);
    }
    expect(stdout).not.toContain("✗");
    expect(code).toBe(0);
    const refused = await polywire(["probe", mailUrl(server.urlOf()), "--ca", ca], {
      env: { POLYWIRE_PASSWORD: "wrong" },
    });
    expect(refused).toMatchObject({ code: 77, stdout: expect.stringContaining("✗ the login was refused") });
  });

  test("an IMAP server: features, logins, how much mail its mailboxes have, and nothing selected", async () => {
    const mailboxes = { INBOX: { generate: 3 }, Archive: { generate: 1200 } };
    const users = { alice: { password: PASSWORD, mailboxes } };
    await using server = await ImapServer.start({ users, tls: "starttls", id: { name: "Crane", version: "3.1" } });
    const url = mailUrl(server.urlOf());
    const { code, stdout } = await polywire(["probe", url, "--ca", ca], PLAIN);
    expect(stdout).toContain(", STARTTLS\n");
    expect(stdout).toMatch(/system +Crane 3\.1/);
    expect(stdout).toMatch(/✓ INBOX: 3 messages, 3 of them unread, [\d.]+ \S+/);
    for (const says of ["✓ encrypted with TLSv1.3", "✓ logged in as alice", "✓ IDLE: ", "✓ QRESYNC: ", "✓ logins: "]) {
      expect(stdout).toContain(says);
    }
    expect(stdout).not.toContain("✗");
    expect(code).toBe(0);
    const archive = await polywire(["probe", "--json", `${url}/Archive`, "--ca", ca], PLAIN);
    expect(JSON.parse(archive.stdout)).toMatchObject({
      protocol: "imap",
      mailbox: { name: "Archive", messages: 1200 },
    });
    expect((await polywire(["probe", `${url}/None`, "--ca", ca], PLAIN)).stdout).toMatch(/✗ .*no such mailbox/);
    expect(server.commands.filter((line) => /SELECT|EXAMINE/i.test(line))).toEqual([]);
    const refused = await polywire(["probe", url, "--ca", ca], { env: { POLYWIRE_PASSWORD: "wrong" } });
    expect(refused).toMatchObject({ code: 77, stdout: expect.stringContaining("✗ the login was refused") });
  });

  test("an old IMAP server: what is missing, and its dangers", async () => {
    const features = { imap4rev2: false, idle: false, uidplus: false, move: false, qresync: false, statusSize: false };
    const users = { alice: { password: PASSWORD, mailboxes: { INBOX: { generate: 1 } } } };
    await using server = await ImapServer.start({ users, features: { ...features, id: false, literal: "none" } });
    const { code, stdout } = await polywire(["probe", mailUrl(server.urlOf()), "--plain"], PLAIN);
    for (const says of ["✗ plain text", "! no IDLE", "! no UIDPLUS", "! no MOVE", "! no QRESYNC", "! no LITERAL+"]) {
      expect(stdout).toContain(says);
    }
    expect(stdout).toContain("✓ INBOX: 1 message, 1 of them unread\n");
    expect(stdout).toContain("passwords are taken in the clear");
    expect(code).toBe(0);
    expect((await polywire(["probe", mailUrl(server.urlOf())], PLAIN)).code).toBe(76);
  });

  test("an SMTP server: extensions, logins; without TLS its dangers, and no login", async () => {
    const users = { alice: PASSWORD };
    await using server = await SmtpServer.start({ users, tls: "implicit" });
    const safe = await polywire(["probe", "--json", mailUrl(server.urlOf()), "--ca", ca], PLAIN);
    const page = JSON.parse(safe.stdout);
    expect(page).toMatchObject({ protocol: "smtp", security: "tls", user: "alice", features: { PIPELINING: "" } });
    expect(page.findings.map(({ says }: { says: string }) => says)).toContainEqual(
      expect.stringMatching(/^CHUNKING: /),
    );
    expect(safe.code).toBe(0);
    await using old = await SmtpServer.start({ users });
    const { code, stdout } = await polywire(["probe", mailUrl(old.urlOf())], PLAIN);
    expect(stdout).toContain("✗ plain text: passwords and mail can be read");
    expect(stdout).toContain("passwords are taken in the clear");
    expect(old.commands.filter((line) => line.startsWith("AUTH"))).toEqual([]);
    expect(code).toBe(76);
  });

  test("an NNTP server, and a newsgroup that is not there", async () => {
    await using server = await NntpServer.start({
      groups: { "misc.test": { generate: 10 } },
      users: { alice: PASSWORD },
    });
    const url = mailUrl(server.urlOf()).replace("//127", "//alice@127");
    const { code, stdout } = await polywire(["probe", `${url}/misc.test`, "--plain"], PLAIN);
    expect(stdout).toContain("✓ misc.test: 10 articles");
    expect(code).toBe(0);
    expect((await polywire(["probe", `${url}/no.such`, "--plain"], PLAIN)).stdout).toMatch(/✗ .*no\.such|✗ .*411/);
  });

  test("nothing there is an error as everywhere: 69", async () => {
    expect((await polywire(["probe", "ftp://127.0.0.1:1/"])).code).toBe(69);
  });
});

test("demo: moves 2,000 files, fetches 50,000 headers, sends 500 letters, reads and fetches them, and proves it all", {
  timeout: 60_000,
}, async () => {
  const { code, stdout, stderr } = await polywire(["demo"]);
  expect(stderr).toMatch(/^((moving|listing|fetching): .*\n)*$/);
  expect(stdout).toContain("✓ 50,000 headers fetched");
  expect(stdout).toContain("each article is in the file, and once");
  expect(stdout).toContain("polywire headers nntps://");
  expect(stdout).toMatch(/✓ 500 letters sent.*IMAP told of all of them as they came/);
  expect(stdout).toMatch(/✓ 500 envelopes listed.*one found by its subject, read, and flagged/);
  expect(stdout).toContain("✓ 500 letters fetched by POP3");
  expect(stdout).toContain("✓ each is in the Maildir, and once");
  expect(stdout).toContain("polywire mail pop3s://");
  expect(stdout).toContain("polywire watch imaps://");
  expect(stdout).toContain("✓ the mailbox is empty, as IMAP tells as well");
  expect(stdout).toContain("✓ 2,000 files moved");
  expect(stdout).toContain("byte for byte");
  expect(stdout).toMatch(/polywire move ftp:\/\/\S+ ftp:\/\/\S+ \\\n {4}--match/);
  expect(code).toBe(0);
});

describe("what a server is", () => {
  test.each([
    ["(vsFTPd 3.0.5)", "vsftpd", "3.0.5"],
    ["---------- Welcome to Pure-FTPd [privsep] [TLS] ----------", "Pure-FTPd", undefined],
    ["ProFTPD 1.3.8b Server (Debian) [::ffff:10.0.0.1]", "ProFTPD", "1.3.8b"],
    ["-FileZilla Server 1.8.2", "FileZilla Server", "1.8.2"],
    ["Microsoft FTP Service", "Microsoft IIS", undefined],
    ["pyftpdlib 2.0.1 ready.", "pyftpdlib", "2.0.1"],
    ["files.example.org FTP server (GNU inetutils 2.4) ready.", "GNU inetutils", "2.4"],
  ])("%s", (greeting, name, version) => {
    const found = guessSoftware("ftp", greeting);
    expect([found?.name, found?.version]).toEqual([name, version]);
  });

  test.each([
    ["Dovecot (Debian) ready.", undefined, "Dovecot", undefined],
    ["mail.example.org Cyrus IMAP 3.6.1-Debian server ready", undefined, "Cyrus", "3.6.1"],
    ["Gimap ready for requests from 192.0.2.1 a1mb1", undefined, "Gmail", undefined],
    ["The Microsoft Exchange IMAP4 service is ready.", undefined, "Microsoft Exchange", undefined],
    ["ready", "Cyrus IMAPD 3.8.4", "Cyrus", "3.8.4"],
  ])("of mail: %s, ID %s", (greeting, id, name, version) => {
    const found = guessSoftware("imap", greeting, id);
    expect([found?.name, found?.version]).toEqual([name, version]);
  });

  test("a greeting that says nothing leaves it to SYST", () => {
    expect(guessSoftware("ftp", "Welcome", "Windows_NT")?.name).toBe("Microsoft IIS");
    expect(guessSoftware("ftp", "Welcome", "UNIX Type: L8")).toBeUndefined();
  });
});

describe("what it means", () => {
  const tls = { version: "TLSv1.3", cipher: "x", subject: "a", issuer: "b", names: ["a"], validFrom: "2026-01-01" };
  const good = { ...tls, validUntil: "2027-01-01", daysLeft: 300, selfSigned: false, untrusted: undefined };
  const facts = (more: Partial<Facts> = {}): Facts => ({
    protocol: "ftp",
    server: "h:21",
    asked: "starttls",
    security: "starttls",
    milliseconds: 1,
    greeting: "hi",
    software: undefined,
    system: undefined,
    tls: good,
    features: {},
    setsTime: true,
    user: undefined,
    loginRefused: undefined,
    ...NOTHING,
    ...more,
  });
  const says = (given: Facts) => judge(given).map(({ mark, says }) => `${mark} ${says}`);

  test.each<[string, Partial<Facts>, string]>([
    ["an old TLS", { tls: { ...good, version: "TLSv1.1" } }, "✗ TLSv1.1 is broken"],
    [
      "a certificate about to end",
      { tls: { ...good, daysLeft: 9 } },
      "! the certificate ends in 9 days, on 2027-01-01",
    ],
    ["a self-signed one", { tls: { ...good, selfSigned: true } }, "! the certificate is self-signed"],
    [
      "plain, though TLS is there",
      { asked: "plain", security: "plain", features: { AUTH: "SSL;TLS" } },
      "! the server offers AUTH TLS",
    ],
    ["no features", {}, "! the server told no features"],
  ])("%s", (_, more, line) => {
    expect(says(facts(more))).toContain(line);
  });
});
