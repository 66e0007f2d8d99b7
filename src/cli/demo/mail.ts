/** The demo's third part: mail goes out by SMTP to a server in memory, which hands it to a mailbox; POP3 brings it back. */
import { join } from "node:path";
import type { FetchMailResult } from "../../jobs/index.js";
import { Maildir, type Message, parseMessage } from "../../message/index.js";
import { Pop3Server, SmtpServer } from "../../testing/index.js";
import type { Context } from "../context.js";
import { count, duration } from "../format.js";
import { print } from "../output.js";

/** What the demo sends. */
export const MAIL = { messages: 500, user: "alice", password: "demo" } as const;

/** What went over the wire, by subject. */
interface Sent {
  readonly text: string;
  readonly attachment: Buffer;
}

/** Sends, fetches, compares and tells. `wrong`: what is not as it should be, a sentence each. */
export async function exchangeMail(context: Context, folder: string) {
  const { user, password } = MAIL;
  await using mailbox = await Pop3Server.start({ users: { [user]: { password } } });
  const deliver = ({ content }: { content: Buffer }) => void mailbox.maildrop(user).add(content);
  await using server = await SmtpServer.start({ users: { [user]: password }, requireLogin: true, onMessage: deliver });
  if (!context.json) await print(intro(server, mailbox));
  const started = performance.now();
  const sent = await sendAll(context, server);
  const seconds = (performance.now() - started) / 1000;
  const to = join(folder, "Maildir");
  const result = await fetchAll(context, mailbox, to, join(folder, "mail.journal"));
  const wrong = [...(await verify(to, sent)), ...leftOver(mailbox)];
  if (!context.json && wrong.length === 0) await print(success(result, seconds));
  return { result: { sent: sent.size, ...result }, wrong };
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

function leftOver(mailbox: Pop3Server): string[] {
  const left = mailbox.maildrop(MAIL.user).count;
  return left === 0 ? [] : [`${count(left)} messages are still on the POP3 server`];
}

function intro(server: SmtpServer, mailbox: Pop3Server): string {
  return [
    "",
    `Mail: an SMTP server runs in this process, on port ${server.port}, and hands what it takes to a POP3 server, on port ${mailbox.port}.`,
    `${count(MAIL.messages)} letters with an attachment each are sent, fetched into a Maildir, and deleted from the server.`,
  ].join("\n");
}

function success({ fetched, milliseconds }: FetchMailResult, sending: number): string {
  const fetching = Math.max(1, milliseconds) / 1000;
  const rate = (seconds: number) => `${duration(seconds)} (${count(fetched / seconds)}/s)`;
  return [
    "",
    `✓ ${count(fetched)} letters sent in ${rate(sending)}, composing included, and fetched in ${rate(fetching)}, each on the disk`,
    "✓ each is in the Maildir, and once, with its text and its attachment as they were sent",
    "✓ the mailbox is empty; each message was deleted only when it was safe",
  ].join("\n");
}
