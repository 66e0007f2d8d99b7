/** A place for each of several mailboxes below one: folders of a Maildir, files, folders of files. Pure. */
import { join } from "node:path";
import { UsageError } from "../../client/errors.js";
import type { ListedMailbox } from "../../imap/list.js";
import { encodeMailbox } from "../../imap/mailbox-name.js";
import type { MailFormat } from "./stores/open.js";

/** A mailbox, and where its messages go. */
export interface MailPlace {
  readonly mailbox: string;
  readonly to: string;
}

/**
 * Where the messages of several mailboxes go. In a Maildir, INBOX is the Maildir itself, and each other mailbox one of its
 * folders (Maildir++: `.Lists.polywire`); of the other formats `to` is a folder: `to/Lists/polywire.mbox`, `to/Lists/polywire/`.
 * Mailboxes that hold no messages (`\Noselect`) have no place.
 *
 * @throws UsageError where `to` is one file.
 */
export function mailPlaces(mailboxes: readonly ListedMailbox[], to: string, format: MailFormat): MailPlace[] {
  if (/\.mbox(\.gz)?$/i.test(to)) {
    throw new UsageError(`${to} is one file, and there are several mailboxes`, { advice: "name a folder" });
  }
  const hasMail = ({ flags }: ListedMailbox) => !flags.some((flag) => /^\\no(?:select|nexistent)$/i.test(flag));
  return mailboxes.filter(hasMail).map(({ name, delimiter }) => {
    const levels = delimiter === undefined ? [name] : name.split(delimiter);
    return { mailbox: name, to: join(to, PATHS[format](levels.map(plain))) };
  });
}

/** The levels of a name → what stands below the common place. */
const PATHS: Readonly<Record<MailFormat, (levels: readonly string[]) => string>> = {
  maildir: (levels) => (levels.length === 1 && /^inbox$/i.test(levels[0]!) ? "" : `.${levels.join(".")}`),
  mbox: (levels) => `${join(...levels)}.mbox`,
  eml: (levels) => `${join(...levels)}/`,
};

/** A level as a file system can hold it, and different from every other one. */
function plain(level: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  // As IMAP servers keep names on the disk: in ASCII.
  const name = encodeMailbox(level.toWellFormed().replace(/[%./\\:*?"<>|]|\p{Cc}/gu, hex), false);
  return name.replace(/^(?:-|$)/, (start) => (start === "" ? "%" : hex(start)));
}
