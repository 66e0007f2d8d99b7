/** A mailbox whose UIDs have gone back: a backup was restored, and messages that come get the UIDs of others. Pure. */
import { UsageError } from "../../client/errors.js";
import type { ListedMail } from "./plan.js";

/** What is to be compared. */
export interface UidState {
  readonly mailbox: string;
  /** The UID that the next message gets, as the server says it. */
  readonly uidNext: number | undefined;
  /** The highest one that is stored; 0 where none is. */
  readonly highest: number;
  readonly listing: readonly ListedMail[];
}

/**
 * A UID that was given is never given again (RFC 9051 §2.3.1.1), unless UIDVALIDITY changes. Where it is all the same, new
 * messages would be taken for those that are stored: passed over, and perhaps deleted. Throws UsageError.
 */
export function checkUids({ mailbox, uidNext, highest, listing }: UidState): void {
  if (uidNext === undefined || highest < uidNext) return;
  // Some servers do not count right: what they list is more than what they say comes next.
  if (listing.some(({ number }) => number >= uidNext)) return;
  throw new UsageError(
    `the UIDs of ${mailbox} have gone back: the next one is ${uidNext}, and ${highest} is known already`,
    { advice: "it was restored from a backup: use another journal and another place, or its new messages are lost" },
  );
}
