/** URLs of IMAP: open(), the mailbox of the path, its UIDVALIDITY, what `;auth=` asks for. */
import { describe, expect, onTestFinished, test } from "vitest";
import { ReplyError, UsageError } from "../../src/client/errors.js";
import { ImapClient } from "../../src/imap/client.js";
import { clientFor, type ImapUrl, open } from "../../src/open.js";
import { ImapServer, type ImapServerOptions } from "../../src/testing/index.js";
import { testTls } from "../../src/testing/tls.js";
import { failure } from "../net/loopback.js";
import { ALICE, QUICK } from "./dialogue.js";

const tls = { ca: testTls.ca };

/** A server where alice has some mail, and the URL of a path there. */
async function memory(options: ImapServerOptions = {}) {
  const mailboxes = { INBOX: { generate: 3 }, "Sent Mail": { generate: 2 }, "Grüße/2026": { generate: 1 } };
  const server = await ImapServer.start({ users: { alice: { password: ALICE.password, mailboxes } }, ...options });
  onTestFinished(() => server.close());
  const at = (path: string) => server.urlOf("alice").replace(/\/?(?=\?|$)/, path) as ImapUrl;
  return { server, at };
}

test("open() logs in, and selects nothing where there is no path", async () => {
  const { at } = await memory();
  for (const path of ["", "/"]) {
    await using imap = await open(at(path), { timeouts: QUICK });
    expect(imap).toBeInstanceOf(ImapClient);
    expect([imap.state, imap.mailbox]).toEqual(["ready", undefined]);
  }
});

test.each([
  ["/INBOX", "INBOX", 3],
  ["/Sent%20Mail", "Sent Mail", 2],
  ["/Gr%C3%BC%C3%9Fe/2026", "Grüße/2026", 1],
])("the path %s is the mailbox %j", async (path, name, exists) => {
  const { server, at } = await memory();
  await using imap = await open(at(path), { timeouts: QUICK });
  expect(imap.mailbox).toMatchObject({ name, exists, readOnly: false });
  expect(server.violations).toEqual([]);
});

test("the URL that the server in memory gives for a mailbox leads there", async () => {
  const { server } = await memory();
  await using imap = await open(server.urlOf("alice", "Grüße/2026") as ImapUrl, { timeouts: QUICK });
  expect(imap.mailbox).toMatchObject({ name: "Grüße/2026", exists: 1 });
});

test("a mailbox that is not there is refused, and nothing stays open", async () => {
  const { server, at } = await memory();
  const error = await failure(open(at("/None"), { timeouts: QUICK }));
  expect(error).toBeInstanceOf(ReplyError);
  await expect.poll(() => server.connections).toBe(0);
});

test.each([
  ["imaps", "implicit"],
  ["imap", "starttls"],
] as const)("%s: is TLS", async (scheme, how) => {
  const { server } = await memory({ tls: how });
  await using imap = await open(`${scheme}://alice:s3cret@127.0.0.1:${server.port}/INBOX`, { tls });
  expect([imap.secure, imap.mailbox?.exists]).toEqual([true, 3]);
});

describe(";UIDVALIDITY= (RFC 5092)", () => {
  test("a mailbox that still has it is selected", async () => {
    const { server, at } = await memory();
    const { uidValidity } = server.mailbox("INBOX");
    await using imap = await open(at(`/INBOX;UIDVALIDITY=${uidValidity}`), { timeouts: QUICK });
    expect(imap.mailbox).toMatchObject({ name: "INBOX", uidValidity });
  });

  test("one that was numbered anew is none of which the UIDs are known", async () => {
    const { server, at } = await memory();
    const { uidValidity } = server.mailbox("INBOX");
    const error = await failure(open(at(`/INBOX;uidvalidity=${uidValidity + 1}`), { timeouts: QUICK }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(`UIDVALIDITY ${uidValidity + 1}: it is ${uidValidity}`);
    await expect.poll(() => server.connections).toBe(0);
  });
});

test("the URL of a message is refused before anything is dialled", async () => {
  for (const path of ["INBOX/;UID=20", "INBOX;UIDVALIDITY=7/;UID=20/;SECTION=1.2", "INBOX;UIDVALIDITY=0"]) {
    const error = await failure(open(`imaps://alice:s3cret@127.0.0.1:1/${path}`));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain("names more than a mailbox");
    expect(error.message).not.toContain("s3cret");
  }
});

describe(";auth= (RFC 5092)", () => {
  const loginBy = async (auth: string) => {
    const { server } = await memory();
    const url = `imap://alice;AUTH=${auth}:s3cret@127.0.0.1:${server.port}/?security=plain`;
    await using imap = await clientFor(url, { timeouts: QUICK }, "imap");
    await imap.connect();
    await imap.login();
    return server.commands.map((line) => /AUTHENTICATE \S+|LOGIN/.exec(line)?.[0]).find((words) => words !== undefined);
  };

  test.each([
    ["CRAM-MD5", "AUTHENTICATE CRAM-MD5"],
    ["plain", "AUTHENTICATE PLAIN"],
    ["*", "AUTHENTICATE SCRAM-SHA-256"],
  ])("%s", async (auth, command) => {
    expect(await loginBy(auth)).toBe(command);
  });

  test("a mechanism that nobody knows is a UsageError", async () => {
    expect(await failure(clientFor("imaps://alice;auth=NONSENSE@h", {}, "imap"))).toBeInstanceOf(UsageError);
  });
});

test("clone() makes another client with the credentials that were accepted", async () => {
  const { at } = await memory();
  await using imap = await open(at("/INBOX"), { timeouts: QUICK });
  await using other = imap.clone();
  await other.connect();
  await other.login();
  expect(other.state).toBe("ready");
});
