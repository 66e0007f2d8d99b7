/** Greeting, capabilities, TLS, raw commands and the end, as scripted dialogues. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { ALICE, capa, connected, HELLO, hello, memory, QUICK, ready, talk, USER_PASS } from "./dialogue.js";

describe("greeting", () => {
  test("its text is the reply of connect()", async () => {
    const { pop3, server } = await talk(HELLO);
    expect(await pop3.connect()).toMatchObject({ ok: true, code: "+OK", text: "ready" });
    expect([pop3.state, pop3.capabilities.size]).toEqual(["connected", 0]);
    await server.done;
  });

  test.each([
    ["-ERR [SYS/TEMP] later", true, "SYS/TEMP"],
    ["-ERR Too many connections", true, undefined],
    ["-ERR go away", false, undefined],
  ])("%s: the client is closed, and its error says whether to come again", async (line, retryable, enhanced) => {
    const { pop3 } = await talk(`S: ${line}\n`);
    const error = await failure(pop3.connect());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "-ERR", retryable, enhanced, clientUsable: false });
    expect(pop3.state).toBe("closed");
  });

  test("a greeting that asks for more is none", async () => {
    const { pop3 } = await talk("S: + go on\n");
    expect(await failure(pop3.connect())).toBeInstanceOf(ProtocolError);
  });

  test("a server of another protocol is named", async () => {
    const { pop3 } = await talk("S: * OK IMAP4rev1 ready\n");
    const error = await failure(pop3.connect());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toContain("IMAP");
  });
});

describe("capabilities", () => {
  test("are asked for behind the greeting and behind the login", async () => {
    const { pop3, server } = await talk(
      `${hello("USER", "SASL CRAM-SHA", "IMPLEMENTATION Some Thing")}${USER_PASS}${capa("UIDL", "expire NEVER USER")}`,
    );
    await pop3.connect();
    expect(pop3.has("implementation", "thing")).toBe(true);
    expect(pop3.has("SASL", "PLAIN")).toBe(false);
    expect(pop3.capabilities.get("IMPLEMENTATION")).toEqual(["Some", "Thing"]);
    await pop3.login();
    expect([...pop3.capabilities]).toEqual([
      ["UIDL", []],
      ["EXPIRE", ["NEVER", "USER"]],
    ]);
    await server.done;
  });

  test("an empty list is one", async () => {
    const { pop3 } = await talk(hello());
    await pop3.connect();
    expect(pop3.has("UIDL")).toBe(false);
  });
});

describe("TLS", () => {
  const starttls = { security: "starttls" } as const;

  test("STLS comes before any other command", async () => {
    const { pop3, server } = await memory({ tls: "starttls" }, starttls);
    await pop3.connect();
    expect([pop3.secure, pop3.has("STLS")]).toEqual([true, false]);
    expect(server.commands).toEqual(["STLS", "CAPA"]);
  });

  test("a refusal is an error, never plain text", async () => {
    const { pop3 } = await talk("S: +OK\nC: STLS\nS: -ERR cannot\n", starttls);
    const error = await failure(pop3.connect());
    expect(error).toMatchObject({ name: "TlsError" });
    expect(error.message).toContain("security=plain");
    expect(pop3.state).toBe("closed");
  });

  test("an answer that is neither begins no TLS", async () => {
    const { pop3 } = await talk("S: +OK\nC: STLS\nS: + go on\n", starttls);
    expect(await failure(pop3.connect())).toBeInstanceOf(ProtocolError);
  });
});

describe("request", () => {
  test("lines follow where the command says so", async () => {
    const { pop3 } = await ready(
      [
        ...["C: LIST", "S: +OK", "S: 1 10", "S: .", "C: LIST 1", "S: +OK 1 10"],
        ...["C: retr 1", "S: +OK", "S: ..dot", "S: .", "C: TOP 1 0", "S: +OK", "S: .", "C: UIDL 1", "S: +OK 1 a"],
        ...["C: CAPA", "S: +OK", "S: USER", "S: .", "C: AUTH", "S: +OK", "S: PLAIN", "S: .", "C: STAT", "S: +OK 1 10"],
      ].join("\n"),
    );
    const body = async (command: string) => (await pop3.request(command)).body?.toString();
    expect(await body("LIST")).toBe("1 10\r\n");
    expect(await body("LIST 1")).toBeUndefined();
    expect(await body("retr 1")).toBe(".dot\r\n");
    expect(await body("TOP 1 0")).toBe("");
    expect(await body("UIDL 1")).toBeUndefined();
    expect(await body("CAPA")).toBe("USER\r\n");
    expect(await body("AUTH")).toBe("PLAIN\r\n");
    expect(await pop3.request("STAT")).toEqual({ ok: true, code: "+OK", text: "1 10", lines: ["+OK 1 10"] });
  });

  test("multiline says so for a command that is not known here, and that another has none", async () => {
    const { pop3 } = await ready("C: XTND\nS: +OK\nS: a\nS: .\nC: TOP 1 0\nS: +OK none here\n");
    expect((await pop3.request("XTND", { multiline: true })).body?.toString()).toBe("a\r\n");
    expect((await pop3.request("TOP 1 0", { multiline: false })).body).toBeUndefined();
  });

  test("no lines follow a refusal", async () => {
    const { pop3 } = await ready("C: RETR 9\nS: -ERR no such message\nC: LIST\nS: -ERR no\n");
    expect(await failure(pop3.request("RETR 9"))).toMatchObject({ name: "ReplyError", command: "RETR 9" });
    expect(await pop3.request("LIST", { expect: "any" })).toMatchObject({ ok: false, text: "no" });
  });

  test.each(["USER alice", "PASS x", "APOP alice x", "AUTH PLAIN", "STLS", "QUIT", " quit"])(
    "%s is left to a method",
    async (command) => {
      const { pop3 } = await connected("");
      expect(await failure(pop3.request(command))).toBeInstanceOf(UsageError);
      expect(pop3.state).toBe("connected");
    },
  );

  test("an answer that asks for more closes the connection, whatever is expected", async () => {
    const { pop3 } = await ready("C: XYZ\nS: + more\n");
    expect(await failure(pop3.request("XYZ", { expect: "any" }))).toBeInstanceOf(ProtocolError);
    expect(pop3.state).toBe("closed");
  });

  test("what is shown in place of a command with a secret", async () => {
    const { pop3, transcript } = await ready("C: XSECRET abc\nS: -ERR no\n");
    const error = await failure(pop3.request("XSECRET abc", { shown: "XSECRET ***" }));
    expect(error.message).toContain("XSECRET ***");
    expect(transcript.script()).not.toContain("abc");
  });
});

describe("noop", () => {
  test("before the login a refusal is a sign of life", async () => {
    const { pop3 } = await connected("C: NOOP\nS: -ERR not now\n");
    await pop3.noop();
    expect(pop3.state).toBe("connected");
  });

  test("behind the login it is a refusal", async () => {
    const { pop3 } = await ready("C: NOOP\nS: +OK\nC: NOOP\nS: -ERR [SYS/TEMP] ill\n");
    await pop3.noop();
    expect(await failure(pop3.noop())).toMatchObject({ name: "ReplyError", transient: true });
  });
});

describe("the server's goodbye", () => {
  test("words before it hangs up while idle are the reason of what fails then", async () => {
    const { pop3 } = await ready("S: -ERR Disconnected for inactivity.\nCLOSE\n");
    await expect.poll(() => pop3.state).toBe("closed");
    const error = await failure(pop3.stat());
    expect(error).toMatchObject({ name: "ConnectionError", retryable: true });
    expect(error.message).toContain("Disconnected for inactivity");
  });

  test("agreement that nobody asked for is a server that lost count", async () => {
    const { pop3 } = await ready("S: +OK again\n");
    await expect.poll(() => pop3.state).toBe("closed");
    expect(await failure(pop3.stat())).toBeInstanceOf(ProtocolError);
  });
});

describe("languages", () => {
  test("before the login and behind it", async () => {
    const script =
      "C: LANG\nS: +OK\nS: en English\nS: es Espa\u00c3\u00b1ol\nS: i-default\nS: .\nC: LANG es\nS: +OK es Idioma\n";
    const { pop3 } = await connected(script);
    expect(await pop3.lang()).toEqual([
      { tag: "en", name: "English" },
      { tag: "es", name: "Español" },
      { tag: "i-default", name: "" },
    ]);
    expect(await pop3.lang("es")).toBe("es");
  });

  test("utf8() comes before the login", async () => {
    const { pop3, server } = await memory({ users: { jürgen: "größer" } }, {});
    await pop3.connect();
    await pop3.utf8();
    await pop3.login({ user: "jürgen", password: "größer" });
    expect(server.commands).toContain("UTF8");
    expect(await pop3.stat()).toEqual({ count: 0, bytes: 0 });
  });
});

describe("quit and close", () => {
  test("quit() removes what was marked, close() does not", async () => {
    for (const [end, left] of [
      ["close", 2],
      ["quit", 1],
    ] as const) {
      const { pop3, server } = await memory({ users: { alice: { password: "s3cret", messages: ["a\r\n", "b\r\n"] } } });
      await pop3.connect();
      await pop3.login();
      await pop3.dele(1);
      await pop3[end]();
      await expect.poll(() => server.maildrop("alice").locked).toBe(false);
      expect(server.maildrop("alice").count, end).toBe(left);
    }
  });

  test("rset() takes back what was marked", async () => {
    const { pop3, server } = await memory({ users: { alice: { password: "s3cret", messages: ["a\r\n"] } } });
    await pop3.connect();
    await pop3.login();
    await pop3.dele(1);
    await pop3.rset();
    await pop3.quit();
    expect(server.maildrop("alice").count).toBe(1);
  });

  test("commit() tells that all was removed, and closes", async () => {
    const { pop3 } = await ready("C: DELE 1\nS: +OK\nC: QUIT\nS: +OK bye\n");
    await pop3.dele(1);
    await pop3.commit();
    expect(pop3.state).toBe("closed");
    await pop3.quit();
  });

  test("commit() rejects where something was left, and closes", async () => {
    const { pop3 } = await ready("C: QUIT\nS: -ERR some deleted messages not removed\n");
    const error = await failure(pop3.commit());
    expect(error).toMatchObject({ name: "ReplyError", clientUsable: false });
    expect(pop3.state).toBe("closed");
  });

  test("commit() out of order says so, and closes nothing", async () => {
    const { pop3 } = await connected("");
    expect(await failure(pop3.commit())).toBeInstanceOf(UsageError);
    expect(pop3.state).toBe("connected");
  });

  test("commit() whose answer is lost is a ConnectionError", async () => {
    const { pop3 } = await ready("C: QUIT\nCLOSE\n");
    expect(await failure(pop3.commit())).toMatchObject({ name: "ConnectionError", clientUsable: false });
  });

  test("quit() at a silent server ends within its time-out", async () => {
    const { pop3 } = await ready("C: QUIT\nWAIT 5000\n", { timeouts: { ...QUICK, quit: 100 } });
    await pop3.quit();
    expect(pop3.state).toBe("closed");
  });

  test("no secret is shown by inspect()", async () => {
    const { pop3 } = await ready("");
    expect(inspect(pop3)).not.toContain(ALICE.password);
  });
});
