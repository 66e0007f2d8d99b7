/** STATUS as a conversation (RFC 9051 §6.3.11): of one mailbox, or of all on a list. */
import { ReplyError } from "../client/errors.js";
import { shownCommand } from "./command.js";
import { type ListedMailbox, type MailboxStatus, parseStatus, type StatusItem, statusItems } from "./list.js";
import { mailboxArgument } from "./mailbox-argument.js";
import type { Response } from "./response.js";
import type { ImapSession } from "./session.js";

/** What is known of a mailbox. Throws ReplyError, also where the server agrees and tells nothing. */
export async function status(
  session: ImapSession,
  name: string,
  items: readonly StatusItem[],
  timeout: number,
): Promise<MailboxStatus> {
  let told: MailboxStatus | undefined;
  let another: MailboxStatus | undefined;
  let isWhole = false;
  const take = (response: Response) => {
    if (response.name !== "STATUS" || isWhole) return false;
    const status = parseStatus(response, session.utf8);
    const isIt = sameName(status.name, name);
    // A server may spell the name in its own way: where nothing else can be told, this is the answer.
    if (!isIt && (session.statuses > 1 || session.notifying)) return false;
    if (!isIt) another ??= status;
    else told = { ...told, ...status };
    // NOTIFY tells less than was asked for, and the answer is still to come.
    const words = response.raw.toUpperCase();
    isWhole = isIt && items.every((item) => words.includes(item));
    return true;
  };
  const text = ["STATUS ", mailboxArgument(name, session.utf8), ` ${statusItems(items)}`];
  session.statuses++;
  try {
    await session.send(text, { timeout, take });
  } finally {
    session.statuses--;
  }
  if (told ?? another) return (told ?? another) as MailboxStatus;
  throw session.untold(shownCommand(text));
}

/** The list with the status of each mailbox, asked for one by one; one that is refused has none, as with LIST-STATUS. */
export async function eachStatus(
  session: ImapSession,
  listed: readonly ListedMailbox[],
  items: readonly StatusItem[],
  timeout: number,
): Promise<ListedMailbox[]> {
  const out: ListedMailbox[] = [];
  const { pipelining } = session.options;
  for (let at = 0; at < listed.length; at += pipelining) {
    const some = listed.slice(at, at + pipelining);
    const asked = await Promise.allSettled(
      some.map(async (each) => (isSelectable(each) ? status(session, each.name, items, timeout) : undefined)),
    );
    for (const [i, result] of asked.entries()) {
      if (result.status === "rejected" && !(result.reason instanceof ReplyError)) throw result.reason;
      const told = result.status === "fulfilled" ? result.value : undefined;
      out.push(told === undefined ? some[i]! : { ...some[i]!, status: told });
    }
  }
  return out;
}

/** The list with what was told along with it (LIST-STATUS, RFC 5819). */
export function withStatus(listed: readonly ListedMailbox[], told: readonly MailboxStatus[]): ListedMailbox[] {
  const byName = new Map(told.map((each) => [each.name, each]));
  return listed.map((each) => {
    const status = byName.get(each.name);
    return status === undefined ? each : { ...each, status };
  });
}

function isSelectable({ flags }: ListedMailbox): boolean {
  return !flags.some((flag) => /^\\no(?:select|nexistent)$/i.test(flag));
}

/** INBOX is so in any case, also as the first level (RFC 9051 §5.1); and an `ä` may be one character or two. */
function sameName(a: string, b: string): boolean {
  const spelt = (name: string) => name.normalize("NFC").replace(/^inbox(?![\p{L}\p{N}])/iu, "INBOX");
  return spelt(a) === spelt(b);
}
