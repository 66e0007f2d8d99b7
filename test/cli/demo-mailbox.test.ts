/** What the demo says of a mailbox that is not as it should be. */
import { expect, onTestFinished, test } from "vitest";
import { WatchedMailbox } from "../../src/cli/demo/mailbox.js";
import { ImapServer } from "../../src/testing/index.js";

const letter = (subject: string, text: string) => `From: bob@example.org\nSubject: ${subject}\n\n${text}\n`;
const sent = new Map(["one", "two", "three"].map((name) => [name, { text: `${name}!`, attachment: Buffer.alloc(0) }]));

async function bed(messages: string[]) {
  const server = await ImapServer.start({ users: { alice: { password: "pw", mailboxes: { INBOX: messages } } } });
  onTestFinished(() => server.close());
  const mailbox = await WatchedMailbox.open({ transcript: undefined, signal: new AbortController().signal }, server);
  onTestFinished(() => mailbox[Symbol.asyncDispose]());
  return { inbox: server.mailbox("INBOX"), mailbox };
}

test("all is there: nothing is wrong, one letter is flagged, and what is left is told", async () => {
  const { inbox, mailbox } = await bed(["one", "two", "three"].map((name) => letter(name, `${name}!`)));
  expect(await mailbox.read(sent)).toMatchObject({ listed: 3, wrong: [] });
  expect(inbox.messages.map(({ flags }) => flags)).toEqual([[], [], ["\\Flagged", "\\Seen"]]);
  expect(await mailbox.leftOver()).toEqual(["3 messages are still on the server"]);
  inbox.expunge(1, 2, 3);
  expect(await mailbox.leftOver()).toEqual([]);
});

test("a letter is missing, and another one has a different text", async () => {
  const { mailbox } = await bed([letter("two", "two!"), letter("three", "four!")]);
  const { wrong } = await mailbox.read(sent);
  expect(wrong).toEqual(["IMAP does not list one", "IMAP lists 2 messages of 3", "IMAP gives another text of three"]);
});

test("a letter is there twice", async () => {
  const { mailbox } = await bed(["one", "two", "three", "three"].map((name) => letter(name, `${name}!`)));
  const { wrong } = await mailbox.read(sent);
  expect(wrong).toEqual(["IMAP lists 4 messages of 3", "IMAP does not find one letter with the subject three"]);
});

test("what arrives is waited for", async () => {
  const { inbox, mailbox } = await bed([]);
  const told = mailbox.until(2);
  for (const name of ["one", "two"]) inbox.add(letter(name, "x"));
  await told;
  expect(inbox.count).toBe(2);
});
