/** Messages in parts: composed by nodemailer, their envelope from their addresses, signed where that is asked for. */
import { createVerify, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { SinkError, UsageError } from "../../src/client/errors.js";
import { parseHeaders } from "../../src/message/headers.js";
import { parseMessage } from "../../src/message/parse.js";
import type { MailInput } from "../../src/smtp/options.js";
import { failure } from "../net/loopback.js";
import { inMemory, raw } from "./dialogue.js";

const LETTER: MailInput = {
  from: "Alice <alice@example.org>",
  to: "bob@example.net",
  subject: "hello",
  text: "hello\n",
};

describe("the envelope", () => {
  test("comes from the addresses, Bcc among them, which is not shown", async () => {
    const { smtp, server } = await inMemory();
    const mail = {
      ...LETTER,
      to: ["Bob <bob@example.net>", "bob@example.net"],
      cc: "carol@example.net",
      bcc: "dave@example.net",
    };
    const { messageId, envelope } = await smtp.send(mail);
    const [message] = server.messages;
    expect(message).toMatchObject({
      from: "alice@example.org",
      to: ["bob@example.net", "carol@example.net", "dave@example.net"],
    });
    expect(envelope.to).toEqual(message?.to);
    expect(message?.content.toString()).not.toContain("dave");
    expect(parseHeaders(message!.content).get("message-id")).toBe(messageId);
    expect(server.violations).toEqual([]);
  });

  test.each([
    ["to", "bob@example.net,nonsense"],
    ["cc", "b@example.net c@example.net"],
    ["bcc", ["b@example.net", "<foo"]],
    ["from", "nonsense"],
  ])("is refused where %s is %j: a part of it would be left out, and nobody told", async (field, value) => {
    const { smtp, server } = await inMemory();
    const error = await failure(smtp.send({ ...LETTER, [field]: value }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain("no address");
    expect(server.messages).toEqual([]);
  });

  test("or is given, with parameters", async () => {
    const { smtp, server } = await inMemory();
    await smtp.send({ ...LETTER, envelope: { from: "", to: "x@example.org", notify: "never" } });
    await smtp.send({ ...LETTER, envelope: { ret: "hdrs" } });
    expect(server.messages).toMatchObject([
      { from: "", recipients: [{ address: "x@example.org", params: { NOTIFY: "NEVER" } }] },
      { from: "alice@example.org", to: ["bob@example.net"], params: { RET: "HDRS" } },
    ]);
  });

  test.each([
    ["no sender", { to: "a@x.org", text: "x" }],
    ["no recipient", { from: "a@x.org", text: "x" }],
  ])("%s: nothing is sent", async (_, mail) => {
    const { smtp, server } = await inMemory();
    expect(await failure(smtp.send(mail))).toBeInstanceOf(UsageError);
    expect(server.commands).toEqual(["EHLO client.example.org"]);
  });

  test("domains that are not ASCII are written in ASCII, local parts need SMTPUTF8", async () => {
    const { smtp, server } = await inMemory();
    await smtp.send({ ...LETTER, to: "bob@bücher.example" });
    await smtp.send({ ...LETTER, to: "jürgen@example.net" });
    expect(server.messages.map(({ to, params }) => [to[0], params.SMTPUTF8])).toEqual([
      ["bob@xn--bcher-kva.example", undefined],
      ["jürgen@example.net", true],
    ]);
    expect(server.violations).toEqual([]);
    const old = await inMemory({ features: { smtpUtf8: false } });
    await old.smtp.send({ ...LETTER, to: "bob@bücher.example" });
    expect(await failure(old.smtp.send({ ...LETTER, to: "jürgen@example.net" }))).toBeInstanceOf(UsageError);
    expect(old.server.violations).toEqual([]);
  });
});

describe("the content", () => {
  test("text, HTML and attachments arrive as they were", async () => {
    const { smtp, server } = await inMemory({ features: { eightBitMime: false, chunking: false } });
    const attachments = [{ filename: "a.bin", content: Buffer.from([0, 10, 13, 255, 46]) }];
    await smtp.send({ ...LETTER, subject: "Grüße", text: "Grüße\n.\n..\n", html: "<p>Grüße</p>", attachments });
    const message = await parseMessage(server.messages[0]!.content);
    expect(message).toMatchObject({ subject: "Grüße", text: "Grüße\n.\n..\n" });
    expect(message.attachments[0]?.content).toEqual(attachments[0]?.content);
    expect(server.violations).toEqual([]);
  });

  test("files and streams go out as they are read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "polywire-compose-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const content = Buffer.alloc(600_000, "0123456789");
    await writeFile(join(folder, "big.bin"), content);
    const { smtp, server } = await inMemory();
    await smtp.send({
      ...LETTER,
      attachments: [{ path: join(folder, "big.bin") }, { content: Readable.from([content]), filename: "b" }],
    });
    const { attachments } = await parseMessage(server.messages[0]!.content);
    for (const attachment of attachments) expect(attachment.content.equals(content)).toBe(true);
    expect(attachments).toHaveLength(2);
  });

  test("a file that is not there is found out, and the client goes on", async () => {
    const { smtp, server } = await inMemory();
    expect(await failure(smtp.send({ ...LETTER, attachments: [{ path: "/no/such/file" }] }))).toBeInstanceOf(SinkError);
    await smtp.send(LETTER);
    expect(server.messages).toHaveLength(1);
    expect(server.violations).toEqual([]);
  });

  test("nothing is fetched from the network unless that was written out", async () => {
    const { smtp, server } = await inMemory();
    const error = await failure(smtp.send({ ...LETTER, attachments: [{ path: "http://127.0.0.1:9/x" }] }));
    expect(error).toBeInstanceOf(SinkError);
    expect(server.messages).toEqual([]);
  });
});

describe("a line break is refused, and nothing is sent", () => {
  const evil = "x\r\nBcc: evil@example.org";
  test.each([
    ["subject", { subject: evil }],
    ["from", { from: `${evil} <a@example.org>` }],
    ["to", { to: ["a@example.org", `b@example.org\n`] }],
    ["replyTo", { replyTo: { name: evil, address: "a@example.org" } }],
    ["messageId", { messageId: `<a@b>\r\nX: y` }],
    ["references", { references: ["<a@b>", "<c@d>\nX: y"] }],
    ["headers", { headers: { "X-A": evil } }],
    ["headers", { headers: [{ key: "X-A\r\nX-B", value: "y" }] }],
    ["headers", { headers: { "X-A": { prepared: true, value: evil } } }],
    ["filename", { attachments: [{ filename: `a${evil}`, content: "x" }] }],
    ["cid", { attachments: [{ cid: `a${evil}`, content: "x" }] }],
    ["contentType", { attachments: [{ contentType: `text/plain${evil}`, content: "x" }] }],
    ["headers", { text: { content: "x", headers: { "X-A": evil } } }],
    ["envelope", { envelope: { from: `a@example.org${evil}`, to: "b@example.org" } }],
  ] as [string, Partial<MailInput>][])("%s: %j", async (_, part) => {
    const { smtp, server } = await inMemory();
    expect(await failure(smtp.send({ ...LETTER, ...part }))).toBeInstanceOf(UsageError);
    expect(server.commands).toEqual(["EHLO client.example.org"]);
  });

  test("options that only nodemailer's mailer reads are refused, not lost", async () => {
    const { smtp } = await inMemory();
    expect(await failure(smtp.send({ ...LETTER, priority: "high" } as MailInput))).toBeInstanceOf(UsageError);
  });
});

describe("DKIM", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const dkim = {
    domainName: "example.org",
    keySelector: "k1",
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };

  /** The signature of the header alone, verified by RFC 6376 §3.7, relaxed. */
  function verifies(content: Buffer): boolean {
    const [head = ""] = content.toString().split("\r\n\r\n", 1);
    const fields = head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
    const relaxed = (field: string) => {
      const colon = field.indexOf(":");
      return `${field.slice(0, colon).toLowerCase().trim()}:${field
        .slice(colon + 1)
        .replace(/\s+/g, " ")
        .trim()}`;
    };
    const signature = fields.find((field) => field.startsWith("DKIM-Signature:"))!;
    const names = /\bh=([^;]+)/
      .exec(signature)![1]!
      .split(":")
      .map((name) => name.trim().toLowerCase());
    const signed = names.map((name) => relaxed(fields.find((field) => field.toLowerCase().startsWith(`${name}:`))!));
    const [, b = ""] = /\bb=([^;]+)/.exec(signature)!;
    const unsigned = relaxed(signature).replace(/\bb=[^;]+/, "b=");
    const verify = createVerify("sha256").update([...signed, unsigned].join("\r\n"));
    return verify.verify(publicKey, b.replace(/\s+/g, ""), "base64");
  }

  test("signs what is composed, what is raw, and what is streamed, as it is sent", async () => {
    const { smtp, server } = await inMemory({}, { dkim });
    const content = Buffer.from("From: a@example.org\nSubject: bare line feeds\n\nhello\n");
    await smtp.send(LETTER);
    await smtp.send({ ...raw(), raw: content });
    await smtp.send({ ...raw(), raw: Readable.from([content]) });
    expect(server.messages).toHaveLength(3);
    for (const message of server.messages) expect(verifies(message.content)).toBe(true);
    expect(server.violations).toEqual([]);
  });

  test("not where a message says so, and by its own key where it has one", async () => {
    const { smtp, server } = await inMemory({}, { dkim });
    await smtp.send({ ...LETTER, dkim: false });
    await smtp.send({ ...LETTER, dkim: { ...dkim, keySelector: "k2" } });
    expect(server.messages.map(({ content }) => /\bs=(k\d)/.exec(content.toString())?.[1])).toEqual([undefined, "k2"]);
  });

  test("a key that is none is an error, and nothing is sent unsigned", async () => {
    const wrong = { ...dkim, privateKey: "no key" };
    await expect(inMemory({}, { dkim: wrong })).rejects.toBeInstanceOf(UsageError);
    const { smtp, server } = await inMemory({}, { dkim });
    expect(await failure(smtp.send({ ...LETTER, dkim: wrong }))).toBeInstanceOf(UsageError);
    expect(await failure(smtp.send({ ...LETTER, dkim: { keys: [] } }))).toBeInstanceOf(UsageError);
    expect(server.messages).toEqual([]);
  });
});
