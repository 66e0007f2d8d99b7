/** Messages sent one by one: what is written together, what refusals and losses mean, as scripted dialogues. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError, ConnectionError, ProtocolError, SinkError, UsageError } from "../../src/client/errors.js";
import { SendError } from "../../src/smtp/result.js";
import { failure } from "../net/loopback.js";
import { connected, ehlo, inMemory, raw } from "./dialogue.js";

const PIPELINED = ["PIPELINING"];
const CHUNKED = ["PIPELINING", "CHUNKING"];
const TO_TWO = "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<a@x.org>\nC: RCPT TO:<b@x.org>\n";
const two = raw("hello", ["a@x.org", "b@x.org"]);
const HELLO = "C: Subject: hello\nC:\nC: hello\n";

describe("DATA", () => {
  test("one command after the other where the server does not pipeline", async () => {
    const { smtp, server } = await connected(
      [],
      `C: MAIL FROM:<alice@example.org>\nS: 250 ok\nC: RCPT TO:<bob@example.net>\nS: 250 ok\nC: DATA\nS: 354 go\n${HELLO}C: .\nS: 250 2.0.0 taken`,
    );
    expect(await smtp.send(raw())).toMatchObject({
      envelope: { from: "alice@example.org", to: ["bob@example.net"] },
      accepted: [{ recipient: "bob@example.net", code: "250" }],
      rejected: [],
      reply: { enhanced: "2.0.0" },
      bytes: 25,
    });
    await server.done;
  });

  test("MAIL, RCPT and DATA together where it does; some recipients may be refused", async () => {
    const { smtp, server } = await connected(
      PIPELINED,
      `${TO_TWO}C: DATA\nS: 250 ok\nS: 550 5.1.1 who?\nS: 250 ok\nS: 354 go\n${HELLO}C: .\nS: 250 taken`,
    );
    const { accepted, rejected } = await smtp.send(two);
    expect(accepted).toEqual([{ recipient: "b@x.org", code: "250", text: "ok" }]);
    expect(rejected).toEqual([{ recipient: "a@x.org", code: "550", enhanced: "5.1.1", text: "5.1.1 who?" }]);
    await server.done;
  });

  test("where every recipient is refused and the message wanted all the same, it is not given away", async () => {
    const { smtp, server } = await connected(
      PIPELINED,
      `${TO_TWO}C: DATA\nS: 250 ok\nS: 550 no\nS: 450 later\nS: 354 go\nC: .\nS: 250 thank you\nC: NOOP\nS: 250 ok`,
    );
    const error = (await failure(smtp.send(two))) as SendError;
    expect(error).toBeInstanceOf(SendError);
    expect(error).toMatchObject({ code: "550", command: "RCPT TO:<a@x.org>", clientUsable: true });
    expect(error.result.rejected.map(({ code }) => code)).toEqual(["550", "450"]);
    await smtp.noop();
    await server.done;
  });

  test("a transaction that was left open is taken back in one write with the next one", async () => {
    const { smtp, server } = await connected(
      PIPELINED,
      `${TO_TWO}C: DATA\nS: 250 ok\nS: 550 no\nS: 550 no\nS: 503 no recipients
       C: RSET
       C: MAIL FROM:<alice@example.org>
       C: RCPT TO:<bob@example.net>
       C: DATA
       S: 250 reset
       S: 250 ok
       S: 250 ok
       S: 354 go\n${HELLO}C: .\nS: 250 taken`,
    );
    await failure(smtp.send(two));
    await smtp.send(raw());
    await server.done;
  });

  test("a refused MAIL needs no RSET", async () => {
    const { smtp, server } = await connected(
      PIPELINED,
      `C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\nS: 553 no\nS: 503 no\nS: 503 no
       C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\nS: 553 no\nS: 503 no\nS: 503 no`,
    );
    const error = (await failure(smtp.send(raw()))) as SendError;
    expect(error).toMatchObject({ code: "553", command: "MAIL FROM:<alice@example.org>" });
    expect(error.result.rejected).toMatchObject([{ recipient: "bob@example.net", code: "553" }]);
    await failure(smtp.send(raw()));
    await server.done;
  });

  test("the message itself may be refused", async () => {
    const { smtp, server } = await connected(
      PIPELINED,
      `${TO_TWO}C: DATA\nS: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go\n${HELLO}C: .\nS: 554 5.7.1 spam`,
    );
    const error = (await failure(smtp.send(two))) as SendError;
    expect(error).toMatchObject({
      code: "554",
      enhanced: "5.7.1",
      transient: false,
      result: { reply: { code: "554" } },
    });
    expect(error.result.rejected.map(({ recipient, code }) => [recipient, code])).toEqual([
      ["b@x.org", "550"],
      ["a@x.org", "554"],
    ]);
    await server.done;
  });
});

describe("BDAT", () => {
  const TO_BOB = "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\n";
  const BDAT = `${TO_BOB}C: BDAT 25 LAST\n`;
  const FIRST = `${TO_BOB}S: 250 ok\nS: 250 ok\nC: BDAT 25 LAST\n${HELLO}S: 250 first\n`;

  test("all in one write, behind a first message that was not", async () => {
    const { smtp, server } = await connected(CHUNKED, `${FIRST}${BDAT}${HELLO}S: 250 ok\nS: 250 ok\nS: 250 taken`);
    expect(await smtp.send(raw())).toMatchObject({ accepted: [{ code: "250" }], reply: { text: "first" } });
    expect(await smtp.send(raw())).toMatchObject({ accepted: [{ code: "250" }], reply: { text: "taken" } });
    await server.done;
  });

  test("no content is sent before the server has taken a MAIL: it might read it as commands", async () => {
    const { smtp, server } = await connected(
      CHUNKED,
      `${TO_BOB}S: 530 STARTTLS first\nS: 530 STARTTLS first\n${TO_BOB}S: 530 still\nS: 530 still\n`,
    );
    expect(await failure(smtp.send(raw()))).toMatchObject({ name: "SendError", code: "530" });
    expect(await failure(smtp.send(raw()))).toMatchObject({ name: "SendError", code: "530" });
    await server.done;
  });

  test("nor behind another EHLO", async () => {
    const { smtp, server } = await connected(
      CHUNKED,
      `${FIRST}${ehlo(...CHUNKED)}${TO_BOB}S: 530 log in\nS: 530 log in\n`,
    );
    await smtp.send(raw());
    await smtp.ehlo();
    expect(await failure(smtp.send(raw()))).toMatchObject({ name: "SendError", code: "530" });
    await server.done;
  });

  test("behind a refusal comes RSET, in one write with the next message", async () => {
    const { smtp, server } = await connected(
      CHUNKED,
      `${FIRST}${BDAT}${HELLO}S: 250 ok\nS: 550 no\nS: 554 no valid recipients\nC: RSET\n${BDAT}${HELLO}S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 taken`,
    );
    await smtp.send(raw());
    expect(await failure(smtp.send(raw()))).toMatchObject({ code: "550" });
    await smtp.send(raw());
    await server.done;
  });

  test("is not used where that was said", async () => {
    const { smtp, server } = await connected(
      CHUNKED,
      `C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n${HELLO}C: .\nS: 250 ok`,
      { chunking: false },
    );
    await smtp.send(raw());
    await server.done;
  });

  test("a message that is accepted behind a refused sender is nobody's guess: the connection is closed", async () => {
    const { smtp } = await connected(CHUNKED, `${FIRST}${BDAT}${HELLO}S: 553 no\nS: 250 ok\nS: 250 taken`);
    await smtp.send(raw());
    const error = await failure(smtp.send(raw()));
    expect(error).toMatchObject({ retryable: false, clientUsable: false });
    expect(smtp.state).toBe("closed");
  });
});

describe("overlapping calls", () => {
  const group = "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\n";
  const yes = "S: 250 ok\nS: 250 ok\nS: 354 go\n";
  const body = (text: string) => `C: Subject: ${text}\nC:\nC: ${text}\nC: .\n`;

  test("share round trips: a message and the next one's commands are one write", async () => {
    const { smtp, server } = await connected(
      PIPELINED,
      `${group}${yes}${body("one")}${group}S: 250 first\n${yes}${body("two")}S: 250 second`,
    );
    const results = await Promise.all([smtp.send(raw("one")), smtp.send(raw("two"))]);
    expect(results.map(({ reply }) => reply?.text)).toEqual(["first", "second"]);
    await server.done;
  });

  test("a server that could be Dovecot 2.3 gets RSET in between", async () => {
    const { smtp, server } = await connected(
      CHUNKED,
      `${group}${yes}${body("one")}C: RSET\n${group}S: 250 first\nS: 250 reset\n${yes}${body("two")}S: 250 second`,
      { chunking: false },
    );
    const results = await Promise.all([smtp.send(raw("one")), smtp.send(raw("two"))]);
    expect(results.map(({ reply }) => reply?.text)).toEqual(["first", "second"]);
    await server.done;
  });

  test("one behind the other, answered each: no RSET between them", async () => {
    const { smtp, server } = await inMemory({ features: { chunking: false } });
    for (const text of ["one", "two"]) await smtp.send(raw(text));
    expect(server.commands.filter((each) => each === "DATA")).toHaveLength(2);
    expect(server.commands).not.toContain("RSET");
  });

  test("workers that send one message behind the other, and other calls between them", async () => {
    const { smtp, server } = await inMemory();
    const worker = async (name: string) => {
      for (let i = 0; i < 20; i++) {
        await smtp.send(raw(`${name}${i}`));
        if (i % 7 === 0) await smtp.noop();
      }
    };
    await Promise.all(["a", "b", "c"].map(worker));
    expect(server.messages).toHaveLength(60);
    expect(server.violations).toEqual([]);
  });

  test("quit() waits for the messages before it", async () => {
    const { smtp, server } = await inMemory();
    const sent = [smtp.send(raw("1")), smtp.send(raw("2"))];
    await smtp.quit();
    expect((await Promise.allSettled(sent)).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    expect(server.messages).toHaveLength(2);
  });

  test("a message that cannot be sent does not keep the others from it", async () => {
    const { smtp, server } = await inMemory();
    const results = await Promise.allSettled([
      smtp.send(raw("1")),
      smtp.send(raw("2", "no address")),
      smtp.send(raw("3")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(server.messages).toHaveLength(2);
  });

  test("out of order: the call says so", async () => {
    const { smtp } = await inMemory();
    await smtp.quit();
    expect(await failure(smtp.send(raw()))).toBeInstanceOf(UsageError);
  });
});

describe("what cannot be sent", () => {
  test.each([
    ["a recipient with a line break", { envelope: { from: "a@x.org", to: "b@x.org>\r\nDATA" }, raw: Buffer.alloc(1) }],
    ["a sender with a line break", { envelope: { from: "a@x.org\nDATA", to: "b@x.org" }, raw: Buffer.alloc(1) }],
    ["no recipient", { envelope: { from: "a@x.org", to: [] }, raw: Buffer.alloc(1) }],
    ["two senders", { envelope: { from: "a@x.org, b@x.org", to: "b@x.org" }, raw: Buffer.alloc(1) }],
    ["no envelope", { raw: Buffer.alloc(1) } as never],
    ["too large a message", { envelope: { from: "a@x.org", to: "b@x.org" }, raw: Buffer.alloc(101, "a") }],
    [
      "a parameter the server lacks",
      { envelope: { from: "a@x.org", to: "b@x.org", ret: "full" as const }, raw: Buffer.alloc(1) },
    ],
    ["an address that needs SMTPUTF8", { envelope: { from: "a@x.org", to: "jürgen@x.org" }, raw: Buffer.alloc(1) }],
    ["nothing", undefined as never],
  ])("%s: nothing is sent", async (_, message) => {
    const { smtp, server } = await connected(["PIPELINING", "SIZE 100"], "C: NOOP\nS: 250 ok\n");
    expect(await failure(smtp.send(message))).toBeInstanceOf(UsageError);
    await smtp.noop();
    await server.done;
  });

  test("a file that is not there", async () => {
    const { smtp, server } = await connected(PIPELINED, "C: NOOP\nS: 250 ok\n");
    expect(await failure(smtp.send({ ...raw(), raw: "/no/such/file.eml" }))).toBeInstanceOf(SinkError);
    await smtp.noop();
    await server.done;
  });
});

describe("streams and files", () => {
  test.each([
    ["by BDAT", {}],
    ["by DATA", { chunking: false }],
    ["step by step", { chunking: false, pipelining: false }],
  ])("%s, line ends repaired over the borders of pieces", async (_, features) => {
    const { smtp, server } = await inMemory({ features });
    const pieces = ["Subject: x\r", "\n\r\n", ".a\n", ".", "\r", ".\r\nb"];
    await smtp.send({ ...raw(), raw: Readable.from(pieces) });
    expect(server.messages[0]?.content.toString()).toBe("Subject: x\r\n\r\n.a\r\n.\r\n.\r\nb\r\n");
    expect(server.violations).toEqual([]);
  });

  test("a large file, and a large Buffer", async () => {
    const folder = await mkdtemp(join(tmpdir(), "polywire-smtp-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const message = Buffer.from(`Subject: x\r\n\r\n${".a line\r\n".repeat(500_000)}`);
    await writeFile(join(folder, "a.eml"), message);
    for (const features of [{}, { chunking: false }]) {
      const { smtp, server } = await inMemory({ features });
      await smtp.send({ ...raw(), raw: join(folder, "a.eml") });
      await smtp.send({ ...raw(), raw: message });
      for (const { content } of server.messages) expect(content.equals(message)).toBe(true);
      expect(server.messages).toHaveLength(2);
      expect(server.violations).toEqual([]);
    }
  });

  async function* broken() {
    yield Buffer.from("Subject: x\r\n\r\n");
    yield Buffer.alloc(300_000, "a");
    throw new Error("disk on fire");
  }

  test("a source that fails in mid chunks is taken back: the client goes on", async () => {
    const { smtp, server } = await inMemory();
    const error = await failure(smtp.send({ ...raw(), raw: broken() }));
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ clientUsable: true });
    await smtp.send(raw("next"));
    expect(server.messages.map(({ content }) => content.toString())).toEqual([raw("next").raw.toString()]);
    expect(server.violations).toEqual([]);
  });

  test("a source that fails behind DATA ends the connection: the server drops what it has", async () => {
    const { smtp, server } = await inMemory({ features: { chunking: false } });
    const error = await failure(smtp.send({ ...raw(), raw: broken() }));
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ clientUsable: false });
    expect(smtp.state).toBe("closed");
    expect(server.messages).toEqual([]);
  });

  test("a chunk that is refused ends the message, and the source is let go of", async () => {
    const { smtp, server } = await inMemory();
    server.faults.refuse = { command: "BDAT", nth: 3, reply: "552 5.3.4 too much" };
    const source = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(100_000, "a\r\n");
      })(),
    );
    expect(await failure(smtp.send({ ...raw(), raw: source }))).toMatchObject({ code: "552" });
    expect(source.destroyed).toBe(true);
    await smtp.send(raw("next"));
    expect(server.messages).toHaveLength(1);
  });

  test("a server that answers in the middle of DATA is believed, and left", async () => {
    const { smtp } = await connected(
      PIPELINED,
      `C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: x\nS: 552 5.3.4 too much`,
    );
    const source = (async function* () {
      yield Buffer.from("Subject: x\r\n");
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (;;) yield Buffer.from("and so on\r\n");
    })();
    expect(await failure(smtp.send({ ...raw(), raw: source }))).toMatchObject({ name: "SendError", code: "552" });
    expect(smtp.state).toBe("closed");
  });
});

describe("a lost connection", () => {
  test("before the message: it certainly was not sent", async () => {
    const { smtp } = await connected(PIPELINED, "C: MAIL FROM:<alice@example.org>\nCLOSE");
    const error = await failure(smtp.send(raw()));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ retryable: true });
    expect(error.message).toContain("was not sent");
  });

  test("behind it: nobody knows, and it says which message to look for", async () => {
    const { smtp, server } = await inMemory({ features: { chunking: false } });
    server.faults.loseReply = { command: "." };
    const message = { ...raw(), raw: Buffer.from("Message-ID: <one@x.org>\r\n\r\nx\r\n") };
    const error = await failure(smtp.send(message));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ retryable: false, clientUsable: false });
    expect(error.message).toContain("<one@x.org>");
  });

  test("421 in place of an answer is a refusal for now, and the end", async () => {
    const { smtp } = await connected(CHUNKED, `C: MAIL FROM:<alice@example.org>\nS: 421 4.3.2 going down\nCLOSE`);
    expect(await failure(smtp.send(raw()))).toMatchObject({
      name: "SendError",
      code: "421",
      transient: true,
      clientUsable: false,
    });
    expect(smtp.state).toBe("closed");
  });

  test("a signal: dropped while it waits, else the connection is closed", async () => {
    const { smtp } = await connected(
      PIPELINED,
      "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\n",
    );
    const [first, second] = [new AbortController(), new AbortController()];
    const sent = [smtp.send(raw("1"), { signal: first.signal }), smtp.send(raw("2"), { signal: second.signal })];
    second.abort();
    expect(await failure(sent[1]!)).toMatchObject({ name: "AbortedError", clientUsable: true });
    first.abort();
    expect(await failure(sent[0]!)).toBeInstanceOf(AbortedError);
    expect(smtp.state).toBe("closed");
  });

  test("silence is not waited for longer than the call says", async () => {
    const { smtp } = await connected(
      PIPELINED,
      "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\n",
    );
    expect(await failure(smtp.send(raw(), { timeout: 200 }))).toMatchObject({ cause: { name: "TimeoutError" } });
    const wrong = await connected([], "");
    expect(await failure(wrong.smtp.send(raw(), { timeout: -1 }))).toBeInstanceOf(UsageError);
  });
});

describe("replies that make no sense close the connection", () => {
  test.each([
    ["354 to MAIL", "S: 354 go\nS: 250 ok\nS: 354 go"],
    ["354 to RCPT", "S: 250 ok\nS: 354 go\nS: 354 go"],
    ["250 to DATA", "S: 250 ok\nS: 250 ok\nS: 250 ok"],
    ["one too many", "S: 250 ok\nS: 250 ok\nS: 554 no\nS: 250 ok"],
    ["a code that changes within a reply", "S: 250-ok\nS: 550 no"],
    ["no reply at all", "S: hello"],
  ])("%s", async (_, script) => {
    const { smtp } = await connected(
      PIPELINED,
      `C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\n${script}\n`,
    );
    await failure(smtp.send(raw()));
    expect(await failure(smtp.noop())).toBeInstanceOf(ProtocolError);
    expect(smtp.state).toBe("closed");
  });
});

describe("limits that the server announces (RFC 9422)", () => {
  test("recipients are shared out to several transactions, and the results put together", async () => {
    const { smtp, server } = await inMemory({ limits: { recipients: 2 }, reject: { "c@*": "550 5.1.1 no" } });
    const to = ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"];
    const result = await smtp.send(raw("x", to));
    expect(server.messages.map((message) => message.to)).toEqual([["a@x.org", "b@x.org"], ["d@x.org"], ["e@x.org"]]);
    expect(result.accepted.map(({ recipient }) => recipient)).toEqual(["a@x.org", "b@x.org", "d@x.org", "e@x.org"]);
    expect(result.rejected.map(({ recipient }) => recipient)).toEqual(["c@x.org"]);
    const stream = { ...raw("x", to), raw: Readable.from([Buffer.from("x")]) };
    expect(await smtp.send(stream)).toMatchObject({ accepted: result.accepted, rejected: result.rejected });
    expect(server.messages.slice(3).map(({ content }) => content.toString())).toEqual(["x\r\n", "x\r\n", "x\r\n"]);
  });

  test("domains likewise", async () => {
    const { smtp, server } = await inMemory({ extensions: ["LIMITS RCPTDOMAINMAX=1"] });
    await smtp.send(raw("x", ["a@x.org", "b@X.org", "c@y.org"]));
    expect(server.messages.map(({ to }) => to)).toEqual([["a@x.org", "b@X.org"], ["c@y.org"]]);
  });

  test("messages beyond the limit of a connection are not begun", async () => {
    const { smtp, server } = await inMemory({ limits: { messages: 2 } });
    const outcomes = await smtp.sendAll([raw("1"), raw("2"), raw("3")]).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(["sent", "sent", "unsent"]);
    expect(outcomes[2]?.error).toMatchObject({ name: "UsageError", retryable: true });
    expect(server.violations).toEqual([]);
  });
});

describe("what is declared", () => {
  test("8-bit content, its size, and UTF-8 in addresses and headers", async () => {
    const { smtp, server } = await inMemory();
    const content = Buffer.from("Subject: plain\r\n\r\né\r\n");
    await smtp.send({ envelope: { from: "a@bücher.example", to: "b@x.org" }, raw: content });
    await smtp.send({ envelope: { from: "a@x.org", to: "jürgen@x.org" }, raw: Buffer.from("x\r\n") });
    await smtp.send({ envelope: { from: "a@x.org", to: "b@x.org" }, raw: Buffer.from("Subject: é\r\n\r\nx\r\n") });
    expect(server.messages.map(({ params }) => params)).toEqual([
      { SIZE: String(content.length), BODY: "8BITMIME" },
      { SIZE: "3", SMTPUTF8: true },
      { SIZE: "18", BODY: "8BITMIME", SMTPUTF8: true },
    ]);
    expect(server.messages[0]?.from).toBe("a@xn--bcher-kva.example");
    expect(server.messages[1]?.to).toEqual(["jürgen@x.org"]);
    expect(server.violations).toEqual([]);
  });

  test("what the envelope says goes before what is said for all", async () => {
    const { smtp, server } = await inMemory();
    const to = [{ address: "a@x.org", notify: "never" as const }, "b@x.org"];
    await smtp.send(
      { envelope: { from: "x@x.org", to, ret: "hdrs" }, raw: Buffer.from("x\r\n") },
      { mail: { ret: "full", envid: "1" }, rcpt: { notify: ["delay"] } },
    );
    expect(server.messages[0]).toMatchObject({
      params: { RET: "HDRS", ENVID: "1" },
      recipients: [
        { address: "a@x.org", params: { NOTIFY: "NEVER" } },
        { address: "b@x.org", params: { NOTIFY: "DELAY" } },
      ],
    });
  });

  test("binary content goes by BDAT, as it is; without it, it does not go", async () => {
    for (const lmtp of [false, true]) {
      const { smtp, server } = await inMemory({ lmtp }, { lmtp, chunking: false });
      const content = Buffer.from("a\nb\r.\n\0\xff", "latin1");
      await smtp.send({ envelope: { from: "a@x.org", to: ["b@x.org", "c@x.org"], body: "binarymime" }, raw: content });
      expect(server.messages.every((message) => message.content.equals(content))).toBe(true);
      expect(server.messages[0]).toMatchObject({ by: "BDAT", params: { BODY: "BINARYMIME" } });
    }
    const { smtp } = await inMemory({ features: { binaryMime: false } });
    expect(await failure(smtp.send({ ...raw(), envelope: { ...raw().envelope, body: "binarymime" } }))).toBeInstanceOf(
      UsageError,
    );
  });
});
