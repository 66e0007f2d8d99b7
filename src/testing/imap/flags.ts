/** Flags as commands give them, and which of them a user may set in a mailbox. */
import type { Input } from "./input.js";
import { type ImapMailbox, SYSTEM_FLAGS } from "./mailbox.js";
import { hasFlag } from "./message.js";
import { bad } from "./reply.js";
import { may, rightFor } from "./rights.js";

/** Reads a flag that a message can have. */
export function messageFlag(input: Input): string {
  const flag = input.flag();
  if (!flag.startsWith("\\")) return flag;
  return SYSTEM_FLAGS.find((known) => known.toLowerCase() === flag.toLowerCase()) ?? bad(`${flag} cannot be stored`);
}

/** Reads flags with their parentheses. */
export function flagList(input: Input): string[] {
  return input.list(() => messageFlag(input));
}

/** Of these flags, those that can be kept here for this user; the others are dropped (RFC 9051 6.4.6, RFC 4314 4). */
export function permitted(mailbox: ImapMailbox, user: string, flags: readonly string[]): string[] {
  const { known, newKeywords } = mailbox;
  return flags.filter((flag) => may(mailbox, user, rightFor(flag)) && (newKeywords || hasFlag(known, flag)));
}
