/** Mail for the IMAP bench: messages as people write them, by their numbers. */
import { randomBytes } from "node:crypto";

const CRLF = "\r\n";

/** Some headers, some lines: 1.4 KB, give or take. */
export function smallMessage(n: number): Buffer {
  const lines = `${"The quick brown fox. ".repeat(3)}${n}${CRLF}`.repeat(10 + (n % 11));
  return Buffer.from(`${header(n)}${CRLF}${CRLF}${lines}`);
}

/** Every fifth one has a subject that is no ASCII, every third a second recipient. */
function header(n: number): string {
  const subject = n % 5 === 0 ? `=?UTF-8?Q?Gr=C3=BC=C3=9Fe_Nr._${n}?=` : `Re: minutes of meeting ${n}`;
  const more = n % 3 === 0 ? ', "Carol, Dr." <carol@example.com>' : "";
  const date = new Date(Date.UTC(2024, 0, 1) + n * 60_000).toUTCString().replace("GMT", "+0000");
  return [
    `From: Alice Liddell <alice${n % 100}@example.org>`,
    `To: Bob Builder <bob@example.net>${more}`,
    `Subject: ${subject}`,
    `Date: ${date}`,
    `Message-ID: <${n}.bench@example.org>`,
    `In-Reply-To: <${n - 1}.bench@example.org>`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
  ].join(CRLF);
}

/** One with an attachment of so many megabytes, no two of which are the same, so that a lost or a swapped piece shows. */
export function largeMessage(megabytes: number): Buffer {
  const line = 76;
  const rows = Math.floor((1024 * 1024) / (line + 2));
  const piece = randomBytes((rows * line * 3) / 4).toString("base64");
  const lines = piece.match(/.{76}/g)!.join(CRLF);
  const parts = Array.from({ length: megabytes }, (_, i) => `${String(i).padStart(line, "A")}${CRLF}${lines}${CRLF}`);
  const head = `${header(0)}${CRLF}Content-Transfer-Encoding: base64${CRLF}${CRLF}`;
  return Buffer.from(head + parts.join(""), "latin1");
}
