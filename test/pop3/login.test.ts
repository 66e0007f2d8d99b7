/** Logins: SASL, APOP, USER and PASS; which one is taken, what a refusal means, and that no secret is shown. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import type { Pop3Options } from "../../src/pop3/options.js";
import { testTls } from "../../src/testing/tls.js";
import { failure } from "../net/loopback.js";
import { capa, clientOf, connected, hello, memory, NO_CAPA, talk, USER_PASS } from "./dialogue.js";

const STAMP = "<1896.697170952@dbc.mtview.ca.us>";
const stamped = (...capabilities: string[]) =>
  `S: +OK ready ${STAMP}\n${capabilities.length > 0 ? capa(...capabilities) : NO_CAPA}`;
const plain = Buffer.from("\0alice\0s3cret").toString("base64");

/** A login at a server that plays the script behind its greeting and its capabilities. */
async function login(script: string, given: Partial<Pop3Options> = {}) {
  const all = await talk(script, given);
  await all.pop3.connect();
  return {
    ...all,
    error: await all.pop3.login().then(
      () => undefined,
      (error) => error,
    ),
  };
}

describe("USER and PASS", () => {
  test("where the server announces nothing else", async () => {
    const { pop3, transcript, server, error } = await login(`S: +OK ready\n${NO_CAPA}${USER_PASS}${NO_CAPA}`);
    expect([error, pop3.state]).toEqual([undefined, "ready"]);
    expect(transcript.script()).not.toContain("s3cret");
    await server.done;
  });

  test("where both sides have no mechanism in common", async () => {
    const { error, server } = await login(`${hello("USER", "SASL GSSAPI DIGEST-MD5")}${USER_PASS}${NO_CAPA}`);
    expect(error).toBeUndefined();
    await server.done;
  });

  test("a refused name is not followed by the password", async () => {
    const { error, pop3, server } = await login(`S: +OK\n${NO_CAPA}C: USER alice\nS: -ERR never heard of\n`);
    expect(error).toBeInstanceOf(LoginError);
    expect(pop3.state).toBe("connected");
    await server.done;
  });

  test("a refused password leaves the client usable", async () => {
    const { pop3 } = await connected(`${USER_PASS.replace("+OK in", "-ERR no")}${USER_PASS}${NO_CAPA}`);
    expect(await failure(pop3.login())).toMatchObject({ name: "LoginError", retryable: false, clientUsable: true });
    await pop3.login();
    expect(pop3.state).toBe("ready");
  });

  test.each([{}, { user: "alice" }, { password: "x" }])("%j is not enough", async (credentials) => {
    const { pop3 } = await connected("");
    expect(await failure(pop3.login(credentials))).toBeInstanceOf(UsageError);
    expect(pop3.state).toBe("connected");
  });

  test.each([
    ["a\r\nDELE 1", "x"],
    ["a", "x\nDELE 1"],
    ["a\0b", "x"],
  ])("%j with %j is not sent", async (user, password) => {
    const { pop3, server } = await connected("C: NOOP\nS: +OK\n");
    const error = await failure(pop3.login({ user, password: `${password}s3cret` }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).not.toContain("s3cret");
    await pop3.noop();
    await server.done;
  });
});

describe("APOP", () => {
  const digest = createHash("md5").update(`${STAMP}tanstaaf`).digest("hex");
  const mrose = { user: "mrose", password: "tanstaaf" };

  test("the example of RFC 1939 §7", async () => {
    expect(digest).toBe("c4c9334bac560ecc979e58001b3e22fb");
    const { error, transcript, server } = await login(`${stamped()}C: APOP mrose ${digest}\nS: +OK\n${NO_CAPA}`, {
      credentials: mrose,
    });
    expect(error).toBeUndefined();
    expect(transcript.script()).not.toContain(digest);
    await server.done;
  });

  test("goes before what shows the password to whoever listens", async () => {
    const { error } = await login(`${stamped("SASL PLAIN LOGIN", "USER")}C: APOP alice ***\nS: +OK\n${NO_CAPA}`);
    expect(error).toBeUndefined();
  });

  test("goes behind a mechanism that does not show it", async () => {
    const { error } = await login(`${stamped("SASL PLAIN CRAM-MD5")}C: AUTH CRAM-MD5\nS: -ERR [AUTH] no\n`);
    expect(error).toBeInstanceOf(LoginError);
  });

  test("false: never", async () => {
    const script = `${stamped("SASL PLAIN")}C: AUTH PLAIN ${plain}\nS: +OK\n${NO_CAPA}`;
    expect((await login(script, { apop: false })).error).toBeUndefined();
  });

  test("not under TLS, unless it is asked for", async () => {
    for (const [apop, command] of [
      [undefined, "AUTH"],
      [true, "APOP"],
    ] as const) {
      const given = { tls: "implicit", mechanisms: ["PLAIN"] } as const;
      const { pop3, server } = await memory(given, { security: "tls", apop });
      await pop3.connect();
      await pop3.login();
      expect(server.commands.some((line) => line.startsWith(command))).toBe(true);
    }
  });

  test("true: a server without a timestamp is none for it", async () => {
    const { error, pop3 } = await login(hello("SASL PLAIN"), { apop: true });
    expect(error).toBeInstanceOf(UsageError);
    expect(pop3.state).toBe("connected");
  });

  test.each(["<no-at>", "<a@b c>", "<caf\u00e9@b>", "<a@\u00ff\u0001>", "a@b", "<@>", "<a@b"])(
    "%j is no timestamp",
    async (stamp) => {
      const { error, server } = await login(`S: +OK ${stamp}\n${NO_CAPA}${USER_PASS}${NO_CAPA}`);
      expect(error).toBeUndefined();
      await server.done;
    },
  );

  test("a refusal is not answered with the password", async () => {
    const { error, server } = await login(`${stamped("USER")}C: APOP alice ***\nS: -ERR no\n`);
    expect(error).toBeInstanceOf(LoginError);
    await server.done;
  });

  test.each(["unknown command", "APOP not supported", 'Unknown command: "apop".'])(
    "a server that only looks as if it had it (-ERR %s) gets what it knows",
    async (text) => {
      const { error, server } = await login(
        `${stamped("USER")}C: APOP alice ***\nS: -ERR ${text}\n${USER_PASS}${NO_CAPA}`,
      );
      expect(error).toBeUndefined();
      await server.done;
      const sasl = await login(
        `${stamped("SASL PLAIN")}C: APOP alice ***\nS: -ERR ${text}\nC: AUTH PLAIN ${plain}\nS: +OK\n${NO_CAPA}`,
      );
      expect(sasl.error).toBeUndefined();
      await sasl.server.done;
    },
  );

  test("true: nothing else is tried", async () => {
    const { error, server } = await login(`${stamped("USER")}C: APOP alice ***\nS: -ERR unknown command\n`, {
      apop: true,
    });
    expect(error).toBeInstanceOf(LoginError);
    await server.done;
  });

  test("a name with a blank goes by another way", async () => {
    const script = `${stamped("USER")}C: USER a b\nS: +OK\nC: PASS ***\nS: +OK\n${NO_CAPA}`;
    const { error, server } = await login(script, { credentials: { user: "a b", password: "s3cret" } });
    expect(error).toBeUndefined();
    await server.done;
  });

  test("true: a name with a blank cannot be sent by it", async () => {
    const { error } = await login(stamped(), { credentials: { user: "a b", password: "x" }, apop: true });
    expect(error).toBeInstanceOf(UsageError);
  });

  test("apop and mechanisms exclude each other", () => {
    expect(() => clientOf({ host: "h", port: 1 }, { apop: true, mechanisms: ["PLAIN"] })).toThrow(UsageError);
    expect(() => clientOf({ host: "h", port: 1 }, { apop: "yes" as never })).toThrow(UsageError);
  });
});

describe("SASL", () => {
  test("PLAIN with its initial response", async () => {
    const { error, transcript, server } = await login(
      `${hello("SASL LOGIN PLAIN", "USER")}C: AUTH PLAIN ${plain}\nS: +OK\n${NO_CAPA}`,
    );
    expect(error).toBeUndefined();
    expect(transcript.script()).not.toContain(plain);
    await server.done;
  });

  test("a response too long for the line goes behind an empty challenge", async () => {
    const password = "x".repeat(200);
    const response = Buffer.from(`\0alice\0${password}`).toString("base64");
    const { error, server } = await login(
      `${hello("SASL PLAIN")}C: AUTH PLAIN\nS: + \nC: ${response}\nS: +OK\n${NO_CAPA}`,
      { credentials: { user: "alice", password } },
    );
    expect(error).toBeUndefined();
    await server.done;
  });

  test("a mechanism that the server does not know after all gives way to the next one", async () => {
    const { error, server } = await login(
      `${hello("SASL CRAM-MD5 PLAIN")}C: AUTH CRAM-MD5\nS: -ERR [AUTH] Unsupported authentication mechanism.\nC: AUTH PLAIN ${plain}\nS: +OK\n${NO_CAPA}`,
    );
    expect(error).toBeUndefined();
    await server.done;
  });

  test("a server that takes no initial response gets USER and PASS", async () => {
    const { error, server } = await login(
      `${hello("SASL PLAIN")}C: AUTH PLAIN ***\nS: -ERR syntax error in arguments\n${USER_PASS}${NO_CAPA}`,
    );
    expect(error).toBeUndefined();
    await server.done;
  });

  test.each([
    "[AUTH] Unsupported authentication mechanism.", // Dovecot
    "[AUTH] authenticating: no mechanism available", // Cyrus
    "Unrecognized authentication type", // RFC 1734 §2
    "unknown AUTH method",
    'Unknown command: "auth".',
    "AUTH PLAIN is not supported here",
    "Bad command",
    "not implemented",
    "too many arguments",
    "initial response not allowed",
    "Syntax error",
  ])("-ERR %s refuses the way, not the password", async (text) => {
    const { error, server } = await login(
      `${hello("SASL PLAIN")}C: AUTH PLAIN ***\nS: -ERR ${text}\n${USER_PASS}${NO_CAPA}`,
    );
    expect(error).toBeUndefined();
    await server.done;
  });

  test.each([
    "unknown user",
    "[AUTH] Unknown user name or bad password",
    "unrecognized user",
    "unknown",
    "user alice: mechanism not available for this account",
    "password not supported by this mechanism",
    "POP3 not enabled for your account",
    "login not allowed",
    "access not available",
    "invalid parameters: no such mailbox",
    "[AUTH] alice@syntax.example is not known",
    "unsupported credentials",
    "[AUTH] service unavailable, not supported now",
    "invalid auth",
    "no auth",
    "Authentication failed: invalid authentication",
  ])("-ERR %s ends the login: no other way is tried", async (text) => {
    for (const [mechanisms, command] of [
      ["PLAIN LOGIN", "AUTH PLAIN ***"],
      ["CRAM-MD5 PLAIN", "AUTH CRAM-MD5"],
    ]) {
      const { error, server } = await login(`${hello(`SASL ${mechanisms}`, "USER")}C: ${command}\nS: -ERR ${text}\n`);
      expect(error).toBeInstanceOf(LoginError);
      await server.done;
    }
  });

  test("what was answered to a challenge is refused for its own sake, whatever the words", async () => {
    const { error, server } = await login(
      `${hello("SASL CRAM-MD5 PLAIN", "USER")}C: AUTH CRAM-MD5\nS: + PDFAYj4=\nC: ***\nS: -ERR unsupported mechanism\n`,
    );
    expect(error).toBeInstanceOf(LoginError);
    await server.done;
  });

  test("SCRAM tells that it could have been tied to TLS: who has taken the -PLUS form away is found out", async () => {
    const given = { tls: "implicit", mechanisms: ["SCRAM-SHA-256", "PLAIN"] } as const;
    const { pop3, server } = await memory({ ...given, mechanisms: [...given.mechanisms] }, { security: "tls" });
    await pop3.connect();
    await pop3.login();
    const first = server.commands.find((line) => line.startsWith("AUTH SCRAM-SHA-256 "))?.split(" ")[2];
    expect(Buffer.from(first ?? "", "base64").toString()).toMatch(/^y,,n=alice,/);
  });

  test("in the clear APOP, where the server has it, follows a refused mechanism before what shows the password", async () => {
    const { error, server } = await login(
      `${stamped("SASL CRAM-MD5 PLAIN", "USER")}C: AUTH CRAM-MD5\nS: -ERR unknown mechanism\nC: APOP alice ***\nS: +OK\n${NO_CAPA}`,
    );
    expect(error).toBeUndefined();
    await server.done;
  });

  test("a refused password is not tried in another way", async () => {
    const { error, server } = await login(
      `${hello("SASL PLAIN LOGIN", "USER")}C: AUTH PLAIN ***\nS: -ERR [AUTH] Authentication failed.\n`,
    );
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ enhanced: "AUTH", command: "AUTH PLAIN ***" });
    await server.done;
  });

  test("the caller's own list is the only one", async () => {
    const { error, pop3, server } = await login(hello("SASL PLAIN", "USER"), { mechanisms: ["LOGIN"] });
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain("LOGIN: the server does not offer it");
    expect(pop3.state).toBe("connected");
    await server.done;
  });

  test.each(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"])(
    "%s, at the server in memory, under TLS",
    async (name) => {
      const { pop3, server } = await memory(
        { tls: "implicit", mechanisms: [name] },
        { security: "tls", mechanisms: [name] },
      );
      await pop3.connect();
      await pop3.login();
      expect(server.commands.some((line) => line.startsWith(`AUTH ${name}`))).toBe(true);
      expect(await pop3.stat()).toEqual({ count: 0, bytes: 0 });
    },
  );

  test.each(["OAUTHBEARER", "XOAUTH2"])("%s with a token that is asked for at the login", async (name) => {
    const users = { alice: { token: "ya29.tok", messages: [] } };
    const { pop3 } = await memory(
      { users: users as never, tls: "implicit", mechanisms: [name] },
      { security: "tls", credentials: { user: "alice", token: () => Promise.resolve("ya29.tok") } },
    );
    await pop3.connect();
    await pop3.login();
    expect(await failure(pop3.login())).toBeInstanceOf(UsageError);
    expect(pop3.state).toBe("ready");
  });

  test("with a token and a password, a server that takes no token gets the password", async () => {
    const credentials = { user: "alice", token: "ya29.tok", password: "s3cret" };
    const { error, server } = await login(`${hello("USER")}${USER_PASS}${NO_CAPA}`, { credentials });
    expect(error).toBeUndefined();
    await server.done;
  });

  test("a refused token is a LoginError that shows none of it", async () => {
    const users = { alice: { token: "ya29.tok" } };
    const { pop3, transcript } = await memory(
      { users: users as never, tls: "implicit", mechanisms: ["OAUTHBEARER"] },
      { security: "tls", credentials: { user: "alice", token: "ya29.wrong" } },
    );
    await pop3.connect();
    const error = await failure(pop3.login());
    expect(error).toBeInstanceOf(LoginError);
    expect(error.message + transcript.script()).not.toContain("ya29.wrong");
  });

  test("EXTERNAL by a client certificate, without a name", async () => {
    const { pop3 } = await memory(
      { tls: "implicit", clientCa: testTls.ca, mechanisms: ["EXTERNAL", "PLAIN"] },
      { security: "tls", credentials: {}, tls: { cert: testTls.client.cert, key: testTls.client.key } },
    );
    await pop3.connect();
    await pop3.login();
    expect(pop3.state).toBe("ready");
  });

  test.each(["signature", "no-signature", "nonce"] as const)(
    "a server that does not prove itself (%s) is closed",
    async (scram) => {
      const { pop3, server } = await memory({ mechanisms: ["SCRAM-SHA-256"] });
      server.faults.scram = scram;
      await pop3.connect();
      const error = await failure(pop3.login());
      expect(error).toBeInstanceOf(ProtocolError);
      expect(pop3.state).toBe("closed");
    },
  );
});

describe("what is no word about the password", () => {
  test.each([
    ["[IN-USE] Do you have another POP session running?", "IN-USE", true],
    ["[LOGIN-DELAY] minimum time between mail checks violation", "LOGIN-DELAY", true],
    ["[SYS/TEMP] Temporary system problem", "SYS/TEMP", true],
    ["[sys/temp/disk] full", "SYS/TEMP/DISK", true],
    ["[SYS/PERM] mailbox is broken", "SYS/PERM", false],
    ["maildrop already locked", undefined, true],
    ["unable to lock maildrop", undefined, true],
    ["mailbox in use by another session", undefined, true],
    ["too many simultaneous connections", undefined, true],
  ])("-ERR %s", async (text, enhanced, transient) => {
    for (const script of [
      `S: +OK\n${NO_CAPA}${USER_PASS.replace("+OK in", `-ERR ${text}`)}`,
      `${hello("SASL PLAIN")}C: AUTH PLAIN ***\nS: -ERR ${text}\n`,
      `${stamped()}C: APOP alice ***\nS: -ERR ${text}\n`,
    ]) {
      const { error } = await login(script);
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).not.toBeInstanceOf(LoginError);
      expect(error).toMatchObject({ enhanced, transient, retryable: transient });
    }
  });

  test.each(["[AUTH] no", "account locked", "no", "[XYZ] no", "[1 message] no"])("-ERR %s is one", async (text) => {
    const { error } = await login(`S: +OK\n${NO_CAPA}${USER_PASS.replace("+OK in", `-ERR ${text}`)}`);
    expect(error).toBeInstanceOf(LoginError);
  });
});

test("a server that answers a name with more than agreement is closed", async () => {
  const { error, pop3 } = await login(`S: +OK\n${NO_CAPA}C: USER alice\nS: + more\n`);
  expect(error).toBeInstanceOf(ProtocolError);
  expect(pop3.state).toBe("closed");
});

test("a transcript has nothing that passwords can be tried against: no challenge, no proof", async () => {
  for (const name of ["SCRAM-SHA-256", "CRAM-MD5"]) {
    const { pop3, transcript } = await memory({ mechanisms: [name] }, { mechanisms: [name] });
    await pop3.connect();
    await pop3.login();
    const said = transcript.lines.flatMap(({ who, text }) => (who === "S" && text.startsWith("+ ") ? [text] : []));
    expect(said).toEqual(said.map(() => "+ ***"));
    expect(said.length).toBeGreaterThan(0);
  }
});

test("what the server repeats of the password is not shown", async () => {
  const { error } = await login(`S: +OK\n${NO_CAPA}${USER_PASS.replace("+OK in", "-ERR s3cret is wrong\x1b[2J")}`);
  expect(error.message).toContain("*** is wrong\\x1b[2J");
});
