/** A client without manners that speaks IMAP, for tests of the server: logs in, plays dialogues. */
import { ImapServer, type ImapServerOptions, type ImapUser } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

/** The message of RFC 9051's examples, but for a line that begins with a dot. */
export const MAIL =
  "Date: Wed, 17 Jul 1996 02:23:25 -0700\nFrom: Terry Gray <gray@cac.washington.edu>\nSubject: IMAP4 WG mtg\n" +
  "To: imap@cac.washington.edu\nCc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n" +
  "Message-ID: <B27397-0100000@cac.washington.edu>\n\nHello\n.dots\n";

/** A server with one user, alice. */
export function serverFor(
  mailboxes: NonNullable<ImapUser["mailboxes"]>,
  options: Omit<ImapServerOptions, "users"> = {},
): Promise<ImapServer> {
  return ImapServer.start({ ...options, users: { alice: { password: "secret", mailboxes } } });
}

/** Connected, and greeted. */
export function greeted(server: ImapServer): Promise<RawLines> {
  return RawLines.open(server.port).play("S: * OK …");
}

/** Logged in, perhaps with a mailbox open. */
export async function entered(server: ImapServer, mailbox?: string): Promise<RawLines> {
  const raw = await (await greeted(server)).play("C: a0 LOGIN alice secret\nS: a0 OK …");
  if (mailbox !== undefined) await answer(raw, `a1 SELECT ${mailbox}`);
  return raw;
}

/** The lines of a whole answer, up to the tagged one. */
export async function answer(raw: RawLines, command: string): Promise<string[]> {
  const tag = command.slice(0, command.indexOf(" "));
  raw.write(`${command}\r\n`);
  const lines: string[] = [];
  do lines.push(await raw.line());
  while (!lines.at(-1)?.startsWith(`${tag} `) && !(raw.closed && lines.at(-1) === ""));
  return lines;
}
