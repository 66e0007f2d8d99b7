/** Greeting, EHLO, TLS, login and single commands, as scripted dialogues. */
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import { open } from "../../src/open.js";
import { failure } from "../net/loopback.js";
import { ALICE, connected, ehlo, hello, memory, QUICK, talk } from "./dialogue.js";

describe("greeting", () => {
  test.each(["421 too busy", "554 not for you"])("%s: the client is closed, and its error says so", async (line) => {
    const { smtp } = await talk(`S: ${line}\n`);
    const error = await failure(smtp.connect());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: line.slice(0, 3), clientUsable: false, retryable: line.startsWith("4") });
    expect(smtp.state).toBe("closed");
  });

  test("a server of another protocol is named", async () => {
    const { smtp } = await talk("S: +OK POP3 ready\n");
    const error = await failure(smtp.connect());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toContain("POP3");
  });

  test("a consent that is none ends the connect", async () => {
    const { smtp } = await talk("S: 354 go ahead\n");
    expect(await failure(smtp.connect())).toBeInstanceOf(ProtocolError);
  });

  test("may be late, as long as it is waited for", async () => {
    const { smtp } = await memory({ faults: { greetingDelay: 150 } });
    await smtp.connect();
    await smtp.noop();
    const { smtp: hasty } = await memory({ faults: { greetingDelay: 10_000 } }, { timeouts: { greeting: 100 } });
    expect(await failure(hasty.connect())).toMatchObject({ name: "TimeoutError", phase: "greeting" });
    const { smtp: unheard } = await memory({ faults: { silent: true } }, { timeouts: { greeting: 100 } });
    expect(await failure(unheard.connect())).toMatchObject({ name: "TimeoutError", phase: "greeting" });
  });

  test("bytes cut at every place", async () => {
    for (let splitAt = 1; splitAt < 60; splitAt += 1) {
      const { smtp, server } = await talk(hello("PIPELINING", "SIZE 10"), {}, { splitAt });
      await smtp.connect();
      expect([...smtp.capabilities.keys()]).toEqual(["PIPELINING", "SIZE"]);
      await server.done;
      smtp.close();
    }
  });
});

describe("EHLO", () => {
  test("extensions and their arguments", async () => {
    const { smtp } = await connected(["SIZE 1024", "AUTH PLAIN LOGIN", "8BITMIME"], "");
    expect(smtp.capabilities.get("AUTH")).toEqual(["PLAIN", "LOGIN"]);
    expect(smtp.has("auth", "login")).toBe(true);
    expect(smtp.has("DSN")).toBe(false);
  });

  test.each(["500 what?", "502 no", "504 no", "550 no"])("%s: HELO, and no extensions", async (line) => {
    const { smtp, server } = await talk(
      `S: 220 old\nC: EHLO client.example.org\nS: ${line}\nC: HELO client.example.org\nS: 250 old\n`,
    );
    await smtp.connect();
    expect(smtp.capabilities.size).toBe(0);
    await server.done;
  });

  test("a refusal for now is no reason to try HELO", async () => {
    const { smtp, server } = await talk("S: 220 old\nC: EHLO client.example.org\nS: 451 later\n");
    expect(await failure(smtp.connect())).toMatchObject({ code: "451", retryable: true });
    await server.done;
  });

  test("LMTP says LHLO, and knows no HELO", async () => {
    const { smtp, server } = await talk("S: 220 x\nC: LHLO client.example.org\nS: 500 what?\n", { lmtp: true });
    expect(await failure(smtp.connect())).toMatchObject({ code: "500" });
    await server.done;
  });

  test("without a name it is this machine's full name, or the address of the connection", async () => {
    const { smtp, server } = await talk(
      "S: 220 x\nC: /^EHLO ([A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+|\\[127\\.0\\.0\\.1\\])$/\nS: 250 x\n",
      {
        name: undefined,
      },
    );
    await smtp.connect();
    await server.done;
  });

  test.each(["a b", "a\r\nQUIT", "", "é.example", "[1.2.3.4", "a..b"])("a name like %j is refused", async (name) => {
    const { smtp } = await connected([], "");
    expect(await failure(smtp.ehlo(name))).toBeInstanceOf(UsageError);
    await expect(talk("S: 220\n", { name })).rejects.toBeInstanceOf(UsageError);
  });

  test("ehlo() and helo() take over what the server says", async () => {
    const { smtp, server } = await connected(
      ["SIZE"],
      "C: EHLO other.example\nS: 250-x\nS: 250 DSN\nC: HELO third.example\nS: 250 x\n",
    );
    await smtp.ehlo("other.example");
    expect([...smtp.capabilities.keys()]).toEqual(["DSN"]);
    await smtp.helo("third.example");
    expect(smtp.capabilities.size).toBe(0);
    await server.done;
  });
});

describe("STARTTLS", () => {
  const starttls = { security: "starttls" } as const;

  test("EHLO again behind it, and only what was said there counts", async () => {
    const { smtp, server } = await talk(
      `${hello("STARTTLS", "AUTH LOGIN")}C: STARTTLS\nS: 220 go\nTLS\n${ehlo("SIZE")}`,
      starttls,
    );
    await smtp.connect();
    expect(smtp.secure).toBe(true);
    expect([...smtp.capabilities.keys()]).toEqual(["SIZE"]);
    await server.done;
  });

  test.each(["454 not now", "502 what?"])("%s is an error, never plain text", async (line) => {
    const { smtp } = await talk(`${hello()}C: STARTTLS\nS: ${line}\n`, starttls);
    const error = await failure(smtp.connect());
    expect(error).toMatchObject({ name: "TlsError" });
    expect(error.message).toContain("security=plain");
  });

  test("TLS from the first byte", async () => {
    const { smtp, server } = await memory({ tls: "implicit" }, { security: "tls" });
    await smtp.connect();
    expect(smtp.secure).toBe(true);
    expect(server.violations).toEqual([]);
  });
});

describe("login", () => {
  const PLAIN = Buffer.from("\0alice\0s3cret").toString("base64");

  test("by the strongest mechanism; nothing secret is shown", async () => {
    const { smtp, server, transcript } = await memory(
      { users: { alice: "s3cret" }, tls: "starttls" },
      { security: "starttls", credentials: ALICE },
    );
    await smtp.connect();
    await smtp.login();
    expect(smtp.state).toBe("ready");
    expect(server.commands.filter((line) => line.startsWith("AUTH"))[0]).toMatch(/^AUTH SCRAM-SHA-256/);
    expect(transcript.script()).not.toContain("s3cret");
  });

  test("AUTH PLAIN goes with its first response", async () => {
    const { smtp, server, transcript } = await connected(["AUTH PLAIN"], `C: AUTH PLAIN ${PLAIN}\nS: 235 welcome\n`, {
      credentials: ALICE,
    });
    await smtp.login();
    expect(transcript.script()).not.toContain(PLAIN);
    await server.done;
  });

  test("a challenge is answered, and a refused password leaves the client usable", async () => {
    const script = [
      "C: AUTH LOGIN",
      `S: 334 ${Buffer.from("Username:").toString("base64")}`,
      `C: ${Buffer.from("alice").toString("base64")}`,
      `S: 334 ${Buffer.from("Password:").toString("base64")}`,
      `C: ${Buffer.from("s3cret").toString("base64")}`,
      "S: 535 5.7.8 no",
      "C: NOOP",
      "S: 250 ok",
    ].join("\n");
    const { smtp, server } = await connected(["AUTH LOGIN"], script);
    const error = await failure(smtp.login(ALICE));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ code: "535", enhanced: "5.7.8", clientUsable: true });
    expect(error.message).not.toContain("s3cret");
    expect(smtp.state).toBe("connected");
    await smtp.noop();
    await server.done;
  });

  test("a refused mechanism is followed by the next one", async () => {
    const script = `C: /^AUTH CRAM-MD5$/\nS: 504 5.7.4 no\nC: AUTH PLAIN ***\nS: 235 ok\n`;
    const { smtp, server } = await connected(["AUTH PLAIN CRAM-MD5"], script);
    await smtp.login(ALICE);
    await server.done;
  });

  test("a password does not go in the clear unless that was asked for", async () => {
    const { smtp } = await memory(
      { users: { alice: "s3cret" }, mechanisms: ["PLAIN"], tls: "starttls" },
      {
        security: "starttls",
      },
    );
    await smtp.connect();
    await smtp.login(ALICE);
    expect(smtp.secure).toBe(true);
  });

  test("without credentials it does nothing", async () => {
    const { smtp, server } = await connected(["AUTH PLAIN"], "C: NOOP\nS: 250 ok\n");
    await smtp.login();
    expect(smtp.state).toBe("ready");
    await smtp.noop();
    await server.done;
  });

  test("open() connects and logs in by URL", async () => {
    const { server } = await memory({ users: { alice: "s3cret" } });
    const smtp = await open(server.urlOf() as `smtp://${string}`, { timeouts: QUICK, name: "client.example.org" });
    expect(smtp.state).toBe("ready");
    await smtp.quit();
    expect(server.commands.at(-1)).toBe("QUIT");
  });
});

describe("single commands", () => {
  test("a message by MAIL, RCPT and DATA, dots stuffed and line ends repaired", async () => {
    const { smtp, server } = await connected(
      ["DSN", "8BITMIME"],
      `C: MAIL FROM:<a@x.org> BODY=8BITMIME RET=HDRS
       S: 250 ok
       C: RCPT TO:<b@y.org> NOTIFY=NEVER
       S: 251 will forward
       C: DATA
       S: 354 go
       C: Subject: x
       C:
       C: ..a
       C: .
       S: 250 2.0.0 queued as 17`,
    );
    await smtp.mail("a@x.org", { body: "8bitmime", ret: "hdrs" });
    expect(await smtp.rcpt("b@y.org", { notify: "never" })).toMatchObject({ code: "251" });
    expect(await smtp.data({ text: "Subject: x\n\n.a" })).toMatchObject([{ text: "2.0.0 queued as 17" }]);
    await server.done;
  });

  test("chunks by BDAT, their bytes as they are", async () => {
    const { smtp, server } = await connected(
      ["CHUNKING"],
      `C: MAIL FROM:<>
       S: 250 ok
       C: RCPT TO:<b@y.org>
       S: 250 ok
       C: BDAT 3
       C~ LgoN
       S: 250 3 octets
       C: BDAT 0 LAST
       S: 250 taken`,
    );
    await smtp.mail("");
    await smtp.rcpt("b@y.org");
    expect(await smtp.bdat(Buffer.from(".\n\r"))).toMatchObject([{ text: "3 octets" }]);
    expect(await smtp.bdat(Buffer.alloc(0), { last: true })).toMatchObject([{ text: "taken" }]);
    await server.done;
  });

  test("recipients that overlap are sent together where the server pipelines", async () => {
    const { smtp, server } = await connected(
      ["PIPELINING"],
      `C: RCPT TO:<a@x.org>
       C: RCPT TO:<b@x.org>
       C: RCPT TO:<c@x.org>
       S: 250 ok
       S: 550 5.1.1 no
       S: 250 ok`,
    );
    const results = await Promise.allSettled(["a@x.org", "b@x.org", "c@x.org"].map((to) => smtp.rcpt(to)));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await server.done;
  });

  test("VRFY, EXPN, HELP, ETRN, RSET and NOOP", async () => {
    const { smtp, server } = await connected(
      ["ETRN", "SMTPUTF8"],
      `C: VRFY bob
       S: 252 cannot tell
       C: VRFY jürgen SMTPUTF8
       S: 250 <j@x.org>
       C: EXPN staff
       S: 250-<a@x.org>
       S: 250 <b@x.org>
       C: HELP MAIL
       S: 214-so
       S: 214 so
       C: ETRN x.org
       S: 250 ok
       C: RSET
       S: 250 ok
       C: NOOP
       S: 502 never`.replace("jürgen", Buffer.from("jürgen").toString("latin1")),
    );
    expect(await smtp.vrfy("bob")).toMatchObject({ code: "252" });
    await smtp.vrfy("jürgen");
    expect((await smtp.expn("staff")).lines).toHaveLength(2);
    expect(await smtp.help("MAIL")).toBe("so\nso");
    await smtp.etrn("x.org");
    await smtp.rset();
    await smtp.noop();
    await server.done;
  });

  test.each(["DATA", "bdat 5 LAST", "AUTH PLAIN x", "STARTTLS", "EHLO x", "QUIT"])(
    "request(%j) names the method to use",
    async (command) => {
      const { smtp } = await connected(["CHUNKING"], "C: NOOP\nS: 250 ok\n");
      const error = await failure(smtp.request(command));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toMatch(/use (the option )?\w+/);
      await smtp.noop();
    },
  );

  test("request() sends anything else, and takes any answer where that is asked for", async () => {
    const { smtp, server } = await connected([], "C: XCLIENT NAME=x\nS: 550 no\nC: TURN\nS: 502 no\n");
    expect(await smtp.request("XCLIENT NAME=x", { expect: "any" })).toMatchObject({ ok: false, code: "550" });
    expect(await failure(smtp.request("TURN"))).toMatchObject({ code: "502" });
    await server.done;
  });

  test.each([
    ["mail", (smtp: Smtp) => smtp.mail("a@x.org>\r\nRCPT TO:<evil@x.org")],
    ["rcpt", (smtp: Smtp) => smtp.rcpt("a@x.org\r\nDATA")],
    ["vrfy", (smtp: Smtp) => smtp.vrfy("a\r\nDATA")],
    ["expn", (smtp: Smtp) => smtp.expn("a\nDATA")],
    ["help", (smtp: Smtp) => smtp.help("a\rDATA")],
    ["request", (smtp: Smtp) => smtp.request("NOOP\r\nDATA")],
    ["envid", (smtp: Smtp) => smtp.mail("a@x.org", { envid: "x\r\nDATA" })],
    ["auth", (smtp: Smtp) => smtp.mail("a@x.org", { auth: "x\r\nDATA" })],
    ["orcpt", (smtp: Smtp) => smtp.rcpt("a@x.org", { orcpt: "x\r\nDATA" })],
  ])("a line break in %s is refused, and nothing is sent", async (_, call) => {
    const { smtp, server } = await connected(["DSN", "AUTH PLAIN"], "C: NOOP\nS: 250 ok\n");
    expect(await failure(Promise.resolve(call(smtp)))).toBeInstanceOf(UsageError);
    await smtp.noop();
    await server.done;
  });

  test("LMTP: an answer for each recipient that was taken", async () => {
    const { smtp, server } = await memory(
      { lmtp: true, reject: { "b@*": "550 5.1.1 no" }, rejectDelivery: { "c@*": "452 4.2.2 full" } },
      { lmtp: true },
    );
    await smtp.connect();
    await smtp.mail("x@x.org");
    await smtp.rcpt("a@x.org");
    await smtp.rcpt("b@x.org").catch(() => {});
    await smtp.rcpt("c@x.org");
    const replies = await smtp.data({ text: "hello\n" });
    expect(replies.map(({ code }) => code)).toEqual(["250", "452"]);
    expect(server.messages).toHaveLength(1);
  });
});

type Smtp = Awaited<ReturnType<typeof connected>>["smtp"];
