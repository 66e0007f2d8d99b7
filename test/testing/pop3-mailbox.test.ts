/** One mailbox, served by the POP3 server and the IMAP server in memory: what one of them does, the other one tells. */
import { expect, onTestFinished, test } from "vitest";
import { type ImapUrl, open, type Pop3Url } from "../../src/open.js";
import { ImapServer, Pop3Server } from "../../src/testing/index.js";

const LETTERS = ["Subject: one\r\n\r\n1\r\n", "Subject: two\r\n\r\n.2\r\n", "Subject: three\r\n\r\n3\r\n"];

async function both() {
  const imapServer = await ImapServer.start({ users: { alice: { password: "pw", mailboxes: { INBOX: LETTERS } } } });
  onTestFinished(() => imapServer.close());
  const inbox = imapServer.mailbox("INBOX");
  const pop3Server = await Pop3Server.start({ users: { alice: { password: "pw", messages: inbox } } });
  onTestFinished(() => pop3Server.close());
  const pop3 = () => open(pop3Server.urlOf() as Pop3Url);
  const imap = () => open(imapServer.urlOf("alice", "INBOX") as ImapUrl);
  return { inbox, maildrop: pop3Server.maildrop("alice"), pop3, imap };
}

test("the same messages, by their unique-ids", async () => {
  const { inbox, pop3 } = await both();
  await using client = await pop3();
  expect((await client.uidl().toArray()).map(({ uid }) => uid)).toEqual(
    inbox.uids.map((uid) => `${inbox.uidValidity}.${uid}`),
  );
  const contents = await Promise.all([1, 2, 3].map((number) => client.retr(number)));
  expect(contents.map(({ content }) => content.toString())).toEqual(LETTERS);
});

test("what POP3 deletes IMAP expunges, behind QUIT and not before", async () => {
  const { inbox, pop3, imap } = await both();
  await using watcher = await imap();
  const client = await pop3();
  await client.dele(2);
  expect(inbox.uids).toEqual([1, 2, 3]);
  await client.commit();
  expect(inbox.uids).toEqual([1, 3]);
  await watcher.noop();
  expect(watcher.mailbox?.exists).toBe(2);
});

test("what IMAP expunges a POP3 session can read until its end; the next one does not see it", async () => {
  const { pop3, imap } = await both();
  await using client = await pop3();
  await using other = await imap();
  await other.store(1, "+FLAGS", ["\\Deleted"]);
  await other.expunge();
  expect((await client.retr(1)).content.toString()).toBe(LETTERS[0]);
  await client.dele(1);
  await client.commit();
  await using next = await pop3();
  expect((await next.stat()).count).toBe(2);
});

test("a message that is put into the maildrop is in the mailbox, under the UID it gives", async () => {
  const { inbox, maildrop } = await both();
  expect(maildrop.add("Subject: four\n\n4")).toBe(`${inbox.uidValidity}.4`);
  expect(inbox.content(4).toString()).toBe("Subject: four\r\n\r\n4\r\n");
  expect(() => maildrop.add({ content: "x", uid: "mine" })).toThrow("gives the UIDs");
  maildrop.remove(`${inbox.uidValidity}.1`, "nobody's");
  expect([inbox.uids, maildrop.count]).toEqual([[2, 3, 4], 3]);
});
