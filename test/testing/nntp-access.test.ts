/** Logins and TLS of the in-memory NNTP server, as dialogues. */
import { expect, test } from "vitest";
import { NntpServer, type NntpServerOptions, testTls } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";
import { ScramWords } from "./sasl-words.js";

const groups = { "comp.test": { articles: [{ subject: "one" }] } };
const users = { alice: "secret", bjørn: "pass wörd" };
const base64 = (text: string) => Buffer.from(text).toString("base64");

async function start(options: NntpServerOptions) {
  const server = await NntpServer.start({ groups, ...options });
  const raw = RawLines.open(server.port, options.tls === "implicit" ? {} : undefined);
  await raw.play("S: 200 …");
  return { server, raw, [Symbol.asyncDispose]: () => server.close() };
}

test("AUTHINFO USER and PASS: 381, 281, 481, 482, and 502 when logged in", async () => {
  await using all = await start({ users });
  await all.raw.play(`
    C: GROUP comp.test
    S: 480 Authentication required
    C: DATE
    S: 480 Authentication required
    C: AUTHINFO PASS secret
    S: 482 AUTHINFO USER comes first
    C: AUTHINFO USER alice
    S: 381 Password required
    C: AUTHINFO PASS wrong
    S: 481 Authentication failed
    C: AUTHINFO PASS secret
    S: 482 AUTHINFO USER comes first
    C: AUTHINFO USER nobody
    S: 381 Password required
    C: AUTHINFO PASS secret
    S: 481 Authentication failed
    C: authinfo user alice
    S: 381 Password required
    C: authinfo pass secret
    S: 281 Authentication accepted
    C: GROUP comp.test
    S: 211 1 1 1 comp.test
    C: AUTHINFO USER alice
    S: 502 Already logged in
  `);
  expect(all.server.url).toBe(`nntp://alice:secret@127.0.0.1:${all.server.port}`);
});

test("names and passwords beyond ASCII, with blanks", async () => {
  await using all = await start({ users });
  all.raw.write(Buffer.from("AUTHINFO USER bjørn\r\nAUTHINFO PASS pass wörd\r\n").toString("latin1"));
  await all.raw.play("S: 381 …\nS: 281 …");
});

test("AUTHINFO SASL PLAIN: with an initial response, with 383, cancelled, refused", async () => {
  await using all = await start({ users });
  await all.raw.play(`
    C: AUTHINFO SASL PLAIN
    S: 383 =
    C: *
    S: 481 Cancelled
    C: AUTHINFO SASL PLAIN ${base64("\0alice\0wrong")}
    S: 481 Authentication failed
    C: AUTHINFO SASL PLAIN ${base64("alice")}
    S: 481 Authentication failed
    C: AUTHINFO SASL PLAIN ?
    S: 504 Not base64
    C: AUTHINFO SASL CRAM-MD5
    S: 503 Mechanism CRAM-MD5 is not supported
    C: AUTHINFO SASL PLAIN
    S: 383 =
    C: ${base64("\0bjørn\0pass wörd")}
    S: 281 Authentication accepted
  `);
  await using other = await start({ users });
  await other.raw.play(`C: AUTHINFO SASL PLAIN ${base64("\0alice\0secret")}\nS: 281 …`);
});

test("SASL mechanisms as option: what SCRAM says last comes with 283", async () => {
  await using all = await start({ users, mechanisms: ["SCRAM-SHA-256", "EXTERNAL", "PLAIN"], iterations: 64 });
  expect(await all.raw.list("CAPABILITIES")).toContain("SASL SCRAM-SHA-256 PLAIN");
  const words = new ScramWords("sha256", "alice");
  const challenge = await all.raw.ask(`AUTHINFO SASL SCRAM-SHA-256 ${words.first}`);
  const last = await all.raw.ask(words.final("alice", "secret", challenge.replace("383 ", "")));
  expect(last).toMatch(/^283 /);
  expect(words.proves(last.slice(4))).toBe(true);
});

test("SASL EXTERNAL: who the client's certificate names", async () => {
  await using all = await start({ users, tls: "starttls", mechanisms: ["EXTERNAL"], clientCa: testTls.ca });
  await all.raw.play("C: STARTTLS\nS: 382 …");
  await all.raw.startTls({ ...testTls.client });
  await all.raw.play("C: AUTHINFO SASL EXTERNAL =\nS: 281 …");
});

test("what is announced changes with the login", async () => {
  await using all = await start({ users });
  const before = await all.raw.list("CAPABILITIES");
  expect(before).toEqual(expect.arrayContaining(["READER", "AUTHINFO USER SASL", "SASL PLAIN"]));
  await all.raw.play("C: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 381 …\nS: 281 …");
  expect((await all.raw.list("CAPABILITIES")).filter((line) => /AUTHINFO|SASL/.test(line))).toEqual([]);
});

test("announceBeforeLogin: false hides what a login is needed for, as Cyrus does", async () => {
  await using all = await start({ users, features: { announceBeforeLogin: false } });
  const before = await all.raw.list("CAPABILITIES");
  expect(before.filter((line) => /READER|OVER|HDR|LIST|POST/.test(line))).toEqual([]);
  await all.raw.play("C: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 381 …\nS: 281 …");
  expect(await all.raw.list("CAPABILITIES")).toContain("READER");
});

test("requireLogin: reading, posting, never", async () => {
  await using reading = await start({ users, requireLogin: "reading" });
  await reading.raw.play("C: GROUP comp.test\nS: 480 …\nC: DATE\nS: 111 …\nC: POST\nS: 340 …");
  await using posting = await start({ users, requireLogin: "posting" });
  await posting.raw.play(`
    C: GROUP comp.test
    S: 211 …
    C: POST
    S: 480 Authentication required
    C: TAKETHIS <a@b>
    C: From: a@b
    C: 
    C: .
    S: 480 Authentication required
    C: DATE
    S: 111 …
  `);
  await using never = await start({ users, requireLogin: "never" });
  await never.raw.play("C: GROUP comp.test\nS: 211 …");
});

test("a server without users knows no AUTHINFO; one without SASL or USER refuses it", async () => {
  await using none = await start({});
  await none.raw.play("C: AUTHINFO USER alice\nS: 500 …");
  await using sasl = await start({ users, features: { authUser: false } });
  await sasl.raw.play("C: AUTHINFO USER alice\nS: 501 AUTHINFO USER is unknown");
  expect(await sasl.raw.list("CAPABILITIES")).toContain("AUTHINFO SASL");
  await using user = await start({ users, features: { authSasl: false } });
  await user.raw.play("C: AUTHINFO SASL PLAIN\nS: 501 AUTHINFO SASL is unknown");
});

test.each(["TLSv1.2", "TLSv1.3"] as const)("STARTTLS: %s", async (version) => {
  await using all = await start({ tls: "starttls" });
  expect(await all.raw.list("CAPABILITIES")).toContain("STARTTLS");
  await all.raw.play("C: GROUP comp.test\nS: 211 …\nC: STARTTLS\nS: 382 Begin TLS negotiation now");
  expect((await all.raw.startTls({ maxVersion: version })).getProtocol()).toBe(version);
  await all.raw.play("C: STAT\nS: 412 …\nC: STARTTLS\nS: 502 TLS is active already");
  expect(await all.raw.list("CAPABILITIES")).not.toContain("STARTTLS");
  await all.raw.play("C: QUIT\nS: 205 Bye!\nS: ");
});

test("what came in plain text behind STARTTLS is never done", async () => {
  await using all = await start({ tls: "starttls", users });
  await all.raw.play("C: STARTTLS\nC: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 382 …");
  await all.raw.startTls();
  await all.raw.play("C: GROUP comp.test\nS: 480 …");
  expect(all.server.commands).toEqual(["STARTTLS", "GROUP comp.test"]);
});

test("a reply to STARTTLS can be lost", async () => {
  await using server = await NntpServer.start({ tls: "starttls", faults: { loseReply: { command: "STARTTLS" } } });
  await RawLines.open(server.port).play("S: 200 …\nC: STARTTLS\nS: ");
});

test("a name said in plain text is forgotten by STARTTLS", async () => {
  await using all = await start({ tls: "starttls", users });
  await all.raw.play("C: AUTHINFO USER alice\nS: 381 …\nC: STARTTLS\nS: 382 …");
  await all.raw.startTls();
  await all.raw.play("C: AUTHINFO PASS secret\nS: 482 …");
});

test("STARTTLS is 500 without TLS, 502 behind a login", async () => {
  await using none = await start({});
  await none.raw.play("C: STARTTLS\nS: 500 …");
  await using late = await start({ tls: "starttls", users });
  await late.raw.play("C: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 381 …\nS: 281 …\nC: STARTTLS\nS: 502 …");
});

test("requireTls: no password in plain text (483), and none asked for", async () => {
  await using all = await start({ tls: "starttls", users, requireTls: true });
  expect((await all.raw.list("CAPABILITIES")).filter((line) => line.startsWith("AUTHINFO"))).toEqual([]);
  await all.raw.play("C: AUTHINFO USER alice\nS: 483 Encryption required\nC: STARTTLS\nS: 382 …");
  await all.raw.startTls();
  await all.raw.play("C: AUTHINFO USER alice\nC: AUTHINFO PASS secret\nS: 381 …\nS: 281 …");
});

test("implicit TLS", async () => {
  await using all = await start({ tls: "implicit" });
  await all.raw.play("C: GROUP comp.test\nS: 211 …\nC: STARTTLS\nS: 500 …");
  expect(all.server.urlOf("comp.test")).toBe(`nntps://127.0.0.1:${all.server.port}/comp.test`);
});

test("the certificate is the one that was asked for", async () => {
  await using server = await NntpServer.start({ tls: "implicit", certificate: testTls.expired });
  const raw = RawLines.open(server.port, { rejectUnauthorized: false });
  await raw.play("S: 200 …");
  expect((raw.socket as import("node:tls").TLSSocket).authorizationError).toBe("CERT_HAS_EXPIRED");
  raw.close();
});
