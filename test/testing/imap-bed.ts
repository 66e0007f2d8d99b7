/** What the raw dialogues with the in-memory IMAP server share: a server and a client that is logged in, gone behind the test. */
import { afterEach } from "vitest";
import type { ImapServer } from "../../src/testing/index.js";
import { entered, serverFor } from "./imap-lines.js";
import type { RawLines } from "./raw-lines.js";

/** Where one is open, as the test sees it. */
export let server: ImapServer;
export let raw: RawLines;

const FIVE: Parameters<typeof serverFor>[0] = { INBOX: ["a\n", "b\n", "c\n", "d\n", "e\n"] };

/** Starts a server, and logs in. `mailbox` is opened; `""`: none is. */
export async function open(
  mailboxes = FIVE,
  mailbox = "INBOX",
  options: Parameters<typeof serverFor>[1] = {},
): Promise<void> {
  server = await serverFor(mailboxes, options);
  await enter(mailbox);
}

/** Logs in by another client. */
export async function enter(mailbox = "INBOX"): Promise<void> {
  raw = await entered(server, mailbox === "" ? undefined : mailbox);
}

afterEach(async () => {
  raw.close();
  await server.close();
});
