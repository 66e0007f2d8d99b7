/** The textbook round trip, MUA → MTA → MDA → MUA: compose, send by SMTP, deliver, read by POP3 and by IMAP. */
import { displayName, type ImapUrl, open, type Pop3Url, type SmtpUrl } from "polywire";
import type { MessageReader } from "polywire/message";
import { ImapServer, Pop3Server, type SmtpMessage, SmtpServer } from "polywire/testing";

// Bob's mailbox, which two servers serve.
await using imapServer = await ImapServer.start({ users: { bob: "secret" } });
const inbox = imapServer.mailbox("INBOX", "bob");
await using pop3Server = await Pop3Server.start({ users: { bob: { password: "secret", messages: inbox } } });

/** The MDA: puts what has arrived into the mailbox, and in front of it who has sent it (RFC 5321 §4.4). */
function deliver({ from, content }: SmtpMessage): undefined {
  inbox.add(Buffer.concat([Buffer.from(`Return-Path: <${from}>\r\n`), content]));
}

// The MTA.
await using smtpServer = await SmtpServer.start({ users: { alice: "secret" }, requireLogin: true, onMessage: deliver });

// Alice's MUA.
await using smtp = await open(smtpServer.urlOf() as SmtpUrl);
const letter = { from: "Alice <alice@example.org>", to: "bob@example.org", subject: "Grüße", text: "Servus!\n.\n" };
const attachments = [{ filename: "a.csv", content: Buffer.from("a,b\n1,2\n") }];
console.log("sent", (await smtp.submit({ ...letter, attachments })).messageId);

/** Bob's MUA, whatever his server speaks. */
async function read(reader: MessageReader): Promise<Buffer> {
  for await (const { id, size, headers } of reader.messages({ newest: 1 })) {
    console.log(size, "octets:", displayName(headers.get("subject") ?? ""), headers.get("return-path"));
    const { text, attachments } = await reader.message(id);
    console.log(displayName(text ?? ""), attachments[0]?.filename, attachments[0]?.content);
    return (await reader.retrieve(id)).content;
  }
  throw new Error("the mailbox is empty");
}

await using pop3 = await open(pop3Server.urlOf("bob") as Pop3Url);
await using imap = await open(imapServer.urlOf("bob", "INBOX") as ImapUrl);
if (!(await read(pop3)).equals(await read(imap))) throw new Error("POP3 and IMAP do not give the same message");
