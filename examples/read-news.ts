/** The textbook example: list the subjects of a newsgroup, ask which article to read, print it. Takes a news URL. */
import { createInterface } from "node:readline/promises";
import { displayName, type NntpUrl, open, parseUrl } from "polywire";
import { parseMessage } from "polywire/message";
import { NntpServer } from "polywire/testing";

const articles = [
  { subject: "Which parser?", messageId: "<1@news.example>", body: "Which one do you use for mail?" },
  { subject: "Re: Which parser?", from: "Bob <bob@example.org>", references: ["<1@news.example>"], body: "My own." },
  { subject: "=?utf-8?Q?Gr=C3=BC=C3=9Fe?= aus Wien", from: "=?utf-8?Q?J=C3=BCrgen?= <j@example.at>", body: "Servus!" },
];
await using server = await NntpServer.start({ groups: { "misc.test": { articles } } });
const url = (process.argv[2] ?? server.urlOf("misc.test")) as NntpUrl;

await using nntp = await open(url);
const { name, count, low, high } = await nntp.group(parseUrl(url).path);
console.log(`${name}: about ${count} articles`);
const rows = await nntp.over([Math.max(low, high - 19)]).toArray();
for (const row of rows) console.log(String(row.number).padStart(6), displayName(`${row.subject}  (${row.from})`));

async function choose(): Promise<number> {
  if (!process.stdin.isTTY) return rows[0]?.number ?? low;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question("Which article? ");
  terminal.close();
  return Number(answer);
}

const { content } = await nntp.article(await choose());
const { subject = "", from, date, text = "" } = await parseMessage(content, { htmlToText: true });
console.log(displayName(`== ${subject}, by ${from[0]?.name || from[0]?.address}, ${date?.toISOString()}`));
for (const line of text.split("\n")) console.log(displayName(line));
