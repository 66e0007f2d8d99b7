/** The in-memory IMAP server in raw dialogues, as RFC 9051 writes them: the commands that every server has. */
import { expect, test } from "vitest";
import type { ImapMessages } from "../../src/testing/index.js";
import { raw, server, open as start } from "./imap-bed.js";
import { answer, greeted, MAIL } from "./imap-lines.js";

/** A server of few extensions, logged in, INBOX open. */
async function open(messages: ImapMessages): Promise<void> {
  const features = { condstore: false, qresync: false, objectid: false };
  await start({ INBOX: messages, Sent: { specialUse: "\\Sent" } }, "INBOX", { features });
}

const quiet = async () => {
  await answer(raw, "z NOOP");
  return raw.waiting;
};

test("SELECT tells what is in the mailbox, EXAMINE opens it read-only", async () => {
  await open([{ content: MAIL, flags: ["\\Seen", "work"] }, "b\n"]);
  await raw.play(`
    C: a SELECT INBOX
    S: * OK [CLOSED] …
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work \\*)] …
    S: * 2 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 2] …
    S: * OK [UIDVALIDITY ${server.mailbox().uidValidity}] …
    S: * OK [UIDNEXT 3] …
    S: a OK [READ-WRITE] …`);
  expect((await answer(raw, "b EXAMINE INBOX")).at(-1)).toMatch(/^b OK \[READ-ONLY\]/);
  await raw.play(`
    C: c STORE 1 FLAGS (\\Seen)
    S: c NO [READ-ONLY] …
    C: d SELECT nowhere
    S: * OK [CLOSED] …
    S: d NO [NONEXISTENT] …
    C: e FETCH 1 FLAGS
    S: e BAD Select a mailbox first`);
});

test("STORE adds, removes and replaces; silent says nothing", async () => {
  await open(["a\n", "b\n"]);
  await raw.play(`
    C: a STORE 1:2 +FLAGS (\\Flagged $Work)
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)
    S: * 1 FETCH (FLAGS (\\Flagged $Work \\Recent))
    S: * 2 FETCH (FLAGS (\\Flagged $Work \\Recent))
    S: a OK …
    C: b UID STORE 2 -FLAGS \\flagged
    S: * 2 FETCH (UID 2 FLAGS ($Work \\Recent))
    S: b OK …
    C: c STORE 1 FLAGS.SILENT (\\Seen)
    S: c OK …`);
  expect(server.mailbox().messages.map(({ flags }) => flags)).toEqual([["\\Seen"], ["$Work"]]);
  expect(await quiet()).toBe("");
});

test("EXPUNGE counts down as RFC 9051 has it, CLOSE is silent", async () => {
  await open(["a\n", "b\n", "c\n", "d\n"]);
  await answer(raw, "a STORE 2:3 +FLAGS (\\Deleted)");
  await raw.play(`
    C: b EXPUNGE
    S: * 2 EXPUNGE
    S: * 2 EXPUNGE
    S: b OK …`);
  await answer(raw, "c STORE 1 +FLAGS (\\Deleted)");
  await raw.play("C: d CLOSE\nS: d OK …\nC: e FETCH 1 UID\nS: e BAD …");
  expect(server.mailbox().uids).toEqual([4]);
});

test("APPEND waits for the literal, takes flags and a date, and tells the UID", async () => {
  await open([]);
  await raw.play(`
    C: a APPEND Sent (\\Seen) {3}
    S: + …
    C: oneX
    S: a BAD …`);
  raw.write('b APPEND Sent (\\Seen) " 7-Feb-1994 21:52:25 -0800" {5}\r\n');
  expect(await raw.line()).toMatch(/^\+ /);
  raw.write("one\r\n\r\n");
  expect(await raw.line()).toMatch(/^b OK \[APPENDUID \d+ 1\]/);
  await raw.play("C: c APPEND nowhere {3+}\nC: one\nS: c NO [TRYCREATE] …");
  const [message] = server.mailbox("Sent").messages;
  expect(message).toMatchObject({ uid: 1, flags: ["\\Seen"], size: 5, internalDate: new Date("1994-02-08T05:52:25Z") });
});

test("COPY and MOVE keep flags and dates; a missing mailbox asks for its creation", async () => {
  const internalDate = new Date("2001-02-03T04:05:06Z");
  await open([{ content: "a\n", flags: ["\\Answered"], internalDate }, "b\n"]);
  const { uidValidity } = server.mailbox("Sent");
  await raw.play(`
    C: a COPY 1:2 Nowhere
    S: a NO [TRYCREATE] …
    C: b COPY 1:2 Sent
    S: b OK [COPYUID ${uidValidity} 1:2 1:2] …
    C: c UID MOVE 1 Sent
    S: * OK [COPYUID ${uidValidity} 1 3] …
    S: * 1 EXPUNGE
    S: c OK …`);
  expect(server.mailbox("Sent").messages[2]).toMatchObject({ flags: ["\\Answered"], internalDate });
  expect(server.mailbox().uids).toEqual([2]);
});

test("mailboxes are made, named in UTF-7, renamed with what is below, and removed", async () => {
  await open([]);
  await raw.play(`
    C: a CREATE &ANw-bung/eins
    S: a OK …
    C: b LIST "" *bung*
    S: * LIST (\\HasNoChildren) "/" &ANw-bung/eins
    S: * LIST (\\Noselect \\HasChildren) "/" &ANw-bung
    S: b OK …
    C: c RENAME &ANw-bung done
    S: c OK …
    C: d STATUS done/eins (MESSAGES UIDNEXT)
    S: * STATUS done/eins (MESSAGES 0 UIDNEXT 1)
    S: d OK …
    C: e CREATE inbox
    S: e NO [ALREADYEXISTS] …
    C: f DELETE INBOX
    S: f NO [CANNOT] …
    C: g DELETE done/eins
    S: g OK …
    C: h DELETE done/eins
    S: h NO [NONEXISTENT] …
    C: i CREATE &Jjo
    S: i BAD …`);
  expect(server.mailboxes().names).toEqual(["INBOX", "Sent"]);
});

test("LIST knows wildcards, the delimiter and subscriptions", async () => {
  await open([]);
  server.mailboxes().create("a/b/c", { subscribed: false });
  await raw.play(`
    C: a LIST "" ""
    S: * LIST (\\Noselect) "/" ""
    S: a OK …
    C: b LIST "" %
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasNoChildren \\Sent) "/" Sent
    S: * LIST (\\Noselect \\HasChildren) "/" a
    S: b OK …
    C: c LIST a/ %
    S: * LIST (\\Noselect \\HasChildren) "/" a/b
    S: c OK …
    C: d SUBSCRIBE a/b/c
    S: d OK …
    C: e UNSUBSCRIBE Sent
    S: e OK …
    C: f LSUB "" %
    S: * LSUB () "/" INBOX
    S: * LSUB (\\Noselect) "/" a
    S: f OK …`);
});

test("RENAME of INBOX moves its messages", async () => {
  await open(["a\n", "b\n"]);
  await raw.play(`
    C: a RENAME INBOX old
    S: * 1 EXPUNGE
    S: * 1 EXPUNGE
    S: a OK …`);
  expect([server.mailbox().count, server.mailbox("old").count]).toEqual([0, 2]);
});

test("what another client does is told with the next answer, but no number changes during FETCH", async () => {
  await open(["a\n", "b\n"]);
  const inbox = server.mailbox();
  inbox.add("new\n");
  inbox.setFlags(2, ["\\Flagged"]);
  inbox.expunge(1);
  await raw.play(`
    C: a FETCH 2 UID
    S: * 2 FETCH (UID 2)
    S: * 3 EXISTS
    S: * 3 RECENT
    S: * 2 FETCH (FLAGS (\\Flagged \\Recent))
    S: a OK …
    C: b NOOP
    S: * 1 EXPUNGE
    S: b OK …`);
});

test("IDLE tells at once, until DONE", async () => {
  await open(["a\n"]);
  await raw.play("C: a IDLE\nS: + idling");
  server.mailbox().add("b\n");
  await raw.play("S: * 2 EXISTS\nS: * 2 RECENT");
  server.mailbox().expunge(1);
  await raw.play("S: * 1 EXPUNGE\nC: DONE\nS: a OK …");
});

test("IDLE tells of what comes while it tells of something else", async () => {
  await open([]);
  await raw.play("C: a IDLE\nS: + idling");
  for (let turns = 0, exists = 0; turns < 40; turns++) {
    server.mailbox().add("first\n");
    for (let i = 0; i < turns; i++) await undefined;
    server.mailbox().add("second\n");
    exists += 2;
    // Both at once, or one after the other.
    let told = "";
    while (!told.startsWith(`* ${exists} EXISTS`)) told = await raw.line();
  }
  await raw.play("S: * 80 RECENT\nC: DONE\nS: a OK …");
});

test("commands out of their state, unknown ones and bad grammar are BAD, and noted", async () => {
  await open([]);
  await raw.play(`
    C: a LOGIN alice secret
    S: a BAD …
    C: b XYZZY
    S: b BAD …
    C: c SELECT  INBOX
    S: c BAD …
    C: d LIST ""
    S: d BAD …`);
  raw.write("justoneword\r\n");
  expect(await raw.line()).toMatch(/^\* BAD/);
  expect(server.violations).toHaveLength(5);
  const fresh = await greeted(server);
  await fresh.play("C: a SELECT INBOX\nS: a BAD Log in first\nC: b LOGOUT\nS: * BYE …\nS: b OK …");
  await fresh.hungUp();
});
