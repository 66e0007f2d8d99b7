/** A message out by SMTP and in again by POP3, through real servers: Postfix takes it, hands it on by LMTP, and it is read. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchMail } from "../../../src/jobs/mail/fetch.js";
import { Pop3Client } from "../../../src/pop3/client.js";
import { describeLive } from "../available.js";
import { type LiveMail, startMail } from "../servers/mail.js";
import { DOMAIN, type LiveMta, startMta } from "../servers/mta.js";
import { complete, connected, eventually, HARD } from "../smtp/bed.js";

const MB = 1_000_000;

/** As large as mail gets: lines of every length up to 998 octets, of every octet that may be in one, many with a dot in front. */
function large(bytes: number): Buffer {
  const octets = Array.from({ length: 256 }, (_, i) => i).filter((octet) => ![0, 10, 13].includes(octet));
  const pool = Buffer.from(Array.from({ length: 40 }, () => octets).flat());
  const head = [...complete("large"), "Message-ID: <large@polywire.example>", "", ""].join("\r\n");
  const pieces = [Buffer.from(head)];
  for (let n = 0, length = 0; length < bytes; n++) {
    const size = (n * 379) % 999;
    const line = pool.subarray((n * 31) % 253, ((n * 31) % 253) + size);
    const dotted = n % 3 === 0 && size > 0 ? Buffer.concat([Buffer.from("."), line.subarray(1)]) : line;
    pieces.push(dotted, Buffer.from("\r\n"));
    length += size + 2;
  }
  return Buffer.concat(pieces);
}

/** Small ones that are hard to carry: their ends, above all. */
const SMALL: Readonly<Record<string, Buffer>> = {
  "dots, 8-bit, lines of 998 octets": HARD,
  "a body that ends with dots": Buffer.from(
    [...complete("end"), "Message-ID: <e@x>", "", "a", ".", "..", ""].join("\r\n"),
  ),
  "no body": Buffer.from([...complete("none"), "Message-ID: <n@x>", "", ""].join("\r\n")),
  "empty lines": Buffer.from([...complete("empty"), "Message-ID: <l@x>", "", "", "", "x", "", "", ""].join("\r\n")),
  "a body in bytes that are no UTF-8": Buffer.concat([
    Buffer.from([...complete("octets"), "Message-ID: <o@x>", "", ""].join("\r\n")),
    Buffer.from([0xff, 0xfe, 0x80, 0x2e, 0xc3, 0x28, 0x0d, 0x0a, 0x2e, 0xa0, 0x0d, 0x0a]),
  ]),
};

/** What servers put in front of a message that passes through them. */
const TRACE = /^(?:(?:Return-Path|Delivered-To|Received): ?[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+$/i;

/** The message itself, whose trace headers are no others than such; undefined where it is another one. */
function isSame(arrived: Buffer, sent: Buffer): boolean {
  const at = arrived.length - sent.length;
  return at > 0 && arrived.subarray(at).equals(sent) && TRACE.test(arrived.toString("latin1", 0, at));
}

describeLive(["postfix", "dovecot"], "a message out by SMTP and in by POP3", () => {
  let mail: LiveMail;
  let mta: LiveMta;
  let scratch: string;
  const users = { data: "by-data", bdat: "by-bdat", big1: "1", big2: "2", big3: "3" };
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "polywire-trip-"));
    mail = await startMail("dovecot", { users });
    mta = await startMta("postfix", { users, deliverTo: mail, size: 30 * MB });
  });
  afterAll(async () => {
    await mta?.stop();
    await mail?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Sends them, side by side, and waits until they are in the mailbox. */
  async function send(user: keyof typeof users, messages: readonly Buffer[], chunking: boolean): Promise<string[]> {
    const credentials = { user: mta.user, password: mta.password };
    const smtp = await connected(mta, mta.ports.submission, { credentials, chunking });
    const envelope = { from: `alice@${DOMAIN}`, to: `${user}@${DOMAIN}` };
    const outcomes = await smtp.sendAll(messages.map((raw) => ({ envelope, raw }))).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(messages.map(() => "sent"));
    await eventually(
      () => mail.mailbox(user),
      (all) => all.length === messages.length,
    );
    return smtp.transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text.split(" ")[0] ?? "");
  }

  async function mailbox(user: keyof typeof users): Promise<Pop3Client> {
    const { host, ca, ports } = mail;
    const options = { port: ports.pop3s, security: "tls", tls: { ca, servername: "localhost" } } as const;
    const pop3 = new Pop3Client({ host, ...options, credentials: { user, password: users[user] } });
    await pop3.connect();
    await pop3.login();
    return pop3;
  }

  test.each([
    ["data", "DATA", "BDAT", false],
    ["bdat", "BDAT", "DATA", true],
  ] as const)("by %s: byte for byte, but for the trace on top", async (user, by, other, chunking) => {
    const messages = Object.values(SMALL);
    const said = await send(user, messages, chunking);
    expect([said.includes(by), said.includes(other)]).toEqual([true, false]);
    await using pop3 = await mailbox(user);
    const { count } = await pop3.stat();
    const got = await Promise.all(Array.from({ length: count }, (_, i) => pop3.retr(i + 1)));
    for (const [name, message] of Object.entries(SMALL)) {
      expect(
        got.filter(({ content }) => isSame(content, message)),
        name,
      ).toHaveLength(1);
    }
    expect(count).toBe(messages.length);
  });

  test.each([
    ["big1", "DATA", false],
    ["big2", "BDAT", true],
  ] as const)("25 MB to %s, by %s", { timeout: 40_000 }, async (user, by, chunking) => {
    const message = large(25 * MB);
    expect(await send(user, [message], chunking)).toContain(by);
    await using pop3 = await mailbox(user);
    const { content } = await pop3.retr(1);
    expect(isSame(content, message)).toBe(true);
  });

  test("a mail job brings large and small ones into files, and takes them off the server", {
    timeout: 40_000,
  }, async () => {
    const messages = [large(6 * MB), ...Object.values(SMALL)];
    await send("big3", messages, true);
    const to = `${join(scratch, "kept")}/`;
    const url = `pop3://big3:${users.big3}@${mail.host}:${mail.ports.pop3}`;
    const server = { url, tls: { ca: mail.ca, servername: "localhost" } };
    const done = await fetchMail({ server, to, journal: join(scratch, "kept.journal"), deleteAfter: true });
    expect(done).toMatchObject({ fetched: messages.length, deleted: messages.length, failures: [] });
    const files = readdirSync(to).map((name) => readFileSync(join(to, name)));
    expect(files).toHaveLength(messages.length);
    for (const message of messages) expect(files.filter((file) => isSame(file, message))).toHaveLength(1);
    expect(await mail.mailbox("big3")).toEqual([]);
  });
});
