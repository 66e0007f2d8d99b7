/** The in-memory SMTP server as others see it: Python's smtplib and nodemailer, which know nothing of this package. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { createTransport } from "nodemailer";
import { describe, expect, test } from "vitest";
import { type SmtpFaults, SmtpServer, testTls } from "../../src/testing/index.js";

const SCRIPT = `
import json, smtplib, ssl, sys
port, lmtp, pem = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
out = {}
s = smtplib.SMTP("localhost", port, local_hostname="client.example")
s.starttls(context=ssl.create_default_context(cadata=pem))
for name in ("cram_md5", "login", "plain"):
    s.ehlo()
    s.user, s.password = "alice", "secret"
    out[name] = s.auth(name.upper().replace("_", "-"), getattr(s, "auth_" + name))[0]
    s.starttls if name == "plain" else s.quit()
    if name != "plain":
        s = smtplib.SMTP("localhost", port, local_hostname="client.example")
        s.starttls(context=ssl.create_default_context(cadata=pem))
out["refused"] = {k: v[0] for k, v in s.sendmail("a@b.example", ["c@d.example", "no@d.example"], "Subject: x\\n\\n.dot\\n", mail_options=["BODY=8BITMIME"], rcpt_options=["NOTIFY=NEVER"]).items()}
out["verify"] = s.verify("alice")[0]
out["expn"] = s.expn("all")[0]
out["bye"] = s.quit()[0]
l = smtplib.LMTP("localhost", lmtp, local_hostname="client.example")
l.sendmail("a@b.example", ["c@d.example"], "Subject: lmtp\\n\\nx")
l.quit()
print(json.dumps(out))
`;

function whyNot(): string {
  try {
    execFileSync("python3", ["-c", "import smtplib"], { stdio: "pipe" });
    return "";
  } catch {
    return "python3 is not here";
  }
}
const missing = whyNot();
if (missing) console.warn(`SKIPPED: the SMTP server against smtplib: ${missing}`);

test.skipIf(missing)("Python's smtplib logs in over STARTTLS, sends, and delivers by LMTP", async () => {
  await using server = await SmtpServer.start({
    tls: "starttls",
    users: { alice: "secret" },
    reject: { "no@*": "550 5.1.1 No" },
    lists: { all: ["a@b.example"] },
  });
  await using lmtp = await SmtpServer.start({ lmtp: true });
  const args = ["-c", SCRIPT, `${server.port}`, `${lmtp.port}`, testTls.ca];
  const { stdout } = await promisify(execFile)("python3", args, { timeout: 15_000 });
  expect(JSON.parse(stdout)).toEqual({
    cram_md5: 235,
    login: 235,
    plain: 235,
    refused: { "no@d.example": 550 },
    verify: 250,
    expn: 250,
    bye: 221,
  });
  expect(server.messages).toMatchObject([
    { to: ["c@d.example"], user: "alice", secure: true, recipients: [{ params: { NOTIFY: "NEVER" } }] },
  ]);
  expect(server.messages[0]?.content.toString()).toBe("Subject: x\r\n\r\n.dot\r\n");
  expect(lmtp.messages[0]?.content.toString()).toBe("Subject: lmtp\r\n\r\nx\r\n");
  expect([...server.violations, ...lmtp.violations]).toEqual([]);
});

test("nodemailer sends over a pool", async () => {
  await using server = await SmtpServer.start({ tls: "starttls", users: { alice: "secret" }, requireLogin: true });
  const transport = createTransport({
    host: "127.0.0.1",
    port: server.port,
    pool: true,
    requireTLS: true,
    tls: { ca: testTls.ca },
    auth: { user: "alice", pass: "secret" },
  });
  const sent = Array.from({ length: 20 }, (_, at) =>
    transport.sendMail({
      from: "a@b.example",
      to: ["c@d.example", "größe@d.example"],
      subject: `Message ${at}`,
      text: ".dot\r\n".repeat(1000),
      dsn: { id: `id-${at}`, return: "headers", notify: "success", recipient: "a@b.example" },
    }),
  );
  const results = await Promise.all(sent);
  expect(results.every(({ accepted }) => accepted.length === 2)).toBe(true);
  transport.close();
  expect(server.messageCount).toBe(20);
  expect(server.messages[0]).toMatchObject({ secure: true, user: "alice", params: { RET: "HDRS", SMTPUTF8: true } });
  expect(server.messages[0]?.content.toString()).toContain(`\r\n${".dot\r\n".repeat(1000)}`);
  expect(server.violations).toEqual([]);
});

const FAULTY = `
import json, smtplib, ssl, sys
port, pem = int(sys.argv[1]), sys.argv[2]
try:
    s = smtplib.SMTP("localhost", port, local_hostname="client.example")
    if pem:
        s.starttls(context=ssl.create_default_context(cadata=pem))
        s.ehlo()
    refused = s.sendmail("a@b.example", ["c@d.example", "e@f.example"], "Subject: x\\n\\n.dot\\n")
    out = {k: v[0] for k, v in refused.items()} or "sent"
except smtplib.SMTPRecipientsRefused as error:
    out = {k: v[0] for k, v in error.recipients.items()}
except smtplib.SMTPException as error:
    out = type(error).__name__ + " " + str(getattr(error, "smtp_code", ""))
print(json.dumps(out))
`;

/** What smtplib makes of a fault. */
async function withSmtplib(server: SmtpServer, tls = false): Promise<unknown> {
  const args = ["-c", FAULTY, `${server.port}`, tls ? testTls.ca : ""];
  const { stdout } = await promisify(execFile)("python3", args, { timeout: 15_000 });
  return JSON.parse(stdout);
}

/** What nodemailer makes of a fault: `sent`, or its code and the server's. */
function withNodemailer(server: SmtpServer, tls = false): Promise<string> {
  const { port } = server;
  const secure = tls ? { requireTLS: true, tls: { ca: testTls.ca } } : { ignoreTLS: true };
  const transport = createTransport({ host: "127.0.0.1", port, ...secure });
  const mail = { from: "a@b.example", to: ["c@d.example", "e@f.example"], subject: "x", text: ".dot" };
  return transport.sendMail(mail).then(
    ({ rejected }) => (rejected.length > 0 ? `rejected ${rejected.join(" ")}` : "sent"),
    ({ code, responseCode = "" }) => `${code} ${responseCode}`.trim(),
  );
}

describe("faults, as clients that know nothing of them see them", () => {
  test.each<[name: string, faults: () => SmtpFaults, smtplib: unknown, nodemailer: string, taken: number]>([
    ["a late greeting", () => ({ greetingDelay: 50 }), "sent", "sent", 1],
    ["replies byte by byte", () => ({ byteByByte: true }), "sent", "sent", 1],
    ["replies of several lines", () => ({ replyLines: 3 }), "sent", "sent", 1],
    ["421 instead of a greeting", () => ({ tooManyConnections: 1 }), "SMTPConnectError 421", "EPROTOCOL 421", 0],
    [
      "one recipient refused",
      () => ({ refuse: { command: "RCPT", nth: 2, reply: "450 4.2.1 Later" } }),
      { "e@f.example": 450 },
      "rejected e@f.example",
      1,
    ],
    [
      "421 to the second recipient",
      () => ({ refuse: { command: "RCPT", nth: 2, reply: "421 4.3.2 Going down" } }),
      { "e@f.example": 421 },
      "ECONNECTION 421",
      0,
    ],
    ["the final reply lost", () => ({ loseReply: { command: "." } }), "SMTPServerDisconnected ", "ECONNECTION", 1],
    [
      "the final reply to DATA lost",
      () => ({ loseReply: { command: "DATA" } }),
      "SMTPServerDisconnected ",
      "ECONNECTION",
      1,
    ],
    [
      "cut before the end",
      () => ({ closeBeforeCommand: { command: "." } }),
      "SMTPServerDisconnected ",
      "ECONNECTION",
      0,
    ],
    ["cut in the middle of the content", () => ({ cutData: { at: 5 } }), "SMTPServerDisconnected ", "ECONNECTION", 0],
  ])("%s", async (_, faults, smtplib, nodemailer, taken) => {
    await using server = await SmtpServer.start({ faults: faults() });
    expect(await withNodemailer(server)).toBe(nodemailer);
    expect(server.messageCount).toBe(taken);
    expect(server.violations).toEqual([]);
    if (missing) return;
    await using other = await SmtpServer.start({ faults: faults() });
    expect(await withSmtplib(other)).toEqual(smtplib);
    expect(other.messageCount).toBe(taken);
    expect(other.violations).toEqual([]);
  });

  test("bytes injected behind STARTTLS", async () => {
    const faults: SmtpFaults = { injectAfterStartTls: "250 injected\r\n" };
    await using server = await SmtpServer.start({ tls: "starttls", faults });
    expect(await withNodemailer(server, true)).toBe("sent");
    if (missing) return;
    expect(await withSmtplib(server, true)).toBe("sent");
  });
});

test("256 MiB in flat memory, hashed on their way", { timeout: 60_000 }, async () => {
  await using server = await SmtpServer.start({ keep: "hash" });
  const { RawLines } = await import("./raw-lines.js");
  const raw = await RawLines.open(server.port).play("S: 220 …\nC: HELO x\nS: 250 …\nC: MAIL FROM:<>\nS: 250 …");
  await raw.play("C: RCPT TO:<a@b.example>\nS: 250 …\nC: DATA\nS: 354 …");
  const piece = Buffer.from(`${"x".repeat(62)}\r\n`.repeat(16_384)); // 1 MiB
  const before = process.memoryUsage().rss;
  let most = 0;
  for (let at = 0; at < 256; at++) {
    if (!raw.socket.write(piece)) await new Promise((resolve) => raw.socket.once("drain", resolve));
    most = Math.max(most, process.memoryUsage().rss);
  }
  await raw.play("C: .\nS: 250 …");
  expect(server.messages[0]?.size).toBe(2 ** 28);
  expect(most - before).toBeLessThan(100 * 1024 * 1024);
});
