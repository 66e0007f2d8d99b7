/** The in-memory POP3 server, command by command, in raw lines. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pop3Server, type Pop3ServerOptions } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

const ALICE = {
  password: "secret",
  messages: ["Subject: one\n\na\n.b\n..c\n", { content: "Subject: two\r\n\r\nlast", uid: "second" }],
};
const LOGIN = "C: USER alice\nS: +OK …\nC: PASS secret\nS: +OK 2 messages\n";

let server: Pop3Server;
let raw: RawLines;

const open = () => RawLines.open(server.port).play("S: +OK …");

beforeEach(async () => {
  server = await Pop3Server.start({ users: { alice: ALICE, bob: "b" } });
  raw = await open();
});
afterEach(async () => {
  raw.close();
  await server.close();
});

test("the session of RFC 1939, chapter 10", async () => {
  await raw.play(`
    ${LOGIN}
    C: STAT
    S: +OK 2 50
    C: LIST
    S: +OK 2 messages
    S: 1 28
    S: 2 22
    S: .
    C: RETR 1
    S: +OK 28 octets
    S: Subject: one
    S: 
    S: a
    S: ..b
    S: ...c
    S: .
    C: DELE 1
    S: +OK Message 1 is marked
    C: LIST
    S: +OK 1 messages
    S: 2 22
    S: .
    C: QUIT
    S: +OK Goodbye
    S: 
  `);
  expect(server.maildrop("alice").uids).toEqual(["second"]);
});

test("without QUIT, what was marked stays, and the maildrop is free again", async () => {
  await raw.play(`${LOGIN}C: DELE 1\nS: +OK …`);
  expect(server.maildrop("alice").locked).toBe(true);
  raw.close();
  await expect.poll(() => server.maildrop("alice").locked).toBe(false);
  expect(server.maildrop("alice").count).toBe(2);
});

test("RSET takes the marks back; a marked message is none", async () => {
  await raw.play(`
    ${LOGIN}
    C: DELE 2
    S: +OK …
    C: RETR 2
    S: -ERR No such message
    C: DELE 2
    S: -ERR No such message
    C: UIDL 2
    S: -ERR No such message
    C: STAT
    S: +OK 1 28
    C: RSET
    S: +OK …
    C: UIDL 2
    S: +OK 2 second
    C: LIST 2
    S: +OK 2 22
  `);
});

test("UIDL and TOP", async () => {
  await raw.play(`
    ${LOGIN}
    C: UIDL
    S: +OK …
    S: 1 uid-1
    S: 2 second
    S: .
    C: TOP 1 2
    S: +OK …
    S: Subject: one
    S: 
    S: a
    S: ..b
    S: .
    C: TOP 1 0
    S: +OK …
    S: Subject: one
    S: 
    S: .
    C: TOP 1 99
    S: +OK …
    S: Subject: one
    S: 
    S: a
    S: ..b
    S: ...c
    S: .
    C: TOP 1
    S: -ERR Wrong number of arguments
    C: TOP 1 -1
    S: -ERR Not a number of lines
  `);
});

test.each(["STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "NOOP"])("%s needs a login", async (line) => {
  expect(await raw.ask(line)).toBe("-ERR Log in first");
});

test("unknown commands, wrong numbers", async () => {
  await raw.play(`
    C: XYZZY
    S: -ERR Unknown command
    ${LOGIN}
    C: RETR 0
    S: -ERR No such message
    C: RETR 3
    S: -ERR No such message
    C: RETR x
    S: -ERR No such message
    C: RETR
    S: -ERR Wrong number of arguments
    C: USER bob
    S: -ERR You are logged in already
    C: NOOP
    S: +OK …
  `);
});

test("pipelined commands are answered in order", async () => {
  await raw.play(
    `${LOGIN}C: NOOP\nC: RETR 2\nC: LIST 1\nS: +OK …\nS: +OK 22 octets\nS: Subject: two\nS: \nS: last\nS: .\nS: +OK 1 28`,
  );
});

describe("the login", () => {
  test("wrong credentials are [AUTH], and leave the session usable", async () => {
    await raw.play(`
      C: USER nobody
      S: +OK …
      C: PASS x
      S: -ERR [AUTH] …
      C: PASS secret
      S: -ERR USER comes first
      ${LOGIN}
    `);
  });

  test("one session at a time: [IN-USE]", async () => {
    await raw.play(LOGIN);
    const other = await open();
    await other.play("C: USER alice\nS: +OK …\nC: PASS secret\nS: -ERR [IN-USE] …");
    await raw.play("C: QUIT\nS: +OK …\nS: ");
    await other.play(LOGIN);
    other.close();
  });

  test("APOP hashes the greeting's timestamp and the password", async () => {
    const client = RawLines.open(server.port);
    const timestamp = /<.*>$/.exec(await client.line())?.[0];
    const digest = createHash("md5").update(`${timestamp}secret`).digest("hex");
    await client.play(`C: APOP alice ${"0".repeat(32)}\nS: -ERR [AUTH] …\nC: APOP alice x\nS: -ERR …`);
    await client.play(`C: APOP alice ${digest}\nS: +OK 2 messages`);
    client.close();
  });

  test("LOGIN-DELAY: between two logins of one user, by the server's clock", async () => {
    let now = 0;
    await using other = await Pop3Server.start({
      users: { alice: ALICE },
      limits: { loginDelay: 60 },
      now: () => new Date(now),
    });
    const enter = () => RawLines.open(other.port).play("S: +OK …\nC: USER alice\nS: +OK …\nC: PASS secret");
    await (await enter()).play("S: +OK …\nC: QUIT\nS: +OK …\nS: ");
    now = 59_999;
    const early = await enter();
    await early.play("S: -ERR [LOGIN-DELAY] …\nC: CAPA");
    expect(await early.lines()).toContain("LOGIN-DELAY 60");
    now = 60_000;
    await early.play("C: USER alice\nS: +OK …\nC: PASS secret\nS: +OK …");
  });
});

test("CAPA says what is switched on", async () => {
  expect(await raw.ask("CAPA")).toMatch(/^\+OK/);
  expect(await raw.lines()).toEqual([
    "TOP",
    "UIDL",
    "USER",
    "SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "UTF8 USER",
    "LANG",
    "IMPLEMENTATION polywire-test-server",
  ]);
  expect(await raw.ask("AUTH")).toMatch(/^\+OK/);
  expect(await raw.lines()).toEqual(["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]);
});

test("UTF8 comes before the login; LANG lists, takes, and goes back", async () => {
  await raw.play(`
    C: UTF8
    S: +OK …
    C: LANG
    S: +OK …
    S: en English
    S: de Deutsch
    S: .
    C: LANG DE
    S: +OK de …
    C: LANG *
    S: +OK en …
    C: LANG fr
    S: -ERR …
    ${LOGIN}
    C: UTF8
    S: -ERR …
  `);
});

describe("options", () => {
  async function start(options: Pop3ServerOptions) {
    const other = await Pop3Server.start({ users: { alice: ALICE }, ...options });
    return { raw: RawLines.open(other.port), other, [Symbol.asyncDispose]: () => other.close() };
  }

  test.each([
    ["capa", "CAPA"],
    ["user", "USER alice"],
    ["apop", `APOP alice ${"0".repeat(32)}`],
    ["auth", "AUTH PLAIN"],
    ["utf8", "UTF8"],
    ["lang", "LANG"],
  ] as const)("without %s, %s is unknown", async (feature, line) => {
    await using all = await start({ features: { [feature]: false } });
    await all.raw.play(`S: +OK …\nC: ${line}\nS: -ERR Unknown command`);
  });

  test("an old server: nothing but what RFC 1939 asks for", async () => {
    const old = {
      capa: false,
      apop: false,
      auth: false,
      top: false,
      uidl: false,
      respCodes: false,
      authRespCode: false,
    };
    await using all = await start({ features: old });
    await all.raw.play(
      "S: +OK polywire test server ready\nC: USER alice\nS: +OK …\nC: PASS x\nS: -ERR Wrong name or password",
    );
  });

  test("early dropped: what comes before the answer is never heard of", async () => {
    await using all = await start({ features: { pipelining: false } });
    await all.raw.play(`S: +OK …\n${LOGIN}C: NOOP\nC: NOOP\nC: STAT\nS: +OK …\nC: STAT\nS: +OK 2 50`);
    expect(all.other.commands.filter((line) => line === "STAT")).toHaveLength(1);
  });

  test("early refused: what comes before the answer is answered with an error", async () => {
    await using all = await start({ features: { pipelining: false, early: "refused" } });
    await all.raw.play(
      `S: +OK …\n${LOGIN}C: NOOP\nC: NOOP\nS: +OK …\nS: -ERR Wait for your answer\nC: STAT\nS: +OK 2 50`,
    );
  });

  test("capabilities changes what CAPA says", async () => {
    await using all = await start({ capabilities: (lines) => [...lines.slice(0, 1), "X-MINE a b"] });
    await all.raw.play("S: +OK …\nC: CAPA\nS: +OK …\nS: TOP\nS: X-MINE a b\nS: .");
  });

  test("a connection too many", async () => {
    await using all = await start({ limits: { connections: 1 } });
    await all.raw.play("S: +OK …");
    await RawLines.open(all.other.port).play("S: -ERR [SYS/TEMP] …\nS: ");
  });

  test("generated messages have the size that LIST says, whatever it is", async () => {
    const sizes = [1, 300, 301, 302, 303, 1000, 65_000, 66_000, 140_000, 300_001];
    await using all = await start({
      users: { alice: { password: "secret", messages: { generate: 10, bytes: (n) => sizes[n - 1] ?? 0 } } },
    });
    await all.raw.play("S: +OK …\nC: USER alice\nS: +OK …\nC: PASS secret\nS: +OK …\nC: LIST");
    const told = (await all.raw.lines()).slice(1).map((row) => Number(row.split(" ")[1]));
    expect(told.slice(1)).toEqual(sizes.slice(1));
    for (const [at, bytes] of told.entries()) {
      expect(await all.raw.ask(`RETR ${at + 1}`)).toBe(`+OK ${bytes} octets`);
      const content = `${(await all.raw.lines()).join("\r\n")}\r\n`;
      expect(content).toHaveLength(bytes);
      expect(content.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
      expect(
        all.other
          .maildrop()
          .content(`gen-${at + 1}`)
          .toString("latin1"),
      ).toBe(content);
    }
  });

  test("messages may be added and removed while sessions last; a session keeps what it saw", async () => {
    await using all = await start({});
    await all.raw.play(`S: +OK …\n${LOGIN}`);
    all.other.maildrop().add("Subject: late\n\n");
    all.other.maildrop().remove("uid-1");
    await all.raw.play("C: STAT\nS: +OK 2 50\nC: QUIT\nS: +OK …\nS: ");
    expect(all.other.maildrop().uids).toEqual(["second", "uid-3"]);
  });

  test("a mechanism nobody knows is an error of the test", async () => {
    await expect(Pop3Server.start({ mechanisms: ["DIGEST-MD5"] })).rejects.toThrow("has no mechanism DIGEST-MD5");
  });
});
