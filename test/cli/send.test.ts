/** polywire send as a process: messages in parts and whole, a report for each recipient, exit codes. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { checkDraft, readDraft, withoutBcc } from "../../src/cli/mail/draft.js";
import { parseMessage } from "../../src/message/index.js";
import { SmtpServer, type SmtpServerOptions } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, type RunOptions } from "./polywire.js";

afterAll(cleanUp);

/** A server that alice may send by. */
async function bed(options: SmtpServerOptions = {}) {
  const server = await SmtpServer.start({ users: { alice: PASSWORD }, requireLogin: true, ...options });
  const url = server.url.replace(`:${PASSWORD}`, "").replace(/^lmtp/, "smtp");
  const run = (args: string[], input = "", more: RunOptions = {}) =>
    polywire(["send", url, ...args, "--plain"], { ...PLAIN, input, ...more });
  return { server, url, run, [Symbol.asyncDispose]: () => server.close() };
}

const FROM = ["--from", "Jürgen <j@example.org>"];
const RAW =
  "From: a@example.org\nTo: B <b@x.example>,\n c@x.example\nCc: d@x.example\nBcc: e@x.example,\n f@x.example\nSubject: x\n\n.\nhi\n";

describe.concurrent("a message in parts", () => {
  test("the text from stdin; every recipient is told", async () => {
    await using job = await bed();
    const args = [...FROM, "--to", "b@x.example, C <c@x.example>", "--cc", "d@x.example", "--bcc", "e@x.example"];
    const { stdout, stderr, code } = await job.run([...args, "--subject", "Grüße"], "Hallo!\n.\n");
    const [message] = job.server.messages;
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^(✓ [bcde]@x\.example {2}250 .*\n){4}sent <\S+@example\.org> to 4 recipients \(\d+ B\): 250 .*\n$/,
    );
    expect(code).toBe(0);
    expect(message).toMatchObject({ from: "j@example.org", user: "alice" });
    expect(message?.to).toEqual(["b@x.example", "c@x.example", "d@x.example", "e@x.example"]);
    expect(message?.content.toString()).not.toMatch(/^bcc|e@x\.example/im);
    const parsed = await parseMessage(message?.content as Buffer);
    expect(parsed).toMatchObject({ subject: "Grüße", text: "Hallo!\n.\n", cc: [{ address: "d@x.example" }] });
    expect(parsed.from).toMatchObject([{ name: "Jürgen", address: "j@example.org" }]);
    expect(job.server.violations).toEqual([]);
  });

  test("--text, --html, --attach, --header, --reply-to; stdin is left alone", async () => {
    await using job = await bed();
    const file = join(folder, "r.csv");
    writeFileSync(file, "a,b\n");
    const args = [...FROM, "--to", "b@x.example", "--subject", "s", "--text", "plain", "--html", "<b>rich</b>"];
    const more = ["--attach", file, "--attach", file, "--header", "X-Job: nightly", "--reply-to", "r@example.org"];
    const ran = await job.run([...args, ...more, "--password-stdin", "--no-netrc"], `${PASSWORD}\n`, { env: {} });
    expect(ran.code).toBe(0);
    const parsed = await parseMessage(job.server.messages[0]?.content as Buffer);
    expect(parsed).toMatchObject({ text: expect.stringContaining("plain"), html: "<b>rich</b>" });
    expect(parsed.attachments).toMatchObject([{ filename: "r.csv", size: 4 }, { filename: "r.csv" }]);
    expect(parsed.headers.get("x-job")).toBe("nightly");
    expect(parsed.replyTo).toMatchObject([{ address: "r@example.org" }]);
  });

  test("notifications: --dsn, --dsn-return, --envid, --return-path", async () => {
    await using job = await bed();
    const args = [...FROM, "--to", "b@x.example", "--text", "x", "--dsn", "success,delay", "--dsn-return", "headers"];
    expect((await job.run([...args, "--envid", "job-1", "--return-path", "bounces@example.org"])).code).toBe(0);
    expect(job.server.messages[0]).toMatchObject({
      from: "bounces@example.org",
      params: { RET: "HDRS", ENVID: "job-1" },
      recipients: [{ params: { NOTIFY: "SUCCESS,DELAY" } }],
    });
    expect((await job.run([...FROM, "--to", "b@x.example", "--text", "x", "--return-path", ""])).code).toBe(0);
    expect(job.server.messages[1]?.from).toBe("");
  });

  test("--dry-run prints the message, byte for byte, and sends nothing", async () => {
    await using job = await bed();
    const args = [...FROM, "--to", "b@x.example", "--text", "x", "--dry-run"];
    const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
    const printed = execFileSync(process.execPath, [main, "send", job.url, ...args], { input: "" }).toString();
    expect(printed).toMatch(/^From: =\?UTF-8\?Q\?J=C3=BCrgen\?= <j@example\.org>\r\n[\s\S]*\r\n\r\nx\r\n$/);
    const json = await job.run([...args, "--bcc", "c@x.example", "--json"]);
    const { from, to, message } = JSON.parse(json.stdout);
    expect({ from, to }).toEqual({ from: "j@example.org", to: ["b@x.example", "c@x.example"] });
    expect(message).toContain("To: b@x.example\r\n");
    expect(job.server.connections + job.server.commandCount).toBe(0);
  });
});

describe.concurrent("a whole message", () => {
  test("--raw: to those that are named, as it is, less its Bcc", async () => {
    await using job = await bed();
    const { code, stdout } = await job.run(["--raw", "--to", "z@x.example"], RAW);
    expect(stdout).toMatch(/^✓ z@x\.example {2}250 .*\nsent to 1 recipient /);
    expect(code).toBe(0);
    const sent = RAW.replace("Bcc: e@x.example,\n f@x.example\n", "").replaceAll("\n", "\r\n");
    expect(job.server.messages[0]).toMatchObject({ from: "a@example.org", to: ["z@x.example"] });
    expect(job.server.messages[0]?.content.toString()).toBe(sent);
  });

  test("--read-recipients: to its To, Cc and Bcc", async () => {
    await using job = await bed();
    expect((await job.run(["--read-recipients", "--from", "s@example.org"], RAW)).code).toBe(0);
    const [message] = job.server.messages;
    expect(message?.to).toEqual(["b", "c", "d", "e", "f"].map((name) => `${name}@x.example`));
    expect(message?.from).toBe("s@example.org");
    expect(message?.content.toString()).not.toContain("e@x.example");
  });

  test("LMTP: each recipient has an answer of its own", async () => {
    await using job = await bed({
      lmtp: true,
      users: {},
      requireLogin: false,
      rejectDelivery: { "eve@*": "552 5.2.2 Full" },
    });
    const ran = await job.run(["--lmtp", "--raw", "--to", "bob@x.example", "--to", "eve@x.example"], RAW);
    expect(ran.stdout).toMatch(
      /^✗ eve@x\.example {2}552 5\.2\.2 Full\n✓ bob@x\.example {2}250 .*\nsent to 1 of 2 recipients/,
    );
    expect(ran.code).toBe(67);
  });
});

describe.concurrent("when somebody says no", () => {
  const REJECT = { reject: { "eve@*": "550 5.1.1 No such user\x1b[2J", "dan@*": "450 4.2.1 Later" } };

  test("some recipients: they are told first, the others get it: 67", async () => {
    await using job = await bed(REJECT);
    const ran = await job.run([...FROM, "--to", "eve@x.example", "--to", "bob@x.example", "--text", "x"]);
    expect(ran.stdout).toMatch(
      /^✗ eve@x\.example {2}550 5\.1\.1 No such user\S*\n✓ bob@x\.example {2}250 .*\nsent <.*> to 1 of 2 recipients/,
    );
    expect(ran.code).toBe(67);
    expect(job.server.messages[0]?.to).toEqual(["bob@x.example"]);
    const json = await job.run([...FROM, "--to", "eve@x.example, bob@x.example", "--text", "x", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ from: "j@example.org", to: ["eve@x.example", "bob@x.example"], reply: { code: "250" } },
      accepted: [{ recipient: "bob@x.example", code: "250" }],
      rejected: [{ recipient: "eve@x.example", code: "550", enhanced: "5.1.1" }],
    });
    expect(json.code).toBe(67);
  });

  test("all recipients: nobody gets it: 67; the message or its sender: 1", async () => {
    await using job = await bed({
      ...REJECT,
      onMessage: () => "554 5.7.1 Spam",
      rejectFrom: { "bad@*": "550 5.1.8 No" },
    });
    const all = await job.run([...FROM, "--to", "eve@x.example,dan@x.example", "--text", "x"]);
    expect(all).toMatchObject({
      code: 67,
      stdout: expect.stringMatching(/^✗ eve@.*\n✗ dan@.*\nnot sent: nobody gets it\n$/),
    });
    const spam = await job.run([...FROM, "--to", "bob@x.example", "--text", "x"]);
    expect(spam).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^✗ bob@x\.example {2}554 5\.7\.1 Spam\nnot sent/),
    });
    expect((await job.run(["--from", "bad@x.example", "--to", "b@x.example", "--text", "x"])).code).toBe(1);
  });

  test("what cannot work is said before anything is sent: 64", async () => {
    await using job = await bed();
    const cases: [string[], RegExp][] = [
      [["--to", "b@x.example", "--text", "x"], /--from is missing/],
      [[...FROM, "--text", "x"], /--to is missing/],
      [[...FROM, "--to", "b@x.example"], /there is no text/],
      [["--raw", "--to", "b@x.example", "--subject", "x"], /--subject is a part of a message/],
      [[...FROM, "--to", "b@x.example,nonsense", "--text", "x"], /"nonsense", which is no address/],
      [["--from", "nonsense", "--to", "b@x.example", "--text", "x"], /"nonsense", which is no address/],
      [["--raw"], /--to is missing/],
      [["--read-recipients"], /no From|no recipients/],
      [[...FROM, "--to", "b@x.example", "--text", "x", "--header", "no colon"], /no header/],
      [[...FROM, "--to", "b@x.example", "--text", "x", "--header", "Bcc: c@x.example"], /set by --bcc/],
      [[...FROM, "--to", "b@x.example", "--text", "x", "--header", "Content-Type: text/x"], /made of the text/],
      [[...FROM, "--to", "b@x.example", "--text", "x", "--header", "Date: soon"], /"soon" is no date/],
      [[...FROM, "--to", "b@x.example", "--text", "x", "--dsn", "often"], /never, or some of/],
      [[...FROM, "--to", "b@x.example", "--text", "x", "--subject", "a\nBcc: z@x.example"], /CR, LF/],
      [[...FROM, "--to", "b@x.example", "--password-stdin"], /stdin cannot hold both/],
    ];
    for (const [args, says] of cases) {
      const ran = await job.run(args);
      expect(ran.stderr).toMatch(says);
      expect(ran.code).toBe(64);
    }
    expect(job.server.commands.some((line) => line.startsWith("MAIL"))).toBe(false);
  });

  test("a file that is not there: 74; a refused login: 77; a lost answer is no certainty: 69", async () => {
    await using job = await bed();
    const args = [...FROM, "--to", "b@x.example", "--text", "x"];
    expect((await job.run([...args, "--attach", "/no/such/file"])).code).toBe(74);
    expect((await job.run(args, "", { env: { POLYWIRE_PASSWORD: "wrong" } })).code).toBe(77);
    job.server.faults.loseReply = { command: "." };
    const lost = await job.run(args);
    expect(lost).toMatchObject({ code: 69, stderr: expect.stringContaining("may have been taken") });
  });
});

test("request: any command of SMTP", async () => {
  await using job = await bed();
  const { stdout, code } = await polywire(["request", job.url, "VRFY", "alice", "--plain"], PLAIN);
  expect(stdout).toMatch(/^25[02] /);
  expect(code).toBe(0);
  const refused = await polywire(["request", job.url, "BOGUS", "--plain", "--json"], PLAIN);
  expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, code: expect.stringMatching(/^50/) });
  expect(refused.code).toBe(1);
});

describe("drafts", () => {
  test("Bcc goes, with its folded lines, and only from the header", () => {
    const cut = (text: string) => withoutBcc(Buffer.from(text)).toString();
    expect(cut("A: b\r\nBCC: x,\r\n\ty\r\nC: d\r\n\r\nBcc: body\r\n")).toBe("A: b\r\nC: d\r\n\r\nBcc: body\r\n");
    expect(cut("Resent-Bcc : x\n y\nA: b")).toBe("A: b");
    expect(cut("Bcc: x")).toBe("");
    expect(cut("\nBcc: body\n")).toBe("\nBcc: body\n");
    expect(cut("Bcc-Note: x\n\n")).toBe("Bcc-Note: x\n\n");
  });

  test("a message that was passed on goes to those it was passed on to, and to no one else", async () => {
    const input = Buffer.from("Resent-From: r@x\nResent-To: new@x\nResent-To: older@x\nFrom: a@x\nTo: old@x\n\nhi\n");
    expect(await readDraft({ readRecipients: true }, input)).toMatchObject({ from: "r@x", to: ["new@x"] });
  });

  test("a recipient that is named twice gets it once", async () => {
    const draft = { from: "a@x.example", to: ["b@x.example"], cc: ["b@x.example"], text: "x" };
    checkDraft(draft);
    expect((await readDraft(draft, undefined)).to).toEqual(["b@x.example"]);
  });

  test("a Bcc behind a CR that stands alone is one, too", async () => {
    for (const end of ["\r", "\n", "\r\n"]) {
      const input = Buffer.from(`From: a@x\r\nTo: b@x${end}Bcc: secret@x${end}Subject: s\r\n\r\nhi${end}`);
      const { raw, to } = await readDraft({ raw: true, to: ["b@x"] }, input);
      expect(raw.toString()).toBe("From: a@x\r\nTo: b@x\r\nSubject: s\r\n\r\nhi\r\n");
      expect(to).toEqual(["b@x"]);
      expect((await readDraft({ readRecipients: true }, input)).to).toEqual(["b@x", "secret@x"]);
    }
  });

  test("recipients that the options and the headers both name get it once, however they are written", async () => {
    const input = Buffer.from("From: a@x\nTo: B <b@x>\n\nhi\n");
    const to = ["Bob <b@x>", "c@x, c@x", "alice", '"odd name"@x'];
    const draft = await readDraft({ readRecipients: true, to, bcc: ["b@x"] }, input);
    expect(draft.to).toEqual(["b@x", "c@x", "alice", '"odd name"@x']);
  });

  test("a file is a file, whatever its name looks like", async () => {
    const draft = { from: "a@x.example", to: ["b@x.example"], text: "x", attach: ["data:text/plain,hello"] };
    const { raw } = await readDraft(draft, undefined);
    await expect(buffer(raw as Readable)).rejects.toThrow(/ENOENT/);
  });

  test("what is no message is refused", async () => {
    await expect(readDraft({ readRecipients: true }, Buffer.from("hello there\nTo: a@x\n\n"))).rejects.toThrow(
      /no header/,
    );
  });
});
