/** A server and a client that are not of one mind: open transactions, early refusals, answers that do not go together. */
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import type { PartlySentError } from "../../src/smtp/result.js";
import { failure } from "../net/loopback.js";
import { connected, inMemory, raw, talk } from "./dialogue.js";

const CHUNKED = ["PIPELINING", "CHUNKING"];
const TO_BOB = "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bob@example.net>\n";
const BOTH = ["a@x.org", "b@x.org"];
const large = () => Readable.from(Array.from({ length: 6 }, () => Buffer.alloc(500_000, "a line\r\n")));

describe("a transaction that single commands left open", () => {
  test.each([
    ["BDAT", {}],
    ["DATA", { chunking: false }],
    ["step by step", { chunking: false, pipelining: false }],
  ])("does not swallow the next message, by %s", async (_, features) => {
    const { smtp, server } = await inMemory({ features });
    await smtp.mail("old@x.org");
    await smtp.rcpt("oldest@x.org");
    await smtp.send(raw("new"));
    await smtp.request("MAIL FROM:<raw@x.org>");
    await smtp.send(raw("newer"));
    expect(server.messages.map(({ from, to }) => [from, to])).toEqual([
      ["alice@example.org", ["bob@example.net"]],
      ["alice@example.org", ["bob@example.net"]],
    ]);
    expect(server.violations).toEqual([]);
  });

  test("is over behind its message, behind RSET, and behind EHLO: none is sent in vain", async () => {
    const { smtp, server } = await inMemory();
    await smtp.mail("a@x.org");
    await smtp.rcpt("b@x.org");
    await smtp.data({ text: "x\n" });
    await smtp.send(raw("1"));
    await smtp.mail("a@x.org");
    await smtp.rcpt("b@x.org");
    await smtp.bdat(Buffer.from("x\r\n"), { last: true });
    await smtp.send(raw("2"));
    await smtp.mail("a@x.org");
    await smtp.ehlo();
    await smtp.send(raw("3"));
    expect(server.commands).not.toContain("RSET");
    await smtp.mail("a@x.org");
    await smtp.rset();
    await smtp.send(raw("4"));
    expect(server.commands.filter((each) => each === "RSET")).toHaveLength(1);
    expect(server.messages).toHaveLength(6);
  });

  test("a second MAIL is the server's to refuse", async () => {
    const { smtp } = await inMemory();
    await smtp.mail("a@x.org");
    expect(await failure(smtp.mail("b@x.org"))).toMatchObject({ code: "503" });
    await smtp.rcpt("c@x.org");
  });

  test("a server that says so itself gets RSET with the next message", async () => {
    const { smtp, server } = await connected(
      [],
      `C: MAIL FROM:<alice@example.org>\nS: 503 nested\nC: RSET\nS: 250 ok\nC: MAIL FROM:<alice@example.org>\nS: 553 no\n`,
    );
    expect(await failure(smtp.send(raw()))).toMatchObject({ code: "503" });
    expect(await failure(smtp.send(raw()))).toMatchObject({ code: "553" });
    await server.done;
  });

  test("without RSET the connection is closed: no message goes out under another one's sender", async () => {
    for (const features of [{}, { chunking: false }, { chunking: false, pipelining: false }]) {
      const { smtp, server } = await inMemory({ features, disabled: ["RSET"] });
      await smtp.mail("old@x.org");
      await smtp.rcpt("oldest@x.org");
      const error = await failure(smtp.send(raw("new")));
      expect(error.message).toContain("RSET");
      expect(smtp.state).toBe("closed");
      expect(server.messages).toEqual([]);
    }
  });
});

describe("a chunk that is refused", () => {
  const pieces = () => Readable.from([Buffer.from("one\r\n"), Buffer.from("two\r\n")]);
  const upTo = `${TO_BOB}S: 250 ok\nS: 250 ok\nC: BDAT 5\nC: one\nC: BDAT 5\nC: two\nC: BDAT 0 LAST\n`;

  test("decides, also where its answer comes behind the last one", async () => {
    const { smtp, server } = await connected(CHUNKED, `${upTo}S: 452 4.3.1 full\nS: 503 no\nS: 503 no\n`);
    const error = await failure(smtp.send({ ...raw(), raw: pieces() }));
    expect(error).toMatchObject({ name: "SendError", code: "452", enhanced: "4.3.1", transient: true });
    await server.done;
  });

  test("one that would make the message too large (SIZE) is not sent", async () => {
    const { smtp, server } = await inMemory({ features: { size: 1_200_000 } });
    const error = await failure(smtp.send({ ...raw(), raw: large() }));
    expect(error).toMatchObject({ name: "UsageError", clientUsable: true });
    expect(server.commands.filter((each) => each.startsWith("BDAT"))).toHaveLength(2);
    await smtp.send(raw("next"));
    expect(server.messages).toHaveLength(1);
  });

  test("and a server that reads what follows as commands is left at once", async () => {
    const { smtp, server } = await connected(
      CHUNKED,
      `${upTo}S: 552 5.3.4 too much\nS: 500 unrecognized command\nS: 500 unrecognized command\n`,
    );
    const error = await failure(smtp.send({ ...raw(), raw: pieces() }));
    expect(error).toMatchObject({ name: "SendError", code: "552", clientUsable: false });
    expect(smtp.state).toBe("closed");
    await server.done;
  });

  test("and a server that takes the message all the same is left", async () => {
    const { smtp } = await connected(CHUNKED, `${upTo}S: 452 4.3.1 full\nS: 250 ok\nS: 250 taken\n`);
    expect(await failure(smtp.send({ ...raw(), raw: pieces() }))).toMatchObject({
      retryable: false,
      cause: { name: "ProtocolError" },
    });
    expect(smtp.state).toBe("closed");
  });

  test.each([
    ["without PIPELINING", { pipelining: false }, {}],
    ["binary", {}, { body: "binarymime" as const }],
  ])("LMTP, %s: it is for all recipients", async (_, features, parameters) => {
    const { smtp, server } = await inMemory({ lmtp: true, features }, { lmtp: true });
    server.faults.refuse = { command: "BDAT", reply: "452 4.3.1 full" };
    const error = await failure(smtp.send({ ...raw("x", BOTH), raw: large() }, { mail: parameters }));
    expect(error).toMatchObject({ name: "SendError", code: "452" });
    expect((error as PartlySentError).result.rejected.map(({ recipient }) => recipient)).toEqual(BOTH);
    await smtp.send(raw("next", BOTH));
    expect(server.violations).toEqual([]);
  });
});

describe("LMTP", () => {
  const lmtp = { lmtp: true } as const;
  const greeting = "S: 220 x\nC: LHLO client.example.org\nS: 250-x\nS: 250 PIPELINING\n";

  test("a message that is refused in its middle for everybody is refused, not lost", async () => {
    const { smtp } = await talk(
      `${greeting}C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<a@x.org>\nC: RCPT TO:<b@x.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: x\nS: 552 5.3.4 too much\nS: 552 5.3.4 too much`,
      lmtp,
    );
    await smtp.connect();
    const source = (async function* () {
      yield Buffer.from("Subject: x\r\n");
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (;;) yield Buffer.from("and so on\r\n");
    })();
    const error = await failure(smtp.send({ ...raw("x", BOTH), raw: source }));
    expect(error).toMatchObject({ name: "SendError", code: "552", transient: false, clientUsable: false });
    expect((error as PartlySentError).result.rejected).toHaveLength(2);
    expect(smtp.state).toBe("closed");
  });

  test("overlapping single commands wait for each other where their answers must be counted", async () => {
    const { smtp, server } = await inMemory(lmtp, lmtp);
    await smtp.mail("x@x.org");
    const [, , replies] = await Promise.all([
      smtp.rcpt("a@x.org"),
      smtp.rcpt("b@x.org"),
      smtp.bdat(Buffer.from("x\r\n"), { last: true }),
    ]);
    expect(replies).toHaveLength(2);
    await smtp.noop();
    expect(server.messages).toHaveLength(1);
  });

  test("where only some were answered, the error says who has it", async () => {
    const { smtp } = await talk(
      `${greeting}C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<a@x.org>\nC: RCPT TO:<b@x.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: x\nC:\nC: x\nC: .\nS: 250 2.0.0 taken\nCLOSE`,
      lmtp,
    );
    await smtp.connect();
    const error = (await failure(smtp.send(raw("x", BOTH)))) as PartlySentError;
    expect(error).toMatchObject({ name: "ConnectionError", retryable: false });
    expect(error.result.accepted).toMatchObject([{ recipient: "a@x.org", enhanced: "2.0.0" }]);
  });
});

describe("limits of the server (RFC 9422)", () => {
  test("a message of which one part was lost says who has it", async () => {
    const { smtp, server } = await inMemory({ limits: { recipients: 1 }, features: { chunking: false } });
    server.faults.closeBeforeCommand = { command: "RCPT TO:<b@x.org>" };
    const error = (await failure(smtp.send(raw("x", BOTH)))) as PartlySentError;
    expect(error.result.accepted.map(({ recipient }) => recipient)).toEqual(["a@x.org"]);
    expect(error).toMatchObject({ name: "ConnectionError", retryable: false });
    expect(error.message).toContain("1 of 2 recipients");
    expect(server.messages.map(({ to }) => to)).toEqual([["a@x.org"]]);
  });

  test("one that ends between two parts leaves the client in use", async () => {
    const { smtp } = await inMemory({ limits: { recipients: 1, messages: 1 } });
    const error = (await failure(smtp.send(raw("x", BOTH)))) as PartlySentError;
    expect(error).toMatchObject({ name: "UsageError", clientUsable: true });
    expect(error.result.accepted).toHaveLength(1);
    await smtp.noop();
  });
});

describe("REQUIRETLS (RFC 8689)", () => {
  const wanted = { mail: { requireTls: true } } as const;

  test("goes over TLS with a certificate that was checked", async () => {
    const { smtp, server } = await inMemory({ tls: "starttls" }, { security: "starttls" });
    await smtp.send(raw(), wanted);
    await smtp.mail("a@x.org", { requireTls: true });
    expect(server.messages[0]?.params).toHaveProperty("REQUIRETLS");
  });

  test.each([
    ["in the clear", {}, {}],
    [
      "with a certificate that nobody checked",
      { tls: "starttls" },
      { security: "starttls", tls: { rejectUnauthorized: false } },
    ],
  ] as const)("%s nothing is sent", async (_, options, given) => {
    const { smtp, server } = await inMemory({ ...options, extensions: ["REQUIRETLS"] }, given);
    expect(smtp.has("REQUIRETLS")).toBe(true);
    expect(await failure(smtp.send(raw(), wanted))).toBeInstanceOf(UsageError);
    expect(await failure(smtp.mail("a@x.org", { requireTls: true }))).toBeInstanceOf(UsageError);
    expect(server.commands.filter((each) => each.startsWith("MAIL"))).toEqual([]);
    await smtp.send(raw());
  });
});

describe("a server that contradicts itself", () => {
  test("a refused sender, and the message wanted all the same: it does not get it", async () => {
    const { smtp, server } = await connected(["PIPELINING"], `${TO_BOB}C: DATA\nS: 451 later\nS: 250 ok\nS: 354 go\n`);
    expect(await failure(smtp.send(raw()))).toMatchObject({ name: "SendError", code: "451", clientUsable: false });
    expect(smtp.state).toBe("closed");
    await server.done;
  });

  test("150 is no consent to DATA", async () => {
    const { smtp } = await connected(["PIPELINING"], `${TO_BOB}C: DATA\nS: 250 ok\nS: 250 ok\nS: 150 wait\n`);
    expect(await failure(smtp.send(raw()))).toMatchObject({ cause: expect.any(ProtocolError) });
    expect(smtp.state).toBe("closed");
  });

  test("421 in mid window: what was not answered then was not sent", async () => {
    const { smtp, server } = await inMemory();
    await smtp.send(raw("first"));
    server.faults.refuse = { command: "MAIL", nth: 3, reply: "421 4.3.2 going down" };
    const outcomes = await smtp.sendAll(["1", "2", "3", "4", "5", "6"].map((text) => raw(text))).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(["sent", "sent", "refused", "unsent", "unsent", "unsent"]);
    expect(outcomes[4]?.error).toMatchObject({ retryable: true });
    expect(server.messages).toHaveLength(3);
  });
});
