/** The in-memory IMAP server as foreign clients see it, which know nothing of this package: Python's imaplib, and imapflow. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { ImapFlow, type ImapFlowOptions } from "imapflow";
import { describe, expect, test } from "vitest";
import { type ImapFeatures, ImapServer, type ImapServerOptions, testTls } from "../../src/testing/index.js";

const MIXED =
  "From: Ann <ann@example.org>\nTo: bob@example.org\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\nMessage-ID: <1@example.org>\n" +
  "Date: Tue, 03 Feb 2026 10:11:12 +0000\nContent-Type: multipart/mixed; boundary=xx\n\n" +
  "--xx\nContent-Type: text/plain; charset=utf-8\n\nHello\n" +
  "--xx\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n" +
  "Content-Disposition: attachment; filename=a.png\n\nAAECAwQ=\n--xx--\n";
const MAILBOXES = {
  INBOX: [{ content: MIXED, flags: ["\\Seen"] }, "Subject: two\n\nb\n", "Subject: three\n\nc\n"],
  Sent: { specialUse: "\\Sent" },
  "Entwürfe/neu": {},
};

const SCRIPT = `
import imaplib, json, ssl, sys
port, pem = int(sys.argv[1]), sys.argv[2]
m = imaplib.IMAP4("localhost", port)
out = {"starttls": "STARTTLS" in m.capabilities}
m.starttls(ssl.create_default_context(cadata=pem))
try:
    m.login("alice", "wrong")
except imaplib.IMAP4.error as error:
    out["refused"] = str(error)
m.authenticate("PLAIN", lambda _: b"\\0alice\\0secret")
out["list"] = sorted(row.decode() for row in m.list()[1])
out["select"] = m.select("INBOX")[1][0].decode()
out["status"] = m.status("INBOX", "(MESSAGES UNSEEN)")[1][0].decode()
out["search"] = m.search(None, "UNSEEN")[1][0].decode()
typ, data = m.fetch("1", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[2])")
out["pieces"] = [piece.decode() for part in data for piece in (part if isinstance(part, tuple) else (part,))]
typ, data = m.uid("FETCH", "1:*", "(RFC822)")
out["sizes"] = [len(part[1]) for part in data if isinstance(part, tuple)]
out["store"] = [row.decode() for row in m.store("2", "+FLAGS", "(\\\\Deleted)")[1]]
out["copy"] = m.copy("1:2", "Sent")[0]
out["append"] = m.append("Sent", "(\\\\Draft)", '"17-Jul-1996 02:44:25 +0000"', b"Subject: new\\r\\n\\r\\nnew\\r\\n")[1][0].decode()
out["expunge"] = [row.decode() for row in m.expunge()[1]]
out["sort"] = m.sort("REVERSE SUBJECT", "UTF-8", "ALL")[1][0].decode()
out["thread"] = m.thread("REFERENCES", "UTF-8", "ALL")[1][0].decode()
out["namespace"] = m.namespace()[1][0].decode()
out["acl"] = m.myrights("INBOX")[1][0].decode()
out["create"] = m.create("x/y")[0]
out["rename"] = m.rename("x/y", "z")[0]
out["delete"] = m.delete("z")[0]
out["close"] = m.close()[0]
out["bye"] = m.logout()[0]
print(json.dumps(out))
`;

function whyNot(): string {
  try {
    execFileSync("python3", ["-c", "import imaplib"], { stdio: "pipe" });
    return "";
  } catch {
    return "python3 is not here";
  }
}
const missing = whyNot();
if (missing) console.warn(`SKIPPED: the IMAP server against imaplib: ${missing}`);

function start(options: Omit<ImapServerOptions, "users"> = {}): Promise<ImapServer> {
  return ImapServer.start({ ...options, users: { alice: { password: "secret", mailboxes: MAILBOXES } } });
}

test.skipIf(missing)("Python's imaplib logs in over STARTTLS and does everything it can", async () => {
  await using server = await start({ tls: "starttls", requireTls: true });
  const { stdout } = await promisify(execFile)("python3", ["-c", SCRIPT, `${server.port}`, testTls.ca], {
    timeout: 15_000,
  });
  const size = MIXED.replaceAll("\n", "\r\n").length;
  expect(JSON.parse(stdout)).toMatchObject({
    starttls: true,
    refused: expect.stringContaining("AUTHENTICATIONFAILED"),
    list: [
      '(\\HasNoChildren \\Sent) "/" Sent',
      '(\\HasNoChildren) "/" Entw&APw-rfe/neu',
      '(\\HasNoChildren) "/" INBOX',
      '(\\Noselect \\HasChildren) "/" Entw&APw-rfe',
    ],
    select: "3",
    status: "INBOX (MESSAGES 3 UNSEEN 2)",
    search: "2 3",
    pieces: [
      "1 (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {37}",
      "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\n",
      " BODY[2] {8}",
      "AAECAwQ=",
      ")",
    ],
    sizes: [size, 19, 21],
    store: ["2 (FLAGS (\\Seen \\Deleted \\Recent))"],
    copy: "OK",
    append: expect.stringMatching(/^\[APPENDUID \d+ 3\]/),
    expunge: ["2"],
    sort: "2 1",
    thread: "(1)(2)",
    namespace: '(("" "/")) NIL NIL',
    acl: "INBOX lrswipkxtea",
    create: "OK",
    rename: "OK",
    delete: "OK",
    close: "OK",
    bye: "BYE",
  });
  expect(server.violations).toEqual([]);
  expect(server.mailbox("Sent").uids).toEqual([1, 2, 3]);
});

describe("imapflow", () => {
  async function connected(server: ImapServer, options: Partial<ImapFlowOptions> = {}): Promise<ImapFlow> {
    const flow = new ImapFlow({
      host: "127.0.0.1",
      port: server.port,
      secure: false,
      auth: { user: "alice", pass: "secret" },
      logger: false,
      tls: { ca: testTls.ca, servername: "localhost" },
      ...options,
    });
    await flow.connect();
    return flow;
  }

  test.each([
    ["over TLS from the first byte", { tls: "implicit" }, { secure: true }],
    ["over STARTTLS", { tls: "starttls", requireTls: true }, { doSTARTTLS: true }],
    ["compressed", {}, {}],
    ["with QRESYNC", { features: { compress: false } }, { qresync: true }],
    ["of an old server", { features: old() }, { disableCompression: true }],
  ] as const)("lists, selects, fetches, searches and stores %s", async (_, options, client) => {
    await using server = await start(options);
    const flow = await connected(server, client);
    const paths = (await flow.list()).map(({ path }) => path);
    expect(paths.sort()).toEqual(["Entwürfe", "Entwürfe/neu", "INBOX", "Sent"].sort());
    const lock = await flow.getMailboxLock("INBOX");
    expect(flow.mailbox).toMatchObject({ path: "INBOX", exists: 3, uidNext: 4 });
    const all = await flow.fetchAll("1:*", {
      envelope: true,
      bodyStructure: true,
      flags: true,
      source: true,
      uid: true,
    });
    expect(all.map(({ uid, envelope }) => [uid, envelope?.subject])).toEqual([
      [1, "Grüße"],
      [2, "two"],
      [3, "three"],
    ]);
    expect(all[0]?.source?.toString()).toBe(MIXED.replaceAll("\n", "\r\n"));
    expect(all[0]?.bodyStructure?.childNodes?.[1]).toMatchObject({ type: "image/png", disposition: "attachment" });
    expect(await flow.search({ seen: false })).toEqual([2, 3]);
    await flow.messageFlagsAdd("2", ["\\Flagged"]);
    expect(server.mailbox().messages[1]?.flags).toEqual(["\\Flagged"]);
    lock.release();
    await flow.logout();
    expect(server.violations).toEqual([]);
  });

  test("appends, copies, moves, deletes and downloads", async () => {
    await using server = await start();
    const flow = await connected(server);
    const appended = await flow.append(
      "Sent",
      "Subject: new\r\n\r\nx\r\n",
      ["\\Seen"],
      new Date("2001-02-03T04:05:06Z"),
    );
    expect(appended).toMatchObject({ destination: "Sent", uid: 1 });
    const lock = await flow.getMailboxLock("INBOX");
    expect(await flow.messageCopy("1:2", "Sent")).toMatchObject({
      uidMap: new Map([
        [1, 2],
        [2, 3],
      ]),
    });
    expect(await flow.messageMove("3", "Sent", { uid: true })).toMatchObject({ uidMap: new Map([[3, 4]]) });
    const { content } = await flow.download("1", "2");
    const chunks: Buffer[] = [];
    for await (const chunk of content ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([0, 1, 2, 3, 4]));
    await flow.messageDelete("2");
    lock.release();
    expect(server.mailbox().uids).toEqual([1]);
    expect(await flow.status("Sent", { messages: true, unseen: true })).toMatchObject({ messages: 4, unseen: 2 });
    await flow.mailboxCreate("Neü");
    await flow.mailboxRename("Neü", "Ält");
    await flow.mailboxDelete("Ält");
    expect(await flow.getQuota("INBOX")).toBeTruthy();
    await flow.logout();
    expect(server.violations).toEqual([]);
  });

  test("hears of new messages and of expunged ones while it idles", async () => {
    await using server = await start();
    const flow = await connected(server);
    await flow.mailboxOpen("INBOX");
    const heard: unknown[] = [];
    flow.on("exists", ({ count }) => heard.push(["exists", count]));
    flow.on("expunge", ({ seq }) => heard.push(["expunge", seq]));
    flow.on("flags", ({ seq, flags }) => heard.push(["flags", seq, [...flags]]));
    void flow.idle();
    await expect.poll(() => server.commands.at(-1)).toMatch(/ IDLE$/);
    server.mailbox().add("Subject: four\n\n4\n");
    await expect.poll(() => heard).toContainEqual(["exists", 4]);
    server.mailbox().setFlags(2, ["\\Answered"]);
    await expect.poll(() => heard).toContainEqual(["flags", 2, ["\\Answered"]]);
    server.mailbox().expunge(1);
    await expect.poll(() => heard).toContainEqual(["expunge", 1]);
    await flow.logout();
  });
});

/** What the IMAP4rev1 of 2003 has. */
function old(): Partial<ImapFeatures> {
  const off = ["imap4rev2", "saslIr", "id", "enable", "idle", "namespace", "unselect", "uidplus", "move", "condstore"];
  const more = [
    "qresync",
    "esearch",
    "listExtended",
    "listStatus",
    "specialUse",
    "objectid",
    "compress",
    "utf8",
    "binary",
  ];
  return { ...Object.fromEntries([...off, ...more].map((name) => [name, false])), literal: "none" };
}
