/** Mail in: look into a mailbox, read a message, then fetch all of it into a Maildir and take it off the server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { displayName, open, type Pop3Url } from "polywire";
import { fetchMail } from "polywire/jobs";
import { Maildir, parseHeaders, parseMessage } from "polywire/message";
import { Pop3Server } from "polywire/testing";

const messages = [
  "From: Bob <bob@example.org>\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nDate: Tue, 3 Feb 2026 10:11:12 +0100\n\nServus!\n",
  "From: carol@example.net\nSubject: minutes\nDate: Tue, 3 Feb 2026 11:00:00 +0000\n\n.dots\n..\nFrom here on: nothing.\n",
];
await using server = await Pop3Server.start({ users: { alice: { password: "secret", messages } } });
const url = (process.argv[2] ?? server.urlOf()) as Pop3Url;

{
  await using pop3 = await open(url);
  const { count, bytes } = await pop3.stat();
  console.log(`${count} messages, ${bytes} bytes`);
  const heads = await Promise.all(Array.from({ length: Math.min(count, 20) }, (_, i) => pop3.top(i + 1, 0)));
  for (const { number, content } of heads) console.log(number, displayName(parseHeaders(content).get("subject") ?? ""));
  if (count > 0) console.log(displayName((await pop3.message(1)).text?.trim() ?? ""));
}

const folder = await mkdtemp(join(tmpdir(), "read-mail-"));
const job = { server: url, to: join(folder, "Maildir"), journal: join(folder, "mail.journal") };
const first = await fetchMail({ ...job, deleteAfter: process.argv[2] === undefined });
console.log(`${first.fetched} fetched, ${first.deleted} deleted; run again: ${(await fetchMail(job)).fetched} more`);

const maildir = await Maildir.open(job.to);
for (const each of await maildir.list()) {
  const { subject = "", from } = await parseMessage(await maildir.read(each));
  console.log(displayName(`${from[0]?.address}: ${subject}`));
}
await rm(folder, { recursive: true });
