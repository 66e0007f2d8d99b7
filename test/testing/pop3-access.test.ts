/** Logins and TLS at the in-memory POP3 server: each mechanism word by word, client certificates, channel bindings. */
import { createHmac } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { Pop3Server, type Pop3ServerOptions, testTls } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";
import { base64, ScramWords, text } from "./sasl-words.js";

const ALICE = { password: "sécret", token: "tok", actsAs: ["shared"] };

async function start(options: Pop3ServerOptions = {}) {
  const server = await Pop3Server.start({ users: { alice: ALICE, shared: {} }, iterations: 64, ...options });
  const open = () => RawLines.open(server.port, server.url.startsWith("pop3s") ? {} : undefined).play("S: +OK …");
  return { server, open, raw: await open(), [Symbol.asyncDispose]: () => server.close() };
}

const word = async (raw: RawLines, line: string) => (await raw.ask(line)).replace(/^\+ /, "");

describe("PLAIN and LOGIN", () => {
  test.each([
    ["with an initial response", `C: AUTH PLAIN ${base64("\0alice\0sécret")}\nS: +OK …`],
    ["without", `C: AUTH PLAIN\nS: + \nC: ${base64("\0alice\0sécret")}\nS: +OK …`],
    ["as another", `C: AUTH PLAIN ${base64("shared\0alice\0sécret")}\nS: +OK …`],
    ["as someone it may not be", `C: AUTH PLAIN ${base64("root\0alice\0sécret")}\nS: -ERR [AUTH] …`],
    ["a wrong password", `C: AUTH PLAIN ${base64("\0alice\0x")}\nS: -ERR [AUTH] …`],
    ["cancelled", "C: AUTH PLAIN\nS: + \nC: *\nS: -ERR Cancelled"],
    ["not base64", "C: AUTH PLAIN\nS: + \nC: ???\nS: -ERR Not base64"],
    ["two parts", `C: AUTH PLAIN ${base64("alice\0x")}\nS: -ERR …`],
    ["an empty initial response", "C: AUTH PLAIN =\nS: -ERR …"],
    [
      "in two steps",
      `C: AUTH login\nS: + VXNlcm5hbWU6\nC: ${base64("alice")}\nS: + UGFzc3dvcmQ6\nC: ${base64("sécret")}\nS: +OK …`,
    ],
    ["unknown", "C: AUTH GSSAPI\nS: -ERR No mechanism GSSAPI"],
  ])("%s", async (_, dialogue) => {
    await using all = await start();
    await all.raw.play(dialogue);
  });
});

test("CRAM-MD5: a digest of the challenge", async () => {
  await using all = await start();
  const challenge = text(await word(all.raw, "AUTH CRAM-MD5"));
  expect(challenge).toMatch(/^<.+@mail\.example>$/);
  await all.raw.play(`C: ${base64(`alice ${"0".repeat(32)}`)}\nS: -ERR [AUTH] …`);
  const again = text(await word(all.raw, "AUTH CRAM-MD5"));
  const digest = createHmac("md5", "sécret").update(again).digest("hex");
  await all.raw.play(`C: ${base64(`alice ${digest}`)}\nS: +OK …`);
});

describe("SCRAM", () => {
  test.each(["sha1", "sha256"] as const)("%s: the server proves itself before +OK", async (hash) => {
    await using all = await start();
    const words = new ScramWords(hash, "alice");
    const name = hash === "sha1" ? "SCRAM-SHA-1" : "SCRAM-SHA-256";
    const challenge = await word(all.raw, `AUTH ${name} ${words.first}`);
    const last = await word(all.raw, words.final("alice", "sécret", challenge));
    expect(words.proves(last)).toBe(true);
    await all.raw.play("C: \nS: +OK …");
  });

  test("a wrong password is refused at the client's final message", async () => {
    await using all = await start();
    const words = new ScramWords("sha256", "alice");
    const challenge = await word(all.raw, `AUTH SCRAM-SHA-256 ${words.first}`);
    await all.raw.play(`C: ${words.final("alice", "x", challenge)}\nS: -ERR [AUTH] …`);
  });

  test.each(["signature", "no-signature", "error", "nonce"] as const)("with a fault: %s", async (scram) => {
    await using all = await start({ faults: { scram } });
    const words = new ScramWords("sha256", "alice");
    const challenge = await word(all.raw, `AUTH SCRAM-SHA-256 ${words.first}`);
    if (scram === "nonce") return expect(text(challenge)).not.toMatch(/^r=clientnonce/);
    const last = await word(all.raw, words.final("alice", "sécret", challenge));
    if (scram === "no-signature") return expect(last).toMatch(/^\+OK/);
    if (scram === "error") expect(text(last)).toBe("e=other-error");
    expect(words.proves(last)).toBe(false);
  });

  test.each(["tls-exporter", "tls-server-end-point"])("-PLUS, bound by %s", async (type) => {
    await using all = await start({ tls: "implicit", mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] });
    const socket = all.raw.socket as TLSSocket;
    const exported = socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
    const { createHash, X509Certificate } = await import("node:crypto");
    const certificate = createHash("sha256").update(new X509Certificate(testTls.server.cert).raw).digest();
    const data = type === "tls-exporter" ? exported : certificate;
    const wrong = new ScramWords("sha256", "alice", `p=${type},,`, Buffer.from("x"));
    const first = await word(all.raw, `AUTH SCRAM-SHA-256-PLUS ${wrong.first}`);
    await all.raw.play(`C: ${wrong.final("alice", "sécret", first)}\nS: -ERR The channel binding does not fit`);
    const words = new ScramWords("sha256", "alice", `p=${type},,`, data);
    const challenge = await word(all.raw, `AUTH SCRAM-SHA-256-PLUS ${words.first}`);
    expect(words.proves(await word(all.raw, words.final("alice", "sécret", challenge)))).toBe(true);
    await all.raw.play("C: \nS: +OK …");
  });

  test("a client that was kept from -PLUS is told so", async () => {
    await using all = await start({ tls: "implicit", mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] });
    const words = new ScramWords("sha256", "alice", "y,,");
    await all.raw.play(`C: AUTH SCRAM-SHA-256 ${words.first}\nS: -ERR Someone has hidden …`);
  });
});

describe("tokens", () => {
  const xoauth2 = (token: string) => base64(`user=alice\x01auth=Bearer ${token}\x01\x01`);
  const bearer = (token: string) => base64(`n,a=alice,\x01host=h\x01port=110\x01auth=Bearer ${token}\x01\x01`);

  test("XOAUTH2: a refusal is a challenge first", async () => {
    await using all = await start();
    const problem = text(await word(all.raw, `AUTH XOAUTH2 ${xoauth2("bad")}`));
    expect(JSON.parse(problem)).toMatchObject({ status: "401" });
    await all.raw.play(`C: \nS: -ERR [AUTH] …\nC: AUTH XOAUTH2 ${xoauth2("tok")}\nS: +OK …`);
  });

  test("OAUTHBEARER: a refusal is answered with ^A", async () => {
    await using all = await start();
    const problem = text(await word(all.raw, `AUTH OAUTHBEARER ${bearer("bad")}`));
    expect(JSON.parse(problem)).toMatchObject({ status: "invalid_token" });
    await all.raw.play(`C: AQ==\nS: -ERR [AUTH] …\nC: AUTH OAUTHBEARER ${bearer("tok")}\nS: +OK …`);
  });

  test("are not announced where nobody has one", async () => {
    await using all = await start({ users: { alice: "x" } });
    expect(await all.raw.list("AUTH")).not.toContain("XOAUTH2");
  });
});

describe("TLS", () => {
  test("STLS: plain text before the handshake is forgotten, STLS is announced no more", async () => {
    await using all = await start({ tls: "starttls", requireTls: true });
    expect(await all.raw.list("CAPA")).toEqual(expect.arrayContaining(["STLS"]));
    await all.raw.play("C: USER alice\nS: -ERR STLS comes first\nC: STLS\nC: NOOP\nS: +OK …");
    await all.raw.startTls();
    const capabilities = await all.raw.list("CAPA");
    expect(capabilities).not.toContain("STLS");
    expect(capabilities).toContain("USER");
    await all.raw.play("C: STLS\nS: -ERR …\nC: USER alice\nS: +OK …");
  });

  test("EXTERNAL: who the client's certificate names, where one was shown", async () => {
    await using all = await start({ tls: "implicit", clientCa: testTls.ca });
    await all.raw.play("C: AUTH EXTERNAL =\nS: -ERR No mechanism EXTERNAL");
    const known = await RawLines.open(all.server.port, { ...testTls.client }).play("S: +OK …");
    expect(await known.list("AUTH")).toContain("EXTERNAL");
    await known.play(`C: AUTH EXTERNAL ${base64("root")}\nS: -ERR [AUTH] …\nC: AUTH EXTERNAL =\nS: +OK …`);
    known.close();
  });

  test("ANONYMOUS, where it is asked for, needs a maildrop of that name", async () => {
    await using all = await start({ mechanisms: ["ANONYMOUS"], users: { anonymous: {} } });
    await all.raw.play(`C: AUTH ANONYMOUS ${base64("me@example.org")}\nS: +OK 0 messages`);
  });
});
