/** Logins and TLS at the in-memory SMTP server. */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SmtpServer, type SmtpServerOptions, testTls } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";
import { base64, ScramWords, text } from "./sasl-words.js";

const ALICE = { password: "secret", token: "tok", actsAs: ["shared"] };

async function start(options: SmtpServerOptions = {}) {
  const server = await SmtpServer.start({ users: { alice: ALICE }, iterations: 64, ...options });
  const raw = await RawLines.open(server.port, options.tls === "implicit" ? {} : undefined).play("S: 220 …");
  return { server, raw, [Symbol.asyncDispose]: () => server.close() };
}

async function ehlo(raw: RawLines): Promise<string[]> {
  raw.write("EHLO x\r\n");
  const lines: string[] = [];
  for (let line = await raw.line(); ; line = await raw.line()) {
    lines.push(line.slice(4));
    if (!line.startsWith("250-")) return lines;
  }
}

const word = async (raw: RawLines, line: string) => (await raw.ask(line)).replace(/^334 /, "");

describe("AUTH", () => {
  test.each([
    ["PLAIN, with an initial response", `C: AUTH PLAIN ${base64("\0alice\0secret")}\nS: 235 2.7.0 …`],
    ["PLAIN, without", `C: AUTH PLAIN\nS: 334 \nC: ${base64("\0alice\0secret")}\nS: 235 …`],
    [
      "LOGIN",
      `C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ${base64("alice")}\nS: 334 UGFzc3dvcmQ6\nC: ${base64("secret")}\nS: 235 …`,
    ],
    ["a wrong password", `C: AUTH PLAIN ${base64("\0alice\0x")}\nS: 535 5.7.8 …`],
    ["cancelled", "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.7.0 …"],
    ["not base64", "C: AUTH PLAIN x\nS: 501 5.5.2 …"],
    ["unknown", "C: AUTH GSSAPI\nS: 504 5.5.4 …"],
    ["EXTERNAL, without a certificate", "C: AUTH EXTERNAL =\nS: 504 …"],
    ["XOAUTH2", `C: AUTH XOAUTH2 ${base64("user=alice\x01auth=Bearer tok\x01\x01")}\nS: 235 …`],
  ])("%s", async (_, dialogue) => {
    await using all = await start();
    expect(await ehlo(all.raw)).toContain("AUTH SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 OAUTHBEARER XOAUTH2 PLAIN LOGIN");
    await all.raw.play(dialogue);
    expect(all.server.violations).toEqual([]);
  });

  test("SCRAM-SHA-256 and CRAM-MD5; a second login is 503", async () => {
    await using all = await start();
    await ehlo(all.raw);
    const challenge = text(await word(all.raw, "AUTH CRAM-MD5"));
    const wrong = createHmac("md5", "x").update(challenge).digest("hex");
    await all.raw.play(`C: ${base64(`alice ${wrong}`)}\nS: 535 …`);
    const words = new ScramWords("sha256", "alice");
    const first = await word(all.raw, `AUTH SCRAM-SHA-256 ${words.first}`);
    expect(words.proves(await word(all.raw, words.final("alice", "secret", first)))).toBe(true);
    await all.raw.play("C: \nS: 235 …\nC: AUTH PLAIN\nS: 503 …");
  });

  test("requireLogin: MAIL is 530; the message knows who sent it", async () => {
    await using all = await start({ requireLogin: true });
    await ehlo(all.raw);
    await all.raw.play(`C: MAIL FROM:<>\nS: 530 5.7.0 …\nC: AUTH PLAIN ${base64("shared\0alice\0secret")}\nS: 235 …`);
    await all.raw.play(
      "C: MAIL FROM:<> AUTH=<>\nC: RCPT TO:<a@b.example>\nC: BDAT 0 LAST\nS: 250 …\nS: 250 …\nS: 250 …",
    );
    expect(all.server.messages).toMatchObject([{ user: "shared", secure: false }]);
  });
});

describe("TLS", () => {
  test("STARTTLS forgets everything, and what came with it; REQUIRETLS is announced behind it", async () => {
    await using all = await start({ tls: "starttls", requireTls: true });
    const before = await ehlo(all.raw);
    expect(before).toContain("STARTTLS");
    expect(before.join()).not.toMatch(/AUTH|REQUIRETLS/);
    await all.raw.play("C: MAIL FROM:<>\nS: 530 5.7.0 …\nC: STARTTLS\nC: NOOP\nS: 220 2.0.0 …");
    expect(all.server.violations).toEqual(["STARTTLS: more came before its answer"]);
    await all.raw.startTls();
    await all.raw.play("C: MAIL FROM:<>\nS: 503 …\nC: STARTTLS\nS: 503 …");
    const after = await ehlo(all.raw);
    expect(after).toEqual(expect.arrayContaining(["REQUIRETLS"]));
    expect(after).not.toContain("STARTTLS");
    await all.raw.play(
      "C: MAIL FROM:<> REQUIRETLS\nC: RCPT TO:<a@b.example>\nC: BDAT 0 LAST\nS: 250 …\nS: 250 …\nS: 250 …",
    );
    expect(all.server.messages).toMatchObject([{ secure: true, params: { REQUIRETLS: true } }]);
  });

  test("without TLS, STARTTLS is 502", async () => {
    await using all = await start();
    await all.raw.play("C: STARTTLS\nS: 502 …");
  });

  test("implicit, with a client's certificate: EXTERNAL", async () => {
    await using all = await start({ tls: "implicit", clientCa: testTls.ca });
    expect(all.server.url).toMatch(/^smtps:/);
    const known = await RawLines.open(all.server.port, { ...testTls.client }).play("S: 220 …");
    expect((await ehlo(known)).join()).toContain("EXTERNAL");
    await known.play("C: AUTH EXTERNAL =\nS: 235 …");
    known.close();
  });
});
