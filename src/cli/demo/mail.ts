/** The demo's third part: mail goes out by SMTP into a mailbox in memory, where IMAP looks at it; POP3 brings it back. */
import { join } from "node:path";
import type { FetchMailResult } from "../../jobs/index.js";
import { Maildir, type Message, parseMessage } from "../../message/index.js";
import { ImapServer, Pop3Server, SmtpServer } from "../../testing/index.js";
import type { Context } from "../context.js";
import { count, duration } from "../format.js";
import { print } from "../output.js";
import { type Reading, WatchedMailbox } from "./mailbox.js";

/** What the demo sends. */
export const MAIL = { messages: 500, user: "alice", password: "demo" } as const;

/** What went over the wire, by subject. */
export interface Sent {
  readonly text: string;
  readonly attachment: Buffer;
}

/** Sends, watches, reads, fetches, compares and tells. `wrong`: what is not as it should be, a sentence each. */
export async function exchangeMail(context: Context, folder: string) {
  const { user, password } = MAIL;
  await using imapServer = await ImapServer.start({ users: { [user]: password } });
  const messages = imapServer.mailbox("INBOX");
  await using pop3Server = await Pop3Server.start({ users: { [user]: { password, messages } } });
  const deliver = ({ content }: { content: Buffer }) => void messages.add(content);
  await using server = await SmtpServer.start({ users: { [user]: password }, requireLogin: true, onMessage: deliver });
  if (!context.json) await print(intro(server, pop3Server, imapServer));
  await using mailbox = await WatchedMailbox.open(context, imapServer);
  const started = performance.now();
  const [sent] = await Promise.all([sendAll(context, server), mailbox.until(MAIL.messages)]);
  const seconds = (performance.now() - started) / 1000;
  const reading = await mailbox.read(sent);
  const to = join(folder, "Maildir");
  const result = await fetchAll(context, pop3Server, to, join(folder, "mail.journal"));
  const wrong = [...reading.wrong, ...(await verify(to, sent)), ...(await mailbox.leftOver())];
  if (!context.json && wrong.length === 0) await print(success(result, seconds, reading));
  return { result: { sent: sent.size, listed: reading.listed, ...result }, wrong };
}

async function sendAll({ transcript, signal }: Context, server: SmtpServer): Promise<Map<string, Sent>> {
  const { open } = await import("../../index.js");
  await using smtp = await open(server.urlOf() as `smtp://${string}`, { transcript, signal });
  const sent = new Map<string, Sent>();
  const letters = Array.from({ length: MAIL.messages }, (_, i) => {
    const subject = `Letter ${i + 1}: Grüße`;
    const text = `Hello Alice,\n\nthis is letter ${i + 1}.\n.\nFrom here on there is nothing.\n`;
    const attachment = Buffer.from(Array.from({ length: 200 }, (_, n) => (i * 31 + n * 7) % 256));
    sent.set(subject, { text, attachment });
    const attachments = [{ filename: `letter-${i + 1}.bin`, content: attachment }];
    return { from: "Bob <bob@example.org>", to: "alice@example.org", subject, text, attachments };
  });
  for await (const { state, error } of smtp.sendAll(letters, { signal })) if (state !== "sent") throw error;
  return sent;
}

async function fetchAll({ transcript, signal }: Context, mailbox: Pop3Server, to: string, journal: string) {
  const { fetchMail } = await import("../../jobs/index.js");
  return fetchMail({ server: { url: mailbox.urlOf(), transcript }, to, journal, deleteAfter: true, signal });
}

/** Every letter once, with its text and its attachment. */
async function verify(to: string, sent: ReadonlyMap<string, Sent>): Promise<string[]> {
  const wrong: string[] = [];
  const missing = new Map(sent);
  const maildir = await Maildir.open(to);
  for (const each of await maildir.list()) {
    const message = await parseMessage(await maildir.read(each));
    const { subject = "" } = message;
    const letter = missing.get(subject);
    if (letter === undefined) wrong.push(`${subject || "a message without a subject"} was not sent, or is there twice`);
    else if (!isSame(message, letter)) wrong.push(`${subject} has another content`);
    missing.delete(subject);
  }
  return [...wrong, ...Array.from(missing.keys(), (subject) => `${subject} is missing`)];
}

function isSame({ text, attachments }: Message, sent: Sent): boolean {
  return text?.trimEnd() === sent.text.trimEnd() && attachments[0]?.content.equals(sent.attachment) === true;
}

function intro({ port }: SmtpServer, pop3: Pop3Server, imap: ImapServer): string {
  return [
    "",
    `Mail: an SMTP server runs in this process, on port ${port}, and puts what it takes into a mailbox.`,
    `A POP3 server, on port ${pop3.port}, and an IMAP server, on port ${imap.port}, give it out.`,
    `${count(MAIL.messages)} letters with an attachment each are sent; they are watched and searched by IMAP,`,
    "fetched into a Maildir by POP3, and deleted from the server.",
  ].join("\n");
}

function success({ fetched, milliseconds }: FetchMailResult, sending: number, reading: Reading): string {
  const fetching = Math.max(1, milliseconds) / 1000;
  const listing = Math.max(1, reading.milliseconds) / 1000;
  const rate = (seconds: number) => `${duration(seconds)} (${count(fetched / seconds)}/s)`;
  return [
    "",
    `✓ ${count(fetched)} letters sent in ${rate(sending)}, composing included; IMAP told of all of them as they came (IDLE)`,
    `✓ ${count(reading.listed)} envelopes listed in ${rate(listing)}; one found by its subject, read, and flagged`,
    `✓ ${count(fetched)} letters fetched by POP3 in ${rate(fetching)}, each on the disk`,
    "✓ each is in the Maildir, and once, with its text and its attachment as they were sent",
    "✓ the mailbox is empty, as IMAP tells as well; each message was deleted only when it was safe",
  ].join("\n");
}
