/** Names of mailboxes and flags as arguments of commands. No I/O. */
import { astring, type Piece, string } from "./command.js";
import { checkFlag } from "./flags.js";
import { encodeMailbox } from "./mailbox-name.js";

/** A mailbox's name as an argument. Throws UsageError for what is none. */
export function mailboxArgument(name: string, utf8: boolean): Piece {
  return astring(encodeMailbox(name, utf8), true);
}

/** A pattern of LIST: `*` and `%` stand for what they do there. */
export function patternArgument(pattern: string, utf8: boolean): Piece {
  return string(encodeMailbox(pattern, utf8), true);
}

/** Flags in parentheses. Throws UsageError for what is no flag. */
export function flagList(flags: readonly string[]): string {
  return `(${flags.map(checkFlag).join(" ")})`;
}
