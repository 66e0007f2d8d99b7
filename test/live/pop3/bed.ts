/** What the live POP3 tests share: one server per describe, clients that are closed after each test, mail of all kinds. */
import { expect } from "vitest";
import type { Security } from "../../../src/client/session.js";
import { Transcript } from "../../../src/client/transcript.js";
import { Pop3Client } from "../../../src/pop3/client.js";
import type { Pop3Options } from "../../../src/pop3/options.js";
import { describeBed, errorOf, type LiveBed } from "../bed.js";
import {
  type LiveMail,
  MAIL_ABILITIES,
  MAIL_KINDS,
  type MailAbilities,
  type MailKind,
  type MailOptions,
  startMail,
} from "../servers/mail.js";

/** In the clear, upgraded, and from the first byte. */
export const SECURITIES: readonly Security[] = ["plain", "starttls", "tls"];

/** A server for one describe. Its clients are alice in the clear unless told otherwise. */
export interface Bed extends LiveBed<LiveMail, Pop3Client, Pop3Options> {
  readonly kind: MailKind;
  readonly has: MailAbilities;
}

/** `describe` with one server for all its tests. */
export function describeMail(kind: MailKind, options: MailOptions, name: string, tests: (bed: Bed) => void): void {
  const start = () => startMail(kind, options);
  describeBed(kind, name, { start, client: clientOf }, (bed) =>
    tests(Object.assign(bed, { kind, has: MAIL_ABILITIES[kind] })),
  );
}

function clientOf({ host, ports, users }: LiveMail, more: Partial<Pop3Options>, ca: string): Pop3Client {
  const { security = "plain" } = more;
  const port = security === "tls" ? ports.pop3s : ports.pop3;
  const credentials = { user: "alice", password: users.alice };
  // The host is an address that no certificate names where plain text is refused.
  const tls = { ca, servername: "localhost", ...more.tls };
  return new Pop3Client({ host, port, security, credentials, ...more, tls });
}

/** One describe per server. */
export function describeEach(options: MailOptions, tests: (bed: Bed) => void): void {
  for (const kind of MAIL_KINDS) describeMail(kind, options, kind, tests);
}

/** The client answers, and has not lost count of its replies. */
export async function expectUsable(pop3: Pop3Client): Promise<void> {
  const [stat, sizes] = await Promise.all([pop3.stat(), pop3.list().toArray(), pop3.noop()]);
  expect(sizes).toHaveLength(stat.count);
}

/** What a client said in a session: verbs, and the first word behind AUTH. */
export function said(transcript: Transcript): string[] {
  const lines = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text);
  return lines.map((line) => /^AUTH \S+|^\S+/.exec(line)?.[0] ?? "");
}

/** Messages that are hard to carry: each ends with CR LF, and has nothing that a server may change. */
export const HARD: readonly Buffer[] = [
  "Subject: plain\r\n\r\nhello\r\n",
  "Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.a\r\n\r\n.\r\nend\r\n",
  "Subject: no body\r\n\r\n",
  `Subject: long\r\n\r\n${"x".repeat(998)}\r\n${".".repeat(998)}\r\n`,
  `Subject: longer\r\n\r\n${"x".repeat(10_000)}\r\n.${".".repeat(10_000)}\r\n`,
  "Subject: gr\u00f6\u00dfe \u20ac\r\nX-More: \u65e5\u672c\u8a9e\r\n\r\n\u00fc\r\n",
  `Subject: folded\r\n\tmore\r\nX-Long: ${"y".repeat(5_000)}\r\n\r\n`,
  "Subject: says +OK\r\n\r\n+OK 5 5\r\n-ERR no\r\n+ x\r\n.x\r\n",
  `Subject: large\r\n\r\n${`.${"z".repeat(76)}\r\n`.repeat(40_000)}`,
]
  .map((text) => Buffer.from(text))
  .concat(
    // Bytes that are no UTF-8, in the body.
    Buffer.concat([
      Buffer.from("Subject: octets\r\n\r\n"),
      Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((c) => c !== 0 && c !== 10 && c !== 13)),
      Buffer.from("\r\n"),
    ]),
  );

export { errorOf, Transcript };
