/** Greeting, TLS and login, as scripted dialogues. */
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { enter, HELLO, LOGIN, talk } from "./dialogue.js";

describe("greeting", () => {
  test("the greeting is the reply to connect(), and nothing was said before it", async () => {
    const { ftp, server } = await talk(HELLO);
    expect(await ftp.connect()).toMatchObject({ code: "220", text: "ready" });
    expect(ftp.greeting.code).toBe("220");
    await server.done;
  });

  test("120 announces a delay; 220 follows", async () => {
    const { ftp } = await talk(`S: 120 ready in 3 minutes\nWAIT 20\n${HELLO}`);
    expect((await ftp.connect()).code).toBe("220");
  });

  test("several lines, a code of another kind and an empty one among them", async () => {
    const { ftp } = await talk("S: 220-Welcome\nS:  530 users\nS:\nS: 530 more\nS: 220 ready\nC: FEAT\nS: 500 no\n");
    expect((await ftp.connect()).lines).toHaveLength(5);
  });

  test.each(["421 too many connections", "530 go away", "550 no"])(
    "%s: the client is closed, and its error says so",
    async (line) => {
      const { ftp } = await talk(`S: ${line}\n`);
      const error = await failure(ftp.connect());
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({ code: line.slice(0, 3), clientUsable: false });
      expect(ftp.state).toBe("closed");
    },
  );

  test.each([
    ["S: SSH-2.0-OpenSSH_9.6", "SSH"],
    ["S: HTTP/1.1 400 Bad Request", "web server"],
    ["S: +OK POP3 ready", "POP3"],
    ["S~ FQMBAAICCg==", "TLS"],
  ])("%s is named", async (line, name) => {
    const { ftp } = await talk(`${line}\n`);
    const error = await failure(ftp.connect());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toContain(name);
    expect(ftp.state).toBe("closed");
  });
});

describe("login", () => {
  test("USER, PASS, then the rest in one write; the features are those after the login", async () => {
    const { ftp, server } = await talk(`S: 220 ready
      C: FEAT
      S: 211-Features:
      S:  AUTH TLS
      S: 211 End
      C: USER alice
      S: 331 password
      C: PASS ***
      S: 230 in
      C: FEAT
      C: TYPE I
      C: NOOP
      C: PWD
      S: 211-Features:
      S:  MLST type*;size*;
      S: 211 End
      S: 200 binary
      S: 200 noop
      S: 257 "/"
    `);
    await enter(ftp);
    await server.done;
    expect([ftp.state, [...ftp.capabilities]]).toEqual(["ready", [["MLST", ["type*;size*;"]]]]);
  });

  test("230 at USER: no password is sent", async () => {
    const { ftp, server } = await talk(`${HELLO}C: USER alice\nS: 230 in\n${LOGIN.slice(LOGIN.indexOf("C: TYPE"))}`);
    await enter(ftp);
    await server.done;
  });

  test("332 asks for the account (ACCT)", async () => {
    const script = `${HELLO}C: USER alice\nS: 331 pw\nC: PASS ***\nS: 332 account\nC: ACCT ***\nS: 230 in\n`;
    const { ftp, server, transcript } = await talk(script + LOGIN.slice(LOGIN.indexOf("C: TYPE")));
    await ftp.connect();
    await ftp.login({ user: "alice", password: "s3cret", account: "b1lling" });
    await server.done;
    expect(transcript.script()).not.toMatch(/s3cret|b1lling/);
  });

  test("332 without an account is a LoginError that says so, and the client stays connected", async () => {
    const { ftp } = await talk(`${HELLO}C: USER alice\nS: 331 pw\nC: PASS ***\nS: 332 account\n`);
    await ftp.connect();
    expect(await failure(ftp.login())).toMatchObject({ name: "LoginError", code: "332" });
    expect(ftp.state).toBe("connected");
  });

  test("331 without a password is a LoginError that says so", async () => {
    const { ftp } = await talk(`${HELLO}C: USER alice\nS: 331 pw\n`, { credentials: { user: "alice" } });
    await ftp.connect();
    expect(await failure(ftp.login())).toMatchObject({ name: "LoginError", code: "331" });
    expect(ftp.state).toBe("connected");
  });

  test("no credentials at all: anonymous", async () => {
    const script = LOGIN.replace("USER alice", "USER anonymous").replace("PASS ***", "PASS anonymous@");
    const { ftp, server } = await talk(HELLO + script, { credentials: undefined });
    await enter(ftp);
    await server.done;
  });

  test("before it, a refusal of NOOP is a sign of life; behind it, it is a refusal", async () => {
    const { ftp, server } = await talk(`${HELLO}C: NOOP\nS: 530 log in first\n${LOGIN}C: NOOP\nS: 500 what?\n`);
    await ftp.connect();
    await ftp.noop();
    expect(ftp.state).toBe("connected");
    await ftp.login();
    expect(await failure(ftp.noop())).toMatchObject({ name: "ReplyError", code: "500" });
    await server.done;
  });

  test("530 is a LoginError without the password; another try works on the same connection", async () => {
    const refused = "C: USER alice\nS: 331 pw\nC: PASS ***\nS: 530 s3cret is wrong\n";
    const { ftp, server, transcript } = await talk(HELLO + refused + LOGIN);
    await ftp.connect();
    const error = await failure(ftp.login());
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ code: "530", command: "PASS ***", retryable: false, clientUsable: true });
    expect(error.message + error.stack + transcript.script()).not.toContain("s3cret");
    await ftp.login();
    await server.done;
    expect(ftp.state).toBe("ready");
  });

  test.each(["530 Sorry, the maximum number of clients for this user is connected", "530 too many connections"])(
    "%s is a ReplyError that may be retried",
    async (line) => {
      const { ftp } = await talk(`${HELLO}C: USER alice\nS: ${line}\n`);
      await ftp.connect();
      const error = await failure(ftp.login());
      expect(error).toMatchObject({ name: "ReplyError", retryable: true });
    },
  );

  test("421 at PASS closes the client", async () => {
    const { ftp } = await talk(`${HELLO}C: USER alice\nS: 331 pw\nC: PASS ***\nS: 421 full\nCLOSE\n`);
    await ftp.connect();
    expect(await failure(ftp.login())).toMatchObject({ name: "ReplyError", code: "421", clientUsable: false });
    expect(ftp.state).toBe("closed");
  });

  test.each(["a\r\nDELE x", "a\0", "a\n"])(
    "a user %j cannot be sent: nothing was, and the client is usable",
    async (user) => {
      const { ftp, server } = await talk(HELLO + LOGIN);
      await ftp.connect();
      expect(await failure(ftp.login({ user, password: "x" }))).toBeInstanceOf(UsageError);
      await ftp.login();
      await server.done;
    },
  );

  test("a password with a line break cannot be sent, and is not shown", async () => {
    const { ftp } = await talk(`${HELLO}C: USER alice\nS: 331 pw\n`);
    await ftp.connect();
    const error = await failure(ftp.login({ user: "alice", password: "s3cret\r\nDELE x" }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).not.toContain("s3cret");
  });
});
