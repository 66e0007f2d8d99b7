/** A newsgroup into an IMAP folder, by the calls that all readers and all writers have; run again, it takes what is new. */
import { type ImapUrl, type NntpUrl, open } from "polywire";
import { type MessageReader, parseDate } from "polywire/message";
import { ImapServer, NntpServer } from "polywire/testing";

const mailboxes = { "News/misc.test": [] };
await using news = await NntpServer.start({ groups: { "misc.test": { generate: 500 } } });
await using mail = await ImapServer.start({ users: { alice: { password: "secret", mailboxes } } });
const [, , group = news.urlOf("misc.test"), folder = mail.urlOf("alice", "News/misc.test")] = process.argv;

/** The message-ids of a newsgroup or folder: they are the same on every server. */
async function messageIds(reader: MessageReader): Promise<Set<string | undefined>> {
  return new Set((await reader.messages().toArray()).map(({ headers }) => headers.raw("message-id")));
}

/** Puts articles that the folder does not have there, 50 at a time. Gives how many. */
async function archive(): Promise<number> {
  await using nntp = await open(group as NntpUrl);
  await using imap = await open(folder as ImapUrl);
  const known = await messageIds(imap);
  const newest = await nntp.messages({ newest: 1000 }).toArray();
  const wanted = newest.filter(({ headers }) => !known.has(headers.raw("message-id")));
  for (let at = 0; at < wanted.length; at += 50) {
    const copies = wanted.slice(at, at + 50).map(async ({ id, headers }) => {
      const { content } = await nntp.retrieve(id);
      await imap.submit(content, { date: parseDate(headers.raw("date") ?? "") });
    });
    await Promise.all(copies);
  }
  return wanted.length;
}

console.log("archived:", await archive());
news.groups.get("misc.test").add({ subject: "one more", body: "late\n" });
console.log("archived again:", await archive());
const isOurs = process.argv[2] === undefined;
if (isOurs && mail.mailbox("News/misc.test").count !== 501) throw new Error("not every article is there once");
