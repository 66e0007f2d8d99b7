/** Names of mailboxes, flags and numbers as arguments of commands. No I/O. */
import { UsageError } from "../client/errors.js";
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
  if (!Array.isArray(flags)) {
    throw new UsageError(`flags are a list, not ${JSON.stringify(flags)}`, { protocol: "imap" });
  }
  return `(${flags.map((flag: string) => checkFlag(flag)).join(" ")})`;
}

/** True where messages are named by their numbers. Throws UsageError for a word that names neither. */
export function isByNumber(by: "uid" | "number" | undefined): boolean {
  if (by === undefined || by === "uid" || by === "number") return by === "number";
  throw new UsageError(`messages are named by "uid" or "number", not ${JSON.stringify(by)}`, { protocol: "imap" });
}

/** A whole number of at most 64 bits. Throws UsageError; `what` is what it should be. */
export function wholeArgument(what: string, value: number | bigint): string {
  const most = 2n ** 64n;
  if (typeof value === "bigint" ? value >= 0n && value < most : Number.isSafeInteger(value) && value >= 0) {
    return String(value);
  }
  throw new UsageError(`${what} is a whole number, not ${String(value)}`, { protocol: "imap" });
}
