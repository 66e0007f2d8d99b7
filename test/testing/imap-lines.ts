/** A client without manners that speaks IMAP, for tests of the server: logs in, plays dialogues. */
import { ImapServer, type ImapServerOptions, type ImapUser } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

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
