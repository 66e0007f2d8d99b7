/** The in-memory IMAP server in raw dialogues: NOTIFY (RFC 5465). */
import { beforeEach, expect, test } from "vitest";
import { open, raw, server } from "./imap-bed.js";
import { answer } from "./imap-lines.js";

beforeEach(() => open({ INBOX: ["a\n", "b\n"], Other: ["x\n"], "Other/below": [] }));

test("the open mailbox: new messages come with what was asked for, expunged ones at once", async () => {
  await raw.play(`
    C: a NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[TEXT]) MessageExpunge))
    S: a OK …`);
  server.mailbox().setFlags(2, ["\\Seen"]); // FlagChange was not asked for
  server.mailbox().add("Subject: new\n\nnew\n");
  await raw.play(`
    S: * 3 EXISTS
    S: * 3 RECENT
    S: * 3 FETCH (UID 3 BODY[TEXT] {5}
    S: new
    S: )`);
  server.mailbox().expunge(1);
  await raw.play("S: * 1 EXPUNGE\nC: b NOOP\nS: b OK …");
});

test("SELECTED-DELAYED keeps expunged messages for the next answer", async () => {
  await raw.play(`
    C: a NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))
    S: a OK …`);
  server.mailbox().expunge(1);
  server.mailbox().setFlags(2, ["\\Seen"]);
  await raw.play(`
    S: * 2 FETCH (FLAGS (\\Seen \\Recent))
    C: b NOOP
    S: * 1 EXPUNGE
    S: b OK …`);
});

test("other mailboxes: STATUS at first and when something happens, and the first group that means one holds", async () => {
  const { uidValidity } = server.mailbox("Other");
  await raw.play(`
    C: a NOTIFY SET STATUS (MAILBOXES Other (MessageNew MessageExpunge)) (SUBTREE Other (MailboxName SubscriptionChange))
    S: * STATUS Other (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ${uidValidity})
    S: a OK …`);
  server.mailbox("Other").setFlags(1, ["\\Seen"]); // FlagChange was not asked for
  server.mailbox("Other").expunge(1);
  await raw.play(`S: * STATUS Other (MESSAGES 0 UIDNEXT 2 UIDVALIDITY ${uidValidity})`);
  server.mailboxes().subscribe("Other", false); // the first group that means it says nothing of subscriptions
  server.mailboxes().subscribe("Other/below", false);
  await raw.play('S: * LIST () "/" Other/below\nC: b NOOP\nS: b OK …');
});

test("names and subscriptions are told as LIST", async () => {
  await raw.play("C: a NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))\nS: a OK …");
  server.mailboxes().rename("Other/below", "Other/new");
  await raw.play('S: * LIST () "/" Other/new ("OLDNAME" ("Other/below"))');
  server.mailboxes().subscribe("Other/new");
  await raw.play('S: * LIST (\\Subscribed) "/" Other/new');
  server.mailboxes().delete("Other/new");
  await raw.play('S: * LIST (\\NonExistent \\Subscribed) "/" Other/new');
});

test("NOTIFY NONE: nothing is told, but for what the client does itself", async () => {
  await raw.play("C: a NOTIFY NONE\nS: a OK …");
  server.mailbox().add("c\n");
  await raw.play("C: b NOOP\nS: b OK …");
  await answer(raw, "c STORE 1 +FLAGS.SILENT (\\Deleted)");
  expect(await answer(raw, "d EXPUNGE")).toContain("* 1 EXPUNGE");
});

test("unknown events are refused with those that are known, halves are BAD", async () => {
  await raw.play(`
    C: a NOTIFY SET (SELECTED (AnnotationChange))
    S: a NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)] …
    C: b NOTIFY SET (SELECTED (MessageNew))
    S: b BAD …
    C: c NOTIFY SET (PERSONAL (MessageNew (UID) MessageExpunge))
    S: c BAD …`);
});
