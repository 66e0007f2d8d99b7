/** How clients get into the in-memory IMAP server: LOGIN, SASL, STARTTLS, COMPRESS, limits. */
import { describe, expect, test } from "vitest";
import { ImapServer } from "../../src/testing/index.js";
import { answer, entered, greeted, serverFor } from "./imap-lines.js";
import { RawLines } from "./raw-lines.js";

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("logging in", () => {
  test("LOGIN takes atoms, quoted strings and literals, and refuses wrong passwords", async () => {
    await using server = await ImapServer.start({ users: { 'a "b': "pass word" } });
    const raw = await greeted(server);
    await raw.play(`
      C: a LOGIN alice secret
      S: a NO [AUTHENTICATIONFAILED] …
      C: b LOGIN {4}
      S: + …
      C: a "b {9+}
      C: pass word
      S: b OK [CAPABILITY IMAP4rev1 …`);
    expect(server.violations).toEqual([]);
    raw.close();
  });

  test("AUTHENTICATE takes an initial response, or asks for one, and can be cancelled", async () => {
    await using server = await serverFor({});
    const raw = await greeted(server);
    await raw.play(`
      C: a AUTHENTICATE PLAIN
      S: + 
      C: *
      S: a BAD …
      C: b AUTHENTICATE XYZ
      S: b NO [CANNOT] …
      C: c AUTHENTICATE PLAIN ${base64("\0alice\0wrong")}
      S: c NO [AUTHENTICATIONFAILED] …
      C: d AUTHENTICATE PLAIN ${base64("\0alice\0secret")}
      S: d OK …`);
    raw.close();
  });

  test("features decide what is announced and known", async () => {
    const features = { saslIr: false, literal: "none", idle: false, imap4rev2: false, login: false } as const;
    await using server = await serverFor({}, { features: { ...features, greetingCapabilities: false } });
    const raw = RawLines.open(server.port);
    expect(await raw.line()).toBe("* OK polywire test server ready");
    const [words] = await answer(raw, "a CAPABILITY");
    expect(words).toMatch(/^\* CAPABILITY IMAP4rev1 .*LOGINDISABLED/);
    expect(words).not.toMatch(/SASL-IR|LITERAL|IDLE|IMAP4rev2/);
    await raw.play(`
      C: b LOGIN alice secret
      S: b BAD …
      C: c AUTHENTICATE PLAIN AAAA
      S: c BAD …`);
    raw.close();
  });

  test.each(["code", "untagged", "none"] as const)("capabilities of a login: %s", async (loginCapabilities) => {
    await using server = await serverFor({}, { features: { loginCapabilities } });
    const raw = await greeted(server);
    const lines = await answer(raw, "a LOGIN alice secret");
    expect(lines.length).toBe(loginCapabilities === "untagged" ? 2 : 1);
    expect(lines.at(-1)?.includes("[CAPABILITY")).toBe(loginCapabilities === "code");
    raw.close();
  });

  test("PREAUTH logs in from the beginning", async () => {
    await using server = await serverFor({}, { preauth: "alice" });
    const raw = await RawLines.open(server.port).play("S: * PREAUTH …");
    expect((await answer(raw, "a SELECT INBOX")).at(-1)).toMatch(/^a OK/);
    raw.close();
  });
});

describe("TLS", () => {
  test("STARTTLS forgets what was said in plain text; LOGIN is refused before it", async () => {
    await using server = await serverFor({}, { tls: "starttls", requireTls: true });
    const raw = await greeted(server);
    expect((await answer(raw, "a CAPABILITY"))[0]).toMatch(/STARTTLS LOGINDISABLED/);
    await raw.play(`
      C: b LOGIN alice secret
      S: b NO [PRIVACYREQUIRED] …
      C: c STARTTLS
      S: c OK …`);
    await raw.startTls();
    expect((await answer(raw, "d CAPABILITY"))[0]).toMatch(/SCRAM-SHA-256-PLUS/);
    await raw.play("C: e LOGIN alice secret\nS: e OK …\nC: f STARTTLS\nS: f BAD …");
    raw.close();
  });

  test("implicit TLS greets behind the handshake", async () => {
    await using server = await serverFor({}, { tls: "implicit" });
    expect(server.url).toBe(`imaps://alice:secret@127.0.0.1:${server.port}`);
    const raw = await RawLines.open(server.port, {}).play("S: * OK …\nC: a LOGIN alice secret\nS: a OK …");
    raw.close();
  });

  test("injectAfterStartTls: the bytes come in plain text behind the OK", async () => {
    await using server = await serverFor({}, { tls: "starttls" });
    server.faults.injectAfterStartTls = "* CAPABILITY IMAP4rev1 XEVIL\r\n";
    const raw = await greeted(server);
    await raw.play("C: a STARTTLS\nS: a OK …\nS: * CAPABILITY IMAP4rev1 XEVIL");
    raw.close();
  });
});

test("COMPRESS deflates both directions, once", async () => {
  await using server = await serverFor({ INBOX: ["Subject: a\n\nb\n"] });
  const raw = await entered(server);
  await raw.play("C: a COMPRESS DEFLATE\nS: a OK …");
  raw.deflate();
  expect((await answer(raw, "b SELECT INBOX")).at(-1)).toMatch(/^b OK/);
  await raw.play("C: c COMPRESS DEFLATE\nS: c NO [COMPRESSIONACTIVE] …");
  expect((await answer(raw, "d CAPABILITY"))[0]).not.toMatch(/COMPRESS/);
  raw.close();
});

test("limits: connections, sizes, quota", async () => {
  await using server = await ImapServer.start({
    users: { alice: { password: "secret", quota: { storage: 1, messages: 2 } } },
    limits: { connections: 1, append: 2000, literal: 10 },
  });
  const raw = await entered(server);
  expect(await RawLines.open(server.port).line()).toMatch(/^\* BYE/);
  await raw.play(`
    C: a APPEND INBOX {2001}
    S: a NO [TOOBIG] …
    C: b APPEND INBOX {1025+}
    C: ${"x".repeat(1025)}
    S: b NO [OVERQUOTA] …
    C: c APPEND INBOX {3+}
    C: one
    S: c OK …
    C: d GETQUOTAROOT INBOX
    S: * QUOTAROOT INBOX ""
    S: * QUOTA "" (STORAGE 1 1 MESSAGE 1 2)
    S: d OK …
    C: e SELECT {11}
    S: e NO [TOOBIG] …`);
  raw.close();
});

test("disabled commands are BAD, capabilities can be changed", async () => {
  await using server = await serverFor(
    {},
    { disabled: ["noop"], capabilities: (words) => words.filter((word) => word !== "IDLE").concat("XSTRANGE") },
  );
  const raw = await entered(server);
  const [words] = await answer(raw, "a CAPABILITY");
  expect(words).toMatch(/XSTRANGE$/);
  expect(words).not.toMatch(/ IDLE /);
  await raw.play("C: b NOOP\nS: b BAD …");
  raw.close();
});

test("onCommand, commands and commandCount see every line, with literals as announcements", async () => {
  const seen: string[] = [];
  await using server = await serverFor({}, { onCommand: (line) => seen.push(line) });
  const raw = await entered(server);
  await raw.play("C: a APPEND INBOX {3+}\nC: one\nS: a OK …");
  expect(seen).toEqual(["a0 LOGIN alice secret", "a APPEND INBOX {3+}"]);
  expect(server.commands).toEqual(seen);
  expect(server.commandCount).toBe(2);
  raw.close();
});
