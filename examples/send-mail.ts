/** Mail out: one message with a report for each recipient, many in one run, and through nodemailer. Takes an SMTP URL. */
import nodemailer from "nodemailer";
import { open, polywireTransport, type SmtpUrl } from "polywire";
import { SmtpServer } from "polywire/testing";

await using server = await SmtpServer.start({
  users: { alice: "secret" },
  reject: { "nobody@example.net": "550 5.1.1 No such user" },
});
const url = (process.argv[2] ?? server.urlOf()) as SmtpUrl;
const from = "Alice <alice@example.org>";

await using smtp = await open(url);
const to = ["Bob <bob@example.net>", "nobody@example.net"];
const report = Buffer.from("date,value\n2026-02-03,42\n");
const attachments = [{ filename: "report.csv", content: report }];
const { accepted, rejected } = await smtp.send({ from, to, subject: "Grüße", text: "See the report.\n", attachments });
for (const { recipient, text } of accepted) console.log(`✓ ${recipient}: ${text}`);
for (const { recipient, code, text } of rejected) console.log(`✗ ${recipient}: ${code} ${text}`);

const letters = Array.from({ length: 100 }, (_, i) => ({
  from,
  to: "bob@example.net",
  subject: `No. ${i}`,
  text: "hi\n",
}));
const states = new Map<string, number>();
for await (const { state } of smtp.sendAll(letters)) states.set(state, (states.get(state) ?? 0) + 1);
console.log(Object.fromEntries(states));

// What speaks nodemailer already: the same connection, TLS and logins, with its mailer on top.
const mailer = nodemailer.createTransport(polywireTransport({ url, maxConnections: 2 }));
const info = await mailer.sendMail({ from, to: "bob@example.net", subject: "by nodemailer", html: "<b>hi</b>" });
console.log(info.messageId, info.response);
mailer.close();

console.log(`${server.messageCount} messages are there`);
if (process.argv[2] === undefined && server.messageCount !== 102) throw new Error("not every message is there");
