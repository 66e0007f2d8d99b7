/** The in-memory IMAP server in raw dialogues: what the extensions tell of mailboxes, and do with them. */
import { expect, test } from "vitest";
import { open, raw, server } from "./imap-bed.js";
import { answer } from "./imap-lines.js";

const TREE = { Sent: { specialUse: "\\Sent" }, "Work/a": { messages: ["x\n"] }, Work: { subscribed: false } };

test("LIST-EXTENDED, LIST-STATUS and SPECIAL-USE (RFC 5258, RFC 5819, RFC 6154)", async () => {
  await open(TREE, "");
  await raw.play(`
    C: a LIST (SPECIAL-USE) "" *
    S: * LIST (\\HasNoChildren \\Sent) "/" Sent
    S: a OK …
    C: b LIST (SUBSCRIBED RECURSIVEMATCH) "" (Work nothing)
    S: * LIST (\\HasChildren) "/" Work ("CHILDINFO" ("SUBSCRIBED"))
    S: b OK …
    C: c LIST "" Work/% RETURN (SUBSCRIBED STATUS (MESSAGES))
    S: * LIST (\\HasNoChildren \\Subscribed) "/" Work/a
    S: * STATUS Work/a (MESSAGES 1)
    S: c OK …
    C: d CREATE Bin (USE (\\Trash))
    S: d OK [MAILBOXID …
    C: e LIST "" Bin
    S: * LIST (\\HasNoChildren \\Trash) "/" Bin
    S: e OK …
    C: f CREATE Odd (USE (\\Odd))
    S: f NO [USEATTR] …`);
});

test("MULTIAPPEND (RFC 3502) takes all messages, or none", async () => {
  await open({}, "");
  const { uidValidity } = server.mailbox();
  await raw.play(`
    C: a APPEND INBOX (\\Seen) {3+}
    C: one " 1-Jan-2020 00:00:00 +0000" {3+}
    C: two {3+}
    C: six
    S: a OK [APPENDUID ${uidValidity} 1:3] …
    C: b APPEND INBOX {1+}
    C: x {0+}
    C: 
    S: b NO …`);
  expect(server.mailbox().count).toBe(3);
  expect(server.mailbox().content(2).toString()).toBe("two");
});

test("UTF8=ACCEPT (RFC 6855): names and quoted strings in UTF-8", async () => {
  await open({ Übung: [] }, "");
  const wire = Buffer.from("Übung").toString("latin1");
  await raw.play(`
    C: a SELECT "${wire}"
    S: a BAD …
    C: b ENABLE UTF8=ACCEPT
    S: * ENABLED UTF8=ACCEPT
    S: b OK …
    C: c LIST "" *bung
    S: * LIST (\\HasNoChildren) "/" "${wire}"
    S: c OK …
    C: d APPEND "${wire}" UTF8 (~{3+}
    C: abc)
    S: d OK …`);
  expect(server.mailbox("Übung").count).toBe(1);
});

test("IMAP4rev2 (RFC 9051), once enabled: no RECENT, LIST with SELECT, ESEARCH for SEARCH", async () => {
  await open({ INBOX: ["a\n"] }, "");
  await raw.play("C: a ENABLE IMAP4rev2\nS: * ENABLED IMAP4rev2\nS: a OK …");
  const lines = await answer(raw, "b SELECT INBOX");
  expect(lines).toContain('* LIST () "/" INBOX');
  expect(lines.join("\n")).not.toMatch(/RECENT|UNSEEN/);
  await raw.play('C: c SEARCH ALL\nS: * ESEARCH (TAG "c") ALL 1\nS: c OK …\nC: d STATUS INBOX (RECENT)\nS: d BAD …');
});

test("ACL (RFC 4314): rights that are missing refuse what they are for", async () => {
  await open({ INBOX: { messages: ["a\n"], acl: { alice: "lrs" } }, Hidden: { acl: { alice: "" } } });
  await raw.play(`
    C: a MYRIGHTS INBOX
    S: * MYRIGHTS INBOX lrsa
    S: a OK …
    C: b STORE 1 +FLAGS (\\Deleted)
    S: b NO [NOPERM] …
    C: c STORE 1 FLAGS (\\Seen \\Deleted)
    S: * 1 FETCH (FLAGS (\\Seen \\Recent))
    S: c OK …
    C: d APPEND INBOX {1+}
    C: x
    S: d NO [NOPERM] …
    C: e SETACL INBOX bob +lr
    S: e OK …
    C: f GETACL INBOX
    S: * ACL INBOX alice lrsa bob lr
    S: f OK …
    C: g DELETEACL INBOX bob
    S: g OK …
    C: h LISTRIGHTS INBOX alice
    S: * LISTRIGHTS INBOX alice a l r s w i p k x t e
    S: h OK …
    C: i LIST "" H*
    S: i OK …`);
});

test("METADATA (RFC 5464): set, got, by depth and by size, removed", async () => {
  await open({ INBOX: { metadata: { "/private/Comment": "mine" } } }, "");
  await raw.play(`
    C: a GETMETADATA INBOX /private/comment
    S: * METADATA INBOX (/private/comment "mine")
    S: a OK …
    C: b SETMETADATA "" (/shared/vendor/x/y "long one" /private/comment NIL)
    S: b OK …
    C: c GETMETADATA (DEPTH infinity) "" (/shared/vendor)
    S: * METADATA "" (/shared/vendor/x/y "long one" /shared/vendor NIL)
    S: c OK …
    C: d GETMETADATA (MAXSIZE 3) "" /shared/vendor/x/y
    S: d OK [METADATA LONGENTRIES 8] …
    C: e GETMETADATA "" /else/where
    S: e BAD …`);
});

test("ID and NAMESPACE", async () => {
  await open({}, "");
  await raw.play(`
    C: a ID ("name" "x")
    S: * ID ("name" "polywire test server" "vendor" "polywire")
    S: a OK …
    C: b NAMESPACE
    S: * NAMESPACE (("" "/")) NIL NIL
    S: b OK …`);
});
