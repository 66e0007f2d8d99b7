/** The in-memory SMTP server, command by command, in raw lines. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SmtpServer, type SmtpServerOptions } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

let server: SmtpServer;
let raw: RawLines;

/** The lines of a reply, without their codes. */
async function ehlo(client: RawLines, hello = "EHLO client.example"): Promise<string[]> {
  client.write(`${hello}\r\n`);
  const lines: string[] = [];
  for (;;) {
    const line = await client.line();
    lines.push(line.slice(4));
    if (!line.startsWith("250-")) return lines;
  }
}

async function open(port = server.port): Promise<RawLines> {
  const client = await RawLines.open(port).play("S: 220 …");
  await ehlo(client);
  return client;
}

beforeEach(async () => {
  server = await SmtpServer.start();
  raw = await open();
});
afterEach(async () => {
  raw.close();
  await server.close();
});

const ENVELOPE = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\n";
const OK = "S: 250 2.1.0 …\nS: 250 2.1.5 …\n";

test("a message by DATA: the session of RFC 5321, appendix D.1", async () => {
  await raw.play(`
    C: MAIL FROM:<Smith@bar.example>
    S: 250 2.1.0 Sender ok
    C: RCPT TO:<Jones@foo.example>
    S: 250 2.1.5 Recipient ok
    C: DATA
    S: 354 …
    C: Subject: a
    C: 
    C: ..dot
    C: .
    S: 250 2.0.0 Ok: queued as 1
    C: QUIT
    S: 221 2.0.0 Goodbye
    S: 
  `);
  expect(server.messages).toEqual([
    {
      from: "Smith@bar.example",
      to: ["Jones@foo.example"],
      recipients: [{ address: "Jones@foo.example", params: {} }],
      params: {},
      content: Buffer.from("Subject: a\r\n\r\n.dot\r\n"),
      size: 20,
      hash: undefined,
      by: "DATA",
      secure: false,
      user: undefined,
      hello: "client.example",
      connection: 1,
    },
  ]);
  expect(server.violations).toEqual([]);
});

test("EHLO says what is switched on", async () => {
  expect(await ehlo(raw)).toEqual([
    "mail.example greets client.example",
    "PIPELINING",
    "SIZE 2147483648",
    "8BITMIME",
    "SMTPUTF8",
    "CHUNKING",
    "BINARYMIME",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "DELIVERBY",
    "MT-PRIORITY",
    "FUTURERELEASE 2592000 2099-12-31T23:59:59Z",
    "ETRN",
    "VRFY",
    "EXPN",
    "HELP",
  ]);
});

test("messages in one window: content and the next envelope in one write", async () => {
  await raw.play(`${ENVELOPE}C: DATA\n${OK}S: 354 …`);
  await raw.play(
    `C: one\nC: .\n${ENVELOPE}C: DATA\nS: 250 2.0.0 …\n${OK}S: 354 …\nC: two\nC: .\nC: QUIT\nS: 250 …\nS: 221 …`,
  );
  expect(server.messages.map(({ content }) => content.toString())).toEqual(["one\r\n", "two\r\n"]);
  expect(server.violations).toEqual([]);
});

describe("BDAT", () => {
  test("whole messages in one write, one behind the other", async () => {
    raw.write(
      "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 5 LAST\r\none\r\n".repeat(3).concat("QUIT\r\n"),
    );
    await raw.play(`${OK}S: 250 …\n${OK}S: 250 …\n${OK}S: 250 2.0.0 Ok: queued as 3\nS: 221 …`);
    expect(server.messages.map(({ content, by }) => `${by} ${content}`)).toEqual(Array(3).fill("BDAT one\r\n"));
    expect(server.violations).toEqual([]);
  });

  test("in chunks, the last one empty", async () => {
    await raw.play(`${ENVELOPE}${OK}`);
    raw.write("BDAT 4\r\n.\r\nx");
    await raw.play("S: 250 2.0.0 4 octets received");
    raw.write("BDAT 2\r\n\r\nBDAT 0 LAST\r\n");
    await raw.play("S: 250 2.0.0 2 octets received\nS: 250 …");
    expect(server.messages[0]?.content.toString()).toBe(".\r\nx\r\n");
    expect(server.violations).toEqual([]);
  });

  test("without a recipient the chunk is read and refused", async () => {
    raw.write("BDAT 9 LAST\r\nMAIL\r\nQUI");
    await raw.play("S: 503 5.5.1 …\nC: NOOP\nS: 250 …");
    expect(server.messageCount).toBe(0);
  });

  test("anything but a BDAT between two is out of order", async () => {
    await raw.play(`${ENVELOPE}${OK}`);
    raw.write("BDAT 1\r\nx");
    await raw.play(
      "S: 250 …\nC: RCPT TO:<e@f.example>\nS: 503 …\nC: DATA\nS: 503 …\nC: MAIL FROM:<>\nS: 503 …\nC: RSET\nS: 250 …",
    );
    expect(server.violations).toEqual(["RCPT: between two BDAT", "DATA: behind a BDAT", "MAIL: between two BDAT"]);
    await raw.play(`${ENVELOPE}${OK}C: BDAT x\nS: 501 …`);
    expect(server.violations.at(-1)).toBe("BDAT: wrong syntax");
  });

  test("BINARYMIME comes as it is, by BDAT only", async () => {
    await raw.play(`C: MAIL FROM:<> BODY=BINARYMIME\nC: RCPT TO:<c@d.example>\n${OK}C: DATA\nS: 503 …`);
    expect(server.violations.splice(0)).toEqual(["DATA: for BINARYMIME"]);
    raw.write("BDAT 6 LAST\r\n\n\r\0\xff\r.");
    await raw.play("S: 250 …");
    expect(server.messages[0]?.content.toString("latin1")).toBe("\n\r\0\xff\r.");
    expect(server.violations).toEqual([]);
  });

  test("replies to what came before a chunk do not wait for the rest of it", async () => {
    raw.write("MAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 3 LAST\r\nx");
    await raw.play(OK);
    raw.write("\r\n");
    await raw.play("S: 250 2.0.0 …");
  });

  test("cut at every byte", async () => {
    const bytes = "BDAT 6\r\none\r\n.BDAT 3 LAST\r\n.\r\n";
    for (let at = 1; at < bytes.length; at++) {
      await raw.play(`${ENVELOPE}${OK}`);
      raw.write(bytes.slice(0, at));
      await new Promise((resolve) => setTimeout(resolve, 1));
      raw.write(bytes.slice(at));
      await raw.play("S: 250 2.0.0 6 octets received\nS: 250 2.0.0 Ok…");
      expect(server.messages.pop()?.content.toString()).toBe("one\r\n..\r\n");
    }
    expect(server.violations).toEqual([]);
  });
});

test("DATA cut at every byte", async () => {
  const bytes = "a\r\n..\r\n...b\r\n\r\n.\r\nNOOP\r\n";
  for (let at = 1; at < bytes.length; at++) {
    await raw.play(`${ENVELOPE}C: DATA\n${OK}S: 354 …`);
    raw.write(bytes.slice(0, at));
    await new Promise((resolve) => setTimeout(resolve, 1));
    raw.write(bytes.slice(at));
    await raw.play("S: 250 2.0.0 Ok…\nS: 250 2.0.0 Nothing done");
    expect(server.messages.pop()?.content.toString()).toBe("a\r\n.\r\n..b\r\n\r\n");
  }
  expect(server.violations).toEqual([]);
});

test("what has to come first is 503", async () => {
  const client = await RawLines.open(server.port).play("S: 220 …");
  await client.play("C: MAIL FROM:<>\nS: 503 5.5.1 …");
  await client.play("C: HELO c\nS: 250 mail.example\nC: RCPT TO:<a@b.example>\nS: 503 …\nC: DATA\nS: 503 …");
  await client.play(
    "C: MAIL FROM:<>\nS: 250 …\nC: DATA\nS: 503 …\nC: MAIL FROM:<>\nS: 503 …\nC: RSET\nS: 250 …\nC: MAIL FROM:<>\nS: 250 …",
  );
  client.close();
});

test("parameters are kept, and those of RCPT, and addresses of all kinds", async () => {
  await raw.play(`
    C: MAIL FROM:<"a b\\"<"@[127.0.0.1]> SIZE=5 BODY=8BITMIME RET=HDRS ENVID=QQ+2B BY=120;R HOLDFOR=60 MT-PRIORITY=-3 SMTPUTF8
    S: 250 …
    C: RCPT TO:<Postmaster> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y
    S: 250 …
  `);
  raw.write(Buffer.from("RCPT TO:<größe@müller.example>\r\n").toString("latin1"));
  await raw.play("S: 250 …\nC: DATA\nS: 354 …\nC: .\nS: 250 …");
  expect(server.messages[0]).toMatchObject({
    from: '"a b\\"<"@[127.0.0.1]',
    to: ["Postmaster", "größe@müller.example"],
    params: { SIZE: "5", BODY: "8BITMIME", RET: "HDRS", ENVID: "QQ+2B", BY: "120;R", HOLDFOR: "60", SMTPUTF8: true },
    recipients: [{ params: { NOTIFY: "SUCCESS,DELAY", ORCPT: "rfc822;x@y" } }, { params: {} }],
    size: 0,
  });
  expect(server.violations).toEqual([]);
});

describe("violations", () => {
  const told = async (dialogue: string) => {
    await raw.play(dialogue);
    return server.violations;
  };

  test.each([
    ["C: MAIL FROM: <a@b.example>\nS: 250 …", "MAIL: a blank in front of the path"],
    ["C: MAIL FROM:a@b.example\nS: 501 …", "MAIL: wrong syntax"],
    ["C: MAIL FROM:<a b@c.example>\nS: 553 …", "MAIL: not a mailbox"],
    ["C: MAIL FROM:<> FOO=1\nS: 555 …", "MAIL: FOO is not a parameter of MAIL"],
    ["C: MAIL FROM:<> SIZE=x\nS: 501 …", "MAIL: SIZE has a wrong value"],
    ["C: MAIL FROM:<> SIZE=1 SIZE=1\nS: 501 …", "MAIL: wrong syntax"],
    ["C: MAIL FROM:<> REQUIRETLS\nS: 555 …", "MAIL: REQUIRETLS was not announced (REQUIRETLS)"],
    ["C: MAIL FROM:<> AUTH=<>\nS: 555 …", "MAIL: AUTH was not announced (AUTH)"],
    ["C: MAIL FROM:<\xe4@b.example>\nS: 553 …", "MAIL: letters beyond ASCII without SMTPUTF8"],
    [
      "C: MAIL FROM:<>\nC: RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY\nS: 250 …\nS: 501 …",
      "RCPT: NOTIFY has a wrong value",
    ],
    ["C: NOOP\nC: NOOP\nS: 250 …\nS: 250 …", "NOOP: more came before its answer"],
    ["C: VRFY x\nC: RSET\nS: 550 …\nS: 250 …", "VRFY: more came before its answer"],
    [`C: NOOP ${"x".repeat(600)}\nS: 250 …`, "NOOP: the line is too long"],
    ["C: NOOP \0\nS: 250 …", "NOOP: CR or NUL in the line"],
  ])("%j", async (dialogue, violation) => {
    expect(await told(dialogue)).toEqual([violation]);
  });

  test("a line that ends with LF alone, commands before the greeting", async () => {
    raw.write("NOOP\n");
    await raw.play("S: 250 …");
    expect(server.violations.splice(0)).toEqual(["NOOP: the line ends with a bare LF"]);
    server.faults.greetingDelay = 20;
    await RawLines.open(server.port).play("C: NOOP\nS: 220 …\nS: 250 …");
    expect(server.violations).toEqual(["commands came before the greeting"]);
  });

  test("content before 354", async () => {
    raw.write("MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nx\r\n.\r\n");
    expect(await told(`${OK}S: 354 …\nS: 250 …`)).toEqual(["DATA: more came before its answer"]);
  });

  test("without PIPELINING, any command that comes early", async () => {
    await using other = await SmtpServer.start({ features: { pipelining: false } });
    const client = await open(other.port);
    await client.play(`${ENVELOPE}${OK}`);
    expect(other.violations).toEqual(["MAIL: more came before its answer, without PIPELINING"]);
  });

  test.each([
    ["a\nb\r\n", "bare LF"],
    ["a\rb\r\n", "bare CR"],
    ["\ra\r\n", "bare CR"],
    ["a\0\r\n", "NUL"],
    ["\xe4\r\n", "8-bit"],
    [".a\r\n", "dot not doubled"],
    [`${"x".repeat(999)}\r\n`, "long line"],
  ])("content %j", async (content, blemish) => {
    await raw.play(`${ENVELOPE}C: DATA\n${OK}S: 354 …`);
    raw.write(`ok\r\n${content}.\r\n`);
    expect(await told("S: 250 …")).toEqual([`content: ${blemish}`]);
  });

  test.each(["\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\n"])(
    "smuggling: %j does not end a message",
    async (end) => {
      await raw.play(`${ENVELOPE}C: DATA\n${OK}S: 354 …`);
      raw.write(`one${end}MAIL FROM:<evil@x.example>\r\n.\r\n`);
      await raw.play("S: 250 2.0.0 …");
      expect(server.messages[0]?.content.toString()).toContain("MAIL FROM:<evil@x.example>\r\n");
      expect(server.messageCount).toBe(1);
    },
  );

  test("a line of 998 characters, 8-bit with 8BITMIME are none", async () => {
    await raw.play(`C: MAIL FROM:<> BODY=8BITMIME\nC: RCPT TO:<c@d.example>\nC: DATA\n${OK}S: 354 …`);
    raw.write(`\xe4\r\n${"x".repeat(998)}\r\n.\r\n`);
    expect(await told("S: 250 …")).toEqual([]);
  });

  test("a last line without CRLF, in BDAT", async () => {
    await raw.play(`${ENVELOPE}${OK}`);
    raw.write("BDAT 1 LAST\r\nx");
    expect(await told("S: 250 …")).toEqual(["content: the last line has no CRLF"]);
  });
});

describe("VRFY, EXPN, HELP, ETRN", () => {
  test("know users and lists", async () => {
    await using other = await SmtpServer.start({
      users: { alice: "x" },
      lists: { all: ["a@b.example", "c@d.example"] },
    });
    const client = await open(other.port);
    await client.play(`
      C: VRFY alice
      S: 250 2.1.5 <alice@mail.example>
      C: VRFY <alice@mail.example>
      S: 250 2.1.5 <alice@mail.example>
      C: VRFY bob
      S: 550 5.1.1 …
      C: EXPN all
      S: 250-2.1.5 <a@b.example>
      S: 250 2.1.5 <c@d.example>
      C: EXPN none
      S: 550 …
      C: ETRN example.org
      S: 250 …
      C: HELP
      S: 214-…
      S: 214 …
    `);
  });
});

describe("options", () => {
  async function start(options: SmtpServerOptions) {
    const other = await SmtpServer.start(options);
    const client = RawLines.open(other.port);
    return { other, raw: client, [Symbol.asyncDispose]: () => other.close() };
  }

  test("HELO only: EHLO is 502, parameters are not announced", async () => {
    await using all = await start({ features: { ehlo: false, enhancedStatusCodes: false } });
    await all.raw.play(
      "S: 220 …\nC: EHLO x\nS: 502 …\nC: HELO x\nS: 250 mail.example\nC: MAIL FROM:<> SIZE=1\nS: 555 SIZE…",
    );
    expect(all.other.violations).toEqual(["MAIL: SIZE was not announced (SIZE)"]);
  });

  test.each([
    ["chunking", "BDAT 0 LAST", 502],
    ["etrn", "ETRN x", 502],
    ["expn", "EXPN x", 502],
    ["help", "HELP", 502],
    ["vrfy", "VRFY x", 252],
  ] as const)("without %s, %s is %i", async (feature, line, code) => {
    await using all = await start({ features: { [feature]: false } });
    await all.raw.play("S: 220 …");
    expect((await ehlo(all.raw)).join()).not.toContain(line.split(" ")[0]);
    await all.raw.play(`C: ${line}\nS: ${code} …`);
  });

  test("SIZE: told by MAIL or found at the end", async () => {
    await using all = await start({ features: { size: 10 } });
    await all.raw.play("S: 220 …");
    await ehlo(all.raw);
    await all.raw.play(
      `C: MAIL FROM:<> SIZE=11\nS: 552 5.3.4 …\n${ENVELOPE}C: DATA\n${OK}S: 354 …\nC: 123456789\nC: .\nS: 552 5.3.4 …`,
    );
    expect(all.other.messageCount).toBe(0);
  });

  test("LIMITS: recipients 452, messages 421, both announced; past them it is a violation", async () => {
    await using all = await start({ limits: { recipients: 1, messages: 1 } });
    await all.raw.play("S: 220 …");
    expect(await ehlo(all.raw)).toContain("LIMITS MAILMAX=1 RCPTMAX=1");
    await all.raw.play(`${ENVELOPE}C: RCPT TO:<e@f.example>\n${OK}S: 452 4.5.3 …\nC: DATA\nS: 354 …\nC: .\nS: 250 …`);
    await all.raw.play("C: MAIL FROM:<>\nS: 421 4.7.0 …\nS: ");
    expect(all.other.violations).toEqual(["RCPT: more recipients than RCPTMAX", "MAIL: more messages than MAILMAX"]);
  });

  test("reject, rejectFrom, greylist", async () => {
    await using all = await start({
      reject: { "bob@*": "550 5.1.1 No bob", "*@SLOW.example": "450 4.2.1 Later" },
      rejectFrom: { "": "550 5.7.1 Not from nobody" },
      greylist: 1,
    });
    await all.raw.play("S: 220 …");
    await ehlo(all.raw);
    await all.raw.play(`
      C: MAIL FROM:<>
      S: 550 5.7.1 Not from nobody
      C: MAIL FROM:<a@b.example>
      S: 250 …
      C: RCPT TO:<bob@x.example>
      S: 550 5.1.1 No bob
      C: RCPT TO:<eve@slow.example>
      S: 450 4.2.1 Later
      C: RCPT TO:<c@d.example>
      S: 450 4.7.1 …
      C: DATA
      S: 503 …
      C: RCPT TO:<c@d.example>
      S: 250 …
    `);
  });

  test("eagerData: 354 without a recipient, and 554 at the end", async () => {
    await using all = await start({ features: { eagerData: true } });
    await all.raw.play(
      "S: 220 …\nC: HELO x\nS: 250 …\nC: MAIL FROM:<>\nS: 250 …\nC: DATA\nS: 354 …\nC: .\nS: 554 5.5.1 …",
    );
  });

  test("onMessage refuses; keep hash and count", async () => {
    await using hashed = await start({
      keep: "hash",
      onMessage: ({ size }) => (size > 3 ? "554 5.7.1 Spam" : undefined),
    });
    await hashed.raw.play("S: 220 …\nC: HELO x\nS: 250 …");
    const envelope = `${ENVELOPE}S: 250 …\nS: 250 …\nC: DATA\nS: 354 …\n`;
    await hashed.raw.play(`${envelope}C: 12\nC: .\nS: 554 5.7.1 Spam\n${envelope}C: 1\nC: .\nS: 250 …`);
    const { createHash } = await import("node:crypto");
    const hash = createHash("sha256").update("1\r\n").digest("hex");
    expect(hashed.other.messages).toMatchObject([{ size: 3, hash, content: Buffer.alloc(0) }]);
    await using counted = await start({ keep: "count" });
    await counted.raw.play(`S: 220 …\nC: HELO x\nS: 250 …\n${envelope}C: 1\nC: .\nS: 250 …`);
    expect([counted.other.messageCount, counted.other.contentBytes, counted.other.messages]).toEqual([1, 3, []]);
  });
});

describe("LMTP", () => {
  test("LHLO, and a reply for each recipient that was accepted", async () => {
    await using other = await SmtpServer.start({
      lmtp: true,
      reject: { "no@*": "550 5.1.1 No" },
      rejectDelivery: { "full@*": "452 4.2.2 Full" },
    });
    const client = await RawLines.open(other.port).play("S: 220 …\nC: EHLO x\nS: 502 …\nC: HELO x\nS: 502 …");
    expect(await ehlo(client, "LHLO x")).toContain("PIPELINING");
    await client.play(`
      C: MAIL FROM:<>
      C: RCPT TO:<a@x.example>
      C: RCPT TO:<no@x.example>
      C: RCPT TO:<full@x.example>
      C: DATA
      S: 250 2.1.0 …
      S: 250 2.1.5 …
      S: 550 5.1.1 No
      S: 250 2.1.5 …
      S: 354 …
      C: x
      C: .
      S: 250 2.1.5 <a@x.example> delivered
      S: 452 4.2.2 Full
    `);
    await client.play("C: MAIL FROM:<>\nC: RCPT TO:<full@x.example>\nS: 250 …\nS: 250 …");
    client.write("BDAT 3 LAST\r\nx\r\n");
    await client.play("S: 452 4.2.2 Full");
    expect(other.messages.map(({ to }) => to)).toEqual([["a@x.example"]]);
    expect(other.violations).toEqual([]);
    expect(other.url).toMatch(/^smtp:/);
    other.faults.refuse = { command: ".", reply: "451 4.3.0 No" };
    await client.play("C: MAIL FROM:<>\nC: RCPT TO:<a@x.example>\nC: RCPT TO:<b@x.example>\nC: BDAT 0 LAST");
    await client.play("S: 250 …\nS: 250 …\nS: 250 …\nS: 451 4.3.0 No\nS: 451 4.3.0 No\nC: NOOP\nS: 250 …");
  });
});
