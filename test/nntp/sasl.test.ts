/** AUTHINFO SASL (RFC 4643 §2.4): when it is used, what is sent, what is shown, and what a refusal means. */
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import type { Credentials } from "../../src/client/session.js";
import type { NntpOptions } from "../../src/nntp/options.js";
import { testTls } from "../../src/testing/tls.js";
import { failure } from "../net/loopback.js";
import { ALICE, announces, connected, hello, memory, talk } from "./dialogue.js";

const AGAIN = announces("VERSION 2", "READER");
const USER = "C: AUTHINFO USER alice\nS: 381 more\nC: AUTHINFO PASS ***\nS: 281 in\n";
/** RFC 2195 §2. */
const CHALLENGE = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
const TIM = { user: "tim", password: "tanstaaftanstaaf" };

/** A client that is connected to a server that announces these mechanisms, and AUTHINFO as said. */
async function offered(authinfo: string, mechanisms: string, script: string, given: Partial<NntpOptions> = {}) {
  const all = await talk(`${hello(`AUTHINFO ${authinfo}`, `SASL ${mechanisms}`)}${script}`, given);
  await all.nntp.connect();
  return all;
}

/** A login that has to come by without a fault; gives the script of what went over the wire. */
async function login(by: ReturnType<typeof offered>, credentials: Credentials): Promise<string> {
  const { nntp, server, transcript } = await by;
  await nntp.login(credentials);
  await server.done;
  expect(nntp.state).toBe("ready");
  return transcript.script();
}

describe("which way is taken", () => {
  test("AUTHINFO USER where the server has it, also before SCRAM", async () => {
    await login(offered("USER SASL", "SCRAM-SHA-256 PLAIN", `${USER}${AGAIN}`), ALICE);
  });

  test("SASL where there is no AUTHINFO USER, strongest first", async () => {
    const script = `C: AUTHINFO SASL CRAM-MD5\nS: 383 ${CHALLENGE}\nC: ***\nS: 281 in\n${AGAIN}`;
    await login(offered("SASL", "PLAIN DIGEST-MD5 CRAM-MD5", script), TIM);
  });

  test("SASL where the caller says which, also where the server says nothing", async () => {
    const script = `C: AUTHINFO SASL PLAIN ***\nS: 281 in\n`;
    await login(offered("USER SASL", "CRAM-MD5 PLAIN", script + AGAIN, { mechanisms: ["PLAIN"] }), ALICE);
    await login(connected(`${script}C: CAPABILITIES\nS: 500 what?\n`, { mechanisms: ["PLAIN"] }), ALICE);
  });

  test("a token goes by SASL; without a mechanism for it the password goes by AUTHINFO USER", async () => {
    const credentials = { ...ALICE, token: "t0ken" };
    const script = `C: AUTHINFO SASL OAUTHBEARER ***\nS: 281 in\n${AGAIN}`;
    const said = await login(offered("USER SASL", "PLAIN OAUTHBEARER", script), credentials);
    expect(said).not.toContain(Buffer.from("Bearer t0ken").toString("base64").slice(0, 12));
    await login(connected(`${USER}C: CAPABILITIES\nS: 500 what?\n`), credentials);
  });

  test("nobody in particular, where the caller lists ANONYMOUS: an empty response is =", async () => {
    const script = `C: AUTHINFO SASL ANONYMOUS ***\nS: 281 in\n${AGAIN}`;
    await login(offered("SASL", "ANONYMOUS", script, { mechanisms: ["ANONYMOUS"] }), {});
  });

  test("a client certificate, where there is no password", async () => {
    const security = "tls" as const;
    const tls = { ca: testTls.ca, ...testTls.client };
    for (const [credentials, script] of [
      [{ user: "alice" }, "C: AUTHINFO SASL EXTERNAL ***\nS: 281 in\n"],
      [ALICE, USER],
    ] as const) {
      const whole = `${hello("AUTHINFO USER SASL", "SASL EXTERNAL")}${script}${AGAIN}`;
      const { nntp, server } = await talk(whole, { security, tls }, { tls: testTls.server });
      await nntp.connect();
      await nntp.login(credentials);
      await server.done;
    }
  });

  test("the server in memory, by PLAIN", async () => {
    const given = { users: { alice: "s3cret" }, features: { authUser: false } };
    const { nntp, server, transcript } = await memory(given);
    await nntp.connect();
    const wrong = await failure(nntp.login({ ...ALICE, password: "not the one" }));
    expect(wrong).toBeInstanceOf(LoginError);
    expect(wrong).toMatchObject({ code: "481", clientUsable: true, server: `127.0.0.1:${server.port}` });
    await nntp.login(ALICE);
    expect(nntp.state).toBe("ready");
    expect(transcript.script()).not.toMatch(/s3cret|not the one/);
    expect(transcript.script()).not.toContain(Buffer.from("\0alice\0s3cret").toString("base64"));
  });
});

describe("what is said", () => {
  test("CRAM-MD5, as RFC 2195 writes it", async () => {
    const response = Buffer.from("tim b913a602c7eda7a495b4e6e7334d3890").toString("base64");
    const script = `C: AUTHINFO SASL CRAM-MD5\nS: 383 ${CHALLENGE}\nC: ${response}\nS: 281 in\n${AGAIN}`;
    await login(offered("SASL", "CRAM-MD5", script), TIM);
  });

  test("a response too long for one line goes behind an empty challenge", async () => {
    const password = "x".repeat(400);
    const script = `C: AUTHINFO SASL PLAIN\nS: 383 =\nC: ***\nS: 281 in\n${AGAIN}`;
    await login(offered("SASL", "PLAIN", script), { user: "alice", password });
  });
});

describe("a refusal", () => {
  test("of the mechanism leads to the next one", async () => {
    const refusals = `C: AUTHINFO SASL CRAM-MD5\nS: 503 not here\n`;
    const script = `${refusals}C: AUTHINFO SASL PLAIN ***\nS: 281 in\n${AGAIN}`;
    await login(offered("SASL", "CRAM-MD5 PLAIN", script), ALICE);
  });

  test.each(["481 wrong", "482 sequence"])("of the password does not: %s", async (line) => {
    const script = `C: AUTHINFO SASL CRAM-MD5\nS: 383 ${CHALLENGE}\nC: ***\nS: ${line}\n`;
    const { nntp, server } = await offered("SASL", "CRAM-MD5 PLAIN", script);
    const error = await failure(nntp.login(ALICE));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ command: "AUTHINFO SASL CRAM-MD5", clientUsable: true });
    expect(nntp.state).toBe("connected");
    await server.done;
  });

  test("481 of a server with too many connections is a cap, not a wrong password", async () => {
    const { nntp } = await offered("SASL", "PLAIN", "C: AUTHINFO SASL PLAIN ***\nS: 481 Too many connections\n");
    const error = await failure(nntp.login(ALICE));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).not.toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ retryable: true });
  });

  test("that repeats the response does not show it", async () => {
    const response = Buffer.from("\0alice\0s3cret").toString("base64");
    const { nntp, transcript } = await offered(
      "SASL",
      "PLAIN",
      `C: AUTHINFO SASL PLAIN ***\nS: 481 no: ${response} s3cret\n`,
    );
    const error = await failure(nntp.login(ALICE));
    expect(error.message).toMatch(/481 no: \*\*\* \*\*\*$/);
    expect(transcript.script()).not.toContain(response);
  });
});

describe("where there is no way", () => {
  test("nothing is sent, and the reasons are told", async () => {
    const { nntp } = await offered("SASL", "GSSAPI DIGEST-MD5", "");
    const error = await failure(nntp.login(ALICE));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/GSSAPI: it is not known here; DIGEST-MD5: it is not known here/);
    expect(nntp.state).toBe("connected");
  });

  test("a token is not sent as a password", async () => {
    const { nntp } = await connected("C: AUTHINFO USER alice\nS: 381 more\n");
    expect(await failure(nntp.login({ user: "alice", token: "t" }))).toBeInstanceOf(LoginError);
    const { nntp: other } = await connected("");
    expect(await failure(other.login({ token: "t" }))).toBeInstanceOf(UsageError);
  });
});

describe("a server that is not what it says", () => {
  test.each([
    ["283 with what is no proof", "SCRAM-SHA-256", "***\nS: 283 dj1BQUFB"],
    ["281 without a proof", "SCRAM-SHA-256", "***\nS: 281 in"],
    ["a challenge that is no base64", "CRAM-MD5", "\nS: 383 <1@x>\nC: *"],
    ["a code for another command", "PLAIN", "***\nS: 381 more"],
  ])("%s closes the connection", async (_what, mechanism, rest) => {
    const space = rest.startsWith("\n") ? "" : " ";
    const { nntp } = await offered("SASL", `${mechanism}`, `C: AUTHINFO SASL ${mechanism}${space}${rest}\n`);
    expect(await failure(nntp.login(ALICE))).toBeInstanceOf(ProtocolError);
    expect(nntp.state).toBe("closed");
  });
});

test("480 in the middle is answered by a token, too", async () => {
  const sasl = `C: AUTHINFO SASL OAUTHBEARER ***\nS: 281 in\n${AGAIN}`;
  const { nntp, server } = await offered(
    "SASL",
    "OAUTHBEARER",
    `C: STAT 1\nS: 480 login\n${sasl}C: STAT 1\nS: 223 1 <1@x>\n`,
    {
      credentials: { token: async () => "t0ken" },
    },
  );
  expect(await nntp.stat(1)).toMatchObject({ number: 1 });
  await server.done;
});
