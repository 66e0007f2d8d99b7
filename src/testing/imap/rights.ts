/** Who may do what with a mailbox (RFC 4314). */
import type { ImapMailbox } from "./mailbox.js";
import { bad, no } from "./reply.js";

/** Look up, read, seen, write flags, insert, post, create below, delete, delete messages, expunge, administer. */
export const RIGHTS = "lrswipkxtea";
export type Right = "l" | "r" | "s" | "w" | "i" | "p" | "k" | "x" | "t" | "e" | "a";

/** What the owner may do: everything, unless it was set; administering stays. */
export function rightsOf(mailbox: ImapMailbox, user: string): string {
  const set = mailbox.acl.get(user);
  if (set === undefined) return RIGHTS;
  return set.includes("a") ? set : `${set}a`;
}

export function may(mailbox: ImapMailbox, user: string, right: Right): boolean {
  return rightsOf(mailbox, user).includes(right);
}

/** Refuses what the user may not do. */
export function demand(mailbox: ImapMailbox, user: string, right: Right): void {
  if (!may(mailbox, user, right)) no(`You need the right ${right}`, "NOPERM");
}

/** The rights that flags need: \Seen, \Deleted, all others. */
export function rightFor(flag: string): Right {
  const lower = flag.toLowerCase();
  return lower === "\\seen" ? "s" : lower === "\\deleted" ? "t" : "w";
}

/** Rights as they are written, `c` and `d` of RFC 2086 put as what they meant. */
export function parseRights(text: string): string {
  const whole = text.replaceAll("c", "kx").replaceAll("d", "te");
  if (/[^lrswipkxtea]/.test(whole)) bad(`No such right: ${text}`);
  return [...RIGHTS].filter((right) => whole.includes(right)).join("");
}
