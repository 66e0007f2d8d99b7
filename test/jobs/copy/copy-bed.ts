/** Two servers of IMAP in memory: from one to the other mail is copied. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CopyMailOptions } from "../../../src/jobs/copy/options.js";
import { ImapServer, type ImapServerOptions } from "../../../src/testing/index.js";
import { letters } from "../mail/imap-bed.js";

/** Two servers, the first with mail in its INBOX, and a journal. */
export interface CopyBed extends AsyncDisposable {
  readonly from: ImapServer;
  readonly to: ImapServer;
  readonly journal: string;
  options(more?: Partial<CopyMailOptions>): CopyMailOptions;
  /** What is in the target: content, flags, date; sorted. */
  copies(mailbox?: string): unknown[];
}

export async function copyBed(
  count: number,
  {
    source = {},
    target = {},
    messages = letters(count),
  }: { source?: ImapServerOptions; target?: ImapServerOptions; messages?: ReturnType<typeof letters> } = {},
): Promise<CopyBed> {
  const inbox = { INBOX: { messages, uidValidity: 7 } };
  const from = await ImapServer.start({ users: { test: { password: "test", mailboxes: inbox } }, ...source });
  const to = await ImapServer.start({ users: { test: { password: "test" } }, ...target });
  const folder = mkdtempSync(join(tmpdir(), "polywire-copy-"));
  const journal = join(folder, "copy.journal");
  return {
    from,
    to,
    journal,
    options: (more = {}) => ({
      from: from.urlOf(),
      to: to.urlOf().replace("?", "/Archive/2026?"),
      journal,
      ...more,
    }),
    copies: (mailbox = "Archive/2026") => stateOf(to, mailbox),
    async [Symbol.asyncDispose]() {
      await Promise.all([from.close(), to.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What is in a mailbox: content, flags, date; sorted. */
export function stateOf(server: ImapServer, mailbox: string): unknown[] {
  const box = server.mailbox(mailbox);
  const all = box.messages.map(({ uid, flags, internalDate }) => ({
    content: box.content(uid).toString("latin1"),
    flags: [...flags].sort(),
    date: internalDate,
  }));
  return all.sort((a, b) => (a.content < b.content ? -1 : a.content > b.content ? 1 : 0));
}

/** What the copy of a server's INBOX is to be. */
export const sorted = (server: ImapServer) => stateOf(server, "INBOX");
