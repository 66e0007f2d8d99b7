/** A mailbox of IMAP on a server in memory, and a folder to fetch into. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FetchMailOptions } from "../../../src/jobs/mail/options.js";
import { type ImapMailbox, ImapServer, type ImapServerOptions } from "../../../src/testing/index.js";
import { messageOf } from "./bed.js";

/** When the n-th message came. */
export const cameAt = (n: number) => new Date(Date.UTC(2026, 1, 3, 10, n % 60, n % 59));

/** The flags of the n-th: every set there is. */
export function flagsOf(n: number): string[] {
  const all = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "$Forwarded", "Mine"];
  return all.filter((_, i) => n & (1 << i));
}

/** Messages 1 to `count`. */
export const letters = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    content: messageOf(i + 1),
    flags: flagsOf(i + 1),
    internalDate: cameAt(i + 1),
  }));

export interface ImapBed extends AsyncDisposable {
  readonly server: ImapServer;
  readonly box: ImapMailbox;
  readonly folder: string;
  options(to: string, more?: Partial<FetchMailOptions>): FetchMailOptions;
  at(name: string): string;
  /** What was asked of the server, without tags and without the login. */
  readonly commands: string[];
}

export async function imapBed(
  count: number,
  options: ImapServerOptions = {},
  messages = letters(count),
): Promise<ImapBed> {
  const users = { test: { password: "test", mailboxes: { INBOX: { messages, uidValidity: 7 } } } };
  const server = await ImapServer.start({ users, ...options });
  const folder = mkdtempSync(join(tmpdir(), "polywire-imap-mail-"));
  const at = (name: string) => join(folder, name);
  return {
    server,
    folder,
    at,
    get box() {
      return server.mailbox("INBOX");
    },
    get commands() {
      return server.commands.map((line) => line.replace(/^.*?[A-Z]\d+ /, ""));
    },
    options: (to, more = {}) => ({ server: server.urlOf(), to: at(to), journal: at("mail.journal"), ...more }),
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
