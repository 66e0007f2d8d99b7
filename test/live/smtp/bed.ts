/** SMTP clients for live servers, and messages that are hard to carry. */
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { Transcript } from "../../../src/client/transcript.js";
import { SmtpClient } from "../../../src/smtp/client.js";
import type { SmtpOptions } from "../../../src/smtp/options.js";

interface Place {
  readonly host: string;
  readonly ca: string;
}

/** A client that is not connected yet. It quits when the test is over. */
export function client(place: Place, port: number, given: Partial<SmtpOptions> = {}) {
  const transcript = new Transcript();
  const tls = { ca: place.ca };
  const smtp = new SmtpClient({ host: place.host, port, security: "starttls", tls, transcript, ...given });
  onTestFinished(() => smtp.quit());
  return Object.assign(smtp, { transcript });
}

/** A client that is connected, and logged in where it has credentials. */
export async function connected(place: Place, port: number, given: Partial<SmtpOptions> = {}) {
  const smtp = client(place, port, given);
  await smtp.connect();
  await smtp.login();
  return smtp;
}

/** Headers of a message that no server finds incomplete: Postfix adds To, Date and Message-ID where they are missing. */
export const complete = (subject: string): string[] => [
  "From: Alice <alice@polywire.example>",
  "To: Bob <bob@polywire.example>",
  "Date: Mon, 01 Jan 2024 00:00:00 +0000",
  `Subject: ${subject}`,
];

/** Dots at the beginnings of lines, lines of 998 octets, 8-bit text, and dots in the end. */
export const HARD = Buffer.from(
  [
    ...complete("hard"),
    "Message-ID: <hard@polywire.example>",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    ".",
    "..",
    ".dot",
    "",
    "x".repeat(998),
    `.${"y".repeat(997)}`,
    "Grüße €",
    "From here on",
    ".",
    "",
  ].join("\r\n"),
);

/** The same mail as a file has it: LF, and perhaps headers of the server in front. */
export function arrived(delivered: readonly Buffer[], message: Buffer): boolean {
  const wanted = message.toString("latin1").replaceAll("\r\n", "\n");
  return delivered.some((each) => each.toString("latin1").replaceAll("\r\n", "\n").endsWith(wanted));
}

/** Waits until it is so; rejects after ten seconds. */
export async function eventually<T>(look: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (let i = 0; ; i++) {
    const value = await look();
    if (isSo(value)) return value;
    if (i === 200) throw new Error("it did not come");
    await sleep(50);
  }
}
