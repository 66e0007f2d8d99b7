/** Mail that stays on its server: look around, search, list, read, file away, be told what happens. Takes an IMAP URL. */
import { displayName, type ImapUrl, open } from "polywire";
import { ImapServer } from "polywire/testing";

const INBOX = [
  "From: Bob <bob@example.org>\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nDate: Tue, 3 Feb 2026 10:11:12 +0100\n\nServus!\n",
  "From: carol@example.net\nSubject: minutes\nDate: Tue, 3 Feb 2026 11:00:00 +0000\n\nNobody came.\n",
];
await using server = await ImapServer.start({ users: { alice: { password: "secret", mailboxes: { INBOX } } } });
const url = (process.argv[2] ?? server.urlOf("alice", "INBOX")) as ImapUrl;

await using imap = await open(url);
for (const { name, status } of await imap.list("%", { status: ["MESSAGES", "UNSEEN"] })) {
  console.log(displayName(name), status?.messages, "messages,", status?.unseen, "unread");
}

const unread = (await imap.search({ seen: false })).slice(-20);
for await (const { uid, size, envelope } of imap.fetch(unread, ["RFC822.SIZE", "ENVELOPE"])) {
  console.log(uid, size, displayName(`${envelope?.from[0]?.address}: ${envelope?.subject}`));
}
const newest = unread.at(-1);
if (newest !== undefined) console.log(displayName((await imap.message(newest)).text?.trim() ?? ""));

if (process.argv[2] === undefined) {
  await imap.create("Archive");
  await imap.store(unread, "+FLAGS.SILENT", ["\\Seen"]);
  await imap.move(unread, "Archive");
  console.log("in the archive:", (await imap.status("Archive", ["MESSAGES"])).messages);

  // Somebody delivers a letter while we watch. Calls may be made inside the loop.
  setTimeout(() => server.mailbox("INBOX").add("From: dave@example.org\nSubject: late\n\nSorry.\n"), 50);
  for await (const { type } of imap.idle()) {
    if (type !== "exists") continue;
    for (const uid of await imap.search({ seen: false })) console.log("new:", (await imap.message(uid)).subject);
    break;
  }
}
