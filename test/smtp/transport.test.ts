/** polywireTransport through nodemailer's own API: what callers of its SMTP transport and pool expect, they get. */
import { once } from "node:events";
import { Readable } from "node:stream";
import nodemailer, { type NodemailerError, type SendMailOptions } from "nodemailer";
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, LoginError, UsageError } from "../../src/client/errors.js";
import { Rate } from "../../src/smtp/rate.js";
import { SendError } from "../../src/smtp/result.js";
import { type PolywireTransportOptions, polywireTransport } from "../../src/smtp/transport.js";
import { TransportError } from "../../src/smtp/transport-error.js";
import { SmtpServer, type SmtpServerOptions, testTls } from "../../src/testing/index.js";

const MAIL = { from: "Alice <alice@example.org>", to: "bob@example.net", subject: "hello", text: "Hi\n.dot\n" };

/** A server, and a transporter of nodemailer's over our transport. */
async function bed(options: SmtpServerOptions = {}, more: Partial<PolywireTransportOptions> = {}) {
  const server = await SmtpServer.start(options);
  const transport = polywireTransport({ url: server.urlOf(), ...more } as PolywireTransportOptions);
  const mailer = nodemailer.createTransport(transport);
  const failure = (mail: SendMailOptions) =>
    mailer.sendMail(mail).then(
      () => {
        throw new Error("it was sent");
      },
      (error: NodemailerError & { cause: unknown }) => error,
    );
  return {
    ...{ server, transport, mailer, failure },
    async [Symbol.asyncDispose]() {
      mailer.close();
      await server.close();
    },
  };
}

const waitFor = async (is: () => boolean) => {
  while (!is()) await new Promise((go) => setTimeout(go, 5));
};

describe.concurrent("sendMail", () => {
  test("gives the info that nodemailer's SMTP transport gives", async () => {
    await using job = await bed({ users: { alice: "secret" }, requireLogin: true });
    const info = await job.mailer.sendMail({ ...MAIL, cc: "carol@example.net" });
    const [message] = job.server.messages;
    expect(info).toMatchObject({
      envelope: { from: "alice@example.org", to: ["bob@example.net", "carol@example.net"] },
      accepted: ["bob@example.net", "carol@example.net"],
      rejected: [],
      messageId: expect.stringMatching(/^<.+@example\.org>$/),
      response: expect.stringMatching(/^250 /),
      messageSize: message?.size,
      messageTime: expect.any(Number),
    });
    expect(info).not.toHaveProperty("rejectedErrors");
    expect(message).toMatchObject({ from: "alice@example.org", user: "alice" });
    expect(message?.content.toString()).toContain(`Message-ID: ${info.messageId}\r\n`);
    expect(message?.content.toString()).toContain("\r\n\r\nHi\r\n.dot\r\n");
    expect(job.server.violations).toEqual([]);
  });

  test("by a callback, too, and what it throws is not the transport's", async () => {
    await using job = await bed();
    const accepted = await new Promise((resolve) => {
      job.mailer.sendMail(MAIL, (error, info) => resolve(error ?? info.accepted));
    });
    expect(accepted).toEqual(["bob@example.net"]);
  });

  test("some recipients refused: the others get it, and each refusal says why", async () => {
    await using job = await bed({ reject: { "eve@*": "550 5.1.1 No such user", "dan@*": "450 4.2.1 Later" } });
    const info = await job.mailer.sendMail({ ...MAIL, to: "eve@x.example, bob@x.example, dan@x.example" });
    expect(info).toMatchObject({ accepted: ["bob@x.example"], rejected: ["eve@x.example", "dan@x.example"] });
    expect(info.rejectedErrors).toMatchObject([
      { recipient: "eve@x.example", code: "EENVELOPE", responseCode: 550, permanent: true, command: "RCPT TO" },
      { recipient: "dan@x.example", responseCode: 450, response: "450 4.2.1 Later", permanent: false },
    ]);
  });

  test("attachments, streams, DKIM and raw messages come as nodemailer makes them", async () => {
    await using job = await bed();
    const content = Readable.from([Buffer.from("from a "), Buffer.from("stream")]);
    await job.mailer.sendMail({ ...MAIL, attachments: [{ filename: "a.txt", content }] });
    expect(job.server.messages[0]?.content.toString()).toContain(Buffer.from("from a stream").toString("base64"));
    const dkim = { domainName: "example.org", keySelector: "k", privateKey: testTls.server.key.toString() };
    await job.mailer.sendMail({ ...MAIL, dkim });
    expect(job.server.messages[1]?.content.toString()).toMatch(/^DKIM-Signature: v=1; a=\w+-sha256;/);
    await job.mailer.sendMail({
      envelope: { from: false, to: ["bob@x.example"] },
      raw: "Subject: x\n\n.\nGr\u00fc\u00dfe\n",
    });
    expect(job.server.messages[2]).toMatchObject({ from: "", to: ["bob@x.example"] });
    expect(job.server.messages[2]?.content.toString()).toBe("Subject: x\r\n\r\n.\r\nGrüße\r\n");
    expect(job.server.violations).toEqual([]);
  });

  test("dsn under both of its names; left out where the server has no DSN", async () => {
    await using job = await bed();
    const dsn = { id: "order 1", return: "headers", notify: ["failure", "DELAY"], recipient: "rfc822;bob@old.example" };
    await job.mailer.sendMail({ ...MAIL, dsn });
    await job.mailer.sendMail({ ...MAIL, dsn: { envid: "e", ret: "FULL", notify: "never" } });
    const [first, second] = job.server.messages;
    expect(first).toMatchObject({ params: { RET: "HDRS", ENVID: "order+201" } });
    expect(first?.recipients[0]?.params).toMatchObject({ NOTIFY: "FAILURE,DELAY" });
    expect(first?.recipients[0]?.params.ORCPT).toContain("bob@old.example");
    expect(second).toMatchObject({
      params: { RET: "FULL", ENVID: "e" },
      recipients: [{ params: { NOTIFY: "NEVER" } }],
    });
    expect(await job.failure({ ...MAIL, dsn: { notify: "sometimes" } })).toMatchObject({ code: "EENVELOPE" });
    await using old = await bed({ features: { dsn: false } });
    await old.mailer.sendMail({ ...MAIL, dsn });
    expect(old.server.messages[0]?.params).not.toHaveProperty("RET");
  });

  test("LMTP: an answer for each recipient", async () => {
    const options = { lmtp: true, rejectDelivery: { "eve@*": "552 5.2.2 Full" } };
    const server = await SmtpServer.start(options);
    const where = { host: "127.0.0.1", port: server.port, security: "plain", lmtp: true } as const;
    const mailer = nodemailer.createTransport(polywireTransport(where));
    const info = await mailer.sendMail({ ...MAIL, to: ["bob@x.example", "eve@x.example"] });
    expect(info).toMatchObject({ accepted: ["bob@x.example"], rejected: ["eve@x.example"] });
    mailer.close();
    await server.close();
  });
});

test("more recipients than the server takes at once: several transactions, also of a stream", async () => {
  await using job = await bed({ limits: { recipients: 2 } });
  const to = ["a@x.example", "b@x.example", "c@x.example"];
  const content = Readable.from([Buffer.alloc(400_000, "from a stream\n")]);
  const info = await job.mailer.sendMail({ ...MAIL, to, attachments: [{ filename: "a.txt", content }] });
  expect(info.accepted).toEqual(to);
  const [first, second] = job.server.messages;
  expect([first?.to, second?.to]).toEqual([to.slice(0, 2), to.slice(2)]);
  expect(first!.content.equals(second!.content)).toBe(true);
});

describe.concurrent("failures have nodemailer's fields, and our error as their cause", () => {
  test("all recipients refused", async () => {
    await using job = await bed({ reject: { "*": "550 5.1.1 No such user" } });
    const error = await job.failure(MAIL);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: "EENVELOPE",
      responseCode: 550,
      permanent: true,
      rejected: ["bob@example.net"],
    });
    expect(error.rejectedErrors).toMatchObject([{ recipient: "bob@example.net" }]);
    expect(error.cause).toBeInstanceOf(SendError);
    expect(error).toMatchObject({ command: "RCPT TO", response: "550 5.1.1 No such user" });
  });

  test("the message refused, the sender refused, later", async () => {
    await using job = await bed({ onMessage: () => "554 5.7.1 Spam", rejectFrom: { "bad@*": "451 4.7.0 Later" } });
    expect(await job.failure(MAIL)).toMatchObject({ code: "EMESSAGE", responseCode: 554, permanent: true });
    expect(await job.failure(MAIL)).toMatchObject({ command: "DATA", response: "554 5.7.1 Spam" });
    expect(await job.failure({ ...MAIL, from: "bad@x.example" })).toMatchObject({
      ...{ code: "EENVELOPE", responseCode: 451, permanent: false, retryable: true },
    });
  });

  test("a wrong password, and a message that brings its own", async () => {
    await using job = await bed({ users: { alice: "secret" }, requireLogin: true }, {});
    const wrong = polywireTransport(job.server.urlOf().replace("secret", "wrong"));
    const mailer = nodemailer.createTransport(wrong);
    const error = await mailer.sendMail(MAIL).catch((reason) => reason);
    expect(error).toMatchObject({ code: "EAUTH", responseCode: 535 });
    expect(error.response).toMatch(/^535 /);
    expect(error.command).toMatch(/^AUTH [\w-]+$/);
    expect(error.cause).toBeInstanceOf(LoginError);
    mailer.close();
    const own = await job.failure({ ...MAIL, auth: { user: "bob", pass: "x" } });
    expect(own.cause).toBeInstanceOf(UsageError);
    expect(own.message).toContain("cannot bring its own auth");
  });

  test("a recipient that is no address, which nodemailer would leave out", async () => {
    await using job = await bed({}, {});
    const error = await job.failure({ ...MAIL, to: "bob@example.net, nonsense" });
    expect(error.cause).toBeInstanceOf(UsageError);
    expect(error.message).toContain('"nonsense"');
    expect(job.server.messages).toEqual([]);
  });

  test("nobody there; a server that hangs up", async () => {
    const mailer = nodemailer.createTransport(polywireTransport("smtp://127.0.0.1:1?security=plain"));
    const error = await mailer.sendMail(MAIL).catch((reason) => reason);
    expect(error).toMatchObject({ code: "ECONNECTION", name: "TransportError" });
    expect(error.cause).toBeInstanceOf(ConnectionError);
    mailer.close();
    await using job = await bed({ faults: { loseReply: { command: "." } } });
    const lost = await job.failure(MAIL);
    expect(lost).toMatchObject({ code: "ECONNECTION", retryable: false });
    expect(lost.message).toContain("may have been taken");
    expect(job.server.messageCount).toBe(1);
  });

  test("a stream that fails", async () => {
    await using job = await bed();
    const content = new Readable({ read: () => {} });
    setTimeout(() => content.destroy(new Error("the disk is gone")), 20);
    expect((await job.failure({ ...MAIL, attachments: [{ content }] })).message).toContain("the disk is gone");
    expect(job.server.messageCount).toBe(0);
    await job.mailer.sendMail(MAIL);
    expect(job.server.messageCount).toBe(1);
  });

  test("an address that would forge a command does not", async () => {
    await using job = await bed();
    const to = ["b@x.example>\r\nRCPT TO:<c@x.example"];
    await job.mailer.sendMail({ envelope: { from: "a@x.example", to }, raw: "x" });
    expect(job.server.messages.map((message) => message.to.length)).toEqual([1]);
    expect(job.server.commands.filter((line) => line.startsWith("RCPT"))).toHaveLength(1);
  });
});

describe.concurrent("cancelling", () => {
  test("a message that waits, and one under way; the others go on", async () => {
    await using job = await bed({ faults: { hang: "MAIL" } }, { maxConnections: 1 });
    const [under, waiting] = [new AbortController(), new AbortController()];
    const first = job.failure({ ...MAIL, signal: under.signal });
    await waitFor(() => job.server.commands.some((line) => line.startsWith("MAIL")));
    const second = job.failure({ ...MAIL, signal: waiting.signal });
    const third = job.mailer.sendMail(MAIL);
    waiting.abort();
    expect(await second).toMatchObject({ code: "EABORT" });
    job.server.faults.hang = undefined;
    under.abort(new Error("too late"));
    const error = await first;
    expect(error.code).toBe("EABORT");
    expect(error.cause).toBeInstanceOf(AbortedError);
    expect((await third).accepted).toEqual(["bob@example.net"]);
    expect(job.server.messageCount).toBe(1);
  });

  test("a signal that fired before", async () => {
    await using job = await bed();
    expect(await job.failure({ ...MAIL, signal: AbortSignal.abort() })).toMatchObject({ code: "EABORT" });
    expect(job.server.connections).toBe(0);
  });
});

describe.concurrent("the pool", () => {
  test("many messages at once over a few connections, each once", async () => {
    await using job = await bed({}, { maxConnections: 3, maxMessages: 1000 });
    const subjects = Array.from({ length: 120 }, (_, i) => `message ${i}`);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, job.server.connections)), 1);
    const infos = await Promise.all(subjects.map((subject) => job.mailer.sendMail({ ...MAIL, subject })));
    clearInterval(watch);
    expect(new Set(infos.map(({ messageId }) => messageId)).size).toBe(120);
    const got = job.server.messages.map(({ content }) => /^Subject: (.*)\r$/m.exec(content.toString())?.[1]);
    expect(got.sort()).toEqual(subjects.sort());
    expect(most).toBeLessThanOrEqual(3);
    expect(job.server.commands.filter((line) => line.startsWith("EHLO"))).toHaveLength(3);
  });

  test("maxMessages: a connection is replaced behind them", async () => {
    await using job = await bed({}, { maxConnections: 1, maxMessages: 2 });
    for (let i = 0; i < 5; i++) await job.mailer.sendMail(MAIL);
    expect(job.server.commands.filter((line) => line.startsWith("EHLO"))).toHaveLength(3);
    await waitFor(() => job.server.commands.filter((line) => line === "QUIT").length === 2);
  });

  test("a kept connection that the server has closed is replaced, and the message goes out once", async () => {
    await using job = await bed({}, { maxConnections: 1 });
    await job.mailer.sendMail(MAIL);
    job.server.dropConnections();
    await job.mailer.sendMail(MAIL);
    job.server.faults.closeBeforeCommand = { command: "MAIL" };
    await job.mailer.sendMail(MAIL);
    expect(job.server.messageCount).toBe(3);
    expect(job.server.commands.filter((line) => line.startsWith("EHLO"))).toHaveLength(3);
  });

  test("a refusal leaves the connection in use", async () => {
    await using job = await bed({ reject: { "eve@*": "550 5.1.1 No" } }, { maxConnections: 1 });
    await job.failure({ ...MAIL, to: "eve@x.example" });
    await job.mailer.sendMail(MAIL);
    expect(job.server.commands.filter((line) => line.startsWith("EHLO"))).toHaveLength(1);
  });

  test("rate: no more than so many within a time", async () => {
    await using job = await bed({}, { rate: { messages: 2, per: 120 } });
    await Promise.all(Array.from({ length: 5 }, () => job.mailer.sendMail(MAIL)));
    expect(job.server.messageCount).toBe(5);
    const abort = new AbortController();
    const slow = nodemailer.createTransport(
      polywireTransport({ url: job.server.urlOf(), rate: { messages: 1, per: 3_600_000 } }),
    );
    await slow.sendMail(MAIL);
    const waiting = slow.sendMail({ ...MAIL, signal: abort.signal }).catch((error) => error);
    abort.abort();
    expect(await waiting).toMatchObject({ code: "EABORT" });
    slow.close();
  });

  test("isIdle and idle: there is room for more", async () => {
    await using job = await bed({ faults: { replyDelay: 5 } }, { maxConnections: 2 });
    await once(job.mailer, "idle");
    expect(job.mailer.isIdle()).toBe(true);
    let idle = 0;
    job.mailer.on("idle", () => idle++);
    const sent = Array.from({ length: 6 }, () => job.mailer.sendMail(MAIL));
    await waitFor(() => !job.mailer.isIdle());
    expect(job.transport.pendingCount()).toBeGreaterThan(2);
    await Promise.all(sent);
    await waitFor(() => idle > 0);
    expect(job.mailer.isIdle()).toBe(true);
    expect(job.transport.pendingCount()).toBe(0);
  });

  test("close: what is under way is sent, what waits fails, and nothing is taken any more", async () => {
    const job = await bed({ faults: { replyDelay: 20 } }, { maxConnections: 1 });
    const first = job.mailer.sendMail(MAIL);
    const second = job.failure(MAIL);
    await waitFor(() => job.server.commands.some((line) => line.startsWith("MAIL")));
    job.mailer.close();
    expect((await first).accepted).toEqual(["bob@example.net"]);
    expect(await second).toMatchObject({ name: "TransportError" });
    expect(job.mailer.isIdle()).toBe(false);
    expect(await job.failure(MAIL)).toMatchObject({ code: "ECONNECTION", message: "the transport was closed" });
    await job.server.close();
  });
});

describe.concurrent("verify", () => {
  test("connects, logs in and leaves", async () => {
    await using job = await bed({ users: { alice: "secret" } });
    expect(await job.mailer.verify()).toBe(true);
    expect(await new Promise((resolve) => job.mailer.verify((error, ok) => resolve(error ?? ok)))).toBe(true);
    await waitFor(() => job.server.connections === 0);
    const wrong = nodemailer.createTransport(polywireTransport(job.server.urlOf().replace("secret", "wrong")));
    await expect(wrong.verify()).rejects.toMatchObject({ code: "EAUTH" });
    const called = await new Promise((resolve) => wrong.verify((error) => resolve(error)));
    expect(called).toMatchObject({ code: "EAUTH" });
  });

  test("TLS, and a certificate that nobody knows", async () => {
    await using job = await bed({ tls: "implicit" });
    const options = { host: "127.0.0.1", port: job.server.port };
    await expect(polywireTransport(options).verify()).rejects.toMatchObject({ code: "ETLS" });
    const trusted = polywireTransport({ ...options, tls: { ca: testTls.ca } });
    expect(await trusted.verify()).toBe(true);
  });
});

test("a rate gives turns at a distance, and none earlier than it may", () => {
  const rate = new Rate({ messages: 2, per: 100 });
  expect([rate.take(0), rate.take(0), rate.take(0), rate.take(10)]).toEqual([0, 0, 100, 90]);
  // Two went at 100: the next ones go at 200.
  expect([rate.take(150), rate.take(350), rate.take(350), rate.take(360)]).toEqual(
    [50, 0, 0, 0].map((wait, i) => (i === 3 ? 90 : wait)),
  );
});

test("options that cannot work are refused at once", () => {
  const bad: PolywireTransportOptions[] = [
    { url: "pop3://h" },
    { url: "smtp://h/path" },
    { host: "h", maxConnections: 0 },
    { host: "h", rate: { messages: 0 } },
    { host: "a b" },
  ];
  for (const options of bad) expect(() => polywireTransport(options)).toThrow(UsageError);
});

test("the user of the URL, the password from a source", async () => {
  await using job = await bed({ users: { alice: "secret" }, requireLogin: true });
  const url = job.server.urlOf().replace("alice:secret", "alice");
  const asked: unknown[] = [];
  const credentials = (target: { user?: string | undefined }) => {
    asked.push(target.user);
    return { password: "secret" };
  };
  const mailer = nodemailer.createTransport(polywireTransport({ url, credentials }));
  await mailer.sendMail(MAIL);
  expect(asked).toEqual(["alice"]);
  expect(job.server.messages[0]?.user).toBe("alice");
  mailer.close();
});
